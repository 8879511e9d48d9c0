"""`myoprosthesis calibrate`: rest, then the hardest contraction, guided; saved under a name."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime, timezone
from typing import Any

from tqdm import tqdm

from myoprosthesis.cli.figures import add_json, check_writable, write_json
from myoprosthesis.core.errors import ConfigError

BAR = "{l_bar}{bar}| {n:.1f}/{total:.1f} s"
SETTLE_S, POLL_S = 1.0, 2e-3
"""What is heard so soon after the word is left out: the filters settle, and a person needs time."""
PLATEAU = 90
"""Percentile of the envelope that counts as the maximum: short spikes do not."""
CLEAR = 3.0
"""A maximum below this times rest is no contraction."""


def add(words: Any) -> None:
    """Add the word."""
    p = words.add_parser("calibrate", help="measure rest and maximal contraction (MVC)", description=__doc__)
    p.add_argument("name", help="name under which it is saved, such as the wearer's")
    p.add_argument("--emg", default="recording", metavar="SOURCE", help="the source (see `emg sources`)")
    p.add_argument("--emg-option", action="append", default=[], metavar="NAME=VALUE", help="an option of the source")
    p.add_argument("--rest-s", type=float, default=3.0, metavar="S", help="length of the rest (default 3)")
    p.add_argument("--contract-s", type=float, default=3.0, metavar="S", help="length of a contraction (default 3)")
    p.add_argument("--rounds", type=int, default=3, help="contractions, with a pause before each (default 3)")
    p.add_argument("--pause-s", type=float, default=2.0, metavar="S", help="length of a pause (default 2)")
    p.add_argument("--conditioning", default="", help="a decoder whose conditioning is done, or options as YAML")
    p.add_argument("--yes", action="store_true", help="begin at once, without waiting for Enter")
    p.add_argument("--out", default="", metavar="FILE", help="save there instead of under the name")
    add_json(p)
    p.set_defaults(func=run)


def run(given: argparse.Namespace) -> int:
    """Guide, measure, save."""
    from pathlib import Path

    from myoprosthesis.cli.emg_live import opened
    from myoprosthesis.emg.calibration import Calibration
    from myoprosthesis.emg.conditioning import Conditioner
    from myoprosthesis.nodes.emg_node import conditioning

    for name in ("rest_s", "contract_s"):
        if not getattr(given, name) > SETTLE_S:
            flag = "--" + name.replace("_", "-")
            raise ConfigError(f"{flag} {getattr(given, name):g}: more than {SETTLE_S:g} s are needed")
    if given.rounds < 1:
        raise ConfigError(f"--rounds {given.rounds}: at least 1 is needed")
    check_writable(given.json)
    source = opened(given.emg, given.emg_option)
    try:
        spec = source.spec
        settings = conditioning(given.conditioning, spec)
        ear = _Ear(source, Conditioner(settings, spec.channels))
        if not given.yes:
            input("Rest your arm, then press Enter. ")
        rest = ear.listen("rest", given.rest_s).mean(axis=0)
        rounds = []
        for k in range(given.rounds):
            ear.listen("relax", given.pause_s, keep=False)
            rounds.append(ear.listen(f"contract as hard as you can ({k + 1} of {given.rounds})", given.contract_s))
    finally:
        source.close()
    import numpy as np

    maximum = np.max([np.percentile(r, PLATEAU, axis=0) for r in rounds], axis=0)
    weak = [c for c, low, high in zip(spec.channels, rest, maximum, strict=True) if not high > CLEAR * low]
    if len(weak) == len(spec.channels):
        raise ConfigError(
            f"no channel of {spec.name} was {CLEAR:g} times as loud in contraction as at rest: nothing is saved"
        )
    made = Calibration(
        given.name, spec.name, _by(spec.channels, rest), _by(spec.channels, maximum), settings.to_dict(),
        datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )  # fmt: skip
    where = made.save(Path(given.out).expanduser() if given.out else None)
    for channel in spec.channels:
        print(f"  {channel}: rest {made.rest[channel]:.4g} {spec.unit}, MVC {made.maximum[channel]:.4g} {spec.unit}")
    if weak:
        print(f"hardly louder in contraction than at rest: {', '.join(weak)}: look at them", file=sys.stderr)
    print(f"saved as {where}")
    write_json(given.json, {"file": str(where), "rest": made.rest, "maximum": made.maximum, "weak": weak})
    return 0


def _by(channels: tuple[str, ...], values: Any) -> dict[str, float]:
    return {c: float(v) for c, v in zip(channels, values, strict=True)}


class _Ear:
    """Listens to a source for a while, with a bar."""

    def __init__(self, source: Any, conditioner: Any) -> None:
        self._source, self._conditioner = source, conditioner

    def listen(self, what: str, seconds: float, keep: bool = True) -> Any:
        """Envelopes, shape (n, n_channels), of `seconds`, without its beginning."""
        import numpy as np

        parts: list[Any] = []
        began, done = time.monotonic(), 0.0
        with tqdm(total=round(seconds, 1), desc=what, bar_format=BAR) as bar:
            while (now := time.monotonic() - began) < seconds:
                block = self._source.read()
                if block is not None:
                    envelope = self._conditioner.feed(block.samples).envelope
                    if now > SETTLE_S:
                        parts.append(envelope)
                elif self._source.ended:
                    raise ConfigError(f"{self._source.spec.name} ended before the calibration did: give it loop=true")
                else:
                    time.sleep(POLL_S)
                bar.update(now - done)
                done = now
        if keep and not parts:
            raise ConfigError(f"no EMG came from {self._source.spec.name}: {self._source.fault or 'it is silent'}")
        return np.concatenate(parts) if parts else None
