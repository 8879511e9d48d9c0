"""How the motors of a hand follow their target, as far as no maker tells: emulators and models move alike."""

import numpy as np
from numpy.typing import NDArray

GAIN = 30.0
"""1/s: speed wanted per error of position, up to the joint's fastest."""
LAG_S = 0.015
"""Time constant of the motors' speed."""
PERIODS = 6
"""Control periods from a state to the target that it brings about: on a Modbus only each third request is a target."""


def braking(speed: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
    """rad/s²: a motor that runs at `speed` (rad/s) goes on until the target comes, and then for its lag; as v²/2a."""
    return speed / (2 * (LAG_S + PERIODS * dt))
