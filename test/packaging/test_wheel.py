"""`pip install` alone puts everything where `ros2 run` and `ros2 launch` look for it once AMENT_PREFIX_PATH is set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*words: object, **environment: str) -> str:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "AMENT_PREFIX_PATH")}
    done = subprocess.run(
        [str(w) for w in words], cwd="/", env={**clean, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prefix with a space in its name, into which the wheel is installed."""
    folder = tmp_path_factory.mktemp("wheel") / "a prefix"
    pip = (sys.executable, "-m", "pip", "--quiet", "--no-input")
    source, wheels = folder.parent / "source", folder.parent / "wheels"
    left_out = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "install", "log", "runs", "test")
    shutil.copytree(ROOT, source, ignore=left_out)
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, source)
    (wheel,) = wheels.glob("*.whl")
    run(*pip, "install", "--no-deps", "--prefix", folder, "--ignore-installed", wheel)
    return folder


def library(prefix: Path) -> str:
    return str(next(prefix.glob("lib/python3*/site-packages")))


def test_every_executable_is_where_ros2_run_looks(prefix: Path) -> None:
    code = "from ament_index_python.packages import get_package_prefix; print(get_package_prefix('myoprosthesis'))"
    found = run(sys.executable, "-c", code, AMENT_PREFIX_PATH=str(prefix))
    folder = Path(found.strip()) / "lib" / "myoprosthesis"
    assert folder.is_relative_to(prefix)
    ours = {e.name for e in entry_points(group="console_scripts") if e.value.startswith("myoprosthesis.")}
    assert {p.name for p in folder.iterdir()} == ours and "effector_node" in ours
    assert all(os.access(p, os.X_OK) for p in folder.iterdir())


def test_the_page_of_the_console_is_in_it_with_its_licences_and_is_small(prefix: Path) -> None:
    import gzip

    installed, source = (Path(p) / "myoprosthesis" / "console" / "page" for p in (library(prefix), ROOT))
    files = {p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()}
    assert {p.relative_to(installed).as_posix() for p in installed.rglob("*") if p.is_file()} == files
    assert {"index.html", "vendor/three.min.js", "vendor/three.LICENSE", "vendor/uplot.LICENSE"} <= files
    assert sum(len(gzip.compress(p.read_bytes())) for p in installed.rglob("*") if p.is_file()) < 400_000


@pytest.mark.parametrize("linked", [False, True])
def test_it_starts_the_executable_of_its_own_prefix(prefix: Path, tmp_path: Path, linked: bool) -> None:
    script = prefix / "lib" / "myoprosthesis" / "myoprosthesis"
    if linked:
        (tmp_path / "link").symlink_to(script)
        script = tmp_path / "link"
    text = run(script, "effectors", PYTHONPATH=library(prefix))
    assert "arm26" in text


def test_a_second_install_leaves_nothing_of_the_first(prefix: Path) -> None:
    """pip knows of the scripts, so that it takes them off again."""
    (record,) = Path(library(prefix)).glob("myoprosthesis-*.dist-info/RECORD")
    lines = record.read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("../../myoprosthesis/effector_node,") for line in lines)
