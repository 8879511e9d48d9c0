"""An effector of your own: four members, one shared check, and one line of metadata to use it in a stack.

Constructing opens nothing; `step` applies a command for one period and never sleeps. In a package of yours the line
`carriage = "my_package.carriage:Carriage"` under `[project.entry-points."myoprosthesis.effectors"]` gives it a name:
`myoprosthesis up --effector carriage --policy … --task none`.
"""

from dataclasses import dataclass

import numpy as np

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.options import option
from myoprosthesis.testing import check_effector


@dataclass(frozen=True)
class CarriageOptions:
    """Options of the carriage: they become ROS parameters and `--set effector.…`."""

    dt: float = option(0.01, "control period", "s", 1e-4, 1.0)


class Carriage:
    """A carriage on a rail that follows a position command within one period."""

    def __init__(self, options: CarriageOptions) -> None:
        command = Channels("position", ("carriage",), "m", (-0.5,), (0.5,))
        self.spec = EffectorSpec(
            "carriage",
            options.dt,
            command,
            ("carriage",),
            fail="hold",
            rate_limit=1.0,
            resettable=True,
            pausable=True,
            deterministic=True,
            joint_units=("m",),
        )

    def reset(self, seed: int = 0) -> EffectorState:
        self.tick, self.position = 0, 0.0
        return self.state(velocity=0.0)

    def step(self, command: np.ndarray, disturbance: Disturbance) -> EffectorState:
        velocity = (float(command[0]) - self.position) / self.spec.dt
        self.tick, self.position = self.tick + 1, float(command[0])
        return self.state(velocity)

    def close(self) -> None:
        """Nothing to release."""

    def state(self, velocity: float) -> EffectorState:
        table = np.array(
            [[self.position], [velocity], [0.0]]
        )  # rows position, velocity, effort; one column per channel
        return EffectorState(self.spec, self.tick * self.spec.dt, table, np.array([self.position]))


check_effector(lambda: Carriage(CarriageOptions()), seconds=2.0)
carriage = Carriage(CarriageOptions())
carriage.reset()
for target in (0.1, 0.2, 0.3):
    state = carriage.step(np.array([target]), NO_DISTURBANCE)
    print(f"{state.time:.2f} s: {state.joint_position[0]:.2f} m, {state.joint_velocity[0]:.1f} m/s")
