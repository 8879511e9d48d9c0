"""Sessions that nobody made: what was learned is planted, and the report has to find it."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from myoprosthesis.core.channels import Channels
from myoprosthesis.core.effector_spec import EffectorSpec
from myoprosthesis.core.joint_state import JointStateWriter
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.report.report import read
from myoprosthesis.report.report_session import ReportSession

COLUMNS = (
    *("trial", "block", "block_name", "kind", "target", "label", "start_x", "start_y", "target_x", "target_y", "go_s"),
    *("perturbation", "gain", "policy", "policy_sha256", "success", "endpoint_error_mm", "lateral_deviation_mm"),
    *("lateral_at_peak_speed_mm", "peak_speed", "channel_slope", "channel_force_N", "estimate_gain", "loss", "samples"),
)
MUSCLES = tuple(f"muscle_{i}" for i in range(6))
DT, GO, LENGTH = 0.01, 0.2, 1.0
UNITS = 10
BLOCKS = (("baseline", 48, 0.0), ("adaptation", 160, 1.0), ("washout", 80, 0.0))


@dataclass(frozen=True)
class Planted:
    """What a made-up session is to show."""

    gain: float = 10.0
    """N·s/m, clockwise positive."""
    error_mm: float = 30.0
    """Deviation when nothing of the field is compensated."""
    tau: float = 25.0
    """Trials."""
    tau_washout: float = 10.0
    learned: float = 0.9
    """Share of the field that is compensated in the end."""
    noise_mm: float = 1.5
    targets: int = 8
    learner: bool = True
    special: bool = True
    """Catch and channel trials."""
    seed: int = 0
    window: dict[str, float] = field(default_factory=dict)
    """When the field acts: `start_s`, `duration_s`, `ramp_s`."""
    blocks: tuple[tuple[str, int, float], ...] = BLOCKS
    """Name, trials and share of the field."""


@dataclass(frozen=True)
class Made:
    """One trial of it."""

    trial: int
    block: int
    name: str
    kind: str
    target: int
    known: float
    """Share of the field that is compensated before it."""
    gain: float
    deviation_mm: float


def trials(p: Planted) -> list[Made]:
    """All trials, with the state of learning of each."""
    rng = np.random.default_rng(p.seed)
    out: list[Made] = []
    known = 0.0
    for block, (name, count, share) in enumerate(p.blocks):
        begin = known
        order: list[int] = []
        for i in range(count):
            if not order:
                order = rng.permutation(p.targets).tolist()
            target = order.pop()
            kind = "normal"
            if p.special and i >= 8:
                kind = "channel" if i % 8 == 3 else "catch" if share and i % 8 == 6 else "normal"
            if share:
                known = p.learned + (begin - p.learned) * float(np.exp(-i / p.tau))
            elif begin:
                known = begin * float(np.exp(-i / p.tau_washout))
            field = share if kind == "normal" else 0.0
            side = np.sign(p.gain)
            deviation = 0.0 if kind == "channel" else side * p.error_mm * (field - known)
            deviation += rng.normal(0, 0.1 if kind == "channel" else p.noise_mm)
            out.append(Made(len(out), block, name, kind, target, known, p.gain * share, float(deviation)))
    return out


def angle(t: Made, p: Planted) -> float:
    return 2 * np.pi * t.target / p.targets


def path(t: Made, p: Planted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Position, velocity and load (n, 3) of a minimum-jerk reach of 10 cm, bent by the trial's deviation."""
    time = np.arange(round(LENGTH / DT)) * DT
    s = np.clip((time - GO) / 0.5, 0, 1)
    along = 10 * s**3 - 15 * s**4 + 6 * s**5
    rate = (30 * s**2 - 60 * s**3 + 30 * s**4) / 0.5
    bump, slope = 16 * along**2 * (1 - along) ** 2, 32 * along * (1 - along) * (1 - 2 * along)
    ahead = np.array([np.cos(angle(t, p)), np.sin(angle(t, p)), 0.0])
    right = np.array([ahead[1], -ahead[0], 0.0])
    d = t.deviation_mm / 1e3
    x = 0.1 * along[:, None] * ahead + d * bump[:, None] * right
    v = (0.1 * rate)[:, None] * ahead + (d * slope * rate)[:, None] * right
    load = np.zeros_like(x)
    if t.kind == "channel":
        load = (t.known * p.gain * 0.1 * rate)[:, None] * right
    elif t.kind == "normal" and t.gain:
        load = t.gain * np.column_stack([v[:, 1], -v[:, 0], 0 * v[:, 0]])
    return x, v, load


def row(t: Made, p: Planted) -> dict[str, object]:
    x, v, _ = path(t, p)
    goal = 0.1 * np.array([np.cos(angle(t, p)), np.sin(angle(t, p))])
    slope = t.known if t.kind == "channel" and t.gain else None
    return {
        "trial": t.trial, "block": t.block, "block_name": t.name, "kind": t.kind, "target": t.target,
        "label": f"target {t.target}", "start_x": 0, "start_y": 0, "target_x": goal[0], "target_y": goal[1],
        "go_s": GO, "perturbation": "curl" if t.gain else "null", "gain": 0 if t.kind == "catch" else t.gain,
        "policy": "reach_null", "policy_sha256": "ab" * 32, "success": 1, "endpoint_error_mm": 2.5,
        "lateral_deviation_mm": t.deviation_mm, "lateral_at_peak_speed_mm": t.deviation_mm,
        "peak_speed": np.linalg.norm(v, axis=1).max(), "channel_slope": slope, "channel_force_N": None,
        "estimate_gain": t.known * p.gain if p.learner else None,
        "loss": 0.01 + (t.deviation_mm / 1e3) ** 2 if p.learner else None, "samples": len(x),
    }  # fmt: skip


def text(data: str) -> bytes:
    raw = data.encode() + b"\0"
    return b"\x00\x01\x00\x00" + struct.pack("<I", len(raw)) + raw


def diagnostics(name: str, values: dict[str, object]) -> bytes:
    """A diagnostic_msgs/DiagnosticArray of one status, in CDR."""
    out = bytearray(struct.pack("<iI", 0, 0))

    def put(text: str) -> None:
        out.extend(bytes(-len(out) % 4))
        out.extend(struct.pack("<I", len(text) + 1) + text.encode() + b"\0")

    put("")
    out.extend(bytes(-len(out) % 4) + struct.pack("<I", 1) + b"\0")
    for text in (name, "following commands", "arm"):
        put(text)
    out.extend(bytes(-len(out) % 4) + struct.pack("<I", len(values)))
    for key, value in values.items():
        put(key)
        put(json.dumps(value))
    return b"\x00\x01\x00\x00" + bytes(out)


def spec() -> EffectorSpec:
    command = Channels("effort", MUSCLES, "1", (0.0,) * 6, (1.0,) * 6)
    return EffectorSpec("arm", DT, command, ("shoulder", "elbow"), MUSCLES, "hand", sites=("endpoint",))


def hidden(t: Made, p: Planted, time: np.ndarray) -> np.ndarray:
    """Together at the start, apart on the way, near again at the end; learning turns them aside."""
    s = np.clip((time - GO) / 0.5, 0, 1)
    wave, end = np.sin(np.pi * s) ** 2, 0.15 * s
    goal = np.array([np.cos(angle(t, p)), np.sin(angle(t, p))])
    base = np.random.default_rng(7).normal(0, 1, (3, UNITS))
    return (wave + end)[:, None] * (goal @ base[:2]) + (0.8 * t.known * wave)[:, None] * base[2]


def write_recording(folder: Path, made: list[Made], p: Planted, start_ns: int = 0, wall_s: float = 1.7e9) -> None:
    """The recording of these trials, one file of it."""
    from myoprosthesis.recording.bag_writer import BagWriter

    with closing(BagWriter(folder)) as bag:
        joint, string = "sensor_msgs/msg/JointState", "std_msgs/msg/String"
        state, command, inside = (bag.topic(f"/{n}", joint) for n in ("state", "command", "policy/hidden"))
        health = bag.topic("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray")
        target, told = bag.topic("/target", string), bag.topic("/effector/spec", string)
        s = spec()
        writer, answer, units = JointStateWriter(s.channels), JointStateWriter(MUSCLES, ("effort",)), JointStateWriter(
            [f"hidden/{i}" for i in range(UNITS)], ("position",))  # fmt: skip
        rng = np.random.default_rng(3)
        wall = int(wall_s * 1e9)
        bag.add(told, wall, text(s.to_json()))
        for t in made:
            begin = start_ns + round(t.trial * LENGTH * 1e9)
            end = begin + round(LENGTH * 1e9)
            goal = (0.1 * np.cos(angle(t, p)), 0.1 * np.sin(angle(t, p)), 0.0)
            plan = TrialPlan(t.trial, begin, end, (0.0, 0.0, 0.0), tuple(map(float, goal)), begin + round(GO * 1e9))
            bag.add(target, wall, text(plan.to_json()))
            x, v, load = path(t, p)
            time = np.arange(len(x)) * DT
            table = np.zeros((3, len(s.channels)))
            states = hidden(t, p, time)
            for i in range(len(x)):
                stamp = begin + round(i * DT * 1e9)
                table[:, -3:] = x[i], v[i], load[i]
                table[0, 8:14] = 0.1 + 0.05 * np.arange(6) * (0.5 + t.known)
                wall += int(rng.normal(800_000, 40_000))
                bag.add(state, wall, writer.pack(stamp, *table))
                bag.add(inside, wall + 100_000, units.pack(stamp, states[i]))
                bag.add(command, wall + 300_000, answer.pack(stamp, np.zeros(6)))
            wall += 20_000_000
            ticks: dict[str, object] = {"ticks": 100 * (t.trial - made[0].trial + 1), "missed_ticks": 2}
            ticks["round_trip_ms"] = {"p50": 0.8, "p99": 1.2, "max": 7.5}
            bag.add(health, wall, diagnostics("effector", ticks))
        bag.flush()


@pytest.fixture(scope="session")
def planted() -> type[Planted]:
    return Planted


@pytest.fixture(scope="session")
def made() -> Callable[[Planted], list[Made]]:
    return trials


@pytest.fixture(scope="session")
def movement() -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return path


@pytest.fixture(scope="session")
def record() -> Callable[..., None]:
    return write_recording


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """Write the folder of a session, with a recording where it is asked for."""

    def make(folder: Path, p: Planted | None = None, recorded: bool = False) -> Path:
        p = p or Planted()
        folder.mkdir(parents=True, exist_ok=True)
        every = trials(p)
        with (folder / "trials.csv").open("w", newline="") as file:
            out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            out.writeheader()
            for t in every:
                out.writerow({k: "" if x is None else f"{x:.9g}" if isinstance(x, float) else x
                              for k, x in row(t, p).items()})  # fmt: skip
        blocks = "".join(f"  - {{name: {name}, trials: {n}}}\n" for name, n, _ in p.blocks)
        (folder / "session.yaml").write_text(
            f"name: planted\nabout: A session that nobody made, <with> a field.\nseed: {p.seed}\nblocks:\n{blocks}"
        )
        runs = []
        for t in every:
            acts = t.gain and t.kind == "normal"
            kinds = ([{"kind": "curl", "gain": p.gain, **p.window}] if acts else []) + (
                [{"kind": "channel"}] if t.kind == "channel" else [])  # fmt: skip
            runs.append({"first": t.trial, "last": t.trial, "kinds": kinds})
        (folder / "perturbation.yaml").write_text(yaml.safe_dump({"name": "planted", "blocks": runs}))
        told = {"session_sha256": "cd" * 32, "seed": p.seed, "command": "myoprosthesis session run planted",
                "versions": {"python": "3.11.7", "mujoco": "3.4.0"}, "platform": "Linux", "cores": 2,
                "starts": [{"trial": 0, "at": 1.7e9}], "ended": 1.7e9 + 300}  # fmt: skip
        (folder / "provenance.json").write_text(json.dumps(told))
        if recorded:
            write_recording(folder / "recording", every, p)
        return folder

    return make


@pytest.fixture(scope="session")
def session_folder(write: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with everything in it."""
    return write(tmp_path_factory.mktemp("session") / "planted_20260101-120000", recorded=True)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are empty: for tests of what else is on a page, as drawing takes most of the time."""
    monkeypatch.setattr("myoprosthesis.report.style.png", lambda drawn: b"")
    monkeypatch.setattr("myoprosthesis.report.html_page.svg", lambda drawn: b"<svg/>")


SHORT = (("baseline", 32, 0.0), ("adaptation", 64, 1.0), ("washout", 32, 0.0))


@pytest.fixture(scope="session")
def short() -> Planted:
    """A session of a few rounds."""
    return Planted(blocks=SHORT, tau=12.0)


@pytest.fixture(scope="session")
def session(write: Callable[..., Path], short: Planted, tmp_path_factory: pytest.TempPathFactory) -> ReportSession:
    """The short one as the sections see it, with its recording."""
    return read(write(tmp_path_factory.mktemp("short") / "short_20260101-120000", short, recorded=True))


@pytest.fixture(scope="session")
def unrecorded(session: ReportSession) -> ReportSession:
    """The same without its recording."""
    return replace(session, recorded=None)
