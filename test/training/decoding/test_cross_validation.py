"""Cross-validation of a way to fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.decoders.models import Lda, LdaOptions
from myoprosthesis.decoders.options import REGRESSION, DecoderOptions
from myoprosthesis.decoders.temperature import sharpened
from myoprosthesis.training.decoding.cross_validation import CrossValidation, SplitOptions, cross_validate


def test_noise_is_decoded_by_chance(recording, cut):
    w = cut([recording(20000, k, [("ab"[j % 2], 1000 * j, 1000 * j + 1000) for j in range(20)]) for k in range(3)])
    found = held_out(w).summary()
    assert found["accuracy"] == pytest.approx(0.5, abs=0.06)


def held_out(w):
    return cross_validate(w, Lda(LdaOptions()), DecoderOptions(), ("a", "b"), SplitOptions(by="file"))


def noisy(recording, cut):
    """Three files of two classes that differ a little."""
    w = cut([recording(20000, k, [("ab"[j % 2], 1000 * j, 1000 * j + 1000) for j in range(20)]) for k in range(3)])
    return replace(w, x=w.x + 0.2 * w.x.std(axis=0) * (w.label == "b")[:, None])


def test_confidences_and_thresholds_of_a_fold_are_by_the_other_folds(recording, cut):
    found = cross_validate(
        noisy(recording, cut), Lda(LdaOptions()), DecoderOptions(), ("a", "b"), SplitOptions(by="file")
    )
    share = 0.1
    rejected = 0
    for k, scores in enumerate(found.scores):
        others = found.without(k)
        assert len(others.scores) == 2 and list(others.folds) == [n for n in found.folds if n != list(found.folds)[k]]
        rejected += (sharpened(scores, others.temperature).max(axis=1) < others.threshold(share)).sum()
    known = found.summary(accepted=share)
    assert known["rejection_rate"] == rejected / known["windows"]
    assert known["active_error_rate"] == pytest.approx(share, abs=0.06) and known["rejection_rate"] > 0.05
    assert known["reliability"]["error"] < 0.08 and known["reliability"]["temperature"] == found.temperature


def test_what_is_below_the_threshold_is_rejected(recording, cut):
    found = cross_validate(
        noisy(recording, cut), Lda(LdaOptions()), DecoderOptions(), ("a", "b"), SplitOptions(by="file")
    )
    rates = [found.summary(reject_below=limit)["rejection_rate"] for limit in (0.0, 0.6, 0.8, 1.1)]
    assert rates[0] == 0.0 < rates[1] < rates[2] < rates[3] == 1.0


def test_an_interval_holds_nine_tenths_of_what_is_new():
    """Three folds with the same errors, then one that is twice as far off, in two targets of different size."""
    rng = np.random.default_rng(0)

    def crossed(*sizes):
        folds = [rng.normal(0.0, size, (5000, 2)) * [1.0, 10.0] for size in sizes]
        truth = [np.zeros_like(errors) for errors in folds]
        return CrossValidation(REGRESSION, ("x", "y"), {str(k): 0.9 for k in range(len(folds))}, truth, folds)

    same = crossed(1.0, 1.0, 1.0).interval()
    assert same["level"] == 0.9 and same["coverage"] == pytest.approx(0.9, abs=0.01)
    assert same["half_width"] == pytest.approx({"x": 1.645, "y": 16.45}, rel=0.03)  # 90 % of a normal distribution
    assert crossed(1.0, 2.0).interval()["coverage"] == pytest.approx((0.589 + 0.999) / 2, abs=0.01)
    assert crossed(1.0).interval()["coverage"] is None
    few = CrossValidation(REGRESSION, ("x",), {"0": 0.9}, [np.zeros((5, 1))], [np.arange(5.0)[:, None]])
    assert few.interval()["half_width"] == {"x": 4.0}
