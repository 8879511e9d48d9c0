"""Files of movements on the legs: the same walk in every format, and what is refused."""

import json

import numpy as np
import pytest
import scipy.io
import yaml

from myoprosthesis.core import motion_clip
from myoprosthesis.core.errors import ConfigError
from myoprosthesis.core.leg_names import COMPARED
from myoprosthesis.motion import formats as motion_formats
from myoprosthesis.motion.legs import Legs
from myoprosthesis.motion.posture import POSTURE
from myoprosthesis.motion.retarget import RetargetOptions, retargeted

RATE = 100.0


@pytest.fixture(scope="module")
def legs():
    return Legs()


@pytest.fixture(scope="module")
def walk():
    """Three strides of a shipped clip as OpenSim would have them: names, degrees, y up, and knees that bend below 0."""
    clip = motion_clip.read(motion_clip.find("walk_1.3"))
    speed = clip.at(0.0)["speed"][0]
    time_s = np.arange(0.0, 3.3 * clip.duration_s, 1.0 / RATE)
    table = {
        name: np.interp(time_s % clip.duration_s, clip.time_s, clip.values[:, k]) for k, name in enumerate(clip.units)
    }
    columns = {name: np.degrees(table[name]) for name in POSTURE[6:] if not name.startswith("mtp")}
    columns |= {name: -columns[name] for name in ("knee_angle_r", "knee_angle_l")}
    columns |= {f"pelvis_{name}": np.degrees(table[f"root/{name}"]) for name in ("tilt", "list", "rotation")}
    columns |= {
        "pelvis_tx": speed * time_s + table["root/x"], "pelvis_ty": table["root/z"], "pelvis_tz": -table["root/y"],
    }  # fmt: skip
    return time_s, columns


def mot(path, time_s, columns, degrees="yes"):
    rows = np.column_stack([time_s, *columns.values()])
    lines = ["walk", f"inDegrees={degrees}", "endheader", "\t".join(["time", *columns])]
    path.write_text("\n".join([*lines, *("\t".join(f"{x:.8f}" for x in row) for row in rows)]))
    return path


def written(path, time_s, columns):
    """The walk in a file of this ending; no times in an .npz."""
    if path.suffix == ".mot":
        return mot(path, time_s, columns)
    if path.suffix == ".csv":
        head = ",".join(["time", *columns])
        np.savetxt(path, np.column_stack([time_s, *columns.values()]), delimiter=",", header=head, comments="")
    elif path.suffix == ".npz":
        np.savez(path, **{f"q_{name}": values for name, values in columns.items()}, dq_knee=np.zeros(len(time_s)))
    else:
        data = np.column_stack([time_s, *columns.values()])
        scipy.io.savemat(path, {"Q": {"data": data, "colheaders": np.array(["time", *columns], object)}})
    return path


@pytest.mark.parametrize("ending", [".mot", ".csv", ".npz", ".mat"])
def test_a_walk_comes_back_from_every_format(ending, legs, walk, tmp_path):
    options = RetargetOptions(rate_hz=RATE if ending == ".npz" else 0.0)
    made = retargeted(written(tmp_path / f"walk{ending}", *walk), options, legs)
    clip = motion_clip.read(motion_clip.find("walk_1.3"))
    assert made.recorded.count == 2 and made.gait.duration_s == pytest.approx(clip.duration_s, abs=0.02)
    assert made.recorded_speed == pytest.approx(1.3, abs=0.02) and made.gait.speed == pytest.approx(1.3, abs=0.03)
    columns = [POSTURE.index(name) for name in COMPARED]
    wanted = clip.values[:-1, [list(clip.units).index(name) for name in COMPARED]]
    best = min(np.sqrt(np.square(np.roll(made.gait.postures[:, columns], k, 0) - wanted).mean()) for k in range(50))
    assert np.degrees(best) < 1.0  # it begins at the instant at which the foot is furthest ahead
    assert any("knee_angle_r is below 0" in remark for remark in made.remarks)


@pytest.mark.parametrize("delimiter, decimal", [(";", "."), (";", ","), ("\t", ","), ("\t", ".")])
def test_tables_of_other_languages_are_read_as_they_are(delimiter, decimal, walk, tmp_path):
    time_s, columns = walk
    there = motion_formats.read(written(tmp_path / "walk.csv", time_s, columns))
    rows = np.column_stack([time_s, *columns.values()])
    lines = [delimiter.join(["time", *columns])]
    lines += [delimiter.join(f"{x!r}".replace(".", decimal) for x in row) for row in rows.tolist()]
    (tmp_path / "other.csv").write_text("\n".join(lines))
    here = motion_formats.read(tmp_path / "other.csv")
    np.testing.assert_array_equal(here.time_s, time_s)
    assert list(here.columns) == list(there.columns)
    for name in here.columns:
        np.testing.assert_array_equal(here.columns[name], columns[name])


def test_columns_in_two_units_are_brought_to_one_by_their_names(tmp_path):
    head, row = "time,hip_flexion_r [deg],knee_angle_r [rad],pelvis_tx [m]", "0.0,30.0,0.5,1.0\n0.01,31.0,0.6,1.0\n"
    (tmp_path / "a.csv").write_text(f"{head}\n{row}")
    here = motion_formats.read(tmp_path / "a.csv")
    assert here.degrees is True and here.columns["hip_flexion_r"].tolist() == [30.0, 31.0]
    np.testing.assert_allclose(here.columns["knee_angle_r"], np.degrees([0.5, 0.6]))
    assert here.columns["pelvis_tx"].tolist() == [1.0, 1.0]
    (tmp_path / "b.csv").write_text(f"{head.replace(' [m]', '')}\n{row}")
    with pytest.raises(ConfigError, match="'pelvis_tx' does not say its unit"):
        motion_formats.read(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("time,hip_flexion_r\n0.0,30.0\n")
    with pytest.raises(ConfigError, match="it has one sample"):
        motion_formats.read(tmp_path / "c.csv")
    (tmp_path / "d.csv").write_text("time,hip_flexion_r\n0.0,30.0\n0.01,\n")
    with pytest.raises(ConfigError, match="line 3, cell 2: '' is no number"):
        motion_formats.read(tmp_path / "d.csv")
    (tmp_path / "e.csv").write_text("time,hip_flexion_r\n")
    with pytest.raises(ConfigError, match="no rows below its names"):
        motion_formats.read(tmp_path / "e.csv")


def test_angles_of_other_joints_in_another_unit_are_said(legs, walk, tmp_path):
    time_s, columns = walk
    one = {**columns, "pelvis_list": np.radians(columns["pelvis_list"])}
    made = retargeted(mot(tmp_path / "a.mot", time_s, one), RetargetOptions(), legs)
    assert any("hardly move: pelvis_list 0." in r for r in made.remarks)
    assert not any(
        "hardly move" in r for r in retargeted(mot(tmp_path / "b.mot", *walk), RetargetOptions(), legs).remarks
    )
    angles = {n: v if n.startswith("pelvis_t") and n != "pelvis_tilt" else np.radians(v) for n, v in columns.items()}
    angles["pelvis_list"] = columns["pelvis_list"]
    with pytest.raises(ConfigError, match="in radians, but pelvis_list [0-9.]+ look like degrees"):
        retargeted(mot(tmp_path / "c.mot", time_s, angles, "no"), RetargetOptions(), legs)


def test_half_a_cycle_is_completed_by_its_mirror_image(legs, walk, tmp_path):
    time_s, columns = walk
    clip = motion_clip.read(motion_clip.find("walk_1.3"))
    half = time_s <= 0.5 * clip.duration_s
    made = retargeted(
        mot(tmp_path / "half.mot", time_s[half], {n: v[half] for n, v in columns.items()}), RetargetOptions(), legs
    )
    assert made.gait.duration_s == pytest.approx(clip.duration_s, abs=0.03)
    assert made.gait.speed == pytest.approx(1.3, abs=0.05)
    assert made.gait.contacts.mean(axis=0) == pytest.approx([0.6, 0.6], abs=0.08)


def gap(time_s, columns):
    return np.where(time_s > 1.0, time_s + 0.3, time_s), columns


def jump(time_s, columns):
    return time_s, {**columns, "hip_flexion_r": columns["hip_flexion_r"] + np.where(time_s > 1.0, 60.0, 0.0)}


def floating(time_s, columns):
    return time_s, {**columns, "pelvis_ty": columns["pelvis_ty"] + 0.35}


def other_names(time_s, columns):
    return time_s, {name.replace("hip_flexion", "LHip"): values for name, values in columns.items()}


def small(time_s, columns):
    return time_s, {name: values / 12.0 for name, values in columns.items()}


def two_units(time_s, columns):
    return time_s, {name: np.radians(v) if name.startswith("knee") else v for name, v in columns.items()}


def no_number(time_s, columns):
    return time_s, {**columns, "ankle_angle_l": np.where(time_s > 1.0, np.nan, columns["ankle_angle_l"])}


def part(time_s, columns):
    rows = time_s <= 0.8
    return time_s[rows], {name: values[rows] for name, values in columns.items()}


def slow(time_s, columns):
    return 4.0 * time_s, columns


def dance(time_s, columns):
    """The second stride is nothing like the first."""
    by_joint = {"hip_flexion": 45.0, "hip_rotation": 30.0, "knee_angle": -45.0}
    bent = {f"{joint}_{side}": by for side in "rl" for joint, by in by_joint.items()}
    edge = np.clip(np.minimum((time_s - 2.1) / 0.2, (3.05 - time_s) / 0.2), 0.0, 1.0)
    return time_s, {name: values + bent.get(name, 0.0) * edge for name, values in columns.items()}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (slow, r"comes down every 4\.\d+ s, and nobody's stride takes longer than 2\.5 s: cut where somebody walks"),
        (dance, r"its 2 strides are 1\d deg apart from their mean, which is nobody's walk then"),
        (gap, r"gap of 0.31 s at 1 s"),
        (jump, r"hip_flexion_r jumps by 6\d deg at 1 s"),
        (floating, r"feet never touch the floor: the lowest point of them stays 0.3\d m"),
        (other_names, r"has no hip_flexion_r, hip_flexion_l; its columns are .*--rename"),
        (small, r"not clear whether its angles are degrees or radians: the largest .* is 5.\d+, .*--units"),
        (two_units, r"as degrees do, but knee_angle_r 1.\d+, knee_angle_l 1.\d+ look like radians: bring them to one"),
        (no_number, r"ankle_angle_l has no number at 1.01 s"),
        (part, r"no whole stride: of 0.80 s, with [01] right heel strikes, and ends that are \d+ deg apart"),
    ],
)
def test_what_cannot_be_a_walk_is_refused(change, sentence, legs, walk, tmp_path):
    with pytest.raises(ConfigError, match=sentence):
        retargeted(mot(tmp_path / "walk.mot", *change(*walk)), RetargetOptions(), legs)


def test_units_that_the_file_has_wrong_are_asked_for(legs, walk, tmp_path):
    path = mot(tmp_path / "walk.mot", *walk, degrees="no")
    with pytest.raises(ConfigError, match=r"not clear .* is 6\d.*, and the file says radians; give --units"):
        retargeted(path, RetargetOptions(), legs)
    assert retargeted(path, RetargetOptions("deg"), legs).gait.speed == pytest.approx(1.3, abs=0.05)


def test_times_are_in_seconds_and_agree_with_a_rate_that_is_given(legs, walk, tmp_path):
    time_s, columns = walk
    path = written(tmp_path / "walk.csv", time_s, columns)
    made, same = (retargeted(path, RetargetOptions(rate_hz=rate), legs) for rate in (0.0, RATE))
    assert same.gait.duration_s == made.gait.duration_s
    with pytest.raises(ConfigError, match=r"its times \(time\) step by 0.01\d* s, which is not 50 Hz"):
        retargeted(path, RetargetOptions(rate_hz=50.0), legs)
    with pytest.raises(ConfigError, match=r"step by 1\d s, and nobody's movement is sampled so seldom: .* in s"):
        retargeted(written(tmp_path / "ms.csv", time_s * 1e3, columns), RetargetOptions(), legs)


def test_a_joint_that_is_not_there_is_told_of_and_a_length_in_mm_refused(legs, walk, tmp_path):
    time_s, columns = walk
    fewer = {name: values for name, values in columns.items() if name != "hip_adduction_r"}
    made = retargeted(written(tmp_path / "walk.mot", time_s, fewer), RetargetOptions(), legs)
    assert any("hip_adduction_r" in r and r.endswith("0 was taken") for r in made.remarks)
    whole = retargeted(written(tmp_path / "whole.mot", time_s, columns), RetargetOptions(), legs)
    assert not any("hip_adduction_r" in r for r in whole.remarks)
    far = {
        ("pelvis_tx [mm]" if n == "pelvis_tx" else n): v * (1e3 if n == "pelvis_tx" else 1) for n, v in columns.items()
    }
    with pytest.raises(ConfigError, match="a column is in 'mm': bring it to deg, rad, m or s"):
        retargeted(written(tmp_path / "far.csv", time_s, far), RetargetOptions(), legs)


def test_a_file_without_times_or_of_another_kind_is_refused(legs, walk, tmp_path):
    with pytest.raises(ConfigError, match="no column of times: say how many samples there are in a second"):
        retargeted(written(tmp_path / "walk.npz", *walk), RetargetOptions(), legs)
    (tmp_path / "walk.fbx").write_bytes(b"x")
    with pytest.raises(ConfigError, match=r"read from files that end with .mot, .sto, .mat, .npz, .csv"):
        retargeted(tmp_path / "walk.fbx", RetargetOptions(), legs)
    (tmp_path / "bad.mot").write_text("name\nendheader\na b\n1 2 3\n")
    with pytest.raises(ConfigError, match="2 names for rows of 3 numbers"):
        retargeted(tmp_path / "bad.mot", RetargetOptions(), legs)


def test_the_command_writes_a_clip_its_origin_and_a_picture(walk, tmp_path, command_here, monkeypatch):
    source = mot(tmp_path / "walk.mot", *walk)
    out, figures = tmp_path / "clips", tmp_path / "f.json"
    words = ("motion", "import", str(source), "--out", str(out), "--name", "mine", "--json", str(figures))
    done = command_here(*words, "--speed", "1.0", "1.4")
    assert done.returncode == 0 and "warning: nothing says under which licence walk.mot is" in done.stderr
    assert sorted(p.name for p in out.iterdir()) == [
        "mine.png", "mine_1.0.csv", "mine_1.0.yaml", "mine_1.4.csv", "mine_1.4.yaml",
    ]  # fmt: skip
    assert json.loads(figures.read_text())["strides"] == 2
    again = command_here(*words, "--licence", "MIT", "--cite", "A. Person (2020)")
    assert again.returncode == 0 and again.stderr == ""
    assert yaml.safe_load((out / "mine.yaml").read_text())["speed_m_s"] == pytest.approx(1.3, abs=0.02)
    text = (out / "mine.yaml").read_text()
    assert "licence: MIT" in text and "A. Person (2020)" in text
    monkeypatch.setenv(motion_clip.FOLDERS, str(out))
    from myoprosthesis.tasks.walk import Walk, WalkOptions

    plan = Walk(WalkOptions(clips=("mine",), speed=(1.0, 1.0)), 0.03125).plan(0, 0)
    assert plan.goals[0].name == "mine_1.0" and plan.goals[0].speed == pytest.approx(1.0)


def test_every_shipped_clip_has_a_licence_and_a_citation(command_here, tmp_path):
    done = command_here("motion", "list", "--json", str(tmp_path / "list.json"))
    assert done.returncode == 0
    clips = json.loads((tmp_path / "list.json").read_text())["clips"]
    assert len(clips) >= 16 and {clip["licence"] for clip in clips} == {"MIT", "Apache-2.0"}
    from myoprosthesis.motion.clip_folder import about

    for clip in clips:
        origin = about(motion_clip.find(clip["clip"]))
        assert len(origin["cite"]) > 20 and " /" not in origin["made_by"]
