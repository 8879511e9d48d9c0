"""A person out of recordings: what is asked for is done, after a while, with one repetition after the other."""

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError, Refused
from myoprosthesis.core.options import build
from myoprosthesis.emg.source import AskedSource
from myoprosthesis.emg.sources.recorded_person import RecordedPerson, RecordedPersonOptions

RATE, N = 100, 50


class Hand:
    ns = 0

    def __call__(self):
        return self.ns


@pytest.fixture
def folder(tmp_path):
    """Repetitions of half a second; samples tell label, repetition and place: 1000 label + 100 repetition + place."""
    for label, number in (("rest", 1), ("close", 2), ("open", 3)):
        for repetition in (0, 1):
            values = 1000 * number + 100 * repetition + np.arange(N)
            text = "\n".join(f"{v},{-v}" for v in values)
            (tmp_path / f"R_{repetition}_C_{label}.csv").write_text("a,b\n" + text + "\n")
    about = f"rate: {RATE}\nunit: counts\nchannels: [a, b]\nlabel_from: _C_([a-z]+)\nrepetition_from: R_([0-9]+)_C\n"
    (tmp_path / "recording.yaml").write_text(about)
    return tmp_path


def person(folder, **options):
    clock = Hand()
    source = RecordedPerson(build(RecordedPersonOptions, {"file": str(folder), **options}), clock)
    source.open()
    return source, clock


def until(source, clock, seconds):
    """All samples of the first channel up to a time, and the label at the last one."""
    clock.ns = round(seconds * 1e9) - 1
    block = source.read()
    assert np.array_equal(block.samples[:, 1], -block.samples[:, 0])
    return block.samples[:, 0].astype(int), block


def test_while_nothing_is_asked_for_it_rests_repetition_after_repetition(folder):
    source, clock = person(folder)
    assert isinstance(source, AskedSource) and source.spec.rate == RATE and "close (2 times)" in source.spec.about
    samples, block = until(source, clock, 1.2)
    assert samples.tolist() == [*range(1000, 1050), *range(1100, 1150), *range(1000, 1020)]
    assert block.prompt == "rest" and source.read() is None


def test_what_is_asked_for_begins_after_the_reaction_and_ends_after_it(folder):
    source, clock = person(folder, reaction_s=0.2)
    until(source, clock, 0.3)
    source.ask("close")
    samples, block = until(source, clock, 0.7)
    assert samples.tolist() == [*range(1030, 1050), *range(2000, 2020)]
    assert [(s.label, s.start, s.stop) for s in block.spans] == [("rest", 0, 20), ("close", 20, 40)]
    source.ask("")
    samples, block = until(source, clock, 1.0)
    assert samples.tolist() == [*range(2020, 2040), *range(1100, 1110)] and block.prompt == "rest"
    source.ask("close")
    assert until(source, clock, 1.4)[0][-1] == 2119  # the next repetition, from its start


def test_what_lasts_longer_than_a_repetition_goes_on_with_the_next(folder):
    source, clock = person(folder, reaction_s=0.0)
    source.ask("open")
    samples, _ = until(source, clock, 1.2)
    assert samples.tolist() == [*range(3000, 3050), *range(3100, 3150), *range(3000, 3020)]


def test_times_and_stamps_go_on_evenly(folder):
    source, clock = person(folder)
    blocks = [until(source, clock, t)[1] for t in (0.1, 0.25, 0.9)]
    stamps = np.concatenate([b.stamps_ns for b in blocks])
    assert np.array_equal(np.diff(stamps), np.full(len(stamps) - 1, 10_000_000)) and len(stamps) == 90


def test_what_is_not_recorded_is_refused_and_it_rests(folder):
    source, clock = person(folder, reaction_s=0.0)
    source.ask("open")
    until(source, clock, 0.2)
    with pytest.raises(Refused, match="nothing is recorded of 'fist', which is asked for: there is close, open, rest"):
        source.ask("fist")
    assert until(source, clock, 0.4)[0].tolist() == [*range(1100, 1120)]


def test_a_recording_without_rest_is_refused_and_another_label_can_be_rest(folder):
    with pytest.raises(ConfigError, match=r"no EMG labelled 'relax', .* \(its labels: close, open, rest\)"):
        person(folder, rest="relax")
    source, clock = person(folder, rest="open", repetitions=["1"])
    assert until(source, clock, 0.1)[0].tolist() == [*range(3100, 3110)]


def test_repetitions_that_were_adapted_to_can_be_left_out(folder):
    source, clock = person(folder, skip=1)
    samples, _ = until(source, clock, 1.2)
    assert samples.tolist() == [*range(1100, 1150), *range(1100, 1150), *range(1100, 1120)]
    with pytest.raises(ConfigError, match="skip=2 leaves no repetition of 'close'"):
        person(folder, skip=2)
