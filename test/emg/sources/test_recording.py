"""A recording played again: bit-identical, at its own times, as a clock goes on that the test moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.core import registry, share
from myoprosthesis.core.errors import ConfigError, SourceError
from myoprosthesis.core.options import build
from myoprosthesis.emg import formats
from myoprosthesis.emg.recording import Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emg.source import EmgBlock, SourceSpec
from myoprosthesis.emg.sources.recording import RecordingSource, ReplayOptions
from myoprosthesis.testing import check_emg_source

SHIPPED = share.root() / "config" / "recordings" / "libemg_myo"


class Hand:
    """A clock that goes as the test says."""

    ns = 5_000

    def __call__(self):
        return self.ns

    def on(self, seconds):
        self.ns += round(seconds * 1e9)


def played(options, steps, clock=None):
    clock = clock or Hand()
    source = RecordingSource(options, clock)
    source.open()
    blocks = []
    for step in steps:
        blocks.append(source.read())
        clock.on(step)
    blocks.append(source.read())
    return source, [b for b in blocks if b is not None]


def stacked(blocks):
    return np.concatenate([b.samples for b in blocks]), np.concatenate([b.times for b in blocks])


def stamped_file(tmp_path, times, name="own.csv"):
    rows = [f"{float(t)!r},{k},{-k},{'rest' if k < 50 else 'fist'}" for k, t in enumerate(times)]
    (tmp_path / name).write_text("# rate: 100\n# unit: uV\nt,emg1,emg2,what\n" + "\n".join(rows) + "\n")
    return ReplayOptions(file=str(tmp_path / name), layout={"time": "t", "label": "what", "channels": ["emg1", "emg2"]})


def test_the_shipped_sample_is_played_bit_for_bit_with_its_prompts():
    rng = np.random.default_rng(0)
    source, blocks = played(ReplayOptions(), rng.random(300) * 0.4)
    assert source.ended and not source.fault
    assert (source.spec.channels[0], source.spec.rate, source.spec.unit) == ("ch1", 200.0, "counts")
    layout = RecordingFormat(rate=200.0, unit="counts")
    files = [formats.read(f, layout) for f in formats.files(SHIPPED)]
    samples, times = stacked(blocks)
    assert np.array_equal(samples, np.concatenate([f.samples for f in files]))
    np.testing.assert_allclose(times, np.arange(len(samples)) / 200.0, atol=1e-9)
    prompts = {b.prompt for b in blocks}
    assert prompts == {"close", "open", "rest", "extension", "flexion"}
    first = next(b for b in blocks if len(b.spans) > 1)
    assert [s.label for s in first.spans] == ["close", "open"] and first.prompt == "open"
    assert source.timing.samples == 12_000 and source.timing.gaps == 0


@pytest.mark.parametrize("speed", [1.0, 0.25, 8.0])
def test_only_what_is_due_is_given_at_any_speed(speed):
    clock = Hand()
    source = RecordingSource(ReplayOptions(speed=speed), clock)
    source.open()
    assert len(source.read()) == 1 and source.read() is None
    clock.on(0.0049 / speed)
    assert source.read() is None
    clock.on(0.0002 / speed)
    assert len(source.read()) == 1
    clock.on(1.0 / speed)
    block = source.read()
    assert len(block) == 200
    assert block.arrival_ns - block.stamps_ns[0] == pytest.approx(0.995e9 / speed, abs=2000)


def test_stamps_of_the_file_are_kept_to_the_bit_with_their_faults(tmp_path):
    times = 1.7e9 + np.arange(200) / 100
    times[60:] += 0.25
    times[120:] += 3600.0
    times[150:] -= 50.0
    source, blocks = played(stamped_file(tmp_path, times), [0.1] * 43)
    samples, again = stacked(blocks)
    assert np.array_equal(again, times) and np.array_equal(samples[:, 0], np.arange(200) * 1e-6)
    assert source.ended  # an hour's jump is not waited for
    pauses = np.diff(np.concatenate([b.stamps_ns for b in blocks]))[[59, 119, 149]] / 1e9
    np.testing.assert_allclose(pauses, [0.26, 1.0, 1.0], atol=1e-6)  # nor is it played as if there was none
    timing = source.timing
    assert (timing.gaps, timing.lost, timing.jumps, timing.samples) == (2, 25 + 360_000, 1, 200)  # as emg info says


def test_a_gap_takes_its_time(tmp_path):
    times = np.arange(100) / 100
    times[50:] += 0.5
    clock = Hand()
    source = RecordingSource(stamped_file(tmp_path, times), clock)
    source.open()
    clock.on(2.0)
    stamps = source.read().stamps_ns
    np.testing.assert_allclose(np.diff(stamps), 1e9 * np.diff(times), atol=1)
    clock = Hand()
    source = RecordingSource(stamped_file(tmp_path, times), clock)
    source.open()
    clock.on(0.6)
    assert len(source.read()) == 50
    clock.on(0.3)
    assert source.read() is None
    clock.on(0.2)
    assert source.read().spans == (Span("fist", 0, 11),)


def test_a_pause_that_is_not_waited_for_is_a_gap_and_no_jump(tmp_path):
    """10 s of pause are played in 1 s, and lost all the same; the rate is that of the samples."""
    times = np.arange(800) / 100 + 10.0 * (np.arange(800) >= 400)
    clock = Hand()
    source = RecordingSource(stamped_file(tmp_path, times), clock)
    source.open()
    for _ in range(100):
        clock.on(0.1)
        source.read()
    timing = source.timing
    assert (timing.gaps, timing.lost, timing.jumps, timing.samples) == (1, 1000, 0, 800)
    assert timing.rate == pytest.approx(100, rel=0.01)


def test_a_loop_goes_on_without_a_seam(tmp_path):
    source, blocks = played(
        replace(stamped_file(tmp_path, 5.0 + np.arange(100) / 100), loop=True), [0.3305] * 10
    )  # fmt: skip
    samples, times = stacked(blocks)
    assert len(samples) == 331 and not source.ended
    assert np.array_equal(samples[100:200], samples[:100])
    np.testing.assert_allclose(np.diff(times), 0.01, atol=1e-9)


def test_start_repetition_and_label_choose(tmp_path):
    _, blocks = played(ReplayOptions(repetitions=("1",), labels=("open",), start_s=1.0), [100.0])
    samples, times = stacked(blocks)
    whole = formats.read(SHIPPED / "R_1_C_1_EMG.csv", RecordingFormat(rate=200.0, unit="counts"))
    assert np.array_equal(samples, whole.samples[200:])
    assert times[0] == 1.0
    for bad, sentence in (
        ({"repetitions": ("9",)}, "unknown repetition '9': known are 0, 1, 2, 3"),
        ({"labels": ("fist",)}, "unknown label 'fist': known are close"),
        ({"start_s": 1e5}, "ends before start_s"),
        ({"file": "/nowhere/a.csv"}, "does not exist.*libemg_myo"),
        ({"layout": {"rat": 3}}, "unknown option 'rat'"),
        ({"about": "/nowhere.yaml"}, "cannot be read"),
        ({"repetitions": ("1",), "layout": {"repetition_from": ""}}, "only with repetition_from"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            RecordingSource(ReplayOptions(**bad)).open()


def test_what_the_file_does_not_say_is_asked_for(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    with pytest.raises(ConfigError, match="does not say its sampling rate"):
        RecordingSource(ReplayOptions(file=str(tmp_path / "a.csv"))).open()


def test_a_file_that_is_damaged_in_the_middle_ends_with_a_fault(tmp_path):
    options = stamped_file(tmp_path, np.arange(200) / 100)
    text = (tmp_path / "own.csv").read_text().splitlines()
    text[160] = "what,is,that,?"
    (tmp_path / "own.csv").write_text("\n".join(text))
    source, blocks = played(options, [0.5] * 6)
    assert source.ended and "line 161" in source.fault
    assert sum(map(len, blocks)) >= 100


def test_it_passes_the_check():
    check_emg_source(lambda: RecordingSource(ReplayOptions(speed=50.0)))
    assert registry.factory("emg_sources", "recording") is RecordingSource
    assert registry.options("emg_sources", "recording") is ReplayOptions


class Late(RecordingSource):
    """Waits for a block."""

    def read(self):
        import time

        time.sleep(0.03)
        return super().read()


class Shared(RecordingSource):
    def read(self):
        block = super().read()
        if block is None:
            return None
        if not hasattr(self, "kept"):
            self.kept = np.zeros((100_000, block.samples.shape[1]))
        self.kept[: len(block)] = block.samples
        return replace(block, samples=self.kept[: len(block)])


class Guesses(RecordingSource):
    @property
    def spec(self):
        return self._spec or SourceSpec("x", ("a",), 1.0, "V")


class Steps(RecordingSource):
    def read(self):
        block = super().read()
        return block and replace(block, times=block.times * 1.5)


class Empty(RecordingSource):
    def read(self):
        block = super().read()
        return block or (None if self._spec is None else EmgBlock(np.zeros((0, 8)), np.zeros(0), 0, 0))


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (Late, "must not wait"),
        (Shared, "changes after it was returned"),
        (Guesses, "raise SourceError"),
        (Steps, "1.50 periods apart"),
        (Empty, "return None"),
    ],
)
def test_sources_that_must_not_pass(bad, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check_emg_source(lambda: bad(ReplayOptions(speed=5.0)))


def test_a_specification_comes_back_and_names_what_is_missing():
    spec = SourceSpec("s", ("a", "b"), 1000.0, "V", "about")
    assert SourceSpec.from_json(spec.to_json()) == spec
    with pytest.raises(SourceError, match="not open"):
        _ = RecordingSource(ReplayOptions()).spec
    for bad, sentence in (
        ({"rate": 0.0}, "rate of 0.0 Hz"),
        ({"unit": ""}, "does not say its unit"),
        ({"channels": ("a", "a")}, "unique"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            replace(spec, **bad)
    with pytest.raises(ConfigError, match="cannot be read"):
        SourceSpec.from_json("{}")
    with pytest.raises(ConfigError, match="unknown option 'sped'"):
        build(ReplayOptions, {"sped": 1})


def test_what_the_reader_left_out_is_said_with_the_source(tmp_path):
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["emg"], file["cue"] = np.random.default_rng(0).normal(size=(200, 2)), np.repeat([1, 2], 100)
        file["emg"].attrs.update({"rate": 100.0, "unit": "uV"})
    source = RecordingSource(ReplayOptions(file=str(tmp_path / "a.h5")), Hand())
    source.open()
    assert source.spec.about.endswith("times as fast as recorded; as long as the EMG, and not read: cue")


def test_faults_of_its_beginning_are_said_with_the_source(tmp_path):
    samples = np.clip(np.random.default_rng(0).normal(0, 40, (2500, 2)), -60, 1e3)
    rows = "\n".join(f"{a:.2f},{b:.2f}" for a, b in samples)
    (tmp_path / "a.csv").write_text("# rate: 100\n# unit: uV\nemg1,emg2\n" + rows)
    source = RecordingSource(ReplayOptions(file=str(tmp_path / "a.csv")), Hand())
    source.open()
    saturated = int((samples[:2000] == -60).sum())
    assert f"; fault in its first 20 s: {saturated} values are saturated (emg1, emg2)" in source.spec.about
