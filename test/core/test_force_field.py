import json

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.force_field import ForceField

RNG = np.random.default_rng(3)


def random_law(n=3):
    return ForceField(RNG.normal(size=n), RNG.normal(size=(n, n)), RNG.normal(size=(n, n)))


def test_force_is_the_equation():
    f0, K, B, x0, x, v = RNG.normal(size=3), *RNG.normal(size=(2, 3, 3)), *RNG.normal(size=(3, 3))
    expected = [f0[i] + sum(K[i, j] * (x[j] - x0[j]) + B[i, j] * v[j] for j in range(3)) for i in range(3)]
    np.testing.assert_allclose(ForceField.of(f0, K, B, x0).force(x, v), expected, rtol=1e-13)


def test_laws_add_and_scale_as_their_forces_do():
    a, b, x, v = random_law(), random_law(), RNG.normal(size=3), RNG.normal(size=3)
    np.testing.assert_allclose((a + b).force(x, v), a.force(x, v) + b.force(x, v), rtol=1e-12)
    np.testing.assert_allclose((0.3 * a).force(x, v), 0.3 * a.force(x, v), rtol=1e-12)
    assert a + ForceField.zero() == a and (0.0 * a).is_zero and not a.is_zero


def test_json_brings_it_back_in_any_number_of_dimensions():
    for n in (1, 2, 3, 23):
        law = random_law(n)
        assert ForceField.from_dict(json.loads(json.dumps(law.to_dict()))) == law


def test_shorter_terms_are_padded():
    law = ForceField.of(f0=[1, 2], B=[[0, 10], [-10, 0]])
    assert law.n == 3
    np.testing.assert_array_equal(law.force(np.zeros(3), np.array([1.0, 0, 5])), [1, -8, 0])


def test_a_law_cannot_be_changed_and_leaves_the_callers_arrays_alone():
    f = np.ones(3)
    law = ForceField(f, np.zeros((3, 3)), np.zeros((3, 3)))
    f[0] = 7.0
    assert law.f[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        law.f[0] = 2.0


@pytest.mark.parametrize(
    "bad",
    [
        {"f": [0, 0, np.nan], "K": np.eye(3), "B": np.eye(3)},
        {"f": [0, 0, 0], "K": np.eye(2), "B": np.eye(3)},
        {"f": [0, 0, 0], "K": np.eye(3)},
        {"f": [0, 0, 0], "K": np.eye(3), "B": np.eye(3), "x0": [0, 0, 0]},
        {"f": ["a", 0, 0], "K": np.eye(3), "B": np.eye(3)},
        {"f": [0, 0, 0], "K": [[1, 2], [3]], "B": np.eye(3)},
        {},
    ],
)
def test_faults_are_refused(bad):
    with pytest.raises(ConfigError):
        ForceField.from_dict(bad)


def test_terms_larger_than_the_space_are_refused():
    with pytest.raises(ConfigError, match="at most"):
        ForceField.of(f0=[1, 2, 3, 4])
