"""Says why no trial begins or ends, once it has taken long: what a person would otherwise have to guess."""

from __future__ import annotations

import time

from myoprosthesis.core.following import Following
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.trial_plan import TrialPlan

LONG_S = 5.0
"""Wall time without a trial that begins or ends, beyond the length of one, after which the reason is said."""


class TrialWait:
    """Follows the trials in wall time; each reason is said once until trials go on."""

    def __init__(self) -> None:
        self._since = self._state_at = time.monotonic()
        self._trial_s, self._reason = 0.0, ""

    def moved(self, trial_s: float = 0.0) -> None:
        """A trial began, which takes `trial_s`, or ended."""
        self._since, self._trial_s, self._reason = time.monotonic(), trial_s, ""

    def state(self) -> None:
        """A state of the effector came."""
        self._state_at = time.monotonic()

    def sentence(
        self, now_ns: int, running: TrialPlan | None, ahead: TrialPlan | None, following: Following | None
    ) -> str:
        """What trials wait for; empty while they go on, or where it was said before.

        Args:
            now_ns: Time of the newest state.
            running: The trial that runs.
            ahead: The next one that is planned.
            following: What the effector said last of its following commands.
        """
        waited = time.monotonic() - self._since
        if waited - self._trial_s < LONG_S:
            return ""
        why = self._why(now_ns, running, ahead, following)
        if why == self._reason:
            return ""
        self._reason = why
        return f"no trial has begun or ended for {waited:.0f} s: {why}"

    def _why(self, now_ns: int, running: TrialPlan | None, ahead: TrialPlan | None, following: Following | None) -> str:
        if time.monotonic() - self._state_at > LONG_S:
            return "no state of the effector comes"
        if running is not None:
            return f"trial {running.trial} is not over by the effector's clock"
        if following is not None and following.held:
            return f"the effector does not follow commands: {following.held}"
        if ahead is not None and ahead.from_ns > now_ns:
            return f"trial {ahead.trial} begins in {(ahead.from_ns - now_ns) / NS:.0f} s by the effector's clock"
        return "none is planned"
