"""Adaptation of a decoder while it is used, in a process of its own: features go in, a verdict comes out.

It begins with the decoder as it was fitted each time, so that what unlabelled use can change stays bounded: an
adaptation is never adapted further.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError, MyoError
from myoprosthesis.core.options import build
from myoprosthesis.decoders.adaptation_verdict import ADAPTED, REFUSED, SAME, UNDONE, AdaptationVerdict
from myoprosthesis.decoders.options import DecoderOptions
from myoprosthesis.policies import store
from myoprosthesis.policies.onnx_policy import read_contract
from myoprosthesis.training.decoding.adapted_file import write_adapted
from myoprosthesis.training.decoding.decoder_file import read_fitted
from myoprosthesis.training.decoding.fitting import Fitted
from myoprosthesis.training.decoding.unlabelled_adaptation import (
    LEAST_WINDOWS,
    adapt_unlabelled,
    agreement,
    check_unlabelled,
)

Array = NDArray[np.float64]
IN_USE = "in use"
ALIKE = 0.99
"""A new decoder that decides as often as this like the one that is used does not replace it."""
WORSE = 0.05
"""An adapted decoder whose decisions agree by so much less beyond chance than the fitted one's on EMG that came after
its adaptation is let go of."""
LONGEST_S = 120.0
"""An adaptation takes seconds; one that takes longer is ended."""


def check_adaptable(file: Path) -> None:
    """Raise `ConfigError` where the decoder in `file` cannot be adapted while it is used."""
    fitted, contract = read_fitted(file), read_contract(file)
    check_unlabelled(fitted, build(DecoderOptions, contract.decoding, f"decoder {contract.name!r}").class_shares)


def fitted_file(file: Path) -> Path:
    """The decoder that the one in `file` was adapted from in use, if it still has its name; else `file` itself."""
    origin = read_contract(file).result.get("adapted_from", {})
    if origin.get("method") == IN_USE:
        with suppress(MyoError, OSError):
            parent = store.find(str(origin.get("name")))
            if hashlib.sha256(parent.read_bytes()).hexdigest() == origin.get("sha256"):
                return parent
    return file


def adapt_in_use(base: Path, current: Path, x: Array, fresh: int, out: Path) -> AdaptationVerdict:
    """Judge the decoder that is used, and adapt the fitted one to the EMG of its use.

    Args:
        base: File of the decoder as it was fitted.
        current: File of the one that is used now: the same, or adapted from it.
        x: Features of the newest windows, shape (n, n_features), oldest first.
        fresh: How many of them, the last ones, came since `current` is used.
        out: Folder for a new decoder; it is made where there is one.

    Raises:
        ConfigError: A file is no decoder with one linear layer, or the new one cannot be written.
    """
    fitted, contract = read_fitted(base), read_contract(base)
    used = fitted if current == base else read_fitted(current)
    settings = build(DecoderOptions, contract.decoding, f"decoder {contract.name!r}")
    apart = math.ceil(settings.window_s / contract.dt)
    newest = x[len(x) - fresh :]
    if current != base and fresh >= LEAST_WINDOWS * len(fitted.names):
        before, now = (agreement(d, newest, apart) for d in (fitted, used))
        if now.beyond_chance < before.beyond_chance - WORSE:
            return AdaptationVerdict(
                UNDONE,
                f"on the EMG since then {now.share:.1%} of its decisions agree with those one window later, and "
                f"{before.share:.1%} of those of {contract.name!r}: back to that one",
            )
    try:
        new, result = adapt_unlabelled(fitted, x, settings.class_shares, apart)
    except ConfigError as error:
        return AdaptationVerdict(REFUSED, str(error))
    if (alike := float((_choices(new, x) == _choices(used, x)).mean())) >= ALIKE:
        return AdaptationVerdict(SAME, f"{alike:.1%} of its decisions would be the same")
    sentence = (
        f"adapted to the {len(x) * contract.dt:.0f} s of EMG before; of decisions on parts of them that were not "
        f"adapted to, {result.agreement_before:.1%} agreed with those one window later before, "
        f"{result.agreement_after:.1%} after"
    )
    write_adapted(
        new, base, out, x, result, sentence, method=IN_USE, seconds=len(x) * contract.dt,
        made_by="a stack, while the decoder was used (policy.adapt: unlabelled)",
    )  # fmt: skip
    return AdaptationVerdict(ADAPTED, sentence, str(out / "policy.onnx"))


def _choices(decoder: Fitted, x: Array) -> NDArray[np.intp]:
    return decoder.network(decoder.normaliser(x)).argmax(axis=1)


class AdaptationProcess:
    """Runs `adapt_in_use` in a process of its own, at low priority, so that no control loop waits for it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def run(self, base: Path, current: Path, x: Array, fresh: int, out: Path) -> AdaptationVerdict:
        """See `adapt_in_use`; what that raises, and a process that ends otherwise, is refused with a sentence."""
        data, pipe = BytesIO(), subprocess.PIPE
        np.save(data, x)
        words = [sys.executable, "-m", __name__, str(base), str(current), str(fresh), str(out)]
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as child:
            self._child = child
            try:
                output, errors = child.communicate(data.getvalue(), LONGEST_S)
                return AdaptationVerdict(**json.loads(output))
            except subprocess.TimeoutExpired:
                return AdaptationVerdict(REFUSED, f"it took longer than {LONGEST_S:g} s")
            except (ValueError, TypeError):
                last = errors.decode(errors="replace").strip().splitlines()[-1:]
                return AdaptationVerdict(REFUSED, f"its process ended with {child.returncode}: {''.join(last)[:200]}")
            finally:
                child.kill()

    def close(self) -> None:
        """End the process, if one runs."""
        if self._child is not None:
            self._child.kill()


def main() -> None:
    """The process: features as a .npy file on standard input, the verdict as JSON on standard output."""
    os.nice(10)
    base, current, fresh, out = sys.argv[1:]
    x = np.load(BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    try:
        verdict = adapt_in_use(Path(base), Path(current), x, int(fresh), Path(out))
    except MyoError as error:
        verdict = AdaptationVerdict(REFUSED, str(error))
    print(json.dumps(asdict(verdict)))


if __name__ == "__main__":
    main()
