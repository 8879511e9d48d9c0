"""Recordings that a decoder is fitted on, judged by, or compared on."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.sampling_rate import same_rate
from myoprosthesis.emg.formats.missing_values import NOWHERE


def fitted_on(files: Sequence[Path]) -> list[str]:
    """The first 16 digits of the SHA-256 of each recording that a decoder was fitted on.

    They are kept so that a decoder is not judged unawares by recordings that it was fitted on.
    """
    return sorted(map(_digest, files))


def warn_of_known(name: str, known: Sequence[str], files: Collection[str]) -> int:
    """Say on stderr how many of some recordings a decoder was fitted on, both as `fitted_on` has them; their number."""
    n = len(set(known) & set(files))
    if n:
        print(
            f"warning: {name} was fitted on {n} of these {len(files)} recordings: there its figures say nothing of new "
            "EMG", file=sys.stderr,
        )  # fmt: skip
    return n


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def read(names: Sequence[str], layout: Any, typed: Mapping[str, Any]) -> tuple[list[Path], list[tuple[Path, Any]]]:
    """All recordings, with channels in the order of the first, at one rate and in one unit."""
    from myoprosthesis.core.channels import permutation
    from myoprosthesis.core.errors import ContractError
    from myoprosthesis.emg import formats
    from myoprosthesis.emg.labels import check_labels

    paths = formats.files(list(names), layout)
    _refuse_copies(paths)
    out: list[tuple[Path, Any]] = []
    for path in paths:
        recording = formats.read(path, layout)
        first = out[0][1] if out else recording
        if recording.unit != first.unit or not same_rate(recording.rate, first.rate):
            raise ConfigError(f"{path} is in {recording.unit} at {recording.rate:.9g} Hz, {paths[0]} in {first.unit} "
                              f"at {first.rate:.9g} Hz: one decoder needs one of each")  # fmt: skip
        try:
            order = permutation(first.channels, recording.channels)
        except ContractError as error:
            raise ConfigError(f"{path} does not go with {paths[0]}: {error}; columns that differ in their units alone "
                              "can be named without them (--channels)") from error  # fmt: skip
        out.append((path, replace(recording, samples=recording.samples[:, order], channels=first.channels)))
    _refuse_pieces(out)
    if beside := formats.left_out(list(names), layout):
        out[0] = (out[0][0], replace(out[0][1], remarks=(*out[0][1].remarks, *beside)))
    labels = [label for _, recording in out for label in recording.file_labels]
    check_labels(layout, labels, every="label_names" in typed)
    return paths, out


def _refuse_copies(paths: Sequence[Path]) -> None:
    """A recording that is there twice would be fitted on and held out at once."""
    seen: dict[tuple[int, str], Path] = {}
    sizes = [path.stat().st_size if path.is_file() else -1 for path in paths]
    for path, size in zip(paths, sizes, strict=True):
        if size >= 0 and sizes.count(size) > 1:
            first = seen.setdefault((size, _digest(path)), path)
            if first is not path:
                again = "there twice" if first == path else f"the same recording as {first}"
                raise ConfigError(f"{path} is {again}: leave one of them out")


def _refuse_pieces(recordings: Sequence[tuple[Path, Any]]) -> None:
    """A recording that has a piece of another one in it would be fitted on and held out at once."""
    from myoprosthesis.emg.shared_samples import shared

    a, b, count = shared([recording.samples for _, recording in recordings])
    rate = recordings[0][1].rate if recordings else 1.0
    if count > min(rate, 0.5 * min((len(r) for k, (_, r) in enumerate(recordings) if k in (a, b)), default=0)):
        raise ConfigError(
            f"{recordings[a][0]} and {recordings[b][0]} have {count / rate:.3g} s of samples in common: leave one of "
            "them out, or cut away what both have"
        )


def _of_all(remarks: Sequence[Sequence[str]]) -> list[str]:
    """Each sentence once; that a value is nowhere only where it is in none of the recordings."""
    nowhere = set.intersection(*(set(some) for some in remarks))
    each = dict.fromkeys(remark for some in remarks for remark in some)
    return [r for r in each if not r.startswith(NOWHERE) or r in nowhere]


def report_faults(recordings: Sequence[tuple[Path, Any]], notch_hz: float = 0.0) -> dict[str, Any]:
    """Print how the recordings were read and what is wrong with them; the same, for --json and a card.

    Mains that a notch at `notch_hz` removes are no fault.
    """
    from myoprosthesis.core.text import printable
    from myoprosthesis.emg.signal_quality import total

    first = recordings[0][1]
    flaws = total([recording for _, recording in recordings])
    remarks = _of_all([recording.remarks for _, recording in recordings])
    sentences = flaws.words(first.channels, first.rate, notch_hz)
    name = recordings[0][0] if len(recordings) == 1 else "recordings"
    for line in (*(f"{name}: {r}" for r in remarks), *(f"fault: {name}: {s}" for s in sentences)):
        print(printable(line))
    return {"remarks": remarks, "faults": asdict(flaws), "fault_sentences": sentences}
