"""Recordings that a decoder is fitted on, judged by, or compared on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from myoprosthesis.core.errors import ConfigError


def fitted_on(files: Sequence[Path]) -> list[str]:
    """The first 16 digits of the SHA-256 of each recording that a decoder was fitted on.

    They are kept so that a decoder is not judged unawares by recordings that it was fitted on.
    """
    return sorted(hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files)


def read(names: Sequence[str], layout: Any, typed: Mapping[str, Any]) -> tuple[list[Path], list[tuple[Path, Any]]]:
    """All recordings, with channels in the order of the first, at one rate and in one unit."""
    from myoprosthesis.core.channels import permutation
    from myoprosthesis.core.errors import ContractError
    from myoprosthesis.emg import formats
    from myoprosthesis.emg.labels import check_labels
    from myoprosthesis.emg.signal_quality import measured_rate, rate_words

    paths = formats.files(list(names), layout)
    out: list[tuple[Path, Any]] = []
    for path in paths:
        recording = formats.read(path, layout)
        first = out[0][1] if out else recording
        if (recording.rate, recording.unit) != (first.rate, first.unit):
            raise ConfigError(f"{path} is in {recording.unit} at {recording.rate:g} Hz, {paths[0]} in {first.unit} "
                              f"at {first.rate:g} Hz: one decoder needs one of each")  # fmt: skip
        try:
            order = permutation(first.channels, recording.channels)
        except ContractError as error:
            raise ConfigError(f"{path} does not go with {paths[0]}: {error}; columns that differ in their units alone "
                              "can be named without them (--channels)") from error  # fmt: skip
        out.append((path, replace(recording, samples=recording.samples[:, order], channels=first.channels)))
    for remark in dict.fromkeys(remark for _, recording in out for remark in recording.remarks):
        print(f"{paths[0] if len(paths) == 1 else 'recordings'}: {remark}")
    slow = {sentence: path for path, r in out for sentence in rate_words(measured_rate(r), r.rate)}
    for sentence, path in slow.items():
        print(f"fault: {path}: {sentence}")
    labels = [label for _, recording in out for label in recording.file_labels]
    check_labels(layout, labels, every="label_names" in typed)
    return paths, out
