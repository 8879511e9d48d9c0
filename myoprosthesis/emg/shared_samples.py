"""Finds samples that two recordings share: one of them is a piece of the other one, or a copy that was cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STRETCH = 64
"""Samples in a row that are compared at once."""
DROPPED = 12
"""Bits of a float32 that are not compared: a text of nine digits may round to another one."""
VARIED = 16
"""Different samples that a stretch needs: silence is alike everywhere."""
BASE = 0x9E3779B97F4A7C15
"""Of the polynomial modulo 2⁶⁴; odd, so that it has an inverse."""
_INVERSE = pow(BASE, -1, 2**64)


def shared(samples: Sequence[NDArray[np.float64]]) -> tuple[int, int, int]:
    """The two recordings (n, n_channels) that share most samples, and how many; (0, 0, 0): none do.

    Stretches of one, each of `STRETCH` samples, are looked for at every place of the others by a rolling hash. Values
    are compared to three digits, so that what another program has written with all of its digits is found too.
    """
    rows = [_rows(x) for x in samples]
    everywhere = [_rolled(r) for r in rows]
    known = [e[::STRETCH][_varied(r)] for e, r in zip(everywhere, rows, strict=True)]
    owners = np.repeat(np.arange(len(rows)), [len(k) for k in known])
    hashes = np.concatenate(known) if known else np.zeros(0, np.uint64)
    most = (0, 0, 0)
    for k, own in enumerate(everywhere):
        there = np.isin(hashes, own) & (owners != k)
        counts = np.bincount(owners[there], minlength=len(rows)) * STRETCH
        if counts.max(initial=0) > most[2]:
            most = (int(counts.argmax()), k, int(counts.max()))
    return most


def _rows(samples: NDArray[np.float64]) -> NDArray[np.uint64]:
    """One number a sample, shape (n,)."""
    bits = (samples.astype(np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)
    bits = (bits + np.uint64(2 ** (DROPPED - 1))) >> np.uint64(DROPPED)
    out = np.zeros(len(samples), np.uint64)
    for column in bits.T:
        out = (out ^ column) * np.uint64(BASE)
        out ^= out >> np.uint64(29)
    return out


def _rolled(rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The hash of each `STRETCH` rows, at every place."""
    if len(rows) < STRETCH:
        return np.zeros(0, np.uint64)
    powers, inverses = (np.full(len(rows), b, np.uint64) for b in (BASE, _INVERSE))
    powers[0] = inverses[0] = 1
    sums = np.concatenate([[np.uint64(0)], np.cumsum(rows * np.cumprod(powers))])
    return (sums[STRETCH:] - sums[:-STRETCH]) * np.cumprod(inverses)[: len(sums) - STRETCH]


def _varied(rows: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of the stretches one after another are no silence."""
    stretches = np.sort(rows[: len(rows) - len(rows) % STRETCH].reshape(-1, STRETCH), axis=1)
    return np.asarray(1 + (np.diff(stretches, axis=1) != 0).sum(axis=1) >= VARIED)
