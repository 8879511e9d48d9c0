"""A MuJoCo body as an effector: any MJCF, with muscles, servos, motors, or several of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.effector import Initial
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import ConfigError, EffectorError
from myoprosthesis.core.options import option
from myoprosthesis.effectors.actuation import Actuation, unique
from myoprosthesis.effectors.angle_ranges import check_angles
from myoprosthesis.effectors.body_loads import BodyLoads
from myoprosthesis.effectors.body_picture import View, render
from myoprosthesis.effectors.braking import measured_braking
from myoprosthesis.effectors.endpoint_reach import endpoint_reach
from myoprosthesis.effectors.muscle_activation import bound_activation
from myoprosthesis.effectors.muscle_strength import MuscleStrength
from myoprosthesis.effectors.named_parts import endpoint_of, keyframe_of
from myoprosthesis.effectors.object_properties import ObjectProperties
from myoprosthesis.effectors.scene_objects import SceneObjects
from myoprosthesis.effectors.state_reader import StateReader

Array = NDArray[np.float64]
_STATE = int(mujoco.mjtState.mjSTATE_INTEGRATION)

# Without a handler MuJoCo prints its warnings and writes MUJOCO_LOG.TXT into the working directory.
if mujoco.get_mju_user_warning() is None:
    mujoco.set_mju_user_warning(logging.getLogger("mujoco").info)


@dataclass(frozen=True)
class BodyOptions:
    """Options of every MuJoCo body."""

    dt: float = option(0.01, "control period, a whole multiple of the model's time step", "s", 1e-4, 1.0)
    time_step: float = option(0.0, "of the physics; 0: the model's own", "s", 0.0, 0.1)
    endpoint: str = option("", "site that is the endpoint; empty: the body's own")
    keyframe: str = option("", "keyframe of the start; empty: the body's own")
    fail: dict[str, Any] | tuple[str, ...] = option(
        (),
        "fail state: hold, relax, or by channel, as in [elbow=hold, biceps=relax, grip=0.02]; empty: servos hold "
        "where they are, all else relaxes",
    )
    observed_sites: tuple[str, ...] = option((), "sites whose place and velocity are in the state, beside the endpoint")
    frames: tuple[str, ...] = option((), "bodies whose pose is in the state, such as the palm")
    muscle_command: str = option(
        "excitation",
        "what muscles are commanded by: excitation, or target length (m)",
        choices=("excitation", "length"),
    )
    reflex_kp: float = option(
        10.0, "of muscles commanded by length: excitation per stretch by one optimal fibre length", "1", 0.0, 1000.0
    )
    reflex_kd: float = option(
        1.0,
        "of muscles commanded by length: excitation per velocity of one optimal fibre length a second",
        "s",
        0.0,
        10.0,
    )
    contacts: tuple[str, ...] = option((), "touch sensors whose force is in the state")
    multi_turn: tuple[str, ...] = option(
        (), "hinges that turn more than once either way; of any other, such a range is refused as one in degrees"
    )


class MujocoBody:
    """Implements `Effector` over a compiled `mujoco.MjModel`.

    The state is always that of one instant: the position and velocity stage of the next step (`mj_step1`) and
    the actuators' forces are computed at the end of each period, so nothing is one step old. Loads are evaluated
    inside every physics step; with the RK4 integrator, whose steps cannot be cut in two, in each of its four stages.

    `endpoint` and `keyframe` are used where the options have none. `joints` are those that the body tells; others,
    such as coupled ones, are inner matters. Empty: all.
    """

    def __init__(
        self,
        name: str,
        model: mujoco.MjModel,
        options: BodyOptions,
        endpoint: str = "",
        keyframe: str = "",
        joints: Sequence[str] = (),
        rate_limit: float | tuple[float, ...] | None = None,
        frame: str = "world",
        remarks: Sequence[str] = (),
    ) -> None:
        self.model = model
        if options.time_step:
            model.opt.timestep = options.time_step
        self.data = mujoco.MjData(model)
        self.substeps = round(options.dt / model.opt.timestep)
        if self.substeps < 1 or abs(self.substeps * model.opt.timestep - options.dt) > 1e-9:
            raise ConfigError(
                f"effector {name!r} steps {model.opt.timestep * 1e3:g} ms: a control period of {options.dt * 1e3:g} ms "
                "is no whole multiple of it"
            )
        self._staged = int(model.opt.integrator) == mujoco.mjtIntegrator.mjINT_RK4
        self._half_step = 0.5 * model.opt.timestep
        self._key = keyframe_of(model, name, options.keyframe or keyframe)
        self._site = endpoint_of(model, name, options.endpoint or endpoint)
        named = unique([model.joint(j).name for j in range(model.njnt)], "joint")
        by_length = options.muscle_command == "length"
        if by_length and int(mujoco.mjtDyn.mjDYN_MUSCLE) not in model.actuator_dyntype:
            raise ConfigError(f"effector {name!r} has no muscles that could be commanded by length")
        self.actuation = Actuation(model, named, (options.reflex_kp, options.reflex_kd) if by_length else None)
        bound_activation(model, self.actuation.muscles)
        check_angles(name, model, named, self.actuation.command, options.multi_turn)
        reader = StateReader(
            model, self.data, self.actuation, self._site, named, joints, options.observed_sites, options.contacts,
            options.frames,
        )  # fmt: skip
        self._reader = reader
        self._muscles = self.actuation.muscles
        self._strength = np.ones(self._muscles.size)
        self._altered = False
        self.muscle_strength = MuscleStrength(model, self._muscles)
        self.objects = ObjectProperties(model, reader.objects, reader.object_bodies)
        self._scene = SceneObjects(model, self.objects, reader.object_dofs)
        self._loads = BodyLoads(model, bool(reader.root), reader.object_bodies)
        self._no_load = _constant(np.zeros(3)), _constant(np.zeros(len(reader.joints)))
        self._endpoint_load, self._joint_load = self._no_load
        self._applied = np.zeros(model.nu)
        command = self.actuation.command
        self.spec = EffectorSpec(
            name=name,
            dt=options.dt,
            command=command,
            joints=reader.joints,
            joint_units=reader.joint_units,
            muscles=self.actuation.muscle_names,
            endpoint=model.site(self._site).name if self._site >= 0 else "",
            frame=frame,
            sites=(("endpoint",) if self._site >= 0 else ())
            + ("joint",) * bool(reader.joints)
            + ("muscle",) * bool(self._muscles.size)
            + ("object",) * bool(reader.objects)
            + ("body",) * bool(self._loads.names),
            resettable=True,
            pausable=True,
            deterministic=True,
            fail=self.actuation.fail_state(name, options.fail),
            rate_limit=rate_limit,
            simulator=f"mujoco {mujoco.__version__}",
            home=self._home(),
            reach=endpoint_reach(model, self._site),
            poses=self._poses(),
            relaxed=tuple(self.actuation.relaxed.tolist()) if self.actuation.reflex else (),
            root=reader.root,
            observed_sites=reader.observed_sites,
            frames=reader.frames,
            objects=reader.objects,
            contacts=reader.contacts,
            bodies=self._loads.names,
        )
        braking, sinking = measured_braking(self, self.actuation.stiff), self.actuation.sinking(self.data, self.spec)
        self.spec = replace(self.spec, braking=braking, remarks=(*remarks, *sinking))

    def reset(self, seed: int = 0, initial: Initial | None = None) -> EffectorState:
        """The start keyframe, or the model's own start; with `initial`, some channels elsewhere, or other objects.

        The same for every seed."""
        places, changes = self.objects.split(initial or {})
        self._scene.reset(changes)
        self._loads.reset()
        self._place()
        if places:
            self._reader.place(places)
        self._set_strength(np.ones(self._muscles.size))
        self._measure()
        self.actuation.settle(self.data)
        self._endpoint_load, self._joint_load = self._no_load
        return self._state(self.actuation.command_of(self.data.ctrl))

    def step(self, command: Array, disturbance: Disturbance) -> EffectorState:
        """Integrate one control period; `command` in the order of `spec.command`, shape (nu,)."""
        self.advance(command, disturbance)
        return self._state(command)

    def read(self, out: Array | None = None) -> Array:
        """The state table of this instant, shape (3, n): written into `out`, or into a new array."""
        mujoco.mj_fwdActuation(self.model, self.data)
        return self._reader.read(out, self._endpoint_load, self._scene.load)

    def advance(self, command: Array, disturbance: Disturbance) -> None:
        """Integrate one control period as `step` does, without reading the state; see `read`."""
        model, data = self.model, self.data
        end = data.time + self.spec.dt
        if disturbance.strength is not None:
            self._set_strength(disturbance.strength)
        elif self._altered:
            self._set_strength(np.ones_like(self._strength))
        changed = self._loads.disturb(data, disturbance)
        if (self._scene and self._scene.disturb(disturbance)) or changed:
            self._measure()
        data.ctrl[:] = self.actuation.ctrl(command)
        loaded = disturbance.endpoint is not None or disturbance.joint is not None
        if not loaded and self.actuation.reflex is None:
            if self._scene:
                data.qfrc_applied[:] = self._scene.push
            if self._staged:
                mujoco.mj_step(model, data, nstep=self.substeps)
            else:
                mujoco.mj_step2(model, data)
                if self.substeps > 1:
                    mujoco.mj_step(model, data, nstep=self.substeps - 1)
            data.qfrc_applied[:] = 0.0
            self._endpoint_load, self._joint_load = self._no_load
        elif self._staged:
            self._step_staged(disturbance, command)
        else:
            self._step_loaded(disturbance, command)
        self._loads.release(data)
        self._measure()
        if not abs(data.time - end) < self._half_step:  # MuJoCo starts again from time 0 when it diverges
            raise EffectorError(f"the simulation of {self.spec.name!r} diverged before {end:.3f} s: it needs a reset")

    def get_state(self) -> Array:
        """All that the future depends on: MuJoCo's integration state, sensors, strengths, objects, loads, command."""
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, state, _STATE)
        return np.concatenate([state, *self._own_state()])

    def set_state(self, state: Array) -> EffectorState:
        """See the protocol."""
        own = self._own_state()
        n = mujoco.mj_stateSize(self.model, _STATE)
        sizes = [n, *(part.size for part in own)]
        if np.shape(state) != (sum(sizes),) or not np.isfinite(state).all():
            raise ConfigError(
                f"effector {self.spec.name!r} has a state of {sum(sizes)} finite numbers, got shape {np.shape(state)}"
            )
        parts = np.split(np.array(state, float), np.cumsum(sizes)[:-1])
        physics, sensors, strength, self._endpoint_load, self._joint_load, applied, objects, mass, load, carried = parts
        data = self.data
        self._scene.restore(objects, mass, load)
        self._loads.restore(carried)
        mujoco.mj_setState(self.model, data, physics, _STATE)
        self._set_strength(strength)
        self._measure()
        data.sensordata[:] = sensors  # forces are those of the step before
        return self._state(applied)

    def _own_state(self) -> tuple[Array, ...]:
        own = (self.data.sensordata, self._strength, self._endpoint_load, self._joint_load, self._applied)
        return (*own, *self._scene.state(), self._loads.state())

    @property
    def start_keyframe(self) -> int:
        """The number of the keyframe of the start; −1: the model's own start."""
        return self._key

    @property
    def endpoint_site(self) -> int:
        """The number of the endpoint's site; −1: there is none."""
        return self._site

    def source(self, channel: str, field: str = "position") -> tuple[str, tuple[int, ...]]:
        """Where a channel of the state stands in `mujoco.MjData`, see `StateReader.source`."""
        return self._reader.source(channel, field)

    def open_viewer(self) -> Any:
        """MuJoCo's own window on this body; raises where there is no display. Call its `sync` to draw."""
        import mujoco.viewer

        return mujoco.viewer.launch_passive(self.model, self.data)

    def render(
        self, width: int, height: int, azimuth: float, elevation: float, distance: float = 0.0, look_at: Any = None
    ) -> NDArray[np.uint8]:
        """The body as it stands on white, without floor and scenery, (height, width, 3) RGB.

        Angles in degrees, distance in m (0: the body fills the picture), look_at (3,) m (None: its middle)."""
        return render(self.model, self.data, width, height, View(azimuth, elevation, distance, look_at))

    def close(self) -> None:
        """Nothing to release: the model lives in memory."""

    def _measure(self) -> None:
        """The position and velocity stage at the present instant."""
        if self._staged:
            mujoco.mj_forward(self.model, self.data)
        else:
            mujoco.mj_step1(self.model, self.data)

    def _step_loaded(self, disturbance: Disturbance, command: Array) -> None:
        """Substeps with F = f + K x + B v and reflexes evaluated in each; the mean load over the period is reported."""
        loads = []
        for k in range(self.substeps):
            if k:
                mujoco.mj_step1(self.model, self.data)
            loads.append(self._load(disturbance, command))
            mujoco.mj_step2(self.model, self.data)
        self._loaded(loads)

    def _step_staged(self, disturbance: Disturbance, command: Array) -> None:
        """The same, evaluated in every stage of each substep, where MuJoCo asks for controls."""
        loads: list[tuple[Array, Array]] = []

        def controls(model: mujoco.MjModel, data: mujoco.MjData) -> None:
            loads.append(self._load(disturbance, command))

        before = mujoco.get_mjcb_control()
        mujoco.set_mjcb_control(controls)
        try:
            mujoco.mj_step(self.model, self.data, nstep=self.substeps)
        finally:
            mujoco.set_mjcb_control(before)
        self._loaded(loads)

    def _load(self, disturbance: Disturbance, command: Array) -> tuple[Array, Array]:
        """Apply laws and reflexes where the body is now; the force on the endpoint and the torques on the joints."""
        if self.actuation.reflex is not None:
            self.actuation.excite(self.data, command)
        reader, data = self._reader, self.data
        force, load, torques = self._scene.push.copy(), np.zeros(3), np.zeros(len(self.spec.joints))
        if disturbance.joint is not None:
            turning, torques = reader.torques(disturbance.joint.force(*reader.joint_motion()))
            force += turning
        if disturbance.endpoint is not None:
            place, jacobian = reader.endpoint()
            load = disturbance.endpoint.force(place, jacobian @ data.qvel)
            force += jacobian.T @ load
        data.qfrc_applied[:] = force
        return load, torques

    def _loaded(self, loads: list[tuple[Array, Array]]) -> None:
        """End of a period: the mean of what acted is reported."""
        self.data.qfrc_applied[:] = 0.0
        total, joint_total = np.zeros(3), np.zeros(len(self.spec.joints))
        for load, torques in loads:
            total += load
            joint_total += torques
        self._endpoint_load, self._joint_load = total / len(loads), joint_total / len(loads)

    def _state(self, applied: Array) -> EffectorState:
        table = self.read()
        place, velocity = self.actuation.measured(self.data)
        self._applied = np.array(applied, float)
        return EffectorState(self.spec, float(self.data.time), table, self._applied, self._joint_load, place, velocity)

    def _place(self) -> None:
        if self._key >= 0:
            mujoco.mj_resetDataKeyframe(self.model, self.data, self._key)
        else:
            mujoco.mj_resetData(self.model, self.data)
        self.data.time = 0.0

    def _home(self) -> tuple[float, ...]:
        """Endpoint at the start, (3,) m, or empty."""
        if self._site < 0:
            return ()
        self._place()
        mujoco.mj_forward(self.model, self.data)
        return tuple(float(x) for x in self.data.site_xpos[self._site])

    def _poses(self) -> dict[str, tuple[float, ...]]:
        """Keyframes with names as targets of place, within their limits; none where anything else is commanded."""
        model, data = self.model, self.data
        if self.actuation.command.quantity != "position":
            return {}
        low, high = self.actuation.command.bounds()
        poses = {}
        for k in (k for k in range(model.nkey) if model.key(k).name):
            mujoco.mj_resetDataKeyframe(model, data, k)
            mujoco.mj_fwdPosition(model, data)
            pose = np.clip(self.actuation.places(data), low, high)
            poses[model.key(k).name] = tuple(float(x) for x in pose)
        return poses

    def _set_strength(self, strength: Array) -> None:
        """Scale the active force of each muscle."""
        if np.array_equal(strength, self._strength):
            return
        self._altered = bool((strength != 1).any())
        self.muscle_strength.put(self.model.actuator_gainprm, strength)
        self._strength = strength.copy()

    @property
    def object_dofs(self) -> NDArray[np.intp]:
        """(n_objects, 3) the degrees of freedom along x, y and z of each object."""
        return self._reader.object_dofs

    @property
    def body_parts(self) -> NDArray[np.intp]:
        """(n_bodies,) the numbers in the model of the parts that can be pushed and loaded."""
        return self._loads.ids


def _constant(values: Array) -> Array:
    """The array, which every state may have and none can change."""
    values.setflags(write=False)
    return values
