"""What every source of EMG must do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from myoprosthesis.testing.demand import demand

if TYPE_CHECKING:
    from myoprosthesis.emg.source import EmgBlock, EmgSource, SourceSpec

MEMBERS = ("spec", "fault", "ended", "timing", "open", "read", "close")
PATIENCE_S = 60.0
"""Time that a source may take for its samples on a busy machine."""
BLOCKING_S = 0.02
"""A typical `read` that takes longer waits for something."""


def check_emg_source(make: Callable[[], EmgSource], samples: int = 300) -> None:
    """Check that a source implements `EmgSource`.

    It opens nothing before `open`, has a specification, gives whole blocks with times at its rate, does not block in
    `read`, does not change blocks that it returned, and can be closed twice and opened again.

    Args:
        make: Constructs a source with a working device or recording.
        samples: Number of samples that it gives within a minute; a recording may end before.

    Raises:
        AssertionError: The first requirement that is not met.
    """
    from myoprosthesis.core.errors import SourceError

    source = make()
    lacking = [m for m in MEMBERS if not (hasattr(type(source), m) or m in vars(source))]
    demand(not lacking, f"{type(source).__name__} lacks {', '.join(lacking)} of EmgSource")
    source.close()
    demand(source.read() is None, "a source that is not open gives samples")
    try:
        early: object = source.spec
    except SourceError:
        early = None
    demand(early is None, "a source that is not open has a specification: raise SourceError")
    spec = None
    for _ in range(2):
        source.open()
        demand(spec in (None, source.spec), "opened again, it has another specification")
        spec = source.spec
        demand(type(spec).from_json(spec.to_json()) == spec, "the specification does not come back from JSON")
        _check_blocks(source, spec, samples)
        source.close()
        source.close()
        demand(source.read() is None, "a closed source gives samples")


def _check_blocks(source: EmgSource, spec: SourceSpec, samples: int) -> None:
    blocks: list[EmgBlock] = []
    kept, took = [], []
    until = time.monotonic() + PATIENCE_S
    while sum(map(len, blocks)) < samples and not source.ended:
        demand(time.monotonic() < until, f"{sum(map(len, blocks))} samples in {PATIENCE_S:g} s: {source.fault}")
        begin = time.perf_counter()
        block = source.read()
        took.append(time.perf_counter() - begin)
        if block is None:
            time.sleep(1e-3)
            continue
        _check_block(block, spec)
        blocks.append(block)
        kept.append((block.samples.copy(), block.times.copy()))
    demand(bool(blocks), "it ended before its first sample")
    demand(not source.fault, f"it has a fault while samples come: {source.fault}")
    waited = float(np.median(took))
    demand(waited < BLOCKING_S, f"read takes {1e3 * waited:.0f} ms: it must not wait")
    same = all(
        np.array_equal(b.samples, s, equal_nan=True) and np.array_equal(b.times, t)
        for b, (s, t) in zip(blocks, kept, strict=True)
    )
    demand(same, "a block changes after it was returned: return copies")
    arrivals = [b.arrival_ns for b in blocks]
    demand(arrivals == sorted(arrivals), "a block came before the one before it")
    times = np.concatenate([b.times for b in blocks])
    steps = np.diff(times)
    demand(bool((steps >= 0).all()), "times go back")
    if len(steps) > 10:
        pace = float(np.median(steps)) * spec.rate
        demand(abs(pace - 1) < 0.05, f"samples are {pace:.2f} periods apart")
    timing = source.timing
    demand(timing.samples == len(times), f"{len(times)} samples were read, timing tells of {timing.samples}")


def _check_block(block: EmgBlock, spec: SourceSpec) -> None:
    n = len(block)
    demand(n > 0, "a block without samples: return None")
    demand(block.samples.shape == (n, len(spec.channels)), f"{block.samples.shape} for {len(spec.channels)} channels")
    demand(block.samples.dtype == np.float64, f"samples are {block.samples.dtype}, not float64")
    demand(block.times.shape == (n,), f"times have shape {block.times.shape} for {n} samples")
    demand(bool(np.isfinite(block.times).all()), "times are not finite")
    stamps = block.stamps_ns
    demand(stamps.shape == (n,) and stamps.dtype == np.int64, f"stamps_ns are {stamps.shape} {stamps.dtype}, not int64")
    demand(bool((np.diff(stamps) >= 0).all()), "a sample was taken before the one before it")
    demand(int(stamps[-1]) <= block.arrival_ns, "the newest sample was taken after it came")
    ahead = block.arrival_ns - time.time_ns()
    demand(ahead < 5e6, f"a block comes {1e-6 * ahead:.0f} ms ahead of now")
    ends = [0]
    for span in block.spans:
        demand(ends[-1] <= span.start < span.stop <= n, f"the prompt {span} is not in order within {n} samples")
        ends.append(span.stop)
