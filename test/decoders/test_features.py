"""Features: their equations written again, and that no way to cut a stream changes a bit."""

from __future__ import annotations

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.decoders.features import AR_ORDER, DEFAULT, KINDS, FeatureStream, columns

CHANNELS = ("a", "b", "c")
ALL = tuple(KINDS)


def signal(n=5000, seed=0):
    return np.random.default_rng(seed).normal(0, [1.0, 0.1, 3.0], (n, 3))


def one(feature, window, dead=0.0):
    stream = FeatureStream((feature,), ("x",), 1.0, len(window), 1.0, dead)
    return stream.compute(np.array(window, float)[None])


def test_by_hand():
    w = [1.0, -2.0, 3.0, 3.0, -1.0, -0.5, 0.5, 2.0]
    assert one("mav", w) == pytest.approx(13 / 8)
    assert one("rms", w) == pytest.approx(np.sqrt((1 + 4 + 9 + 9 + 1 + 0.25 + 0.25 + 4) / 8))
    assert one("log_var", w) == pytest.approx(np.log((1 + 4 + 9 + 9 + 1 + 0.25 + 0.25 + 4) / 8))
    assert one("wl", w) == pytest.approx((3 + 5 + 0 + 4 + 0.5 + 1 + 1.5) / 7)
    assert one("zc", w) == pytest.approx(4 / 8)
    assert one("zc", w, dead=1.5) == pytest.approx(3 / 8)
    assert one("ssc", w) == pytest.approx(3 / 8)  # falls, rises, stands, falls, rises, rises, rises
    assert one("ssc", w, dead=3.5) == pytest.approx(3 / 8)
    assert one("ssc", w, dead=4.5) == pytest.approx(1 / 8)  # only the turn whose slope is 5


def test_the_autoregression_is_found_again():
    rng, x = np.random.default_rng(1), np.zeros(20000)
    truth = np.array([0.5, -0.3, 0.1, 0.05])
    for k in range(AR_ORDER, len(x)):
        x[k] = truth @ x[k - AR_ORDER : k][::-1] + rng.normal()
    assert one("ar", x) == pytest.approx(truth, abs=0.03)


def compute(feature, x):
    return FeatureStream((feature,), [f"c{k}" for k in range(len(x))], 1.0, x.shape[1], 1.0).compute(x)


def test_log_cov_is_the_logarithm_of_the_covariance():
    """The exponential of the matrix that the coordinates make is the covariance with its ridge."""
    from scipy.linalg import expm

    x = np.random.default_rng(3).normal(size=(4, 4)) @ np.random.default_rng(4).normal(size=(4, 300))
    logarithm = np.zeros((4, 4))
    logarithm[np.triu_indices(4)] = compute("log_cov", x)
    logarithm = (logarithm + logarithm.T) / np.sqrt(2)
    logarithm[np.diag_indices(4)] /= np.sqrt(2)
    covariance = x @ x.T / 300
    assert expm(logarithm) == pytest.approx(covariance + 1e-3 * np.trace(covariance) / 4 * np.eye(4))


def test_a_gain_of_all_electrodes_moves_only_the_diagonal_of_log_cov():
    x = np.random.default_rng(5).normal(size=(3, 200))
    moved = compute("log_cov", 3 * x) - compute("log_cov", x)
    assert moved == pytest.approx(np.log(9) * np.array([1, 0, 0, 1, 0, 1]), abs=1e-9)


def test_ring_is_the_correlation_with_the_next_electrode():
    x = np.random.default_rng(6).normal(size=(3, 500))
    x[1] += 2 * x[0]
    r = x @ x.T / np.sqrt(np.outer((x * x).sum(axis=1), (x * x).sum(axis=1)))
    assert compute("ring", x) == pytest.approx(np.arctanh([r[0, 1], r[1, 2], r[2, 0]]))
    assert compute("ring", np.roll(x, 1, axis=0)) == pytest.approx(np.roll(compute("ring", x), 1))


def test_tdpsd_by_hand():
    x = np.array([1.0, -2.0, 3.0, 0.0, -1.0, 2.0])
    d1, d2 = np.array([-3.0, 5.0, -3.0, -1.0, 3.0]), np.array([8.0, -8.0, 2.0, 4.0])
    m0, m2, m4 = np.sqrt((x**2).sum()), np.sqrt((d1**2).sum() / 6), np.sqrt((d2**2).sum() / 6)
    p0, p2, p4 = (10 * m**0.1 for m in (m0, m2, m4))
    wanted = [p0, abs(p0 - p2), abs(p0 - p4), m0 / np.sqrt(abs((m0 - m2) * (m0 - m4))), m2 / np.sqrt(m0 * m4),
              np.abs(d1).sum() / np.abs(d2).sum()]  # fmt: skip
    assert one("tdpsd", x) == pytest.approx(np.log(wanted))


@pytest.mark.parametrize("feature", ALL)
def test_amplitude_scales_as_it_must(feature):
    x = signal(400)[:, 0]
    ratio = {"mav": 5, "rms": 5, "wl": 5}.get(feature)
    small, large = one(feature, x), one(feature, 5 * x)
    if ratio:
        assert large == pytest.approx(ratio * small)
    elif feature in ("log_var", "log_cov"):
        assert large - small == pytest.approx(np.log(25))
    elif feature == "tdpsd":  # the first three are logarithms of moments to the power 0.1
        assert large - small == pytest.approx([0.1 * np.log(5)] * 3 + [0.0] * 3, abs=1e-9)
    else:
        assert large == pytest.approx(small, abs=1e-9)


@pytest.mark.parametrize("feature", ALL)
def test_silence_gives_numbers(feature):
    assert np.isfinite(one(feature, np.zeros(50))).all()


def test_streaming_equals_batch_bit_for_bit():
    x = signal()
    whole = FeatureStream(ALL, CHANNELS, 1000.0, 0.2, 0.05)
    ends, rows = whole.extract(x)
    assert ends.tolist() == list(range(200, 5001, 50))
    assert np.array_equal(rows[3], whole.compute(x[150:350].T))
    for seed in range(5):
        rng, stream, k, got = np.random.default_rng(seed), FeatureStream(ALL, CHANNELS, 1000.0, 0.2, 0.05), 0, []
        while k < len(x):
            n = int(rng.integers(0, [2, 30, 60, 300, 2000][seed]))
            got.append(stream.extract(x[k : k + n]))
            k += n
        assert np.array_equal(np.concatenate([e for e, _ in got]), ends)
        assert np.array_equal(np.concatenate([r for _, r in got]), rows)
        assert stream._tail.shape[1] <= 200 + 50
    whole.reset()
    assert np.array_equal(whole.extract(x)[1], rows)


def test_steps_longer_than_the_window_leave_samples_out():
    x = signal(1000)
    ends, rows = FeatureStream(DEFAULT, CHANNELS, 1000.0, 0.05, 0.2).extract(x)
    assert ends.tolist() == [50, 250, 450, 650, 850]
    stream = FeatureStream(DEFAULT, CHANNELS, 1000.0, 0.05, 0.2)
    got = [stream.extract(x[k : k + 7]) for k in range(0, 1000, 7)]
    assert np.array_equal(np.concatenate([r for _, r in got]), rows)


def test_names_tell_channel_and_feature():
    assert FeatureStream(("mav", "ar"), ("a", "b"), 1000.0, 0.2, 0.05).names == (
        "a/mav", "b/mav", *(f"{c}/ar{k}" for c in "ab" for k in (1, 2, 3, 4)),
    )  # fmt: skip
    assert columns("log_cov", "abc") == (
        "a/log_cov0",
        "a/log_cov1",
        "a/log_cov2",
        "b/log_cov0",
        "b/log_cov1",
        "c/log_cov0",
    )


def test_names_and_values_agree():
    x = signal(200)
    stream = FeatureStream(ALL, CHANNELS, 1000.0, 0.2, 0.05)
    row = dict(zip(stream.names, stream.compute(x.T), strict=True))
    assert row["b/mav"] == pytest.approx(np.abs(x[:, 1]).mean())
    assert row["c/wl"] == pytest.approx(np.abs(np.diff(x[:, 2])).mean())
    assert row["c/ar2"] == one("ar", x[:, 2])[1]


@pytest.mark.parametrize(
    ("features", "window", "step", "sentence"),
    [
        (("mav", "hjorth"), 0.2, 0.05, "unknown feature 'hjorth'"),
        (("mav", "mav"), 0.2, 0.05, "once each"),
        ((), 0.2, 0.05, "none"),
        (("mav",), 0.001, 0.05, "at least"),
        (("mav",), 0.2, 0.0001, "at least"),
    ],
)
def test_what_cannot_be(features, window, step, sentence):
    with pytest.raises(ConfigError, match=sentence):
        FeatureStream(features, CHANNELS, 1000.0, window, step)
