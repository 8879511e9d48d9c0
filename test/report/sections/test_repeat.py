"""The last section says how to make the session again."""

from dataclasses import replace

import numpy as np

from myoprosthesis.report.section import Omitted, SectionTable, Text
from myoprosthesis.report.sections import repeat


def test_command_hashes_versions_and_the_whole_yaml(session):
    command, table, yaml = repeat.section(session).parts
    assert command == Text("<pre>myoprosthesis session run planted</pre>")
    rows = dict(table.rows)
    assert rows["table"] == f"<code>sha256 {session.sha256}</code>" and rows["seed"] == "<code>0</code>"
    assert rows["versions / mujoco"] == "<code>3.4.0</code>" and not {"command", "platform", "ended"} & set(rows)
    assert rows["policy reach_null"] == f"<code>sha256 {'ab' * 32}</code>"
    assert "&lt;with&gt; a field" in yaml.html


def test_of_many_policies_the_first_and_the_last_are_named(session):
    names = np.array([f"p{k // 4}" for k in range(128)])
    many = replace(session, table=replace(session.table, policy=names))
    table = next(p for p in repeat.section(many).parts if isinstance(p, SectionTable))
    assert [r[0] for r in table.rows if r[0].startswith("policy")] == ["policy p0", "policy p31"]


def test_what_is_not_known_is_said(session):
    parts = repeat.section(replace(session, provenance={}, settings_text="")).parts
    assert [p.text[:18] for p in parts if isinstance(p, Omitted)] == ["No provenance.json", "No session.yaml."]
