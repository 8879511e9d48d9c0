"""Protocol of a task that has figures of a trial that still runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from myoprosthesis.core.trial_record import TrialRecord


@runtime_checkable
class LiveTask(Protocol):
    """What a task may have beside the `Task` protocol, for a live status."""

    def progress(self, record: TrialRecord) -> Mapping[str, float]:
        """Figures of the trial so far.

        Args:
            record: its states up to now, the newest last; one at least.

        Returns:
            Numbers by name, which says the unit where that is not SI.
        """
        ...
