"""How to make the session again."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Omitted, Part, Section, SectionTable, Text, code
from myoprosthesis.report.sections.summary import words


def section(s: ReportSession) -> Section:
    """Command, versions, hashes, seeds and the session's whole YAML."""
    p = s.provenance
    parts: list[Part] = []
    if p.get("command"):
        command = p["command"] if isinstance(p["command"], str) else " ".join(map(str, p["command"]))
        parts.append(Text(f"<pre>{escape(command)}</pre>"))
    rows = []
    for key, value in p.items():
        if key in ("command", "starts", "ended", "platform", "cores", "table_sha256"):
            continue
        if isinstance(value, Mapping):
            rows += [(escape(f"{key} / {k}"), code(words(v))) for k, v in value.items()]
        elif value not in (None, "", []):
            rows.append((escape(key), code(words(value))))
    rows += [("table", code(f"sha256 {s.sha256}"))]
    rows += [(f"policy {escape(name)}", code(f"sha256 {sha}")) for name, sha in _policies(s)]
    parts.append(SectionTable(("", ""), tuple(rows), numbers=False))
    if not p:
        parts.append(Omitted("No provenance.json: versions, seeds and hashes of the run are not known."))
    if s.settings_text:
        parts.append(Text(f"<details><summary>session.yaml</summary><pre>{escape(s.settings_text)}</pre></details>"))
    else:
        parts.append(Omitted("No session.yaml."))
    return Section("repeat", "How to repeat it", tuple(parts))


def _policies(s: ReportSession) -> list[tuple[str, str]]:
    """Name and hash of the policies of the trials, each once; of many, the first and the last."""
    policies = list(dict.fromkeys(zip(s.table.policy.tolist(), s.table.policy_sha256.tolist(), strict=True)))
    policies = [(name, sha) for name, sha in policies if sha]
    return policies if len(policies) <= 6 else [policies[0], policies[-1]]
