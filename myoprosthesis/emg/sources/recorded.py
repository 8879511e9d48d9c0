"""The files of a recorded session that a source plays: where they are, how they are read, and which of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from myoprosthesis.core import share
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.options import build, option
from myoprosthesis.emg import formats, recording_format_file
from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.emg.recording_format import RecordingFormat, for_stack

SHIPPED = "libemg_myo"


@dataclass(frozen=True)
class RecordedOptions:
    """Which files, and what they do not say of themselves."""

    file: str = option(SHIPPED, "a file or folder, or the name of a recording in config/recordings", file="there")
    about: str = option(
        "",
        "what the files do not say: a name in config/recordings, or a YAML file; empty: recording.yaml beside them",
        file="name",
    )
    layout: dict[str, Any] = option({}, "options of the layout (rate, unit, channels, label …) over those in `about`")
    repetitions: tuple[str, ...] = option((), "only files of these repetitions (see repetition_from); empty: all")
    labels: tuple[str, ...] = option((), "only files with these labels (see label_from); empty: all")


def place_of(file: str) -> Path:
    """A path as it is, or a recording that is shipped, by name."""
    shipped = share.root() / "config" / "recordings"
    place = Path(file).expanduser()
    if place.exists():
        return place
    if (shipped / file).is_dir():
        return shipped / file
    known = sorted(p.name for p in shipped.iterdir() if p.is_dir())
    raise ConfigError(f"the recording {file} does not exist, and none of that name is shipped ({', '.join(known)})")


def layout_of(options: RecordedOptions, place: Path) -> RecordingFormat:
    """Format of the files; keys of `about` that belong to fits and not to the layout are left out."""
    shipped = share.root() / "config" / "recordings" / f"{options.about}.yaml"
    file = recording_format_file.beside(place)
    if options.about:
        file = shipped if shipped.is_file() else Path(options.about).expanduser()
    values = recording_format_file.mapping(file) if file else {}
    known = {f.name for f in fields(RecordingFormat)}
    return build(RecordingFormat, {**{k: v for k, v in values.items() if k in known}, **options.layout}, "layout")


def files_of(options: RecordedOptions, place: Path, layout: RecordingFormat) -> list[Path]:
    """The files below `place` that are of the repetitions and labels asked for, in order; raises `ConfigError`."""
    files = formats.files(place, layout)
    for what, wanted in (("repetition", options.repetitions), ("label", options.labels)):
        if not wanted:
            continue
        if not getattr(layout, f"{what}_from"):
            raise ConfigError(
                f"{what}s ({', '.join(wanted)}) can be chosen only with {what}_from, which finds them in a file's "
                f"path; {what}s=[] takes all"
            )
        from_paths = [layout.from_path(what, f) for f in files]
        names = [layout.called(n) if what == "label" else n for n in from_paths]
        for one in wanted:
            if one not in names:
                raise unknown(what, one, set(names))
        files = [f for f, t in zip(files, names, strict=True) if t in wanted]
    if not files:
        raise ConfigError(f"{options.file} has no file that is of the repetitions and of the labels asked for")
    return files


def blocks_of(file: Path, layout: RecordingFormat, block: int) -> Iterator[EmgRecording]:
    """A file in parts of about `block` samples, where its reader can read so; raises `ConfigError`."""
    try:
        yield from formats.blocks(file, layout, block)
    except ConfigError as error:
        raise ConfigError(for_stack(str(error))) from error
