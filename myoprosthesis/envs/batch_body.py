"""Many simulations of one body, stepped on a thread pool."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.effector import Initial
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.effectors.mujoco_body import MujocoBody
from myoprosthesis.effectors.object_properties import FIELDS, heavier
from myoprosthesis.effectors.stretch_reflex import StretchReflex

Array = NDArray[np.float64]
Ids = NDArray[np.intp]
_READY = int(mujoco.mjtStage.mjSTAGE_VEL)
"""Position and velocity are those of the end of a period, as a `MujocoBody` tells them."""
_PLACED = int(mujoco.mjtStage.mjSTAGE_POS)
_WARNING = mujoco.mjtWarning
_DIVERGED = slice(int(_WARNING.mjWARN_BADQPOS), int(_WARNING.mjWARN_BADQACC) + 1)
"""Warnings with which MuJoCo begins again from its own start."""


class BatchBody:
    """`num` simulations of a `MujocoBody`: each has the states of one body that is stepped alone, bit for bit.

    Disturbances are fields at the endpoint, strengths of muscles, forces on parts of a floating body, and forces on
    objects and their mass. `channels` are those that can be read, as pairs of channel and field (`position` or
    `velocity`; `effort` of contacts alone)."""

    def __init__(self, body: MujocoBody, num: int, threads: int, channels: Sequence[tuple[str, str]]) -> None:
        self._body, self.num = body, num
        self.batch = Batch(body.model, num, nthread=threads or len(os.sched_getaffinity(0)), persistent=True)
        self._qpos, self._qvel = self.batch.bind("qpos"), self.batch.bind("qvel")
        self._act, self._ctrl, self._time = self.batch.bind("act"), self.batch.bind("ctrl"), self.batch.bind("time")
        self._applied, self._pushed = self.batch.bind("qfrc_applied"), False
        self._body_forces, self._parts_pushed = self.batch.bind("xfrc_applied"), False
        self._laws: tuple[Array, Array, Array] | None = None
        """f (num, 3), K and B (num, 3, 3) of the fields at the endpoint; None: there is none."""
        self._properties = np.tile(body.objects.own, (num, 1, 1))
        self._mass = np.ones(self._properties.shape[:2])
        self._strength = np.ones((num, len(body.spec.muscles)))
        self._expanded: dict[str, Array] = {}
        """Arrays of the model that have values by simulation, (num, …); none while all are as the body's."""
        free = body.model.jnt_type == int(mujoco.mjtJoint.mjJNT_FREE)
        self._turns = [int(address) + 3 for address in body.model.jnt_qposadr[free]]
        """Where quaternions stand in qpos."""
        self._measured = self.batch.bind("sensordata")
        self._sensors = np.zeros_like(self._measured)
        """(num, n_sensordata) what sensors have measured; contact forces are those of the newest physics step."""
        self._warned = self.batch.warning[:, _DIVERGED, 1]
        self.columns = {pair: k for k, pair in enumerate(dict.fromkeys(channels))}
        """Column of `table` by channel and field."""
        self._parts: list[tuple[Array, Ids, tuple[Any, ...]]] = []
        self._moving: list[tuple[int, str, int, int]] = []
        places: dict[str, list[tuple[int, tuple[int, ...]]]] = {}
        for (channel, field), k in self.columns.items():
            name, at = body.source(channel, field)
            if name in ("site_velocity", "body_velocity"):
                self._moving.append((k, name, *at))  # type: ignore[arg-type]
            elif name:
                places.setdefault(name, []).append((k, at))
        for name, entries in places.items():
            columns = np.array([k for k, _ in entries], np.intp)
            index = tuple(np.array(axis, np.intp) for axis in zip(*(at for _, at in entries), strict=True))
            source = self._sensors if name == "sensordata" else self.batch.bind(name)
            self._parts.append((source, columns, (slice(None), *index)))
        if self._moving:
            self._cvel, self._com = self.batch.bind("cvel"), self.batch.bind("subtree_com")
            self._xpos, self._site_xpos = self.batch.bind("xpos"), self.batch.bind("site_xpos")
            self._xmat = self.batch.bind("xmat")
        self.table = np.zeros((num, len(self.columns)))
        """(num, n_columns) what was read last."""

    @property
    def spec(self) -> EffectorSpec:
        """The effector that each of them is."""
        return self._body.spec

    def reset(self, ids: Ids, initial: Sequence[Initial]) -> None:
        """Put these simulations to the effector's start, or where `initial` says, one each; see `Simulation.reset`."""
        self.set_objects(ids, initial)
        self.batch.reset(ids, self._body.start_keyframe, int(mujoco.mjtStage.mjSTAGE_NONE))
        self._time[ids] = 0.0
        for i, start in zip(ids.tolist(), initial, strict=True):
            for channel, value in self._body.objects.split(start)[0].items():
                name, at = self._body.source(channel)
                if name not in ("qpos", "act"):
                    raise ConfigError(f"a start cannot put {channel} anywhere: it follows from others")
                position, velocity = value if isinstance(value, (tuple, list)) else (value, None)
                (self._qpos if name == "qpos" else self._act)[i, at[0]] = position
                if velocity is not None:
                    name, at = self._body.source(channel, "velocity")
                    if name != "qvel":
                        raise ConfigError(f"a start has a velocity for {channel}, which has none")
                    self._qvel[i, at[0]] = velocity
            for address in self._turns:
                mujoco.mju_normalize4(self._qpos[i, address : address + 4])
        self.batch.forward(ids, _READY)
        self._sensors[ids] = 0.0

    def set_objects(self, ids: Ids, initial: Sequence[Initial]) -> None:
        """Give the objects of these simulations the properties that `initial` has, one each; else their own."""
        objects = self._body.objects
        values = [objects.values(self._body.objects.split(start)[1]) for start in initial]
        self._put_objects(ids, np.reshape(values, (len(values), *objects.own.shape)), np.ones_like(self._mass[ids]))

    def _put_objects(self, ids: Ids, properties: Array, mass: Array) -> None:
        """Objects with these properties, of so many times their mass; what is derived from them follows."""
        new = (properties != self._properties[ids]).any(axis=(1, 2)) | (mass != self._mass[ids]).any(axis=1)
        changed = np.asarray(ids[new])
        self._properties[ids], self._mass[ids] = properties, mass
        if changed.size:
            fields = {name: self._of_each(name) for name in FIELDS}
            for i in changed.tolist():
                one = {name: values[i] for name, values in fields.items()}
                self._body.objects.put(one, heavier(self._properties[i], self._mass[i]))
            self.batch.set_const(changed)

    def _of_each(self, name: str) -> Array:
        """An array of the model by simulation, (num, …)."""
        if name not in self._expanded:
            self._expanded[name] = self.batch.expand(name)
        return self._expanded[name]

    def disturb(self, disturbances: Sequence[Disturbance]) -> None:
        """What acts on each simulation in the next period."""
        strength, mass = np.ones_like(self._strength), np.ones_like(self._mass)
        laws = {i: d.endpoint for i, d in enumerate(disturbances) if d.endpoint is not None}
        self._laws = (np.zeros((self.num, 3)), *np.zeros((2, self.num, 3, 3))) if laws else None
        for i, law in laws.items():
            for part, value in zip(self._laws or (), (law.f, law.K, law.B), strict=True):
                part[i] = value
        self._pushed = any(d.object_force is not None for d in disturbances)
        self._parts_pushed = any(d.body_force is not None for d in disturbances)
        for i, d in enumerate(disturbances):
            if d.strength is not None:
                strength[i] = d.strength
            if d.object_mass is not None:
                mass[i] = d.object_mass
            if d.object_force is not None:
                self._applied[i, self._body.object_dofs] = d.object_force
            if d.body_force is not None:
                self._body_forces[i, self._body.body_parts, :3] = d.body_force
        for i in np.flatnonzero((strength != self._strength).any(axis=1)).tolist():
            self._body.muscle_strength.put(self._of_each("actuator_gainprm")[i], strength[i])
        self._strength = strength
        self._put_objects(np.arange(self.num), self._properties, mass)

    def model(self, i: int) -> mujoco.MjModel:
        """The model of simulation `i`, with its own objects."""
        return self.batch.get_model(i) if self._expanded else self._body.model

    def step(self, command: Array) -> NDArray[np.bool_]:
        """One control period with commands (num, n_command); which of them diverged, (num,).

        Those are to be reset before they are read."""
        self._ctrl[:] = self._body.actuation.ctrl(command)
        warned = self._warned.copy()
        with contextlib.suppress(SimulationError):  # which they are is in `status`
            if self._body.actuation.reflex is not None:
                self._step_by_length(self._body.actuation.reflex, command)
            elif self._laws is None:
                self.batch.step(nstep=self._body.substeps, stage=_READY)
            else:
                self._step_loaded(*self._laws)
        self._sensors[:] = self._measured
        if self._pushed or self._laws is not None:
            self._applied[:] = 0.0
        if self._parts_pushed:
            self._body_forces[:] = 0.0
        return np.asarray((self._warned != warned).any(axis=1) | (self.batch.status != 0))

    def _step_by_length(self, reflex: StretchReflex, command: Array) -> None:
        """Substeps with the excitation of muscles that are commanded by length evaluated in each, and laws too."""
        muscles = self._body.actuation.muscles
        length, velocity = self.batch.bind("actuator_length"), self.batch.bind("actuator_velocity")
        pushed = self._applied.copy()
        for _ in range(self._body.substeps):
            self._ctrl[:, muscles] = reflex.excitation(length[:, muscles], velocity[:, muscles], command[:, muscles])
            if self._laws is not None:
                self._applied[:] = pushed + self._load(*self._laws)
            self.batch.step(stage=_READY)

    def _step_loaded(self, f: Array, stiffness: Array, damping: Array) -> None:
        """Substeps with F = f + K x + B v at the endpoint evaluated in each, as in `MujocoBody`."""
        pushed = self._applied.copy()
        for k in range(self._body.substeps):
            self._applied[:] = pushed + self._load(f, stiffness, damping)
            self.batch.step(stage=_READY if k == self._body.substeps - 1 else _PLACED)

    def _load(self, f: Array, stiffness: Array, damping: Array) -> Array:
        """(num, n_dof) of F = f + K x + B v at the endpoint, where the bodies are now."""
        site = self._body.endpoint_site
        x = self.batch.bind("site_xpos")[:, site]
        jacobian, _ = self.batch.jac(int(self._body.model.site_bodyid[site]), x)
        velocity = jacobian @ self._qvel[..., None]
        force = f[..., None] + stiffness @ x[..., None] + damping @ velocity
        return np.asarray((np.swapaxes(jacobian, -1, -2) @ force)[..., 0])

    def read(self) -> Array:
        """The columns of all simulations now: `table`."""
        table = self.table
        for values, columns, at in self._parts:
            table[:, columns] = values[at]
        for k, name, number, axis in self._moving:
            table[:, k] = self._velocity(name, number, axis)
        return table

    def _velocity(self, name: str, number: int, axis: int) -> Array:
        """One velocity of a site or a part of the body, from that of its body about the centre of mass of its tree."""
        model = self._body.model
        body = int(model.site_bodyid[number]) if name == "site_velocity" else number
        turning, moving = self._cvel[:, body, :3], self._cvel[:, body, 3:]
        if axis == 3:
            return np.zeros(self.num)
        if axis > 3:
            local = self._xmat[:, body].reshape(-1, 3, 3)[:, :, axis - 4]
            return np.einsum("nk,nk->n", turning, local)
        place = self._site_xpos[:, number] if name == "site_velocity" else self._xpos[:, body]
        arm = place - self._com[:, int(model.body_rootid[body])]
        return np.asarray((moving + np.cross(turning, arm))[:, axis])

    def states(self, ids: Ids) -> Array:
        """(n, n_state) all that the future of these simulations depends on, and what their sensors have measured."""
        return np.concatenate([self.batch.state[ids], self._sensors[ids]], axis=1)

    def put(self, ids: Ids, states: Array, own_time: bool = False) -> None:
        """Continue these simulations from `states`; their time is 0, or with `own_time` that of the states."""
        sensors = states.shape[1] - self._sensors.shape[1]
        self.batch.state[ids] = states[:, :sensors]
        if not own_time:
            self._time[ids] = 0.0
        self.batch.forward(ids, _READY)
        self._sensors[ids] = states[:, sensors:]
