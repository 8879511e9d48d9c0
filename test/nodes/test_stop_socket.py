"""The emergency stop over a local socket: at once, for one effector, for this user only."""

import os
import socket
import sys
import threading
import time

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.nodes import stop_socket
from myoprosthesis.nodes.emergency_stop import RELAXED
from myoprosthesis.nodes.stop_socket import RESUME, STOP, StopServer, request

pytestmark = [
    pytest.mark.realtime,
    pytest.mark.skipif(sys.platform != "linux", reason="Linux's abstract sockets"),
]


@pytest.fixture
def server():
    """Servers that are closed at the end; each keeps what it was told."""
    made = []

    def serve(namespace, answer="done"):
        told = []

        def act(stop):
            told.append(stop)
            if isinstance(answer, Exception):
                raise answer
            return answer

        made.append(StopServer(namespace, act))
        return told

    yield serve
    for one in made:
        one.close()
        one.close()


def test_each_request_reaches_the_effector_of_its_namespace(server):
    left, right = server("left", "left is stopped"), server("lab/right")
    assert request("left", STOP) == "left is stopped" and request("/left/", RESUME) == "left is stopped"
    assert left == [True, False] and right == []
    assert request("lab/right", STOP) == "done" and right == [True]


def test_nobody_there_is_none_and_so_is_another_domain(server, monkeypatch):
    assert request("nowhere", STOP) is None
    server("here")
    monkeypatch.setenv("ROS_DOMAIN_ID", str(int(os.environ["ROS_DOMAIN_ID"]) + 101))
    assert request("here", STOP) is None


def test_long_namespaces_are_not_taken_for_each_other(server):
    one, two = server("a" * 200), server("a" * 201)
    request("a" * 200, STOP)
    assert (one, two) == ([True], [])


def test_a_refusal_is_the_effector_s_own_sentence(server):
    server("", ConfigError("the control loop has not answered"))
    with pytest.raises(ConfigError, match="^the control loop has not answered$"):
        request("", STOP)
    with pytest.raises(ConfigError, match="unknown request 'dance'"):
        request("", "dance")


def test_a_silent_client_does_not_keep_others_waiting(server):
    told = server("")
    silent = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    silent.connect(stop_socket._address("", "effector"))
    assert request("", STOP) == "done" and told == [True]
    silent.close()


def test_another_user_is_neither_answered_nor_believed(server, monkeypatch):
    told = server("")
    monkeypatch.setattr(stop_socket, "_trusted", lambda peer: False)
    assert request("", STOP) is None and told == []


def test_an_effector_that_does_not_answer_is_told_as_such_and_not_as_absent(server, monkeypatch):
    monkeypatch.setattr(stop_socket, "ANSWER_S", 0.2)
    let_go = threading.Event()
    slow = StopServer("slow", lambda stop: str(let_go.wait(5.0)))
    try:
        with pytest.raises(ConfigError, match="/slow/effector was asked to estop and has not answered within 0.2 s"):
            request("slow", STOP)
    finally:
        let_go.set()
        slow.close()


def test_one_address_one_effector(server):
    server("")
    with pytest.raises(ConfigError, match="emergency stop of /effector cannot be served locally"):
        server("")


def test_a_running_effector_is_in_its_fail_state_when_the_answer_comes(start):
    """Also the parameter follows, from which the effector is started again."""
    stack = start(effector="point_mass", namespace="halt")
    try:
        stack.ready()
        began = time.monotonic()
        assert request("halt", STOP) == RELAXED
        assert time.monotonic() - began < 5.0
        assert stack.report()["idle"] == "emergency stop" and stack.probe.get("effector", "stopped") is True
        assert request("halt", STOP) == RELAXED and stack.report()["events"]["estop"] == 1
        assert request("halt", RESUME) == "resumed"
        assert not stack.report()["stopped"] and stack.probe.get("effector", "stopped") is False
    finally:
        stack.close()


def test_an_effector_that_is_not_configured_is_stopped_when_it_comes_up(start):
    stack = start(effector="point_mass", namespace="down", only=("effector",))
    try:
        assert stack.until(lambda: stack.diagnostics)
        assert stack.probe.change("effector", "deactivate") and stack.probe.change("effector", "cleanup")
        assert request("down", STOP) == "stopped until resume"
        assert stack.until(lambda: stack.probe.get("effector", "stopped"))
        assert stack.probe.change("effector", "configure") and stack.report()["stopped"]
    finally:
        stack.close()
