"""What setup.py and package.xml say agrees with the code and with each other."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from email import message_from_string
from email.message import Message
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

import pytest

import myoprosthesis
from myoprosthesis.core import registry

ROOT = Path(__file__).resolve().parents[2]


def metadata(folder: Path, **environment: str) -> Message:
    """The metadata that a build would write, with `environment` on top of ours."""
    code = (
        "import sys; from setuptools import build_meta;"
        "print(sys.argv[1] + '/' + build_meta.prepare_metadata_for_build_wheel(sys.argv[1]))"
    )
    clean = {k: v for k, v in os.environ.items() if k != "ROS_DISTRO"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return message_from_string((Path(done.stdout.splitlines()[-1]) / "METADATA").read_text(encoding="utf-8"))


def core_requirements(found: Message) -> list[str]:
    return [r for r in found.get_all("Requires-Dist") or [] if "extra ==" not in r]


def test_the_version_stands_in_one_place_and_package_xml_repeats_it(tmp_path: Path) -> None:
    manifest = ElementTree.parse(ROOT / "package.xml").getroot()
    assert manifest.findtext("version") == myoprosthesis.__version__
    assert metadata(tmp_path)["Version"] == myoprosthesis.__version__


def test_a_sourced_distribution_keeps_its_own_rclpy(tmp_path: Path) -> None:
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    alone.mkdir()
    beside.mkdir()
    assert any(r.startswith("ros-rclpy") for r in core_requirements(metadata(alone)))
    assert not any(r.startswith("ros-") for r in core_requirements(metadata(beside, ROS_DISTRO="kilted")))


def test_the_runtime_needs_no_torch(tmp_path: Path) -> None:
    assert not any(r.startswith("torch") for r in core_requirements(metadata(tmp_path)))


def test_package_xml_names_every_ros_package_that_is_imported() -> None:
    manifest = ElementTree.parse(ROOT / "package.xml").getroot()
    named = {d.text for d in manifest.iter("exec_depend")}
    used = set()
    for path in [*(ROOT / "myoprosthesis" / "nodes").glob("*.py"), *(ROOT / "launch").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                used.add(node.module.split(".")[0])
    ros = {
        u for u in used if u in ("rclpy", "launch", "launch_ros", "std_srvs") or u.endswith(("_msgs", "_interfaces"))
    }
    assert ros - named == {"builtin_interfaces"} & ros


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_entry_point_can_be_loaded(kind: str) -> None:
    for name in registry.names(kind):
        assert callable(registry.factory(kind, name))


def test_executables_exist() -> None:
    scripts = [e for e in entry_points(group="console_scripts") if e.value.startswith("myoprosthesis.")]
    assert {"myoprosthesis", "effector_node", "policy_node"} <= {e.name for e in scripts}
    assert all(callable(e.load()) for e in scripts)
