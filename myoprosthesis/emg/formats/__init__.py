"""Recordings from files: the reader is chosen by extension among the entry points `myoprosthesis.emg_formats`.

`reader.EmgFormatReader` is what a reader must do. Rate, unit and names come from the file or the layout, which must not
contradict each other (`rate_and_unit`, `emg_channels`); none is guessed. What labels are called and which are ignored
is done here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from myoprosthesis.core import registry
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.formats import rate_and_unit
from myoprosthesis.emg.formats.emg_channels import HEAD, check_values
from myoprosthesis.emg.formats.reader import EmgFormatReader
from myoprosthesis.emg.labels import Labels
from myoprosthesis.emg.recording import EmgRecording, Span, joined
from myoprosthesis.emg.recording_format import RecordingFormat, check_uses

BAGS, METADATA = (".mcap", ".db3"), "metadata.yaml"
"""What else lies in the folder of a bag is made of it: tables, pictures."""
DOCUMENTS = ("yaml", "yml", "json", "toml", "ini", "cfg", "md", "rst", "html", "pdf", "doc", "docx", "bib", "cff",
             "log", "py", "pyc", "ipynb", "m", "r", "sh", "png", "jpg", "jpeg", "gif", "svg", "tif", "tiff", "mp4",
             "onnx")  # fmt: skip
"""Extensions of what lies beside recordings."""
SHOWN = 12
FEWEST = 50
"""Of fewer samples it is not judged whether they have labels."""


def blocks(path: str | Path, layout: RecordingFormat, block: int, conditioned: bool = False) -> Iterator[EmgRecording]:
    """A recording as parts of up to `block` samples; a reader that can holds no more than that in memory.

    One that was filtered before it was recorded is refused, unless it may be `conditioned`: whoever fits, evaluates or
    plays a recording filters it.
    """
    file = Path(path).expanduser()
    if not file.exists():
        raise ConfigError(f"{file} does not exist")
    if file.is_dir():
        raise ConfigError(f"{file} is a folder, a recording is a file")
    if not file.is_file():
        raise ConfigError(f"{file} is no regular file")
    if not file.stat().st_size:
        raise ConfigError(f"{file} is empty")
    kind = file.suffix.lower().lstrip(".")
    if kind not in registry.names("emg_formats"):
        raise unknown(
            "extension of a recording", kind, registry.names("emg_formats"), "(write it as one of these, such as csv)"
        )
    reader: EmgFormatReader = registry.factory("emg_formats", kind)
    check_uses(file, layout, reader)
    units = "time_unit" in getattr(reader, "layout_fields", ("time_unit",))
    return _labelled(file, layout, reader(file, layout, block), conditioned, units)


def read(path: str | Path, layout: RecordingFormat, conditioned: bool = False) -> EmgRecording:
    """A whole recording; see `blocks`."""
    try:
        return joined(list(blocks(path, layout, 0, conditioned)))
    except MemoryError as error:
        raise ConfigError(f"{path} does not fit into the memory of this computer: cut it up") from error


def files(paths: str | Path | Sequence[str | Path], layout: RecordingFormat = RecordingFormat()) -> list[Path]:  # noqa: B008 - frozen
    """The recordings at `paths` and in folders there, sorted, of which the layout takes the path."""
    places = [Path(p).expanduser() for p in ([paths] if isinstance(paths, (str, Path)) else paths)]
    candidates = [f for place in places for f in (_in_folder(place) if place.is_dir() else [place])]
    out = [f for f in candidates if f.name != layout.prompts and re.search(layout.only, f.as_posix())]
    if not out:
        where = ", ".join(str(p) for p in places[:5])
        raise ConfigError(f"{where}: there is no recording whose path has the pattern {layout.only!r}")
    return out


def _in_folder(place: Path) -> list[Path]:
    known = registry.names("emg_formats")
    there = (f for f in place.rglob("*") if f.is_file() and not _is_hidden(f, place))
    recordings = sorted(f for f in there if f.suffix.lower().lstrip(".") in known)
    bags = {f.parent for f in recordings if f.suffix.lower() in BAGS and (f.parent / METADATA).exists()}
    recordings = [f for f in recordings if f.suffix.lower() in BAGS or not bags & set(f.parents)]
    if not recordings:
        raise ConfigError(f"{place} holds no recording: extensions known are {', '.join(known)}")
    return recordings


def left_out(paths: str | Path | Sequence[str | Path], layout: RecordingFormat) -> list[str]:
    """A sentence on the files in folders at `paths` that are neither recordings nor documents by their extension."""
    known, documents = registry.names("emg_formats"), {*DOCUMENTS, ""}
    out = []
    for place in (Path(p).expanduser() for p in ([paths] if isinstance(paths, (str, Path)) else paths)):
        if not place.is_dir():
            continue
        bags = {f.parent for f in place.rglob(METADATA)}
        names = sorted(
            f.relative_to(place).as_posix() for f in place.rglob("*")
            if f.is_file() and not _is_hidden(f, place) and not bags & set(f.parents) and f.name != layout.prompts
            and f.suffix.lower().lstrip(".") not in {*known, *documents} and re.search(layout.only, f.as_posix())
        )  # fmt: skip
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            out.append(f"not read, by their extensions: {', '.join(names[:SHOWN])}{more}")
    return out


def _is_hidden(file: Path, place: Path) -> bool:
    """Whether a file, or a folder that it is in, is one that systems hide: .x.csv, or the ._x.csv of macOS."""
    return any(part.startswith(".") for part in file.relative_to(place).parts)


def _labelled(
    path: Path, layout: RecordingFormat, parts: Iterator[EmgRecording], conditioned: bool, units: bool
) -> Iterator[EmgRecording]:
    """Parts with their labels as the layout calls them, or with the one that it finds in the path."""
    labels, in_path, first = Labels(layout), layout.from_path("label", path), True
    for part in parts:
        if part.conditioned and not conditioned:
            raise ConfigError(f"{path}: {part.conditioned}, and would be filtered again: take what is raw (--dataset)")
        spans, remarks = part.spans, part.remarks
        if in_path:
            if spans:
                remarks = (*remarks, "its own labels are left out: label_from finds its label in its path")
            spans = (Span(in_path, 0, len(part), continued=not first),) if len(part) else ()
        if first and part.stamped:
            rate_and_unit.check_times(path, layout, part.times, part.rate, units)
        if first and not layout.channels:
            check_values(path, part.channels, part.samples[:HEAD])
        kinds = len({span.label for span in spans})
        if first and len(part) >= FEWEST and 2 * kinds > len(part):
            raise ConfigError(f"{path}: {kinds} different labels in {len(part)} samples are none (--label)")
        first = False
        there = tuple(dict.fromkeys([*part.file_labels, *(s.label for s in spans)]))
        called = labels.called(spans, len(part))
        yield replace(part, spans=called, file_labels=there, remarks=remarks, source=part.source or str(path),
                      target_unit=part.target_unit or layout.target_unit)  # fmt: skip
