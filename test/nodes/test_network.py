"""Who on a network can do what: two machines, made of network namespaces (which need root)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

STRANGER = '''
"""A stranger on another machine: prints as JSON what it sees and what it is answered."""
import json, sys, time
import rclpy
from lifecycle_msgs.srv import ChangeState
from lifecycle_msgs.msg import Transition
from rcl_interfaces.srv import SetParameters
from rcl_interfaces.msg import Parameter, ParameterEvent, ParameterType, ParameterValue
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

rclpy.init()
node = rclpy.create_node("stranger")
states = []
node.create_subscription(JointState, "/state", states.append, QoSProfile(depth=1))
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end and not (states and "effector" in node.get_node_names()):
    rclpy.spin_once(node, timeout_sec=0.05)
out = {"nodes": [n for n in node.get_node_names() if n != "stranger"], "states": len(states)}

def call(kind, name, **request):
    client = node.create_client(kind, name)
    if not client.wait_for_service(5.0):
        return None
    future = client.call_async(kind.Request(**request))
    rclpy.spin_until_future_complete(node, future, timeout_sec=5.0)
    return future.result()

def lift(kind):
    value = ParameterValue(type=kind)
    done = call(SetParameters, "/effector/set_parameters", parameters=[Parameter(name="stopped", value=value)])
    return None if done is None else [done.results[0].successful, done.results[0].reason]

if states and "estop" in sys.argv:
    stop = call(Trigger, "/effector/estop")
    resume = call(Trigger, "/effector/resume")
    out["estop"] = stop.success if stop else None
    out["resume"] = [resume.success, resume.message] if resume else None
    out["false"] = lift(ParameterType.PARAMETER_BOOL)
    out["unset"] = lift(ParameterType.PARAMETER_NOT_SET)
    for word in ("deactivate", "cleanup", "configure", "activate"):
        done = call(ChangeState, "/effector/change_state", transition=Transition(label=word))
        out[word] = done.success if done else None
print(json.dumps(out))
'''


def sh(*words: str, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more)


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """Two network namespaces joined by a cable; a function that makes a command run on the first, or the second."""
    if os.getuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        pytest.skip("network namespaces need root, ip and unshare")
    names = [f"myo{os.getpid() % 10_000}{k}" for k in "ab"]
    try:
        for name in names:
            sh("ip", "netns", "add", name)
        sh("ip", "link", "add", f"{names[0]}v", "type", "veth", "peer", "name", f"{names[1]}v")
        for k, name in enumerate(names):
            sh("ip", "link", "set", f"{name}v", "netns", name)
            sh("ip", "-n", name, "addr", "add", f"10.73.0.{k + 1}/24", "dev", f"{name}v")
            for device in ("lo", f"{name}v"):
                sh("ip", "-n", name, "link", "set", device, "up")
    except subprocess.CalledProcessError as error:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        pytest.skip(f"network namespaces cannot be made here: {error.stderr.strip()}")
    identity = tmp_path_factory.mktemp("machine") / "id"
    identity.write_text("11112222333344445555666677778888\n")
    other = (
        'mount --make-rprivate / && mount -t tmpfs tmpfs /dev/shm && if [ -e /etc/machine-id ]; then mount --bind "$0" '
        '/etc/machine-id; fi && hostname otherbox && exec "$@"'
    )

    def on(machine: int, *words: str) -> list[str]:
        apart = ["unshare", "-mui", "sh", "-c", other, str(identity)] if machine else []
        return ["ip", "netns", "exec", names[machine], *apart, *words]

    yield on
    for name in names:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)


@pytest.fixture
def stack(machines, tmp_path):
    """Start `up reach` on the first machine; its words so far, once it is ready."""
    running = []

    def start(*words: str):
        log = tmp_path / "up.txt"
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("ROS_AUTO", "FASTDDS", "FASTRTPS"))}
        with log.open("w") as out:
            command = [sys.executable, "-m", "myoprosthesis.cli.main", "up", "reach", "--quiet", *words]
            running.append(subprocess.Popen(machines(0, *command), stdout=out, stderr=out, env=environment))
        end = time.monotonic() + 60
        while "ready" not in log.read_text() and running[0].poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        assert "ready" in log.read_text(), log.read_text()
        return log.read_text

    yield start
    for process in running:
        process.terminate()
        process.wait(60)


@pytest.fixture
def stranger(machines, tmp_path):
    """What a stranger on the second machine sees who looks for so long, and what he is answered."""

    def look(seconds: float, *deeds: str) -> dict:
        script = tmp_path / "stranger.py"
        script.write_text(STRANGER)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("FASTDDS", "FASTRTPS"))}
        environment |= {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "ROS_STATIC_PEERS": "10.73.0.1"}
        words = machines(1, sys.executable, str(script), str(seconds), *deeds)
        done = subprocess.run(words, capture_output=True, text=True, timeout=90, env=environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return look


def local_sockets(machines) -> list[str]:
    """Local addresses and ports of all UDP and TCP sockets of the first machine."""
    lines = sh(*machines(0, "cat", "/proc/net/udp", "/proc/net/tcp")).stdout.splitlines()
    return [m[1] for line in lines if (m := re.match(r"\s*\d+: ([0-9A-F]{8}:[0-9A-F]{4}) ", line))]


def test_by_default_no_other_machine_sees_or_reaches_anything(stack, stranger, machines):
    words = stack()
    domain = int(os.environ["ROS_DOMAIN_ID"])
    known = {f"{7400 + 250 * domain + k:04X}" for k in range(250)}
    sockets = [place.split(":") for place in local_sockets(machines)]
    assert known & {port for _, port in sockets} and {place for place, _ in sockets} == {"0100007F"}  # 127.0.0.1
    seen = stranger(4.0, "estop")
    assert seen == {"nodes": [], "states": 0}
    assert "network is open" not in words()


def test_an_open_network_says_so_and_a_stranger_may_stop_but_not_resume(stack, stranger, machines):
    words = stack("--network")
    assert words().count("the network is open") == 1
    seen = stranger(20.0, "estop")
    assert seen["states"] and "effector" in seen["nodes"] and seen["estop"] is True
    for lift in ("resume", "false"):
        assert seen[lift][0] is False and "own machine only" in seen[lift][1]
    assert seen["unset"][0] is False
    assert seen["configure"] is True and seen["activate"] is True
    status = tool(machines, "status", "--json", "-")
    assert status["idle"] == "emergency stop"
    assert tool(machines, "resume") == "resumed\n"


def tool(machines, *words: str):
    """What a command on the first machine says, or writes in place of `-`."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        given = [file.name if w == "-" else w for w in words]
        environment = {**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}
        command = machines(0, sys.executable, "-m", "myoprosthesis.cli.main", *given)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(Path(file.name).read_text()) if "-" in words else done.stdout


@pytest.fixture
def halves(machines, tmp_path):
    """Start a stack with its effector on the first machine and the rest on the second: processes, logs and figures."""
    running, numbers = [], iter(range(9))

    def start(*words: str):
        made = []
        for k, nodes in enumerate(("effector", "policy,perturbation,task")):
            name = tmp_path / f"{next(numbers)}"
            environment = {v: x for v, x in os.environ.items() if not v.startswith(("ROS_AUTO", "FASTDDS", "FASTRTPS"))}
            environment["ROS_STATIC_PEERS"] = f"10.73.0.{2 - k}"
            more = ["--nodes", nodes, "--network", "--quiet", "--json", f"{name}.json", *words]
            command = machines(k, sys.executable, "-m", "myoprosthesis.cli.main", "up", "reach", *more)
            with open(f"{name}.txt", "w") as out:
                made.append((subprocess.Popen(command, stdout=out, stderr=out, env=environment), name))
        running.extend(process for process, _ in made)
        return made

    yield start
    for process in running:
        process.terminate()
        process.wait(60)


def figures(half):
    process, name = half
    assert process.wait(120) == 0, Path(f"{name}.txt").read_text()
    return json.loads(Path(f"{name}.json").read_text())


def test_a_stack_on_two_machines_is_the_stack_on_one(halves, machines, tmp_path):
    words = ("--lockstep", "--trials", "4", "--seed", "5")
    here, there = map(figures, halves(*words))
    command = machines(0, sys.executable, "-m", "myoprosthesis.cli.main", "up", "reach", "--quiet", *words)
    subprocess.run([*command, "--json", tmp_path / "one.json"], check=True, capture_output=True, timeout=120)
    one = json.loads((tmp_path / "one.json").read_text())
    assert here["trace_sha256"] == there["trace_sha256"] == one["trace_sha256"]
    assert here["task"] == one["task"] == "centre_out" and len(here["by_trial"]) == len(one["by_trial"]) == 4
    pairs = list(zip(one["by_trial"], here["by_trial"], strict=True))
    for own, other in pairs:  # a task that joins late, or on a machine that is too busy, says what it did not hear
        assert other == own or other["states_missing"], other
    assert any(other == own for own, other in pairs), here["by_trial"]


def test_a_link_that_breaks_stops_the_effector_until_it_is_there_again(halves, machines):
    (here, name), _ = halves("--trials", "10")
    log = Path(f"{name}.txt")

    def heard(words: str, since: int = 0) -> int:
        end = time.monotonic() + 60
        while words not in log.read_text()[since:] and here.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        assert words in log.read_text()[since:], log.read_text()
        return len(log.read_text())

    since = heard("ready: the first tick")
    time.sleep(1.0)
    device = sh(*machines(0, "sh", "-c", "ls /sys/class/net | grep v$")).stdout.strip()
    sh(*machines(0, "ip", "link", "set", device, "down"))
    heard("idle: ", since)
    time.sleep(0.5)
    sh(*machines(0, "ip", "link", "set", device, "up"))
    done = figures((here, name))
    scored = [t["scored"] for t in done["by_trial"]]
    assert len(scored) == 10 and not all(scored) and scored[-1], done["by_trial"]


def test_who_is_alone_is_asked_about_the_others(machines, tmp_path):
    log = tmp_path / "alone.txt"
    words = ("up", "reach", "--nodes", "effector", "--network", "--quiet")
    with log.open("w") as out:
        process = subprocess.Popen(machines(0, sys.executable, "-m", "myoprosthesis.cli.main", *words), stdout=out)
    end = time.monotonic() + 60
    while "no tick yet" not in log.read_text() and time.monotonic() < end:
        time.sleep(0.1)
    process.terminate()
    process.wait(60)
    assert "no tick yet: policy, perturbation, task are to run elsewhere, in ROS domain" in log.read_text()
