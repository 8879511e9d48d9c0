"""Adapts the decoder that a node runs to the EMG of its use: what is asked for, when, and what becomes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.decoders.adaptation_verdict import UNDONE, AdaptationVerdict
from myoprosthesis.decoders.feature_log import FeatureLog
from myoprosthesis.nodes.decoder_loop import DecoderLoop
from myoprosthesis.nodes.policy_loader import PolicyLoader
from myoprosthesis.policies.controller import Controller

UNLABELLED = "unlabelled"
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


class DecoderAdapter:
    """Adapts the decoder of a loop every so often, in a process of its own, until it is closed."""

    def __init__(
        self, options: AdaptationOptions, loop: DecoderLoop, loader: PolicyLoader, tell: Callable[[str, str], None]
    ) -> None:
        """Begin with the decoder that is current; `tell` logs a sentence at a level.

        Raises:
            ConfigError: It cannot be adapted.
        """
        from myoprosthesis.training.decoding.adaptation_in_use import AdaptationProcess

        self._options, self._loop, self._loader, self._tell = options, loop, loader, tell
        self._process, self._stop = AdaptationProcess(), threading.Event()
        self._base: Path | None = None
        self._name = ""
        self._playing: Path | None = None
        self._made: set[Path] = set()
        self._log = FeatureLog(max(1, round(options.adapt_memory_s / decoder_of(loop).contract.dt)))
        self.follow()
        loop.feature_log = self._log
        self._thread = threading.Thread(target=self._run, name="adaptation", daemon=True)
        self._thread.start()

    def follow(self) -> None:
        """Go on with the decoder that is current now; one that was not made here is what is adapted.

        Raises:
            ConfigError: It cannot be adapted.
        """
        from myoprosthesis.training.decoding.adaptation_in_use import check_adaptable, fitted_file

        name, file = self._loop.switcher.name, file_of(decoder_of(self._loop))
        if file not in self._made and file != self._base:
            self._base, self._playing = None, None
            self._log.clear()
            check_adaptable(file)
            self._base = fitted_file(file)
            self._name = name if self._base == file else str(self._base)
        self._playing = file

    def close(self) -> None:
        """End it; safe to call twice."""
        self._stop.set()
        self._loop.feature_log = None
        self._process.close()

    def _run(self) -> None:
        while not self._stop.wait(self._options.adapt_every_s):
            base, name, playing = self._base, self._name, self._playing
            rows, fresh = self._log.take()
            if base is None or playing is None or not len(rows):
                continue
            out = Path(self._options.adapt_folder).absolute() / f"{base.parent.name}_{time.strftime('%Y%m%d_%H%M%S')}"
            verdict = self._process.run(base, playing, rows, fresh, out)
            if self._stop.is_set():
                return
            if verdict.file:
                self._made.add(Path(verdict.file))
            self._loader.call(lambda p=playing, v=verdict, n=name: self._use(p, v, n))  # type: ignore[misc]

    def _use(self, playing: Path, verdict: AdaptationVerdict, name: str) -> None:
        """Say and count what an attempt beside the decoder in the file `playing` led to, and swap where it asks for it.

        Called by the executor of the node. `name`: of the decoder that was fitted.
        """
        loop = self._loop
        if self._stop.is_set() or self._loader.pending or file_of(decoder_of(loop)) != playing:
            return  # a person swapped another one in meanwhile
        loop.events[COUNTED + verdict.verdict] += 1
        self._tell(*verdict.log_line(loop.switcher.name))
        if goal := verdict.file or (name if verdict.verdict == UNDONE else ""):
            self._loader.swap(loop, goal)


def decoder_of(loop: DecoderLoop) -> Controller:
    """What a loop plays now; raises `ConfigError` where that is nothing."""
    if loop.switcher.current is None:
        raise ConfigError("no decoder runs that could be adapted")
    return loop.switcher.current


def file_of(decoder: Controller) -> Path:
    """The file that a decoder was loaded from."""
    return Path(decoder.policy.path)


def check_adaptation(loop: object) -> None:
    """Raise `ConfigError` where what a control loop plays cannot be adapted while it is used."""
    from myoprosthesis.training.decoding.adaptation_in_use import check_adaptable

    if not isinstance(loop, DecoderLoop):
        raise ConfigError("adapt is for decoders of EMG, and this policy observes the effector")
    check_adaptable(file_of(decoder_of(loop)))
