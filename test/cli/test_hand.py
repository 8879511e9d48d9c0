"""`hand …` and `emulate` as a person uses them."""

from __future__ import annotations

import re
import threading
import time

import numpy as np
import pytest

from myoprosthesis import testing
from myoprosthesis.cli.main import main
from myoprosthesis.core import registry
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.hands import data_sheets


def run(*words):
    with pytest.raises(SystemExit) as caught:
        main([*map(str, words)])
    return caught.value.code


def test_hands_are_listed_with_what_they_do_in_doubt_and_in_silence(capsys):
    assert run("hand", "list") == 0
    out = " ".join(capsys.readouterr().out.split())
    for name in data_sheets.names():
        data = data_sheets.load(name)
        assert f"fail state: {data.fail}; without commands it: {data.when_silent}" in out
    assert "leaves API mode after 300 ms" in out and "keeps its last target for ever" in out


def test_a_check_says_what_a_finger_presses_with_and_what_a_silent_hand_does(capsys, monkeypatch):
    monkeypatch.setattr(testing, "check_hand_protocol", lambda *_: {"stuck_current": 0.4, "stuck_force": 4.0})
    owner = {f"owner_{event}_{what}": 0.05 for event in ("killed", "stopped") for what in ("found", "step")}
    monkeypatch.setattr(testing, "check_hand_owner", lambda _: owner)
    sheet = data_sheets.load("inspire_rh56")
    limit = max(sheet.joints, key=lambda j: j.part == "index")
    assert not limit.current_limit and limit.force_limit
    assert run("hand", "check", "inspire_rh56") == 0
    out = " ".join(capsys.readouterr().out.split())
    pressed = f"0.40 A (not limited here) and 4.0 N (limit {limit.force_limit:g} N)"
    assert f"a finger that meets something presses on with {pressed}" in out
    assert f"the process that has its port dead too, the hand: {sheet.when_silent}" in out


def test_an_overload_is_seen_said_and_cleared(capsys, tmp_path):
    hand = registry.factory("emulators", "inspire_rh56")(data_sheets.load("inspire_rh56"))
    with EmulatedPort(hand) as port:
        assert run("hand", "reboot", "--hand", "inspire_rh56", "--port", port.path) == 0
        assert "has no fault: nothing was cleared" in capsys.readouterr().out
        port.fault("overload")
        while not port.events:
            time.sleep(0.01)
        assert run("hand", "reboot", "--hand", "inspire_rh56", "--port", port.path) == 0
        assert capsys.readouterr().out.startswith("cleared: index draws too much current; the hand is limp")
    assert run("hand", "reboot", "--hand", "rohand", "--port", tmp_path / "none") == 2
    assert "OYMotion ROHand has no command that clears a fault: switch it off and on" in capsys.readouterr().err
    assert run("hand", "reboot", "--hand", "arm26", "--port", tmp_path / "none") == 2
    assert "unknown hand 'arm26'" in capsys.readouterr().err


def test_an_exercise_shows_its_progress_and_counts_in_words(capsys):
    hand = registry.factory("emulators", "ability_hand")(data_sheets.load("ability_hand"))
    with EmulatedPort(hand) as port:
        words = ("hand", "exercise", "--hand", "ability_hand", "--port", port.path, "--grips", "open,point")
        assert run(*words, "--speed", "6") == 0
    told = capsys.readouterr()
    assert "open: 100%" in told.err and "point: " in told.err
    assert re.search(r"\b(1 fault|[02-9] faults), (1 recovery|[02-9] recoveries)$", told.out, re.MULTILINE), told.out


def test_a_fault_on_the_way_costs_time_and_not_the_grip(capsys):
    """After a fault a hand goes on slowly, whatever speed was asked for."""
    hand = registry.factory("emulators", "ability_hand")(data_sheets.load("ability_hand"))
    with EmulatedPort(hand) as port:

        def fail():
            while np.abs(hand.motors.position[:4]).max() < 0.3:
                time.sleep(0.001)
            port.fault("silence", 0.3)

        threading.Thread(target=fail, daemon=True).start()
        words = ("hand", "exercise", "--hand", "ability_hand", "--port", port.path, "--grips", "power", "--speed", "6")
        assert run(*words) == 0, capsys.readouterr()
        assert len(port.events) == 2  # begun and over


def test_an_emulator_says_what_it_does_to_its_port(capsys, tmp_path):
    begin = threading.active_count()
    words = ("emulate", "ability_hand", "--path", tmp_path / "hand", "--fault", "unplug@0.2:0.3", "--duration", "1.2")
    assert run(*words) == 0
    out = capsys.readouterr().out
    assert "fault unplug begins: the port disappears" in out and "fault unplug is over" in out
    assert run("emulate", "leap", "--path", "127.0.0.1:6000") == 2
    assert "LEAP Hand is on a serial port" in capsys.readouterr().err
    assert run("emulate", "leap", "--fault", "overlod") == 2
    assert "unknown fault 'overlod'" in capsys.readouterr().err
    until = time.monotonic() + 10
    while threading.active_count() > begin and time.monotonic() < until:
        time.sleep(0.05)
    assert threading.active_count() <= begin
