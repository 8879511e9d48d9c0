"""Commands from another folder than that of the stack: the files are those of the person who names them."""

import json
import shutil

from myoprosthesis.effectors.bodies import MjcfOptions, mjcf
from myoprosthesis.nodes import topics
from myoprosthesis.onnx_graphs.untrained import untrained

MODEL = """<mujoco><worldbody><body><joint name="shoulder"/><geom size=".1"/></body></worldbody>
<actuator><position name="shoulder" joint="shoulder" kp="1" ctrlrange="{0} {1}"/></actuator></mujoco>"""


def test_files_of_perturb_swap_and_exchange(start, command, sound, tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, gain, high in ((here, 7, 0.5), (there, 30, 1.5)):
        folder.mkdir()
        (folder / "mine.yaml").write_text(f"kinds: [{{kind: curl, gain: {gain}}}]")
        (folder / "robot.xml").write_text(MODEL.format(-high, high))
        (folder / "policy.onnx").write_bytes(sound(seed=gain))
    monkeypatch.chdir(there)
    stack = start(effector="point_mass")
    monkeypatch.undo()
    try:
        stack.ready()

        def said(*words):
            done = command(*words, cwd=here)
            assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
            return done.stdout + done.stderr

        assert f"{here}/mine.yaml with a gain of curl 5" in said("perturb", "mine.yaml", "--gain", "5")
        assert stack.probe.get("perturbation", "perturbation") == str(here / "mine.yaml")
        shutil.copy(here / "mine.yaml", here / "curl_cw.yaml")
        assert "the preset, not the file curl_cw.yaml here" in said("perturb", "curl_cw")
        assert stack.probe.get("perturbation", "perturbation") == "curl_cw"
        assert f"{here}/policy.onnx is played" in said("swap", "policy.onnx")
        assert stack.probe.get("policy", "policy") == str(here / "policy.onnx")
        (there / "absent_here.xml").write_text(MODEL.format(-1, 1))
        assert f"{here}/absent_here.xml" in said("switch-effector", "mjcf", "--option", "file=absent_here.xml")
    finally:
        stack.close()


def test_the_limits_of_an_exchanged_robot_are_those_of_the_person_s_file(start, command, tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder, high in ((here, 0.5), (there, 1.5)):
        folder.mkdir()
        (folder / "robot.xml").write_text(MODEL.format(-high, high))
    own = there / "policy.onnx"
    own.write_bytes(untrained(mjcf(MjcfOptions(file=str(here / "robot.xml"))).spec, "own", 8))
    monkeypatch.chdir(there)
    stack = start(
        {"effector": {"file": "robot.xml", "participants": []}, "policy": {"participants": []}},
        only=("effector", "policy"), effector="mjcf", policy=str(own),
    )  # fmt: skip
    monkeypatch.undo()
    try:
        specs = stack.probe.hear(topics.SPEC)

        def high():
            return json.loads(specs[-1].data)["command"]["high"] if specs else None

        assert stack.until(lambda: high() == [1.5]), specs
        done = command("switch-effector", "mjcf", "--option", "file=robot.xml", cwd=here)
        assert done.returncode == 0, done.stdout + done.stderr
        assert stack.until(lambda: high() == [0.5]), specs
        assert stack.probe.get("effector", "file") == str(here / "robot.xml")
    finally:
        stack.close()
