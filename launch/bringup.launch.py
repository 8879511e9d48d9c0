"""The stack of `myoprosthesis up` on a machine with ROS; every value comes from `myoprosthesis.stack.description`."""

import os
import uuid
from dataclasses import MISSING, fields

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    LogInfo,
    OpaqueFunction,
    SetEnvironmentVariable,
    Shutdown,
)
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.substitutions import ExecutableInPackage

from myoprosthesis.core.child_process import FAILED, REFUSED, process_environment
from myoprosthesis.core.options import build
from myoprosthesis.core.options import describe as help_of
from myoprosthesis.nodes.node_main import RANGE, network_warning, open_network
from myoprosthesis.stack.description import StackOptions, describe
from myoprosthesis.stack.half import chosen_nodes
from myoprosthesis.stack.supervisor import OPTIONAL

STARTED_HERE = process_environment(uuid.uuid4().hex)
"""Processes end with this one, even when it is killed."""


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
        if name in OPTIONAL:
            return []
        why = {REFUSED: "refuses its configuration", FAILED: "failed"}.get(event.returncode)
        return [Shutdown(reason=f"{name} {why}")] if why else []

    return after


def nodes(context: LaunchContext):
    given = {f.name: LaunchConfiguration(f.name).perform(context) for f in fields(StackOptions)}
    defaults = {f.name: text(f.default) for f in fields(StackOptions)}
    options = build(StackOptions, {k: v for k, v in given.items() if v != defaults[k]}, "launch arguments")
    if options.network:
        open_network()
    warning, specs = network_warning(), chosen_nodes(describe(options), options)
    return [
        *([LogInfo(msg=warning), SetEnvironmentVariable(RANGE, os.environ[RANGE])] if warning else []),
        *_processes(options, specs),
        _watch(options, specs),
    ]


def _processes(options, specs):
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
            additional_env=STARTED_HERE,
            output="screen",
            emulate_tty=True,
        )
        for spec in specs
    ]


def _watch(options, specs):
    """What `up` says of a run; its end is the end of all."""
    words = ["watch", "--quiet", "--trials", str(options.trials), "--duration", str(options.duration)]
    words += ["--namespace", options.namespace] if options.namespace else []
    words += ["--lockstep" if options.lockstep else "--real-time"]
    words += [word for spec in specs if spec.name == "task" for word in ("--task", spec.parameters["task"])]
    return ExecuteProcess(
        cmd=[ExecutableInPackage("myoprosthesis", "myoprosthesis"), *words],
        name="watch",
        additional_env=STARTED_HERE,
        output="screen",
        on_exit=watched,
    )


def watched(event, context):
    """What follows when the watch ends: it has seen the end, or that the halves of a stack keep other times."""
    why = {0: "all is done that was asked for", REFUSED: "the halves of the stack do not fit"}.get(event.returncode)
    return [Shutdown(reason=why)] if why else []


def generate_launch_description():
    arguments = [
        DeclareLaunchArgument(f.name, default_value=text(f.default), description=help_of(f))
        for f in fields(StackOptions)
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=nodes)])
