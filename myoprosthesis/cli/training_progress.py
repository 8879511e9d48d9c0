"""The progress of a training run on the terminal: one bar for each stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from myoprosthesis.training.trainer import Trainer

Row = dict[str, Any]


def stage_bars(quiet: bool, shown: Callable[[Row], dict[str, str]]) -> Callable[[Trainer[Any], Row | None], None]:
    """What to call after each update: a bar with the updates of the stage, the time it may still take, and figures.

    Args:
        quiet: Show nothing.
        shown: The figures behind the bar, from a row of the history.
    """
    from tqdm import tqdm

    bar: Any = None

    def report(training: Trainer[Any], row: Row | None) -> None:
        nonlocal bar
        stage, done = training.stage, training.progress.batch
        if bar is None:
            bar = tqdm(total=stage.batches, initial=max(0, done - 1), desc=stage.name, unit="batch", disable=quiet)
        bar.update(1)
        if row is not None:
            bar.set_postfix(shown(row))
        if done == 0:  # the stage has just been left
            bar.close()
            bar = None

    return report
