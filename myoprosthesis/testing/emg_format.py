"""What every reader of recordings must do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from myoprosthesis.emg.recording import EmgRecording, joined
from myoprosthesis.testing.demand import demand


def check_emg_format(blocks: Callable[[int], Iterator[EmgRecording]]) -> None:
    """Check that a reader gives the same recording for any size of its blocks.

    Args:
        blocks: (size) → blocks of the recording of at most `size` samples; size 0: one block.

    Raises:
        AssertionError: The first requirement that is not met.
    """
    whole = joined(list(blocks(0)))
    demand(len(whole) > 0, "the recording has no samples")
    for size in (1 + len(whole) // 7, 1 + len(whole) // 3, len(whole), 2 * len(whole)):
        parts = list(blocks(size))
        demand(max(len(p) for p in parts) <= size, f"a block is larger than {size} samples")
        again = joined(parts)
        for name in ("samples", "times", "targets"):
            same = np.array_equal(getattr(again, name), getattr(whole, name), equal_nan=True)
            demand(same, f"{name} in blocks of {size} are not those of the whole")
        demand(again.spans == whole.spans, f"labels in blocks of {size} are not those of the whole")
        kinds = [(p.channels, p.rate, p.unit) for p in parts]
        demand(set(kinds) == {(whole.channels, whole.rate, whole.unit)}, "channels, rate or unit change between blocks")
