"""Conformance check of the codec of a hand, alone and on an emulated port."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.command_guard import GuardedEffector
from myoprosthesis.core.process_tuning import set_switch_interval
from myoprosthesis.testing.demand import demand
from myoprosthesis.testing.effector import check_state

if TYPE_CHECKING:
    from myoprosthesis.effectors.serial_hand.prosthetic_hand import ProstheticHand
    from myoprosthesis.emulators.emulated_port import EmulatedPort
    from myoprosthesis.emulators.emulator import Emulator
    from myoprosthesis.hands.hand_spec import HandSpec
    from myoprosthesis.hands.protocol import HandProtocol, HandState

Array = NDArray[np.float64]

SETTLED = 0.02
"""rad by which a hand may miss the place at which it is held."""
NEAR = 0.03
"""rad: so near its target a hand has arrived."""
FLUSH_BYTES = 4096
"""More than a codec waits for once it has read a wrong length."""
FOUND_S = 0.1
"""A fault of the hand is to have been found by then."""
PATIENCE_S = 30.0
"""How long a busy machine may take for what a hand does in a second or two."""
FAULTS = ("silence", "checksum", "half", "foreign", "hot", "unplug")
"""What must end in the fail state."""


def check_hand_protocol(
    spec: HandSpec,
    protocol: Callable[[HandSpec], HandProtocol],
    emulator: Callable[[HandSpec], Emulator],
    fuzz_bytes: int = 1_000_000,
) -> dict[str, float]:
    """Check the codec of a hand (`HandProtocol`), alone and on an emulated port.

    The states do not depend on how the stream is cut, and nothing damaged or random is accepted. The hand stays within
    its limits, is in its fail state within 100 ms of each fault, and follows again by itself, slowly. Takes about 20 s
    of real time.

    Args:
        spec: Data sheet of the hand.
        protocol: Constructs its codec.
        emulator: Constructs its emulator.
        fuzz_bytes: Number of random bytes that are parsed.

    Returns:
        Times (s) from each fault to the fail state and from its end to following again, and the largest step of the
        target (rad) after each fault and in all.

    Raises:
        AssertionError: The first requirement that is not met.
    """
    from myoprosthesis.hands.protocol import HandProtocol

    codec = protocol(spec)
    demand(isinstance(codec, HandProtocol), f"{type(codec).__name__} needs all members of HandProtocol")
    stream, states = _conversation(codec, emulator(spec))
    demand(len(states) > 20, f"of 200 commands {len(states)} were answered")
    rng = np.random.default_rng(0)
    for cuts in (range(1, len(stream)), np.sort(rng.integers(0, len(stream), 200)).tolist(), ()):
        again = [state for piece in _cut(stream, cuts) for state in codec.parse(piece)]
        same = len(again) == len(states) and all(_same(a, b) for a, b in zip(again, states, strict=True))
        demand(same, f"cut in {len(list(cuts)) + 1} pieces, the same bytes give {len(again)} or other states")
    _check_fuzz(protocol(spec), stream, fuzz_bytes, rng)
    return _check_on_a_port(spec, protocol, emulator)


def _conversation(codec: HandProtocol, hand: Emulator) -> tuple[bytes, list[HandState]]:
    """What an emulated hand answers to 200 periods of slow closing, and the states in it."""
    start, end = codec.spec.column("open"), codec.spec.column("closed")
    stream, states, now = b"", [], 0.0
    hand.receive(codec.enable(), now)
    for k in range(200):
        now += codec.spec.dt
        for reply in hand.receive(codec.command(start + (end - start) * k / 400), now):
            stream += reply
            states += codec.parse(reply)
    return stream, states


def _cut(stream: bytes, cuts: Any) -> list[bytes]:
    places = [0, *cuts, len(stream)]
    return [stream[a:b] for a, b in zip(places[:-1], places[1:], strict=True)]


def _same(a: HandState, b: HandState) -> bool:
    """All that a reply says itself; what is remembered from earlier replies may differ at the start."""
    return bool(np.array_equal(a.position, b.position)) and a.trouble == b.trouble


def _check_fuzz(codec: HandProtocol, stream: bytes, n: int, rng: np.random.Generator) -> None:
    """Random bytes, the bytes of a true stream shuffled, and a true stream with one bit turned over."""
    for _ in range(max(1, n // 20_000)):
        codec.parse(rng.integers(0, 256, 10_000, np.uint8).tobytes())
    demand(codec.counts["frames"] == 0, f"{codec.counts['frames']} frames were read out of random bytes")
    for _ in range(max(1, n // 20_000)):
        codec.parse(bytes(rng.choice(np.frombuffer(stream, np.uint8), 10_000)))
    chance = 1 + codec.counts["damaged"] / 200  # a sum of 8 bits lets one of 256 frames through
    demand(codec.counts["frames"] <= chance, f"{codec.counts['frames']} frames were read out of shuffled bytes")
    before = codec.counts["frames"]
    codec.parse(stream)
    codec.parse(stream)
    demand(codec.counts["frames"] > before, "after noise, a sound stream is not understood any more")
    sound = {s.position.tobytes() for s in codec.parse(stream)}
    few, flush = stream[: 4 * len(stream) // max(1, len(sound))], stream[:FLUSH_BYTES]
    for _ in range(200):
        damaged = bytearray(few)
        damaged[int(rng.integers(len(damaged)))] ^= 1 << int(rng.integers(8))
        wrong = [s for s in codec.parse(bytes(damaged)) if s.position.tobytes() not in sound]
        demand(not wrong, "a frame with one bit turned over was accepted")
        codec.parse(flush)


def _check_on_a_port(
    spec: HandSpec, protocol: Callable[[HandSpec], HandProtocol], emulator: Callable[[HandSpec], Emulator]
) -> dict[str, float]:
    from myoprosthesis.effectors.serial_hand.prosthetic_hand import HandOptions, ProstheticHand
    from myoprosthesis.emulators.emulated_port import EmulatedPort

    times: dict[str, float] = {}
    set_switch_interval()
    with EmulatedPort(emulator(spec)) as port:
        hand = ProstheticHand(protocol(spec), HandOptions(port=port.path))
        guard = GuardedEffector(hand)
        guard.reset(0)
        rig = _Rig(guard, hand, port)
        try:
            low, high = hand.spec.command.bounds()
            start, goal = spec.column("open"), spec.column("closed")
            rig.run(2.0, high + 5.0)
            rig.run(1.0, low - 5.0)
            largest = rig.largest_step

            def far() -> float:
                return float(np.abs(port.emulator.motors.position - goal).max())

            rig.until(lambda: not guard.reason and far() < NEAR, PATIENCE_S, goal)
            demand(not guard.reason, f"a sound hand does not follow: {guard.reason}")
            demand(far() < NEAR, f"a hand that has its target for long is {far():.3f} rad away from it")
            times["stop_way"] = rig.stops(start, goal)
            rig.until(lambda: not guard.reason and far() < NEAR, PATIENCE_S, goal)
            for kind in FAULTS:
                if kind in spec.undetectable_faults:
                    continue
                times[f"{kind}_found"] = rig.finds(kind, goal)
                rig.run(0.3, start)
                port.heal()
                rig.largest_step = 0.0
                times[f"{kind}_recovered"] = rig.until(lambda: not guard.reason, PATIENCE_S, start)
                demand(not guard.reason, f"{kind}: not following {PATIENCE_S:g} s after its end: {guard.reason}")
                rig.run(0.1, start)
                times[f"{kind}_step"] = rig.largest_step
                largest = max(largest, rig.largest_step)
                rig.run(0.3, goal)
            port.fault("stuck")
            rig.run(1.0, start)
            rig.until(lambda: not rig.pressing(spec), PATIENCE_S, start)
            demand(not guard.reason or bool(port.emulator.motors.stuck.any()), "a finger that is held stops the others")
            pressing = rig.pressing(spec)
            demand(not pressing, f"a stuck finger has {pressing}")
            times |= rig.pressed()
            port.heal()
        finally:
            guard.close()
            guard.close()
        guard = GuardedEffector(ProstheticHand(protocol(spec), HandOptions(port=port.path)))
        guard.reset(0)  # the port was released
        guard.close()
    times["largest_step"] = max(largest, rig.largest_step)
    return times


class _Rig:
    """A guarded hand at its own period, watched for limits and jumps at every step."""

    def __init__(self, guard: GuardedEffector, hand: ProstheticHand, port: EmulatedPort) -> None:
        self.guard, self.hand, self.port = guard, hand, port
        self.largest_step = 0.0
        self._before: Array | None = None
        self._next = time.monotonic()

    def run(self, seconds: float, target: Array) -> None:
        """Command `target` for `seconds`."""
        self.until(lambda: False, seconds, target)

    def until(self, done: Callable[[], bool], seconds: float, target: Array) -> float:
        """Command `target` until `done`, for `seconds` at most; returns the time (s) that it took.

        Neither has the time for which a busy machine held this loop up.
        """
        begin = self._next = time.monotonic()
        held_up = 0.0
        while not done() and time.monotonic() - begin - held_up < seconds:
            held_up += max(0.0, time.monotonic() - self._next)
            self._next = max(self._next, time.monotonic())
            self._step(target)
        return time.monotonic() - begin - held_up

    def _step(self, target: Array) -> None:
        spec = self.guard.spec
        state = self.guard.step(target)
        check_state(state, spec)
        low, high = spec.command.bounds()
        inside = (state.applied >= low - 1e-9).all() and (state.applied <= high + 1e-9).all()
        demand(bool(inside), f"a target of {state.applied} was sent, outside the limits")
        followed = not (self.guard.reason or self.hand.fault)
        if followed and self._before is not None:
            ends = np.minimum(self._before, state.applied), np.maximum(self._before, state.applied)
            begin = np.clip(self.port.emulator.motors.position, *ends)  # towards where the hand is, it may jump
            step, most = float(np.abs(state.applied - begin).max()), float(np.max(spec.rate_limit or np.inf))
            self.largest_step = max(self.largest_step, step)
            demand(step <= most * spec.dt + 0.02, f"the target jumped by {step:.3f} rad in one period")
        # while it does not follow, what is applied is where the hand is, from where it is to go on
        self._before = state.applied if followed or self.hand.newest is None else self.hand.newest.position
        self._next += spec.dt
        time.sleep(max(0.0, self._next - time.monotonic()))

    def stops(self, start: Array, goal: Array) -> float:
        """Check that an emergency stop stops each joint within v²/2a of its stated braking, at full speed.

        On the way from `goal` to `start`; returns the longest way (rad). A machine that is busy then gets another try.
        """
        spec, motors = self.guard.spec, self.port.emulator.motors
        full = np.minimum(self.hand.protocol.spec.column("speed"), np.max(spec.rate_limit or np.inf))
        allowed = full**2 / (2 * np.array(spec.braking)) + SETTLED
        for _ in range(3):
            self.until(lambda: float(np.abs(motors.position - goal).max()) < NEAR, PATIENCE_S, goal)
            self.until(lambda: bool((np.abs(motors.position - goal) > 0.4 * np.abs(start - goal)).any()), 3.0, start)
            place, speed = motors.position.copy(), np.abs(motors.velocity)
            self.guard.estop()
            way = np.zeros_like(place)
            for _ in range(round(0.6 / spec.dt)):
                self._step(start)
                way = np.maximum(way, np.abs(motors.position - place))
            self.guard.resume()
            if (way <= allowed).all():
                return float(way.max())
        k = int(np.argmax(way - allowed))
        raise AssertionError(
            f"after an emergency stop at {speed[k]:.2f} rad/s, {spec.joints[k]} goes on by {way[k]:.3f} rad; its "
            f"braking allows {allowed[k]:.3f}"
        )

    def finds(self, kind: str, goal: Array) -> float:
        """Begin a fault, and check that the hand is in its fail state in time; returns that time (s).

        A machine that is busy then gets another try, as in `stops`."""
        for _ in range(3):
            self.until(lambda: not self.guard.reason, PATIENCE_S, goal)
            self.port.fault(kind)
            took = self.until(lambda: bool(self.guard.reason), 0.5, goal)
            if took <= FOUND_S:
                return took
            self.port.heal()
        raise AssertionError(f"{kind}: in the fail state after {took:.3f} s, not {FOUND_S:g} s")

    def pressed(self) -> dict[str, float]:
        """Current (A) and force (N) of the finger that is held."""
        motors, k = self.port.emulator.motors, self.port.index_joint
        return {"stuck_current": abs(float(motors.current[k])), "stuck_force": abs(float(motors.force[k]))}

    def pressing(self, spec: HandSpec) -> str:
        """Empty, or by what the finger that is held presses harder than its limit."""
        joint, now = spec.joints[self.port.index_joint], self.pressed()
        for name, limit in (("current", joint.current_limit), ("force", joint.force_limit)):
            if limit and now[f"stuck_{name}"] > 1.1 * limit:
                return f"a {name} of {now[f'stuck_{name}']:.2f}, not {limit}"
        return ""
