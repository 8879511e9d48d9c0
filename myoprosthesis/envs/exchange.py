"""What an observation becomes when things that are equal change places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.observation_term import AnyTerm, RegisteredTerm


def exchanged(
    terms: Sequence[AnyTerm],
    names: Mapping[str, str],
    turned: Sequence[str] = (),
    odd: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Order and signs, (n_obs,) both: `observation[order] * signs` is what would be seen with the names exchanged.

    `names` are pairs such as `{"ball1": "ball2"}`. `turned` are angles that are half a turn apart between the two and
    move alike: of these a term `phase` has sine and cosine. `odd` are the numbers of each term that change their sign,
    such as what is to the left where the names are those of two sides. Raises `ConfigError` for a term whose exchange
    is not in the observation."""
    both = {**names, **{b: a for a, b in names.items()}}
    labels: list[tuple[object, ...]] = []
    signs: list[float] = []
    for term in terms:
        phase = isinstance(term, RegisteredTerm) and term.kind == "phase"
        if phase and term.channels[0] in turned:
            labels += [(term.name, k) for k in range(term.size)]
            signs += [-1.0 if k % 2 else 1.0 for k in range(1, term.size // 2 + 1) for _ in range(2)]
            continue
        same = not phase and set(term.channels) <= set(turned) and getattr(term, "field", "") == "velocity"
        own: list[tuple[object, ...]] = [(k,) for k in range(term.size)]
        labels += [(term.name, *label) for label in (own if same else _labels(term))]
        signs += [-1.0 if k in odd.get(term.name, ()) else 1.0 for k in range(term.size)]
    columns = {label: k for k, label in enumerate(labels)}
    order = []
    for label in labels:
        other = tuple(_renamed(part, both) for part in label)
        if other not in columns:
            raise ConfigError(f"observation term {label[0]!r} has no counterpart with {dict(names)} exchanged")
        order.append(columns[other])
    return np.array(order, np.intp), np.array(signs, np.float32)


def exchanged_channels(channels: Sequence[str], names: Mapping[str, str]) -> NDArray[np.intp]:
    """Order (n,) by which values of these channels are those with the names exchanged."""
    both = {**names, **{b: a for a, b in names.items()}}
    return np.array([channels.index(both.get(channel, channel)) for channel in channels], np.intp)


def _labels(term: AnyTerm) -> list[tuple[object, ...]]:
    """What each number of a term is, by the names in it."""
    if isinstance(term, RegisteredTerm) and term.kind == "carried":
        places = term.options["places"]
        minus = term.options.get("minus") or [""] * len(places)
        return [(place, less, axis) for place, less in zip(places, minus, strict=True) for axis in "xyz"]
    if isinstance(term, RegisteredTerm) and term.kind == "goal_ahead":
        return [
            (ahead, *channel.split("/"))
            for ahead in range(term.size // len(term.channels))
            for channel in term.channels
        ]
    if isinstance(term, RegisteredTerm) and term.kind == "difference":
        return [tuple(channel.split("/")) for channel in term.options["a"]]
    if len(term.channels) == term.size:
        return [tuple(channel.split("/")) for channel in term.channels]
    return [(k,) for k in range(term.size)]


def _renamed(part: object, names: Mapping[str, str]) -> object:
    return names.get(part, part) if isinstance(part, str) else part
