"""The console over its sockets: what a page is sent, what it may ask, and what cannot disturb the stack."""

from __future__ import annotations

import contextlib
import json
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from myoprosthesis.console.frame_packer import HEAD

from .conftest import NS

pytestmark = pytest.mark.realtime


def values(frame: bytes) -> tuple[float, np.ndarray]:
    kind, _, _, now = HEAD.unpack_from(frame)
    assert kind == 1
    return now, np.frombuffer(frame, "<f4", offset=HEAD.size)


def subscribers(console) -> set[str]:
    found = console.stack.probe.node.get_subscriptions_info_by_topic(f"/{NS}/state")
    return {info.node_name for info in found}


# -- what is sent -----------------------------------------------------------------------------------------------------


def test_a_page_is_sent_the_body_its_curves_and_frames_that_move(page):
    scene = page.newest("scene")
    page.until(lambda: page.meshes and len(page.frames) > 40)
    assert zlib.decompress(page.meshes) == b"" and not scene["why"]  # arm26 has no meshes
    assert {c["key"]: len(c["names"]) for c in scene["curves"]} == {"error": 1, "activation": 6, "joints": 2}
    times, rows = zip(*map(values, page.frames), strict=True)
    assert (np.diff(times) > 0).all()
    curves = 9 + sum(len(c["names"]) for c in scene["curves"])
    parts = np.array([row[curves : curves + 7 * scene["shapes"]["parts"]] for row in rows])
    assert np.isfinite(parts).all() and parts.std(axis=0).max() > 1e-4
    turns = parts.reshape(len(rows), -1, 7)[:, :, 3:]
    assert np.allclose(np.linalg.norm(turns, axis=2), 1.0, atol=1e-5)


def test_a_page_sees_the_lifecycle_of_each_node_and_the_loop(page):
    nodes = page.until(
        lambda: next(
            (
                t["nodes"]
                for t in page.texts
                if t["kind"] == "status" and sum(n["state"] == "active" for n in t["nodes"]) >= 4
            ),
            None,
        )
    )
    assert {n["name"] for n in nodes} >= {"effector", "policy", "perturbation", "task"}
    effector = page.newest("status")["effector"]
    assert effector["name"] == "arm26" and effector["ticks"] > 0 and effector["dt"] == 0.01


def test_nothing_is_subscribed_to_for_a_picture_without_a_page(console):
    assert console.stack.until(lambda: "console" not in subscribers(console))
    page = console.socket()
    page.newest("hello")
    assert console.stack.until(lambda: "console" in subscribers(console))
    page.close()
    assert console.stack.until(lambda: "console" not in subscribers(console))


def test_the_choices_are_all_policies_and_perturbations_with_their_forms(page):
    choices = page.newest("choices")
    row = next(p for p in choices["policies"] if p["name"] == "reach_cw")
    assert row["effector"] == "arm26" and row["errors_mm"]["cw"]["endpoint_error_mm"] > 0
    perturbations = {p["name"]: p for p in choices["perturbations"]}
    assert {"null", "curl_cw", "curl"} <= set(perturbations)
    assert perturbations["curl_cw"]["group"] == "presets" and perturbations["curl"]["group"] == "kinds"
    assert "F = b" in perturbations["curl"]["about"]
    assert choices["forms"]["perturb"]["properties"]["gain"]["anyOf"] and choices["forms"]["swap"]["required"] == [
        "policy"
    ]


# -- what can be asked ------------------------------------------------------------------------------------------------


def test_a_swap_is_carried_out_and_said_in_the_stacks_own_words(console, page):
    assert page.ask("swap", policy="reach_cw") == (True, "reach_cw is played (before: reach_null)")
    assert console.stack.until(lambda: console.stack.status.policy.policy == "reach_cw")
    ok, text = page.ask("rollback")
    assert ok and "reach_null" in text
    assert console.stack.until(lambda: console.stack.status.policy.policy == "reach_null")


REFUSED = {
    "a policy that is not there": (("swap", {"policy": "reach_cx"}), "did you mean 'reach_cw'"),
    "a policy by a path": (("swap", {"policy": "/etc/passwd"}), "unknown policy '/etc/passwd'"),
    "a policy of another body": (("swap", {"policy": "point_mass_null"}), "commands 4 channels"),
    "a perturbation that is not there": (("perturb", {"perturbation": "curl_up"}), "unknown perturbation"),
    "one that does not act here": (("perturb", {"perturbation": "band_turned"}), "'null' stays on"),
    "a gain that turns the field": (("perturb", {"perturbation": "curl_cw", "gain": -1}), "0"),
    "an effector that is not there": (("exchange", {"effector": "nobody"}), "unknown effector 'nobody'"),
    "one that the policy does not fit": (("exchange", {"effector": "point_mass"}), "arm26 goes on"),
    "one of a file": (("exchange", {"effector": "mjcf", "option": ["file=/etc/passwd"]}), "a page names none"),
    "an unknown option": (("rollback", {"by": 2}), "unknown option 'by'"),
    "an unknown control": (("format_disk", {}), "unknown control 'format_disk'"),
    "no control": (("", {}), "unknown control"),
    "a name of a recording that leads elsewhere": (("record", {"folder": "../x"}), "named by letters"),
}


@pytest.mark.parametrize("request_, sentence", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_with_the_reason(page, request_, sentence):
    name, options = request_
    ok, text = page.ask(name, **options)
    assert not ok and sentence in text, text


def test_a_field_is_switched_on_and_acts_in_the_loop(console, page):
    ok, text = page.ask("perturb", perturbation="curl_cw", gain=5)
    assert (ok, text) == (True, "curl_cw with a gain of curl 5 (its own direction) from the next trial on")
    imposed = "curl_cw (gain 5)"
    assert console.stack.until(lambda: console.stack.diagnostics[-1]["perturbation"] == imposed)
    page.frames.clear()
    page.until(lambda: page.frames and np.abs(values(page.frames[-1])[1][3:6]).max() > 0.1)
    assert page.ask("perturb", perturbation="null")[0]


def test_an_effector_is_exchanged_and_drawn_again(console, page):
    page.newest("scene")
    n = sum(t["kind"] == "scene" for t in page.texts)
    assert page.ask("exchange", effector="arm26", option=["dt=0.002"]) == (True, "arm26 is commanded now")
    page.until(lambda: sum(t["kind"] == "scene" for t in page.texts) > n)
    page.until(lambda: page.texts[-1]["kind"] == "status" and page.texts[-1]["effector"]["dt"] == 0.002)
    assert page.ask("exchange", effector="arm26")[0]
    assert console.stack.until(lambda: console.stack.status.effector.dt == 0.01)


def test_the_task_is_held_and_its_trials_come_one_by_one(console, page):
    assert page.ask("hold_task")[0]
    over = ("end", "lost")  # a trial is lost where the machine is busy, and none follows it
    ended = console.stack.until(lambda: (console.stack.status.newest_event or ("",))[0] in over)
    assert ended, (console.stack.status.newest_event, console.stack.diagnostics[-1:], console.stack.words[-5:])
    held = console.stack.status.newest_event[1]

    def next_one() -> bool:  # the trial that was planned ahead may begin meanwhile
        return page.ask("next_trial")[0]

    assert console.stack.until(next_one)
    assert console.stack.until(lambda: console.stack.status.newest_event[1] > held)
    ok, text = page.ask("continue_task")
    assert ok and text == "trials follow each other again"
    assert "hold the task first" in page.ask("next_trial")[1]


def test_a_recording_is_begun_and_ended(console, page):
    from myoprosthesis.recording.bag import Bag

    ok, text = page.ask("record", folder=f"console_{time.time_ns()}")
    folder = Path(text.removeprefix("recording into "))
    try:
        assert ok and not page.ask("record")[0]
        report = page.until(lambda: (r := page.texts[-1].get("recorder")) and r["ready"] and r)
        page.until(lambda: (r := page.texts[-1].get("recorder")) and r["messages"] > report["messages"] + 50)
        assert report["folder"] == str(folder)
        assert page.ask("end_recording") == (True, f"recorded: {folder}")
        page.until(lambda: "recorder" in page.texts[-1] and page.texts[-1]["recorder"] is None)
        assert "recorder" not in [node["name"] for node in page.newest("status")["nodes"]]
        assert Bag(folder).topic(f"/{NS}/state").count > 10
        assert not page.ask("end_recording")[0]
    finally:
        for file in folder.rglob("*") if ok else ():
            file.unlink()
        folder.rmdir()


# -- who may ----------------------------------------------------------------------------------------------------------


def test_whoever_may_only_look_may_stop_but_neither_steer_nor_resume(console, page):
    look = page.newest("hello")["look"].partition("#")[2]
    viewer = console.socket(look)
    assert viewer.newest("hello")["role"] == "look" and viewer.newest("hello")["look"] == ""
    for name, options in (("swap", {"policy": "reach_cw"}), ("resume", {}), ("record", {})):
        ok, text = viewer.ask(name, **options)
        assert not ok and "may look only" in text
    assert viewer.ask("estop") == (True, "stopped until resume; its actuators are relaxed, and it may move on")
    viewer.until(lambda: viewer.texts[-1]["kind"] == "status" and viewer.texts[-1]["effector"]["stopped"])
    assert viewer.ask("estop")[0] and not viewer.ask("resume")[0]
    assert page.ask("resume") == (True, "resumed")
    assert console.stack.until(lambda: not console.stack.status.effector.stopped)
    viewer.close()


@pytest.mark.parametrize(
    "first", ['{"token": "x"}', "{}", "[", '{"token": null}', b"\x00\x01", '{"token": "' + "é" * 3000 + '"}']
)
def test_a_socket_without_the_right_token_is_closed(console, first):
    with connect(f"ws://{console.host}/socket") as socket:
        socket.send(first)
        with pytest.raises(ConnectionClosed) as end:
            socket.recv(10.0)
    assert end.value.rcvd.code == 4401


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}])
def test_a_page_of_another_server_opens_no_socket(console, headers):
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://{console.host}/socket", additional_headers=headers)
    assert refused.value.response.status_code == 403


def test_a_request_under_another_name_and_a_file_that_is_none_are_refused(console):
    assert console.get("/", Host="evil.example:8770")[0] == 403
    for path in ("/nothing", "/../access.py", "/vendor/../../access.py", "/%2e%2e/access.py", "/README.md"):
        assert console.get(path)[0] == 404, path
    status, headers, body = console.get("/")
    assert status == 200 and "default-src 'none'" in headers["Content-Security-Policy"]
    assert console.token.encode() not in body


def test_the_token_stands_in_no_log_and_no_parameter(console):
    printed = [w for w in console.stack.words if console.token in w]
    assert len(printed) == 1
    process = console.stack.supervisor.pids()["console"]
    arguments = Path(f"/proc/{process}/cmdline").read_text()
    assert console.token not in arguments


# -- what cannot disturb ----------------------------------------------------------------------------------------------

GARBAGE = (
    "",
    "null",
    "[]",
    "{",
    '{"do": 3}',
    '{"do": ["a"]}',
    '{"id": {}}',
    "[" * 4000,
    '{"do": "swap", "policy": NaN}',
    "\x00",
)


def test_garbage_is_answered_and_nothing_ends(page):
    for text in GARBAGE:
        page.socket.send(text)
    page.until(lambda: sum(t["kind"] == "answer" and not t["ok"] for t in page.texts) >= len(GARBAGE))
    assert page.ask("format_disk")[1].startswith("unknown control")


@pytest.mark.parametrize("flood, code", [(["x" * 9000], 1009), (["{}"] * 60, 4429)])
def test_a_page_that_sends_too_much_is_closed_and_another_goes_on(console, page, flood, code):
    greedy = console.socket()
    greedy.newest("hello")
    with pytest.raises(ConnectionClosed) as end:
        for text in flood:
            greedy.socket.send(text)
        while True:
            greedy.receive()
    assert end.value.rcvd.code == code
    n = len(page.frames)
    page.until(lambda: len(page.frames) > n + 5)


def test_frames_that_a_page_does_not_take_are_dropped():
    import asyncio

    from myoprosthesis.console.server import MOST_TEXTS, Browser

    async def fill() -> Browser:
        browser = Browser("look")
        for k in range(1000):
            browser.put_frame(bytes([k % 256]))
            browser.put(json.dumps(k))
        return browser

    browser = asyncio.run(fill())
    assert browser.frame == bytes([999 % 256]) and browser.dropped == 999
    assert len(browser.texts) == MOST_TEXTS and browser.texts[-1] == "999"


def test_a_console_that_is_killed_comes_back_under_its_address_and_the_loop_goes_on(console, page):
    console.stack.kill("console")
    before = console.stack.report()
    with pytest.raises(ConnectionClosed):
        while True:
            page.receive()
    assert console.stack.until(lambda: console.stack.restarts.get("console"))
    again = None
    end = time.monotonic() + 60.0
    while again is None and time.monotonic() < end:
        console.stack.spin(0.2)
        with contextlib.suppress(OSError):
            again = console.socket()
    assert again is not None
    again.until(lambda: again.frames)
    again.close()
    after = console.stack.report()
    assert after["ticks"] > before["ticks"] and "effector" not in console.stack.restarts
