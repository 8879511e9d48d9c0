"""The card beside a policy: what it is, how it was made and how well it does."""

from __future__ import annotations

from typing import Any

from myoprosthesis.core.contract import Contract
from myoprosthesis.core.observation_term import Term

FIELDS = {"null": "no field", "cw": "clockwise, b = +{b:g}", "ccw": "counter-clockwise, b = −{b:g}"}


def card(contract: Contract, settings: dict[str, Any], command: str, gap: float, batches: int, minutes: float) -> str:
    """Markdown for `card.md`; `contract.result` holds the scores by field."""
    gain = float(settings["curriculum"]["field"])
    b = abs(gain) or 10.0
    kind = (
        "without a field"
        if gain == 0
        else (f"in a {'clockwise' if gain > 0 else 'counter-clockwise'} curl field of {b:g} N·s/m")
    )
    meaning = (
        "The other two rows are a first exposure to a field."
        if gain == 0
        else "The row without a field is the after-effect."
    )
    origin = f" It started from the weights of {settings['from']}." if settings["from"] else ""
    terms = "\n".join(
        f"| {t.name} | {', '.join(t.channels)} | {t.field} | {t.unit} | {1e3 * t.delay_s:g} |"
        for t in contract.observation
        if isinstance(t, Term)
    )
    scores = "\n".join(
        f"| {FIELDS[name].format(b=b)} | {s['endpoint_error_mm']:.1f} | {s['endpoint_error_worst_mm']:.1f} | "
        f"{s['lateral_deviation_mm']:+.1f} | {s['lateral_deviation_largest_mm']:+.1f} | {s['peak_speed']:.2f} |"
        for name, s in contract.result.items()
    )
    stages = "\n".join(
        f"| {s['name']} | {s['batches']} | {_range(s['distance'], 1e3)} | {_range(s['field'], gain)} | "
        f"{100 * s['catch_rate']:g} % | {_range(s['learning_rate'])} |"
        for s in settings["curriculum"]["stages"]
    )
    hidden = ", ".join(f"{name} {shape}" for name, shape in contract.hidden)
    return f"""# {contract.name}

Moves `{contract.effector}` from where it is to a target when the go signal comes, trained {kind}.
A gated recurrent unit of {contract.hidden[0][1][-1]} units between a fixed normaliser and a sigmoid read-out, trained
by back-propagation through the body's differentiable twin.{origin}

## Score

Eight targets at 10 cm from the start, go signal at 0.2 s, trials of 1 s, on the MuJoCo body ({contract.simulator}),
no noise. Endpoint error: mean distance over the last 100 ms, median and worst of the eight. Lateral deviation: signed
largest distance from the straight line, right of the motion positive, mean and largest.
{meaning} `myoprosthesis policy verify {contract.name}` measures this table again.

| field | endpoint error, mm | worst, mm | lateral deviation, mm | largest, mm | peak speed, m/s |
|---|---|---|---|---|---|
{scores}

## Contract

Period {1e3 * contract.dt:g} ms. Recurrent state: {hidden}, zero at the start of each trial.
Observation, {contract.observation_size} numbers in this order:

| term | channels | field | unit | delay, ms |
|---|---|---|---|---|
{terms}

Action, {contract.action.size} excitations (`{contract.action.quantity}`, 0 … 1):
{", ".join(contract.action.names)}.

torch and onnxruntime agree to {gap:.1e} over 1000 steps, recurrent state included.

## How it was made

    {command}

{batches} batches of {settings["curriculum"]["batch"]} trials in {minutes:.1f} minutes on one core.
The complete configuration is in `training.yaml`, the loss in `loss.png`. A trial is drawn by
`myoprosthesis policy film {contract.name} --out strip.png`.

| stage | batches, at most | distance, mm | field, N·s/m | catch trials | learning rate |
|---|---|---|---|---|---|
{stages}
"""


def _range(values: list[float], factor: float = 1.0) -> str:
    low, high = (f"{v * factor:g}" for v in values)
    return low if low == high else f"{low} … {high}"
