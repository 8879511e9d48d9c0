"""Controller that runs a policy: builds its observation, perturbs what it sees and remembers, bounds its action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.bounded import bounded
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, MyoError, Refused
from myoprosthesis.core.message import reading
from myoprosthesis.core.moment import Moment
from myoprosthesis.core.observation import ObservationBuilder
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.text import brief
from myoprosthesis.core.trial_plan import TASK_UNITS
from myoprosthesis.policies.hidden_perturbation import SITE, HiddenPerturbation
from myoprosthesis.policies.policy import Policy, StatefulPolicy

Array = NDArray[np.float64]


SPARE_S = 0.5
"""The longest delay that a perturbation can add."""


class PolicyController:
    """Controller of a policy that observes an effector and a task: tables (3, n) of their channels."""

    def __init__(
        self, name: str, policy: Policy, spec: EffectorSpec, task_units: Mapping[str, str] = TASK_UNITS
    ) -> None:
        """Controller of `policy` for an effector; refuses a policy whose contract does not fit.

        `task_units`: units of the task's channels, which follow the effector's in a table.
        """
        self.name, self.policy, self.contract = name, policy, policy.contract
        self._order = self.contract.match(spec, task_units)
        names = (*spec.channels, *task_units)
        self.period = round(self.contract.dt / spec.dt)
        c = self.contract
        self._builder = ObservationBuilder(c.observation, names, c.dt, SPARE_S, c.action)
        self._columns = {n: i for i, n in enumerate(names)}
        self._turns: list[tuple[Array, Array]] = []
        units = sum(int(np.prod(shape)) for _, shape in self.contract.hidden)
        self._hidden = HiddenPerturbation(self.contract.name, units, self.contract.dt)
        self._stateful = policy if isinstance(policy, StatefulPolicy) else None
        self._low, self._high = self.contract.action.bounds()
        self.events: Counter[str] = Counter()
        """Actions that were `clipped` to the bounds of the contract, or `non_finite`."""
        self._count = 0
        self.command: Array | None = None
        self.fresh = False

    def reset(self) -> None:
        """As at the start of a trial."""
        self.policy.reset()
        self._builder.reset()
        self._hidden.reset()
        self._count = 0

    def on_activate(self, last_command: Array) -> None:
        """See `Controller.on_activate`: where the effector is, the next state says."""

    def perturb(self, entries: Sequence[PerturbationEntry]) -> None:
        """See `Controller.perturb`.

        Entries of site `observation` act on what the policy observes, those of site `hidden`, in their windows, on its
        recurrent state.
        """
        delays: dict[str, float] = {}
        noise: dict[str, float] = {}
        withheld: list[str] = []
        refusals: list[str] = []
        self._turns = []
        try:
            self._disturb([e for e in entries if e.site == SITE])
        except MyoError as error:
            refusals.append(str(error))
        for entry in entries:
            if entry.site == SITE:
                continue
            try:
                with reading(f"a perturbation of kind {brief(entry.kind)!r}"):
                    self._alter(entry, delays, noise, withheld)
            except MyoError as error:
                refusals.append(str(error))
        self._builder.perturb(delays, noise, withheld)
        if refusals:
            raise Refused(refusals[0])

    def _alter(
        self, entry: PerturbationEntry, delays: dict[str, float], noise: dict[str, float], withheld: list[str]
    ) -> None:
        """Add one entry of site `observation`; refuses what the observation does not have."""
        if entry.kind == "rotation":
            self._turns.append(self._turn(entry))
            return
        if entry.kind == "withhold":
            names = [str(name) for name in entry.values.get("terms", ())]
            self._builder.perturb({}, {}, names)
            withheld += names
            return
        values = self._terms(entry)
        if entry.kind == "delay":
            more = {k: delays.get(k, 0.0) + v for k, v in values.items()}
            self._builder.perturb({**delays, **more})
            delays.update(more)
        else:
            more = {k: float(np.hypot(noise.get(k, 0.0), v)) for k, v in values.items()}
            self._builder.perturb({}, {**noise, **more})
            noise.update(more)

    def _disturb(self, entries: Sequence[PerturbationEntry]) -> None:
        """Let these entries act on the recurrent state; raises `MyoError` for the first that cannot."""
        try:
            self._hidden.set_entries(entries)
        finally:
            if not self._hidden.idle:
                self._prepare_readout()

    def _prepare_readout(self) -> None:
        """Make ready to set the recurrent state; where that is impossible, nothing acts on it."""
        try:
            if self._stateful is None:
                raise ConfigError(f"policy {self.contract.name!r} cannot be given a hidden state")
            self._stateful.prepare_readout()
        except MyoError:
            self._hidden.set_entries(())
            raise

    def _turn(self, entry: PerturbationEntry) -> tuple[Array, Array]:
        """A rotation's matrix and centre."""
        try:
            angle, centre = float(entry.values["angle_rad"]), np.array(entry.values["centre"], float)[:2]
            if not (np.isfinite(angle) and centre.shape == (2,) and np.isfinite(centre).all()):
                raise ValueError("neither may be missing or not finite")
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ConfigError(f"a rotation needs an angle_rad and a centre with x and y: {error!r}") from error
        if not any(c.startswith("endpoint/") for t in self.contract.observation for c in t.channels):
            raise ConfigError(f"policy {self.contract.name!r} does not see the endpoint, so that nothing can be turned")
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]), centre

    def _terms(self, entry: PerturbationEntry) -> dict[str, float]:
        """The delay or noise of each term."""
        if entry.kind not in ("delay", "noise"):
            raise ConfigError(f"a perturbation of kind {entry.kind!r} cannot act at the observation")
        try:
            return {k: float(v) for k, v in entry.values.items()}
        except (TypeError, ValueError) as error:
            raise ConfigError(f"a {entry.kind} needs a number for each term, got {entry.values!r}") from error

    def update(self, table: Array, moment: Moment) -> Array:
        """See `Controller.update`; a new command is computed every `period` ticks."""
        command = self.command
        self.fresh = self._count % self.period == 0
        self._count += 1
        if self.fresh or command is None:
            goal = moment.goal if moment.trial is not None else None
            action = self.policy.step(self._builder.observe(self._seen(table), moment.rng, goal))
            if not self._hidden.idle:
                action = self._disturbed(action, moment.now_ns)
            action = self._within(action)
            self._builder.act(action)
            self.command = command = action[self._order]
        return command

    def _within(self, action: Array) -> Array:
        """The action within the bounds of the contract, and NaN where it is not finite.

        The effector's guard has to see that NaN. The guard clips too, with authority; this first clip keeps the bound
        of a switch's step.
        """
        command = bounded(action, self._low, self._high)
        if not np.isfinite(command).all():
            self.events["non_finite"] += 1
        elif not np.array_equal(command, action):
            self.events["clipped"] += 1
        return command

    def _disturbed(self, action: Array, now_ns: int) -> Array:
        """The action read from the perturbed recurrent state; the same one where that changes nothing."""
        before = self.policy.hidden
        after = self._hidden.apply(before, now_ns)
        if np.array_equal(before, after) or self._stateful is None:
            return action
        return self._stateful.set_hidden(after)

    def _seen(self, table: Array) -> Array:
        """The table with the endpoint rotated about a centre (visuomotor rotation)."""
        if not self._turns:
            return table
        where = [self._columns["endpoint/x"], self._columns["endpoint/y"]]
        out: Array = table.copy()
        for turn, centre in self._turns:
            out[0, where] = centre + turn @ (out[0, where] - centre)
            out[1, where] = turn @ out[1, where]
        return out
