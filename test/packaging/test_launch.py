"""The launch file starts what `myoprosthesis.stack` describes, and has no value of its own."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

launch_ros = pytest.importorskip("launch_ros.actions", reason="launch_ros comes with a ROS distribution, not from PyPI")

from launch import LaunchContext, LaunchDescription  # noqa: E402
from launch.actions import DeclareLaunchArgument, OpaqueFunction  # noqa: E402
from launch.launch_description_sources import get_launch_description_from_python_launch_file  # noqa: E402

from myoprosthesis.core.errors import ConfigError  # noqa: E402
from myoprosthesis.core.options import build  # noqa: E402
from myoprosthesis.stack import StackOptions, describe  # noqa: E402

BRINGUP = Path(__file__).resolve().parents[2] / "launch" / "bringup.launch.py"


class Recorded(launch_ros.Node):
    """A node action that remembers what it was made of."""

    def __init__(self, **given: Any) -> None:
        self.given = given
        super().__init__(**given)


@pytest.fixture
def description(monkeypatch: pytest.MonkeyPatch) -> LaunchDescription:
    monkeypatch.setattr(launch_ros, "Node", Recorded)
    return get_launch_description_from_python_launch_file(str(BRINGUP))


def nodes(description: LaunchDescription, **arguments: str) -> list[dict[str, Any]]:
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    made = []
    for entity in description.entities:
        result = entity.visit(context)
        if isinstance(entity, OpaqueFunction):
            made += [e.given for e in result or [] if isinstance(e, Recorded)]
    return made


def test_arguments_are_the_fields_of_the_options(description: LaunchDescription) -> None:
    arguments = [e for e in description.entities if isinstance(e, DeclareLaunchArgument)]
    assert [a.name for a in arguments] == [f.name for f in fields(StackOptions)]
    assert all(a.description for a in arguments)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"effector": "arm26", "policy": "reach_null", "perturbation": "curl_cw", "task": "centre_out"},
        {"effector": "point_mass", "lockstep": "true", "seed": "7", "namespace": "twin"},
    ],
)
def test_nodes_are_those_of_the_description(description: LaunchDescription, given: dict[str, str]) -> None:
    made = nodes(description, **given)
    options = build(StackOptions, given)
    assert [
        (m["name"], m["executable"], m["parameters"], dict(m["remappings"]), m["respawn"], m["namespace"]) for m in made
    ] == [(s.name, s.executable, [s.parameters], s.remappings, s.respawn, options.namespace) for s in describe(options)]
    assert {m["package"] for m in made} == {"myoprosthesis"}


def test_a_bad_argument_is_refused(description: LaunchDescription) -> None:
    with pytest.raises(ConfigError, match="seed"):
        nodes(description, seed="many")
