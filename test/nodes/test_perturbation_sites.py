"""Windows of perturbations in the periods of what they act on."""

from dataclasses import replace

import pytest

from myoprosthesis.core import registry, share
from myoprosthesis.core.errors import Refused
from myoprosthesis.nodes.perturbation_sites import PerturbationSites, contract_of
from myoprosthesis.perturbations.planner import Planner, Preset


@pytest.fixture(scope="module")
def sites():
    """Those of arm26, with ticks of 10 ms, and of a policy with a period of 20 ms."""
    arm = registry.factory("effectors", "arm26")(registry.options("effectors", "arm26")())
    contract = contract_of(str(share.root() / "policies" / "reach_null" / "policy.onnx"))
    terms = tuple(replace(t, delay_s=0.0) for t in contract.observation)
    return PerturbationSites(arm.spec, replace(contract, dt=0.02, observation=terms))


def entries(kind, **timing):
    own = {"pulse": {"force": [0, 5, 0]}, "withhold": {}, "rotation": {}, "curl": {"gain": 5}}[kind]
    return Planner(Preset("mine", kinds=({"kind": kind, **own, **timing},))).entries()


@pytest.mark.parametrize(
    ("kind", "start_s", "duration_s", "sentence"),
    [
        ("pulse", 0.403, 0.004, "a force lasts 4 ms, and what acts at the endpoint does so in whole periods of 10 ms"),
        ("withhold", 0.41, 0.01, "withhold lasts 10 ms, and what acts at the observation .* of 20 ms"),
    ],
)
def test_what_may_lie_between_two_ticks_is_refused(sites, kind, start_s, duration_s, sentence):
    with pytest.raises(Refused, match=sentence):
        sites.check(entries(kind, start_s=start_s, duration_s=duration_s))
    sites.check(entries(kind, start_s=start_s, duration_s=0.02))
    PerturbationSites().check(entries(kind, start_s=start_s, duration_s=duration_s))  # of what is not known


@pytest.mark.parametrize(
    ("kind", "start_s", "duration_s", "sentence"),
    [
        ("pulse", 0.405, 0.015, "a force acts {} 10 ms, from 410 ms to 420 ms of a trial, not from 405 ms to 420 ms"),
        ("curl", 0.405, 0.0, "a force acts {} 10 ms, from 410 ms on of a trial, not from 405 ms on"),
        ("rotation", 0.41, 0.03, "rotation acts {} 20 ms, from 420 ms to 440 ms of a trial, not from 410 ms to 440 ms"),
        ("pulse", 0.3, 0.1, ""), ("curl", 0.0, 0.0, ""), ("rotation", 0.42, 0.0, ""),
    ],
)  # fmt: skip
def test_a_window_that_is_not_one_of_whole_periods_is_told_of(sites, kind, start_s, duration_s, sentence):
    assert sites.rounding(entries(kind, start_s=start_s, duration_s=duration_s)) == sentence.format(
        "in whole periods of"
    )
