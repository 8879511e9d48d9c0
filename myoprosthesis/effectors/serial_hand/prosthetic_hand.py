"""A real hand on a serial port. Also without hardware: `myoprosthesis emulate` gives a port that behaves like one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.disturbance import Disturbance
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.effector_state import EffectorState
from myoprosthesis.core.errors import EffectorError
from myoprosthesis.core.options import option
from myoprosthesis.effectors.serial_hand import connection, reboot
from myoprosthesis.effectors.serial_hand.connection import AWAKE_S, CONNECT_S
from myoprosthesis.effectors.serial_hand.force_limit import ForceLimit
from myoprosthesis.effectors.serial_hand.port_client import PortClient
from myoprosthesis.effectors.serial_hand.port_server import LastWill, PortSettings
from myoprosthesis.hands import grips
from myoprosthesis.hands.hand_spec import MOTOR_LAG_S
from myoprosthesis.hands.protocol import Bus, HandProtocol, HandState, Rebootable

Array = NDArray[np.float64]

FAIL_S = 0.1
"""How long the fail state is commanded before writing stops."""
SILENT_S = 0.07
"""Silence of this process after which its port server commands the fail state; more where the period is long."""
LONGEST_S = 2.0
"""The same for a fail state that is a pose which is not reached earlier."""
LOST_S = 0.04
"""Silence of the hand, while it is asked, that counts as a fault; up to `LONG_LOST_S` where its period is long."""
LONG_LOST_S = 0.05
TROUBLE_S = 0.02
"""How long a hand must complain before it counts."""
WAY = round(FAIL_S / PortSettings.every_s)
"""Frames of a last will."""
WELL_PERIODS = 3
"""Periods in a row with a state that end a fault; several states that come at once say nothing of now."""
SLOW_S = 0.1
"""How long the approach is slow at least: a guard's ramp starts where the hand is, and looks like a near target."""
PASSING_S = 1.0
"""A fault that is over sooner, as when this program was held up, is no reason not to begin."""
COOLER = 5.0
"""°C below its limit at which a hot motor may move again."""


@dataclass(frozen=True)
class HandOptions:
    """Options of every hand; what is 0 or empty is taken from the hand's data sheet."""

    port: str = option("", "serial port, such as /dev/ttyUSB0, or what `myoprosthesis emulate` prints", file="there")
    baud: int = option(0, "speed of the port; 0: the hand's usual one", "Bd", 0, 10_000_000)
    address: int = option(-1, "address of the hand; -1: its usual one", "", -1, 255)
    dt: float = option(0.0, "control period; 0: the hand's own", "s", 0.0, 0.1)
    rs485: bool = option(False, "let the operating system switch the direction of an RS485 adapter")
    rate_limit: float = option(0.0, "fastest change of a command; 0: the hand's own", "rad/s", 0.0, 100.0)
    wait_s: float = option(0.0, "how long opening waits for a port that does not exist yet", "s", 0.0, 60.0)
    fail: str = option("", "fail state: hold, relax or a grip; empty: the hand's own")


class ProstheticHand:
    """Implements `Device`: one frame out and the newest state in per step, without ever waiting.

    While it follows, every step writes one fresh target. In the fail state it commands the fail state for 100 ms
    (a pose: until it is reached), then is silent for twice the hand's own watchdog time, so that this fires, and from
    then on only asks for states. After opening, a fault or idleness it starts from where the hand is, slowly. Every
    write leaves the fail state with the port server, which commands it when this process is held up or dies; a process
    that was held up asks where the hand is, and begins the fail state again there.

    Holding is to be where the hand is at that moment, as far as it is known: its last state, carried on with its
    velocity for as long as that is old (at most until it counts as lost) and for what its motors need to stop, so that
    it does not turn back, and not beyond the last target. A hand that has reported nothing since the port was opened is
    sent nothing.
    """

    def __init__(
        self, protocol: HandProtocol, options: HandOptions, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.protocol, self._clock = protocol, clock
        s = self._sheet = protocol.spec
        low, high = s.column("low"), s.column("high")
        fail = s.fail if s.fail in ("hold", "relax") else tuple(float(x) for x in grips.pose(s, s.fail))
        self.spec = EffectorSpec(
            name=s.name,
            dt=s.dt,
            joints=s.names,
            command=Channels("position", s.names, "rad", tuple(low.tolist()), tuple(high.tolist())),
            fail=fail,
            braking=tuple(s.braking.tolist()),
            rate_limit=s.rate_limit,
            frame="palm",
            poses=grips.poses(s),
        )
        self.fault = ""
        self.events: Counter[str] = Counter()
        self.newest: HandState | None = None
        """The newest state as the hand reported it: current, touch, temperature."""
        self._bus = protocol if isinstance(protocol, Bus) else None
        self._wait_s = options.wait_s
        self._port = PortClient(options.port, s.baud, options.rs485, max(SILENT_S, 3 * s.dt), FAIL_S)
        self._safe = grips.pose(s, s.safe)
        self._lost_s = max(LOST_S, min(5 * s.dt, LONG_LOST_S), 2 * s.dt)
        self._limit = ForceLimit(s.column("current_limit"))
        self._force = ForceLimit(s.column("force_limit"))
        self._velocity = np.zeros(low.size)
        self._open = False
        self._sent: Array | None = None
        self._quiet_since: float | None = None
        self._stopped = False
        """While quiet: the place at which the hand is held is known, and was sent."""
        self._cut_at = -np.inf
        """When nothing could be sent last, or this process had been held up: where the hand is must be asked."""
        self._led = False
        """A target was sent since the last reset, so that the hand is not where it was found."""
        self._asking_since: float | None = None
        self._received_at = self._sound_at = -np.inf
        self._well = self._bad_before = 0
        self._asleep = True
        self._limp = False
        self._slow = np.ones(low.size, bool)
        self._slow_until = -np.inf
        self._forget()

    @property
    def server_pid(self) -> int:
        """The process that has the port; 0 while there is none."""
        return self._port.server_pid

    # -- Effector -----------------------------------------------------------------------------------------------

    def reset(self, seed: int = 0) -> EffectorState:
        """Open the port if it is not open, find the hand, and move it to its safe pose, slowly; waits for that.

        Time in which this program is held up, and the hand is not led, does not count."""
        if not self._open:
            self._connect()
        self._forget()
        self._led = False
        awake = sound = 0.0
        before, deadline = self._clock(), CONNECT_S + self._longest_way() / self._sheet.approach_rate
        while True:
            state, now = self._tick(self._safe, following=True), self._clock()
            awake, before = awake + min(now - before, AWAKE_S), now
            if not self.fault:
                sound = awake
                if awake > deadline or (not self._slow.any() and self._sent is not None):
                    return state
            elif awake > max(deadline, sound + PASSING_S):
                raise EffectorError(f"{self._sheet.title} on {self._port.path}: {self.fault}")
            time.sleep(self.spec.dt)

    def step(self, command: Array, disturbance: Disturbance) -> EffectorState:
        """Write one target, shape (n_joints,) in rad; returns the newest state."""
        return self._tick(command, following=True)

    def idle(self, command: Array, disturbance: Disturbance) -> EffectorState:
        """One period in the fail state.

        The target is this hand's own fail state, from where the hand was sent last, rather than `command`: after a
        fault only the hand knows where it is."""
        return self._tick(command, following=False)

    def close(self) -> None:
        """Fail state, hand given back to itself, port released; safe to call twice."""
        if not self._open:
            return
        self._open = False
        newest, sent = self.newest, self._sent
        if newest is not None and sent is not None and self._quiet_since is None:
            held = (
                self._here(newest, sent, self._clock()) if isinstance(self.spec.fail, str) else np.array(self.spec.fail)
            )
            self._port.write(self.protocol.limp() if self.spec.fail == "relax" else self.protocol.failsafe_frame(held))
        self._port.close(self.protocol.release())

    # -- one period ---------------------------------------------------------------------------------------------

    def _tick(self, target: Array, following: bool) -> EffectorState:
        if not self._open:
            raise EffectorError(f"{self._sheet.title}: reset opens the port, and comes before the first step")
        now = self._clock()
        self._receive(now)
        self._judge(now)
        newest = self.newest
        if following and not self.fault and newest is not None and np.isfinite(target).all():
            self._follow(np.clip(target, *self.spec.command.bounds()), newest, now)
        else:
            self._rest(now)
        return self._state()

    def _follow(self, target: Array, newest: HandState, now: float) -> None:
        if self._asleep or self._limp:
            if now - self._received_at > self._lost_s:  # where the hand is now must be known before it moves
                self._send(self.protocol.query(), now)
                return
            self._send(self.protocol.enable(), now)
            self._asleep, self._limp, self._sent = False, False, None
        if self._quiet_since is not None:
            self._quiet_since, self._slow, self._sent = None, np.ones(target.size, bool), None
        before = self._sent
        if before is None:
            before = np.clip(newest.position, *self.spec.command.bounds())
            self._slow_until = now + SLOW_S
            self._limit.reset()
            self._force.reset()
        step = np.where(self._slow, self._sheet.approach_rate, self._sheet.rate_limit) * self.spec.dt
        sent = before + np.clip(target - before, -step, step)
        self._slow &= (np.abs(target - sent) > step) | (now < self._slow_until)
        self._command(sent, before, newest, now)

    def _command(self, target: Array, before: Array, newest: HandState, now: float) -> None:
        """Write a target after the one before, held back where the hand presses too hard."""
        for limit in (self._limit, self._force):
            target = limit.apply(target, newest.position)
        most = self._sheet.rate_limit * self.spec.dt
        target = before + np.clip(target - before, -most, most)
        self._sent, self._led = target, True
        self._send(self.protocol.command(target), now)

    def _rest(self, now: float) -> None:
        """The fail state, then silence, then questions only."""
        if self._quiet_since is None:
            self._quiet_since, self._stopped = now, False
        newest, sent = self.newest, self._sent
        if self._port.error:  # nothing can be sent: the hand goes on to its last target
            self._cut_at = now
        elif newest is not None and self._led and not self._stopped:
            if self._received_at <= self._cut_at:
                self._send(self.protocol.query(), now)
                return
            self._sent = sent = self._here(newest, newest.position if sent is None else sent, now)
            self._stopped, self._quiet_since = True, now
        resting = now - self._quiet_since
        commanding = not self._port.error and (resting < FAIL_S or self._on_the_way(resting))
        if newest is not None and sent is not None and commanding:
            if self.spec.fail == "relax":
                self._limp = True
                self._send(self.protocol.limp(), now)
            else:
                goal = sent if isinstance(self.spec.fail, str) else np.array(self.spec.fail)
                self._command(goal, sent, newest, now)
            return
        if not self._asleep:
            self._asleep, self._asking_since = True, None
        if resting >= FAIL_S + 2 * self._sheet.watchdog_s or self._sent is None:
            self._send(self.protocol.query(), now)
        else:
            self._port.write(b"")  # the fail state was commanded for long enough: nothing is left to be done

    def _on_the_way(self, resting: float) -> bool:
        """The fail state is a pose that is not reached yet."""
        if isinstance(self.spec.fail, str) or self._sent is None:
            return False
        return resting < LONGEST_S and not np.array_equal(self._sent, self.spec.fail)

    def _receive(self, now: float) -> None:
        states = self.protocol.parse(self._port.read())
        stall = self._port.take_stall()
        if stall:  # wherever the hand was brought meanwhile
            self._forget()
            self._cut_at = now
            self.events["stalls"] += 1
            self._fail(f"this program was held up for more than {stall * 1e3:.0f} ms, and the hand was stopped")
            return
        self._well += bool(states)
        for state in states:
            before, self.newest = self.newest, state
            if state.velocity is not None:
                self._velocity = state.velocity
            elif before is not None and now > self._received_at:
                self._velocity = (state.position - before.position) / (now - self._received_at)
            if self._sent is not None:
                if state.current is not None:
                    self._limit.learn(state.current, self._sent, state.position)
                if state.force is not None:
                    self._force.learn(state.force, self._sent, state.position)
            self._received_at, self._bad_before = now, self._bad()
            if not self._fault_of(state):
                self._sound_at = now

    def _judge(self, now: float) -> None:
        """Set `fault`: why the hand cannot follow now."""
        new = self._port.error
        silent_for = now - max(self._received_at, self._asking_since) if self._asking_since is not None else 0.0
        if not new and silent_for > self._lost_s:
            bad = self._bad() - self._bad_before
            new = f"no answer for {self._lost_s * 1e3:.0f} ms" + (", but damaged or foreign frames" if bad else "")
            if self._bus is not None and self._bus.absent:
                silent = connection.motors(self._bus.absent)
                new = f"no answer from {silent} for {self._lost_s * 1e3:.0f} ms, but from the others"
        troubled = now - self._sound_at > TROUBLE_S and self._received_at > self._sound_at
        if not new and troubled and self.newest is not None:
            new = self._fault_of(self.newest)
        if new:
            self._fail(new)
        elif self.fault and self._well >= WELL_PERIODS:
            self.fault = ""
            self.events["recoveries"] += 1

    def _fail(self, why: str) -> None:
        if not self.fault:
            self.events["faults"] += 1
        self.fault, self._well = why, 0

    def _bad(self) -> int:
        """Frames that came and could not be used."""
        return self.protocol.counts["damaged"] + self.protocol.counts["foreign"]

    def _fault_of(self, state: HandState) -> str:
        """What a state says against moving."""
        if state.trouble:
            return state.trouble[0]
        limit = self._sheet.temperature_limit - (COOLER if self.fault else 0.0)
        if self._sheet.temperature_limit and state.temperature is not None and (state.temperature > limit).any():
            k = int(np.argmax(state.temperature))
            return f"{self._sheet.names[k]} is at {state.temperature[k]:.0f} °C; {limit:.0f} °C is the limit"
        return ""

    def _send(self, data: bytes, now: float) -> None:
        if self._asking_since is None:
            self._asking_since = now
        self._port.write(data, self._will(now))
        self.events["frames_sent"] += bool(data)

    def _here(self, newest: HandState, sent: Array, now: float) -> Array:
        """The place at which the hand stands when it is stopped by what is sent now, as far as it is known.

        Shape (n_joints,), rad, within its limits."""
        place = np.clip(newest.position, *self.spec.command.bounds())
        seconds = min(max(now - self._received_at, 0.0), self._lost_s) + self.spec.dt + MOTOR_LAG_S
        ends = np.minimum(place, sent), np.maximum(place, sent)
        return np.clip(place + self._velocity * seconds, *ends)

    def _will(self, now: float) -> LastWill | None:
        """The fail state from where the hand is.

        One frame, or as much of the way to a pose as `FAIL_S` allows at the fastest change of a command."""
        newest, sent = self.newest, self._sent
        if newest is None or sent is None:
            return None
        here = sent if self._quiet_since is not None and self._stopped else self._here(newest, sent, now)
        if isinstance(self.spec.fail, str):
            targets = [None if self.spec.fail == "relax" else here]
        else:
            way, most = np.array(self.spec.fail) - here, self._sheet.rate_limit * PortSettings.every_s
            targets = [here + np.clip(way, -k * most, k * most) for k in range(1, WAY + 1)]
        leave = self.protocol.release() if self._sheet.after == "leave" else b""
        return LastWill(tuple(self.protocol.failsafe_frame(target) for target in targets), leave)

    def _state(self) -> EffectorState:
        n = len(self.spec.joints)
        newest = self.newest
        table = np.zeros((3, n))
        if newest is not None:
            table[0], table[1] = newest.position, self._velocity
            if newest.current is not None:
                table[2] = newest.current * self._sheet.column("torque_per_ampere")
        low, high = self.spec.command.bounds()
        applied = self._sent if self._sent is not None else np.clip(table[0], low, high)
        return EffectorState(self.spec, max(self._received_at, 0.0), table, applied.copy())

    def _forget(self) -> None:
        """Start from where the hand is."""
        n = len(self.spec.joints)
        self._sent = None
        self._slow = np.ones(n, bool)
        self._asleep = True
        self._quiet_since = self._asking_since = None
        self._received_at = self._sound_at = -np.inf
        self._well, self._bad_before = 0, self._bad()

    # -- opening ------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        connection.connect(self._port, self.protocol, self._wait_s, self._clock)
        self._open, self.fault = True, ""

    # -- faults that stay -----------------------------------------------------------------------------------------

    def reboot(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Clear the faults that the hand keeps to: what it says is wrong with it, before and after.

        The hand is limp meanwhile (one that cannot go limp is commanded to be where it is), and is left so. Raises
        `EffectorError` when it has no such command, or does not answer."""
        if not (self._sheet.reboots and isinstance(self.protocol, Rebootable)):
            raise EffectorError(f"the {self._sheet.title} has no command that clears a fault: switch it off and on")
        if self._open:
            raise EffectorError(f"the {self._sheet.title} is in use: close it first")
        self._connect()
        try:
            return reboot.reboot(self._port, self.protocol, self.protocol.reboot, self.spec.dt, self._clock)
        finally:
            self._open = False
            self._port.close(self.protocol.release())

    def _longest_way(self) -> float:
        return float((self._sheet.column("high") - self._sheet.column("low")).max())
