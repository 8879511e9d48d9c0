"""Recordings as XDF, as the recorder of the lab streaming layer writes them: streams of samples and of markers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.emg.extras import library
from myoprosthesis.emg.formats.streams import basics, chosen, cut
from myoprosthesis.emg.layout import Layout, uses
from myoprosthesis.emg.recording import Recording, spelled


@uses("rate", "unit", "channels", "dataset", "label")
def read_xdf(path: Path, layout: Layout, block: int) -> Iterator[Recording]:
    """The stream of type EMG, or the one that the layout names (`dataset`); times as stamped, clocks synchronised.

    Labels are the markers of the only marker stream, or of the one that the layout names (`label`).
    """
    pyxdf = library("pyxdf", "emg", "reading XDF")
    logging.getLogger("pyxdf").setLevel(logging.CRITICAL)
    try:
        streams, _ = pyxdf.load_xdf(str(path), synchronize_clocks=True, dejitter_timestamps=False, verbose=False)
        named = {_one(s["info"], "name"): s for s in streams}
    except Exception as error:  # pyxdf raises many kinds for what is no such file
        raise ConfigError(f"{path} is no XDF file, or a damaged one") from error
    text = {n: s for n, s in named.items() if _one(s["info"], "channel_format") == "string"}
    samples = {n: s for n, s in named.items() if n not in text}
    emg = [n for n, s in samples.items() if _one(s["info"], "type").upper() == "EMG"]
    name = chosen(path, layout, list(samples), emg or list(samples), "stream")
    stream = samples[name]
    n = int(_one(stream["info"], "channel_count") or 0)
    told = _channels(stream["info"])
    labels = [c.get("label", "") for c in told]
    names = labels if len(set(labels)) == n and all(labels) else [f"ch{k + 1}" for k in range(n)]
    units = {spelled(c["unit"]) for c in told if c.get("unit")}
    unit = units.pop() if len(units) == 1 else ""
    rate, unit = basics(path, layout, float(_one(stream["info"], "nominal_srate") or 0.0), unit)
    x, t = np.asarray(stream["time_series"], float).reshape(-1, n), np.asarray(stream["time_stamps"], float)
    yield from cut(path, layout, block, iter([(x, t)]), names, _markers(path, layout, text), rate, unit)


def _markers(path: Path, layout: Layout, text: dict[str, Any]) -> list[tuple[float, str]]:
    if layout.label and layout.label not in text:
        raise ConfigError(f"{path}: {unknown('stream of markers', layout.label, text)}")
    name = layout.label or (next(iter(text)) if len(text) == 1 else "")
    if not name:
        return []
    stream = text[name]
    return [(float(t), str(v[0])) for t, v in zip(stream["time_stamps"], stream["time_series"], strict=True)]


def _one(info: Any, key: str) -> str:
    """A value of XML as pyxdf gives it: a list with one text, or with None for an empty element."""
    value = info.get(key) or [""]
    return str(value[0] or "")


def _channels(info: Any) -> list[dict[str, str]]:
    desc = (info.get("desc") or [None])[0] or {}
    channels = (desc.get("channels") or [None])[0] or {}
    return [{k: _one(c, k) for k in ("label", "unit")} for c in channels.get("channel") or []]
