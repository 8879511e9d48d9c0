"""The report of a policy: its figures are those of the trials that it plays."""

import json

import numpy as np
import pytest

from myoprosthesis.cli.main import main
from myoprosthesis.core import registry
from myoprosthesis.core.contract import Contract
from myoprosthesis.envs import baoding
from myoprosthesis.envs.played_series import PlayedSeries
from myoprosthesis.envs.played_trials import played
from myoprosthesis.onnx_graphs.mlp_policy import mlp_policy
from myoprosthesis.onnx_graphs.untrained import untrained
from myoprosthesis.policies.onnx_policy import OnnxPolicy

TRIALS = 10
SHORT = {"trial_s": 1.1, "ball_noise": 1e-3}


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    """Near the resting excitations, with an action of three components."""
    spec = registry.factory("effectors", "baoding_hand")(registry.options("effectors", "baoding_hand")()).spec
    terms = baoding.terms(spec.joints, spec.muscles)
    contract = Contract("little", spec.name, terms, spec.command, spec.dt)
    rng, n, m = np.random.default_rng(0), contract.observation_size, spec.command.size
    rest = np.array(baoding.RESTING)
    weights = {
        "mean": np.zeros((1, n)), "scale": np.ones((1, n)), "gain": np.ones(1), "centre": np.log(rest / (1 - rest)),
        "w0": rng.normal(0, 0.3, (3, n)), "b0": np.zeros(3), "w1": rng.normal(0, 0.3, (m, 3)), "b1": np.zeros(m),
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("little")
    (folder / "policy.onnx").write_bytes(mlp_policy(contract, weights, "tanh").SerializeToString())
    return folder / "policy.onnx"


def test_what_is_recorded_changes_nothing_and_is_what_was_commanded(policy):
    player, joint = OnnxPolicy(policy), ("mcp2_flexion", "velocity")
    series = PlayedSeries([joint, ("ball1/z", "position")])
    plain = played(player, range(3), options=SHORT, threads=1)
    assert played(player, range(3), options=SHORT, threads=1, series=series) == plain
    commands, states = series.commands(), series.states(joint)
    assert [len(c) for c in commands] == [len(s) for s in states] == series.lengths().tolist()
    assert commands[0].shape[1] == 39 and states[0].shape[1] == 1 and series.hidden()[0].shape[1] == 0
    seen = series.states(("ball1/z", "position"))
    assert 1.44 < seen[0][0, 0] < 1.46 and seen[0][0, 0] != seen[1][0, 0]
    other = played(player, range(3), options=SHORT, threads=1, change=lambda u: 0 * u)
    assert other != plain
    again = played(player, range(3), options=SHORT, threads=1, change=lambda u: np.float32(u))
    assert again == plain


def test_the_page_has_the_figures_of_the_trials(policy, tmp_path, capsys):
    words = ["report", "policy", str(policy), "--trials", str(TRIALS), "--threads", "1", "--json", str(tmp_path / "j")]
    with pytest.raises(SystemExit) as end:
        main([*words, "--option", "trial_s=1.1", "--out", str(tmp_path / "page")])
    text = capsys.readouterr().out
    assert end.value.code == 0, text
    figures = json.loads((tmp_path / "j").read_text())
    scores = [r.figures["score"] for r in played(OnnxPolicy(policy), range(TRIALS), options=SHORT, threads=1)]
    assert figures["score"] == pytest.approx(np.mean(scores))
    assert figures["squashed"] and figures["components"]["actions"]["0.95"] <= 3
    assert list(figures["inactivation"]) == ["5", "10", "15", "20", "25", "30", "35", "39"]
    others = range(TRIALS, 2 * TRIALS)
    scores = [r.figures["score"] for r in played(OnnxPolicy(policy), others, options=SHORT, threads=1)]
    for score in figures["inactivation"].values():  # three components are all there are
        assert score == pytest.approx(np.mean(scores), abs=0.1)
    assert figures["opposite"]["direction"] == "cw"
    assert set(figures["decodability"]) == {"1-5", "6-10", "11-15", "16-20", "21-23"}
    assert "hidden states" not in figures["tangling"] and figures["tangling"]["body"]["median"] > 0
    page = (tmp_path / "page" / "index.html").read_text()
    for word in ("4 / 7", "10 / 17", "0.90", "published", "<img", "little"):
        assert word in page
    assert (tmp_path / "page" / "inactivation.png").stat().st_size > 1000


def test_what_has_no_report_is_refused_in_one_sentence(policy, tmp_path, capsys):
    spec = registry.factory("effectors", "point_mass")(registry.options("effectors", "point_mass")()).spec
    (tmp_path / "policy.onnx").write_bytes(untrained(spec))
    for words, sentence in (
        (["policy", str(tmp_path / "policy.onnx")], "'point_mass', which has no task with a score"),
        (["policy", "a", "b"], "one policy is needed, got a, b"),
        (["folder", "--opposite", "x"], "--option and --opposite belong to: report policy NAME"),
        (["policy", str(policy), "--option", "direktion=cw"], "direktion"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["report", *words])
        error = capsys.readouterr().err
        assert end.value.code == 2 and sentence in error and error.count("\n") == 1, error
