"""Which of a model's quantities are the channels of an effector's state, and how they are read from `mujoco.MjData`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector import Initial
from myoprosthesis.core.effector_spec import AXES, POSE
from myoprosthesis.core.errors import ConfigError, unknown
from myoprosthesis.effectors.actuation import Actuation, unique

Array = NDArray[np.float64]
Addresses = NDArray[np.intp]
_JOINT, _TRN, _WRAP = mujoco.mjtJoint, mujoco.mjtTrn, mujoco.mjtWrap
_SINGLE = (int(_JOINT.mjJNT_HINGE), int(_JOINT.mjJNT_SLIDE))
_FREE = int(_JOINT.mjJNT_FREE)
_FREE_VELOCITY = (0, 1, 2, -1, 3, 4, 5)
"""Of each channel of a pose the velocity of a free joint; the scalar part of a quaternion has none."""


class StateReader:
    """The channels of a body's state; `read` writes them into a table.

    `joints`, `root`, `observed_sites`, `frames`, `objects` and `contacts` are those of the `EffectorSpec`.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        actuation: Actuation,
        endpoint: int,
        named: Sequence[str],
        joints: Sequence[str] = (),
        observed_sites: Sequence[str] = (),
        contacts: Sequence[str] = (),
        frames: Sequence[str] = (),
    ) -> None:
        """`endpoint` is the number of its site, −1 for none.

        `named` are the names of all joints of the model, `joints` those that are channels (empty: all). Raises
        `ConfigError` for a site, a body or a touch sensor that does not exist."""
        self._model, self._data, self._endpoint = model, data, endpoint
        free = _objects(model)
        self.joints, self._position, velocity = _joint_columns(model, named, joints, free)
        self.joint_units = _joint_units(model, self._position)
        first = next((j for j in range(model.njnt) if int(model.jnt_type[j]) == _FREE and j not in free), -1)
        pose = tuple(f"{named[first]}/{a}" for a in POSE) if first >= 0 else ()
        self.root = named[first] if pose and self.joints[: len(POSE)] == pose else ""
        self.observed_sites = tuple(dict.fromkeys(observed_sites))
        self._sites = [_numbered(model, "site", model.nsite, name) for name in self.observed_sites]
        self.frames = tuple(dict.fromkeys(frames))
        self._frames = [_numbered(model, "body", model.nbody, name) for name in self.frames]
        self.objects = unique([_object_name(model, j, named) for j in free], "object", self.joints)
        self.contacts = tuple(dict.fromkeys(contacts))
        sensors = [_numbered(model, "sensor", model.nsensor, name) for name in self.contacts]
        self._touch = model.sensor_adr[sensors] if sensors else np.zeros(0, np.intp)
        for name, k in zip(self.contacts, sensors, strict=True):
            if int(model.sensor_type[k]) != mujoco.mjtSensor.mjSENS_TOUCH:
                raise ConfigError(f"sensor {name!r} is no touch sensor: only those are contacts")

        self._moving = np.flatnonzero(velocity >= 0)
        self._dof = velocity[self._moving]
        muscles, nj = actuation.muscles, len(self.joints)
        self._muscle_names = actuation.muscle_names
        self._muscles, self._activation = muscles, model.actuator_actadr[muscles]
        ends = np.cumsum([nj, muscles.size, muscles.size, 3 * (endpoint >= 0), 3 * len(self._sites)])
        ends = np.append(ends, ends[-1] + np.cumsum([7 * len(self._frames), 7 * len(free)]))
        self._n = int(ends[-1]) + len(sensors)
        self._columns = [slice(int(a), int(b)) for a, b in pairwise([0, *ends, self._n])]
        self._object_position = np.array([model.jnt_qposadr[j] + k for j in free for k in range(len(POSE))], np.intp)
        turning = [(j, k, v) for j in range(len(free)) for k, v in enumerate(_FREE_VELOCITY) if v >= 0]
        self.object_bodies = [int(model.jnt_bodyid[j]) for j in free]
        self.object_dofs = np.array([range(d, d + 3) for d in model.jnt_dofadr[free]], np.intp).reshape(-1, 3)
        """(n_objects, 3) the degrees of freedom along x, y and z of each object."""
        axes = [(j, k) for j in range(len(free)) for k in range(len(AXES))]
        self._object_loaded = np.array([ends[5] + len(POSE) * j + k for j, k in axes], np.intp)
        self._object_moving = np.array([ends[5] + len(POSE) * j + k for j, k, _ in turning], np.intp)
        self._object_dof = np.array([model.jnt_dofadr[free[j]] + v for j, _, v in turning], np.intp)
        names = [f"{name}/{a}" for name in self.objects for a in POSE]
        dofs = [int(model.jnt_dofadr[j]) + v if v >= 0 else -1 for j in free for v in _FREE_VELOCITY]
        positions = zip(
            (*self.joints, *names), (*self._position, *self._object_position), (*velocity, *dofs), strict=True
        )
        self._where = {name: ("qpos", int(p), int(v)) for name, p, v in positions}
        self._where |= {
            f"{name}/activation": ("act", int(a), -1)
            for name, a in zip(actuation.muscle_names, self._activation, strict=True)
        }
        self._jacobian = np.zeros((3, model.nv))
        # MuJoCo's arrays stay where they are: looking each of them up again would take half of the time of a read
        self._qpos, self._qvel, self._joint_force, self._act = data.qpos, data.qvel, data.qfrc_actuator, data.act
        self._length, self._velocity, self._force = data.actuator_length, data.actuator_velocity, data.actuator_force
        self._site_place = data.site_xpos
        self._position_at, self._dof_at, self._moving_at, self._muscles_at, self._activation_at = map(
            _run, (self._position, self._dof, self._moving, self._muscles, self._activation)
        )
        self._spatial = np.zeros(6)

    def read(self, out: Array | None, load: Array, object_load: Array | None = None) -> Array:
        """The state where `data` is now, shape (3, n): written into `out`, or into a new table.

        `load` (3,) N is the force that a field exerted on the endpoint, `object_load` (n_objects, 3) N that on each
        object. `data` is after its position and velocity stage
        and has the forces of its actuators; contact forces are those of the newest physics step."""
        data = self._data
        table = np.zeros((3, self._n)) if out is None else out
        if out is not None:
            out[:] = 0.0
        position, velocity, effort = table
        joints, muscles, activation, endpoint, sites, frames, objects, contacts = self._columns
        position[joints] = self._qpos[self._position_at]
        velocity[self._moving_at] = self._qvel[self._dof_at]
        effort[self._moving_at] = self._joint_force[self._dof_at]
        if self._muscles.size:
            position[muscles] = self._length[self._muscles_at]
            velocity[muscles] = self._velocity[self._muscles_at]
            effort[muscles] = self._force[self._muscles_at]
            position[activation] = self._act[self._activation_at]
        if self._endpoint >= 0:
            place, jacobian = self.endpoint()
            position[endpoint] = place
            velocity[endpoint] = jacobian @ self._qvel
            effort[endpoint] = load
        if self._sites:
            position[sites] = self._site_place[self._sites].ravel()
            for k, site in enumerate(self._sites):
                mujoco.mj_objectVelocity(self._model, data, mujoco.mjtObj.mjOBJ_SITE, site, self._spatial, 0)
                velocity[sites.start + 3 * k : sites.start + 3 * k + 3] = self._spatial[3:]
        if self._frames:
            self._read_frames(position[frames].reshape(-1, 7), velocity[frames].reshape(-1, 7))
        if self._object_position.size:
            position[objects] = self._qpos[self._object_position]
            velocity[self._object_moving] = self._qvel[self._object_dof]
            if object_load is not None:
                effort[self._object_loaded] = object_load.ravel()
        if self._touch.size:
            effort[contacts] = data.sensordata[self._touch]
        return table

    def _read_frames(self, position: Array, velocity: Array) -> None:
        """Pose and velocity of the parts of the body, (n_frames, 7) each: views of the table."""
        position[:, :3], position[:, 3:] = self._data.xpos[self._frames], self._data.xquat[self._frames]
        for row, body in zip(velocity, self._frames, strict=True):
            mujoco.mj_objectVelocity(self._model, self._data, mujoco.mjtObj.mjOBJ_XBODY, body, self._spatial, 0)
            row[:3] = self._spatial[3:]
            mujoco.mj_objectVelocity(self._model, self._data, mujoco.mjtObj.mjOBJ_XBODY, body, self._spatial, 1)
            row[4:] = self._spatial[:3]

    def place(self, initial: Initial) -> None:
        """Put positions and velocities by channel into `data`; quaternions are normalised.

        Raises `ConfigError` for a channel that follows from others, or a value that cannot be."""
        data = self._data
        for name, value in initial.items():
            if name not in self._where:
                raise unknown("channel of a start", name, self._where)
            field, address, dof = self._where[name]
            position, velocity = value if isinstance(value, (tuple, list)) else (value, None)
            if not np.isfinite([position, velocity or 0.0]).all():
                raise ConfigError(f"a start has {value} for {name}, which is not finite")
            if field == "act" and not 0 <= position <= 1:
                raise ConfigError(f"a start has {position:g} for {name}, outside 0 to 1")
            if velocity is not None and dof < 0:
                raise ConfigError(f"a start has a velocity for {name}, which has none")
            getattr(data, field)[address] = position
            if velocity is not None:
                data.qvel[dof] = velocity
        mujoco.mj_normalizeQuat(self._model, data.qpos)

    def source(self, channel: str, field: str = "position") -> tuple[str, tuple[int, ...]]:
        """The array of `mujoco.MjData` in which a channel stands, and where in it; ("", ()) where it is always 0.

        A velocity of a site or of a part of the body stands in none: ("site_velocity", (site, axis)) and
        ("body_velocity", (body, axis)). Raises `ConfigError` for an effort other than that of a contact, which a sensor
        keeps: it needs the forces of a step."""
        if channel in self.contacts:
            return ("sensordata", (int(self._touch[self.contacts.index(channel)]),)) if field == "effort" else ("", ())
        if field == "effort":
            raise ConfigError(f"the effort of {channel} is known after the step that it acts in, not before")
        moving = field == "velocity"
        if channel in self._where:
            name, place, dof = self._where[channel]
            return (name, (place,)) if not moving else ("qvel", (dof,)) if dof >= 0 else ("", ())
        muscles = dict(zip(self._muscle_names, self._muscles.tolist(), strict=True))
        if channel in muscles:
            return f"actuator_{'velocity' if moving else 'length'}", (muscles[channel],)
        part, _, axis = channel.rpartition("/")
        sites = {"endpoint": self._endpoint} if self._endpoint >= 0 else {}
        sites |= dict(zip(self.observed_sites, self._sites, strict=True))
        k = POSE.index(axis) if axis in POSE else -1
        if part in sites and 0 <= k < len(AXES):
            return ("site_velocity" if moving else "site_xpos"), (sites[part], k)
        bodies = dict(zip(self.frames, self._frames, strict=True))
        if part in bodies and k >= 0:
            name, at = ("xpos", k) if k < len(AXES) else ("xquat", k - len(AXES))
            return ("body_velocity" if moving else name), (bodies[part], k if moving else at)
        raise unknown("channel of the state", channel, (*self._where, *muscles, *sites, *bodies))

    def endpoint(self) -> tuple[Array, Array]:
        """Position (3,) m and Jacobian (3, nv) of the endpoint where `data` is now; both are views."""
        mujoco.mj_jacSite(self._model, self._data, self._jacobian, None, self._endpoint)
        return self._site_place[self._endpoint], self._jacobian

    def joint_motion(self) -> tuple[Array, Array]:
        """Position and velocity of each joint name where `data` is now, shape (n_joints,) both.

        The scalar part of a quaternion has velocity 0."""
        velocity = np.zeros(len(self.joints))
        velocity[self._moving] = self._data.qvel[self._dof]
        return self._data.qpos[self._position], velocity

    def torques(self, wanted: Array) -> tuple[Array, Array]:
        """Of a torque for each joint name, (n_joints,).

        What acts on each degree of freedom, (nv,), and on each joint name; none on the scalar part of a quaternion."""
        force, torques = np.zeros(self._model.nv), np.zeros(len(self.joints))
        force[self._dof] = torques[self._moving] = wanted[self._moving]
        return force, torques


def _run(addresses: Addresses) -> slice | Addresses:
    """A slice where the addresses follow each other: it is copied several times faster."""
    if addresses.size and np.array_equal(addresses, np.arange(addresses[0], addresses[0] + addresses.size)):
        return slice(int(addresses[0]), int(addresses[0]) + addresses.size)
    return addresses


def few(names: Sequence[str]) -> str:
    """The first of many names, for a sentence."""
    return (", ".join(names[:20]) + (" …" if len(names) > 20 else "")) or "none"


def _numbered(model: mujoco.MjModel, kind: str, count: int, name: str) -> int:
    """The number of a site or sensor by its name."""
    names = [getattr(model, kind)(i).name for i in range(count)]
    if name not in names:
        raise unknown(f"{kind} of the model", name, [n for n in names if n])
    return names.index(name)


def _objects(model: mujoco.MjModel) -> list[int]:
    """The free joints of bodies on which no actuator acts, neither on them nor on what hangs on them."""
    moved = {int(model.body_rootid[b]) for i in range(model.nu) for b in _bodies_moved(model, i)}
    return [j for j in range(model.njnt) if int(model.jnt_type[j]) == _FREE and int(model.jnt_bodyid[j]) not in moved]


def _bodies_moved(model: mujoco.MjModel, i: int) -> list[int]:
    """The bodies on which actuator `i` acts."""
    kind, (first, second) = int(model.actuator_trntype[i]), (int(k) for k in model.actuator_trnid[i])
    if kind in (_TRN.mjTRN_JOINT, _TRN.mjTRN_JOINTINPARENT):
        return [int(model.jnt_bodyid[first])]
    if kind == _TRN.mjTRN_BODY:
        return [first]
    if kind == _TRN.mjTRN_TENDON:
        start = int(model.tendon_adr[first])
        homes = {
            int(_WRAP.mjWRAP_JOINT): model.jnt_bodyid, int(_WRAP.mjWRAP_SITE): model.site_bodyid,
            int(_WRAP.mjWRAP_SPHERE): model.geom_bodyid, int(_WRAP.mjWRAP_CYLINDER): model.geom_bodyid,
        }  # fmt: skip
        wraps = range(start, start + int(model.tendon_num[first]))
        kinds = [(int(model.wrap_type[w]), int(model.wrap_objid[w])) for w in wraps]
        return [int(homes[kind][k]) for kind, k in kinds if kind in homes]
    return [int(model.site_bodyid[k]) for k in (first, second) if k >= 0]


def _object_name(model: mujoco.MjModel, joint: int, named: Sequence[str]) -> str:
    return model.body(int(model.jnt_bodyid[joint])).name or named[joint]


def _joint_columns(
    model: mujoco.MjModel, named: Sequence[str], wanted: Sequence[str], objects: Sequence[int]
) -> tuple[tuple[str, ...], Addresses, Addresses]:
    """Names, position addresses and velocity addresses of the wanted joints, or of all that are no objects.

    A free joint gives the channels of `POSE`, of which qx, qy, qz carry the angular velocity and qw none (address −1).
    """
    names: list[str] = []
    position: list[int] = []
    velocity: list[int] = []
    for j in (j for j in range(model.njnt) if j not in objects):
        name, p, v = named[j], int(model.jnt_qposadr[j]), int(model.jnt_dofadr[j])
        if int(model.jnt_type[j]) in _SINGLE:
            names.append(name)
            position.append(p)
            velocity.append(v)
        elif int(model.jnt_type[j]) == _FREE:
            names += [f"{name}/{a}" for a in POSE]
            position += range(p, p + 7)
            velocity += [v + k if k >= 0 else -1 for k in _FREE_VELOCITY]
        else:
            names += [f"{name}/{a}" for a in POSE[len(AXES) :]]
            position += range(p, p + 4)
            velocity += [-1, v, v + 1, v + 2]
    kept = [names.index(n) for n in wanted or names]
    return tuple(names[k] for k in kept), np.array(position, np.intp)[kept], np.array(velocity, np.intp)[kept]


def _joint_units(model: mujoco.MjModel, addresses: Addresses) -> tuple[str, ...]:
    """Unit of the position at each address in `qpos`."""
    units = ["1"] * model.nq
    for kind, start in zip(model.jnt_type, model.jnt_qposadr, strict=True):
        if int(kind) == int(_JOINT.mjJNT_HINGE):
            units[start] = "rad"
        elif int(kind) == int(_JOINT.mjJNT_SLIDE):
            units[start] = "m"
        elif int(kind) == _FREE:
            units[start : start + 3] = ["m"] * 3
    return tuple(units[int(a)] for a in addresses)
