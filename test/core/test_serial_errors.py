"""A serial port that one program has: a real one of the kernel's, which another one lets go of."""

import os
import threading
import time

import pytest
import serial

from myoprosthesis.core.serial_errors import is_busy, once_free


def open_alone(path, wait_s=0.0):
    return once_free(lambda: serial.Serial(path, 115200, timeout=0, exclusive=True), wait_s)


@pytest.fixture
def path():
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_that_is_let_go_of_a_moment_later_is_had(path):
    first = open_alone(path)
    let_go = []

    def later():
        time.sleep(0.3)
        let_go.append(time.monotonic())
        first.close()

    threading.Thread(target=later).start()
    with open_alone(path, wait_s=60.0):
        assert let_go and time.monotonic() >= let_go[0]


def test_one_that_is_kept_is_busy(path):
    with open_alone(path), pytest.raises(OSError) as refused:
        open_alone(path, wait_s=0.1)
    assert is_busy(refused.value)


def test_one_that_is_not_there_is_refused_at_once(path):
    with pytest.raises(OSError) as refused:
        open_alone(path + "_none", wait_s=1e9)
    assert not is_busy(refused.value)
