"""Files of movements: OpenSim's .mot and .sto, MATLAB's .mat, numpy's .npz, .csv, .bvh, and .c3d with joint angles."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.extras import library
from myoprosthesis.files.regular import read_bytes
from myoprosthesis.motion.bvh_file import read_bvh
from myoprosthesis.motion.c3d_file import read_c3d
from myoprosthesis.motion.recording import MotionColumns, MotionRecording

Array = NDArray[np.float64]
MOST_BYTES = 256 << 20
TIMES = ("time", "time_s", "t")
"""Names of the column with times, s."""

SAME_RATE = 0.01
"""By how much, as a share, a rate may differ from that of a file's times."""
LONGEST_STEP_S = 0.25
"""A longer time between two samples is one in other units than seconds."""


def read(path: Path, rate_hz: float = 0.0) -> MotionRecording:
    """The movement in a file, by the ending of its name.

    Args:
        path: The file; nothing in it is unpickled or run.
        rate_hz: Samples a second, of a file that has no times.

    Raises:
        ConfigError: An unknown ending, a damaged file, or one without times where no rate is given.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(f"{path}: movements are read from files that end with {', '.join(READERS)}")
    try:
        table = reader(read_bytes(path, MOST_BYTES))
        time_s, columns = _timed(table.columns, rate_hz)
    except (ConfigError, ValueError, KeyError, IndexError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return MotionRecording(time_s, columns, table.degrees, table.remarks)


def _timed(columns: Mapping[str, Array], rate_hz: float) -> tuple[Array, dict[str, Array]]:
    """The times, and the other columns."""
    own = next((name for name in columns if name.lower() in TIMES), "")
    rest = {name: values for name, values in columns.items() if name != own}
    if not rest:
        raise ConfigError("it has no columns of numbers beside the time")
    n = len(next(iter(rest.values())))
    if n < 2:
        raise ConfigError("it has one sample, and a movement takes several")
    if not own:
        if not rate_hz:
            raise ConfigError("it has no column of times: say how many samples there are in a second (--rate)")
        return np.arange(n) / rate_hz, rest
    step = float(np.median(np.diff(columns[own]))) if n > 1 else 0.0
    if rate_hz and abs(step * rate_hz - 1.0) > SAME_RATE:
        raise ConfigError(f"its times ({own}) step by {step:.4g} s, which is not {rate_hz:g} Hz: leave --rate out")
    if step > LONGEST_STEP_S:
        raise ConfigError(
            f"its times ({own}) step by {step:.4g} s, and nobody's movement is sampled so seldom: they must be in s"
        )
    return columns[own], rest


def _opensim(data: bytes) -> MotionColumns:
    """A header with `inDegrees`, then `endheader`, the names, and the rows."""
    lines = data.decode("utf-8", "replace").splitlines()
    end = next((k for k, line in enumerate(lines) if line.strip().lower() == "endheader"), -1)
    if end < 0 or end + 2 >= len(lines):
        raise ConfigError("it has no line `endheader` with names and rows behind it, as files of OpenSim have")
    stated = [line.partition("=")[2].strip().lower() for line in lines[:end] if line.lower().startswith("indegrees")]
    names = lines[end + 1].split()
    table = np.array([line.split() for line in lines[end + 2 :] if line.strip()], float)
    return MotionColumns(_columns(names, table), {"yes": True, "no": False}.get(stated[0]) if stated else None)


def _csv(data: bytes) -> MotionColumns:
    """A row of names, then rows of numbers; a name may end with its unit, `[deg]`, `[rad]`, `[m]` or `[s]`.

    Between cells are commas, semicolons or tabs; decimal commas where a semicolon or tab leaves them room.
    """
    text = data.decode("utf-8-sig")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    if delimiter != "," and "." not in text.partition("\n")[2]:
        text = text.replace(",", ".")
    names, *rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    units = [name.partition("[")[2].rstrip("] ") for name in names]
    if strange := sorted({*units} - {"deg", "rad", "m", "s", ""}):
        raise ConfigError(f"a column is in {strange[0]!r}: bring it to deg, rad, m or s")
    columns = _columns([name.partition("[")[0].strip() for name in names], _numbers(rows))
    angles = {*units} & {"deg", "rad"}
    if len(angles) < 2:
        return MotionColumns(columns, "deg" in angles if angles else None)
    alone = [name for name, unit in zip(columns, units, strict=True) if not unit and name.lower() not in TIMES]
    if alone:
        raise ConfigError(
            f"columns are in deg and in rad, and {alone[0]!r} does not say its unit: give all of them one"
        )
    in_degrees = {
        name: np.rad2deg(values) if unit == "rad" else values
        for (name, values), unit in zip(columns.items(), units, strict=True)
    }
    return MotionColumns(in_degrees, True)


def _numbers(rows: Sequence[Sequence[str]]) -> Array:
    """The rows below the names, which are in the first line, as (n_rows, n_columns)."""
    if not any(rows):
        raise ConfigError("it has no rows below its names")
    for line, row in enumerate(rows, 2):
        for place, cell in enumerate(row, 1):
            try:
                float(cell)
            except ValueError:
                raise ConfigError(f"line {line}, cell {place}: {cell!r} is no number") from None
    return np.array([row for row in rows if row], float)


def _mat(data: bytes) -> MotionColumns:
    """A structure with `data` and `colheaders`, as MATLAB's importdata makes it, or a variable for each column."""
    scipy_io = library("scipy.io", "emg", "a .mat file")
    try:
        content = scipy_io.loadmat(io.BytesIO(data), simplify_cells=True)
    except NotImplementedError as error:
        raise ConfigError("it is of MATLAB's version 7.3: save it with -v7") from error
    for value in content.values():
        if isinstance(value, dict) and {"data", "colheaders"} <= set(value):
            return MotionColumns(_columns([str(n) for n in value["colheaders"]], np.asarray(value["data"], float)))
    return MotionColumns(_alike(content.items()))


def _npz(data: bytes) -> MotionColumns:
    """An array for each column; `q_` before the names is left out, and arrays with `dq_`, velocities, are."""
    with np.load(io.BytesIO(data), allow_pickle=False) as content:
        names = [name for name in content.files if not name.startswith("dq_")]
        columns = _alike((name.removeprefix("q_"), values) for name, values in _loaded(content, names))
    return MotionColumns(columns)


def _loaded(content: Any, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The arrays of numbers; those of objects would be unpickled, and are left out."""
    for name in names:
        try:
            yield name, content[name]
        except ValueError:
            continue


def _alike(entries: Any) -> dict[str, Array]:
    """The columns of numbers that are as long as most are."""
    columns = {
        str(name): np.asarray(values, float)
        for name, values in entries
        if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "fiu"
    }
    lengths = [len(values) for values in columns.values()]
    usual = max(set(lengths), key=lengths.count, default=0)
    return {name: values for name, values in columns.items() if len(values) == usual}


def _columns(names: Sequence[str], table: Array) -> dict[str, Array]:
    if table.ndim != 2 or table.shape[1] != len(names):
        raise ConfigError(f"it has {len(names)} names for rows of {table.shape[1] if table.ndim == 2 else 0} numbers")
    if len(set(names)) != len(names):
        raise ConfigError(f"it has a name twice: {', '.join(sorted({n for n in names if list(names).count(n) > 1}))}")
    return {name: table[:, k] for k, name in enumerate(names)}


READERS: dict[str, Callable[[bytes], MotionColumns]] = {
    ".mot": _opensim, ".sto": _opensim, ".mat": _mat, ".npz": _npz, ".csv": _csv, ".c3d": read_c3d, ".bvh": read_bvh,
}  # fmt: skip
"""What reads a file, by the ending of its name."""
