"""The contract a policy file carries: what it sees, what it returns, where it was trained and how well it does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core import json_value
from myoprosthesis.core.channels import FIELDS, Channels, permutation, same_unit
from myoprosthesis.core.effector_spec import LONGEST_PERIOD_S, SHORTEST_PERIOD_S, EffectorSpec
from myoprosthesis.core.errors import ConfigError, ContractError, PhysicsChanged, unknown
from myoprosthesis.core.observation_term import AnyTerm, RegisteredTerm, Term, from_dict, ticks, to_dict
from myoprosthesis.core.sampling_rate import same_rate
from myoprosthesis.core.text import is_plain, printable

METADATA_KEY = "myoprosthesis.contract"
LONGEST = 1 << 24
"""Characters of a contract."""
FORMATS = (1, 2)
"""That are read. Format 1 has terms of kind `channels` only; format 2 has name, kind and options of each term."""
LONGEST_LOOKBACK_S = 10.0
"""Of an observation: a longer delay is meant in another unit."""
LONGEST_DEADLINE_S = 10.0
"""Of the data behind a command: a longer one is meant in another unit."""
DEADLINE = 2.5
"""Default deadline in periods of the policy: in one it answers, and a tick may begin up to one late."""

SHAPES = {
    "action": (dict, "an object with quantity, names, unit, low and high"),
    "observation": (list, "a list of terms"),
    "hidden": (list, 'a list such as [["h", [1, 64]]]'),
}
"""Fields of a contract that are no single values."""


@dataclass(frozen=True)
class Contract:
    """One JSON string in the metadata of a `policy.onnx`.

    The graph takes `observation` (1, n) and each recurrent state of `hidden` by name, float32, and returns
    `action` (1, m) and `<name>_out` for each state. `dt` (s) is the policy's period, `deadline_s` the oldest
    (s) that the data behind a command may be when the effector uses it. Of a decoder, `conditioning` says what
    was done to the EMG that it sees (with its rate and unit), `decoding` how its features are cut from that and
    what is made of its scores; both are plain data, and empty for a policy that sees an effector.
    `task_options` are options of its task that say which skill it has, such as `{"direction": "cw"}`.
    """

    name: str
    effector: str
    observation: tuple[AnyTerm, ...]
    action: Channels
    dt: float
    hidden: tuple[tuple[str, tuple[int, ...]], ...] = ()
    deadline_s: float = 0.0
    stages: tuple[str, ...] = ()
    seed: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    config_sha256: str = ""
    simulator: str = ""
    fingerprint: tuple[float, ...] = ()
    conditioning: dict[str, Any] = field(default_factory=dict)
    decoding: dict[str, Any] = field(default_factory=dict)
    task_options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.dt) and self.dt > 0):
            raise ContractError(f"policy {self.name!r} has a period of {self.dt} s; it must be above 0")
        if self.dt > LONGEST_PERIOD_S:
            raise ContractError(
                f"policy {self.name!r} has a period of {self.dt:g} s; at most {LONGEST_PERIOD_S:g} s can be followed "
                f"(dt is in seconds: 10 ms is 0.01)"
            )
        if self.dt < SHORTEST_PERIOD_S:
            raise ContractError(
                f"policy {self.name!r} has a period of {self.dt:g} s; at least {SHORTEST_PERIOD_S:g} s are needed "
                f"(dt is in seconds: 10 ms is 0.01)"
            )
        if not np.isfinite(self.deadline_s):
            raise ContractError(f"policy {self.name!r} has a deadline of {self.deadline_s} s; it must be finite")
        if self.deadline_s < 0:
            raise ContractError(f"policy {self.name!r} has a deadline of {self.deadline_s:g} s; it must be 0 or more")
        if not self.deadline_s == 0 and not SHORTEST_PERIOD_S <= self.deadline_s <= LONGEST_DEADLINE_S:
            raise ContractError(
                f"policy {self.name!r} has a deadline of {self.deadline_s:g} s; {SHORTEST_PERIOD_S:g} to "
                f"{LONGEST_DEADLINE_S:g} s are needed, or 0 for {DEADLINE:g} periods (it is in seconds: 80 ms is 0.08)"
            )
        if self.deadline_s == 0:
            object.__setattr__(self, "deadline_s", DEADLINE * self.dt)
        if not self.observation:
            raise ContractError(f"policy {self.name!r} observes nothing")
        for kind, names in (("observation term", self.term_names), ("hidden state", tuple(n for n, _ in self.hidden))):
            if len(set(names)) != len(names):
                raise ContractError(f"policy {self.name!r} has one {kind} twice: {', '.join(names)}")
        for term in self.observation:
            try:
                ticks(term.lookback_s, self.dt)
            except ConfigError as error:
                raise ContractError(f"observation term {term.name!r}: {error}") from error
            if term.lookback_s > LONGEST_LOOKBACK_S:
                raise ContractError(
                    f"observation term {term.name!r} looks back {term.lookback_s:g} s; at most {LONGEST_LOOKBACK_S:g} "
                    f"s are kept (delays are in seconds: 50 ms is 0.05)"
                )
            for i in term.inputs:
                if i.source == "action" and i.channel not in self.action.names:
                    raise ContractError(f"observation term {term.name!r} reads {i.channel!r}, which is no action")

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of the observation's terms, in order."""
        return tuple(t.name for t in self.observation)

    @property
    def observation_size(self) -> int:
        """Length of the observation vector."""
        return sum(t.size for t in self.observation)

    def state_channels(self) -> tuple[str, ...]:
        """All channels that the observation reads, in order, once each."""
        return tuple(dict.fromkeys(c for t in self.observation for c in t.channels))

    def match(self, spec: EffectorSpec, extra: Mapping[str, str] = MappingProxyType({})) -> NDArray[np.intp]:
        """Indices that bring the action into the order of `spec.command`; refuses with the first difference.

        `extra` has the units of channels that come from elsewhere than the effector: the task's (empty: not known).
        A term whose contract gives no unit is taken to be in the effector's.
        """
        if self.action.quantity != spec.command.quantity:
            raise ContractError(
                f"policy {self.name!r} commands {self.action.quantity}, "
                f"effector {spec.name!r} takes {spec.command.quantity}"
            )
        own, units = self.action.unit, spec.command.unit
        if isinstance(own, str) and isinstance(units, str) and not same_unit(own, units):
            raise ContractError(f"policy {self.name!r} commands in {own!r}, effector {spec.name!r} takes {units!r}")
        if self.action.size != spec.command.size:
            raise ContractError(
                f"policy {self.name!r} commands {self.action.size} channels, "
                f"effector {spec.name!r} takes {spec.command.size}"
            )
        try:
            order = permutation(spec.command.names, self.action.names)
        except ContractError as error:
            lacking = [name for name in spec.command.names if name not in self.action.names]
            why = f"its action has no {lacking[0]!r}; it has {', '.join(self.action.names)}" if lacking else str(error)
            raise ContractError(f"policy {self.name!r} does not fit effector {spec.name!r}: {why}") from error
        for k, name, unit in zip(order, spec.command.names, spec.command.units, strict=True):
            if not same_unit(self.action.units[k], unit):
                raise ContractError(
                    f"policy {self.name!r} commands {name!r} in {self.action.units[k]!r}, "
                    f"effector {spec.name!r} takes it in {unit!r}"
                )
        state_units = spec.units
        for term in self.observation:
            for i in term.inputs:
                if i.source == "action":
                    continue
                known = i.channel in extra or (i.channel in state_units and i.source == "state")
                if not known:
                    where = "the task here" if i.source == "goal" else f"effector {spec.name!r}"
                    raise ContractError(
                        f"policy {self.name!r} observes {i.channel!r} ({term.name}), which {where} does not have"
                    )
                unit = extra.get(i.channel, "1")
                if i.channel in state_units:
                    unit = state_units[i.channel][FIELDS.index(i.field)]
                elif unit and i.field == "velocity":
                    unit = f"{unit}/s"
                if i.unit and unit and not same_unit(i.unit, unit):
                    raise ContractError(
                        f"policy {self.name!r} observes the {i.field} of {i.channel!r} ({term.name}) in {i.unit!r}, "
                        f"here it is in {unit!r}: convert it in the graph, and write {unit!r} into the contract"
                    )
        ratio = self.dt / spec.dt
        if abs(ratio - round(ratio)) > 1e-6 or round(ratio) < 1:
            raise ContractError(
                f"policy {self.name!r} runs every {self.dt * 1e3:g} ms, which is no whole multiple of the "
                f"{spec.dt * 1e3:g} ms of effector {spec.name!r}"
            )
        return order

    @property
    def emg_channels(self) -> tuple[str, ...]:
        """The EMG channels behind a decoder's features, which are called `<channel>/<feature>`; in order, once each."""
        return tuple(dict.fromkeys(c.rpartition("/")[0] for c in self.state_channels()))

    def match_emg(self, channels: tuple[str, ...], conditioning: dict[str, Any]) -> NDArray[np.intp]:
        """Indices of the decoder's EMG channels among live `channels`, by name; others may be there too.

        Refuses, with the first difference, a decoder that was fitted on EMG that was conditioned otherwise.
        """
        if not self.conditioning:
            raise ContractError(f"policy {self.name!r} is no decoder: its contract tells of no conditioning of EMG")
        for name in self.emg_channels:
            if name not in channels:
                raise ContractError(
                    f"decoder {self.name!r} knows EMG channel {name!r}, which is not there; "
                    f"there are: {', '.join(channels)}"
                )
        for key in dict.fromkeys([*self.conditioning, *conditioning]):
            known, live = self.conditioning.get(key), conditioning.get(key)
            if known != live and not (key == "rate" and known and live and same_rate(float(known), float(live))):
                raise ContractError(
                    f"decoder {self.name!r} was fitted on EMG with {key} = {known!r}, here it is {live!r}"
                )
        return np.array([channels.index(name) for name in self.emg_channels], np.intp)

    def check_physics(self, spec: EffectorSpec, rtol: float = 1e-5) -> None:
        """Raise `PhysicsChanged` where the effector no longer moves as when the policy was trained."""
        if not self.fingerprint or not spec.fingerprint or self.effector != spec.name:
            return
        a, b = np.array(self.fingerprint), np.array(spec.fingerprint)
        if a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=rtol * max(1e-12, float(np.abs(a).max()))):
            return
        gap = f"by up to {np.abs(a - b).max():.3g}" if a.shape == b.shape else "in its size"
        raise PhysicsChanged(
            f"the physics of {spec.name!r} differ {gap} from those policy {self.name!r} was trained on "
            f"({self.change_of_simulator(spec)}): its score of record may not hold; `myoprosthesis policy verify "
            f"{self.name}` measures it again"
        )

    def change_of_simulator(self, spec: EffectorSpec) -> str:
        """By what simulator the policy was trained, and by what other one, or with what other options, it is now."""
        before, now = self.simulator or "simulator not recorded", spec.simulator or "unknown"
        return f"{before}, now {now}" if before != now else f"by {now} as now, with other options, such as dt"

    def to_json(self) -> str:
        """The metadata string, in the oldest format that can hold it."""
        registered = any(isinstance(t, RegisteredTerm) for t in self.observation)
        return json.dumps(
            {
                "format": 2 if registered else 1,
                "name": self.name,
                "effector": self.effector,
                "observation": [
                    t.to_dict() if isinstance(t, Term) and not registered else to_dict(t) for t in self.observation
                ],
                "action": self.action.to_dict(),
                "dt": self.dt,
                "deadline_s": self.deadline_s,
                "hidden": [[n, list(s)] for n, s in self.hidden],
                "stages": list(self.stages),
                "seed": self.seed,
                "result": self.result,
                "config_sha256": self.config_sha256,
                "simulator": self.simulator,
                "fingerprint": list(self.fingerprint),
                **({"conditioning": self.conditioning} if self.conditioning else {}),
                **({"decoding": self.decoding} if self.decoding else {}),
                **({"task_options": self.task_options} if self.task_options else {}),
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> Contract:
        """Inverse of `to_json`; every fault is a `ContractError`."""
        try:
            if len(text) > LONGEST:
                raise ContractError(f"the contract has {len(text)} characters; the limit is {LONGEST}")
            data = json.loads(text, object_pairs_hook=_once)
            if not isinstance(data, dict):
                raise ContractError(f"the contract is {text[:60]!r}; a JSON object with the key 'format' is needed")
            for part in _texts(data):
                if not is_plain(part):
                    raise ContractError(f"the contract has control characters: '{printable(part, 80)}'")
            if data["format"] not in FORMATS:
                known = " and ".join(map(str, FORMATS))
                raise ContractError(f"the contract has format {data['format']!r}; this version reads {known}")
            _refuse_unknown("the contract", data, ("format", *(f.name for f in fields(cls))))
            for key, (kind, what) in SHAPES.items():
                if not isinstance(data[key], kind):
                    raise ContractError(f"the contract's {key} is {str(data[key])[:60]!r}; {what} is needed")
            for key in ("names", "low", "high"):
                if not isinstance(data["action"].get(key, []), list):
                    raise ContractError(
                        f"{key!r} of the contract's action is {data['action'][key]!r}; a list with one per channel is "
                        "needed"
                    )
            _refuse_unknown("its action", data["action"], [f.name for f in fields(Channels)])
            first = data["format"] == 1
            for term in data["observation"]:
                keys = [f.name for f in fields(Term if first else RegisteredTerm)]
                _refuse_unknown("its observation", term, keys)
            for key in ("name", "effector"):
                if not isinstance(data[key], str):
                    raise ContractError(f"the contract's {key} is {data[key]!r}; a text is needed")
            return cls(
                name=data["name"],
                effector=data["effector"],
                observation=tuple((Term.from_dict if first else from_dict)(t) for t in data["observation"]),
                action=Channels.from_dict(data["action"]),
                dt=json_value.number(data["dt"], "dt"),
                hidden=tuple(_hidden(h) for h in data["hidden"]),
                deadline_s=json_value.number(data.get("deadline_s", 0.0), "deadline_s"),
                stages=tuple(data.get("stages", ())),
                seed=json_value.whole(data.get("seed", 0), "seed"),
                result=dict(data.get("result", {})),
                config_sha256=json_value.text(data.get("config_sha256", ""), "config_sha256"),
                simulator=json_value.text(data.get("simulator", ""), "simulator"),
                fingerprint=tuple(
                    json_value.number(x, "a value of its fingerprint") for x in data.get("fingerprint", ())
                ),
                conditioning=dict(data.get("conditioning", {})),
                decoding=dict(data.get("decoding", {})),
                task_options=dict(data.get("task_options", {})),
            )
        except ContractError:
            raise
        except KeyError as error:
            raise ContractError(f"the contract has no {error}") from error
        except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise ContractError(f"the contract cannot be read: {error}") from error


def _hidden(entry: Any) -> tuple[str, tuple[int, ...]]:
    name, shape = entry
    return json_value.text(name, "the name of a hidden state"), tuple(json_value.whole(n, "its shape") for n in shape)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON whose keys are there once each."""
    out = dict(pairs)
    if len(out) < len(pairs):
        keys = [k for k, _ in pairs]
        twice = next(k for k in keys if keys.count(k) > 1)
        raise ContractError(f"the contract has the key {twice!r} twice: leave one out")
    return out


def _refuse_unknown(where: str, data: dict[str, Any], known: Iterable[str]) -> None:
    """A key that nobody reads is one that was meant otherwise."""
    names = tuple(known)
    for key in data:
        if key not in names:
            raise ContractError(f"{where} has an {unknown('key', key, names)}")


def _texts(data: Any) -> Iterator[str]:
    """Every text in plain data, keys too."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from (key, *_texts(value))
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)
