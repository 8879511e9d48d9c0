"""What an attempt to adapt a decoder while it is used led to."""

from __future__ import annotations

from dataclasses import dataclass

ADAPTED, SAME, REFUSED, UNDONE = "adapted", "same", "refused", "undone"


@dataclass(frozen=True)
class AdaptationVerdict:
    """What an attempt led to: `adapted` (to the decoder in `file`), `same`, `refused` or `undone`, and a sentence."""

    verdict: str
    sentence: str
    file: str = ""

    def log_line(self, name: str) -> tuple[str, str]:
        """Level and sentence of the log, where the decoder that was fitted is called `name`."""
        if self.verdict == ADAPTED:
            return "warning", f"decoder {name!r} is {self.sentence}: it goes on as {self.file}"
        if self.verdict == UNDONE:
            return "warning", f"the adaptation to {name!r} is undone: {self.sentence}"
        if self.verdict == SAME:
            return "info", f"decoder {name!r} needs no adaptation: {self.sentence}"
        return "warning", f"decoder {name!r} is not adapted to its use: {self.sentence}"
