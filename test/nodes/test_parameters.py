"""ROS parameters from options dataclasses, with nodes in this process."""

from dataclasses import dataclass

import pytest
import rclpy
from rclpy.parameter import Parameter

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.nodes import parameters
from myoprosthesis.stack.supervisor import ros_text


@dataclass(frozen=True)
class Options:
    participants: tuple[str, ...] = option((), "who is waited for")
    gain: float = option(1.5, "gain", "1", 0.0, 10.0)
    file: str = option("", "a file")
    grips: dict = option({}, "grips by answer")
    seed: int | None = option(None, "seed")
    name: str = option("first", "a name")


@pytest.fixture
def node(request, domain):
    """A node whose command line is the test's parameter, with the options declared."""
    words = [word for pair in getattr(request, "param", ()) for word in ("-p", pair)]
    rclpy.init(args=["--ros-args", *words] if words else [])
    made = rclpy.create_node("tried")
    yield made
    made.destroy_node()
    rclpy.try_shutdown()


def read(node, **changes):
    return parameters.read(node, Options, changes=[Parameter(k, value=v) for k, v in changes.items()])


def test_defaults_come_back_as_they_are_declared(node):
    parameters.declare(node, ("", Options))
    assert read(node) == Options()
    assert "gain [0 to 10; default 1.5]" in node.describe_parameter("gain").description


@pytest.mark.parametrize("node", [["gain:=3.0", "participants:=[task]", "file:=a"]], indirect=True)
def test_the_command_line_counts(node):
    parameters.declare(node, ("", Options))
    assert read(node) == Options(("task",), 3.0, "a")


@pytest.mark.parametrize("node", [["parties:=[task]"]], indirect=True)
def test_a_former_name_counts_too(node, capsys):
    parameters.declare(node, ("", Options))
    assert read(node).participants == ("task",)


@pytest.mark.parametrize("node", [["gian:=3.0"]], indirect=True)
def test_an_unknown_parameter_is_refused_with_the_nearest(node):
    with pytest.raises(ConfigError, match="node 'tried': unknown parameter 'gian'.*did you mean 'gain'"):
        parameters.declare(node, ("", Options))


def test_options_stand_under_a_prefix(node):
    parameters.declare(node, ("hand.", Options), values={"hand.gain": 2.0})
    assert parameters.read(node, Options, "hand.").gain == 2.0


def test_a_mapping_is_a_text_of_yaml(node):
    parameters.declare(node, ("", Options), values={"grips": {"rest": "open"}})
    assert node.get_parameter("grips").value == '{"rest": "open"}'
    assert read(node).grips == {"rest": "open"} and read(node, grips="{rest: fist}").grips == {"rest": "fist"}
    with pytest.raises(ConfigError, match="grips"):
        read(node, grips="[1]")


def test_empty_stands_for_the_default_where_no_text_is_meant(node):
    parameters.declare(node, ("", Options), values={"file": "a"})
    assert (
        read(node, seed="", gain="", participants="") == Options(file="a") and read(node, file="", name="").name == ""
    )


def test_changes_are_read_before_they_are_set_and_faults_are_named(node):
    parameters.declare(node, ("", Options))
    assert read(node, gain=2.0).gain == 2.0 and read(node).gain == 1.5
    with pytest.raises(ConfigError, match="node 'tried': gain: 11.0 is outside 0 to 10"):
        read(node, gain=11.0)


@pytest.mark.parametrize(
    "value, ros", [(None, ""), ((), ""), ({}, ""), (("a", "b"), ["a", "b"]), ({"a": 1}, '{"a": 1}'), (2.5, 2.5),
                   ((0.5, 0), [0.5, 0.0]), ((1, 0), [1, 0])]
)  # fmt: skip
def test_what_ros_cannot_hold_becomes_what_it_can(value, ros):
    assert repr(parameters.to_ros(value)) == repr(ros)
    assert ros_text((0.5, 0)) == "[0.5, 0.0]" and ros_text(()) == "[]"


def test_values_travel_in_messages_and_back():
    (message,) = parameters.to_messages({"gain": 2.5})
    assert message.name == "gain" and parameters.from_message(message.value) == 2.5
