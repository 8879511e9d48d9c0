"""Adapts the decoder that a node runs to the EMG of its use: what is asked for, when, and what becomes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from myoprosthesis.core.options import option
from myoprosthesis.decoders.feature_log import FeatureLog

if TYPE_CHECKING:
    from myoprosthesis.training.decoding.adaptation_in_use import AdaptationVerdict

UNLABELLED, UNDONE = "unlabelled", "undone"
COUNTED = "adaptation_"
"""How the names of the counts of what attempts led to begin, among a loop's events."""


@dataclass(frozen=True)
class AdaptationOptions:
    """Parameters of the adaptation of a decoder while it is used."""

    adapt: str = option(
        "", f"adapt the decoder to its use: {UNLABELLED}, by its own decisions; empty: not", choices=("", UNLABELLED)
    )
    adapt_every_s: float = option(60.0, "time between two adaptations", "s", 1.0, 86400.0)
    adapt_memory_s: float = option(600.0, "EMG that it is adapted to: the newest", "s", 10.0, 7200.0)
    adapt_folder: str = option("adapted", "where adapted decoders are written, a folder each", file="path")


class AdaptationListener(Protocol):
    """Whoever makes use of adaptations; called from the executor of the node."""

    def adaptation_ended(self, playing: Path, verdict: AdaptationVerdict, base: str) -> None:
        """An attempt beside the decoder in the file `playing` has ended; `base` names the one that was fitted."""


class DecoderAdapter:
    """A thread that adapts every so often, in a process of its own, until it is closed or paused."""

    def __init__(
        self,
        options: AdaptationOptions,
        dt: float,
        listener: AdaptationListener,
        call: Callable[[Callable[[], None]], None],
    ) -> None:
        """`dt`: time between two windows of the decoder, s; `call` has a function called by the node's executor."""
        from myoprosthesis.training.decoding.adaptation_in_use import AdaptationProcess

        self.log = FeatureLog(max(1, round(options.adapt_memory_s / dt)))
        self._options, self._listener, self._call = options, listener, call
        self._process, self._stop = AdaptationProcess(), threading.Event()
        self._base: Path | None = None
        self._name = ""
        self._playing: Path | None = None
        self._made: set[Path] = set()
        self._thread = threading.Thread(target=self._run, name="adaptation", daemon=True)

    def follow(self, name: str, file: Path) -> None:
        """The decoder `name` in `file` is used from here on; one that was not made here is what is adapted.

        Raises:
            ConfigError: It cannot be adapted.
        """
        from myoprosthesis.training.decoding.adaptation_in_use import check_adaptable, fitted_file

        if file not in self._made and file != self._base:
            self._base, self._playing = None, None
            self.log.clear()
            check_adaptable(file)
            self._base = fitted_file(file)
            self._name = name if self._base == file else str(self._base)
        self._playing = file
        if not self._thread.is_alive() and not self._stop.is_set():
            self._thread.start()

    def close(self) -> None:
        """End it; safe to call twice."""
        self._stop.set()
        self._process.close()

    def _run(self) -> None:
        while not self._stop.wait(self._options.adapt_every_s):
            base, name, playing = self._base, self._name, self._playing
            rows, fresh = self.log.take()
            if base is None or playing is None or not len(rows):
                continue
            out = Path(self._options.adapt_folder).absolute() / f"{base.parent.name}_{time.strftime('%Y%m%d_%H%M%S')}"
            verdict = self._process.run(base, playing, rows, fresh, out)
            if self._stop.is_set():
                return
            if verdict.file:
                self._made.add(Path(verdict.file))
            self._call(lambda p=playing, v=verdict, n=name: self._listener.adaptation_ended(p, v, n))  # type: ignore[misc]


def words_of(name: str, verdict: AdaptationVerdict) -> tuple[str, str]:
    """Level and sentence of the log for what an attempt beside the decoder `name` led to."""
    if verdict.file:
        return "warning", f"decoder {name!r} is {verdict.sentence}: it goes on as {verdict.file}"
    if verdict.verdict == UNDONE:
        return "warning", f"the adaptation to {name!r} is undone: {verdict.sentence}"
    if verdict.verdict == "same":
        return "info", f"decoder {name!r} needs no adaptation: {verdict.sentence}"
    return "warning", f"decoder {name!r} is not adapted to its use: {verdict.sentence}"
