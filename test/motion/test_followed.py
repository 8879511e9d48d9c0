"""A movement that is followed for once: found by a name of its own while it is, and no longer."""

import os
import shutil

import pytest

from myoprosthesis.core import motion_clip
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.motion.followed import followed
from myoprosthesis.tasks import walk_clips


def test_a_clip_is_taken_as_it_is_by_name_or_path(tmp_path):
    source = motion_clip.find("person_opensim")
    other = shutil.copyfile(source, tmp_path / "walk.csv")  # a name that begins as those of the package
    for file in ("person_opensim", str(other)):
        with followed(file) as clip:
            (found,) = walk_clips.candidates((clip.name,))
            assert found.sha256 == clip.sha256 == motion_clip.read(source).sha256
            assert clip.speed == pytest.approx(1.2028) and clip.name in motion_clip.names()
        assert clip.name not in motion_clip.names() and motion_clip.FOLDERS not in os.environ


def test_any_other_file_is_imported_and_refused_as_motion_import_does(tmp_path):
    clip = motion_clip.read(motion_clip.find("person_myoassist"))
    joints = [name for name in clip.units if name.rpartition("_")[2] in ("r", "l") and name[:3] not in ("foo", "mtp")]
    rows = [",".join(["time_s", *joints])]
    for t, values in zip(clip.time_s, clip.values, strict=True):
        rows.append(",".join(f"{x:.6f}" for x in (t, *(values[list(clip.units).index(name)] for name in joints))))
    file = tmp_path / "cycle.csv"
    file.write_text("\n".join(rows))
    with followed(str(file)) as made:
        again = motion_clip.read(motion_clip.find(made.name))
        assert again.duration_s == pytest.approx(clip.duration_s, abs=1e-3) and 0.9 < made.speed < 1.4
        knees = [c.values[:, list(c.units).index("knee_angle_r")] for c in (clip, again)]
        assert abs(knees[0] - knees[1]).max() < 0.02
    file.write_text("\n".join(rows[:4]))
    with pytest.raises(ConfigError, match="has no whole stride"), followed(str(file)):
        pass
    with pytest.raises(ConfigError, match="unknown clip 'cycl'"), followed("cycl"):
        pass
