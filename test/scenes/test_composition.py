"""A body among props keeps its own numbers."""

import mujoco
import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.scenes.composition import compose
from myoprosthesis.scenes.prop import Prop
from myoprosthesis.scenes.terrain import Terrain

ARM = """<mujoco><worldbody><body name="arm"><joint name="elbow"/><geom size=".1"/></body></worldbody>
<actuator><motor name="m" joint="elbow" ctrlrange="-1 1"/></actuator>
<keyframe><key name="bent" qpos="0.5" qvel="2" ctrl="0.3"/><key name="straight" qpos="0"/></keyframe></mujoco>"""


def test_props_stand_at_their_places_in_every_keyframe_and_the_body_where_it_was():
    props = [Prop("ball", (0.02,), 0.1, position=(1, 2, 3)), Prop("box", (0.1,) * 3, 0.2, "box", position=(4, 5, 6))]
    model = compose(mujoco.MjSpec.from_string(ARM), props, Terrain()).compile()
    data = mujoco.MjData(model)
    for key, (angle, speed, ctrl) in (("bent", (0.5, 2.0, 0.3)), ("straight", (0.0, 0.0, 0.0))):
        mujoco.mj_resetDataKeyframe(model, data, model.key(key).id)
        np.testing.assert_array_equal(data.qpos, [angle, *props[0].pose, *props[1].pose])
        np.testing.assert_array_equal(data.qvel, [speed] + [0.0] * 12)
        np.testing.assert_array_equal(data.ctrl, [ctrl])
    assert model.geom("terrain").id >= 0


def test_two_bodies_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="has a body 'arm' already"):
        compose(mujoco.MjSpec.from_string(ARM), [Prop("arm", (0.02,), 0.1)])
