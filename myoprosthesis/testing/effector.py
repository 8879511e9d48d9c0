"""What every effector must do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.disturbance import NO_DISTURBANCE, Disturbance
from myoprosthesis.core.effector import Effector, Simulation
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.force_field import ForceField
from myoprosthesis.testing.demand import demand
from myoprosthesis.testing.stop import check_stop

Array = NDArray[np.float64]
SITES = ("endpoint", "joint", "muscle", "object", "body")


def check_effector(make: Callable[[], Effector], seconds: float = 10.0) -> None:
    """Check what every effector must do; raises AssertionError with a sentence.

    It keeps its own specification, hands out states that stay as they are, does the same again after the same reset,
    reports the loads it applied, and is still finite after `seconds` of random commands. A `Simulation` continues from
    a saved state bit for bit, and an effector that has a time of its own stops as `check_stop` demands."""
    effector = make()
    demand(isinstance(effector, Effector), f"{type(effector).__name__} needs spec, reset, step and close")
    spec = effector.spec
    _check_spec(spec)
    low, high = spec.command.bounds()
    start = effector.reset(0)
    check_state(start, spec)
    for command in (low, high, (low + high) / 2):
        passed = command.copy()
        before = effector.reset(0)
        kept = before.table.copy()
        after = effector.step(passed, NO_DISTURBANCE)
        check_state(after, spec)
        demand(np.array_equal(passed, command), "step changes the command it was given")
        passed += 1.0
        demand(
            bool((after.applied >= low - 1e-9).all() and (after.applied <= high + 1e-9).all()),
            f"the applied command {after.applied} is outside the limits, or is the caller's own array",
        )
        demand(np.array_equal(before.table, kept), "a state changes after it was returned: return copies")
        if spec.pausable:
            elapsed = after.time - before.time
            demand(abs(elapsed - spec.dt) < 1e-9, f"a step of {spec.dt} s moved time by {elapsed} s")
    for site in spec.sites:
        _check_site(effector, site)
    if spec.resettable and spec.deterministic:
        once = _trajectory(effector, seconds)
        again, other = _trajectory(effector, min(seconds, 1.0)), _trajectory(make(), min(seconds, 1.0))
        n = len(again)
        demand(np.array_equal(once[:n], again), "after a reset the same commands give other states")
        demand(np.array_equal(again, other), "a second instance gives other states")
    if isinstance(effector, Simulation) and isinstance(second := make(), Simulation):
        _check_resumed(effector, second)
    effector.close()
    effector.close()
    if spec.resettable and spec.pausable:
        check_stop(make)


def _check_spec(spec: EffectorSpec) -> None:
    demand(EffectorSpec.from_json(spec.to_json()) == spec, "the specification does not come back from JSON as it was")
    demand(len(set(spec.channels)) == len(spec.channels), "the channels of the state are not unique")
    demand(spec.command.size > 0, "an effector without command channels cannot be commanded")
    demand(set(spec.sites) <= set(SITES), f"sites are {', '.join(SITES)}; got {', '.join(spec.sites)}")
    demand("endpoint" not in spec.sites or bool(spec.endpoint), "a field at the endpoint needs an endpoint")
    demand(len(spec.home) == (3 if spec.endpoint else 0), f"home has {len(spec.home)} coordinates")


def check_state(state: EffectorState, spec: EffectorSpec) -> None:
    """A state is whole, finite, and of this specification."""
    demand(state.spec is spec or state.spec == spec, "a state bears another specification than the effector")
    wanted = (3, len(spec.channels))
    demand(state.table.shape == wanted, f"the state's table has shape {state.table.shape}, not {wanted}")
    demand(state.applied.shape == (spec.command.size,), f"{state.applied.shape} is not one applied value per channel")
    demand(bool(np.isfinite(state.table).all() and np.isfinite(state.time)), "a state is not finite")
    if spec.muscles:
        a = state.activation
        demand(bool((a >= -1e-9).all() and (a <= 1 + 1e-9).all()), f"activation is outside 0..1: {a.min()}..{a.max()}")


def _check_site(effector: Effector, site: str) -> None:
    """A disturbance acts, is reported, and leaves no trace after the next reset."""
    spec = effector.spec
    low, high = spec.command.bounds()
    command = low + 0.3 * (high - low)

    def after(disturbance: Disturbance) -> EffectorState:
        effector.reset(0)
        for _ in range(3):
            state = effector.step(command, disturbance)
        return state

    free = after(NO_DISTURBANCE)
    if site == "endpoint":
        idle, force = Disturbance(endpoint=ForceField.zero()), np.array([0.01, 0.02, 0.0])
        loaded = after(Disturbance(endpoint=ForceField.of(f0=force)))
        demand(np.allclose(loaded.load, force), f"a force of {force} N at the endpoint is reported as {loaded.load}")
    elif site == "joint":
        idle, torque = Disturbance(joint=ForceField.zero(len(spec.joints))), np.full(len(spec.joints), 1e-3)
        loaded = after(Disturbance(joint=ForceField.of(f0=torque, n=torque.size)))
        reported = loaded.joint_load
        demand(reported.shape == torque.shape, f"{reported.shape} is not one load per joint")
        demand(
            bool(np.isin(np.round(reported / torque, 9), (0.0, 1.0)).all() and reported.any()),
            f"a load of {torque} on the joints is reported as {reported}",
        )
    elif site == "object":
        n = len(spec.objects)
        idle = Disturbance(object_force=np.zeros((n, 3)), object_mass=np.ones(n))
        push = np.tile([0.01, 0.02, 0.0], (n, 1))
        loaded = after(Disturbance(object_force=push, object_mass=np.full(n, 1.5)))
        names = [f"{name}/{axis}" for name in spec.objects for axis in "xyz"]
        reported = loaded.table[2, [spec.channels.index(name) for name in names]].reshape(n, 3)
        demand(np.array_equal(reported, push), f"forces of {push} N on the objects are reported as {reported}")
    elif site == "body":
        n = len(spec.bodies)
        idle = Disturbance(body_force=np.zeros((n, 3)), body_load=np.zeros(n))
        loaded = after(Disturbance(body_force=np.tile([1.0, 2.0, 0.0], (n, 1)), body_load=np.full(n, 0.1)))
    else:
        idle = Disturbance(strength=np.ones(len(spec.muscles)))
        loaded = after(Disturbance(strength=np.zeros(len(spec.muscles))))
    demand(not np.array_equal(loaded.table, free.table), f"a disturbance at its {site} changes nothing")
    unmoved = np.allclose(after(idle).table, free.table, atol=1e-9)
    demand(unmoved, f"a disturbance of no size at its {site} changes the motion")
    demand(np.array_equal(after(NO_DISTURBANCE).table, free.table), f"a disturbance at its {site} outlives a reset")


def _check_resumed(effector: Simulation, other: Simulation) -> None:
    """A saved state continues bit for bit, in the same effector and in another one of its kind."""
    spec, rng = effector.spec, np.random.default_rng(2)
    commands = rng.uniform(*spec.command.bounds(), (30, spec.command.size))
    effector.reset(0)
    states = [effector.step(command, NO_DISTURBANCE) for command in commands[:10]]
    saved = effector.get_state().copy()
    states += [effector.step(command, NO_DISTURBANCE) for command in commands[10:]]
    other.reset(0)
    for resumed in (effector, other):
        again = resumed.set_state(saved.copy())
        demand(
            np.array_equal(again.table, states[9].table) and again.time == states[9].time,
            "set_state does not return the state of the moment of get_state",
        )
        for command, state in zip(commands[10:], states[10:], strict=True):
            again = resumed.step(command, NO_DISTURBANCE)
            demand(np.array_equal(again.table, state.table), "after set_state the same commands give other states")


def _trajectory(effector: Effector, seconds: float) -> Array:
    """Tables of all ticks, shape (n_ticks, 3, n_channels), under random commands held for 0.1 s each."""
    spec = effector.spec
    rng, (low, high) = np.random.default_rng(1), spec.command.bounds()
    effector.reset(0)
    tables = []
    for k in range(max(1, round(seconds / spec.dt))):
        if k % max(1, round(0.1 / spec.dt)) == 0:
            command = rng.uniform(low, high)
        state = effector.step(command, NO_DISTURBANCE)
        check_state(state, spec)
        tables.append(state.table)
    return np.array(tables)
