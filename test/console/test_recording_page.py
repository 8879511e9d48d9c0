"""The page on a recording: the body where it was, at any time, also of one that was cut off."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

import numpy as np
import pytest

from myoprosthesis.console.frame_packer import HEAD

from .conftest import Console, Page


@pytest.fixture(scope="module")
def recording(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown") / "reach"
    done = command(
        "up", "reach", "--lockstep", "--trials", "2", "--perturbation", "curl_cw", "--record", str(folder), "--quiet"
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def opened(begin, recording):
    import subprocess

    def open_(*words: str) -> tuple[Any, Console]:
        process = begin("console", "open", *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lines = iter(process.stdout.readline, "")
        line = next(text for text in lines if "http://" in text or "error:" in text)
        found = re.search(r"http://\S+#\S+", line)
        return process, Console(None, found[0]) if found else line

    return open_


def seek(page: Page, at: Any) -> tuple[float, np.ndarray]:
    n = len(page.frames)
    page.socket.send(json.dumps({"do": "seek", "at": at}))
    page.until(lambda: len(page.frames) > n)
    *_, now = HEAD.unpack_from(page.frames[-1])
    return now, np.frombuffer(page.frames[-1], "<f4", offset=HEAD.size)


def test_each_time_has_its_state_its_target_and_its_load(opened, recording):
    from myoprosthesis.films import recorded_motion
    from myoprosthesis.recording.bag import Bag

    motion = recorded_motion.read(Bag(recording))
    process, console = opened(str(recording))
    page = console.socket()
    hello = page.newest("hello")
    assert hello["role"] == "look" and hello["recording"]["seconds"] == pytest.approx(motion.seconds)
    assert [c["key"] for c in page.newest("scene")["curves"]] == ["error", "activation", "joints"]
    ends = [motion.channels.index(f"endpoint/{axis}") for axis in "xyz"]
    for at in (0.0, 0.7, motion.seconds, 0.3):
        now, values = seek(page, at)
        ns = int(motion.stamps_ns[0]) + round(at * 1e9)
        row = motion.row(ns)
        assert now == pytest.approx(at, abs=1e-6)
        assert values[:3] == pytest.approx(motion.positions[row, ends], abs=1e-6)
        assert values[3:6] == pytest.approx(motion.loads[row], abs=1e-5)
        target = motion.targets(ns).get("endpoint", np.full(3, np.nan))
        assert values[6:9] == pytest.approx(target, abs=1e-6, nan_ok=True)
    assert np.abs(motion.loads).max() > 0.1
    assert seek(page, 1e9)[0] == pytest.approx(motion.seconds)
    for wrong in ('{"do": "seek"}', '{"do": "seek", "at": "x"}', '{"do": "estop"}', '{"do": "seek", "at": 1e999}'):
        page.socket.send(wrong)
    page.until(lambda: sum(t["kind"] == "answer" and not t["ok"] for t in page.texts) == 4)
    page.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(20.0) == 0


def test_the_slider_shows_the_body_at_its_time(opened, recording, chromium):
    process, console = opened(str(recording))
    tab = chromium.tab()
    tab.open(console.address)
    tab.until("document.body.dataset.scene === 'arm26' && +document.body.dataset.frames > 0")
    tab.run("(() => { const s = document.querySelector('#slider'); s.value = 1.0; s.oninput(); })()")
    tab.until("document.querySelector('#caption').textContent.startsWith('1.00 s')")
    assert "trial" in tab.until("document.querySelector('#state').textContent")
    tab.click("#play")
    tab.until(
        "document.querySelector('#play').textContent === 'play' && +document.querySelector('#slider').value > 1.5"
    )
    assert tab.run("document.querySelector('#controls').hidden && document.querySelector('#stopping').hidden")
    tab.close()


def test_one_that_was_cut_off_is_shown_as_far_as_it_goes(opened, recording, tmp_path):
    import shutil

    cut = tmp_path / "cut"
    shutil.copytree(recording, cut)
    file = next(cut.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    _, console = opened(str(cut))
    page = console.socket()
    about = page.newest("hello")["recording"]
    assert about["faults"] and about["seconds"] > 0.1
    assert np.isfinite(seek(page, about["seconds"] / 2)[1][:3]).all()
    page.close()


def test_a_recording_without_the_body_is_refused_in_one_sentence(command_here, recording, tmp_path):
    assert command_here("console", "open", str(tmp_path)).returncode == 2
    done = command_here("console", "open", str(recording), "--effector", "myohand")
    assert done.returncode == 2 and "drawn from" in done.stderr and done.stderr.count("error:") == 1
