"""The launch file starts what `myoprosthesis.stack.description` describes, and has no value of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

launch_ros = pytest.importorskip("launch_ros.actions", reason="launch_ros comes with a ROS distribution, not from PyPI")

import launch.actions  # noqa: E402
from launch import LaunchContext, LaunchDescription  # noqa: E402
from launch.actions import DeclareLaunchArgument, OpaqueFunction  # noqa: E402
from launch.launch_description_sources import get_launch_description_from_python_launch_file  # noqa: E402

from myoprosthesis.core.child_process import STARTER  # noqa: E402
from myoprosthesis.core.errors import ConfigError  # noqa: E402
from myoprosthesis.core.options import build  # noqa: E402
from myoprosthesis.stack.description import StackOptions, describe  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BRINGUP = ROOT / "launch" / "bringup.launch.py"


class Recorded(launch_ros.Node):
    """A node action that remembers what it was made of."""

    def __init__(self, **given: Any) -> None:
        self.given = given
        super().__init__(**given)


class RecordedProcess(launch.actions.ExecuteProcess):
    """An action for a process that is no node, likewise."""

    def __init__(self, **given: Any) -> None:
        self.given = given
        super().__init__(**given)


@pytest.fixture
def description(monkeypatch: pytest.MonkeyPatch) -> LaunchDescription:
    monkeypatch.setattr(launch_ros, "Node", Recorded)
    monkeypatch.setattr(launch.actions, "ExecuteProcess", RecordedProcess)
    return get_launch_description_from_python_launch_file(str(BRINGUP))


def nodes(description: LaunchDescription, kind: type = Recorded, **arguments: str) -> list[dict[str, Any]]:
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    made = []
    for entity in description.entities:
        result = entity.visit(context)
        if isinstance(entity, OpaqueFunction):
            made += [e.given for e in result or [] if isinstance(e, kind)]  # type: ignore[attr-defined]
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


def test_what_is_said_of_the_run_comes_from_watch_and_its_end_is_the_end_of_all(description: LaunchDescription) -> None:
    given = {"effector": "point_mass", "trials": "3", "duration": "7.5", "lockstep": "true", "namespace": "left"}
    (watch,) = nodes(description, RecordedProcess, **given)
    words = ["--trials", "3", "--duration", "7.5", "--namespace", "left", "--lockstep", "--task", "centre_out"]
    assert watch["cmd"][1:] == ["watch", "--quiet", *words]
    context = LaunchContext()
    assert [type(a) for a in watch["on_exit"](ended(0), context)] == [launch.actions.Shutdown]
    assert [type(a) for a in watch["on_exit"](ended(2), context)] == [launch.actions.Shutdown]  # halves of other times
    assert watch["on_exit"](ended(1), context) == []  # what only listens does not end what moves
    (watch,) = nodes(description, RecordedProcess)
    assert watch["cmd"][-3:] == ["--real-time", "--task", "centre_out"]


def ended(status: int) -> Any:
    return type("Ended", (), {"returncode": status})


def test_no_process_outlives_the_launch(description: LaunchDescription) -> None:
    made = [*nodes(description), *nodes(description, RecordedProcess)]
    assert len(made) == 5 and {m["additional_env"][STARTER] for m in made} == {str(os.getpid())}


SCRIPT = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
arguments = [tuple(word.split(":=")) for word in sys.argv[2:]]
service = LaunchService(argv=sys.argv[2:])
source = PythonLaunchDescriptionSource(sys.argv[1])
service.include_launch_description(LaunchDescription([IncludeLaunchDescription(source, launch_arguments=arguments)]))
sys.exit(service.run())
"""


@pytest.fixture
def launched(tmp_path: Path, domain: int) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], Callable[[], str]]]]:
    """Launch the file as `ros2 launch` does, from an install of the executables; its process and its words so far."""
    prefix = tmp_path / "prefix"
    for folder, target in {
        prefix / "share/ament_index/resource_index/packages/myoprosthesis": ROOT / "resource" / "myoprosthesis",
        prefix / "lib/myoprosthesis": Path(sys.executable).parent,
    }.items():
        folder.parent.mkdir(parents=True)
        folder.symlink_to(target)
    started = []

    def begin(*arguments: str) -> tuple[subprocess.Popen[bytes], Callable[[], str]]:
        words = tmp_path / "words.txt"
        environment = {**os.environ, "AMENT_PREFIX_PATH": str(prefix), "ROS_LOG_DIR": str(tmp_path / "log")}
        with words.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", SCRIPT, str(BRINGUP), *arguments],
                env=environment, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip
        started.append(process)
        return process, words.read_text

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def started_by(pid: int) -> list[int]:
    """Processes that must not outlive this one."""
    mark, found = f"{STARTER}={pid}".encode(), []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def until(done: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while not (result := done()) and time.monotonic() < end:
        time.sleep(0.05)
    return result


def test_it_ends_after_so_many_trials_with_the_summary(launched: Any) -> None:
    process, words = launched("effector:=point_mass", "trials:=3", "lockstep:=true")
    assert process.wait(120) == 0, words()
    assert "Summary" in words() and "3 of centre_out" in words() and "Traceback" not in words(), words()
    assert until(lambda: not started_by(process.pid))


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_launch_ends_all_of_it(launched: Any, sign: int) -> None:
    process, words = launched("effector:=point_mass")
    assert until(lambda: "no trial is over yet" in words()), words()
    assert len(started_by(process.pid)) == 5
    process.send_signal(sign)
    process.wait(60)
    assert until(lambda: not started_by(process.pid)), words()
    assert ("Summary" in words()) == (sign == signal.SIGINT) and "Traceback" not in words(), words()
