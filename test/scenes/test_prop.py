"""A prop is the free body that its numbers say."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.scenes.prop import Prop


@pytest.mark.parametrize(
    "shape, size, inertia",
    [
        ("sphere", (0.1,), [0.4 * 0.01] * 3),
        ("box", (0.1, 0.2, 0.3), [(0.04 + 0.09) / 3, (0.01 + 0.09) / 3, (0.01 + 0.04) / 3]),
        ("cylinder", (0.1, 0.2), [0.01 / 4 + 0.16 / 12, 0.01 / 4 + 0.16 / 12, 0.01 / 2]),
    ],
)
def test_it_has_the_mass_the_inertia_and_the_place_that_it_is_given(shape, size, inertia):
    prop = Prop("thing", size, 2.0, shape, (0.5, 0.01, 0.001), (1.0, 2.0, 3.0), (0.0, 1.0, 0.0, 0.0))
    spec = mujoco.MjSpec()
    prop.add_to(spec)
    model = spec.compile()
    assert model.body("thing").mass == pytest.approx(2.0)
    np.testing.assert_allclose(model.body("thing").inertia, 2.0 * np.array(inertia), rtol=1e-9)
    np.testing.assert_array_equal(model.qpos0, prop.pose)
    np.testing.assert_array_equal(model.geom("thing").friction, prop.friction)


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"shape": "spere"}, "unknown shape of a prop 'spere'.*did you mean 'sphere'"),
        ({"size": (0.1, 0.2)}, "a sphere needs 1 lengths"),
        ({"size": (float("nan"),)}, "above 0 m"),
        ({"mass": 0.0}, "mass of 0.0 kg"),
        ({"friction": (-1.0, 0.0, 0.0)}, "0 or more"),
        ({"position": (0.0, 0.0, float("inf"))}, "finite start pose"),
        ({"orientation": (0.0,) * 4}, "finite start pose"),
    ],
)
def test_what_cannot_be_is_refused(bad, words):
    with pytest.raises(ConfigError, match=words):
        Prop(**({"name": "thing", "size": (0.1,), "mass": 1.0} | bad))
