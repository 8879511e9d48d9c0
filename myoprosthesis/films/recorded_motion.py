"""States of a body along a recording, and what was played, imposed and asked for at each of them."""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, RecordingError
from myoprosthesis.core.nanoseconds import NS
from myoprosthesis.core.perturbation_plan import PerturbationPlan
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.core.trial_target import target_places
from myoprosthesis.recording.bag import Bag


@dataclass(frozen=True, eq=False)
class RecordedMotion:
    """What a recording tells of a body: `stamps_ns` (n,) and `positions` (n, n_channels) of its states."""

    effector: str
    """Its name, as it said it; empty where it said none."""
    channels: tuple[str, ...]
    stamps_ns: NDArray[np.int64]
    positions: NDArray[np.float64]
    plans: tuple[TrialPlan, ...] = ()
    policies: tuple[tuple[int, str], ...] = ()
    """From when on which policy was active, ns and name."""
    perturbations: tuple[tuple[int, str], ...] = ()
    loads: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    """What acted on the endpoint, (n, 3) N; (n, 0) where the body has none."""

    @property
    def load_columns(self) -> list[int]:
        """The columns of the endpoint among the channels."""
        return [k for k, name in enumerate(self.channels) if name.startswith("endpoint/")]

    @property
    def seconds(self) -> float:
        """From the first to the last state."""
        return float(self.stamps_ns[-1] - self.stamps_ns[0]) / NS

    def row(self, now_ns: int) -> int:
        """The newest state at `now_ns`; before the first one, the first."""
        return max(int(np.searchsorted(self.stamps_ns, now_ns, side="right")) - 1, 0)

    def plan(self, now_ns: int) -> TrialPlan | None:
        """The trial at `now_ns`, or None between trials."""
        k = bisect.bisect_right([p.from_ns for p in self.plans], now_ns) - 1
        return self.plans[k] if k >= 0 and now_ns <= self.plans[k].until_ns else None

    def targets(self, now_ns: int) -> dict[str, NDArray[np.float64]]:
        """Where parts of the body should be at `now_ns`, see `target_places`; none between trials."""
        plan = self.plan(now_ns)
        return target_places(plan, now_ns, self.channels, self.positions[self.row(now_ns)]) if plan is not None else {}

    def initial(self, now_ns: int) -> Mapping[str, float]:
        """What the trial at `now_ns` began with, by channel and by property of an object."""
        plan = self.plan(now_ns)
        return plan.initial if plan is not None and plan.reset else {}

    def caption(self, now_ns: int) -> str:
        """Time, trial, policy and perturbation at `now_ns`."""
        parts = [f"{(now_ns - int(self.stamps_ns[0])) / NS:6.2f} s"]
        plan = self.plan(now_ns)
        if plan is not None and plan.trial >= 0:
            parts.append(f"trial {plan.trial + 1}")
        parts += [name for series in (self.policies, self.perturbations) if (name := newest(series, now_ns))]
        return "   ".join(part for part in parts if part != "null")


def newest(series: Sequence[tuple[int, str]], now_ns: int) -> str:
    """The name that holds at `now_ns` in a series of instants and names; empty before the first."""
    k = bisect.bisect_right([since for since, _ in series], now_ns) - 1
    return series[k][1] if k >= 0 else ""


def read(bag: Bag, topic: str = "state") -> RecordedMotion:
    """The motion of the body that published `topic`; raises `RecordingError` where there are no states."""
    if not bag.has(topic):
        raise RecordingError(f"{bag.path} has no states of a body: topic {topic!r} is not in it")
    name = bag.topic(topic).name
    root = name[: -len("state")] if name.endswith("/state") else "/"
    tables = list(bag.tables(name))
    channels = tables[-1].names if tables else ()
    same = [t for t in tables if t.names == channels]
    if not same or len(same) < len(tables):
        what = "whose channels change on the way" if same else "that cannot be read"
        raise RecordingError(f"{bag.path} has states on {name} {what}: render a recording of one body")
    stamps = np.concatenate([t.stamp_ns for t in same])
    order = np.argsort(stamps, kind="stable")
    where = [k for k, name in enumerate(channels) if name.startswith("endpoint/")]
    return RecordedMotion(
        _effector(bag, root),
        channels,
        stamps[order],
        np.concatenate([t.position for t in same])[order],
        _plans(bag, root),
        _policies(bag, root),
        _perturbations(bag, root),
        np.concatenate([t.effort for t in same])[order][:, where] if where else np.zeros((order.size, 0)),
    )


def _effector(bag: Bag, root: str) -> str:
    specs = _texts(bag, f"{root}effector/spec")
    names = {EffectorSpec.from_json(text).name for _, text in specs}
    if len(names) > 1:
        raise RecordingError(f"{bag.path} is of several bodies in turn ({', '.join(sorted(names))})")
    return next(iter(names), "")


def _plans(bag: Bag, root: str) -> tuple[TrialPlan, ...]:
    last: dict[int, TrialPlan] = {}
    for _, text in _texts(bag, f"{root}target"):
        with contextlib.suppress(ConfigError):
            plan = TrialPlan.from_json(text)
            last[plan.from_ns] = plan
    return tuple(last[k] for k in sorted(last))


def _policies(bag: Bag, root: str) -> tuple[tuple[int, str], ...]:
    topic = f"{root}policy/active"
    messages = [(when, status.values) for when, status in bag.statuses(topic)] if topic in bag.topics else []
    return tuple((int(values.get("since_ns") or when), str(values.get("policy", ""))) for when, values in messages)


def _perturbations(bag: Bag, root: str) -> tuple[tuple[int, str], ...]:
    plans = []
    for _, text in _texts(bag, f"{root}perturbation"):
        with contextlib.suppress(ConfigError):
            plans.append(PerturbationPlan.from_json(text))
    newest = {plan.from_ns: plan.name for plan in plans}  # one that was planned again replaces its former plan
    return tuple(sorted(newest.items()))


def _texts(bag: Bag, topic: str) -> list[tuple[int, str]]:
    return list(bag.texts(topic)) if topic in bag.topics else []
