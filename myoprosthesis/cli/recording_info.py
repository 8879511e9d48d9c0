"""Options of recordings and of a fit: a YAML file beside the recordings, overruled by flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from myoprosthesis.cli.arguments import argument
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.options import build
from myoprosthesis.emg.recording_format import BESIDE


def options() -> tuple[type, ...]:
    """The dataclasses whose fields such a file may set."""
    from myoprosthesis.decoders.options import DecoderOptions
    from myoprosthesis.emg.conditioning import Conditioning
    from myoprosthesis.emg.recording_format import RecordingFormat
    from myoprosthesis.training.decoding.cross_validation import SplitOptions
    from myoprosthesis.training.decoding.fitting import DecoderModelOptions
    from myoprosthesis.training.decoding.mixtures import MixtureOptions
    from myoprosthesis.training.decoding.windows import WindowOptions

    return (
        *(RecordingFormat, Conditioning, DecoderOptions, WindowOptions, DecoderModelOptions, SplitOptions),
        MixtureOptions,
    )


@dataclass(frozen=True, kw_only=True)
class RecordingInfoArgument:
    """A file with what recordings do not say of themselves."""

    recording_info: str = argument(
        "",
        f"YAML with what the files do not say; by default {BESIDE} in the folder of the recordings, if it is there",
        former=("--about",),
        metavar="FILE",
    )


def chosen(typed: Mapping[str, Any], kind: type, file: Mapping[str, Any], **more: Any) -> Any:
    """An options dataclass from a file, overruled by what was typed, and this by `more`."""
    names = {f.name for f in fields(kind)}
    return build(kind, {**{k: v for k, v in {**file, **typed}.items() if k in names}, **more})


def recording_info(path: str, recordings: Sequence[str]) -> dict[str, Any]:
    """The options in the file `path`, or in the YAML beside the recordings; a key that is none is refused."""
    from myoprosthesis.emg import recording_format_file

    files = [recording_format_file.beside(Path(p).expanduser()) for p in recordings]
    file = Path(path).expanduser() if path else next((f for f in files if f is not None), None)
    if file is None:
        return {}
    values = recording_format_file.mapping(file)
    names = {f.name for kind in options() for f in fields(kind)}
    for key in values:
        if key not in names:
            raise ConfigError(f"{file}: {unknown('option', key, names)}")
    return values
