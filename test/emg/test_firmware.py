"""The sketch for an Arduino, compiled and run on a simulated ATmega328P against the serial source."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.core import share
from myoprosthesis.emg.sources.serial_boards import SerialOptions
from myoprosthesis.emg.sources.serial_line import SerialLine

SKETCH = share.root() / "hardware" / "arduino" / "emg_stream"
for tool in ("avr-g++", "cc"):
    if shutil.which(tool) is None:
        pytest.skip(f"needs {tool} (Debian: gcc-avr avr-libc, gcc)", allow_module_level=True)
if not any(Path(p, "simavr", "sim_avr.h").exists() for p in ("/usr/include", "/usr/local/include")):
    pytest.skip("needs simavr (Debian: libsimavr-dev)", allow_module_level=True)


def compiled(folder, *settings):
    elf = folder / "emg_stream.elf"
    flags = ["-x", "c++", "-mmcu=atmega328p", "-DF_CPU=16000000UL", "-Os", "-Wall", "-Wextra", "-Werror"]
    made = subprocess.run(
        ["avr-g++", *flags, *settings, "-o", elf, SKETCH / "emg_stream.ino"], capture_output=True, text=True
    )  # fmt: skip
    return elf, made


@pytest.fixture
def board(tmp_path):
    """Starts a simulated board with settings; returns the name of its port."""
    subprocess.run(["cc", "-O2", "-o", tmp_path / "simulate", SKETCH / "simulate.c", "-lsimavr"], check=True)
    started = []

    def start(*settings):
        elf, made = compiled(tmp_path, *settings)
        assert made.returncode == 0, made.stderr
        process = subprocess.Popen(
            [tmp_path / "simulate", elf], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        started.append(process)
        return next(line.split()[1] for line in process.stdout if line.startswith("port "))

    yield start
    for process in started:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


@pytest.mark.parametrize(("channels", "rate"), [(4, 1000), (6, 500)])
def test_what_is_at_the_pins_comes_in(board, channels, rate):
    port = board(f"-DCHANNELS={channels}", f"-DRATE={rate}UL")
    source = SerialLine(SerialOptions(port=port, baud=500_000, mode="framed", wait_s=60.0))
    source.open()
    assert (len(source.spec.channels), source.spec.rate, source.spec.unit) == (channels, rate, "V")
    blocks, end = [], time.monotonic() + 60.0
    while sum(map(len, blocks)) < 2 * rate:
        assert time.monotonic() < end, source.fault
        block = source.read()
        blocks += [block] if block else []
        time.sleep(2e-3)
    source.close()
    samples, times = (np.concatenate([getattr(b, k) for b in blocks]) for k in ("samples", "times"))
    # 1 V and 0.25 V more on each pin, with a sawtooth from 0 to 0.198 V on top; 2.5 V is zero
    wanted = 1.0 + 0.25 * np.arange(channels) + 0.099 - 2.5
    np.testing.assert_allclose(samples.mean(axis=0), wanted, atol=0.01)
    np.testing.assert_allclose(np.ptp(samples, axis=0), 0.198, atol=0.01)
    assert source.timing.damaged == 0
    whole = np.diff(times) < 1.5 / rate
    np.testing.assert_allclose(np.diff(times)[whole], 1 / rate, atol=1e-9)
    assert whole.mean() > 0.9  # a busy machine may leave the terminal full
    # the sawtooth of 100 ms tells that the samples are as far apart as their times say
    period = round(0.1 * rate)
    kept = samples[: len(samples) // period * period] if whole.all() else samples[:period]
    folded = kept.reshape(-1, period, channels)
    assert np.ptp(folded, axis=0).max() < 0.01 + 0.2 * (len(folded) > 1) / period


def test_settings_that_cannot_work_do_not_compile(tmp_path):
    for setting, sentence in (
        ("-DCHANNELS=9", "CHANNELS is 1 to 8"),
        ("-DRATE=9000UL", "cannot be converted"),
        ("-DBAUD=50000UL", "do not go"),
    ):
        _, made = compiled(tmp_path, setting)
        assert made.returncode != 0 and sentence in made.stderr
