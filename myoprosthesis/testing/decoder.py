"""Conformance check of a kind of decoder model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.decoders.options import CLASSIFICATION, MULTILABEL, REGRESSION, TASKS, word_of
from myoprosthesis.testing.demand import demand

if TYPE_CHECKING:
    from myoprosthesis.decoders.decision import Decision
    from myoprosthesis.decoders.models import ModelKind
    from myoprosthesis.emg.recording import EmgRecording
    from myoprosthesis.training.decoding.fitting import Fitted
    from myoprosthesis.training.decoding.windows import Windows

Array = NDArray[np.float64]
Own = Callable[["ModelKind", Array, NDArray[Any], str, NDArray[np.intp]], Array]
RATE, SECONDS, STEP_S, WINDOW_S = 200.0, 24, 0.05, 0.2
FEATURES = ("mav", "log_var")
CHANNELS = ("a", "b", "c")
CLASSES = ("close", "open", "rest")
TARGETS = ("grip", "wrist")
LEAST = {CLASSIFICATION: 0.8, MULTILABEL: 0.8, REGRESSION: 0.5}
"""Share of windows decided rightly, or R², on what was fitted: the data are easy, columns in another order fail."""
GAP = 1e-3


def check_decoder(make: Callable[[], ModelKind], own: Own | None = None) -> None:
    """Check that a kind of model (`ModelKind`) fits reproducibly, is exported faithfully and refuses with one sentence.

    It is fitted to a minute of synthetic EMG for each of its tasks; the exported file must compute the same, however
    the stream is cut.

    Args:
        make: Constructs equal models that are quick to fit.
        own: (model, z, y, task, sequence_id) → scores or values (n, n_out) of the library that fits, for the fitted
            rows; the network is compared with them.

    Raises:
        AssertionError: The first requirement that is not met.
    """
    from myoprosthesis.decoders.features import columns
    from myoprosthesis.decoders.models import for_features

    names = [name for feature in FEATURES for name in columns(feature, CHANNELS)]

    def arranged() -> ModelKind:
        return for_features(make(), names)

    tasks = make().tasks
    known = [t for t in TASKS if word_of(t, tasks)]
    demand(len(known) == len(tasks) > 0, f"its tasks are {tasks}: some of {', '.join(TASKS)} are needed")
    for task in TASKS:
        if task in known:
            _check_task(arranged, task, own)
        else:
            _refused(f"the task {task}, which it does not have,", lambda t=task: _fit(make(), _windows(t), t))  # type: ignore[misc]


def _check_task(make: Callable[[], ModelKind], task: str, own: Own | None) -> None:
    windows, model = _windows(task), make()
    kept = windows.x.copy(), windows.target.copy()
    fitted = _fit(model, windows, task)
    same = np.array_equal(windows.x, kept[0]) and np.array_equal(windows.target, kept[1])
    demand(same, f"{task}: fit changes the windows that it is decided")
    scores, _ = fitted(windows.x, windows.sequence_id)
    _check_scores(scores, windows, task)
    for other in (model, make()):
        again, _ = _fit(other, windows, task)(windows.x, windows.sequence_id)
        demand(np.array_equal(again, scores), f"{task}: fitted again, it answers otherwise: seed what it draws")
    if own is not None:
        z = fitted.normaliser(windows.x)
        wanted = np.asarray(own(make(), z, _answers(windows, task), task, windows.sequence_id)).reshape(scores.shape)
        gap = float((np.abs(scores - wanted) / np.maximum(1.0, np.abs(wanted))).max())
        demand(gap < GAP, f"{task}: the network differs by {gap:.2g} from what the library itself predicts")
    _check_file(fitted, windows, task)
    _check_refusals(make, windows, task)


def _check_scores(scores: Array, windows: Windows, task: str) -> None:
    wanted = (len(windows), len(_names(task)))
    demand(scores.shape == wanted, f"{task}: scores have shape {scores.shape}, not {wanted}")
    demand(bool(np.isfinite(scores).all()), f"{task}: scores are not finite")
    if task == REGRESSION:
        spread = ((windows.target - windows.target.mean(axis=0)) ** 2).sum(axis=0)
        worth = float((1 - ((windows.target - scores) ** 2).sum(axis=0) / spread).min())
    else:
        demand(bool((scores >= 0).all() and (scores <= 1).all()), f"{task}: scores leave 0 to 1")
        truth = _answers(windows, task)
        worth = float(((scores.argmax(axis=1) if task == CLASSIFICATION else scores > 0.5) == truth).mean())
    if task == CLASSIFICATION:
        demand(bool(np.allclose(scores.sum(axis=1), 1.0)), "classification: the scores of a window do not sum to 1")
    demand(worth >= LEAST[task], f"{task}: {worth:.2f} on what it was fitted on, at least {LEAST[task]} is expected")


def _check_file(fitted: Fitted, windows: Windows, task: str) -> None:
    """The file against the model, over a stream from its beginning."""
    from myoprosthesis.core.errors import MyoError
    from myoprosthesis.decoders.decoder import Decoder
    from myoprosthesis.emg.conditioning import Conditioner, Conditioning
    from myoprosthesis.policies.onnx_policy import OnnxPolicy
    from myoprosthesis.training.decoding.export import decoder_contract, write_decoder

    settings, n = Conditioning(RATE, "V"), len(fitted.names)
    low, high = (np.full(n, -9.0), np.full(n, 9.0)) if task == REGRESSION else (np.zeros(n), np.ones(n))
    how = {"task": task, "window_s": WINDOW_S, "reject_below": 0.5, "debounce": 2, "drift_beyond": 1.0, "drift_s": 0.5}
    terms = decoder_contract("checked", fitted, FEATURES, CHANNELS, settings, how, STEP_S, low, high, "1", {})
    with tempfile.TemporaryDirectory() as folder:
        try:
            write_decoder(fitted, terms, Path(folder), windows.x)
            decoder = Decoder(OnnxPolicy(Path(folder) / "policy.onnx"))
        except MyoError as error:
            raise AssertionError(f"{task}: it cannot be exported: {error}") from error
    filtered = Conditioner(settings, CHANNELS).filter(_recording(task, seed=9).samples).filtered
    ends, rows = decoder.features.extract(filtered)
    decoder.reset()
    whole = decoder.decode(filtered)
    demand([d.sample for d in whole] == ends.tolist(), f"{task}: decisions are not where the windows end")
    wanted = np.column_stack(fitted(rows))
    decided = np.array([[*d.scores, d.novelty] for d in whole])
    gap = float((np.abs(decided - wanted) / np.maximum(1.0, np.abs(wanted))).max())
    demand(gap < GAP, f"{task}: over a stream the file differs from the model by {gap:.2g}")
    broken, last = filtered.copy(), len(filtered) // 2
    broken[last] = np.nan
    decoder.reset()
    for d in decoder.decode(broken):
        holds = d.sample - decoder.features.window <= last < d.sample
        finite = bool(np.isfinite([*d.scores, d.novelty]).all())
        demand(finite != holds, f"{task}: a window {'with' if holds else 'without'} NaN gets {d.scores}")
        demand(d.rejected or not holds, f"{task}: a window with NaN is not rejected")
    rng = np.random.default_rng(0)
    for most in (3, 40, 500):
        decoder.reset()
        cuts = np.cumsum(rng.integers(0, most + 1, 2 * len(filtered) // most))
        parts = [d for part in np.split(filtered, cuts[cuts < len(filtered)]) for d in decoder.decode(part)]
        demand(
            _as_rows(parts) == _as_rows(whole),
            f"{task}: cut into up to {most} samples, the stream is decided otherwise",
        )


def _as_rows(decisions: list[Decision]) -> list[Any]:
    return [
        (d.sample, d.scores.tobytes(), d.choice, d.confidence, d.rejected, d.speed, d.novelty, d.drifting)
        for d in decisions
    ]


def _check_refusals(make: Callable[[], ModelKind], windows: Windows, task: str) -> None:
    holed = replace(windows, x=np.where(np.arange(len(windows))[:, None] == 7, np.nan, windows.x))
    _refused(f"{task} from features that are not finite", lambda: _fit(make(), holed, task))
    few = windows.where(np.arange(len(windows)) < 3)
    _refused(f"{task} from three windows", lambda: _fit(make(), few, task))
    if task == CLASSIFICATION:
        one = windows.where(windows.label == CLASSES[0])
        _refused("one class", lambda: _fit(make(), one, task, CLASSES[:1]))
        _refused("a class without windows", lambda: _fit(make(), one, task))
    elif task == MULTILABEL:
        on = replace(windows, target=np.ones_like(windows.target))
        _refused("a switch that is always on", lambda: _fit(make(), on, task))


def _refused(what: str, fit: Callable[[], object]) -> None:
    from myoprosthesis.core.errors import ConfigError

    try:
        fit()
    except ConfigError as error:
        words = str(error).strip()
        demand(bool(words) and "\n" not in words, f"{what} is refused with other than one sentence: {words!r}")
    except Exception as error:
        raise AssertionError(f"{what} raises {type(error).__name__}, not ConfigError: {error}") from error
    else:
        raise AssertionError(f"{what} is not refused")


def _fit(model: ModelKind, windows: Windows, task: str, names: tuple[str, ...] = ()) -> Fitted:
    from myoprosthesis.training.decoding.fitting import fit

    return fit(windows, model, task, names or _names(task))


def _names(task: str) -> tuple[str, ...]:
    return CLASSES if task == CLASSIFICATION else TARGETS


def _answers(windows: Windows, task: str) -> NDArray[Any]:
    """Answers as a model is decided them."""
    if task == CLASSIFICATION:
        return np.searchsorted(np.array(CLASSES), windows.label)
    return (windows.target > 0.5).astype(int) if task == MULTILABEL else windows.target


def _windows(task: str) -> Windows:
    from myoprosthesis.emg.conditioning import Conditioning
    from myoprosthesis.emg.recording_format import RecordingFormat
    from myoprosthesis.training.decoding.windows import WindowOptions, windows

    recordings = [(Path(f"{k}"), _recording(task, k)) for k in range(2)]
    return windows(
        recordings,
        RecordingFormat(),
        Conditioning(RATE, "V"),
        FEATURES,
        WINDOW_S,
        WindowOptions(STEP_S),
        labelled=task == CLASSIFICATION,
    )


def _recording(task: str, seed: int) -> EmgRecording:
    """Noise whose strength in the first two channels tells the answer; the third knows nothing."""
    from myoprosthesis.emg.recording import EmgRecording, Span

    n = round(SECONDS * RATE)
    times = np.arange(n) / RATE
    second = times.astype(int) // 2
    if task == REGRESSION:
        effort = 0.5 + 0.5 * np.sin(2 * np.pi * times[:, None] / np.array([5.0, 7.0]) + seed)
    elif task == MULTILABEL:
        effort = np.stack([second % 2, second // 2 % 2], axis=1).astype(float)
    else:
        effort = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])[second % 3]
    strength = np.column_stack([0.05 + effort, np.full(n, 0.5)])
    samples = 1e-4 * strength * np.random.default_rng(seed).normal(size=(n, 3))
    spans = tuple(Span(CLASSES[k % 3], round(2 * k * RATE), round(2 * (k + 1) * RATE)) for k in range(SECONDS // 2))
    return EmgRecording(
        samples, CHANNELS, RATE, "V", times, spans=spans if task == CLASSIFICATION else (),
        targets=effort, target_names=TARGETS,
    )  # fmt: skip
