"""What is known about recordings and wished of a fit: a YAML file beside them, overruled by flags."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.options import build, describe, listed
from myoprosthesis.emg.recording_format import BESIDE


def options() -> tuple[type, ...]:
    """The dataclasses whose fields such a file may set."""
    from myoprosthesis.decoders.options import DecoderOptions
    from myoprosthesis.emg.conditioning import Conditioning
    from myoprosthesis.emg.recording_format import RecordingFormat
    from myoprosthesis.training.decoding.fitting import Fit, Split
    from myoprosthesis.training.decoding.windows import Cut

    return RecordingFormat, Conditioning, DecoderOptions, Cut, Fit, Split


def add_about(parser: argparse.ArgumentParser) -> None:
    """The option `--about FILE`."""
    parser.add_argument(
        "--about", default="", metavar="FILE",
        help=f"YAML with what the files do not say (default: {BESIDE} in the folder of the recordings, if it is there)",
    )  # fmt: skip


def add_options(parser: argparse._ActionsContainer, kind: type, skip: tuple[str, ...] = ()) -> None:
    """One flag per field of an options dataclass; a flag not given is None, so that a file may say it instead."""
    for f in fields(kind):
        if f.name in skip:
            continue
        flag = "--" + f.name.replace("_", "-")
        mapping = str(f.type).startswith("dict")
        shape = "KEY=VALUE,…" if mapping else "A,B,…" if str(f.type).startswith("tuple") else f.name.upper()
        parser.add_argument(flag, dest=f.name, metavar=shape, help=describe(f).replace("%", "%%"))


def chosen(given: argparse.Namespace, kind: type, said: dict[str, Any], **more: Any) -> Any:
    """An options dataclass from what a file says, overruled by flags, and these by `more`."""
    values = {k: v for k, v in said.items() if k in {f.name for f in fields(kind)}}
    for f in fields(kind):
        value = getattr(given, f.name, None)
        if value is not None:
            values[f.name] = _mapping(f.name, value) if str(f.type).startswith("dict") else value
    return build(kind, {**values, **more})


def about(given: argparse.Namespace, paths: list[str]) -> dict[str, Any]:
    """What `--about`, or the YAML beside the recordings, says; every key must be an option of `options`."""
    from myoprosthesis.emg import recording_format_file

    files = [recording_format_file.beside(Path(p).expanduser()) for p in paths]
    file = Path(given.about).expanduser() if given.about else next((f for f in files if f is not None), None)
    if file is None:
        return {}
    values = recording_format_file.mapping(file)
    names = {f.name for kind in options() for f in fields(kind)}
    for key in values:
        if key not in names:
            raise ConfigError(f"{file}: {unknown('option', key, names)}")
    return values


def _mapping(name: str, text: str) -> dict[str, str]:
    pairs = [p.partition("=") for p in listed(text)]
    if not all(separator for _, separator, _ in pairs):
        raise ConfigError(f"--{name.replace('_', '-')} {text!r}: pairs are needed, such as 0=rest,1=fist")
    return {key.strip(): value.strip() for key, _, value in pairs}
