"""Recordings as text tables: CSV, TSV and columns between blanks."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats import agreement
from myoprosthesis.emg.layout import TIME_UNITS, Layout, needed, uses, with_file_defaults
from myoprosthesis.emg.recording import Recording, Span, runs, volts

Array = NDArray[np.float64]
TEXT = "U40"


@uses("rate", "unit", "channels", "time", "time_unit", "label", "targets", "target_cell", "prompts")
def read_table(path: Path, layout: Layout, block: int) -> Iterator[Recording]:
    """Rows of a text table as recordings of up to `block` rows each (0: all at once).

    The first line may name the columns; lines before it that begin with # may say `# rate: 1000` (Hz), `# unit: uV`,
    and which columns are the times (s) and the labels: `# time: t`, `# label: gesture`.
    """
    with _opened(path) as file:
        said, first = {}, file.readline()
        while first.startswith("#"):
            key, _, value = first.lstrip("# ").partition(":")
            said[key.strip().lower()] = value.strip()
            first = file.readline()
        if not first.strip():
            raise ConfigError(f"{path} is empty")
        layout = with_file_defaults(layout, said)
        delimiter = _delimiter(first)
        cells = [c.strip().strip('"') for c in first.split(delimiter)]
        named = not all(_is_number(c) for c in cells)
        columns = cells if named else [f"ch{k + 1}" for k in range(len(cells))]
        if named and any(_is_number(c) for c in cells):
            raise ConfigError(f"{path}: its first line mixes names and numbers: {first.strip()[:80]!r}")
        if len(set(columns)) != len(columns):
            raise ConfigError(f"{path}: column names are not unique: {', '.join(columns)}")
        rate = agreement.rate(path, layout, float(said["rate"]) if _is_number(said.get("rate", "")) else 0.0)
        file_unit = agreement.unit(path, layout, said.get("unit", ""))
        unit, scale = volts(file_unit)
        channels = _channels(path, layout, columns)
        texts = [c for c in (layout.label, *(layout.targets if layout.target_cell else ())) if c]
        kinds = [(f"f{k}", TEXT if c in texts else "f8") for k, c in enumerate(columns)]
        where = {c: f"f{k}" for k, c in enumerate(columns)}
        before, count, pending = "", 0, "" if named else first
        prompts = _Prompts(path, layout) if layout.prompts else None
        while True:
            rows = _rows(path, file, pending, delimiter, kinds, block, count)
            pending = ""
            if not rows.size:
                break
            n = len(rows)
            times = (count + np.arange(n)) / rate
            if layout.time:
                times = rows[where[layout.time]] * TIME_UNITS[layout.time_unit]
            names, targets = layout.targets, _targets(path, rows, layout, where, whole=not block)
            spans: tuple[Span, ...] = ()
            if prompts:
                names, targets, spans = prompts.names, *prompts.at(times)
            elif layout.label:
                labels = np.char.strip(rows[where[layout.label]])
                spans, before = runs(labels, before), str(labels[-1])
            samples = np.stack([rows[where[c]] for c in channels], axis=1) * scale
            yield Recording(
                samples, channels, rate, unit, times, bool(layout.time), spans, targets, names, str(path), file_unit
            )  # fmt: skip
            count += n
            if not block:
                break
        if not count:
            raise ConfigError(f"{path} has no samples")


class _Prompts:
    """A table beside the recording: from each row's time on, those targets were asked for."""

    def __init__(self, path: Path, layout: Layout) -> None:
        beside = path.parent / layout.prompts
        if not layout.time:
            raise needed(path, "sample times, which the prompts need", "time", "timestamp")
        with _opened(beside) as file:
            cells = [c.strip() for c in file.readline().split(",")]
            try:
                table = np.loadtxt(file, delimiter=",", ndmin=2)
            except ValueError as error:
                raise ConfigError(f"{beside} cannot be read: {error}") from error
        if len(cells) < 2 or table.shape[1] != len(cells) or not np.isfinite(table).all():
            raise ConfigError(f"{beside} needs a column of times and one column per target, all of them numbers")
        self.names = tuple(cells[1:])
        self._before = ""
        self._begins, self._values = table[:, 0] * TIME_UNITS[layout.time_unit], table[:, 1:]

    def at(self, times: Array) -> tuple[Array, tuple[Span, ...]]:
        """Targets (n, k) and a span a prompt, named after what is asked for; nothing before the first prompt."""
        which = np.searchsorted(self._begins, times, side="right") - 1
        targets = np.where((which >= 0)[:, None], self._values[np.maximum(which, 0)], np.nan)
        spans = []
        asked = [str(k) if k >= 0 else "" for k in which]
        for run in runs(asked, self._before):
            on = [n for n, v in zip(self.names, self._values[int(run.label)], strict=True) if v > 0.5]
            spans.append(Span("+".join(on) or "none", run.start, run.stop, run.continued))
        self._before = asked[-1] if asked else self._before
        return targets, tuple(spans)


def _opened(path: Path):  # type: ignore[no-untyped-def]
    try:
        file = path.open(encoding="utf-8")
        file.read(1)
        file.seek(0)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no text: is its extension right?") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    return file


def _delimiter(line: str) -> str | None:
    return next((d for d in (",", "\t", ";") if d in line), None)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _channels(path: Path, layout: Layout, columns: list[str]) -> tuple[str, ...]:
    """The columns that are EMG; every column that the layout names must be there."""
    others = [c for c in (layout.time, layout.label, *layout.targets) if c]
    for name in (*layout.channels, *others):
        if name not in columns:
            raise ConfigError(f"{path}: {unknown('column', name, columns)}")
    channels = layout.channels or tuple(c for c in columns if c not in others)
    if not channels:
        raise ConfigError(f"{path} has no column left for EMG: there are {', '.join(columns)}")
    return channels


def _rows(  # type: ignore[no-untyped-def]
    path: Path, file, pending: str, delimiter: str | None, kinds: list[tuple[str, str]], block: int, count: int
) -> NDArray[np.void]:
    """Up to `block` rows as one structured array."""

    def lines() -> Iterator[str]:
        if pending:
            yield pending
        while line := file.readline():
            yield line

    wanted = block or None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "input contained no data" at the end of the file
            plain = all(kind == "f8" for _, kind in kinds)
            rows = np.loadtxt(
                lines(), delimiter=delimiter, max_rows=wanted, ndmin=2 if plain else 1,
                dtype=float if plain else np.dtype(kinds),
            )  # fmt: skip
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no text: is its extension right?") from error
    except ValueError as error:
        words = re.sub(r"; use `usecols`.*", "", str(error)).replace("\n", " ")
        raise ConfigError(f"{path} cannot be read as a table, rows counted from {count}: {words}") from error
    if plain and rows.size:
        if rows.shape[1] != len(kinds):
            raise ConfigError(f"{path}: {rows.shape[1]} columns where its first line has {len(kinds)}")
        return np.ascontiguousarray(rows).view(np.dtype(kinds))[:, 0]
    return rows


def _targets(path: Path, rows: NDArray[np.void], layout: Layout, where: dict[str, str], whole: bool) -> Array:
    """Targets (n, k); cells that do not look as they should are filled in from their neighbours. A part of a file in
    which there is no sound one has NaN; a `whole` file is refused then."""
    out = np.full((len(rows), len(layout.targets)), np.nan)
    for k, name in enumerate(layout.targets):
        cells = rows[where[name]]
        if layout.target_cell:
            pattern = re.compile(layout.target_cell)
            sound = np.array([bool(pattern.fullmatch(c.strip())) for c in cells])
            if whole and not sound.any():
                raise ConfigError(f"{path}: no cell of {name!r} looks like {layout.target_cell!r}")
            places = np.flatnonzero(sound)
            if places.size:
                out[:, k] = np.interp(np.arange(len(rows)), places, cells[places].astype(float))
        else:
            out[:, k] = cells
    return out
