"""Keys of the terminal: read at once where there is one, left alone elsewhere, given back as it was."""

import io
import os
import pty
import select
import subprocess
import sys
import termios
import time

import pytest

from myoprosthesis.cli.keys import Keys

READER = """
import sys, time
from myoprosthesis.cli.keys import Keys
pressed = []
with Keys(pressed.append) as keys:
    print("active" if keys.active else "idle", flush=True)
    while "q" not in pressed:
        time.sleep(0.01)
print("pressed", "".join(pressed), flush=True)
"""


class Terminal:
    """A process on a terminal of its own, in its foreground."""

    def __init__(self, *words):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.read(0, 1)  # its settings are looked at before anything in the process changes them
            os.execv(sys.executable, [sys.executable, *words])
        self.before = termios.tcgetattr(self.fd)
        os.write(self.fd, b"\n")

    def until(self, sentence, seconds=40.0):
        end = time.monotonic() + seconds
        while sentence not in self.text and time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:  # the process has ended
                    break
        assert sentence in self.text, self.text
        return self

    def type(self, keys):
        os.write(self.fd, keys)
        return self

    def end(self):
        """The exit status and whether the terminal is as it was."""
        settings = termios.tcgetattr(self.fd)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status, settings == self.before


def test_keys_come_one_by_one_without_enter_or_echo_and_the_terminal_is_given_back():
    terminal = Terminal("-c", READER).until("active").type(b" ").type(b"rq").until("pressed  rq")
    assert terminal.end() == (0, True)
    assert terminal.text.count("rq") == 1


def test_ctrl_c_still_interrupts():
    terminal = Terminal("-c", READER).until("active").type(b"\x03").until("KeyboardInterrupt")
    assert terminal.end()[1]


def test_without_a_terminal_nothing_is_read():
    done = subprocess.run(
        [sys.executable, "-c", READER.replace('while "q" not in pressed', "while False")],
        input="q", capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.splitlines() == ["idle", "pressed "]


@pytest.mark.parametrize("stdin", [None, io.StringIO("q")], ids=["closed", "replaced"])
def test_standard_input_that_is_no_file(monkeypatch, stdin):
    monkeypatch.setattr(sys, "stdin", stdin)
    with Keys(lambda key: None) as keys:
        assert not keys.active


def test_space_stops_the_effector_of_up_and_r_lets_it_go_on():
    terminal = Terminal("-m", "myoprosthesis.cli.main", "up", "--effector", "point_mass", "--quiet")
    terminal.until("keys: space stops the effector")
    terminal.type(b"x ").until("stopped until resume; its actuators are relaxed").until("emergency stop")
    terminal.type(b"r").until("r: resumed")
    terminal.type(b"\x03").until("1 emergency stop")
    assert terminal.end() == (0, True)
