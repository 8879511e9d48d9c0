"""`myoprosthesis calibrate`: rest, then the hardest contraction, guided; saved under a name."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.cli.seconds_bar import SecondsBar
from myoprosthesis.core.errors import ConfigError

SETTLE_S, POLL_S = 1.0, 2e-3
"""Samples this soon after the prompt are left out: the filters settle, and a person needs time."""
PLATEAU = 90
"""Percentile of the envelope that counts as the maximum: short spikes do not."""
CLEAR = 3.0
"""A maximum below this times rest is no contraction."""


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions(JsonArgument):
    """Options of `calibrate`."""

    name: str = argument(help="name under which it is saved, such as the wearer's", positional=True)
    emg: str = argument("recording", "the source (see `emg sources`)", metavar="SOURCE")
    emg_option: tuple[str, ...] = argument((), "an option of the source", repeat=True, metavar="NAME=VALUE")
    rest_s: float = argument(3.0, "length of the rest", "s")
    contract_s: float = argument(3.0, "length of a contraction", "s")
    rounds: int = argument(3, "contractions, with a pause before each", low=1)
    pause_s: float = argument(2.0, "length of a pause", "s", 0.0)
    conditioning: str = argument("", "a decoder whose conditioning is done, or options as YAML")
    yes: bool = argument(False, "begin at once, without waiting for Enter")
    out: str = argument("", "save there instead of under the name", metavar="FILE")


def add(commands: Commands) -> None:
    """Add the command."""
    commands.add(
        "calibrate", run, CalibrateOptions, help="measure rest and maximal contraction (MVC)", description=__doc__ or ""
    )


def run(options: CalibrateOptions) -> int:
    """Guide, measure, save."""
    from pathlib import Path

    from myoprosthesis.cli.emg_live import opened
    from myoprosthesis.emg.calibration import Calibration
    from myoprosthesis.emg.conditioning import Conditioner
    from myoprosthesis.nodes.emg_node import conditioning

    for name in ("rest_s", "contract_s"):
        if not getattr(options, name) > SETTLE_S:
            flag = "--" + name.replace("_", "-")
            raise ConfigError(f"{flag} {getattr(options, name):g}: more than {SETTLE_S:g} s are needed")
    check_writable(options.json)
    source = opened(options.emg, options.emg_option)
    try:
        spec = source.spec
        settings = conditioning(options.conditioning, spec)
        levels = _Levels(source, Conditioner(settings, spec.channels))
        if not options.yes:
            input("Rest your arm, then press Enter. ")
        rest = levels.measure("rest", options.rest_s).mean(axis=0)
        rounds = []
        for k in range(options.rounds):
            levels.measure("relax", options.pause_s, keep=False)
            rounds.append(
                levels.measure(f"contract as hard as you can ({k + 1} of {options.rounds})", options.contract_s)
            )
    finally:
        source.close()
    import numpy as np

    maximum = np.max([np.percentile(r, PLATEAU, axis=0) for r in rounds], axis=0)
    weak = [c for c, low, high in zip(spec.channels, rest, maximum, strict=True) if not high > CLEAR * low]
    if len(weak) == len(spec.channels):
        raise ConfigError(
            f"no channel of {spec.name} had {CLEAR:g} times the amplitude of rest in contraction: nothing is saved"
        )
    made = Calibration(
        options.name, spec.name, _by(spec.channels, rest), _by(spec.channels, maximum), settings.to_dict(),
        datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )  # fmt: skip
    where = made.save(Path(options.out).expanduser() if options.out else None)
    for channel in spec.channels:
        print(f"  {channel}: rest {made.rest[channel]:.4g} {spec.unit}, MVC {made.maximum[channel]:.4g} {spec.unit}")
    if weak:
        print(
            f"hardly a greater amplitude in contraction than at rest: {', '.join(weak)}: look at them", file=sys.stderr
        )
    print(f"saved as {where}")
    write_json(options.json, {"file": str(where), "rest": made.rest, "maximum": made.maximum, "weak": weak})
    return 0


def _by(channels: tuple[str, ...], values: Any) -> dict[str, float]:
    return {c: float(v) for c, v in zip(channels, values, strict=True)}


class _Levels:
    """Measures envelopes of a source for a while, with a bar."""

    def __init__(self, source: Any, conditioner: Any) -> None:
        self._source, self._conditioner = source, conditioner

    def measure(self, what: str, seconds: float, keep: bool = True) -> Any:
        """Envelopes, shape (n, n_channels), of `seconds`, without its beginning."""
        import numpy as np

        parts: list[Any] = []
        began = time.monotonic()
        with SecondsBar(seconds, what) as bar:
            while (now := time.monotonic() - began) < seconds:
                block = self._source.read()
                if block is not None:
                    envelope = self._conditioner.filter(block.samples).envelope
                    if now > SETTLE_S:
                        parts.append(envelope)
                elif self._source.ended:
                    raise ConfigError(f"{self._source.spec.name} ended before the calibration did: give it loop=true")
                else:
                    time.sleep(POLL_S)
                bar.advance_to(now)
            bar.advance_to(seconds)
        if keep and not parts:
            raise ConfigError(f"no EMG came from {self._source.spec.name}: {self._source.fault or 'it is silent'}")
        return np.concatenate(parts) if parts else None
