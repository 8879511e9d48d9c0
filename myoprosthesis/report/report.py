"""A report of one session, or of several for comparison: a page, and a folder of pictures and tables."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files.atomic import write_atomic
from myoprosthesis.report import figures, session_data, style
from myoprosthesis.report.accumulators import MovementAccumulators, gather, select
from myoprosthesis.report.html_page import page
from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Section, columns_text

FOLDER, PAGE, NUMBERS = "report", "index.html", "figures.json"


def read(folder: Path, seed: int = 0) -> ReportSession:
    """A session with its recorded movements, as far as they can be read."""
    data = session_data.load(folder)
    session = figures.session(data, seed)
    faults = list(session.faults)
    recorded = _recorded(folder, session, faults)
    return replace(session, recorded=recorded, faults=tuple(faults))


def _recorded(folder: Path, session: ReportSession, faults: list[str]) -> MovementAccumulators | None:
    recording = session_data.recording(folder, faults)
    if recording is None:
        return None
    trials = session.table.trial.tolist()
    out = gather(recording.movements(trials), select(session.blocks), recording.duration_s)
    out.muscles = recording.muscles
    out.ledgers = recording.ledgers()
    faults += [f"Recording: {fault}." for fault in recording.faults]
    if recording.trials_found < len(trials):
        missing = len(trials) - recording.trials_found
        faults.append(
            f"{missing} of {len(trials)} trials of the table are not in the recording, "
            "or only a part of them is; figures that need movements are of the others."
        )
    return out


def report(folder: Path, out: Path | None = None, seed: int = 0) -> dict[str, Any]:
    """Write the report of a session into `out` (its folder `report`); the numbers of the page."""
    from myoprosthesis.report.sections import (
        channel,
        deviation,
        directions,
        hidden,
        index,
        learner,
        muscles,
        paths,
        repeat,
        summary,
        timing,
    )  # fmt: skip

    order = (summary, deviation, paths, index, channel, directions, hidden, muscles, timing, learner, repeat)
    session_data.load(folder)  # refused before anything is made
    place = folder_of(out or folder / FOLDER)
    with style.style():
        session = read(folder, seed)
        sections = [part.section(session) for part in order]
        numbers = {**figures.of(session), "sections": measured(sections)}
        write(place, session.name, "Session report", sections, numbers)
    return numbers


def measured(sections: Sequence[Section]) -> dict[str, Any]:
    """The columns of every drawing, by its name."""
    out: dict[str, Any] = {}
    for d in drawings(sections):
        if sum(map(len, d.columns.values())) <= 20_000:
            out[d.name] = {k: [x.item() if hasattr(x, "item") else x for x in v] for k, v in d.columns.items()}
    return out


def drawings(sections: Sequence[Section]) -> list[Drawing]:
    """All of them."""
    return [p for s in sections for p in s.parts if isinstance(p, Drawing)]


def write(place: Path, title: str, over: str, sections: Sequence[Section], numbers: dict[str, Any]) -> None:
    """Page, pictures, tables and numbers, each whole or not at all."""
    for d in drawings(sections):
        write_atomic(place / f"{d.name}.png", style.png(d.figure))
        write_atomic(place / f"{d.name}.csv", columns_text(d.columns))
        for word, columns in d.more.items():
            write_atomic(place / f"{d.name}_{word}.csv", columns_text(columns))
    write_atomic(place / NUMBERS, json.dumps(figures.tidy(numbers), indent=1) + "\n")
    write_atomic(place / PAGE, page(title, over, sections))


def folder_of(place: Path) -> Path:
    """`place` as a folder that can be written to."""
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{place} cannot be made: {error.strerror}; say where by --out") from error
    if not os.access(place, os.W_OK):
        raise ConfigError(f"{place} cannot be written to; say where by --out")
    return place
