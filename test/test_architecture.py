"""Imports point one way, nodes → training, analysis → components → core; heavy libraries stay where they belong."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "myoprosthesis"

COMPONENTS = {
    "effectors",
    "scenes",
    "policies",
    "perturbations",
    "emg",
    "decoders",
    "hands",
    "emulators",
    "tasks",
    "motion",
    "recording",
}
ENVIRONMENTS = {"envs"}
USERS = {"training", "analysis"}
SITTINGS = {"sessions", "report", "films"}
TOP = {"cli", "bench", "testing", "checks"}
LAYERS = [
    {"core"},
    {"files"},
    {"onnx_graphs"},
    COMPONENTS,
    ENVIRONMENTS,
    USERS,
    SITTINGS,
    {"nodes"},
    {"stack"},
    {"console"},
]
"""From the bottom up. What is in none of them (TOP) is above stack and may import anything."""

SIBLINGS = {
    ("effectors", "hands"): "an effector that moves a real hand uses its codec and data sheet",
    ("effectors", "scenes"): "a body stands in a scene",
    ("motion", "effectors"): "recorded postures are brought onto the model of the legs",
    ("emulators", "hands"): "an emulated hand has the data sheet of the real one",
    ("emulators", "emg"): "an emulated EMG board writes the frames that the source reads",
}
"""The only imports within a layer, each with its reason; docs/architecture.md shows them (python docs/generate.py)."""

MESSAGES = "builtin_interfaces diagnostic_msgs geometry_msgs lifecycle_msgs rcl_interfaces rosgraph_msgs sensor_msgs"
STACK = {
    f"stack/{name}" for name in ("client", "effector_switch", "emg_client", "monitor", "replayer", "session_client")
}
"""The modules of `stack` that name messages of ROS; rclpy itself is imported in `nodes` only."""
HOMES = {
    "rclpy": {"nodes", "bench"},
    **dict.fromkeys(["std_msgs", "std_srvs", *MESSAGES.split()], {"nodes", "bench", *STACK}),
    "torch": {"training", "decoders/gru", "decoders/band_network", "bench/training", "bench/ppo", "cli/train"},
    "visualization_msgs": {"nodes"},
    "websockets": {"console", "bench"},
    "mujoco": {"effectors", "scenes", "motion", "envs", "training", "films/placed_body", "bench"},
    "gymnasium": {"envs", "training", "bench"},
    "myo_sim": {"effectors"},
    "onnxruntime": {"policies", "decoders", "training", "bench"},
    "serial": {"effectors/serial_hand", "emg"},
    **dict.fromkeys(["mcap", "zstandard", "lz4"], {"recording"}),
    "av": {"films"},
    **dict.fromkeys(["brainflow", "pylsl", "pyxdf", "rosbags"], {"emg"}),
    "launch": set(),
    "launch_ros": set(),
}
"""Where a library may be imported; `bench` because it measures the bare libraries against the package."""


def imports(source: str, module: str) -> list[str]:
    """Dotted names that `source`, the text of `module`, imports anywhere, functions included."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names += [f"{stem}.{alias.name}" for alias in node.names]
    return names


def rank(part: str) -> int:
    return next((i for i, layer in enumerate(LAYERS) if part in layer), len(LAYERS))


def fault(module: str, imported: str) -> str:
    """Empty, or why `module` may not import `imported`."""
    here = module.split(".")[1]
    top, *rest = imported.split(".")
    if top == PACKAGE:
        there = rest[0] if rest else ""
        if here == there or there in ("", "__version__") or (here, there) in SIBLINGS:
            return ""
        if rank(here) == len(LAYERS) or rank(there) < rank(here):
            return ""
        return f"{module} imports {imported}: {here} must not import {there}"
    path = "/".join(module.split(".")[1:])
    if top in HOMES and not any(f"{path}/".startswith((f"{home}/", f"{home}_")) for home in HOMES[top]):
        return f"{module} imports {imported}: {top} belongs in {', '.join(sorted(HOMES[top])) or 'launch files'} only"
    if here == "core" and top not in sys.stdlib_module_names and top != "numpy":
        return f"{module} imports {imported}: core is the standard library and numpy"
    return ""


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if name != f"{PACKAGE}.__init__":
            found[name] = path
    return found


@pytest.mark.parametrize("module", modules())
def test_imports_point_one_way(module: str) -> None:
    source = modules()[module].read_text(encoding="utf-8")
    assert [f for f in (fault(module, name) for name in imports(source, module)) if f] == []


def test_every_folder_has_a_layer_or_is_known_to_be_on_top() -> None:
    parts = {name.split(".")[1] for name in modules()}
    assert {p for p in parts if rank(p) == len(LAYERS)} <= TOP


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("myoprosthesis.core.force_field", "from myoprosthesis.effectors import mirror"),
        ("myoprosthesis.core.force_field", "from ..effectors import mirror"),
        ("myoprosthesis.core.force_field", "import scipy"),
        ("myoprosthesis.effectors.mirror", "import myoprosthesis.perturbations.kind"),
        ("myoprosthesis.hands.prensilia", "from myoprosthesis.effectors.mirror import Mirror"),
        ("myoprosthesis.policies.onnx_policy", "from myoprosthesis.nodes.topics import STATE"),
        ("myoprosthesis.training.gradient.loss", "def f():\n    from myoprosthesis.analysis import kinematics"),
        ("myoprosthesis.training.gradient.loss", "from myoprosthesis.stack.description import describe"),
        ("myoprosthesis.stack.monitor", "from myoprosthesis.cli.main import main"),
        ("myoprosthesis.cli.main", "import rclpy.node"),
        ("myoprosthesis.stack.client", "from rclpy.parameter import Parameter"),
        ("myoprosthesis.nodes.policy_node", "import torch"),
        ("myoprosthesis.policies.onnx_policy", "import torch"),
        ("myoprosthesis.bench.loop", "import torch"),
        ("myoprosthesis.nodes.effector_node", "import mujoco"),
    ],
)
def test_a_planted_violation_is_refused(module: str, line: str) -> None:
    assert any(fault(module, name) for name in imports(line, module))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("myoprosthesis.core.force_field", "import numpy as np"),
        ("myoprosthesis.core.force_field", "from . import errors"),
        ("myoprosthesis.effectors.prensilia", "from myoprosthesis.hands.prensilia import Codec"),
        ("myoprosthesis.nodes.policy_node", "import rclpy"),
        ("myoprosthesis.training.gradient.export", "import torch\nimport mujoco"),
        ("myoprosthesis.bench.training", "import torch"),
        ("myoprosthesis.stack.description", "from myoprosthesis.nodes.topics import STATE"),
    ],
)
def test_a_proper_import_is_let_through(module: str, line: str) -> None:
    assert [fault(module, name) for name in imports(line, module) if fault(module, name)] == []


def test_a_public_class_has_a_name_of_its_own() -> None:
    homes: dict[str, list[str]] = {}
    for module, path in modules().items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(module)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}
