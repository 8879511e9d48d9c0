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
        imposed = "curl (gain 10)" if b.gain else "null"
        assert cells[:4] == [b.name, b.role, imposed, f"{b.gain:+.3g}" if b.gain else "0"]
        assert cells[4] == str(own.sum())
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


def test_the_course_says_over_how_many_trials_each_of_its_figures_is(session):
    few = [replace(b, table=b.table.where(np.arange(len(b.table)) < 14)) for b in session.blocks]
    course = session.courses[0]

    def cut(blocks):
        return tuple(next(f for f in few if f.index == b.index) for b in blocks)

    shorter = replace(course, adaptation=cut(course.adaptation), washout=cut(course.washout))
    counts = [int((b.table.kind == "normal").sum()) for b in (*shorter.adaptation, *shorter.washout)]
    caption = summary._course_caption(replace(session, courses=(shorter,)))
    assert (
        f"the last {counts[0] - 8} trials (fewer than 16)" in caption and "the first 8 trials in the field" in caption
    )
    assert "end the last 16 trials, after-effect" in summary._course_caption(session)
