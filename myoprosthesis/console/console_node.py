"""Console node: a page in a browser that shows a running stack and steers it. It knows topics, parameters, services."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from myoprosthesis.console import controls
from myoprosthesis.console.access import LOOK, STEER, keep_tokens, kept_tokens
from myoprosthesis.console.frame_packer import FramePacker
from myoprosthesis.console.job_thread import JobThread
from myoprosthesis.console.live_streams import EmgSignals, LiveStreams
from myoprosthesis.console.page_messages import packed_meshes, scene
from myoprosthesis.console.recording_control import RecordingControl
from myoprosthesis.console.server import Browser, ConsoleServer
from myoprosthesis.console.stack_body import stack_body
from myoprosthesis.console.status_view import status_view
from myoprosthesis.core.domain import domain_id
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.errors import ConfigError, MyoError, Refused
from myoprosthesis.core.options import option
from myoprosthesis.core.private import stack_name
from myoprosthesis.nodes import stop_socket, topics
from myoprosthesis.nodes.lifecycle_states import LifecycleStates
from myoprosthesis.nodes.node_main import Node, run
from myoprosthesis.nodes.parameters import declare, read
from myoprosthesis.nodes.stop_caller import StopCaller
from myoprosthesis.nodes.subscription import subscribe
from myoprosthesis.nodes.timers import every
from myoprosthesis.stack.client import StackClient
from myoprosthesis.stack.monitor import StatusSubscriptions

REVIEW_S = 0.5
"""How often it is looked at whether pages are open, and they are told the stack's health."""
TRIALS = 16
"""Trials that are remembered: the page shows the newest, and how many there were."""
STATES_S = 2.0
"""How often the lifecycle states of the nodes are asked for."""
SETTLE_S = 0.2
"""For which reports that came meanwhile are taken in before a control is carried out."""
RESUME_HERE = (
    "an emergency stop is taken off on the machine of the console only: myoprosthesis resume there, or open the page "
    "through a tunnel to it"
)
NO_BODY = "its body cannot be drawn: "


@dataclass(frozen=True)
class ConsoleNodeOptions:
    """Parameters of the console node."""

    port: int = option(8770, "port of the page; the next free one where it is taken", "", 1024, 65535)
    network: bool = option(
        False, "let browsers on other machines open the page; unencrypted: whoever reads the network reads the token"
    )
    fps: float = option(30.0, "pictures a second", "1/s", 1.0, 60.0)


class ConsoleNode(Node):
    """Serves the page; what it computes it computes for pages that are open.

    Its threads: the executor (reports, once a page is open also lifecycle states), the server, one that packs frames,
    one that carries out controls one after another, and one that asks for the emergency stop past all of them.
    """

    def __init__(self) -> None:
        super().__init__("console")
        declare(self, ("", ConsoleNodeOptions))
        self._options = read(self, ConsoleNodeOptions)
        self._following = StatusSubscriptions(self, TRIALS, polled=True)
        self._states = LifecycleStates(self)
        self._stop_caller = StopCaller(self)
        self._spec: EffectorSpec | None = None
        self._emg = EmgSignals()
        self._streams: LiveStreams | None = None
        self._packer: FramePacker | None = None
        self._scene, self._why, self._shown = "", "", -1
        self._meshes = b""
        self._showing = threading.Lock()
        self._stack: StackClient | None = None
        self._recording = RecordingControl(self.get_namespace())
        self._open, self._closed = threading.Event(), threading.Event()
        self._asked_s = self._reported_s = 0.0
        self._reported: Any = None
        self._jobs, self._stops = JobThread("console jobs"), JobThread("console stop")
        place = stack_name(domain_id(), self.get_namespace())
        tokens = kept_tokens(place)
        port = self._options.port
        self._pages_changed = self.create_guard_condition(self._review)
        self._server = ConsoleServer(
            tokens.port or port, self._options.network, tokens, self._received, self._joined, self._counted
        )
        try:
            keep_tokens(place, self._server.tokens)
        except (OSError, ConfigError) as error:
            self.get_logger().warning(f"a page that is open will not outlive a restart of the console: {error}")
        if self._server.port not in (port, tokens.port):
            print(f"port {port} is in use, {self._server.port} is taken instead", flush=True)
        print(f"open {self._server.address} in a browser to see the stack and to steer it", flush=True)
        if self._options.network:
            print(
                "the page is open to the network, unencrypted: whoever has its address steers the stack, whoever reads "
                "the network can read it",
                flush=True,
            )
        subscribe(self, topics.SPEC, lambda m: EffectorSpec.from_json(m.data), self._on_spec)
        subscribe(self, topics.EMG_SPEC, lambda m: EmgSignals.from_json(m.data), self._on_emg)
        every(self, REVIEW_S, self._review)
        self._frames = threading.Thread(target=self._pack, name="console frames", daemon=True)
        self._frames.start()

    def close(self) -> None:
        """End the server and what was begun from the page."""
        self._closed.set()
        self._open.set()
        self._server.close()
        self._frames.join(2.0)
        self._jobs.close(1.0)
        self._stops.close(0.1)
        self._recording.close()
        if self._stack is not None:
            self._stack.close()

    # -- the graph, in the executor's thread ----------------------------------------------------------------------

    def _on_spec(self, spec: EffectorSpec) -> None:
        if spec != self._spec:
            self._spec = spec
            self._jobs.add(self._build)

    def _on_emg(self, emg: EmgSignals) -> None:
        if emg != self._emg:
            self._emg = emg
            if self._spec is not None:
                self._jobs.add(self._build)

    def _review(self) -> None:
        """Subscribe while a page is open, and tell the pages how the stack is."""
        now = time.monotonic()
        self._following.take()
        if (effector := self._following.status.effector) is not self._reported:
            self._reported, self._reported_s = effector, now
        self._following.changed_parameters()
        if not self._open.is_set():
            if self._streams is not None:
                self._streams.close()
                self._streams = None
            return
        if self._streams is None or self._streams.emg != self._emg:
            if self._streams is not None:
                self._streams.close()
            self._streams = LiveStreams(self, self._emg)
        if now - self._asked_s >= STATES_S:
            self._asked_s = now
            self._states.ask()
        view = status_view(self._following.status, self._states.states, now - self._reported_s)
        self._server.tell(json.dumps({**view, "recording": self._recording.folder}))

    # -- pages, in the server's thread ----------------------------------------------------------------------------

    def _counted(self, pages: int) -> None:
        (self._open.set if pages else self._open.clear)()
        self._pages_changed.trigger()

    def _joined(self, browser: Browser) -> None:
        steers = browser.role == STEER
        hello = {
            "kind": "hello",
            "role": browser.role,
            "namespace": self.get_namespace(),
            "look": self._server.look_path if steers else "",
        }
        browser.put(json.dumps(hello))
        if self._scene:
            browser.put(self._scene)
            browser.put(self._meshes)
        self._add(self._jobs, browser, None, self._connect)
        if steers:
            self._add(self._jobs, browser, None, lambda: self._tell_choices(browser))

    def _received(self, browser: Browser, data: dict[str, Any]) -> None:
        """One message of a page: the emergency stop at once and from every role, all else from those that steer."""
        name, number = data.get("do"), data.get("id")
        if name == stop_socket.STOP:
            self._answer(self._stops, browser, number, lambda: self._stop_caller.ask(stop_socket.STOP))
            return
        if browser.role == LOOK:
            self._reply(browser, number, Refused("this page may look only: open the address that steers for this"))
        elif name == stop_socket.RESUME and not browser.local:
            self._reply(browser, number, Refused(RESUME_HERE))
        elif name == stop_socket.RESUME:
            self._answer(self._stops, browser, number, lambda: self._stop_caller.ask(stop_socket.RESUME))
        elif name == "record":
            folder = str(data.get("folder") or "")
            self._answer(self._jobs, browser, number, lambda: self._recording.start(folder, self._recorded()))
        elif name == "end_recording":
            self._answer(self._jobs, browser, number, self._end_recording)
        else:
            try:
                work = controls.read_control(data)
            except MyoError as error:
                self._reply(browser, number, error)
                return
            self._answer(self._jobs, browser, number, lambda: work(self._connected()))

    def _answer(self, jobs: JobThread, browser: Browser, number: Any, work: Callable[[], str]) -> None:
        """Do this in a thread of its own, and tell the page what came of it."""

        def job() -> None:
            try:
                self._reply(browser, number, work())
            except MyoError as error:
                self._reply(browser, number, error)

        self._add(jobs, browser, number, job)

    def _add(self, jobs: JobThread, browser: Browser, number: Any, job: Callable[[], None]) -> None:
        try:
            jobs.add(job)
        except Refused as error:
            self._reply(browser, number, error)

    def _reply(self, browser: Browser, number: Any, outcome: str | MyoError) -> None:
        number = number if isinstance(number, int) else None
        text = {"kind": "answer", "id": number, "ok": not isinstance(outcome, MyoError), "text": str(outcome)}
        self._server.tell(json.dumps(text), browser)

    # -- jobs, one after another ----------------------------------------------------------------------------------

    def _connect(self) -> None:
        """Join the graph to steer, so that the services are known before a control needs them."""
        if self._stack is None:
            self._stack = StackClient(self.get_namespace(), "console_client", TRIALS)

    def _client(self) -> StackClient:
        self._connect()
        assert self._stack is not None
        return self._stack

    def _connected(self) -> StackClient:
        """The client, which has taken in what came meanwhile."""
        client = self._client()
        client.spin(SETTLE_S)
        return client

    def _recorded(self) -> str:
        """The folder into which the stack itself is recorded; empty: none."""
        report = self._following.status.recorder
        return str(report.get("folder", "")) if report is not None else ""

    def _end_recording(self) -> str:
        folder = self._recording.folder
        text = self._recording.stop()
        self._following.status.recorders.pop(folder, None)
        return text

    def _blend_s(self) -> float | None:
        """How long a swap takes now, s; None where no policy node says it."""
        stack = self._connected()
        try:
            return stack.get("policy", ["blend_s"]).get("blend_s") if stack.has("policy") else None
        except ConfigError:
            return None

    def _tell_choices(self, browser: Browser) -> None:
        choices = {
            "kind": "choices",
            "policies": controls.policy_list(),
            "perturbations": controls.perturbation_list(),
            "effectors": controls.effector_list(),
            "forms": controls.forms(),
            "blend_s": self._blend_s(),
        }
        self._server.tell(json.dumps(choices), browser)

    def _build(self) -> None:
        """Make the picture of the effector that the graph tells of."""
        spec, emg = self._spec, self._emg
        if spec is None:
            return
        shapes, why = None, ""
        try:
            shapes = stack_body(spec, self._client)
        except MyoError as error:
            why = f"{NO_BODY}{error}"
        packer, meshes = FramePacker(spec, shapes, LiveStreams.curves(emg)), packed_meshes(shapes)
        with self._showing:
            self._packer, self._why, self._meshes = packer, why, meshes
            self._show(packer)
            self._server.tell(meshes)

    def _show(self, packer: FramePacker) -> None:
        """Tell the pages how the frames of this packer are laid out."""
        self._scene, self._shown = scene(packer, self._why), packer.layout
        self._server.tell(self._scene)

    # -- frames ---------------------------------------------------------------------------------------------------

    def _pack(self) -> None:
        """While a page is open, one frame of the newest state for all of them, at an even pace."""
        period, due = 1.0 / self._options.fps, time.monotonic()
        while not self._closed.is_set():
            self._open.wait()
            due = max(due + period, time.monotonic())
            if self._closed.wait(max(0.0, due - time.monotonic())):
                return
            streams, packer = self._streams, self._packer
            newest = streams.newest() if streams is not None else None
            if newest is None or packer is None:
                continue
            try:
                frame = packer.pack(*newest)
            except MyoError as error:
                self.get_logger().error(str(error), throttle_duration_sec=10.0)
                continue
            with self._showing:
                if packer.layout != self._shown and packer is self._packer:
                    self._show(packer)
            self._server.broadcast(frame)


def main() -> None:
    """Entry point of the executable `console_node`."""
    run(ConsoleNode, sys.argv)


if __name__ == "__main__":
    main()
