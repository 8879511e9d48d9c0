"""Policies are changed while they run: over the graph, among files good and bad."""

import shutil

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState

from myoprosthesis.nodes import topics

pytestmark = pytest.mark.realtime

BAD = {
    "truncated": "not an ONNX file, or a damaged one",
    "empty": "not an ONNX file",
    "not ONNX": "not an ONNX file",
    "no contract": "carries no contract",
    "one muscle less": "commands 3 channels, effector 'point_mass' takes 4",
    "too many muscles": "the contract tells of",
    "renamed joint": "observes 'hinge'",
    "renamed muscle": "its action has no 'right'",
    "external weights": "refers to data outside itself",
    "external constant": "refers to data outside itself",
    "odd period": "no whole multiple",
}
BAD_LATER = {
    "returns NaN": "not finite",
    "NaN once moving": "not finite",
    "fails when run": "cannot be run",
    "unknown operator": "cannot be loaded",
    "another shape": "returns shapes",
}

HANGS = "hangs once it goes"


@pytest.fixture(scope="module")
def files(tmp_path_factory, sound, spoil):
    folder = tmp_path_factory.mktemp("policies")
    made = {fault: str(spoil(sound(), fault, folder)) for fault in ("sound", "permuted", HANGS, *BAD, *BAD_LATER)}
    for seed in range(1, 7):
        path = folder / f"seed_{seed}" / "policy.onnx"
        path.parent.mkdir()
        path.write_bytes(sound(seed=seed))
        made[f"seed {seed}"] = str(path)
    return made


def played(stack, name, seconds=10.0):
    return stack.until(
        lambda: stack.policy and stack.policy[-1]["policy"] == name and stack.policy[-1]["text"] == "active", seconds
    )


def swap(stack, name):
    reason = stack.probe.set("policy", policy=name)
    if not reason:
        assert played(stack, name), stack.policy[-1]
    return reason


def test_swaps_in_lockstep_begin_with_a_trial(start, files):
    options = {"effector": "point_mass", "policy": files["sound"], "lockstep": True, "namespace": "stepped"}
    stack = start({"task": {"trial_s": 0.5}}, **options)
    try:
        answers = stack.probe.hear(topics.COMMAND, topics.reliable(5000), raw=True)
        clock = stack.probe.hear(topics.CLOCK, topics.reliable(100))
        stack.ready()
        assert swap(stack, files["seed 1"]) == "" and swap(stack, files["seed 2"]) == ""
        assert swap(stack, files["permuted"]) == ""
        assert stack.until(lambda: clock) and clock[-1].clock.nanosec % 10_000_000 == 0
        assert stack.until(lambda: len(answers) > 10)
        before = stack.report()["tick"]
        assert stack.report()["tick"] > before and not stack.supervisor.restarts
    finally:
        stack.close()


def test_one_that_hangs_while_it_is_played_is_told_as_failed_and_the_next_swap_is_played(start, files):
    stack = start({"task": {"trial_s": 0.5}}, effector="point_mass", policy=files[HANGS], namespace="hung")
    try:
        assert stack.until(lambda: stack.policy and stack.policy[-1]["text"] == "failed", 40.0), stack.words
        assert "did not answer within" in stack.policy[-1]["why"]
        assert stack.until(lambda: stack.diagnostics[-1]["idle"], 10.0)
        assert swap(stack, files["seed 3"]) == ""
        assert stack.until(lambda: stack.diagnostics[-1]["idle"] == "", 20.0) is not False
        assert not stack.supervisor.restarts
        assert stack.probe.set("policy", policy=files[HANGS]) == ""  # and now while it may be computing
    finally:
        stack.close()
    assert not [words for words in stack.words if "was killed" in words]


@pytest.fixture(scope="module")
def stack(start, files):
    parameters = {"policy": {"blend_s": 0.05}, "task": {"trial_s": 0.5, "go_s": 0.0}}
    made = start(parameters, effector="point_mass", policy=files["sound"])
    try:
        yield made.ready()
    finally:
        made.close()


@pytest.fixture
def commands(stack):
    heard = stack.probe.hear(topics.COMMAND, topics.reliable(2000), raw=True)
    yield heard


def values(raw):
    return np.array([deserialize_message(m, JointState).effort for m in raw])


def test_a_swap_is_played_and_told(stack, files):
    before = stack.policy[-1]["policy"]
    assert swap(stack, files["seed 1"]) == ""
    told = stack.policy[-1]
    assert told["previous"] == before and len(told["sha256"]) == 64 and told["effector"] == "point_mass"
    assert stack.probe.get("policy", "policy") == files["seed 1"]


@pytest.mark.parametrize("fault, sentence", BAD.items())
def test_a_bad_file_is_refused_and_the_active_policy_goes_on(stack, files, commands, fault, sentence):
    before = stack.probe.get("policy", "policy")
    assert sentence in stack.probe.set("policy", policy=files[fault])
    assert stack.probe.get("policy", "policy") == before == stack.policy[-1]["policy"]
    n = len(commands)
    assert stack.until(lambda: len(commands) > n + 20 and stack.diagnostics[-1]["idle"] == "")


@pytest.mark.parametrize("fault, sentence", BAD_LATER.items())
def test_what_only_running_shows_is_told_by_policy_active(stack, files, commands, fault, sentence):
    """The parameter is accepted, the worker finds out, the parameter goes back, and `policy/active` says why."""
    before = stack.policy[-1]["policy"]
    stack.policy.clear()
    assert stack.probe.set("policy", policy=files[fault]) == ""
    assert stack.until(lambda: [p for p in stack.policy if p.get("why")], 10.0), stack.policy
    told = stack.policy[-1]
    assert told["refused"] == files[fault] and sentence in told["why"]
    assert told["policy"] == before == stack.probe.get("policy", "policy") and told["text"] == "active"
    n = len(commands)
    assert stack.until(lambda: len(commands) > n + 20) and np.isfinite(values(commands)).all()
    assert not stack.supervisor.restarts


def test_permuted_muscles_play_the_same(stack, files):
    """As the shadow of the plain one: same commands under the same stamps, in the effector's order."""
    assert swap(stack, files["sound"]) == ""
    shadow = stack.probe.hear(topics.POLICY_SHADOW, topics.reliable(500))
    own = stack.probe.hear(topics.COMMAND, topics.reliable(500))
    assert stack.probe.set("policy", shadow=files["permuted"]) == ""
    n = len([t for t in stack.trials if t["text"] == "start"])
    assert stack.until(lambda: len([t for t in stack.trials if t["text"] == "start"]) > n + 1)
    shadow.clear(), own.clear()
    assert stack.until(lambda: len(shadow) > 60)
    by_stamp = {(m.header.stamp.sec, m.header.stamp.nanosec): m for m in own}
    pairs = [(m, by_stamp[k]) for m in shadow if (k := (m.header.stamp.sec, m.header.stamp.nanosec)) in by_stamp]
    assert len(pairs) > 30
    assert all(a.name == b.name and list(a.effort) == list(b.effort) for a, b in pairs)
    assert stack.probe.set("policy", shadow="") == ""

    def silent():
        shadow.clear()
        stack.spin(0.5)
        return not shadow

    assert stack.until(silent)


def test_the_hidden_state_is_published_while_somebody_listens(stack):
    hidden = stack.probe.hear(topics.POLICY_HIDDEN)
    assert stack.until(lambda: len(hidden) > 5, 5.0)
    assert list(hidden[-1].name) == [f"hidden/{k}" for k in range(8)] and np.isfinite(hidden[-1].position).all()


def test_rollback_undoes_also_when_the_file_has_gone(stack, files):
    copy = files["sound"].replace("sound", "gone")
    shutil.copytree(files["sound"].rsplit("/", 1)[0], copy.rsplit("/", 1)[0])
    assert swap(stack, copy) == ""
    shutil.rmtree(copy.rsplit("/", 1)[0])
    assert swap(stack, files["seed 2"]) == ""
    ok, words = stack.probe.trigger("policy/rollback")
    assert ok and copy in words
    assert played(stack, copy)
    assert stack.probe.get("policy", "policy") == copy and stack.until(lambda: stack.diagnostics[-1]["idle"] == "")


def test_a_file_replaced_after_it_was_accepted(stack, files):
    """Half a file under the same name: the loaded policy goes on, and the next swap to it is refused."""
    target = files["seed 3"].replace("seed_3", "replaced")
    shutil.copytree(files["seed 3"].rsplit("/", 1)[0], target.rsplit("/", 1)[0])
    assert swap(stack, target) == ""
    with open(target, "wb") as f:
        f.write(b"half")
    assert swap(stack, files["seed 4"]) == ""
    assert "damaged" in swap(stack, target)
    for _ in range(10):  # a file that changes while it is being swapped in: either played or refused, never worse
        shutil.copy(files["seed 3"], target)
        stack.probe.set("policy", policy=target)
        with open(target, "r+b") as f:
            f.truncate(700)
        stack.probe.set("policy", policy=files["seed 4"])
    assert played(stack, files["seed 4"]) and not stack.supervisor.restarts
    stack.spin(0.5)
    assert stack.policy[-1]["policy"] == files["seed 4"] == stack.probe.get("policy", "policy")


def test_the_last_wish_counts(stack, files):
    """Also when it is what is played already, while another is still on its way."""
    assert swap(stack, files["seed 5"]) == ""
    for _ in range(5):
        assert stack.probe.set("policy", policy=files["seed 6"]) == ""
        assert stack.probe.set("policy", policy=files["seed 5"]) == ""
    for _ in range(60):  # until nothing has changed for a second: a busy machine takes long for ten swaps
        n = len(stack.policy)
        stack.spin(1.0)
        if len(stack.policy) == n and stack.policy[-1]["text"] == "active":
            break
    assert stack.policy[-1]["policy"] == files["seed 5"] == stack.probe.get("policy", "policy")
    assert stack.policy[-1]["text"] == "active"


def test_many_swaps_stay_within_their_bound(stack, files, commands):
    """No command step above the larger of the two policies' own plus |u_new − u_old|·dt/blend_s."""
    names = [files[f"seed {k}"] for k in range(1, 7)]
    for k in range(50):
        assert stack.probe.set("policy", policy=names[k % 6]) == ""
        if k % 10 == 0:
            stack.spin(0.2)
    assert played(stack, names[49 % 6], 30.0)
    assert stack.policy[-1]["step_over_bound"] is None or stack.policy[-1]["step_over_bound"] <= 1e-6
    assert stack.probe.get("policy", "policy") == names[49 % 6]
    steps = np.abs(np.diff(values(commands), axis=0))
    assert np.isfinite(steps).all() and not stack.supervisor.restarts
    report = stack.report()
    assert report["idle"] == "" and not report["events"].get("non_finite")


def test_one_that_hangs_on_what_it_sees_is_not_swapped_in_and_the_one_before_goes_on(stack, files):
    """Its rehearsal, at rest and on noise, is well; in the recent past there is a go signal."""
    assert swap(stack, files["seed 1"]) == ""
    assert stack.probe.set("policy", policy=files[HANGS]) == ""
    refused = stack.until(lambda: stack.policy[-1].get("refused") == files[HANGS] and stack.policy[-1], 30.0)
    assert "did not answer within" in refused["why"] and refused["policy"] == files["seed 1"]
    assert stack.until(lambda: stack.probe.get("policy", "policy") == files["seed 1"], 10.0)
    assert swap(stack, files["seed 2"]) == ""
    assert stack.until(lambda: stack.diagnostics[-1]["idle"] == "", 10.0) is not False
    assert not stack.supervisor.restarts
