"""Cross-validation of a way to fit."""

from __future__ import annotations

import pytest

from myoprosthesis.decoders.models import Lda, LdaOptions
from myoprosthesis.decoders.options import DecoderOptions
from myoprosthesis.training.decoding.cross_validation import SplitOptions, cross_validate


def test_noise_is_decoded_by_chance(recording, cut):
    w = cut([recording(20000, k, [("ab"[j % 2], 1000 * j, 1000 * j + 1000) for j in range(20)]) for k in range(3)])
    found = cross_validate(w, Lda(LdaOptions()), DecoderOptions(), ("a", "b"), SplitOptions(by="file")).summary()
    assert found["accuracy"] == pytest.approx(0.5, abs=0.06)
