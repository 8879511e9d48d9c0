"""The bench of environments measures both sides, in turn, on the same states."""

from myoprosthesis.bench import env
from myoprosthesis.cli.bench import _table


def test_the_environment_is_measured_against_bare_physics(monkeypatch):
    monkeypatch.setattr(env, "SIMULATIONS", 4)
    monkeypatch.setattr(env, "BLOCK", 2)
    measured = env.measure(0.0)
    for figures in measured.values():
        assert figures["pairs"] == 2 and figures["simulations"] == 4
        assert figures["steps_per_s"] > 0 and figures["bare_steps_per_s"] > 0 and figures["ratio_to_bare"] > 0
    assert _table({"env": measured}, "env").row_count == len(measured) == 2
