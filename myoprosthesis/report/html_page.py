"""One HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from myoprosthesis import __version__
from myoprosthesis.report.section import Drawing, Omitted, Part, Section, SectionTable, Text
from myoprosthesis.report.style import ROLE, svg

_ROLES = "\n".join(f"i.role.{role}{{background:{colour}}}" for role, colour in ROLE.items())
STYLE = "\n" + (Path(__file__).with_name("report.css").read_text(encoding="utf-8").replace("/* roles */", _ROLES))


POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser may load for the page: its own pictures and styles, and no script whatever."""


def page(title: str, over: str, sections: Sequence[Section]) -> str:
    """The whole page; `over` stands in small letters above the title."""
    links = "".join(f'<li><a href="#{s.key}">{escape(s.title)}</a></li>' for s in sections)
    body = "".join(_section(s) for s in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(title)} – report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<div class=\"sheet\">\n"
        f'<header><div class="over">{escape(over)}</div><h1>{escape(title)}</h1></header>\n'
        f'<nav aria-label="Contents"><ol>{links}</ol></nav>\n<main>\n{body}</main>\n'
        f"<footer>Made by myoprosthesis {escape(__version__)}. Every figure lies beside this page as PNG, its "
        "numbers as "
        "CSV, and all figures of the page in figures.json.</footer>\n</div>\n</body>\n</html>\n"
    )  # fmt: skip


def _section(s: Section) -> str:
    inside = "\n".join(_part(p) for p in s.parts)
    return f'<section id="{s.key}">\n<h2>{escape(s.title)}</h2>\n{inside}\n</section>\n'


def _part(part: Part) -> str:
    if isinstance(part, Omitted):
        return f'<p class="absent">{escape(part.text)}</p>'
    if isinstance(part, Text):
        return part.html if part.html.startswith(("<pre", "<details")) else f"<p>{part.html}</p>"
    if isinstance(part, SectionTable):
        return _table(part)
    return _figure(part)


def _figure(d: Drawing) -> str:
    data = base64.b64encode(svg(d.figure)).decode("ascii")
    wide = d.figure.get_size_inches()[0] > 7
    return (f'<figure id="{escape(d.name)}"{"" if wide else " class=narrow"}><img alt="{escape(d.alt)}" '
            f'src="data:image/svg+xml;base64,{data}"><figcaption>{d.caption}</figcaption></figure>')  # fmt: skip


def _table(t: SectionTable) -> str:
    head = "".join(f"<th>{c}</th>" for c in t.header)
    rows = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in t.rows)
    thead = f"<thead><tr>{head}</tr></thead>" if any(t.header) else ""
    caption = f'<div class="caption">{t.caption}</div>' if t.caption else ""
    kind = "numbers" if t.numbers else "plain"
    return f'<div class="scroll"><table class="{kind}">{thead}<tbody>{rows}</tbody></table></div>{caption}'
