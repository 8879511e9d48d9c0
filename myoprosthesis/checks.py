"""The shared checks: what every effector, perturbation, task and policy must do, ours or yours.

Each raises AssertionError with a sentence that says what is wrong. Call them from a test of your own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.contract import Contract
from myoprosthesis.core.effector import NOTHING, Effector, EffectorSpec, EffectorState, Imposed
from myoprosthesis.core.guard import GuardedEffector
from myoprosthesis.core.law import Law
from myoprosthesis.core.loop import quicken
from myoprosthesis.core.plan import Entry, PerturbationPlan, TrialPlan, ns
from myoprosthesis.emg.recording import Recording, joined
from myoprosthesis.perturbations.imposed import Imposer

if TYPE_CHECKING:
    from myoprosthesis.emulators.emulated_port import EmulatedPort
    from myoprosthesis.emulators.emulator import Emulator
    from myoprosthesis.hands.protocol import HandProtocol, HandState
    from myoprosthesis.hands.sheet import HandSheet
    from myoprosthesis.policies.player import Policy

Array = NDArray[np.float64]
SITES = ("endpoint", "joint", "muscle")


def check_effector(make: Callable[[], Effector], seconds: float = 10.0) -> None:
    """An effector keeps its own specification, hands out states that stay as they are, does the same again after
    the same reset, reports the loads it applied, and is still finite after `seconds` of random commands."""
    effector = make()
    _demand(isinstance(effector, Effector), f"{type(effector).__name__} needs spec, reset, step and close")
    spec = effector.spec
    _check_spec(spec)
    low, high = spec.command.bounds()
    start = effector.reset(0)
    _check_state(start, spec)
    for command in (low, high, (low + high) / 2):
        given = command.copy()
        before = effector.reset(0)
        kept = before.table.copy()
        after = effector.step(given, NOTHING)
        _check_state(after, spec)
        _demand(np.array_equal(given, command), "step changes the command it was given")
        given += 1.0
        _demand(
            bool((after.applied >= low - 1e-9).all() and (after.applied <= high + 1e-9).all()),
            f"the applied command {after.applied} is outside the limits, or is the caller's own array",
        )
        _demand(np.array_equal(before.table, kept), "a state changes after it was returned: return copies")
        if spec.steppable:
            passed = after.time - before.time
            _demand(abs(passed - spec.dt) < 1e-9, f"a step of {spec.dt} s moved time by {passed} s")
    for site in spec.sites:
        _check_site(effector, site)
    if spec.steppable:
        once = _trajectory(effector, seconds)
        again, other = _trajectory(effector, min(seconds, 1.0)), _trajectory(make(), min(seconds, 1.0))
        n = len(again)
        _demand(np.array_equal(once[:n], again), "after a reset the same commands give other states")
        _demand(np.array_equal(again, other), "a second instance gives other states")
    effector.close()
    effector.close()


def check_perturbation(kind: Callable[[Any, TrialPlan], tuple[Entry, ...]], options: Any) -> None:
    """A kind of perturbation plans each trial within its times, in the same way each time, in entries that can be
    sent and then applied by an effector that has what they name."""
    trial = TrialPlan(3, ns(3.0), ns(4.0), (0.0, 0.0, 0.0), (0.1, 0.2, 0.0), ns(3.2))
    still = replace(trial, target=trial.start, go_ns=None)
    for one in (trial, still):
        entries = kind(options, one)
        _demand(isinstance(entries, tuple), f"a tuple of entries is needed, got {type(entries).__name__}")
        plan = PerturbationPlan("checked", one.until_ns, one.trial, entries, one.from_ns)
        sent = json.loads(plan.to_json())
        _demand(
            json.loads(PerturbationPlan.from_json(plan.to_json()).to_json()) == sent,
            "the plan does not come back from JSON as it was",
        )
        same = PerturbationPlan("checked", one.until_ns, one.trial, kind(options, one), one.from_ns)
        _demand(json.loads(same.to_json()) == sent, "the same options and trial give another plan the second time")
        for entry in entries:
            _demand(entry.from_ns >= one.from_ns, f"an entry begins at {entry.from_ns} ns, before its trial")
            _demand(
                entry.until_ns is None or entry.until_ns <= one.until_ns,
                f"an entry ends at {entry.until_ns} ns, after its trial",
            )
        refused = Imposer(_capable(entries)).refusal(plan)
        _demand(not refused, f"no effector can apply it: {refused}")


def check_task(task: Any, trials: int = 40) -> None:
    """A task plans any trial in any order, always in the same way, with a goal and a go signal within the trial."""
    plans = [task.plan(k, ns(k)) for k in range(trials)]
    for k in reversed(range(trials)):
        plan = plans[k]
        _demand(plan == task.plan(k, ns(k)), f"trial {k} is not the same when planned again")
        _demand((plan.trial, plan.from_ns) == (k, ns(k)), f"trial {k} became {plan.trial}, from {plan.from_ns} ns")
        _demand(TrialPlan.from_json(plan.to_json()) == plan, f"trial {k} does not come back from JSON as it was")
        _demand(len(plan.start) == len(plan.target) == 3, f"trial {k}: start and target need three coordinates")
        _demand(
            plan.go_ns is None or plan.from_ns <= plan.go_ns < plan.until_ns,
            f"trial {k}: the go signal at {plan.go_ns} ns is not within the trial",
        )
        go_ns = None if plan.go_ns is None else plan.go_ns + 17
        moved = replace(plan, from_ns=plan.from_ns + 17, until_ns=plan.until_ns + 17, go_ns=go_ns)
        _demand(task.plan(k, ns(k) + 17) == moved, f"trial {k} depends on when it begins")
    _demand(plans[0].reset or not plans[0].scored, "the first trial must put the body to its start")


def check_policy(make: Callable[[], Policy], steps: int = 1000) -> None:
    """A policy returns finite actions as its contract says, forgets all at `reset`, and leaves its input alone."""
    policy, other = make(), make()
    contract = policy.contract
    _demand(Contract.from_json(contract.to_json()) == contract, "the contract does not come back from JSON as it was")
    rng = np.random.default_rng(0)
    observations = rng.normal(0.0, 0.3, (steps, contract.observation_size)).astype(np.float32)
    kept = observations.copy()
    policy.reset()
    rest = policy.hidden.copy()
    actions = [policy.step(o) for o in observations]
    _demand(np.array_equal(observations, kept), "step changes the observation it was given")
    for action in actions:
        wanted = (contract.action.size,)
        _demand(action.shape == wanted, f"an action has shape {action.shape}, not {wanted}")
        _demand(bool(np.isfinite(action).all()), "an action is not finite")
    _demand(bool(np.isfinite(policy.hidden).all()), "the recurrent state is not finite")
    policy.reset()
    other.reset()
    _demand(np.array_equal(policy.hidden, rest), "reset does not bring the recurrent state back")
    for k, observation in enumerate(observations[:100]):
        _demand(np.array_equal(policy.step(observation), actions[k]), "the same observations give other actions")
        _demand(np.array_equal(other.step(observation), actions[k]), "a second instance gives other actions")


def check_hand_protocol(
    sheet: HandSheet,
    protocol: Callable[[HandSheet], HandProtocol],
    emulator: Callable[[HandSheet], Emulator],
    fuzz_bytes: int = 1_000_000,
) -> dict[str, float]:
    """A codec gives the same states however its stream is cut, accepts nothing damaged and nothing random; the hand
    on an emulated port stays within its limits, is in its fail state within 100 ms of each fault, and follows again
    by itself, slowly. Takes about 20 s of real time; returns the times it measured (s)."""
    from myoprosthesis.hands.protocol import HandProtocol

    codec = protocol(sheet)
    _demand(isinstance(codec, HandProtocol), f"{type(codec).__name__} needs all members of HandProtocol")
    stream, states = _conversation(codec, emulator(sheet))
    _demand(len(states) > 20, f"of 200 commands {len(states)} were answered")
    rng = np.random.default_rng(0)
    for cuts in (range(1, len(stream)), np.sort(rng.integers(0, len(stream), 200)).tolist(), ()):
        again = [told for piece in _cut(stream, cuts) for told in codec.feed(piece)]
        same = len(again) == len(states) and all(_same(a, b) for a, b in zip(again, states, strict=True))
        _demand(same, f"cut in {len(list(cuts)) + 1} pieces, the same bytes give {len(again)} or other states")
    _check_fuzz(protocol(sheet), stream, fuzz_bytes, rng)
    return _check_on_a_port(sheet, protocol, emulator)


def _conversation(codec: HandProtocol, hand: Emulator) -> tuple[bytes, list[HandState]]:
    """What an emulated hand answers to 200 periods of slow closing, and the states in it."""
    start, end = codec.sheet.column("open"), codec.sheet.column("closed")
    told, states, now = b"", [], 0.0
    hand.receive(codec.wake(), now)
    for k in range(200):
        now += codec.sheet.dt
        for reply in hand.receive(codec.command(start + (end - start) * k / 400), now):
            told += reply
            states += codec.feed(reply)
    return told, states


def _cut(stream: bytes, cuts: Any) -> list[bytes]:
    places = [0, *cuts, len(stream)]
    return [stream[a:b] for a, b in zip(places[:-1], places[1:], strict=True)]


def _same(a: HandState, b: HandState) -> bool:
    """All that a reply says itself; what is remembered from earlier replies may differ at the start."""
    return bool(np.array_equal(a.position, b.position)) and a.trouble == b.trouble


def _check_fuzz(codec: HandProtocol, stream: bytes, n: int, rng: np.random.Generator) -> None:
    """Random bytes, the bytes of a true stream shuffled, and a true stream with one bit turned over."""
    for _ in range(max(1, n // 20_000)):
        codec.feed(rng.integers(0, 256, 10_000, np.uint8).tobytes())
    _demand(codec.counts["frames"] == 0, f"{codec.counts['frames']} frames were read out of random bytes")
    for _ in range(max(1, n // 20_000)):
        codec.feed(bytes(rng.choice(np.frombuffer(stream, np.uint8), 10_000)))
    chance = 1 + codec.counts["damaged"] / 200  # a sum of 8 bits lets one of 256 frames through
    _demand(codec.counts["frames"] <= chance, f"{codec.counts['frames']} frames were read out of shuffled bytes")
    before = codec.counts["frames"]
    codec.feed(stream)
    codec.feed(stream)
    _demand(codec.counts["frames"] > before, "after noise, a sound stream is not understood any more")
    sound = {s.position.tobytes() for s in codec.feed(stream)}
    for _ in range(200):
        damaged = bytearray(stream[: 4 * len(stream) // max(1, len(sound))])
        damaged[int(rng.integers(len(damaged)))] ^= 1 << int(rng.integers(8))
        wrong = [s for s in codec.feed(bytes(damaged)) if s.position.tobytes() not in sound]
        _demand(not wrong, "a frame with one bit turned over was accepted")
        codec.feed(stream)


def _check_on_a_port(
    sheet: HandSheet, protocol: Callable[[HandSheet], HandProtocol], emulator: Callable[[HandSheet], Emulator]
) -> dict[str, float]:
    from myoprosthesis.effectors.prosthetic_hand import HandOptions, ProstheticHand
    from myoprosthesis.emulators.emulated_port import EmulatedPort

    times: dict[str, float] = {}
    quicken()
    with EmulatedPort(emulator(sheet)) as port:
        hand = ProstheticHand(protocol(sheet), HandOptions(port=port.path))
        guard = GuardedEffector(hand)
        guard.reset(0)
        rig = _Rig(guard, port)
        try:
            low, high = hand.spec.command.bounds()
            start, goal = sheet.column("open"), sheet.column("closed")
            rig.run(2.0, high + 5.0)
            rig.run(2.0, low - 5.0)
            rig.run(float(np.abs(goal - start).max()) / sheet.approach_rate + 1.0, goal)
            _demand(not guard.reason, f"a sound hand does not follow: {guard.reason}")
            far = float(np.abs(port.emulator.fingers.position - goal).max())
            _demand(far < 0.03, f"a hand that has its target for long is {far:.3f} rad away from it")
            for kind in ("silence", "checksum", "half", "foreign", "hot", "unplug"):
                port.fault(kind)
                times[f"{kind}_found"] = rig.until(lambda: bool(guard.reason), 0.5, goal)
                _demand(times[f"{kind}_found"] <= 0.1, f"{kind}: in the fail state after {times[f'{kind}_found']} s")
                rig.run(0.3, start)
                port.heal()
                times[f"{kind}_recovered"] = rig.until(lambda: not guard.reason, 3.0, goal)
                _demand(not guard.reason, f"{kind}: not following 3 s after its end: {guard.reason}")
                rig.run(0.2, goal)
            port.fault("stuck")
            rig.run(2.5, start)
            _demand(not guard.reason or port.emulator.fingers.stuck[0], "a finger that is held stops the others")
            rig.force_holds(sheet)
            port.heal()
        finally:
            guard.close()
            guard.close()
        guard = GuardedEffector(ProstheticHand(protocol(sheet), HandOptions(port=port.path)))
        guard.reset(0)  # the port was released
        guard.close()
    times["largest_step"] = rig.largest_step
    return times


class _Rig:
    """A guarded hand at its own period, watched for limits and jumps at every step."""

    def __init__(self, guard: GuardedEffector, port: EmulatedPort) -> None:
        self.guard, self.port = guard, port
        self.largest_step = 0.0
        self._before: Array | None = None
        self._next = time.monotonic()

    def run(self, seconds: float, target: Array) -> None:
        """Command `target` for so long."""
        self.until(lambda: False, seconds, target)

    def until(self, done: Callable[[], bool], seconds: float, target: Array) -> float:
        """Command `target` until `done`, at most so long; returns how long (s), without the time for which a busy
        machine held this loop up."""
        begin = self._next = time.monotonic()
        held_up = 0.0
        while not done() and time.monotonic() - begin < seconds:
            held_up += max(0.0, time.monotonic() - self._next)
            self._next = max(self._next, time.monotonic())
            self._step(target)
        return time.monotonic() - begin - held_up

    def _step(self, target: Array) -> None:
        spec = self.guard.spec
        state = self.guard.step(target)
        _check_state(state, spec)
        low, high = spec.command.bounds()
        inside = (state.applied >= low - 1e-9).all() and (state.applied <= high + 1e-9).all()
        _demand(bool(inside), f"a target of {state.applied} was sent, outside the limits")
        if self._before is not None:
            step, most = float(np.abs(state.applied - self._before).max()), spec.rate_limit or np.inf
            self.largest_step = max(self.largest_step, step)
            _demand(step <= most * spec.dt + 0.02, f"the target jumped by {step:.3f} rad in one period")
        self._before = state.applied
        self._next += spec.dt
        time.sleep(max(0.0, self._next - time.monotonic()))

    def force_holds(self, sheet: HandSheet) -> None:
        """What a finger that is held presses with, after a while."""
        fingers = self.port.emulator.fingers
        for name, limit, pressed in (
            ("current", sheet.joints[0].current_limit, abs(fingers.current[0])),
            ("force", sheet.joints[0].force_limit, abs(fingers.force[0])),
        ):
            _demand(not limit or pressed <= 1.1 * limit, f"a stuck finger has a {name} of {pressed:.2f}, not {limit}")


def check_emg_format(blocks: Callable[[int], Iterator[Recording]]) -> None:
    """A reader of recordings gives the same recording for any size of its blocks, none of them larger than asked for;
    `blocks(0)` is the whole."""
    whole = joined(list(blocks(0)))
    _demand(len(whole) > 0, "the recording has no samples")
    for size in (1 + len(whole) // 7, 1 + len(whole) // 3, len(whole), 2 * len(whole)):
        parts = list(blocks(size))
        _demand(max(len(p) for p in parts) <= size, f"a block is larger than {size} samples")
        again = joined(parts)
        for name in ("samples", "times", "targets"):
            same = np.array_equal(getattr(again, name), getattr(whole, name), equal_nan=True)
            _demand(same, f"{name} in blocks of {size} are not those of the whole")
        _demand(again.spans == whole.spans, f"labels in blocks of {size} are not those of the whole")
        told = [(p.channels, p.rate, p.unit) for p in parts]
        _demand(set(told) == {(whole.channels, whole.rate, whole.unit)}, "channels, rate or unit change between blocks")


def _check_spec(spec: EffectorSpec) -> None:
    _demand(EffectorSpec.from_json(spec.to_json()) == spec, "the specification does not come back from JSON as it was")
    _demand(len(set(spec.channels)) == len(spec.channels), "the channels of the state are not unique")
    _demand(spec.command.size > 0, "an effector without command channels cannot be commanded")
    _demand(set(spec.sites) <= set(SITES), f"sites are {', '.join(SITES)}; got {', '.join(spec.sites)}")
    _demand("endpoint" not in spec.sites or bool(spec.endpoint), "a field at the endpoint needs an endpoint")
    _demand(len(spec.home) == (3 if spec.endpoint else 0), f"home has {len(spec.home)} coordinates")
    low, high = spec.command.bounds()
    if not isinstance(spec.fail, str):
        _demand(bool((low <= spec.fail).all() and (high >= spec.fail).all()), "the fail pose is outside the limits")


def _check_state(state: EffectorState, spec: EffectorSpec) -> None:
    _demand(state.spec is spec or state.spec == spec, "a state bears another specification than the effector")
    wanted = (3, len(spec.channels))
    _demand(state.table.shape == wanted, f"the state's table has shape {state.table.shape}, not {wanted}")
    _demand(state.applied.shape == (spec.command.size,), f"{state.applied.shape} is not one applied value per channel")
    _demand(bool(np.isfinite(state.table).all() and np.isfinite(state.time)), "a state is not finite")
    if spec.muscles:
        a = state.activation
        _demand(bool((a >= -1e-9).all() and (a <= 1 + 1e-9).all()), f"activation is outside 0..1: {a.min()}..{a.max()}")


def _check_site(effector: Effector, site: str) -> None:
    """What is imposed acts, is reported, and leaves no trace after the next reset."""
    spec = effector.spec
    low, high = spec.command.bounds()
    command = low + 0.3 * (high - low)

    def after(imposed: Imposed) -> EffectorState:
        effector.reset(0)
        for _ in range(3):
            state = effector.step(command, imposed)
        return state

    free = after(NOTHING)
    if site == "endpoint":
        idle, force = Imposed(endpoint=Law.zero()), np.array([0.01, 0.02, 0.0])
        loaded = after(Imposed(endpoint=Law.of(f0=force)))
        _demand(np.allclose(loaded.load, force), f"a force of {force} N at the endpoint is reported as {loaded.load}")
    elif site == "joint":
        idle, torque = Imposed(joint=Law.zero(len(spec.joints))), np.full(len(spec.joints), 1e-3)
        loaded = after(Imposed(joint=Law.of(f0=torque, n=torque.size)))
        told = loaded.joint_load
        _demand(told.shape == torque.shape, f"{told.shape} is not one load per joint")
        _demand(
            bool(np.isin(np.round(told / torque, 9), (0.0, 1.0)).all() and told.any()),
            f"a load of {torque} on the joints is reported as {told}",
        )
    else:
        idle = Imposed(strength=np.ones(len(spec.muscles)))
        loaded = after(Imposed(strength=np.zeros(len(spec.muscles))))
    _demand(not np.array_equal(loaded.table, free.table), f"what is imposed at its {site} changes nothing")
    unmoved = np.allclose(after(idle).table, free.table, atol=1e-9)
    _demand(unmoved, f"a null load, imposed at its {site}, changes the motion")
    _demand(np.array_equal(after(NOTHING).table, free.table), f"what was imposed at its {site} outlives a reset")


def _trajectory(effector: Effector, seconds: float) -> Array:
    """Tables of all ticks, shape (n_ticks, 3, n_channels), under random commands held for 0.1 s each."""
    spec = effector.spec
    rng, (low, high) = np.random.default_rng(1), spec.command.bounds()
    effector.reset(0)
    tables = []
    for k in range(max(1, round(seconds / spec.dt))):
        if k % max(1, round(0.1 / spec.dt)) == 0:
            command = rng.uniform(low, high)
        state = effector.step(command, NOTHING)
        _check_state(state, spec)
        tables.append(state.table)
    return np.array(tables)


def _capable(entries: tuple[Entry, ...]) -> EffectorSpec:
    """The specification of an effector that has every joint and muscle that the entries name."""
    joints = tuple(dict.fromkeys(j for e in entries for j in e.values.get("joints", ())))
    muscles = tuple(dict.fromkeys(m for e in entries for m in e.values.get("muscles", ()))) or ("muscle",)
    command = Channels("effort", muscles, "1", (0.0,) * len(muscles), (1.0,) * len(muscles))
    return EffectorSpec("capable", 0.01, command, joints, muscles, "endpoint", sites=SITES, home=(0.0, 0.0, 0.0))


def _demand(condition: bool, sentence: str) -> None:
    if not condition:
        raise AssertionError(sentence)
