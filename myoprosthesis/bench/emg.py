"""From EMG to the hand: the time from a sample to the bytes that it moves, of one decision, and of an hour offline.

A sample counts from when it was taken, and from when it arrived: it comes in frames of five from an emulated board.
"""

from __future__ import annotations

import itertools
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from myoprosthesis.bench.stand import DOMAIN, next_report, workshop
from myoprosthesis.core import share
from myoprosthesis.core.errors import MyoError
from myoprosthesis.core.extras import library
from myoprosthesis.decoders.decoder import Decoder
from myoprosthesis.emg import formats
from myoprosthesis.emg.conditioning import Conditioner, Conditioning
from myoprosthesis.emg.recording_format import RecordingFormat
from myoprosthesis.emulators.emg_board import FramedEmgBoard, Signal
from myoprosthesis.emulators.emg_board_port import EmgBoardPort
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.stack.description import StackOptions, describe
from myoprosthesis.stack.runner import StackRunner

RATE, TIMES, HAND = 2000.0, 10, "ability_hand"
"""The recording that is shipped, at ten times its rate: 8 channels at 2 kHz."""
SLACK_S, DECISION_S, SPEED = 0.003, 0.0002, 50.0
"""What must be reached: a period of the hand's link and this; a decision; an hour offline, times real time."""
HOUR_S = 3600.0
BLOCK = 400


def measure(seconds: float = 30.0, hour_s: float = HOUR_S) -> dict[str, Any]:
    """All three; raises `MyoError` when a process of the stack fails."""
    library("sklearn", "emg", "fitting the bench's decoder")
    with workshop() as folder:
        files = _recordings(folder / "recordings")
        decoder = _decoder(folder / "recordings", folder / "fast")
        offline = _offline(decoder, files, hour_s)
        online = _online(decoder, ["close=power", "flexion=pinch", "extension=point"], {
            "file": str(folder / "recordings"), "emg_option": ("loop=true",),
        }, seconds)  # fmt: skip
        with EmgBoardPort(FramedEmgBoard(8, RATE, volts=0.0, signal=_played(files))) as board:
            live = _online(decoder, ["close=power", "flexion=pinch", "extension=point"], {
                "emg": "serial", "emg_option": (f"port={board.path}", "mode=framed", f"baud={board.board.baud}"),
            }, seconds)  # fmt: skip
    latency = {k: live[k] for k in ("latency_ms", "latency_since_arrival_ms")}
    from_file = {"recording_latency_ms": online["latency_ms"]}
    return {"channels": 8, "rate_hz": RATE, "hand": HAND, **offline, **online, **latency, **from_file}


def _played(files: list[Path]) -> Signal:
    """What a board measures whose electrodes are on the arm of these recordings, round and round, in counts."""
    whole = np.rint(np.concatenate([np.loadtxt(f, delimiter=",") for f in files])).astype(np.int32)

    def signal(first: int, n: int, channels: int) -> NDArray[np.int32]:
        return whole[np.arange(first, first + n) % len(whole), :channels]

    return signal


def _recordings(folder: Path) -> list[Path]:
    """The shipped recording at 2 kHz, repetitions 0 to 2."""
    from scipy.signal import resample_poly

    folder.mkdir()
    source = share.root() / "config" / "recordings" / "libemg_myo"
    out = []
    for file in sorted(source.glob("R_[012]_*.csv")):
        fast = resample_poly(np.loadtxt(file, delimiter=","), TIMES, 1, axis=0)
        np.savetxt(folder / file.name, fast, "%.3f", ",")
        out.append(folder / file.name)
    about = (source / "recording.yaml").read_text(encoding="utf-8").replace("rate: 200", f"rate: {RATE:g}")
    (folder / "recording.yaml").write_text(about, encoding="utf-8")
    return out


def _decoder(recordings: Path, out: Path) -> Path:
    words = ["decode", "fit", str(recordings), "--rest", "rest", "--out", str(out)]
    done = subprocess.run([sys.executable, "-m", "myoprosthesis.cli.main", *words], capture_output=True, text=True)
    if done.returncode:
        raise MyoError(f"the decoder of the bench could not be fitted: {done.stderr.strip()}")
    return out / "policy.onnx"


def _offline(path: Path, files: list[Path], seconds: float) -> dict[str, Any]:
    """An hour from the recordings, round and round, in blocks of 0.2 s: conditioned and decoded."""
    decoder = Decoder(OnnxPolicy(path))
    settings = Conditioning(**decoder.contract.conditioning)
    channels = decoder.contract.emg_channels
    parts = [formats.read(f, RecordingFormat(rate=RATE, unit=settings.unit)).samples for f in files]
    conditioner = Conditioner(settings, channels)
    total, done, spent, decisions = round(seconds * RATE), 0, [], 0
    before, began = _memory(), time.perf_counter()
    with tqdm(total=round(seconds), desc="offline", unit="s") as bar:
        for part in itertools.cycle(parts):
            for start in range(0, len(part), BLOCK):
                filtered = conditioner.filter(part[start : start + BLOCK]).filtered
                at = time.perf_counter()
                made = decoder.decode(filtered)
                if made:
                    spent.append((time.perf_counter() - at) / len(made))
                    decisions += len(made)
            done += len(part)
            bar.update(round(min(len(part) / RATE, seconds)))
            if done >= total:
                break
    took = time.perf_counter() - began
    return {
        "offline_s": done / RATE, "offline_x_real_time": done / RATE / took, "decisions": decisions,
        "decision_ms": {"p50": statistics.median(spent) * 1e3, "p99": float(np.percentile(spent, 99)) * 1e3},
        "memory_growth_mib": _memory() - before,
    }  # fmt: skip


def _memory() -> float:
    """Largest memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _online(decoder: Path, grips: list[str], source: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The whole stack in real time, the hand emulated, its model beside it; `source` says where the EMG comes from."""
    os.environ.setdefault("ROS_DOMAIN_ID", str(DOMAIN))
    options = StackOptions(stack="emg-hand", effector=HAND, policy=str(decoder), **source)
    nodes = describe(options, {"policy": {"grips": grips}})
    period = next(n for n in nodes if n.name == "effector").parameters.get("dt", 0.005)
    with StackRunner(nodes) as stack:
        stack.wait_ready()
        stack.watch(seconds)
        next_report(stack)
        summary = stack.status.summary()
    return {
        "latency_ms": summary["latency_ms"], "latency_since_arrival_ms": summary["latency_since_arrival_ms"],
        "latency_limit_ms": 1e3 * (period + SLACK_S), "accuracy": summary["accuracy"],
        "online_decision_ms": summary["decision_ms"], "frames_sent": summary["frames_sent"],
        "missed_ticks": summary["missed_ticks"], "ticks": summary["ticks"], "seconds": seconds,
    }  # fmt: skip
