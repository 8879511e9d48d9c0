"""Each part of a page as HTML, and what is around them."""

from types import SimpleNamespace

from myoprosthesis.report.html_page import page
from myoprosthesis.report.section import Drawing, Omitted, Section, SectionTable, Text

PARTS = (
    Omitted("no <EMG>"),
    Text("<b>bold</b>"),
    Text("<pre>as it is</pre>"),
    SectionTable(("what", "mm"), (("initial", "3.2"), ("late", "1.0")), "of all trials"),
    SectionTable(("", ""), (("a", "b"),), numbers=False),
)


def drawing(width, name="d"):
    figure = SimpleNamespace(get_size_inches=lambda: (width, 3.0))
    return Drawing(name, figure, "<i>caption</i>", 'a "line"', {})


def test_each_part_stands_in_its_section_and_each_section_in_the_contents():
    html = page("A & B", "over <it>", (Section("first", "One <1>", PARTS), Section("second", "Two", ())))
    assert '<li><a href="#first">One &lt;1&gt;</a></li><li><a href="#second">Two</a></li>' in html
    assert html.index('<section id="first">') < html.index('<section id="second">')
    assert "<h1>A &amp; B</h1>" in html and "<title>A &amp; B – report</title>" in html and "over &lt;it&gt;" in html
    assert '<p class="absent">no &lt;EMG&gt;</p>' in html
    assert "<p><b>bold</b></p>" in html and "\n<pre>as it is</pre>\n" in html


def test_a_table_has_a_head_where_one_is_named_and_a_caption_where_there_is_one():
    html = page("t", "", (Section("s", "S", PARTS),))
    assert (
        '<table class="numbers"><thead><tr><th>what</th><th>mm</th></tr></thead><tbody><tr><td>initial</td>'
        '<td>3.2</td></tr><tr><td>late</td><td>1.0</td></tr></tbody></table></div><div class="caption">of all trials'
    ) in html
    assert '<table class="plain"><tbody><tr><td>a</td><td>b</td></tr></tbody></table></div>\n' in html


def test_a_figure_is_within_the_page_and_narrow_unless_it_goes_across(undrawn):
    html = page("t", "", (Section("s", "S", (drawing(8.6, "wide"), drawing(4.0, "small"))),))
    inside = "data:image/svg+xml;base64,PHN2Zy8+"  # <svg/>
    assert f'<figure id="wide"><img alt="a &quot;line&quot;" src="{inside}">' in html
    assert '<figure id="small" class=narrow>' in html and html.count("<figcaption><i>caption</i></figcaption>") == 2
