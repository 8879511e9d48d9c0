"""Axes in the space of a network's units as a file: a mean, and orthonormal vectors by falling variance."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.core.errors import ConfigError, MyoError

Array = NDArray[np.float64]
ENDINGS = (".npz", ".csv")
TOLERANCE = 1e-4
"""By so much may products of the vectors differ from those of orthonormal ones."""


@dataclass(frozen=True, eq=False)
class AxesFile:
    """What a file of axes holds."""

    mean: Array
    """(n_units,) where the axes cross."""
    components: Array
    """(n_axes, n_units) orthonormal vectors."""


def check(mean: ArrayLike, components: ArrayLike) -> AxesFile:
    """The axes as arrays; refuses shapes that do not fit, numbers that are not finite, vectors not orthonormal."""
    try:
        m, c = np.array(mean, float), np.array(components, float)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"axes are numbers: a mean (n_units) and components (n_axes, n_units): {error}") from None
    if m.ndim != 1 or c.ndim != 2 or c.shape[1:] != m.shape or not c.size:
        raise ConfigError(f"axes are a mean (n_units) and components (n_axes, n_units), got {m.shape} and {c.shape}")
    if not (np.isfinite(m).all() and np.isfinite(c).all()):
        raise ConfigError("axes are finite numbers")
    apart = float(np.abs(c @ c.T - np.eye(len(c))).max())
    if apart > TOLERANCE:
        raise ConfigError(f"axes are orthonormal vectors; products of these differ by {apart:.2g} from those of such")
    return AxesFile(m, c)


def read(path: Path) -> AxesFile:
    """The axes in an .npz (arrays `mean` and `components`) or a .csv as `write` makes it; raises `ConfigError`."""
    if path.suffix not in ENDINGS:
        raise ConfigError(f"a file of axes ends with {' or '.join(ENDINGS)}, got {str(path)!r}")
    try:
        axes = _npz(path) if path.suffix == ".npz" else _csv(path)
    except MyoError:
        raise
    except OSError as error:
        raise ConfigError(f"axes {path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, zipfile.BadZipFile, EOFError, csv.Error) as error:
        raise ConfigError(
            f"axes {path} cannot be read: {' '.join(str(error).split()) or type(error).__name__}"
        ) from None
    try:
        return check(*axes)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def write(path: Path, mean: ArrayLike, components: ArrayLike) -> None:
    """Write axes for `read`: in a .csv one row for the mean and one for each component, numbers from 0."""
    axes = check(mean, components)
    if path.suffix not in ENDINGS:
        raise ConfigError(f"a file of axes ends with {' or '.join(ENDINGS)}, got {str(path)!r}")
    buffer = io.BytesIO()
    if path.suffix == ".npz":
        np.savez(buffer, mean=axes.mean, components=axes.components)
    else:
        rows = [["axis", *map(str, range(axes.mean.size))]]
        for name, row in (("mean", axes.mean), *enumerate(axes.components)):
            rows.append([str(name), *(f"{x:.9g}" for x in row)])
        buffer.write("".join(",".join(row) + "\n" for row in rows).encode())
    try:
        path.write_bytes(buffer.getvalue())
    except OSError as error:
        raise ConfigError(f"axes {path} cannot be written: {error.strerror}") from None


def _npz(path: Path) -> tuple[Array, Array]:
    with np.load(path, allow_pickle=False) as held:
        return held["mean"], held["components"]


def _csv(path: Path) -> tuple[list[float], list[list[float]]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    if len(rows) < 3 or rows[0][0] != "axis" or rows[1][0] != "mean":
        raise ValueError("the first row is 'axis' and the numbers of the units, the second begins with 'mean'")
    if len({len(row) for row in rows}) > 1:
        raise ValueError("its rows differ in length")
    return [float(x) for x in rows[1][1:]], [[float(x) for x in row[1:]] for row in rows[2:]]
