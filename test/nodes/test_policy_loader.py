"""Swaps of policies without a graph: the newest request counts, and every failure is told."""

import threading
import time
from types import SimpleNamespace

import pytest

from myoprosthesis.nodes.policy_loader import PolicyLoader

WAIT_S = 20.0


class Told:
    """A `SwapListener` that keeps what it is told."""

    def __init__(self):
        self.events, self.woken, self._changed = [], [], threading.Condition()

    def _add(self, *event):
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def swap_loading(self, name):
        self._add("loading", name)

    def swap_ready(self, name):
        self._add("ready", name)

    def swap_done(self):
        self._add("done")

    def swap_refused(self, name, why, newest):
        self._add("refused", name, why, newest)

    def until(self, *kinds):
        with self._changed:
            assert self._changed.wait_for(lambda: [e[0] for e in self.events] == list(kinds), WAIT_S), self.events


class Loop:
    """What a loop does with a switch is up to the test."""

    def __init__(self):
        self.switches, self.cancelled = [], 0
        self.shadows = []
        self.switcher = SimpleNamespace(fit=lambda name, policy: controller(name))

    def switch(self, controller, done, failed):
        self.switches.append((controller.name, done, failed))

    def request(self, function):
        function()

    def cancel_switch(self):
        self.cancelled += 1

    def set_shadow(self, controller, done, failed):
        self.shadows.append(controller)
        done()


@pytest.fixture
def made():
    told = Told()
    return told, Loop(), PolicyLoader(told, lambda function: function(), lambda: told.woken.append(1))


def controller(name):
    return SimpleNamespace(name=name)


def test_a_loaded_policy_is_ready_then_done(made):
    told, loop, swaps = made
    swaps.swap(loop, "second", controller("second"))
    told.until("loading", "ready")
    assert swaps.pending == "second" and told.woken == [1]
    ((name, done, _),) = loop.switches
    done()
    told.until("loading", "ready", "done")
    assert name == "second" and swaps.pending == ""


def test_of_two_requests_the_newest_counts(made):
    told, loop, swaps = made
    for name in ("second", "third"):
        swaps.swap(loop, name, controller(name))
        told.until(*["loading", "ready"] * (1 + (name == "third")))
    (_, done, failed), (_, newest, _) = loop.switches
    failed("it returned NaN")
    assert told.events[-1] == ("refused", "second", "it returned NaN", False) and swaps.pending == "third"
    done()
    assert told.events[-1][0] == "refused"
    newest()
    assert told.events[-1] == ("done",) and swaps.pending == ""


def test_a_policy_that_is_nowhere_is_refused_and_nothing_is_switched(made):
    told, loop, swaps = made
    swaps.swap(loop, "nowhere")
    told.until("loading", "refused")
    _, name, why, newest = told.events[-1]
    assert name == "nowhere" and "unknown policy 'nowhere'" in why and newest and not loop.switches


def test_a_request_that_is_taken_back_is_cancelled_in_the_loop(made):
    told, loop, swaps = made
    swaps.swap(loop, "second", controller("second"))
    told.until("loading", "ready")
    swaps.cancel(loop)
    assert loop.cancelled == 1 and swaps.pending == ""


def test_what_is_being_handed_over_is_cancelled_after_it_and_not_before(made):
    _, loop, swaps = made
    order, began = [], threading.Event()

    def switch(controller, done, failed):
        began.set()
        time.sleep(0.3)
        order.append("switch")

    loop.switch, loop.request = switch, lambda function: order.append("cancel")
    swaps.swap(loop, "second", controller("second"))
    assert began.wait(WAIT_S)
    swaps.cancel(loop)
    assert order == ["switch", "cancel"]


def test_a_shadow_that_is_nowhere_is_told_with_its_name(made):
    _, loop, swaps = made
    words, came = [], threading.Event()
    swaps.set_shadow(loop, "nowhere", lambda: None, lambda why: (words.append(why), came.set()))
    assert came.wait(WAIT_S) and words[0].startswith("shadow 'nowhere': unknown policy") and not loop.shadows


def test_of_two_shadows_the_newest_counts_however_long_the_first_takes_to_load(made, monkeypatch):
    _, loop, swaps = made
    loaded, came, outcomes = threading.Event(), threading.Event(), []
    monkeypatch.setattr("myoprosthesis.nodes.policy_loader.store.find", lambda name: loaded.wait(WAIT_S) and name)
    monkeypatch.setattr("myoprosthesis.nodes.policy_loader.OnnxPolicy", lambda file: SimpleNamespace())
    swaps.set_shadow(loop, "slow", lambda: outcomes.append("slow"), outcomes.append)
    (slow,) = (t for t in threading.enumerate() if t.name == "shadow")
    swaps.set_shadow(loop, "", lambda: (outcomes.append("none"), came.set()), outcomes.append)
    assert came.wait(WAIT_S)
    loaded.set()
    slow.join(WAIT_S)
    assert loop.shadows == [None] and outcomes == ["none"]
