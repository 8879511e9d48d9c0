"""Recordings as ROS 2 bags, MCAP or SQLite: what a stack publishes on `emg/raw`, or any topic of numbers.

`emg/raw` is a sensor_msgs/PointCloud2 per block: height 1, one point per sample, little-endian; a FLOAT32 field per
channel, named after it, and a FLOAT64 field `t`, s since the header's stamp. `emg/spec` is a std_msgs/String with the
JSON of a `SourceSpec`, which says rate and unit, and how `emg/filtered` was conditioned; `emg/prompt` has the labels,
each until the next one. No ROS is needed to read them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.core.extras import library
from myoprosthesis.emg.formats import rate_and_unit
from myoprosthesis.emg.formats.annotations import Annotation, Timeline, label_text
from myoprosthesis.emg.formats.missing_values import MissingValues
from myoprosthesis.emg.formats.numeric_messages import Piece, leaves, piece
from myoprosthesis.emg.formats.streams import StreamColumns, chosen, cut, emg_of_stream, numbered
from myoprosthesis.emg.recording import EmgRecording
from myoprosthesis.emg.recording_format import RecordingFormat, uses
from myoprosthesis.emg.source import SourceSpec

Array = NDArray[np.float64]
TEXT = "std_msgs/msg/String"
RAW, FILTERED, SPEC, PROMPT = "emg/raw", "emg/filtered", "emg/spec", "emg/prompt"
DERIVED = (FILTERED, "emg/envelope", "emg/decision")
"""Topics of a stack that hold what was made of the EMG."""
LISTED = 8
"""Largest number of left-out topics that are named."""
EARLIEST_S, LATEST_S, APART_S = -0.02, 0.5, 0.25
"""EMG whose stamps are further than this before or behind the time when it was logged has another clock than the log;
where the distance changes by more than `APART_S`, the labels cannot be placed."""
BEGINNING = 64
"""Messages at the beginning of a recording, in which those that were under way already may come after newer ones."""
BURST = 3
"""Messages that come this many samples apart are not of one sample each."""
NO_NUMBERS = (
    *(TEXT, "rcl_interfaces/msg/Log"),
    *("diagnostic_msgs/msg/DiagnosticArray", "diagnostic_msgs/msg/DiagnosticStatus"),
)


@uses("rate", "unit", "channels", "dataset", "label", "missing")
def read_bag(path: Path, layout: RecordingFormat, block: int) -> Iterator[EmgRecording]:
    """Recordings of EMG in a ROS bag.

    The topic that ends in emg/raw, the only one of numbers that has EMG in its name, or the one that the layout names
    (`dataset`); labels are those of `emg/prompt` beside it, or of the topic that the layout names (`label`).
    """
    highlevel = library("rosbags.highlevel", "emg", "reading bags")
    stores = library("rosbags.typesys", "emg", "reading bags")
    try:
        reader = highlevel.AnyReader([path], default_typestore=stores.get_typestore(stores.Stores.ROS2_JAZZY))
        reader.open()
    except Exception as error:  # rosbags raises many kinds for what is no such file
        why = " ".join(str(error).split())[:120]
        kind = path.suffix[1:].upper()
        raise ConfigError(f"{path} is no {kind} bag of ROS 2, or a damaged one ({why}){_way_out(path)}") from error
    try:
        yield from _recordings(path, layout, block, _Bag(path, reader))
    except ConfigError:
        raise
    except Exception as error:  # a file that is cut off in the middle
        raise ConfigError(f"{path} is a damaged bag: {' '.join(str(error).split())[:80]}{_way_out(path)}") from error
    finally:
        reader.close()


def _way_out(path: Path) -> str:
    return f": `myoprosthesis record --repair {path.parent}` mends one that was cut off" if _is_mcap(path) else ""


def _is_mcap(path: Path) -> bool:
    return path.suffix.lower() == ".mcap"


class _Bag:
    """The topics of an open bag and their types, and what is published on them."""

    def __init__(self, path: Path, reader: Any) -> None:
        self.path, self._reader = path, reader
        self.topics: dict[str, str] = {c.topic: c.msgtype for c in reader.connections}

    def messages(self, topic: str) -> Iterator[tuple[float, Any]]:
        """Messages of a topic with the time when each was recorded, s."""
        there = [c for c in self._reader.connections if c.topic == topic]
        for connection, at, raw in self._reader.messages(there) if there else ():
            yield 1e-9 * at, self._reader.deserialize(raw, connection.msgtype)


def _recordings(path: Path, layout: RecordingFormat, block: int, bag: _Bag) -> Iterator[EmgRecording]:
    numeric = {t: kind for t, kind in bag.topics.items() if kind not in NO_NUMBERS}
    raw = [t for t in numeric if _is(t, RAW)]
    named = [t for t in numeric if "emg" in t.lower() and not any(_is(t, d) for d in DERIVED)]
    topic = chosen(path, layout, numeric, raw or named, "topic")
    base = next((topic[: -len(end)] for end in (RAW, *DERIVED) if _is(topic, end)), None)
    spec, conditioning = _spec(bag, base + SPEC) if base is not None else (None, {})
    pieces = ((at, piece(f"{path}: {topic}", m, numeric[topic])) for at, m in bag.messages(topic))
    begun = list(itertools.islice(pieces, BEGINNING))
    if not begun:
        raise ConfigError(f"{path}: {topic} has no samples")
    first = begun[0][1]
    names, remarks = numbered(first.names)
    rate = rate_and_unit.rate(path, layout, spec.rate if spec else 0.0)
    begun, moved = _in_order(begun, rate)
    remarks += moved
    unit = spec.unit if spec else ""
    known = bool(layout.dataset) or topic in raw or topic in named
    places, left = emg_of_stream(path, layout, names, [unit] * len(names), known)
    channels = tuple(names[k] for k in places)
    unit, file_unit, scales = rate_and_unit.units(path, layout, channels, [unit] * len(places))
    others = sorted({*raw, *named, *(t for t in numeric if _is(t, FILTERED))} - {topic})
    if others:
        remarks.append(f"the EMG is that of {topic}; there is also {', '.join(others)}")
    if first.times is None:
        when = "the stamps of its messages" if first.stamp else "when each message was recorded"
        remarks.append(f"times are {when}" + (", that of its last sample" if len(first.values) > 1 else ""))
    _check_one_sample(path, bag, topic, numeric[topic], first, rate)
    markers, more = _markers(bag, layout, base)
    if markers:
        markers, moved = _on_clock_of_emg(bag, topic, numeric[topic], markers, base is not None and not layout.label)
        more += moved
    remarks += [*left, *more]
    unread = [f"{t} ({kind})" for t, kind in sorted(numeric.items()) if t not in (topic, layout.label, *others)]
    if unread:
        more_topics = f" and {len(unread) - LISTED} more" if len(unread) > LISTED else ""
        remarks.append(f"topics left out: {', '.join(unread[:LISTED])}{more_topics}")

    def chain() -> Iterator[tuple[Array, Array]]:
        for moment, one in itertools.chain(begun, pieces):
            if one.names != first.names:
                before, after = (f"{len(p.names)} ({', '.join(p.names)[:80]})" for p in (first, one))
                raise ConfigError(f"{path}: the channels of {topic} change from {before} to {after}")
            times = one.times
            if times is None:
                times = (one.stamp or moment) - np.arange(len(one.values))[::-1] / rate
            yield one.values, times

    columns = StreamColumns(tuple(places), channels, scales, unit, rate, file_unit)
    derived = any(_is(topic, d) for d in DERIVED)
    conditioned = f"{topic} was filtered by the stack that recorded it ({_words(conditioning)})" if derived else ""
    missing = MissingValues(path, layout, channels)
    yield from cut(path, block, chain(), columns, Timeline(markers, layout.ignore), remarks, missing, conditioned)


def _is(topic: str, end: str) -> bool:
    """Whether a topic is this one of a stack, in any namespace."""
    return topic == end or topic.endswith(f"/{end}")


def _in_order(begun: list[tuple[float, Piece]], rate: float) -> tuple[list[tuple[float, Piece]], list[str]]:
    """The first messages by their times, where they follow each other without a gap so and did not as they came."""
    times = [one.times for _, one in begun if one.times is not None and len(one.times)]
    if len(times) < len(begun):
        return begun, []
    order = sorted(range(len(begun)), key=lambda k: float(times[k][0]))
    ordered, moved = [begun[k] for k in order], sum(k != at for at, k in enumerate(order))
    steps = np.diff(np.concatenate([times[k] for k in order]))
    if not moved or not ((steps > 0) & (steps < 1.5 / rate)).all():
        return begun, []
    return ordered, [f"{moved} of its first messages were recorded out of their order, and are put into it"]


def _words(conditioning: dict[str, Any]) -> str:
    return ", ".join(f"{k} {v}" for k, v in conditioning.items() if k in ("high_pass_hz", "low_pass_hz", "mains_hz"))


def _spec(bag: _Bag, topic: str) -> tuple[SourceSpec | None, dict[str, Any]]:
    """Specification and conditioning of a source; None and nothing if the bag does not have them."""
    text = ""
    for _, message in bag.messages(topic) if bag.topics.get(topic) == TEXT else ():
        text = message.data
    if not text:
        return None, {}
    spec = SourceSpec.from_json(text)
    return spec, dict(json.loads(text).get("conditioning") or {})


def _check_one_sample(path: Path, bag: _Bag, topic: str, kind: str, first: Piece, rate: float) -> None:
    """Refuse arrays that are read as one sample each, when their messages come as far apart as those of several."""
    width = first.values.size
    if not kind.endswith("MultiArray") or len(first.values) > 1:
        return
    times = [at for at, _ in itertools.islice(bag.messages(topic), 20)]
    apart = round(float(np.median(np.diff(times))) * rate) if len(times) > 2 else 1
    if apart >= BURST and width > 1 and width % apart == 0:
        raise ConfigError(
            f"{path}: {topic} has arrays of {width} numbers that do not say what they are, and come {apart} samples "
            f"apart at {rate:g} Hz: dimensions 'samples' and 'channels' in their layout would say it"
        )


def _at_blocks(markers: list[Annotation], blocks: list[tuple[float, float]]) -> list[Annotation]:
    """Labels at the first sample (s) of the block that was logged next: a stack publishes a prompt before its block."""
    logged = np.array([at for at, _ in blocks])
    places = np.searchsorted(logged, [m.onset for m in markers])
    return [
        replace(m, onset=blocks[k][1]) if k < len(blocks) else replace(m, onset=m.onset + blocks[-1][1] - logged[-1])
        for m, k in zip(markers, places.tolist(), strict=True)
    ]


def _on_clock_of_emg(
    bag: _Bag, topic: str, kind: str, markers: list[Annotation], before_its_block: bool
) -> tuple[list[Annotation], list[str]]:
    """Labels, which have the times when they were logged, on the clock that stamps the EMG; and a sentence on it.

    Those of a stack are published `before_its_block`, which has the samples that they belong to.
    """
    delays, length = [], 0.0
    blocks: list[tuple[float, float]] = []
    for at, message in bag.messages(topic):
        one = piece(f"{bag.path}: {topic}", message, kind)
        if one.times is not None and len(one.times):
            blocks.append((at, float(one.times[0])))
        newest = float(one.times[-1]) if one.times is not None and len(one.times) else one.stamp
        if newest:
            delays.append(at - newest)
            length = max(length, newest - float(one.times[0])) if one.times is not None else length
    if not delays:
        return markers, []
    half = len(delays) // 2 or 1
    early, late = min(delays[:half]), min(delays[half:] or delays)
    least = min(early, late)
    if abs(early - late) > APART_S:
        raise ConfigError(
            f"{bag.path}: the stamps of {topic} and the clock of the bag, which its labels have, drift apart (from "
            f"{-early:.3f} s to {-late:.3f} s): it is unknown which samples the labels belong to"
        )
    if before_its_block and blocks:
        return _at_blocks(markers, blocks), []
    if EARLIEST_S - length <= least <= LATEST_S:
        return markers, []
    side, way = ("ahead of", "later") if least < 0 else ("behind", "earlier")
    return [replace(m, onset=m.onset - least) for m in markers], [
        f"the stamps of {topic} are {abs(least):.3f} s {side} the clock of the bag, which its labels have: they are "
        f"placed so much {way}"
    ]


def _markers(bag: _Bag, layout: RecordingFormat, base: str | None) -> tuple[list[Annotation], list[str]]:
    """Labels of the topic that is named, or of the prompts beside the EMG."""
    texts = sorted(t for t, kind in bag.topics.items() if kind == TEXT)
    topic = layout.label
    if not topic and base is not None and base + PROMPT in texts:
        topic = base + PROMPT
    if not topic:
        foreign = [t for t in texts if not t.endswith(("spec", "/trial", "/target", "description"))]
        return [], [f"topics of text are not read, --label would take one for the labels: {', '.join(foreign)}"] \
            if foreign else []  # fmt: skip
    if topic not in bag.topics:
        raise ConfigError(f"{bag.path}: {unknown('topic of labels', topic, bag.topics)}")
    out = []
    for at, message in bag.messages(topic):
        if bag.topics[topic] == TEXT:
            out.append(Annotation(at, message.data.strip()))
            continue
        values = leaves(message)
        count = sum(v.size for _, v in values)
        if count != 1:
            raise ConfigError(f"{bag.path}: {topic} has {count} numbers a message, a label is one")
        out.append(Annotation(at, label_text(float(values[0][1][0]))))
    return out, [] if layout.label else [f"labels are the prompts on {topic}"]
