"""What third parties implement states its arguments, results and errors in a form that a reference page lists."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

PROTOCOLS = (
    "core.effector.Effector",
    "core.effector.Simulation",
    "core.effector.Device",
    "core.goal.Goal",
    "core.observation_term.TermKind",
    "tasks.task.Task",
    "tasks.live_task.LiveTask",
    "tasks.steerable_task.SteerableTask",
    "policies.policy.Policy",
    "policies.policy.StatefulPolicy",
    "policies.controller.Controller",
    "decoders.decoder.DecoderModel",
    "decoders.models.ModelKind",
    "emg.source.EmgSource",
    "emg.formats.reader.EmgFormatReader",
    "perturbations.kind.PerturbationKind",
    "hands.protocol.HandProtocol",
    "hands.protocol.Rebootable",
    "hands.protocol.Bus",
    "emulators.emulator.Emulator",
)


def methods(protocol: type) -> list[tuple[str, object]]:
    own = [(n, f) for n, f in vars(protocol).items() if inspect.isfunction(f)]
    return [(n, f) for n, f in own if not n.startswith("_") or n == "__call__" and "Protocol" not in f.__qualname__]


def lacking(method: object) -> list[str]:
    """Sections that the docstring of a method needs and does not have, and arguments that it does not name."""
    signature, text = inspect.signature(method), inspect.getdoc(method) or ""
    arguments = [name for name in signature.parameters if name != "self"]
    out = ["Args"] if arguments and "Args:" not in text else []
    out += [name for name in arguments if f"    {name}:" not in text]
    returns = str(signature.return_annotation)
    return out + (["Returns"] if returns != "None" and "Returns:" not in text else [])


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_method_states_its_arguments_and_its_result(name: str) -> None:
    module, _, short = name.rpartition(".")
    found = {m: lacking(f) for m, f in methods(getattr(import_module(f"myoprosthesis.{module}"), short))}
    assert found and not any(found.values()), found


def test_one_that_does_not_is_named() -> None:
    def bare(self, q) -> float:
        """The value of q."""

    def sound(self, q) -> float:
        """The value of q.

        Args:
            q: rad.

        Returns:
            The value.
        """

    assert lacking(bare) == ["Args", "q", "Returns"] and lacking(sound) == []
