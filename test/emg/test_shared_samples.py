"""Samples that two recordings have in common."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoprosthesis.emg.shared_samples import STRETCH, shared

RNG = np.random.default_rng(4)
WHOLE, OTHER = RNG.normal(size=(3000, 3)), RNG.normal(size=(2000, 3))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2000), st.integers(2 * STRETCH, 1000), st.sampled_from([1.0, 1e-6, -3.0]))
def test_a_piece_is_found_wherever_it_is(start, length, factor):
    """Written by a text of nine digits, in any unit that both have."""
    piece = np.array([[float(f"{v:.9g}") for v in row] for row in factor * WHOLE[start : start + length]])
    a, b, count = shared([OTHER, factor * WHOLE, piece])
    assert {a, b} == {1, 2} and length - 2 * STRETCH < count <= length


@pytest.mark.parametrize(
    "recordings",
    [[WHOLE, OTHER], [np.zeros((900, 2)), np.zeros((800, 2))], [WHOLE[:10], WHOLE], [WHOLE], [],
     [np.tile([[0.0], [1.0]], (400, 1)), np.tile([[0.0], [1.0]], (300, 1))]],
)  # fmt: skip
def test_silence_and_what_is_too_short_are_alike_everywhere(recordings):
    assert shared(recordings) == (0, 0, 0)
