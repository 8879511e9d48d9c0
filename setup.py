"""The package: what is installed, where it lands, and the entry points that are the only registry of components."""

import os
import re
from pathlib import Path
from typing import Any

from setuptools import find_packages, setup
from setuptools.dist import Distribution

NAME = "myoprosthesis"
HERE = Path(__file__).resolve().parent

REQUIREMENTS = [
    "numpy>=1.24",
    "mujoco>=3.4,<4",
    "onnxruntime>=1.18",
    "onnx>=1.16",  # reads contracts, refuses data outside the file, and puts hidden states in their place
    "pyserial>=3.5",
    "pyyaml>=6.0",
    "rich>=13.0",
    "tqdm>=4.60",
    "myo-sim>=0.2",
    "websockets>=13",
    "mcap>=1.2,<2",  # and with it zstandard and lz4
]
# rclpy and its messages as wheels, for machines without a ROS distribution: 7.1 is Jazzy, 9.1 Kilted.
ROS_WHEELS = [
    "ros-rclpy[fastrtps]>=7.1,<10",
    "ros-std-msgs",
    "ros-sensor-msgs",
    "ros-geometry-msgs",
    "ros-diagnostic-msgs",
    "ros-std-srvs",
    "ros-lifecycle-msgs",
    "ros-rosgraph-msgs",
    "ros-rcl-interfaces",
]
PLOT = ["matplotlib>=3.6"]
TRAIN = ["torch>=2.6,<2.14", "gymnasium>=1.1,<2", "scipy>=1.10", *PLOT]
# Filters, models and file formats of EMG.
EMG = [*PLOT, "scipy>=1.10", "scikit-learn>=1.3", "h5py>=3.8", "pandas>=2.0", "pyxdf>=1.16", "rosbags>=0.11"]
# Joint angles in C3D files.
MOTION = ["c3d>=0.6"]
# The body in RViz and Foxglove, on machines without a ROS distribution.
VIEWERS = ["ros-visualization-msgs"]
FILM = [*PLOT, "av>=12"]
REPORT = [*PLOT, "scipy>=1.10", "scikit-learn>=1.3"]
BRAINFLOW = ["brainflow>=5.10", "setuptools<81"]  # it imports pkg_resources, which later ones lack
LSL = ["pylsl>=1.16"]
RAY = [*TRAIN, "ray[client]>=2.40"]
DOCS = ["mkdocs>=1.6,<2", "mkdocs-material>=9.5", "mkdocstrings[python]>=0.26"]
TEST = [
    *TRAIN,
    *EMG,
    *REPORT,
    *FILM,
    *MOTION,
    *VIEWERS,
    *BRAINFLOW,
    *LSL,
    # Other readers and writers of recordings, whose figures ours are compared with, over files made at random.
    "edfio>=0.4",
    "hypothesis>=6.100",
    "pyEDFlib>=0.1.38",
    "pytest>=8.0",
    "pytest-xdist>=3.5",
    "ruff>=0.12",
    "mypy>=1.15",
    "types-PyYAML",
    "setuptools>=68",
    "colcon-core>=0.20",
    "colcon-ros>=0.5",
    "colcon-python-setup-py>=0.2.9",
]

CLASSIFIERS = [
    "Development Status :: 4 - Beta",
    "Environment :: Console",
    "Intended Audience :: Science/Research",
    "Intended Audience :: Developers",
    "Operating System :: POSIX :: Linux",
    "Programming Language :: Python :: 3",
    "Programming Language :: Python :: 3 :: Only",
    "Topic :: Scientific/Engineering :: Medical Science Apps.",
    "Topic :: Scientific/Engineering :: Human Machine Interfaces",
    "Topic :: Software Development :: Embedded Systems",
    "Typing :: Typed",
]

EFFECTORS = ["arm26", "point_mass", "myoelbow", "myohand", "myoarm", "myolegs", "mjcf"]
FIELDS = ["null", "constant", "spring", "viscous", "curl", "channel", "pulse", "joint_load"]
MUSCLE_PERTURBATIONS = ["weakness", "fatigue"]
OBJECT_PERTURBATIONS = ["object_push", "object_mass"]
BODY_PERTURBATIONS = ["body_push", "body_load"]
OBSERVATION_PERTURBATIONS = ["rotation", "delay", "noise", "withhold"]
TERMS = {
    "channels": "Channels",
    "carried": "Carried",
    "history": "History",
    "difference": "Difference",
    "root_relative": "RootRelative",
    "phase": "Phase",
    "goal": "Goal",
    "goal_ahead": "GoalAhead",
    "previous_action": "PreviousAction",
}
ROOT_TERMS = {"upright": "Upright", "level_velocity": "LevelVelocity", "bearing": "Bearing", "way": "Way"}
EMG_PERTURBATIONS = ["electrode_shift", "gain_drift", "channel_dropout", "mains", "emg_noise", "emg_delay"]
HIDDEN_PERTURBATIONS = ["hidden_clamp", "hidden_add", "hidden_rotate", "hidden_silence"]
HANDS = {
    "ability_hand": "ability_hand:AbilityHand",
    "inspire_rh56": "inspire_rh56:InspireRh56",
    "inspire_rh56_modbus": "modbus:ModbusHand",
    "leap": "leap:Leap",
    "rohand": "modbus:ModbusHand",
}
HAND_MODELS = ["ability_hand", "inspire_rh56", "inspire_rh56_modbus", "leap"]
EMG_FORMATS = {
    **dict.fromkeys(["csv", "tsv", "txt"], "table:read_table"),
    **dict.fromkeys(["h5", "hdf5"], "arrays:read_hdf5"),
    "mat": "arrays:read_mat",
    **dict.fromkeys(["edf", "bdf"], "edf:read_edf"),
    "xdf": "xdf:read_xdf",
    **dict.fromkeys(["mcap", "db3"], "bag:read_bag"),
}
EMG_SOURCES = {
    "recording": "recording:RecordingSource",
    "recorded_person": "recorded_person:RecordedPerson",
    "synthetic": "synthetic:Synthetic",
    "serial": "serial_line:SerialLine",
    "brainflow": "brainflow:BrainFlow",
    "lsl": "lsl:Lsl",
}
NODES = {
    **{
        node: f"nodes.{node}"
        for node in (
            *("effector_node", "policy_node", "perturbation_node", "task_node"),
            *("emg_node", "emulator_node", "recorder_node"),
        )
    },
    "monitor_node": "stack.monitor",
    "console_node": "console.console_node",
    "marker_node": "console.marker_node",
}
"""Executables of `ros2 run`, and the modules below the package that they start."""


INSTALL_DATA: Any = Distribution().get_command_class("install_data")


class InstallData(INSTALL_DATA):
    """Data files, and in a wheel what `ros2 run` and `ros2 launch` look for in lib/myoprosthesis.

    colcon puts the executables themselves there (setup.cfg).
    """

    def run(self) -> None:
        """Copy the files; under each executable's name write a script that starts the one in bin/ of its prefix."""
        super().run()
        if "bdist_wheel" not in self.distribution.command_obj:
            return
        folder = Path(self.install_dir) / "lib" / NAME
        folder.mkdir(parents=True, exist_ok=True)
        for executable in (NAME, *NODES):
            script = folder / executable
            script.write_text(f'#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/../../bin/{executable}" "$@"\n')
            script.chmod(0o755)
            self.outfiles.append(str(script))


def version() -> str:
    """Return the package's version without importing it."""
    text = (HERE / NAME / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f'{NAME}/__init__.py has no line __version__ = "..."')
    return found.group(1)


def shared(*folders: str) -> list[tuple[str, list[str]]]:
    """List every file below `folders` for share/myoprosthesis, each in its own folder."""
    files: dict[str, list[str]] = {}
    for folder in folders:
        for path in sorted((HERE / folder).rglob("*")):
            local = path.relative_to(HERE)
            if path.is_file() and not any(p.startswith((".", "__pycache__")) for p in local.parts):
                files.setdefault(f"share/{NAME}/{local.parent.as_posix()}", []).append(local.as_posix())
    return sorted(files.items())


setup(
    name=NAME,
    version=version(),
    description="One policy, many bodies: a ROS 2 control stack for musculoskeletal models and prosthetic hands",
    long_description=(HERE / "README.md").read_text(encoding="utf-8") if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    author="The myoprosthesis developers",
    maintainer="The myoprosthesis developers",
    maintainer_email="maintainers@myoprosthesis.invalid",
    license="Apache-2.0",
    keywords="ros2 mujoco musculoskeletal motor-control prosthesis emg onnx",
    classifiers=CLASSIFIERS,
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={
        NAME: [
            "py.typed",
            "effectors/models/*.xml",
            "report/*.css",
            "tasks/*.csv",
            "console/page/*",
            "console/page/vendor/*",
        ]
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *shared("launch", "config", "policies", "hardware"),
    ],
    cmdclass={"install_data": InstallData},
    zip_safe=False,
    install_requires=REQUIREMENTS + ([] if os.environ.get("ROS_DISTRO") else ROS_WHEELS),
    extras_require={
        **{
            "plot": PLOT,
            "emg": EMG,
            "train": TRAIN,
            "report": REPORT,
            "film": FILM,
            "motion": MOTION,
            "viewers": VIEWERS,
            "test": TEST,
            "docs": DOCS,
        },
        **{"brainflow": BRAINFLOW, "lsl": LSL, "ray": RAY},
    },
    entry_points={
        "console_scripts": [
            f"{NAME} = {NAME}.cli.main:main",
            *(f"{node} = {NAME}.{module}:main" for node, module in NODES.items()),
        ],
        f"{NAME}.effectors": [
            *(f"{body} = {NAME}.effectors.bodies:{body}" for body in EFFECTORS),
            f"hand_ball = {NAME}.effectors.hand_ball:hand_ball",
            f"baoding_hand = {NAME}.effectors.baoding_hand:baoding_hand",
            f"mirror = {NAME}.effectors.mirror:Mirror",
            *(f"{hand} = {NAME}.effectors.serial_hand.hands:{hand}" for hand in HANDS),
            *(f"{hand}_model = {NAME}.effectors.hand_model:{hand}_model" for hand in HAND_MODELS),
            f"mapped = {NAME}.effectors.retargeted:mapped",
        ],
        f"{NAME}.perturbations": [
            *(f"{kind} = {NAME}.perturbations.field_kinds:{kind}" for kind in FIELDS),
            *(f"{kind} = {NAME}.perturbations.muscle_kinds:{kind}" for kind in MUSCLE_PERTURBATIONS),
            *(f"{kind} = {NAME}.perturbations.object_kinds:{kind}" for kind in OBJECT_PERTURBATIONS),
            *(f"{kind} = {NAME}.perturbations.body_kinds:{kind}" for kind in BODY_PERTURBATIONS),
            *(f"{kind} = {NAME}.perturbations.observation_kinds:{kind}" for kind in OBSERVATION_PERTURBATIONS),
            *(f"{kind} = {NAME}.perturbations.emg_kinds:{kind}" for kind in EMG_PERTURBATIONS),
            *(f"{kind} = {NAME}.perturbations.hidden_kinds:{kind}" for kind in HIDDEN_PERTURBATIONS),
        ],
        f"{NAME}.terms": [
            *(f"{kind} = {NAME}.core.observation_terms:{cls}Term" for kind, cls in TERMS.items()),
            *(f"{kind} = {NAME}.core.root_terms:{cls}Term" for kind, cls in ROOT_TERMS.items()),
        ],
        f"{NAME}.tasks": [
            f"centre_out = {NAME}.tasks.centre_out:CentreOut",
            f"random_reach = {NAME}.tasks.random_reach:RandomReach",
            f"hold = {NAME}.tasks.hold:Hold",
            f"listed = {NAME}.tasks.listed:Listed",
            f"orbit_follow = {NAME}.tasks.orbit_follow:OrbitFollow",
            f"baoding = {NAME}.tasks.baoding:Baoding",
            f"hand_posture = {NAME}.tasks.hand_posture:HandPosture",
            f"hand_reach = {NAME}.tasks.hand_reach:HandReach",
            f"walk = {NAME}.tasks.walk:Walk",
            f"grip_targets = {NAME}.tasks.grip_targets:GripTargets",
            f"goal_walk = {NAME}.tasks.goal_walk:GoalWalk",
        ],
        f"{NAME}.emg_sources": [f"{name} = {NAME}.emg.sources.{noun}" for name, noun in EMG_SOURCES.items()],
        f"{NAME}.emg_formats": [f"{ending} = {NAME}.emg.formats.{reader}" for ending, reader in EMG_FORMATS.items()],
        f"{NAME}.hand_protocols": [f"{hand} = {NAME}.hands.{codec}" for hand, codec in HANDS.items()],
        f"{NAME}.emulators": [f"{hand} = {NAME}.emulators.{codec}Emulator" for hand, codec in HANDS.items()],
        f"{NAME}.decoders": [
            *(f"{kind.lower()} = {NAME}.decoders.models:{kind}" for kind in ("Lda", "Logistic", "Ridge", "Mlp")),
            f"gru = {NAME}.decoders.gru:Gru",
            f"conv = {NAME}.decoders.band_network:BandNetwork",
        ],
        f"{NAME}.motion_generators": [f"folder = {NAME}.motion.clip_generator:FolderGenerator"],
        f"{NAME}.policies": [f"onnx = {NAME}.policies.onnx_policy:OnnxPolicy"],
    },
)
