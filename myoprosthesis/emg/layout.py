"""What a person knows about a recording that the file does not say itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option

TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


@dataclass(frozen=True)
class Layout:
    """Nothing here is guessed: what neither the file nor the person says is asked for, in one sentence."""

    rate: float = option(0.0, "sampling rate; 0: the file says it", "Hz", 0.0, 1e6)
    unit: str = option("", "unit of the samples (V, mV, uV, or a name such as counts); empty: the file says it")
    only: str = option("", "of a folder, only the files whose path has this pattern")
    channels: tuple[str, ...] = option((), "columns that are EMG, by name (ch1, ch2 … in a file without names)")
    dataset: str = option("", "variable, stream or group that holds the EMG, in a file that has several")
    time: str = option("", "column or dataset of sample times")
    time_unit: str = option("s", "unit of the sample times", choices=tuple(TIME_UNITS))
    label: str = option("", "column or dataset of labels")
    label_names: dict[str, str] = option({}, "what each label of the file is called")
    ignore: tuple[str, ...] = option((), "labels that are not to be used, as called in the file")
    label_from: str = option("", "pattern that finds the label in the file's path, in brackets: C_([0-9]+)_EMG")
    repetition_from: str = option("", "pattern that finds the repetition in the file's path, in brackets")
    session_from: str = option("", "pattern that finds the session in the file's path, in brackets")
    targets: tuple[str, ...] = option((), "columns of what was measured or prompted beside the EMG")
    target_unit: str = option("", "unit of targets that are values: N, rad, counts …")
    target_cell: str = option("", "pattern of a sound cell of a target; others are filled in from their neighbours")
    prompts: str = option("", "name of a table beside the file: time (same clock), then one 0/1 column per target")

    def __post_init__(self) -> None:
        for name in ("only", "label_from", "repetition_from", "session_from", "target_cell"):
            try:
                groups = re.compile(getattr(self, name)).groups
            except re.error as error:
                raise ConfigError(f"{name} {getattr(self, name)!r} is no pattern: {error}") from error
            if getattr(self, name) and name.endswith("_from") and groups != 1:
                raise ConfigError(f"{name} {getattr(self, name)!r} needs one part in brackets, which is the answer")

    def called(self, label: str) -> str:
        """What a label of the file is called; empty when it is to be ignored."""
        return "" if label in self.ignore else self.label_names.get(label, label)

    def found(self, what: str, path: Path) -> str:
        """What the pattern `<what>_from` finds in a path; empty without a pattern."""
        pattern = getattr(self, f"{what}_from")
        if not pattern:
            return ""
        match = re.search(pattern, path.as_posix())
        if match is None:
            raise ConfigError(f"{path}: {what}_from {pattern!r} finds nothing in this path")
        return match.group(1)


def told(layout: Layout, said: Mapping[str, Any]) -> Layout:
    """A layout with what the file itself says under `time` (in s) and `label`, where the layout says nothing."""
    more: dict[str, Any] = {}
    if said.get("time") and not layout.time:
        more |= {"time": str(said["time"]), "time_unit": "s"}
    if said.get("label") and not layout.label and not layout.prompts:
        more["label"] = str(said["label"])
    return replace(layout, **more)


def needed(path: Path, what: str, option_name: str, example: str) -> ConfigError:
    """The sentence that asks for what a file does not say."""
    key = option_name.replace("-", "_")
    return ConfigError(
        f"{path} does not say its {what}: give it, such as --{option_name} {example} (to a stack: --emg-option "
        f"{key}={example.split()[0]}), or as {key}: {example} in a recording.yaml beside it"
    )
