"""What the actuators of a MuJoCo model take: names, units and bounds of the command, and what it is in MuJoCo's `ctrl`.

A servo is commanded by the place (rad or m at the joint or tendon) or the speed at which it exerts no force, whatever
its gear and gains are. Everything else is commanded in `ctrl`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.fail import HOLD, RELAX, chosen
from myoprosthesis.effectors import joint_couplings
from myoprosthesis.effectors.stretch_reflex import StretchReflex

Array = NDArray[np.float64]
_DYN, _GAIN, _BIAS, _TRN, _JOINT = (
    mujoco.mjtDyn, mujoco.mjtGain, mujoco.mjtBias, mujoco.mjtTrn, mujoco.mjtJoint,
)  # fmt: skip
_LASTING = (_DYN.mjDYN_INTEGRATOR, _DYN.mjDYN_USER)
"""Dynamics in which a control of 0 leaves the force, or the place that is aimed at, as it is."""
_FOLLOWING = (_DYN.mjDYN_NONE, _DYN.mjDYN_FILTER, _DYN.mjDYN_FILTEREXACT)
"""Dynamics in which what acts follows `ctrl`."""
MOMENT_ARM = 0.2
"""Coefficients of a fixed tendon below this are moment arms, in m, so that its length is in m; others are ratios."""
SURPLUS = 0.01
"""Part of its largest force by which what a channel needs is above it, and it gives way."""


def unique(names: list[str], kind: str, taken: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names without holes and doubles.

    One that is empty or taken becomes `<kind><index>`, with underscores before it where that is taken too."""
    out: list[str] = []
    for k, name in enumerate(names):
        if not name or name in taken or name in out:
            name = f"{kind}{k}"
            while name in names or name in taken or name in out:
                name = f"_{name}"
        out.append(name)
    return tuple(out)


@dataclass(frozen=True)
class _Actuator:
    """How one actuator is commanded: ctrl = offset + slope · command."""

    kind: str
    """`muscle`, `place`, `speed`, `stiff` (commanded in `ctrl`, but held by a spring), or `free`."""
    unit: str = "1"
    slope: float = 1.0
    offset: float = 0.0
    gear: float = 1.0
    """Length of the actuator per unit of the place."""


class Actuation:
    """Reads the actuators of a model once; `command` has its channels in the order of the actuators."""

    def __init__(
        self, model: mujoco.MjModel, joints: tuple[str, ...], reflex: tuple[float, float] | None = None
    ) -> None:
        """`joints` are the names of all joints of the model.

        `reflex` kp and kd of the `StretchReflex` by which muscles are commanded by length, None: by excitation. Raises
        `ConfigError` where nothing can be commanded, or not safely."""
        if not model.nu:
            raise ConfigError("the model has no actuators: nothing in it can be commanded")
        if len(model.actuator_gear) != model.nu:
            several = next(i for i, n in enumerate(model.actuator_ctrlnum) if n != 1)
            raise ConfigError(
                f"actuator {model.actuator(several).name or several!r} takes {model.actuator_ctrlnum[several]} "
                "controls at once: only actuators with one can be commanded"
            )
        off = [i for i in range(model.nu) if _is_off(model, i)]
        if off:
            raise ConfigError(
                "actuators without effect cannot be commanded (actuation or their group is disabled, or gear 0): "
                f"{', '.join(model.actuator(i).name or str(i) for i in off)}; enable them, or leave them out"
            )
        lasting = [i for i in range(model.nu) if int(model.actuator_dyntype[i]) in _LASTING]
        if lasting:
            raise ConfigError(
                "actuators that integrate what they are commanded (intvelocity, dyntype integrator or user) go on "
                f"after a stop: {', '.join(model.actuator(i).name or str(i) for i in lasting)}; make them position or "
                "velocity servos, or motors"
            )
        self._model = model
        each = [_read(model, i) for i in range(model.nu)]
        own = unique([model.actuator(i).name for i in range(model.nu)], "actuator")
        moved = [joints[int(model.actuator_trnid[i, 0])] if _on_joint(model, i) else "" for i in range(model.nu)]
        servos = [moved[i] if a.kind == "place" and moved.count(moved[i]) == 1 else "" for i, a in enumerate(each)]
        names = unique([servo or name for servo, name in zip(servos, own, strict=True)], "actuator")
        self.muscles = np.flatnonzero([a.kind == "muscle" for a in each])
        self.reflex: StretchReflex | None = None
        if reflex is not None and self.muscles.size:
            self.reflex = StretchReflex(model, self.muscles, *reflex)
            ends = zip(self.reflex.low.tolist(), self.reflex.high.tolist(), strict=True)
            self._lengths = dict(zip(self.muscles.tolist(), ends, strict=True))
            each = [replace(a, unit="m") if a.kind == "muscle" else a for a in each]
        self.muscle_names = unique([names[i] for i in self.muscles], "muscle", joints)
        self._is_muscle = np.isin(np.arange(model.nu), self.muscles)
        self._stiff = np.flatnonzero([a.kind in ("place", "stiff") for a in each])
        self._gear = np.array([a.gear for a in each])
        self._slope, self._offset = np.array([a.slope for a in each]), np.array([a.offset for a in each])
        bounds = [self._bounds(i, a) for i, a in enumerate(each)]
        free = [name for name, b in zip(own, bounds, strict=True) if b is None]
        if free:
            raise ConfigError(
                f"actuators without ctrlrange cannot be commanded safely: {', '.join(free)}; add ctrlrange to the "
                "MJCF, or a range to the joints of servos"
            )
        places = all(a.kind in ("place", "muscle") and a.unit != "1" for a in each)
        self.command = Channels(
            "position" if places else "effort", names, tuple(a.unit for a in each),
            tuple(b[0] for b in bounds if b), tuple(b[1] for b in bounds if b),
        )  # fmt: skip
        self.fail = tuple(HOLD if a.kind in ("place", "stiff") else RELAX for a in each)
        """What each channel does when in doubt, by its nature: what has stiffness holds, what has none relaxes."""
        bounded = np.clip(0.0, *self.command.bounds())
        self.relaxed = bounded if self.reflex is None else np.where(self._is_muscle, self.command.bounds()[1], bounded)
        """The command at which each channel does nothing."""
        self._share = _share_of_loads(model, self._stiff)
        self._still = mujoco.MjData(model)
        self._nowhere = np.full(model.nu, np.nan)
        self._nowhere.setflags(write=False)

    @property
    def stiff(self) -> NDArray[np.intp]:
        """Channels that can hold a place."""
        return self._stiff

    def fail_state(self, name: str, options: Mapping[str, Any] | Sequence[str]) -> tuple[str | float, ...]:
        """What each channel of effector `name` does when in doubt: by its nature, or as `options` want it."""
        if not options:
            return self.fail
        try:
            wanted = chosen(options, self.command, self.fail)
        except ConfigError as error:
            raise ConfigError(f"effector {name!r}: {error}") from error
        for channel, nature, entry in zip(self.command.names, self.fail, wanted, strict=True):
            if isinstance(entry, str) and entry != nature:
                why = "is a servo, which cannot go limp" if nature == HOLD else "has no stiffness to hold a place with"
                raise ConfigError(f"effector {name!r}: {channel} {why}: fail may be {nature} or a value for it")
        return wanted

    def ctrl(self, command: Array) -> Array:
        """MuJoCo's `ctrl` for a command; 0 for muscles that are commanded by length, see `excite`."""
        ctrl = self._offset + self._slope * command
        return ctrl if self.reflex is None else np.where(self._is_muscle, 0.0, ctrl)

    def excite(self, data: mujoco.MjData, command: Array) -> None:
        """The excitation of muscles that are commanded by length, in `data.ctrl`, where the body is now."""
        if self.reflex is not None:
            self.reflex.excite(data, command[self.muscles])

    def command_of(self, ctrl: Array) -> Array:
        """The command behind a `ctrl`; muscles that are commanded by length are relaxed."""
        command = np.asarray((ctrl - self._offset) / self._slope)
        return command if self.reflex is None else np.where(self._is_muscle, self.relaxed, command)

    def places(self, data: mujoco.MjData) -> Array:
        """Where the channels are, of a body in which all are commanded by place; `data` is after its position stage."""
        return np.asarray(data.actuator_length / self._gear)

    def settle(self, data: mujoco.MjData) -> None:
        """Let what follows `ctrl` with a delay begin at the place where it is.

        `data` is after its position and velocity stage."""
        place, _ = self.measured(data)
        delayed = [i for i in self._stiff if int(self._model.actuator_dyntype[i]) in _FOLLOWING[1:]]
        for i in delayed:
            if np.isfinite(place[i]):
                last = self._model.actuator_actadr[i] + self._model.actuator_actnum[i] - 1
                data.act[last] = self._offset[i] + self._slope[i] * place[i]

    def measured(self, data: mujoco.MjData) -> tuple[Array, Array]:
        """The command at which each channel would stay where it is under gravity and springs, and its velocity.

        NaN for a channel that cannot hold a place. Shape (nu,) each; `data` is after its position and velocity stage.
        """
        m, k = self._model, self._stiff
        if not k.size:
            return self._nowhere, self._nowhere
        place, velocity = self._nowhere.copy(), self._nowhere.copy()
        length = data.actuator_length[k]
        gain = m.actuator_gainprm[k, 0] + m.actuator_gainprm[k, 1] * length
        bias, spring = m.actuator_biasprm[k, 0], m.actuator_biasprm[k, 1]
        gain[gain == 0] = np.nan
        ctrl = (self._loads(data) - bias - spring * length) / gain
        place[k] = (ctrl - self._offset[k]) / self._slope[k]
        velocity[k] = -spring / gain * data.actuator_velocity[k] / self._slope[k]
        return place, velocity

    def sinking(self, data: mujoco.MjData, spec: EffectorSpec) -> list[str]:
        """A sentence on channels that are to hold their places, here, and are too weak for it; none where none is.

        `data` is after its position and velocity stage."""
        m, weak = self._model, []
        for i, need in zip(self._stiff, self._needed(data) if self._stiff.size else (), strict=True):
            spans, target = [m.actuator_forcerange[i]] * bool(m.actuator_forcelimited[i]), m.actuator_trnid[i, 0]
            if int(m.actuator_trntype[i]) == mujoco.mjtTrn.mjTRN_JOINT and m.jnt_actfrclimited[target]:
                spans.append(np.sort(m.jnt_actfrcrange[target] / m.actuator_gear[i, 0]))
            most = min((span[1] if need > 0 else -span[0] for span in spans), default=np.inf)
            if spec.fail_each[i] == HOLD and abs(need) > (1 + SURPLUS) * most:
                unit = "N" if spec.command.units[i] == "m" else "N·m"
                weak.append(f"{spec.command.names[i]} needs {abs(need):.3g} {unit} and has {most:.3g}")
        return [f"in the fail state, before the first command too, this sinks: {'; '.join(weak)}"] if weak else []

    def _loads(self, data: mujoco.MjData) -> Array:
        """Force with which each stiff actuator must hold against gravity and springs here, within its limits."""
        m, k = self._model, self._stiff
        force, limited = self._needed(data), m.actuator_forcelimited[k].astype(bool)
        low, high = m.actuator_forcerange[k].T
        within: Array = np.where(limited, np.clip(force, low, high), force)
        return within

    def _needed(self, data: mujoco.MjData) -> Array:
        """The same as if no actuator had limits."""
        m, still = self._model, self._still
        still.qpos[:] = data.qpos
        mujoco.mj_kinematics(m, still)
        mujoco.mj_comPos(m, still)
        mujoco.mj_comVel(m, still)  # at rest
        gravity = np.zeros(m.nv)
        mujoco.mj_rne(m, still, 0, gravity)
        force: Array = self._share @ (gravity - data.qfrc_spring - data.qfrc_gravcomp)
        return force

    def _bounds(self, i: int, actuator: _Actuator) -> tuple[float, float] | None:
        """Bounds of the command of one actuator; None where there are none.

        Excitation 0..1 within ctrlrange, or lengths; ctrlrange; of a servo without one, the range of what it moves; of
        a motor without one, the ctrl at its largest force."""
        m = self._model
        if actuator.kind == "muscle":
            low, high = m.actuator_ctrlrange[i] if m.actuator_ctrllimited[i] else (0.0, 1.0)
            excitation = float(np.clip(low, 0.0, 1.0)), float(np.clip(high, 0.0, 1.0))
            return excitation if self.reflex is None else self._lengths[i]
        if m.actuator_ctrllimited[i]:
            low, high = (float(x) for x in (m.actuator_ctrlrange[i] - actuator.offset) / actuator.slope)
        elif actuator.kind == "place" and (ends := _range_of_place(m, i)) is not None:
            low, high = ends
        elif actuator.kind == "free" and m.actuator_forcelimited[i] and _is_motor(m, i):
            low, high = (float(x) for x in m.actuator_forcerange[i] / m.actuator_gainprm[i, 0])
        else:
            return None
        return min(low, high), max(low, high)


def _read(model: mujoco.MjModel, i: int) -> _Actuator:
    """How actuator `i` is commanded."""
    dyn, gain, bias = (int(t[i]) for t in (model.actuator_dyntype, model.actuator_gaintype, model.actuator_biastype))
    g, b = model.actuator_gainprm[i], model.actuator_biasprm[i]
    if dyn == _DYN.mjDYN_MUSCLE:
        return _Actuator("muscle")
    unit, gear = _transmission(model, i)
    moves = _has_length(model, i)
    if dyn not in _FOLLOWING or bias != _BIAS.mjBIAS_AFFINE:
        return _Actuator("free")
    if gain == _GAIN.mjGAIN_FIXED and g[0] != 0:
        if b[1] < 0 and moves:  # force = g ctrl + b0 + b1 length + …, which is 0 at length = gear · place
            return _Actuator("place", unit, float(-b[1] * gear / g[0]), float(-b[0] / g[0]), gear)
        if b[1] == 0 and b[2] < 0 and unit != "1":
            return _Actuator("speed", f"{unit}/s", float(-b[2] * gear / g[0]), float(-b[0] / g[0]))
    if gain == _GAIN.mjGAIN_AFFINE and b[1] < 0 and moves:
        return _Actuator("stiff")
    return _Actuator("free")


def _is_off(model: mujoco.MjModel, i: int) -> bool:
    """Whether actuator `i` acts on nothing: all are disabled, or its group is, or its gear is 0."""
    if model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_ACTUATION:
        return True
    group = int(model.actuator_group[i])
    return bool(0 <= group <= 30 and model.opt.disableactuator >> group & 1) or not model.actuator_gear[i].any()


def _on_joint(model: mujoco.MjModel, i: int) -> bool:
    """Whether actuator `i` turns or slides one joint."""
    kinds = (_TRN.mjTRN_JOINT, _TRN.mjTRN_JOINTINPARENT)
    single = (_JOINT.mjJNT_HINGE, _JOINT.mjJNT_SLIDE)
    return int(model.actuator_trntype[i]) in kinds and int(model.jnt_type[model.actuator_trnid[i, 0]]) in single


def _on_tendon(model: mujoco.MjModel, i: int) -> bool:
    return bool(int(model.actuator_trntype[i]) == _TRN.mjTRN_TENDON)


def _has_length(model: mujoco.MjModel, i: int) -> bool:
    """Whether a spring on actuator `i` pulls to a place: sites without a reference and bodies have no length."""
    kind = int(model.actuator_trntype[i])
    return kind != _TRN.mjTRN_BODY and not (kind == _TRN.mjTRN_SITE and model.actuator_trnid[i, 1] < 0)


def _transmission(model: mujoco.MjModel, i: int) -> tuple[str, float]:
    """Unit of what actuator `i` moves, and its length per unit of that; ("1", 1) where there is no single one."""
    gear, target = float(model.actuator_gear[i, 0]), int(model.actuator_trnid[i, 0])
    if gear != 0 and _on_joint(model, i):
        return _unit(model, target), gear
    if gear != 0 and _on_tendon(model, i):
        first, n = int(model.tendon_adr[target]), int(model.tendon_num[target])
        wraps = range(first, first + n)
        fixed = all(int(model.wrap_type[w]) == mujoco.mjtWrap.mjWRAP_JOINT for w in wraps)
        units = {_unit(model, int(model.wrap_objid[w])) for w in wraps} if fixed else {"m"}
        if units == {"rad"} and max(abs(float(model.wrap_prm[w])) for w in wraps) < MOMENT_ARM:
            return "m", gear
        if len(units) == 1:
            return units.pop(), gear
    return "1", 1.0


def _unit(model: mujoco.MjModel, joint: int) -> str:
    return "m" if int(model.jnt_type[joint]) == _JOINT.mjJNT_SLIDE else "rad"


def _range_of_place(model: mujoco.MjModel, i: int) -> tuple[float, float] | None:
    """The range of the joint or tendon that actuator `i` moves; None where it has none."""
    target = int(model.actuator_trnid[i, 0])
    if _on_joint(model, i) and model.jnt_limited[target]:
        low, high = model.jnt_range[target]
    elif _on_tendon(model, i) and model.tendon_limited[target]:
        low, high = model.tendon_range[target]
    else:
        return None
    return float(low), float(high)


def _is_motor(model: mujoco.MjModel, i: int) -> bool:
    """Whether the force is a multiple of `ctrl`."""
    fixed = int(model.actuator_gaintype[i]) == _GAIN.mjGAIN_FIXED and model.actuator_gainprm[i, 0] != 0
    return bool(fixed and int(model.actuator_biastype[i]) == _BIAS.mjBIAS_NONE)


def _share_of_loads(model: mujoco.MjModel, stiff: NDArray[np.intp]) -> Array:
    """Matrix (n_stiff, nv) from a load on the joints to the forces of stiff actuators that balance it.

    They balance as much of it as they can. Only transmissions with constant moments, which are joints and fixed
    tendons, bear load."""
    moments = np.zeros((stiff.size, model.nv))
    for row, i in enumerate(stiff):
        gear, target = float(model.actuator_gear[i, 0]), int(model.actuator_trnid[i, 0])
        if _on_joint(model, int(i)):
            moments[row, model.jnt_dofadr[target]] = gear
        elif _on_tendon(model, int(i)):
            first = int(model.tendon_adr[target])
            for w in range(first, first + int(model.tendon_num[target])):
                if int(model.wrap_type[w]) == mujoco.mjtWrap.mjWRAP_JOINT:
                    moments[row, model.jnt_dofadr[model.wrap_objid[w]]] += gear * model.wrap_prm[w]
    rates = joint_couplings.motions(model)
    return np.asarray(np.linalg.pinv((moments @ rates).T, rcond=1e-6) @ rates.T) if stiff.size else moments
