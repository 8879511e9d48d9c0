"""One HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from myoprosthesis import __version__
from myoprosthesis.report.section import Drawing, Omitted, Part, Section, SectionTable, Text
from myoprosthesis.report.style import ROLE, svg

_ROLES = "\n".join(f"i.role.{role}{{background:{colour}}}" for role, colour in ROLE.items())
STYLE = f"""
:root{{--ink:#1b2430;--muted:#66717e;--rule:#dfe4e9;--wash:#f6f8fa;--accent:#1f6bb0}}
*{{box-sizing:border-box}}
html{{scroll-behavior:smooth;-webkit-text-size-adjust:100%}}
body{{margin:0;background:#fff;color:var(--ink);line-height:1.55;
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}}
.sheet{{max-width:1240px;margin:0 auto;padding:0 28px 80px;display:grid;grid-template-columns:190px minmax(0,1fr);
gap:0 48px}}
header{{grid-column:1/-1;padding:56px 0 26px;border-bottom:1px solid var(--rule);margin-bottom:34px}}
header .over{{color:var(--muted);font-size:13px;letter-spacing:.09em;text-transform:uppercase}}
h1{{font-size:34px;line-height:1.15;letter-spacing:-.015em;margin:6px 0 0;font-weight:650;overflow-wrap:anywhere}}
nav{{position:sticky;top:28px;align-self:start;font-size:13.5px}}
nav ol{{list-style:none;margin:0;padding:0;border-left:1px solid var(--rule)}}
nav a{{display:block;padding:4px 0 4px 14px;margin-left:-1px;color:var(--muted);text-decoration:none;
border-left:2px solid transparent}}
nav a:hover{{color:var(--ink);border-left-color:var(--accent)}}
main{{max-width:930px}}
section{{margin:0 0 56px;scroll-margin-top:20px}}
h2{{font-size:21px;letter-spacing:-.01em;margin:0 0 14px;font-weight:650}}
p{{margin:0 0 14px;max-width:74ch}} .about{{font-size:18px;color:#39424d}}
a{{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:2px}}
figure{{margin:20px 0 30px}} figure img{{width:100%;height:auto;display:block}}
figure.narrow img{{width:auto;max-width:100%}}
figcaption,.caption{{font-size:13.5px;line-height:1.5;color:var(--muted);margin-top:8px;max-width:84ch}}
figcaption b,.caption b{{color:var(--ink);font-weight:600}}
.scroll{{overflow-x:auto;margin:14px 0 6px}}
table{{border-collapse:collapse;font-size:14px;width:100%}}
th,td{{padding:6px 14px 6px 0;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--rule)}}
thead th{{font-weight:600;font-size:12.5px;color:var(--muted);border-bottom:1.5px solid #b9c2cb}}
td:first-child{{white-space:nowrap}} table.plain td:first-child{{color:var(--muted);width:1%;padding-right:28px}}
table.numbers td:not(:first-child),table.numbers th:not(:first-child){{text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums;padding:6px 0 6px 18px}}
.bounds{{color:var(--muted);font-size:.92em}}
.absent{{color:var(--muted);border-left:3px solid var(--rule);padding:2px 0 2px 12px;font-size:14.5px}}
.verdict{{font-weight:600}} .verdict.yes{{color:#0b7a55}} .verdict.no{{color:#a43a12}}
.verdict.open{{color:var(--muted)}}
i.role{{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:8px}}
{_ROLES}
code,pre{{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12.8px}}
code{{overflow-wrap:anywhere}} pre{{background:var(--wash);border:1px solid var(--rule);border-radius:6px;
padding:12px 14px;overflow-x:auto;line-height:1.5}}
details summary{{cursor:pointer;color:var(--accent);font-size:14px;margin-bottom:8px}}
footer{{grid-column:1/-1;color:var(--muted);font-size:13px;border-top:1px solid var(--rule);padding-top:16px}}
@media(max-width:900px){{.sheet{{display:block;padding:0 18px 60px}} header{{padding:34px 0 18px;margin-bottom:20px}}
nav{{position:static;margin-bottom:30px}} nav ol{{display:flex;flex-wrap:wrap;border:0}} nav a{{padding:2px 16px 2px 0}}
h1{{font-size:27px}} td:first-child{{white-space:normal}}}}
@media print{{nav{{display:none}} .sheet{{display:block}} figure,table{{break-inside:avoid}}}}
"""


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
