"""The stack of `myoprosthesis up` on a machine with ROS; every value comes from `myoprosthesis.stack`."""

import os
from dataclasses import MISSING, fields

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, SetEnvironmentVariable, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from myoprosthesis.core.options import build
from myoprosthesis.core.options import describe as help_of
from myoprosthesis.nodes.process import FAILED, RANGE, REFUSED, network_warning, open_network
from myoprosthesis.stack import StackOptions, describe


def text(value):
    """A default as a launch argument: what `build` reads back to the same value."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def ending(name):
    """What follows when a process ends: one that refuses what it was given ends all, any other starts again."""

    def after(event, context):
        why = {REFUSED: "refuses its configuration", FAILED: "failed"}.get(event.returncode)
        return [Shutdown(reason=f"{name} {why}")] if why else []

    return after


def nodes(context: LaunchContext):
    given = {f.name: LaunchConfiguration(f.name).perform(context) for f in fields(StackOptions)}
    defaults = {f.name: text(f.default) for f in fields(StackOptions)}
    options = build(StackOptions, {k: v for k, v in given.items() if v != defaults[k]}, "launch arguments")
    if options.network:
        open_network()
    warning = network_warning()
    return [
        *([LogInfo(msg=warning), SetEnvironmentVariable(RANGE, os.environ[RANGE])] if warning else []),
        *_processes(options),
    ]


def _processes(options):
    return [
        Node(
            package="myoprosthesis",
            executable=spec.executable,
            name=spec.node or spec.name,
            namespace="/".join(part for part in (options.namespace, spec.namespace) if part),
            parameters=[spec.parameters],
            remappings=list(spec.remappings.items()),
            respawn=spec.respawn,
            respawn_delay=spec.delay_s,
            on_exit=ending(spec.name),
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
