"""Movements at once: efforts as targets, mixtures of single movements, and a decoder of both."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.emg.conditioning import Conditioning
from myoprosthesis.emg.recording import EmgRecording, Span
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.training.decoding.mixtures import MixtureOptions, mixtures, with_efforts, with_mixtures
from myoprosthesis.training.decoding.windows import WindowOptions, windows

RATE = 200.0
DEGREES = (("up", "down"), ("in", "out"))
MOVEMENTS = ("up", "down", "in", "out")
SETTINGS = Conditioning(RATE, "counts", high_pass_hz=0.0)
LAYOUT = RecordingFormat(session_from="(day.)")
OFFSET = 300.0


def recording(seed=0, repetitions=3, strength=40.0):
    """Each movement has an electrode of its own; half of each span is done with half of the strength."""
    rng, order = np.random.default_rng(seed), ("rest", *MOVEMENTS)
    spans = tuple(Span(order[k % 5], k * 400, (k + 1) * 400) for k in range(5 * repetitions))
    scale = np.full((2000 * repetitions, 4), 2.0)
    for span in spans:
        if span.label != "rest":
            scale[span.start : span.stop, MOVEMENTS.index(span.label)] += strength / 2
            scale[span.start + 200 : span.stop, MOVEMENTS.index(span.label)] += strength / 2
    samples = OFFSET + scale * rng.normal(size=scale.shape)
    return EmgRecording(samples, ("e1", "e2", "e3", "e4"), RATE, "counts", np.arange(len(samples)) / RATE, spans=spans)


@pytest.fixture
def efforts():
    given = [(Path("day1/a.csv"), recording(0)), (Path("day2/a.csv"), recording(1, strength=10.0))]
    settings = Conditioning(RATE, "counts", high_pass_hz=20.0)
    return with_efforts(given, DEGREES, "rest", LAYOUT, settings, 0.2, 0.25)


def test_effort_is_none_at_rest_full_at_full_strength_and_by_session(efforts):
    for _, r in efforts:
        for span in r.spans:
            late, early = r.targets[span.stop - 100 : span.stop], r.targets[span.start + 100 : span.start + 180]
            for name, full, half in zip(MOVEMENTS, late.mean(axis=0), early.mean(axis=0), strict=True):
                if name == span.label:
                    assert full > 0.65 and 0.25 < half < full - 0.2, (span.label, full, half)
                else:
                    assert full == half == 0


def test_a_mixture_is_the_sum_of_two_movements_of_one_repetition_of_a_session(efforts):
    made = mixtures(efforts, DEGREES, LAYOUT)
    assert len(made) == 2 * 3 * 4  # sessions, repetitions, pairs
    one = next(m for m in made if m.path.parts[0] == "day2" and m.repetition == "1")
    assert [s.label for s in one.recording.spans] == ["up+in"]
    r = efforts[1][1]
    up, inwards = (next(s for s in r.spans[5:] if s.label == name) for name in ("up", "in"))
    parts = [r.samples[s.start : s.stop] for s in (up, inwards)]
    assert np.allclose(one.recording.samples, sum(p - p.mean(axis=0) for p in parts))
    assert np.array_equal(
        one.recording.targets, r.targets[up.start : up.stop] + r.targets[inwards.start : inwards.stop]
    )
    assert {m.recording.spans[0].label for m in made} == {"up+in", "up+out", "down+in", "down+out"}


def test_windows_of_a_mixture_are_of_its_repetition_and_follow_nothing(efforts):
    def cut(given):
        return windows(given, LAYOUT, SETTINGS, ("rms",), 0.2, WindowOptions(0.05))

    made = mixtures(efforts, DEGREES, LAYOUT)
    single = cut(efforts)
    w = with_mixtures(single, [(m, cut([(m.path, m.recording)])) for m in made])
    mixed = np.char.find(w.label, "+") >= 0
    assert len(w) == len(single) + mixed.sum() and not mixed[: len(single)].any()
    for repetition in ("0", "1", "2"):
        of_it = w.label[mixed & (w.repetition == repetition) & (w.session == "day2")]
        assert sorted(set(of_it.tolist())) == ["down+in", "down+out", "up+in", "up+out"]
    begins = np.flatnonzero(np.diff(w.sequence_id)) + 1
    assert len(begins) + 1 == 2 * 15 + len(made)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("up:down:left",), "one class or two opposite ones, such as open:close; got 'up:down:left'"),
        (("up:down", "in:"), "got 'in:'"),
        (("up:down", "in:up"), "class 'up' is in two degrees of freedom"),
    ],
)
def test_degrees_that_are_none_are_refused(given, sentence):
    with pytest.raises(ConfigError, match=sentence):
        MixtureOptions(given).pairs()


def test_movements_that_cannot_be_told_from_rest_or_mixed_are_refused():
    given = [(Path("day1/a.csv"), recording(strength=0.0))]
    with pytest.raises(ConfigError, match="in session 'day1' class '.*' is no stronger than rest"):
        with_efforts(given, DEGREES, "rest", LAYOUT, SETTINGS, 0.2)
    with pytest.raises(ConfigError, match="unknown class 'left'"):
        with_efforts(given, (("left",), ("in",)), "rest", LAYOUT, SETTINGS, 0.2)
    with pytest.raises(ConfigError, match="unknown class 'still'"):
        with_efforts(given, DEGREES, "still", LAYOUT, SETTINGS, 0.2)
    apart = [(Path("day1/a.csv"), recording().part(0, 1200)), (Path("day2/a.csv"), recording().part(1200, 2000))]
    with pytest.raises(ConfigError, match="nothing can be mixed"):
        mixtures(apart, DEGREES, LAYOUT)
    with pytest.raises(ConfigError, match="has targets of its own: leave out --targets"):
        measured = replace(recording(), targets=np.zeros((6000, 1)), target_names=("force",))
        with_efforts([(Path("day1/a.csv"), measured)], DEGREES, "rest", LAYOUT, SETTINGS, 0.2)


def test_what_is_short_or_has_a_gap_is_not_mixed(efforts):
    assert len(mixtures(efforts, DEGREES, LAYOUT, 1.9)) == 24 and mixtures(efforts, DEGREES[:1], LAYOUT) == []
    path, r = efforts[0]
    up = r.spans[6]
    times = r.times + 5.0 * (np.arange(len(r)) >= up.start + 100)
    made = mixtures([(path, replace(r, times=times, stamped=True))], DEGREES, LAYOUT)
    assert (
        up.label == "up"
        and len(made) == 10
        and {m.repetition for m in made if "up" in m.recording.spans[0].label} == {"0", "2"}
    )
    with pytest.raises(ConfigError, match="nothing can be mixed"):
        mixtures(efforts, DEGREES, LAYOUT, 2.0)


@pytest.fixture
def folder(tmp_path):
    for k in range(2):
        r = recording(k)
        label = np.concatenate([[s.label] * (s.stop - s.start) for s in r.spans])
        rows = [",".join((*map(repr, x.tolist()), name)) for x, name in zip(r.samples, label.tolist(), strict=True)]
        place = tmp_path / "data" / f"day{k + 1}"
        place.mkdir(parents=True)
        (place / "a.csv").write_text("\n".join(("e1,e2,e3,e4,label", *rows)))
    return tmp_path / "data"


@pytest.fixture
def words(folder):
    said = "--rate 200 --unit counts --channels e1,e2,e3,e4 --label label --session-from (day.) --margin-s 0.25"
    return [
        str(folder),
        *said.split(),
        "--task",
        "regression",
        "--degrees",
        "up:down,in:out",
        "--features",
        "rms",
        "--model",
        "ridge",
    ]


def test_a_decoder_does_two_movements_at_once_which_it_has_seen_one_by_one(command_here, words, tmp_path):
    """Session by session, and then as one file on a mixture that a person made of a third session."""
    from myoprosthesis.decoders.decoder import Decoder
    from myoprosthesis.emg.conditioning import Conditioner
    from myoprosthesis.policies.onnx_policy import OnnxPolicy

    out, file = tmp_path / "both", tmp_path / "figures.json"
    done = command_here("decode", "fit", *words, "--by", "session", "--out", str(out), "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    judged = json.loads(file.read_text())["judged"]
    assert list(judged["folds"]) == ["day1", "day2"] and judged["r2_worst"] > 0.85
    assert set(judged["error_by_label"]) == {"rest", *MOVEMENTS, "up+in", "up+out", "down+in", "down+out"}
    assert (
        max(judged["error_by_label"]["up+in"].values()) < 0.2
        and "up+in" in done.stdout
        and "24 mixtures" in done.stdout
    )
    decoder = Decoder(OnnxPolicy(out / "policy.onnx"))
    assert decoder.names == MOVEMENTS
    third = recording(7)
    up, inwards = (next(s for s in third.spans if s.label == name) for name in ("up", "in"))
    both = third.samples[up.start : up.stop] + third.samples[inwards.start : inwards.stop]
    filtered = Conditioner(Conditioning(**decoder.contract.conditioning), third.channels).filter(both).filtered
    values = np.mean([d.scores for d in decoder.decode(filtered)[-4:]], axis=0)
    assert (values[[0, 2]] > 0.75).all() and (np.abs(values[[1, 3]]) < 0.25).all(), values


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--by", "time"), "held out by repetition or session, not by time"),
        (("--by", "file"), "held out by repetition or session, not by file"),
        (("--task", "classification"), "degrees of freedom are values: give --task regression"),
    ],
)
def test_what_would_judge_by_what_was_fitted_is_refused(command_here, words, more, sentence):
    done = command_here("decode", "evaluate", *words, *more)
    assert done.returncode == 2 and sentence in done.stderr, done.stderr
