import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError, ContractError
from myoprosthesis.core.observation import ObservationBuilder
from myoprosthesis.core.observation_term import Term, ticks

NAMES = ("elbow", "wrist", "endpoint/x")
DT = 0.01


def tables(n):
    """Table k holds 100·k + 10·row + column, so that each number tells where it is from."""
    return [100.0 * k + 10.0 * np.arange(3)[:, None] + np.arange(3) for k in range(n)]


def test_each_term_sees_its_channels_as_they_were_its_delay_ago():
    terms = [
        Term("muscles", ("wrist", "elbow"), "velocity", delay_s=0.02),
        Term("vision", ("endpoint/x",), delay_s=0.07),
        Term("force", ("elbow",), "effort"),
    ]
    builder = ObservationBuilder(terms, NAMES, DT)
    seen = [builder.observe(t) for t in tables(40)]
    for k in range(40):
        a, b = max(0, k - 2), max(0, k - 7)  # before the delay has passed: the first table
        np.testing.assert_array_equal(seen[k], [100 * a + 11, 100 * a + 10, 100 * b + 2, 100 * k + 20])
    assert seen[0].dtype == np.float32


def test_reset_forgets_the_past():
    builder = ObservationBuilder([Term("t", ("elbow",), delay_s=0.05)], NAMES, DT)
    for t in tables(20):
        builder.observe(t)
    builder.reset()
    last = tables(30)[-1]
    assert builder.observe(last) == builder.observe(np.zeros((3, 3))) == last[0, 0]


def test_a_table_may_be_reused_by_the_caller():
    builder = ObservationBuilder([Term("t", ("elbow",), delay_s=0.01)], NAMES, DT)
    table = np.full((3, 3), 5.0)
    builder.observe(table)
    table[:] = 9.0
    assert builder.observe(table) == 5.0


def test_an_added_delay_holds_while_it_is_there():
    builder = ObservationBuilder([Term("a", ("elbow",), delay_s=0.02), Term("b", ("elbow",))], NAMES, DT, spare_s=0.05)
    seen = []
    for k, t in enumerate(tables(60)):
        if k == 20:
            builder.perturb({"a": 0.05})
        if k == 40:
            builder.perturb()
        seen.append(builder.observe(t)[:2])
    expected = [(100 * max(0, k - (7 if 20 <= k < 40 else 2)), 100 * k) for k in range(60)]
    np.testing.assert_array_equal(seen, expected)


def test_noise_falls_on_its_term_only_with_its_standard_deviation():
    builder = ObservationBuilder([Term("a", ("elbow",)), Term("b", ("wrist",))], NAMES, DT)
    builder.perturb(noise={"b": 0.5})
    rng = np.random.default_rng(0)
    seen = np.array([builder.observe(np.zeros((3, 3)), rng) for _ in range(4000)])
    assert not seen[:, 0].any()
    assert seen[:, 1].std() == pytest.approx(0.5, rel=0.05) and abs(seen[:, 1].mean()) < 0.03
    with pytest.raises(ConfigError, match="random generator"):
        builder.observe(np.zeros((3, 3)))


@pytest.mark.parametrize("bad", [{"a": 0.06}, {"a": 0.015}, {"z": 0.01}, {"a": -0.01}, {"a": float("nan")}])
def test_a_perturbation_that_cannot_be_is_refused_and_leaves_all_as_it_was(bad):
    builder = ObservationBuilder([Term("a", ("elbow",), delay_s=0.02)], NAMES, DT, spare_s=0.05)
    with pytest.raises(ConfigError):
        builder.perturb(bad)
    seen = [float(builder.observe(t)[0]) for t in tables(5)]
    assert seen == [0, 0, 0, 100, 200]


def test_noise_must_be_a_number_not_below_0():
    builder = ObservationBuilder([Term("a", ("elbow",))], NAMES, DT)
    for sd in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="0 or more"):
            builder.perturb(noise={"a": sd})


def test_delays_are_whole_periods_and_never_rounded():
    assert ticks(0.14, 0.01) == 14  # 0.14 / 0.01 is 14.000000000000002
    assert ticks(0.07, 0.01) == 7 and ticks(0.0, 0.01) == 0 and ticks(0.3, 0.1) == 3
    for delay in (0.0145, 0.005, 0.01001, float("nan"), float("inf")):
        with pytest.raises(ConfigError):
            ticks(delay, 0.01)
    with pytest.raises(ConfigError, match="0.01"):
        ObservationBuilder([Term("t", ("elbow",), delay_s=0.0145)], NAMES, DT)


def test_unknown_channels_and_bad_terms_are_refused():
    with pytest.raises(ContractError, match="'vision' needs channel 'thumb'.*elbow, wrist"):
        ObservationBuilder([Term("vision", ("thumb",))], NAMES, DT)
    for bad in ({"channels": ()}, {"field": "torque"}, {"delay_s": -0.01}, {"delay_s": float("nan")}):
        with pytest.raises(ContractError, match="'t'"):
            Term(**{"name": "t", "channels": ("elbow",), **bad})


def test_what_is_withheld_stays_as_it_was_at_the_reset():
    builder = ObservationBuilder([Term("a", ("x",)), Term("b", ("y",), delay_s=0.01)], ("x", "y"), 0.01)
    builder.perturb(withheld=("b",))
    tables = [np.full((3, 2), float(k)) for k in range(5)]
    assert [builder.observe(t).tolist() for t in tables] == [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0]]
    builder.reset()
    assert builder.observe(tables[3]).tolist() == [3, 3]
    builder.perturb()
    assert builder.observe(tables[4]).tolist() == [4, 3] and builder.observe(tables[1]).tolist() == [1, 4]
    with pytest.raises(ConfigError, match="observes no 'c'"):
        builder.perturb(withheld=("c",))
