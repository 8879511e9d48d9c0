"""What a block was for is said, or told by its name, or by its field."""

import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.report import session_blocks, trial_table


@pytest.fixture
def table(write, planted, tmp_path):
    def make(*parts):
        folder = write(tmp_path / "s", planted(blocks=parts))
        return trial_table.read(folder / "trials.csv").table

    return make


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (("baseline", "adaptation", "washout"), ["baseline", "adaptation", "washout"]),
        (("Familiarisation", "curl CW", "de-adaptation"), ["baseline", "adaptation", "washout"]),
        (("A", "B", "C"), ["baseline", "adaptation", "washout"]),
        (("null", "field", "null again"), ["baseline", "adaptation", "washout"]),
    ],
)
def test_roles_by_name_and_by_field(table, names, roles):
    t = table((names[0], 8, 0.0), (names[1], 16, 1.0), (names[2], 8, 0.0))
    assert [b.role for b in session_blocks.blocks(t, {})] == roles


def test_what_the_session_says_goes_first(table):
    t = table(("washout", 8, 0.0), ("learning", 16, 1.0), ("x", 8, 0.0))
    said = {"blocks": [{"role": "baseline"}, {}, {"role": "generalisation"}]}
    assert [b.role for b in session_blocks.blocks(t, said)] == ["baseline", "adaptation", "generalisation"]
    with pytest.raises(ConfigError, match="role 'rest', known are baseline"):
        session_blocks.blocks(t, {"blocks": [{"role": "rest"}]})


def test_neighbours_in_one_field_are_one_course_and_another_field_is_another(table):
    t = table(
        ("baseline", 8, 0.0), ("adaptation 1", 8, 1.0), ("adaptation 2", 8, 1.0), ("washout", 8, 0.0),
        ("adaptation 3", 8, -1.0), ("washout 2", 8, 0.0),
    )  # fmt: skip
    first, second = session_blocks.courses(session_blocks.blocks(t, {}))
    assert [b.name for b in first.adaptation] == ["adaptation 1", "adaptation 2"]
    assert [b.name for b in first.washout] == ["washout"]
    assert [b.name for b in second.adaptation] == ["adaptation 3"]
    assert [b.name for b in second.washout] == ["washout 2"]
    assert first.baseline == second.baseline
    joined = session_blocks.normal(first.adaptation)
    assert joined is not None and joined.trial.tolist() == list(range(8, 24))


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ({"kind": "rotation", "degrees": 30}, {"kind": "rotation", "degrees": -30}, 2),
        ({"kind": "rotation", "degrees": 15}, {"kind": "rotation", "degrees": 30}, 1),  # brought in by degrees
        ({"kind": "rotation", "degrees": 30}, {"kind": "noise", "sd_m": 0.01}, 2),
        ({"kind": "constant", "force": [0, 3, 0]}, {"kind": "constant", "force": [0, -3, 0]}, 2),
        ({"kind": "viscous", "gain": 3}, {"kind": "viscous", "gain": 3}, 1),
    ],
)
def test_what_is_no_curl_field_has_a_direction_too(table, first, second, count):
    t = table(("baseline", 8, 0.0), ("adaptation 1", 8, 0.0), ("adaptation 2", 8, 0.0), ("washout", 8, 0.0))
    found = session_blocks.courses(session_blocks.blocks(t, {}, {0: (), 1: (first,), 2: (second,), 3: ()}))
    assert len(found) == count and [b.name for b in found[-1].washout] == ["washout"]
    assert [b.name for b in found[0].baseline] == ["baseline"]


def test_the_field_of_a_block_is_that_of_its_trials_though_catch_trials_have_none(table):
    t = table(("baseline", 8, 0.0), ("adaptation", 32, 1.0))
    found = session_blocks.blocks(t, {})
    assert [b.gain for b in found] == [0.0, 10.0]
    assert (found[1].table.gain == 0).any()


def test_rounds_have_as_many_trials_as_there_are_targets_and_count_the_normal_ones(table):
    t = table(("baseline", 24, 0.0))
    found = session_blocks.rounds(session_blocks.blocks(t, {})[0].table)
    assert [len(set(r.target.tolist())) for r in found] == [8, 7, 7]
    assert all((r.kind == "normal").all() for r in found)


def test_a_role_that_the_session_does_not_give_says_what_it_was_taken_from(table):
    t = table(("baseline", 8, 0.0), ("B", 16, 1.0), ("blind", 8, 0.0), ("turned", 8, 0.0), ("wash 2", 8, 0.0))
    said = {"blocks": [{}, {}, {"feedback": False}, {"kinds": [{"kind": "rotation"}]}, {}]}
    found = [(b.role, b.by) for b in session_blocks.blocks(t, said)]
    assert found == [
        ("baseline", ""), ("adaptation", "conditions"), ("generalisation", "conditions"),
        ("generalisation", "conditions"), ("washout", "name"),
    ]  # fmt: skip
