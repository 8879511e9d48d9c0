"""`bench training` measures PPO in the hand's physics; how fast it is, is not tested."""

import pytest

from myoprosthesis.bench import ppo


def test_samples_per_second_are_the_inverse_of_both_parts_of_the_work(monkeypatch):
    monkeypatch.setattr(ppo, "SIMULATIONS", 4)
    monkeypatch.setattr(ppo, "STEPS", 4)
    monkeypatch.setattr(ppo, "find_spec", lambda name: None)
    figures = ppo.measure(0.0)
    work = 1e-6 * (figures["collect_us"] + figures["update_us"])
    assert figures["samples_per_s"] == pytest.approx(1 / work, rel=1e-2) and figures["update_us"] > 0
    assert figures["ray_collectors"] == {} and "pip install" in figures["ray"]
