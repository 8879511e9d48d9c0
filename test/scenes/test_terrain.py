"""What falls on a terrain stays on it."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.scenes.prop import Prop
from myoprosthesis.scenes.terrain import Terrain

R = 0.1


def rested(terrain):
    """Height of a ball's middle two seconds after it was let go over a world with a floor of its own at 0.3 m."""
    spec = mujoco.MjSpec.from_string(
        "<mujoco><worldbody><geom type='plane' size='1 1 1' pos='0 0 .3'/></worldbody></mujoco>"
    )
    terrain.add_to(spec)
    Prop("ball", (R,), 1.0, friction=(1.0, 0.1, 0.1), position=(0.03, 0.02, 0.3)).add_to(spec)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, nstep=1000)
    return model, data.qpos[2]


def test_a_flat_one_takes_the_place_of_the_floor():
    model, height = rested(Terrain(height=-0.2))
    assert model.ngeom == 2 and height == pytest.approx(-0.2 + R, abs=1e-3)


def test_a_rough_one_is_the_same_for_the_same_seed_and_holds_what_falls_on_it():
    rough = Terrain(height=-0.2, roughness=0.05, extent=1.0)
    model, height = rested(rough)
    assert -0.2 + R - 1e-3 < height < -0.2 + 0.05 + R
    np.testing.assert_array_equal(model.hfield_data, rested(rough)[0].hfield_data)
    other = rested(Terrain(height=-0.2, roughness=0.05, extent=1.0, seed=1))[0]
    assert model.hfield_nrow == 21 and not np.array_equal(model.hfield_data, other.hfield_data)
    assert model.hfield_size[0].tolist()[:3] == [1.0, 1.0, 0.05]


@pytest.mark.parametrize("bad", [{"roughness": -0.1}, {"height": float("nan")}, {"spacing": 0.0}, {"spacing": 9.0}])
def test_what_cannot_be_is_refused(bad):
    with pytest.raises(ConfigError, match="terrain"):
        Terrain(**bad)
