"""The folder of a session: what was planned, a row for each finished trial, and all that is needed to continue."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.files.atomic import write_atomic
from myoprosthesis.files.csv_text import csv_text
from myoprosthesis.sessions import session as sessions
from myoprosthesis.sessions.session import Session
from myoprosthesis.sessions.session_trials import SessionTrial, preset
from myoprosthesis.tasks import listed

COLUMNS = (
    *("trial", "block", "block_name", "kind", "target", "label", "start_x", "start_y", "target_x", "target_y", "go_s"),
    *("perturbation", "gain", "policy", "policy_sha256", "success", "endpoint_error_mm", "lateral_deviation_mm"),
    *("lateral_at_peak_speed_mm", "peak_speed", "channel_slope", "channel_force_N", "estimate_gain", "loss", "samples"),
    "lost",
)
"""Of trials.csv. Lengths in mm where the name says so, else m; forces in N, gains in N·s/m, speeds in m/s. `lost` says
why a trial does not count, in which commands were not followed throughout; its figures are empty then."""
PACKAGES = ("myoprosthesis", "mujoco", "onnxruntime", "torch", "numpy", "rclpy", "mcap")


class SessionFolder:
    """Files of one session; a finished trial is on the disk before the next one is committed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def table(self) -> Path:
        """The row of each finished trial."""
        return self.path / "trials.csv"

    @property
    def reaches(self) -> Path:
        """What the task node plans from."""
        return self.path / "reaches.csv"

    @property
    def perturbation(self) -> Path:
        """What the perturbation node plans from."""
        return self.path / "perturbation.yaml"

    @property
    def policies(self) -> Path:
        """Policies that the learner wrote."""
        return self.path / "policies"

    @property
    def recording(self) -> Path:
        """The bag."""
        return self.path / "recording"

    @property
    def learner(self) -> Path:
        """The learner's committed state."""
        return self.path / "learner.pt"

    @property
    def provenance(self) -> Path:
        """Versions, hashes, machine, times."""
        return self.path / "provenance.json"

    @classmethod
    def create(cls, path: Path, session: Session, trials: Sequence[SessionTrial], command: str) -> SessionFolder:
        """Begin a folder; one that exists already and is not empty is refused."""
        folder = cls(path)
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise ConfigError(f"{path} exists already: continue it with --resume, or give another --out")
            folder.policies.mkdir(parents=True)
            text = yaml.safe_dump(session.to_dict(), sort_keys=False, allow_unicode=True)
            (path / "session.yaml").write_text(text, encoding="utf-8")
            imposed = yaml.safe_dump(preset(session, trials), sort_keys=False, allow_unicode=True)
            folder.perturbation.write_text(imposed, encoding="utf-8")
            listed.write(folder.reaches, [t.reach for t in trials])
            folder.table.write_text(",".join(COLUMNS) + "\n")
        except OSError as error:
            raise ConfigError(f"the session's folder {path} cannot be written: {error.strerror}") from error
        digest = hashlib.sha256(text.encode()).hexdigest()
        folder.note(session_sha256=digest, seed=session.seed, command=command, starts=[], **environment())
        return folder

    @classmethod
    def open(cls, path: Path) -> tuple[SessionFolder, Session]:
        """A folder that was begun, and its session."""
        file = path / "session.yaml"
        if not file.is_file():
            raise ConfigError(f"{path} is no session's folder: it has no session.yaml")
        return cls(path), sessions.load(str(file))

    def note(self, **more: Any) -> None:
        """Add to provenance.json, whole or not at all."""
        write_atomic(self.provenance, json.dumps({**self.provenance_data(), **more}, indent=1) + "\n")

    def counts(self) -> dict[str, dict[str, Any]]:
        """What the guard has counted, and what was of the actions of each policy, in all stacks of the session."""
        starts = self.provenance_data().get("starts", [])
        guard: Counter[str] = Counter()
        policies: dict[str, Counter[str]] = {}
        for start in starts:
            guard.update(start.get("guard_events", {}))
            for name, events in start.get("policy_events", {}).items():
                policies.setdefault(name, Counter()).update(events)
        return {"guard_events": dict(guard), "policy_events": {name: dict(n) for name, n in policies.items()}}

    def provenance_data(self) -> dict[str, Any]:
        """What provenance.json says so far."""
        try:
            return dict(json.loads(self.provenance.read_text()))
        except (OSError, ValueError, RecursionError):
            return {}

    def rows(self) -> list[dict[str, str]]:
        """Finished trials. A last line that was cut is taken off the file."""
        try:
            data = self.table.read_bytes()
        except OSError as error:
            raise ConfigError(f"{self.table} cannot be read: {error.strerror}") from error
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            self._write(len(whole), b"")
        rows = list(csv.DictReader(io.StringIO(whole.decode(), newline="")))
        if whole.partition(b"\n")[0].decode() != ",".join(COLUMNS):
            raise ConfigError(f"{self.table} has other columns than this version writes: it cannot be continued")
        return rows

    def append(self, row: Mapping[str, Any]) -> None:
        """Commit a row; raises `OSError`, and leaves the file as it was, when the disk is full."""
        self.append_text(line(row))

    def append_text(self, text: str) -> None:
        """The same of a row that was written out before."""
        self._write(self.table.stat().st_size, text.encode())

    def table_sha256(self) -> str:
        """Hash of the trial table."""
        return hashlib.sha256(self.table.read_bytes()).hexdigest()

    def _write(self, size: int, data: bytes) -> None:
        with self.table.open("r+b", buffering=0) as file:
            file.truncate(size)
            file.seek(size)
            try:
                if file.write(data) != len(data):
                    raise OSError(28, "No space left on device")
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise


def line(row: Mapping[str, Any]) -> str:
    """A row as it stands in the table."""
    return csv_text(_cell(row[c]) for c in COLUMNS)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def fresh(name: str, under: Path = Path("recordings")) -> Path:
    """A folder for a session that begins now."""
    return under / f"{name}_{time.strftime('%Y%m%d-%H%M%S')}"


def environment() -> dict[str, Any]:
    """What the session runs on."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version("ros-rclpy" if package == "rclpy" else package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "versions": {"python": sys.version.split()[0], **versions},
        "platform": platform.platform(),
        "cores": os.cpu_count(),
    }
