"""`myoprosthesis hand`: what hands there are, and a slow exercise of one."""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from myoprosthesis.cli.arguments import JsonArgument, argument
from myoprosthesis.cli.commands import Commands
from myoprosthesis.cli.figures import check_writable, write_json
from myoprosthesis.core.errors import ConfigError, EffectorError

ARRIVED = 0.1
"""rad: a joint this far from its target did not get there."""
SETTLE_S = 0.5
LONGEST_FAULT_S = 10.0
BAR = "{l_bar}{bar}| {elapsed}{postfix}"


@dataclass(frozen=True, kw_only=True)
class PortOptions:
    """Which hand is where."""

    hand: str = argument(help="the hand (see `hand list`)")
    port: str = argument(help="serial port, host:port, or what `emulate` prints")
    baud: int = argument(0, "speed of the port; 0: the hand's usual one", "Bd", 0)


@dataclass(frozen=True, kw_only=True)
class ExerciseOptions(JsonArgument, PortOptions):
    """Options of `hand exercise`."""

    grips: str = argument("open,power,open", "grips in order")
    speed: float = argument(0.5, "fastest motion", "rad/s")


@dataclass(frozen=True, kw_only=True)
class HandCheckOptions(JsonArgument):
    """Options of `hand check`."""

    hand: str = argument(help="the hand (see `hand list`)", positional=True)
    bytes: int = argument(1_000_000, "random bytes to feed", low=0)


def add(commands: Commands) -> None:
    """Add the commands."""
    own = commands.group("hand", "list hands; exercise one on a port", __doc__ or "")
    own.add("list", list_hands, help="hands, their joints and grips")
    own.add(
        "exercise", exercise, ExerciseOptions, help="slow open and close within limits, read back",
        description="Move a hand through grips, slowly, within its limits, and report its state.",
    )  # fmt: skip
    own.add(
        "reboot", reboot, PortOptions, help="clear the faults that a hand keeps to, with the hand limp",
        description="Let the hand go limp and clear the faults that it keeps to, such as the overload of a motor.",
    )  # fmt: skip
    own.add(
        "check", check, HandCheckOptions, help="check a hand's codec, limits and fail states against its emulator",
        description="Check a hand against its emulator: codec, limits, every fault, and the death of its owner.",
    )  # fmt: skip


def list_hands() -> int:
    """Print what there is."""
    from rich.console import Console

    from myoprosthesis.hands import data_sheets, grips

    console = Console(highlight=False)
    for name in data_sheets.names():
        data = data_sheets.load(name)
        speed = f"{data.baud} Bd" + (" or on a network (host:port)" if data.tcp else "")
        console.print(f"[bold]{name}[/bold]  {data.title}, {speed}")
        console.print(f"    fail state: {data.fail}; without commands it: {data.when_silent}")
        console.print(f"    a fault that it keeps to: {'`hand reboot`' if data.reboots else 'switch it off and on'}")
        for j in data.joints:
            console.print(f"    {j.name}: {j.low:g} to {j.high:g} rad, open {j.open:g}, closed {j.closed:g}")
    console.print(f"[bold]grips[/bold]  {', '.join(grips.library())}")
    return 0


def exercise(options: ExerciseOptions) -> int:
    """Open the hand, go through the grips, give it back; status 1 when a joint did not arrive."""
    from myoprosthesis.core.command_guard import GuardedEffector
    from myoprosthesis.hands import data_sheets, grips

    check_writable(options.json)
    data = data_sheets.load(options.hand)
    names = [g.strip() for g in options.grips.split(",") if g.strip()]
    goals = {g: grips.pose(data, g) for g in names}
    if not 0 < options.speed <= data.rate_limit:
        raise ConfigError(f"--speed {options.speed}: above 0, at most {data.rate_limit} rad/s for this hand")
    hand = _hand(options, "hand exercise", rate_limit=options.speed)
    guard = GuardedEffector(hand)
    rows = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            guard.reset(0)
        for warning in caught:
            print(f"warning: {warning.message}", file=sys.stderr)
        for grip in names:
            with tqdm(total=100.0, desc=grip, bar_format=BAR, leave=True) as bar:

                def tell(share: float, trouble: str, bar: Any = bar) -> None:
                    bar.update(100.0 * max(0.0, share) - bar.n)
                    bar.set_postfix_str(trouble)

                rows.append({"grip": grip, **_go(guard, hand, goals[grip], options.speed, tell)})
    finally:
        guard.close()
    figures = {
        "hand": options.hand,
        "joints": list(data.names),
        "grips": rows,
        **{k: hand.events[k] for k in ("frames_sent", "faults", "recoveries")},
        "frames_received": hand.protocol.counts["frames"],
        "checksum_errors": hand.protocol.counts["damaged"],
        "foreign_frames": hand.protocol.counts["foreign"],
        "guard_events": dict(guard.events),
    }
    _print(figures)
    write_json(options.json, figures)
    return 0 if all(row["arrived"] for row in rows) else 1


def _hand(options: PortOptions, where: str, **more: Any) -> Any:
    """The hand that is asked for, on its port."""
    from myoprosthesis.core import registry
    from myoprosthesis.core.options import build
    from myoprosthesis.effectors.serial_hand.prosthetic_hand import ProstheticHand
    from myoprosthesis.hands import data_sheets

    data_sheets.load(options.hand)  # refuses what is no hand
    values = {"port": options.port, "baud": options.baud, **more}
    hand = registry.factory("effectors", options.hand)(
        build(registry.options("effectors", options.hand), values, where)
    )
    if not isinstance(hand, ProstheticHand):
        raise ConfigError(f"{options.hand!r} is not a hand on a port")
    return hand


def reboot(options: PortOptions) -> int:
    """Clear what can be cleared and say what it was; an error when a fault stays."""
    before, after = _hand(options, "hand reboot").reboot()
    if not before:
        print(
            f"{options.hand} on {options.port} has no fault: nothing was cleared; the hand is limp, as far as it can be"
        )
        return 0
    if after:
        raise EffectorError(f"after the reboot of {options.hand}, still: {'; '.join(after)}")
    print(f"cleared: {'; '.join(before)}; the hand is limp, as far as it can be")
    return 0


def check(options: HandCheckOptions) -> int:
    """Run the checks of a hand and print what they measured; status 1, with a sentence, when one is not passed."""
    from rich.console import Console

    from myoprosthesis.cli.table import FigureTable
    from myoprosthesis.core import registry
    from myoprosthesis.emulators.fault import KINDS
    from myoprosthesis.hands import data_sheets
    from myoprosthesis.testing import check_hand_owner, check_hand_protocol

    check_writable(options.json)
    data = data_sheets.load(options.hand)
    protocol, emulator = (registry.factory(kind, options.hand) for kind in ("hand_protocols", "emulators"))
    try:
        results = check_hand_protocol(data, protocol, emulator, options.bytes) | check_hand_owner(options.hand)
    except AssertionError as error:
        raise EffectorError(f"{options.hand} does not pass: {error}") from error
    table = FigureTable(title=f"{data.title}, against its emulator")
    for title in ("fault", "fail state after", "follows again after", "largest step then"):
        table.add_column(title)
    for kind in KINDS:
        if f"{kind}_found" in results:
            again = f"{results[f'{kind}_recovered'] * 1e3:.0f} ms"
            table.add_row(kind, f"{results[f'{kind}_found'] * 1e3:.0f} ms", again, f"{results[f'{kind}_step']:.3f} rad")
    for event, about in (("killed", "owner killed"), ("stopped", "owner held up")):
        reaction_s, step = results[f"owner_{event}_found"], results[f"owner_{event}_step"]
        table.add_row(about, f"{reaction_s * 1e3:.0f} ms", "", f"{step:.3f} rad")
    console = Console()
    console.print(table)
    limit = max(data.joints, key=lambda j: j.part == "index")
    pressed = f"{results['stuck_current']:.2f} A ({_limit(limit.current_limit, 'A')})"
    pressed += f" and {results['stuck_force']:.1f} N ({_limit(limit.force_limit, 'N')})"
    console.print(f"a finger that meets something presses on with {pressed}", highlight=False)
    if data.undetectable_faults:
        console.print(f"it cannot tell of: {', '.join(data.undetectable_faults)}", highlight=False)
    silent = "when nobody speaks to it any more, the process that has its port dead too, the hand"
    console.print(f"{silent}: {data.when_silent}", highlight=False)
    write_json(options.json, {"hand": options.hand, "watchdog_s": data.watchdog_s, **results})
    return 0


def _limit(value: float, unit: str) -> str:
    return f"limit {value:g} {unit}" if value else "not limited here"


def _go(guard: Any, hand: Any, goal: Any, speed: float, tell: Any) -> dict[str, Any]:
    """Move to `goal` (rad) and wait there, and `tell` the share of the way that is done; what the hand said."""
    dt = guard.spec.dt
    way = float(np.abs(goal - guard.step(goal).joint_position).max())
    next_ = begin = time.monotonic()
    current, touch, temperature = 0.0, 0.0, float("nan")
    steps = 0
    while steps * dt < way / speed + SETTLE_S:
        state = guard.step(goal)
        steps += 1
        left = float(np.abs(goal - state.joint_position).max())
        tell(1.0 - min(1.0, left / way) if way > ARRIVED else 1.0, guard.reason)
        if guard.reason:  # a fault: wait for its end, not for ever; the hand goes on slowly
            steps, speed = 0, min(speed, hand.protocol.spec.approach_rate)
            if time.monotonic() - begin > way / speed + LONGEST_FAULT_S:
                raise EffectorError(f"{guard.reason}; the exercise is ended")
        last = hand.newest
        current = max(current, float(np.abs(last.current).max()) if last.current is not None else 0.0)
        touch = max(touch, float(last.touch.max()) if last.touch is not None else 0.0)
        if last.temperature is not None:
            temperature = float(last.temperature.max())
        next_ = max(next_ + dt, time.monotonic() - dt)
        time.sleep(max(0.0, next_ - time.monotonic()))
    error = np.abs(state.joint_position - goal)
    return {
        "goal": goal.tolist(),
        "position": state.joint_position.tolist(),
        "error": float(error.max()),
        "arrived": bool((error < ARRIVED).all()),
        "late": [n for n, e in zip(guard.spec.joints, error, strict=True) if e >= ARRIVED],
        "largest_current": current,
        "largest_touch": touch,
        "temperature": temperature,
    }


def _many(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def _print(figures: dict[str, Any]) -> None:
    from rich.console import Console

    from myoprosthesis.cli.table import FigureTable

    table = FigureTable(title=f"{figures['hand']}: exercise")
    for title in ("grip", "largest error", "arrived", "largest current"):
        table.add_column(title)
    for row in figures["grips"]:
        arrived = "yes" if row["arrived"] else f"no: {', '.join(row['late'])}"
        table.add_row(row["grip"], f"{row['error']:.3f} rad", arrived, f"{row['largest_current']:.2f} A")
    console = Console()
    console.print(table)
    console.print(
        f"{figures['frames_sent']} frames sent, {figures['frames_received']} received, "
        f"{_many(figures['checksum_errors'], 'checksum error', 'checksum errors')}, "
        f"{_many(figures['faults'], 'fault', 'faults')}, {_many(figures['recoveries'], 'recovery', 'recoveries')}"
    )
