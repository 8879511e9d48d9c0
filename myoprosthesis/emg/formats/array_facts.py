"""What a file says of one of its arrays: in its attributes, or in arrays beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.formats.annotations import label_text
from myoprosthesis.emg.formats.array_entry import ArrayEntry
from myoprosthesis.emg.formats.stated_rate import hertz

RATES = ("rate", "fs", "srate", "sampling_rate", "samplingrate", "sample_rate", "samplerate", "sampling_frequency",
         "samplingfrequency", "frequency")  # fmt: skip
"""The last one may be another's, such as that of the mains."""
UNITS = ("unit", "units", "emg_unit", "emg_units")
NAMES = ("channels", "channel_names", "channelnames", "channel_labels", "ch_names", "chan_names", "block0_items")
NWB_START = "starting_time"
"""Of NWB; its attribute is the rate."""
FILLS = ("_FillValue", "missing_value")
"""Attributes that name values of missing samples."""


class ArrayFacts:
    """Names, units, rates and missing values of an array; `used` has the names of the arrays that say them."""

    def __init__(self, path: Path, entry: ArrayEntry, entries: Mapping[str, ArrayEntry]) -> None:
        self._path, self.entry, self._entries = path, entry, entries
        self.used: set[str] = set()

    def beside(self, name: str) -> ArrayEntry | None:
        """The other array of this name, whatever its case, in the group of this one or in those around it."""
        group = self.entry.group
        while True:
            alike = [
                e for e in self._entries.values()
                if e.group == group and e.leaf.lower() == name and e.name != self.entry.name
            ]  # fmt: skip
            if alike:
                self._refuse_different(alike)
                return alike[0]
            if not group:
                return None
            group = group[:-1].rpartition("/")[0]
            group += "/" if group else ""

    def _refuse_different(self, alike: Sequence[ArrayEntry]) -> None:
        """Refuse `fs` and `Fs` that say different things."""
        first = alike[0]
        for other in alike[1:]:
            if first.shape != other.shape or not np.array_equal(first.whole(self._path), other.whole(self._path)):
                raise ConfigError(
                    f"{self._path}: {first.name!r} and {other.name!r} differ: remove the one that is wrong"
                )

    def value(self, names: Sequence[str], most: int = 100_000) -> tuple[str, NDArray[Any] | None]:
        """Where the file says something under one of these names, and what; None if it does not."""
        attributes: dict[str, Any] = {}
        for key, value in self.entry.attributes.items():
            word = attribute_word(key)
            if word in names and not np.array_equal(attributes.get(word, value), value):
                raise ConfigError(
                    f"{self._path}: its attribute {key!r} is there twice, in capitals and in small letters, and differs"
                )
            attributes[word] = value
        for name in names:
            if name in attributes and np.size(attributes[name]):
                return name, np.ravel(np.asarray(attributes[name]))
            entry = self.beside(name)
            if entry is not None and 0 < entry.size <= most:
                self.used.add(entry.name)
                return entry.name, np.ravel(entry.whole(self._path))
        return "", None

    def names(self) -> tuple[list[str], int]:
        """Names of all channels, and how many the file describes; none when it does not."""
        _, values = self.value(NAMES)
        if values is None:
            values = self._labels_of_channels()
        if values is None or (values.dtype.kind in "fiub" and values.size not in self.entry.shape):
            return [], 0
        names = [label_text(v) for v in values]
        if len(names) == 1 and names[0].count(",") + 1 in self.entry.shape[-2:]:
            names = [n.strip() for n in names[0].split(",")]
        return [n or f"ch{k + 1}" for k, n in enumerate(names)], len(names)

    def _labels_of_channels(self) -> NDArray[Any] | None:
        """An attribute `labels` of as many texts as there are channels; None: it has none."""
        texts = [np.ravel(v) for k, v in self.entry.attributes.items() if k.lower() in ("labels", "label_names")]
        return next(
            (t for t in texts if t.dtype.kind in "OSU" and t.size > 1 and t.size in self.entry.shape[-2:]), None
        )

    def units(self, width: int) -> list[str]:
        """The unit of each channel in the file, empty where it says none."""
        _, values = self.value(UNITS)
        if values is None or values.dtype.kind in "fiub":
            return [""] * width
        texts = [label_text(v) for v in values]
        return texts if len(texts) == width else [texts[0] if len(set(texts)) == 1 else ""] * width

    def rates(self) -> tuple[str, list[str], list[float]]:
        """Where the file says rates, their texts, and the rates in Hz (NaN: none)."""
        where, values = self.value(RATES)
        stated = ((k, v) for k, v in self.entry.attributes.items() if attribute_word(k) in RATES[:-1])
        several = {h: k for k, v in stated for h in map(_hertz, np.ravel(v)) if h}
        if len(several) > 1 and values is not None and values.size == 1:
            pairs = ", ".join(f"{k} {h:g} Hz" for h, k in several.items())
            raise ConfigError(f"{self._path}: its attributes say several rates ({pairs}): mend the one that is wrong")
        start = self.beside(NWB_START)
        if values is None and start is not None and "rate" in start.own:
            where, values = f"{start.name}'s rate", np.ravel(start.own["rate"])
            self.used.add(start.name)
        filled = [] if values is None else [v for v in values if label_text(v) or isinstance(v, np.floating)]
        texts = [label_text(v) for v in filled]
        _, unit = self.value([f"{attribute_word(where.rpartition('/')[2])}_{word}" for word in ("unit", "units")])
        if unit is not None and unit.size == 1 and unit.dtype.kind in "OSU":
            texts = [f"{text} {label_text(unit[0])}" if re.fullmatch(r"[-+.e\d]+", text) else text for text in texts]
        return where, texts, [hertz(text) for text in texts]

    def valid_range(self) -> tuple[float, float]:
        """The smallest and the largest valid value by the conventions of netCDF, before any factor."""
        attributes = self.entry.attributes
        span = numbers_in(attributes.get("valid_range"))
        low, high = span if len(span) == 2 else (-np.inf, np.inf)
        low = (numbers_in(attributes.get("valid_min")) or [low])[0]
        return low, (numbers_in(attributes.get("valid_max")) or [high])[0]


def attribute_word(key: str) -> str:
    """The key of an attribute as it is listed here."""
    return re.sub("[ -]", "_", key.lower())


def _hertz(value: Any) -> float:
    return hertz(label_text(value))


def filled(entry: ArrayEntry) -> list[float]:
    """The values that the attributes of an array say stand for what is missing."""
    return [v for key in FILLS for v in numbers_in(entry.attributes.get(key))]


def numbers_in(value: Any) -> list[float]:
    """The numbers that an attribute holds, as numbers or as texts."""
    out = []
    for one in () if value is None else np.ravel(value):
        try:
            out.append(float(label_text(one)))
        except ValueError:
            continue
    return out
