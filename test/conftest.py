"""A graph for tests: real rclpy over Fast DDS, on a ROS domain that nobody else uses, on this machine only."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from myoprosthesis.nodes import diagnostic_status, topics
from myoprosthesis.nodes.graph_connection import GraphConnection
from myoprosthesis.nodes.node_main import stay_local
from myoprosthesis.stack.monitor import StackMonitor
from myoprosthesis.stack.runner import StackRunner


def pytest_configure(config: pytest.Config) -> None:
    """What the processes of tests inherit, those of pytest-xdist among them.

    One thread for matrices: those of tests are small, and threads of several processes wait for each other in turn. And
    modules are compiled once, where the environment has each of the thousand processes compile them for itself. A shell
    that is not interactive starts what it puts into the background with Ctrl-C ignored, which processes inherit: those
    that are interrupted here must not.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-bytes", type=int, default=200_000, help="random bytes that each hand's codec is fed")


@pytest.fixture(scope="session")
def fuzz_bytes(request: pytest.FixtureRequest) -> int:
    """How many random bytes to feed."""
    return int(request.config.getoption("--fuzz-bytes"))


def _free(domain: int) -> bool:
    """Nobody has the first ports of a domain (DDSI-RTPS 9.6.2.3: 7400 + 250·domain + 10, 11)."""
    for port in (7410, 7411):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.bind(("", port + 250 * domain))
            except OSError:
                return False
    return True


def _taken(domain: int) -> socket.socket | None:
    """A hold on this domain among all runs of tests on this machine, until it is closed; None if another has it."""
    hold = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        hold.bind(f"\0myoprosthesis tests {domain}")
    except OSError:
        hold.close()
        return None
    return hold


@pytest.fixture(autouse=True, scope="session")
def domain() -> Iterator[int]:
    """The domain of this session's graphs, in which the tests' own nodes have the settings of a stack's.

    Domains above 101 collide with ephemeral ports.
    """
    candidates = (1 + (os.getpid() + k) % 100 for k in range(100))
    chosen, hold = next((d, hold) for d in candidates if _free(d) and (hold := _taken(d)))
    os.environ["ROS_DOMAIN_ID"] = str(chosen)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    stay_local()
    yield chosen
    hold.close()


MARK = "MYOPROSTHESIS_TESTS"
"""In the environment of every process that a test starts, and of those that it starts."""
HELPERS = ("multiprocessing", "torch._inductor")
"""Processes of libraries, which end with this one."""


@pytest.fixture(autouse=True, scope="module")
def one_stack_at_a_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """Files whose stacks keep time take turns: two stacks at once are too much for two slow processors.

    Beside them runs what needs no clock.
    """
    if request.node.get_closest_marker("realtime") is None:
        yield
        return
    with open(Path(tempfile.gettempdir()) / f"myoprosthesis_tests_{os.getuid()}.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@cache
def keeps_time(file: Path) -> bool:
    """Whether a file of tests is marked `realtime`."""
    return "pytest.mark.realtime" in file.read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile` one process has the files that take turns, so that none waits for another."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class StacksApart(LoadFileScheduling):
        def _assign_work_unit(self, node: Any) -> None:
            first = node is self.nodes[0]
            if file := next((f for f in self.workqueue if keeps_time(config.rootpath / f) == first), None):
                self.workqueue.move_to_end(file, last=False)
            super()._assign_work_unit(node)

    return StacksApart(config, log)


@pytest.fixture(autouse=True, scope="session")
def no_process_is_left() -> Iterator[None]:
    """What tests have started ends with them: what is left 10 s after the last one is killed, and the session has an
    error. A process of its own sees to it, so that it is done when the tests themselves are killed."""
    script, mark, pipe = Path(__file__).with_name("reaper.py"), f"{MARK}={os.getpid()}", subprocess.PIPE
    words = [sys.executable, str(script), mark, "10", *HELPERS]
    reaper = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, start_new_session=True)
    os.environ[MARK] = str(os.getpid())
    yield
    os.environ.pop(MARK)
    left, _ = reaper.communicate()
    assert not left, f"tests have left processes behind: {left}"


@pytest.fixture
def begin() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `myoprosthesis …` in the background; neither it nor what it starts outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*words: str, **more: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "myoprosthesis.cli.main", *words]
        started.append(subprocess.Popen(command, text=True, start_new_session=True, **more))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


PATIENCE_S = 60.0
"""What a test waits for has so long at least: where the machine is busy, things take long, and come nevertheless."""


class Probe(GraphConnection):
    """A node of the test's own that listens, publishes and calls."""

    def __init__(self, namespace: str = "", name: str = "probe") -> None:
        super().__init__(namespace, name)
        self._clients: dict[str, Any] = {}

    def hear(self, topic: Any, qos: Any = None, raw: bool = False) -> list[Any]:
        """A list that grows with what comes."""
        heard: list[Any] = []
        self.node.create_subscription(topic.type, topic.name, heard.append, qos or topic.qos, raw=raw)
        return heard

    def speak(self, topic: Any, qos: Any = None) -> Any:
        return self.node.create_publisher(topic.type, topic.name, qos or topic.qos)

    def until(self, done: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
        """Handle what comes until `done`, for `PATIENCE_S` at least; what `done` last said."""
        end = time.monotonic() + max(seconds, PATIENCE_S)
        while not (result := done()) and time.monotonic() < end:
            self.spin_once(0.02)
        return result

    def call(self, kind: Any, name: str, seconds: float = 8.0, **request: Any) -> Any:
        client = self._clients.setdefault(name, None) or self.node.create_client(kind, name)
        self._clients[name] = client
        assert client.wait_for_service(timeout_sec=PATIENCE_S), name
        for _ in range(8):  # a request may go to a server that was killed, and is not known to be dead yet
            future, end = client.call_async(kind.Request(**request)), time.monotonic() + seconds
            servers = self.node.count_services(client.srv_name)
            while not future.done() and time.monotonic() < end and self.node.count_services(client.srv_name) <= servers:
                self.spin_once(0.02)
            if future.done():
                return future.result()
        raise AssertionError(f"{name} did not answer")

    def set(self, node: str, **values: Any) -> str:
        """Set parameters of a node: empty, or why they were refused."""
        from rcl_interfaces.srv import SetParametersAtomically
        from rclpy.parameter import Parameter

        parameters = [Parameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        result = self.call(SetParametersAtomically, f"{node}/set_parameters_atomically", parameters=parameters).result
        return "" if result.successful else result.reason or "refused without a reason"

    def get(self, node: str, name: str) -> Any:
        from rcl_interfaces.srv import GetParameters
        from rclpy.parameter import parameter_value_to_python

        values = self.call(GetParameters, f"{node}/get_parameters", names=[name]).values
        return parameter_value_to_python(values[0]) if values else None

    def trigger(self, name: str) -> tuple[bool, str]:
        from std_srvs.srv import Trigger

        answer = self.call(Trigger, name)
        return answer.success, answer.message

    def change(self, node: str, transition: str) -> bool:
        """A lifecycle transition by name."""
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState

        request = {"transition": Transition(label=transition)}  # once: a transition may take long, and is not repeated
        return bool(self.call(ChangeState, f"{node}/change_state", 30.0, **request).success)


class StackProbe(Probe, StackMonitor):
    """A probe that follows the stack in its namespace too."""


class Stack(StackRunner):
    """A stack that runs, watched by a probe."""

    def __init__(self, nodes: Any, namespace: str = "") -> None:
        self.words: list[str] = []
        self.probe = StackProbe(namespace)
        self.diagnostics: list[dict[str, Any]] = []
        self.policy: list[dict[str, Any]] = []
        self.trials: list[dict[str, Any]] = []
        own = diagnostic_status.full_name(namespace, "effector")

        def diagnosed(message: Any) -> None:
            self.diagnostics += [
                {**diagnostic_status.values(s), "text": s.message, "level": s.level}
                for s in message.status
                if s.name == own
            ]

        def into(out: list[dict[str, Any]]) -> Callable[[Any], None]:
            return lambda m: out.append({**diagnostic_status.values(m), "text": m.message})

        for topic, handle in (
            (topics.DIAGNOSTICS, diagnosed),
            (topics.POLICY_ACTIVE, into(self.policy)),
            (topics.TRIAL_EVENTS, into(self.trials)),
        ):
            self.probe.node.create_subscription(topic.type, topic.name, handle, topic.qos)
        super().__init__(nodes, lambda who, text: self.words.append(f"[{who}] {text}"), namespace, self.probe)
        self.start()

    def until(self, done: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
        """Watch until `done`, for `PATIENCE_S` at least; what `done` last returned."""
        results: list[Any] = [None]

        def look() -> Any:
            results[0] = done()
            return results[0]

        self.wait_until(look, max(seconds, PATIENCE_S))
        return results[0]

    def spin(self, seconds: float) -> None:
        """Watch for so long."""
        self.watch(seconds)

    def ready(self, seconds: float = PATIENCE_S, policy: bool = True) -> Stack:
        """The effector follows commands, and the policy has told what it is."""
        assert self.until(
            lambda: self.diagnostics and self.diagnostics[-1]["ticks"] > 0 and (self.policy or not policy), seconds
        ), self.words
        return self

    def report(self) -> dict[str, Any]:
        """The effector's next diagnostics but one, so that it is all newer than this call."""
        n = len(self.diagnostics)
        assert self.until(lambda: len(self.diagnostics) > n + 1), "no diagnostics"
        return self.diagnostics[-1]

    def kill(self, name: str) -> None:
        os.kill(self.supervisor.pids()[name], signal.SIGKILL)

    def close(self) -> None:
        super().close()
        self.probe.close()


@pytest.fixture(scope="session")
def start(domain: int) -> Callable[..., Stack]:
    """Start the nodes of `describe` with these options; `only` some of them. The caller closes it."""
    from myoprosthesis.stack.description import StackOptions, describe

    def begin(settings: dict[str, dict[str, Any]] | None = None, only: tuple[str, ...] = (), **options: Any) -> Stack:
        nodes = describe(StackOptions(**options), settings or {})
        return Stack([n for n in nodes if not only or n.name in only], options.get("namespace", ""))

    return begin


@pytest.fixture
def probe(domain: int) -> Iterator[Probe]:
    made = Probe()
    yield made
    made.close()


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `myoprosthesis …` as a person would."""

    def run(*words: str, timeout: float = 300.0, **more: Any) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-m", "myoprosthesis.cli.main", *words]
        try:
            return subprocess.run(arguments, capture_output=True, text=True, timeout=timeout, **more)
        except subprocess.TimeoutExpired as error:
            said = b"".join(part for part in (error.stdout, error.stderr) if isinstance(part, bytes))
            pytest.fail(
                f"{words} did not end within {timeout:g} s; it printed: {said.decode(errors='replace')[-4000:]}"
            )

    return run


@pytest.fixture
def command_here(capsys: pytest.CaptureFixture[str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The same in this process, for what ends before a stack is started: it need not import all anew."""
    from myoprosthesis.cli.main import main

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        with pytest.raises(SystemExit) as end:
            main(list(words))
        out, error = capsys.readouterr()
        return subprocess.CompletedProcess(words, int(end.value.code or 0), out, error)

    return run


@pytest.fixture
def up(command: Any, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """`myoprosthesis up … --quiet --json` to its end; its figures."""

    def run(*words: str) -> dict[str, Any]:
        file = tmp_path / "figures.json"
        done = command("up", *words, "--quiet", "--json", str(file))
        assert done.returncode == 0, done.stdout + done.stderr
        return {**json.loads(file.read_text()), "words": done.stdout + done.stderr}

    return run


@pytest.fixture(scope="session")
def sound() -> Callable[..., bytes]:
    """The bytes of an untrained policy for an effector of this name."""
    from myoprosthesis.core import registry
    from myoprosthesis.onnx_graphs.untrained import untrained

    def make(effector: str = "point_mass", seed: int = 0, **more: Any) -> bytes:
        spec = registry.factory("effectors", effector)(registry.options("effectors", effector)()).spec
        return untrained(spec, f"untrained_{seed}", 8, seed=seed, **more)

    return make


@pytest.fixture(scope="session")
def moved_body() -> Callable[[str], tuple[Any, Any, Any]]:
    """By the name of an effector: its body after ten commands, its state, and its shapes put there."""

    def made(name: str) -> tuple[Any, Any, Any]:
        from myoprosthesis.core import registry
        from myoprosthesis.core.disturbance import Disturbance
        from myoprosthesis.effectors.body_shapes import BodyShapes

        body = registry.factory("effectors", name)(registry.options("effectors", name)())
        body.reset(0)
        low, high = body.spec.command.bounds()
        for _ in range(10):
            state = body.step(low + 0.3 * (high - low), Disturbance())
        shapes = BodyShapes(body)
        assert shapes.place(body.spec.channels, state.table[0].copy())
        return body, state, shapes

    return made


@pytest.fixture(scope="session")
def spoil() -> Callable[[bytes, str, Path], Path]:
    """Write a copy of a sound policy with one fault, by the fault's name, into a folder of that name."""

    def write(data: bytes, fault: str, folder: Path) -> Path:
        path = folder / fault.replace(" ", "_") / "policy.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_spoilt(data, fault))
        return path

    return write


def _spoilt(data: bytes, fault: str) -> bytes:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    if fault == "sound":
        return data
    if fault == "truncated":
        return data[: len(data) // 2]
    if fault == "empty":
        return b""
    if fault == "not ONNX":
        return b"\x80\x04 this is no policy at all" * 40
    model = onnx.load_model_from_string(data)
    text = next(p for p in model.metadata_props if p.key == "myoprosthesis.contract")
    contract = json.loads(text.value)
    action = contract["action"]
    if fault == "no contract":
        model.metadata_props.remove(text)
    elif fault == "contract cut":
        text.value = text.value[:-20]
    elif fault == "too many muscles":
        for key, extra in (("names", "m_extra"), ("low", 0.0), ("high", 1.0)):
            action[key].append(extra)
    elif fault == "one muscle less":
        for key in ("names", "low", "high"):
            action[key].pop()
        _narrow(model, len(action["names"]))
    elif fault == "renamed muscle":
        action["names"][0] = "psoas"
    elif fault == "renamed joint":
        contract["observation"][0]["channels"][0] = "hinge"
    elif fault == "permuted":
        order = np.roll(np.arange(len(action["names"])), 1)
        _permute(model, order)
        for key in ("names", "low", "high"):
            action[key] = [action[key][i] for i in order]
    elif fault == "returns NaN":
        model.graph.node.append(helper.make_node("Sub", ["raw", "nan"], ["action"]))
        _rename_action(model)
        model.graph.initializer.append(numpy_helper.from_array(np.float32(np.nan), "nan"))
    elif fault == "NaN once moving":  # sqrt of minus the sum of squares of what is observed
        model.graph.node.extend(
            [
                helper.make_node("ReduceSumSquare", ["observation"], ["square"], keepdims=1),
                helper.make_node("Neg", ["square"], ["minus"]),
                helper.make_node("Sqrt", ["minus"], ["nan"]),
                helper.make_node("Add", ["raw", "nan"], ["action"]),
            ]
        )
        _rename_action(model)
    elif fault == "hangs once it goes":  # loops for ever while what it observes last, the go signal, is 1
        info, last = helper.make_tensor_value_info, contract["observation"][-1]["channels"]
        assert last == ["go"]
        size = sum(len(t["channels"]) for t in contract["observation"])
        body = helper.make_graph(
            [helper.make_node("Identity", ["c"], ["c_out"]), helper.make_node("Identity", ["v"], ["v_out"])],
            "body",
            [info("i", TensorProto.INT64, []), info("c", TensorProto.BOOL, []), info("v", TensorProto.FLOAT, None)],
            [info("c_out", TensorProto.BOOL, []), info("v_out", TensorProto.FLOAT, None)],
        )
        model.graph.node.extend(
            [
                helper.make_node("Gather", ["observation", "last"], ["went"], axis=1),
                helper.make_node("ReduceSum", ["went"], ["sum"], keepdims=0),
                helper.make_node("Equal", ["sum", "one"], ["loops"]),
                helper.make_node("Loop", ["", "loops", "raw"], ["action"], body=body),
            ]
        )
        _rename_action(model)
        model.graph.initializer.extend(
            [
                numpy_helper.from_array(np.array([size - 1], np.int64), "last"),
                numpy_helper.from_array(np.float32(1.0), "one"),
            ]
        )
    elif fault in ("external weights", "external constant"):
        tensor = TensorProto(name="outside", data_type=TensorProto.FLOAT, dims=[1])
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../../etc/passwd")
        if fault == "external weights":
            model.graph.initializer.append(tensor)
        else:
            model.graph.node.insert(0, helper.make_node("Constant", [], ["outside"], value=tensor))
    elif fault == "fails when run":
        model.graph.node.append(helper.make_node("Reshape", ["raw", "nowhere"], ["action"]))
        _rename_action(model)
        model.graph.initializer.append(numpy_helper.from_array(np.array([7, 7], np.int64), "nowhere"))
    elif fault == "another shape":  # which no inference of shapes can foretell
        model.graph.node.append(helper.make_node("Compress", ["raw", "pick"], ["action"], axis=1))
        _rename_action(model)
        pick = np.arange(len(action["names"])) > 0
        model.graph.initializer.append(numpy_helper.from_array(pick, "pick"))
    elif fault == "unknown operator":
        model.graph.node.append(helper.make_node("Conjure", ["raw"], ["action"], domain="magic"))
        model.opset_import.append(helper.make_opsetid("magic", 1))
        _rename_action(model)
    elif fault == "odd period":
        contract["dt"] = 0.0123
    elif fault == "another format":
        contract["format"] = 99
    else:
        raise ValueError(fault)
    if fault not in ("no contract", "contract cut"):
        text.value = json.dumps(contract)
    return bytes(model.SerializeToString())


def _rename_action(model: Any) -> None:
    """Let the network's own output be called `raw`, so that the node appended last makes `action`."""
    for node in model.graph.node:
        if node.output[0] == "action" and "raw" not in node.input:
            node.output[0] = "raw"


def _permute(model: Any, order: Any) -> None:
    from onnx import numpy_helper

    for tensor in model.graph.initializer:
        if tensor.name in ("w_out", "b_out"):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[order], tensor.name))


def _narrow(model: Any, n: int) -> None:
    from onnx import numpy_helper

    for tensor in model.graph.initializer:
        if tensor.name in ("w_out", "b_out"):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[:n], tensor.name))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = n
