"""The summary says of each block what its table holds."""

import re
from dataclasses import replace

import numpy as np
import pytest

from myoprosthesis.analysis.intervals import Interval
from myoprosthesis.report.adaptation_course import Verdict
from myoprosthesis.report.section import SectionTable, number, share
from myoprosthesis.report.sections import summary


def plain(html):
    return re.sub("<[^>]*>", "", html)


def test_the_figures_of_a_block_are_those_of_its_normal_trials(session):
    table = next(p for p in summary.section(session).parts if isinstance(p, SectionTable) and p.header[0] == "block")
    for row, b in zip(table.rows, session.blocks, strict=True):
        own = b.table.kind == "normal"
        cells = [plain(c) for c in row]
        assert cells[:3] == [b.name, b.role, f"{b.gain:+.3g}" if b.gain else "0"]
        assert cells[3] == str(own.sum())
        assert cells[-3] == number(np.abs(b.table.lateral_deviation_mm[own]).mean())
        assert cells[-2:] == [number(b.table.endpoint_error_mm[own].mean()), share(b.table.success[own].mean())]


def test_the_facts_name_the_table_and_the_time(session):
    facts = dict(next(p for p in reversed(summary.section(session).parts) if isinstance(p, SectionTable)).rows)
    assert facts["table hash"] == f"<code>{session.sha256}</code>" and facts["trials"] == "128"
    assert facts["when"] == "2023-11-14 22:13:20 UTC to 2023-11-14 22:18:20 UTC"
    assert facts["versions"] == "python 3.11.7, mujoco 3.4.0"


def test_times_and_data_in_words():
    assert summary.when(0) == "1970-01-01 00:00:00 UTC" and summary.when("then") == "then"
    assert summary.when(float("nan")) == "nan" and summary.when(True) == "True"
    assert summary.words({"a": [1, {"b": 2}], "c": "d"}) == "a 1, b 2, c d"


@pytest.mark.parametrize("met", [True, False])
@pytest.mark.parametrize("certain", [True, False])
def test_a_verdict_says_whether_it_is_met_and_what_its_interval_leaves_open(session, met, certain):
    verdict = Verdict("after-effect", Interval(0.5, 0.2, 0.7), "at least 40%", met, certain)
    judged = replace(session, verdicts=(verdict,))
    table = next(
        p
        for p in summary.section(judged).parts
        if isinstance(p, SectionTable) and p.header[0] == "course of adaptation"
    )
    doubt = "" if certain else ", but the confidence interval includes the criterion"
    assert plain(table.rows[0][-1]) == f"{'met' if met else 'not met'}{doubt}"
    assert ('class="verdict open"' in table.rows[0][-1]) is not certain  # neither green nor red where it is open
