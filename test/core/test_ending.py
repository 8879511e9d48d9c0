"""A process that is told to end is gone within seconds, whatever it does."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

BUSY = {
    "in a library": "import hashlib; hashlib.pbkdf2_hmac('sha256', b'x', b'y', 2**31 - 1)",
    "with a handler that only notes": "signal.signal(signal.SIGINT, noted); signal.signal(signal.SIGTERM, noted)\n"
    "    while True: time.sleep(0.01)",
    "with a wish to go on": "\n    while True:\n        try: time.sleep(60)\n        except BaseException: pass",
}


def told(script: str, number: int, *more: str) -> tuple[int, float]:
    """Status of a script that is told to end once it has said so, and how long that took."""
    process = subprocess.Popen([sys.executable, "-c", script, *more], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "now\n"
        time.sleep(0.2)
        process.send_signal(number)
        began = time.monotonic()
        return process.wait(30), time.monotonic() - began
    finally:
        process.kill()
        process.wait()


HEAD = "import signal, time\nfrom myoprosthesis.core.ending import allow, bounded_end\ndef noted(*_): pass\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("busy", BUSY.values(), ids=BUSY)
def test_what_does_not_end_by_itself_is_ended(busy, number):
    script = f"{HEAD}with bounded_end(0.5):\n    print('now', flush=True)\n    {busy}"
    status, seconds = told(script, number)
    assert status in (128 + number, -number) and seconds < 15.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_waits_in_a_library_is_woken(number):
    script = (
        "import ctypes, signal, sys, time\nfrom myoprosthesis.core.ending import bounded_end, wake_by\n"
        "c, door = ctypes.CDLL(None), ctypes.create_string_buffer(64)\nc.pthread_mutex_lock(door)\n"
        "for n in (signal.SIGINT, signal.SIGTERM): signal.signal(n, lambda *_: sys.exit(7))\n"
        "with bounded_end(20.0):\n    wake_by(lambda: c.pthread_mutex_unlock(door))\n    print('now', flush=True)\n"
        "    while True: c.pthread_mutex_lock(door)"
    )
    status, seconds = told(script, number)
    assert status == 7 and seconds < 10.0


def test_an_end_that_was_given_more_time_takes_it():
    script = (
        (
            f"{HEAD}import sys\nwith bounded_end(0.3):\n    try:\n        print('now', flush=True); time.sleep(60)\n"
            "    except KeyboardInterrupt:\n        pass\n    sys.exit(7)"
        )
        .replace("print('now'", "allow(20.0); print('now'")
        .replace("        pass\n", "        time.sleep(1.0)\n")
    )
    status, seconds = told(script, signal.SIGINT)
    assert status == 7 and seconds >= 1.0


def test_a_program_that_goes_on_afterwards_is_left_alone():
    script = (
        f"{HEAD}with bounded_end(0.2):\n    pass\nsignal.signal(signal.SIGINT, noted)\nprint('now', flush=True)\n"
        "until = time.monotonic() + 1.5\nwhile time.monotonic() < until: time.sleep(0.05)\nraise SystemExit(5)"
    )
    assert told(script, signal.SIGINT)[0] == 5


COMMANDS = {
    "up": ("myoprosthesis.cli.up", "describe", ["up", "reach"]),
    "session check": ("myoprosthesis.cli.session", "check", ["session", "check", "adaptation"]),
    "while the words load": ("myoprosthesis.cli.main", "parser", ["policies"]),
}


@pytest.mark.parametrize(("module", "name", "words"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_whose_work_hangs_ends(module, name, words):
    """Work that swallows the interrupt, as a library that is being imported may."""
    script = (
        f"import sys, time\nimport {module} as m\nfrom myoprosthesis.cli import main\n"
        "def hang(*_, **__):\n    print('now', flush=True)\n"
        "    while True:\n        try: time.sleep(60)\n        except BaseException: pass\n"
        f"m.{name} = hang\nmain.main({words!r})"
    )
    status, seconds = told(script, signal.SIGINT)
    assert status == 130 and seconds < 20.0


@pytest.mark.parametrize(("context", "status"), [("end_at_once()", -signal.SIGINT), ("bounded_end(20.0)", 3)])
def test_a_library_that_is_interrupted_while_it_is_loaded_ends_the_process_without_its_own_error(context, status):
    """Numpy makes an ImportError of the interrupt; here it is status 3."""
    script = (
        "import sys, time\nfrom myoprosthesis.core.ending import bounded_end, end_at_once\n"
        f"with {context}:\n    print('now', flush=True)\n"
        "    try: time.sleep(20)\n    except KeyboardInterrupt: sys.exit(3)\n"
    )
    assert told(script, signal.SIGINT)[0] == status
