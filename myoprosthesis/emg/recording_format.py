"""Format of a recording: what a person states about it that the file does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option

Reader = TypeVar("Reader", bound=Callable[..., Any])
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
TIMES = (
    "time", "times", "timestamp", "timestamps", "t", "datetime", "date_time", "date time", "zeit", "zeitstempel",
    "temps", "tiempo", "tempo", "tijd", "czas", "tid", "aika",
)  # fmt: skip
"""What columns and arrays of sample times are called, in lower case; Latin languages beside English."""
BESIDE = "recording.yaml"
"""Name of a file with the options of a layout, when it lies beside the recordings."""
GENERAL = frozenset(
    ["only", "label_from", "label_names", "ignore", "repetition_from", "session_from", "person_from", "target_unit"]
)
"""Fields that are applied to the recordings of every format."""


@dataclass(frozen=True)
class RecordingFormat:
    """Nothing here is guessed: what neither the file nor the person says is asked for, in one sentence."""

    rate: float = option(0.0, "sampling rate; 0: the file says it", "Hz", 0.0, 1e6)
    unit: str = option("", "unit of the samples (V, mV, uV, or a name such as counts); empty: the file says it")
    only: str = option("", "of a folder, only the files whose path has this pattern")
    channels: tuple[str, ...] = option((), "columns that are EMG, by name (ch1, ch2 … in a file without names)")
    dataset: str = option("", "variable, stream or group that holds the EMG, in a file that has several")
    transposed: bool = option(False, "the array has a row per channel and a column per sample")
    time: str = option("", "column or dataset of sample times")
    time_unit: str = option("s", "unit of the sample times", choices=tuple(TIME_UNITS))
    label: str = option("", "column or dataset of labels")
    label_names: dict[str, str] = option({}, "what each label of the file is called")
    ignore: tuple[str, ...] = option((), "labels that are not to be used, as called in the file")
    label_from: str = option("", "pattern that finds the label in the file's path, in brackets: C_([0-9]+)_EMG")
    repetition_from: str = option("", "pattern that finds the repetition in the file's path, in brackets")
    session_from: str = option("", "pattern that finds the session in the file's path, in brackets")
    person_from: str = option("", "pattern that finds the person in the file's path, in brackets")
    targets: tuple[str, ...] = option((), "columns of what was measured or prompted beside the EMG")
    target_unit: str = option("", "unit of targets that are values: N, rad, counts …")
    target_cell: str = option("", "pattern of a sound cell of a target; others are filled in from their neighbours")
    decimal: str = option("", "what stands before the fraction in a text table; empty: the file shows it")
    encoding: str = option("", "encoding of a text table, such as cp1252; empty: the file shows it")
    missing: tuple[float | str, ...] = option(
        (), "values of the file that stand for a missing sample, such as -9999; none: there are none"
    )
    prompts: str = option("", "name of a table beside the file: time (same clock), then one 0/1 column per target")

    def __post_init__(self) -> None:
        for name in ("only", "label_from", "repetition_from", "session_from", "person_from", "target_cell"):
            try:
                groups = re.compile(getattr(self, name)).groups
            except re.error as error:
                raise ConfigError(f"{name} {getattr(self, name)!r} is no pattern: {error}") from error
            if getattr(self, name) and name.endswith("_from") and groups != 1:
                raise ConfigError(f"{name} {getattr(self, name)!r} needs one part in brackets, which is the answer")
        if self.decimal not in ("", ".", ","):
            raise ConfigError(f"decimal {self.decimal!r} is neither . nor ,")
        for value in self.missing:
            if isinstance(value, str) and (value != "none" or len(self.missing) > 1):
                raise ConfigError(f"missing {value!r} is no number, nor the one word none")
        ways = [f"{n} ({getattr(self, n)})" for n in ("label", "label_from", "prompts") if getattr(self, n)]
        if len(ways) > 1:
            raise ConfigError(f'labels come from one place, not from {" and ".join(ways)}: empty the other ("")')
        if self.time_unit != "s" and not self.time:
            raise ConfigError(f"time_unit {self.time_unit} is the unit of a column of times, and none is named (time)")
        for what in ("targets", "label", "time"):
            names = getattr(self, what)
            for name in {names} if isinstance(names, str) else names:
                if name in self.channels:
                    raise ConfigError(f"{name!r} is named as EMG (channels) and as {what}: it is one of them")
        if (self.target_cell or self.target_unit) and not (self.targets or self.prompts):
            raise ConfigError("target_cell and target_unit are of targets, of which none is named (targets)")

    def called(self, label: str) -> str:
        """Name of a label of the file; empty if it is ignored."""
        return "" if label in self.ignore else self.label_names.get(label, label)

    def from_path(self, what: str, path: Path) -> str:
        """The match of the pattern `<what>_from` in a path; empty without a pattern."""
        pattern = getattr(self, f"{what}_from")
        if not pattern:
            return ""
        match = re.search(pattern, path.as_posix())
        if match is None:
            raise ConfigError(f"{path}: {what}_from {pattern!r} finds nothing in this path")
        return match.group(1)


def uses(*names: str) -> Callable[[Reader], Reader]:
    """Declare which fields of a layout a reader uses besides `GENERAL`; one that is set otherwise is refused."""

    def declare(reader: Reader) -> Reader:
        reader.layout_fields = frozenset(names)  # type: ignore[attr-defined]
        return reader

    return declare


def check_uses(path: Path, layout: RecordingFormat, reader: Callable[..., Any]) -> None:
    """Refuse what a layout says that the reader of this file has no use for; raises `ConfigError`."""
    used = getattr(reader, "layout_fields", None)
    if used is None:  # it does not say what it uses
        return
    for f in fields(layout):
        if f.name not in used | GENERAL and getattr(layout, f.name) != getattr(type(layout)(), f.name):
            known = ", ".join(sorted(n.replace("_", "-") for n in used | GENERAL))
            raise ConfigError(
                f"{path}: {f.name.replace('_', '-')} has no use in a {path.suffix.lower()} file; "
                f"what can be given there: {known}"
            )


def with_file_defaults(layout: RecordingFormat, in_file: Mapping[str, Any]) -> RecordingFormat:
    """A layout with what the file itself says under `time` (in s) and `label`, where the layout says nothing."""
    more: dict[str, Any] = {}
    if in_file.get("time") and not layout.time:
        more |= {"time": str(in_file["time"]), "time_unit": "s"}
    if in_file.get("label") and not (layout.label or layout.prompts or layout.label_from):
        more["label"] = str(in_file["label"])
    return replace(layout, **more)


def for_stack(sentence: str) -> str:
    """A sentence that names options of a command line, with those of a stack in their place."""
    names = "|".join(f.name.replace("_", "-") for f in fields(RecordingFormat))
    if "--emg-option" in sentence:
        return sentence
    valued = rf"--({names})(?![-\w])(?:(?: (?=(?:[mun]?s|counts|[.,])\b|[.,](?: |$))|=)([-\w.,+]+))?"
    return re.sub(valued, lambda m: f"--emg-option {m[1].replace('-', '_')}={m[2] or '…'}", sentence)


def needed(path: Path, what: str, option_name: str, example: str) -> ConfigError:
    """The sentence that asks for what a file does not say."""
    key = option_name.replace("-", "_")
    return ConfigError(
        f"{path} does not say its {what}: give it, such as --{option_name} {example} (to a stack: --emg-option "
        f"{key}={example.split()[0]}), or as {key}: {example} in a recording.yaml beside it"
    )
