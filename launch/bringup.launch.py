"""The stack of `myoprosthesis up` on a machine with ROS; every value comes from `myoprosthesis.stack`."""

from dataclasses import MISSING, fields

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from myoprosthesis.core.options import build
from myoprosthesis.core.options import describe as help_of
from myoprosthesis.stack import StackOptions, describe


def text(value):
    """A default as a launch argument: what `build` reads back to the same value."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def nodes(context: LaunchContext):
    given = {f.name: LaunchConfiguration(f.name).perform(context) for f in fields(StackOptions)}
    defaults = {f.name: text(f.default) for f in fields(StackOptions)}
    options = build(StackOptions, {k: v for k, v in given.items() if v != defaults[k]}, "launch arguments")
    return [
        Node(
            package="myoprosthesis",
            executable=spec.executable,
            name=spec.name,
            namespace=options.namespace,
            parameters=[spec.parameters],
            remappings=list(spec.remappings.items()),
            respawn=spec.respawn,
            respawn_delay=spec.delay_s,
            output="screen",
            emulate_tty=True,
        )
        for spec in describe(options)
    ]


def generate_launch_description():
    arguments = [
        DeclareLaunchArgument(f.name, default_value=text(f.default), description=help_of(f))
        for f in fields(StackOptions)
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=nodes)])
