"""`colcon build` puts everything where `ros2 run` and `ros2 launch` look for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    find_spec("colcon_core") is None or find_spec("colcon_ros") is None, reason="colcon-core or colcon-ros is absent"
)

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("launch", "config", "policies")
EXECUTABLES = {
    "myoprosthesis",
    *("effector_node", "policy_node", "perturbation_node", "task_node", "monitor_node", "emg_node", "emulator_node"),
    "recorder_node",
    "console_node",
    "marker_node",
}


def build(workspace: Path, *arguments: str) -> Path:
    """Build a copy of the source tree in `workspace` and return the package's prefix."""
    left_out = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "install", "log", "runs", "test")
    shutil.copytree(ROOT, workspace / "src" / "myoprosthesis", ignore=left_out)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "AMENT_PREFIX_PATH")}
    command = [sys.executable, "-m", "colcon", "build", *arguments]
    done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace / "install" / "myoprosthesis"


@pytest.fixture(scope="module", params=["plain", "symlink"])
def prefix(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    arguments = ["--symlink-install"] if request.param == "symlink" else []
    return build(tmp_path_factory.mktemp(request.param), *arguments)


def files(root: Path) -> set[str]:
    found = (p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {p.relative_to(root).as_posix() for p in found}


def test_executables_are_where_ros2_run_looks(prefix: Path) -> None:
    folder = prefix / "lib" / "myoprosthesis"
    assert {p.name for p in folder.iterdir()} == EXECUTABLES
    assert all(os.access(p, os.X_OK) for p in folder.iterdir())
    assert not (prefix / "bin").exists()


def test_the_ament_index_knows_the_package(prefix: Path) -> None:
    assert (prefix / "share/ament_index/resource_index/packages/myoprosthesis").is_file()
    assert (prefix / "share/myoprosthesis/package.xml").is_file()


@pytest.mark.parametrize("folder", SHARED)
def test_shared_files_land_each_in_its_own_folder(prefix: Path, folder: str) -> None:
    hidden = {f for f in files(ROOT / folder) if any(part.startswith(".") for part in f.split("/"))}
    assert files(prefix / "share/myoprosthesis" / folder) == files(ROOT / folder) - hidden


def run(prefix: Path, code: str) -> str:
    """Run `code` in a shell that has sourced the workspace, outside the source tree."""
    setup = prefix.parent / "setup.sh"
    command = f'. "{setup}" && exec "{sys.executable}" -c "$CODE"'
    colcon = {"COLCON_CURRENT_PREFIX": str(prefix.parent), "COLCON_PYTHON_EXECUTABLE": sys.executable}
    environment = {**os.environ, **colcon, "CODE": code}
    done = subprocess.run(["sh", "-c", command], cwd=prefix, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_a_sourced_workspace_finds_package_models_and_shared_folders(prefix: Path) -> None:
    code = (
        "import myoprosthesis; from myoprosthesis.core import registry, share; from pathlib import Path;"
        "here = Path(myoprosthesis.__file__).parent; print(here.resolve()); print(share.root().resolve());"
        "print((here / 'effectors/models/arm26.xml').is_file(), 'arm26' in registry.names('effectors'))"
    )
    package, shared, there = run(prefix, code).splitlines()
    workspace = str(prefix.parents[1].resolve())
    assert package.startswith(workspace)
    assert shared.startswith(workspace)
    assert there == "True True"
