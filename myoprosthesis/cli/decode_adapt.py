"""`myoprosthesis decode adapt`: a decoder for a new day, from seconds of labelled EMG or from unlabelled use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from myoprosthesis.cli.arguments import FlagGroup, JsonArgument, argument
from myoprosthesis.cli.commands import COMMAND_LINE, Commands
from myoprosthesis.cli.figures import check_writable, policy_folder, write_json
from myoprosthesis.cli.recording_info import RecordingInfoArgument, chosen, recording_info
from myoprosthesis.cli.recordings import fitted_on, read, report_faults
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.sampling_rate import same_rate

LABELLED_S = 20.0
"""Seconds of labelled EMG that are used where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class AdaptOptions(RecordingInfoArgument, JsonArgument):
    """Options of `decode adapt`."""

    decoder: str = argument(help="a fitted decoder, by name or path", positional=True, metavar="POLICY")
    recordings: tuple[str, ...] = argument(
        help="labelled recordings of the new day: files, or folders of them", flags=("--with",), nargs="+",
        metavar="NEWDAY",
    )  # fmt: skip
    seconds: float = argument(
        0.0, "used of them: the same share of each class; with --unlabelled the first ones; 0: 20, and all with "
        "--unlabelled", "s", 0.0, 36000.0,
    )  # fmt: skip
    unlabelled: bool = argument(False, "without their labels, if they have any")
    turned: bool = argument(
        False, "find from their EMG how the band sits, turned (in electrodes, fractions too) or worn the other way "
        "round, and undo it before the features; the labels are not used, and nothing else changes"
    )  # fmt: skip
    margin_s: float = argument(
        -1.0, "left out at the start of each labelled span, for the person's reaction; −1: what the recording.yaml "
        "says, or 0", "s", -1.0, 10.0,
    )  # fmt: skip
    out: str = argument(help="where policy.onnx and card.md are written: not the old folder", metavar="FOLDER")


def add(commands: Commands) -> None:
    """Add the command."""
    from myoprosthesis.emg.recording_format import RecordingFormat

    commands.add(
        "adapt", run, AdaptOptions, partial=(FlagGroup("what the files do not say", RecordingFormat),),
        help="a decoder for a new day, from seconds of labelled EMG or from unlabelled use",
        description="Shrinks the class means and the covariance of a decoder with one linear layer towards those of "
        "the new day, and writes it as a new decoder that says what it came from; the old one stays. How far follows "
        "from what repetitions of one session differ by, which `decode fit` wrote. Unlabelled, mean and scale of the "
        "features become those of the new day, and the classes follow the decoder's own decisions. Where checks on "
        "parts of this EMG that were not adapted to are worse, a class did not come or the electrodes are others, "
        "nothing is written and the status is 2.",
    )  # fmt: skip


def run(command: AdaptOptions, typed: Mapping[str, Any]) -> int:
    """Adapt, check and write."""
    import numpy as np

    from myoprosthesis.core.options import build
    from myoprosthesis.decoders.band_placement import BandPlacement
    from myoprosthesis.decoders.options import DecoderOptions
    from myoprosthesis.emg.conditioning import Conditioning
    from myoprosthesis.emg.recording_format import RecordingFormat
    from myoprosthesis.policies import store
    from myoprosthesis.policies.onnx_policy import read_contract
    from myoprosthesis.training.decoding.adaptation import AdaptationResult, adapt, first_seconds
    from myoprosthesis.training.decoding.adapted_file import write_adapted
    from myoprosthesis.training.decoding.band_search import BandResult, find_placement
    from myoprosthesis.training.decoding.decoder_file import read_fitted
    from myoprosthesis.training.decoding.unlabelled_adaptation import UnlabelledResult, adapt_unlabelled
    from myoprosthesis.training.decoding.windows import WindowOptions, Windows, check_electrodes, windows

    check_writable(command.json)
    if command.turned and (command.unlabelled or command.seconds):
        raise ConfigError("--turned takes all of the recordings and does nothing else: give --unlabelled afterwards")
    file = store.find(command.decoder)
    out = policy_folder(command.out)
    decoder, contract = read_fitted(file), read_contract(file)
    settings = build(DecoderOptions, contract.decoding, f"decoder {contract.name!r}")
    conditioning = build(Conditioning, contract.conditioning, f"decoder {contract.name!r}")
    info = recording_info(command.recording_info, command.recordings)
    layout = chosen(typed, RecordingFormat, info)
    margin_s = command.margin_s if command.margin_s >= 0 else float(info.get("margin_s", 0.0))
    files, recordings = read(command.recordings, layout, typed)
    report_faults(recordings, conditioning.mains_hz)
    first = recordings[0][1]
    if first.unit != conditioning.unit or not same_rate(first.rate, conditioning.rate):
        raise ConfigError(
            f"the recordings are in {first.unit} at {first.rate:.9g} Hz, decoder {contract.name!r} was fitted in "
            f"{conditioning.unit} at {conditioning.rate:g} Hz"
        )
    if len(first.channels) != len(contract.emg_channels):
        raise ConfigError(
            f"the recordings have {len(first.channels)} electrodes, decoder {contract.name!r} has "
            f"{len(contract.emg_channels)}: name those that it knows with --channels"
        )
    order = contract.match_emg(first.channels, contract.conditioning)
    ordered = []
    for path, recording in recordings:
        check_electrodes(recording, path, "the decoder needs it")
        ordered.append((path, replace(recording, samples=recording.samples[:, order], channels=contract.emg_channels)))
    features = tuple(t.name for t in contract.observation)
    dt = round(contract.dt * conditioning.rate) / conditioning.rate
    cut = WindowOptions(step_s=dt, margin_s=margin_s)
    labelled = not (command.unlabelled or command.turned)

    def cut_windows(placement: BandPlacement) -> Windows:
        return windows(ordered, layout, conditioning, features, settings.window_s, cut, settings.dead_zone, labelled,
                       placement)  # fmt: skip

    method = "labelled" if labelled else "turned" if command.turned else "unlabelled"
    w, decoding = cut_windows(settings.placement), contract.decoding
    result: AdaptationResult | UnlabelledResult | BandResult
    if command.turned:
        new, used, seconds = decoder, w, len(w) * dt
        result = find_placement(decoder, lambda p: cut_windows(p).x, len(contract.emg_channels))
        decoding = {**decoding, "band_turn": result.turn, "band_reversed": result.reversed}
        way = "worn the other way round and " if result.reversed else ""
        sentence = (
            f"the band is {way}turned by {result.turn:g} electrodes: mean log density of a window {result.before:.1f} "
            f"before, {result.after:.1f} with that undone"
        )
    elif command.unlabelled:
        whole = len(w) * dt
        seconds = min(command.seconds, whole) if command.seconds else whole
        used = w.where(np.arange(len(w)) < round(seconds / dt))
        apart = math.ceil(settings.window_s / dt)
        new, result = adapt_unlabelled(decoder, used.x, settings.class_shares, apart)
        sentence = (
            f"of decisions on parts that were not adapted to, {result.agreement_before:.1%} agreed with those one "
            f"window later before, {result.agreement_after:.1%} after"
        )
    else:
        used = w.where(first_seconds(w, decoder.names, command.seconds or LABELLED_S, dt))
        seconds = min(command.seconds or LABELLED_S, round(len(used) * dt, 6))
        new, result = adapt(decoder, used, settings.repetition_spread)
        sentence = (
            f"cross-check on these seconds: {result.before:.1%} before, {result.after:.1%} after, with "
            f"{result.common_weight:.2f} of the shift that the classes have in common and {result.own_weight:.2f} of "
            f"what each has beside it"
        )
    gap, parent = write_adapted(
        new, file, out, used.x, result, sentence, method=method, seconds=seconds, made_by=COMMAND_LINE.get(),
        recordings=fitted_on([f for f in files if str(f) in set(used.file.tolist())]), decoding=decoding,
    )  # fmt: skip
    print(sentence)
    print(f"decoder in {out}; {contract.name} stays in {file.parent}")
    write_json(command.json, {"decoder": str(out), "windows": len(used), "export_gap": gap, "adapted_from": parent})
    return 0
