import numpy as np

from myoprosthesis.core.fingerprint import fingerprint
from myoprosthesis.effectors.bodies import arm26
from myoprosthesis.effectors.mujoco_body import BodyOptions


def test_the_same_body_has_the_same_fingerprint_and_is_left_reset():
    body = arm26(BodyOptions())
    start = body.reset(0).table
    first = fingerprint(body)
    assert first == fingerprint(body) == fingerprint(arm26(BodyOptions()))
    assert len(first) == 4 and np.ptp(first) > 0.1
    np.testing.assert_array_equal(body._state(np.zeros(6)).table, start)


def test_changed_physics_changes_it():
    body, changed = arm26(BodyOptions()), arm26(BodyOptions())
    changed.model.actuator_gainprm[2, 6] *= 1.001  # a muscle a thousandth faster
    difference = np.abs(np.subtract(fingerprint(body), fingerprint(changed)))
    assert difference.max() > 1e-5
