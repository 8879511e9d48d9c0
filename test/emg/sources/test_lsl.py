"""Streams of the lab streaming layer on the loopback: in, out, markers, and what a stream does not say."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError, SourceError
from myoprosthesis.emg.outlet import Outlet, PromptMarkers
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.source import EmgBlock, SourceSpec
from myoprosthesis.emg.sources.lsl import Lsl, LslOptions
from myoprosthesis.testing import check_emg_source

SESSION = f"test-{os.getpid()}"
CONFIG = os.memfd_create("lsl_api.cfg")
os.write(
    CONFIG,
    b"[multicast]\nResolveScope = machine\n[log]\nlevel = -3\n"
    b"[lab]\nKnownPeers = {127.0.0.1}\nSessionID = " + SESSION.encode() + b"\n",
)
os.environ["LSLAPICFG"] = (
    f"/proc/{os.getpid()}/fd/{CONFIG}"  # before the library is loaded: nothing leaves this machine
)

try:
    import pylsl
except (ImportError, RuntimeError) as error:
    pytest.skip(f"needs the extra [lsl]: {error}", allow_module_level=True)

SPEC = SourceSpec("bench", ("flexor", "extensor"), 500.0, "V", "a test")


class Sender:
    """An outlet that sends what has come due each time it is asked."""

    def __init__(self, name, spec=SPEC):
        self.outlet, self.spec, self.sent, self.begin = Outlet(spec, name), spec, 0, time.time_ns()

    def on(self):
        n = int(1e-9 * (time.time_ns() - self.begin) * self.spec.rate) - self.sent
        if n > 0:
            k = np.arange(self.sent, self.sent + n)
            stamp = self.begin + round(1e9 * self.sent / self.spec.rate)
            block = EmgBlock(np.stack([k, -k], 1) * 1e-6, k / self.spec.rate, stamp, time.time_ns())
            self.outlet.push(block)
            self.sent += n


class Fed(Lsl):
    """Moves its sender on before it reads."""

    def __init__(self, options, sender):
        super().__init__(options)
        self.sender = sender

    def read(self):
        self.sender.on()
        return super().read()


def read(source, n, patience=60.0):
    blocks, end = [], time.monotonic() + patience
    while sum(map(len, blocks)) < n:
        assert time.monotonic() < end, source.fault
        block = source.read()
        blocks += [block] if block else []
        time.sleep(2e-3)
    return blocks


def test_what_goes_out_comes_in_as_it_was():
    name = f"{SESSION}-whole"
    outlet = Outlet(SPEC, name)
    source = Lsl(LslOptions(name=name, wait_s=30.0))
    source.open()
    assert (source.spec.channels, source.spec.rate, source.spec.unit) == (SPEC.channels, 500.0, "V")
    samples = np.random.default_rng(0).normal(0, 1e-4, (300, 2))
    times = 9.0 + np.arange(300) / 500.0
    times[200:] += 0.5
    for k in range(0, 300, 50):
        stamp = time.time_ns() + round(1e9 * (times[k] - times[0]))
        outlet.push(EmgBlock(samples[k : k + 50], times[k : k + 50], stamp, stamp))
    blocks = read(source, 300)
    assert np.array_equal(np.concatenate([b.samples for b in blocks]), samples)
    got = np.concatenate([b.times for b in blocks])
    np.testing.assert_allclose(got - got[0], times - times[0], atol=0.3)
    within = np.diff(got)[np.arange(299) % 50 != 49]
    np.testing.assert_allclose(within, 1 / 500.0, atol=1e-6)
    assert source.timing.lost >= 100
    source.close()


def sounds(source):
    """Whether the source reads without a fault, where a busy machine may have been silent for a moment."""
    end = time.monotonic() + 30.0
    read(source, 20)
    while source.fault and time.monotonic() < end:
        read(source, 20)
    return not source.fault


def test_it_passes_the_check_and_tells_of_silence():
    sender = Sender(f"{SESSION}-check")
    options = LslOptions(name=f"{SESSION}-check", wait_s=30.0, silence_s=0.2)
    check_emg_source(lambda: Fed(options, sender))
    source = Fed(options, sender)
    source.open()
    assert sounds(source)
    end = time.monotonic() + 30.0
    while "nothing has come from the LSL stream" not in source.fault:
        assert time.monotonic() < end
        Lsl.read(source)
    assert sounds(source)
    source.close()


def test_prompts_go_out_as_markers():
    name = f"{SESSION}-markers"
    markers = PromptMarkers(name)
    (info,) = pylsl.resolve_byprop("name", name, 1, 30.0)
    inlet = pylsl.StreamInlet(info)
    inlet.open_stream(30.0)
    stamp = time.time_ns()
    block = EmgBlock(np.zeros((10, 1)), np.arange(10) / 10.0, stamp, stamp, (Span("fist", 0, 4), Span("open", 4, 10)))
    markers.push(block)
    markers.push(block.__class__(block.samples, block.times, stamp, stamp, (Span("open", 0, 10),)))
    got = [inlet.pull_sample(timeout=30.0) for _ in range(2)]
    assert [text for (text,), _ in got] == ["fist", "open"]
    assert got[1][1] - got[0][1] == pytest.approx(0.4, abs=0.05)
    assert inlet.pull_sample(timeout=0.2)[0] is None


def test_what_a_stream_does_not_say_is_asked_for():
    name = f"{SESSION}-bare"
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo(name, "Bare", 3, 0.0, "float32", "bare"))
    for given, sentence in (({}, "does not say its sampling rate"), ({"rate": 100.0}, "does not say one unit")):
        with pytest.raises(ConfigError, match=sentence):
            Lsl(LslOptions(name=name, wait_s=30.0, **given)).open()
    source = Lsl(LslOptions(type="Bare", wait_s=30.0, rate=100.0, unit="mV"))
    source.open()
    assert (source.spec.channels, source.spec.unit) == (("ch1", "ch2", "ch3"), "V")
    outlet.push_sample([1.0, 2.0, 3.0])
    np.testing.assert_allclose(read(source, 1)[0].samples, [[1e-3, 2e-3, 3e-3]])
    source.close()
    with pytest.raises(SourceError, match="no LSL stream of name 'nobody' is there"):
        Lsl(LslOptions(name="nobody", wait_s=0.2)).open()
    text = pylsl.StreamOutlet(pylsl.StreamInfo(name + "-text", "Text", 1, 0.0, "string", "text"))
    with pytest.raises(ConfigError, match="carries text"):
        Lsl(LslOptions(name=name + "-text", wait_s=30.0)).open()
    del text


def test_the_library_behind_it_prints_nothing_of_its_own(tmp_path):
    words = "import myoprosthesis.emg.sources.lsl as it; it.Lsl(it.LslOptions(name='nobody', wait_s=0.1)).open()"
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, cwd=tmp_path, timeout=60.0,
        env={k: v for k, v in os.environ.items() if k != "LSLAPICFG"} | {"HOME": str(tmp_path)},
    )  # fmt: skip
    assert "no LSL stream of name 'nobody' is there" in done.stderr and "INFO" not in done.stderr + done.stdout
