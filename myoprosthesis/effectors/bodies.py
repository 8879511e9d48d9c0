"""The bodies by name: our own MJCF, the MyoSim models, and any MJCF by path."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mujoco

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.options import option
from myoprosthesis.effectors import urdf
from myoprosthesis.effectors.compiled_model import compiled
from myoprosthesis.effectors.mujoco_body import BodyOptions, MujocoBody
from myoprosthesis.effectors.named_parts import mark_endpoint, unused_keyframes
from myoprosthesis.scenes.composition import compose
from myoprosthesis.scenes.terrain import Terrain

MODELS = Path(__file__).parent / "models"
MYOHAND, MYOHAND_ENDPOINT = "myohand_r", "IFtip_r"
"""The hand as MyoSim registers it, and the tip of its index finger."""


@dataclass(frozen=True)
class MjcfOptions(BodyOptions):
    """Options of a body read from a file; its endpoint may be the origin of a body too, as of a URDF's link."""

    file: str = option("", "path of an MJCF or URDF file", file="path")
    servo_hz: float = option(8.0, "natural frequency of the position servos that a URDF's joints get", "Hz", 0.1, 50.0)


def arm26(options: BodyOptions) -> MujocoBody:
    """Two joints, six muscles, horizontal."""
    return _own("arm26", options)


def point_mass(options: BodyOptions) -> MujocoBody:
    """A mass in the plane, four muscles."""
    return _own("point_mass", options)


def myoelbow(options: BodyOptions) -> MujocoBody:
    """MyoSim elbow: one joint, six muscles."""
    return _myo("myoelbow", "myoelbow", options, "wrist")


def myohand(options: BodyOptions) -> MujocoBody:
    """MyoSim hand: 23 joints, 39 muscles."""
    return _myo("myohand", MYOHAND, options, MYOHAND_ENDPOINT)


def myoarm(options: BodyOptions) -> MujocoBody:
    """MyoSim arm with hand: 38 joints, 63 muscles."""
    return _myo("myoarm", "myoarm", options, "IFtip_r")


def myolegs(options: BodyOptions) -> MujocoBody:
    """MyoSim legs: 80 muscles, free root, on level ground without an end.

    MyoSim puts them on a round platform of 1.05 m with the floor 0.4 m below, which a person who walks falls from
    within a second; here the ground is at 0 everywhere, and the posture `standing` stands on it."""

    def level(spec: mujoco.MjSpec) -> mujoco.MjSpec:
        (platform,) = (g for g in spec.worldbody.geoms if g.type == mujoco.mjtGeom.mjGEOM_CYLINDER)
        height = float(platform.pos[2] + platform.size[1])
        spec.delete(platform)
        for key in spec.keys:
            key.qpos[2] -= height
        return compose(spec, terrain=Terrain(extent=100.0))

    model = compiled(lambda: myosim_scene("myolegs", level, postures=True), "the MyoSim model myolegs")
    return MujocoBody("myolegs", model, options, "toe_r")


def mjcf(options: MjcfOptions) -> MujocoBody:
    """Any MJCF by path, or a URDF, whose joints get position servos."""
    path = Path(options.file).expanduser()
    if not options.file or not path.is_file():
        raise ConfigError(
            f"effector 'mjcf' needs an existing file as its option file, got {options.file!r}: `up` takes "
            "--set effector.file=PATH, `switch-effector` --option file=PATH, a session effector_options: {file: PATH}"
        )
    speeds: tuple[float, ...] | None = None
    remarks: list[str] = []
    if path.suffix.lower() == ".urdf":
        load = partial(urdf.model_of, path, options.servo_hz, options.endpoint)
        model, speeds, remarks = compiled(load, f"the model {path}")
    else:
        model = compiled(lambda: _model_of(path, options.endpoint), f"the model {path}")
    remarks += unused_keyframes(model, options.keyframe)
    return MujocoBody(path.stem, model, options, rate_limit=speeds or None, remarks=remarks)


def _model_of(path: Path, endpoint: str) -> mujoco.MjModel:
    if not endpoint:
        return mujoco.MjModel.from_xml_path(str(path))
    spec = mujoco.MjSpec.from_file(str(path))
    mark_endpoint(spec, endpoint)
    return spec.compile()


def _own(name: str, options: BodyOptions) -> MujocoBody:
    path = MODELS / f"{name}.xml"
    return MujocoBody(name, compiled(lambda: mujoco.MjModel.from_xml_path(str(path)), f"the model {path}"), options)


def _myo(name: str, registered: str, options: BodyOptions, endpoint: str) -> MujocoBody:
    def load() -> mujoco.MjModel:
        import myo_sim

        with _quiet():
            return myo_sim.load_model(registered)

    return MujocoBody(name, compiled(load, f"the MyoSim model {registered}"), options, endpoint)


def myosim_scene(
    registered: str, change: Callable[[mujoco.MjSpec], mujoco.MjSpec], postures: bool = False
) -> mujoco.MjModel:
    """A MyoSim model, compiled after `change`, such as with props about it; with its `postures` as keyframes or not."""
    import myo_sim

    with _quiet():
        return change(myo_sim.load_spec(registered, build_kwargs={"postures": postures})).compile()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the warning about a prefix that myo-sim brings about at every load and compilation."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
