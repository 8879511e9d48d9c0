"""Sources are named and linked."""

import pytest

from myoprosthesis.report.citations import SOURCES, cite


def test_each_source_is_a_link_by_its_doi_in_the_order_that_is_asked_for():
    assert cite("nmf") == '<a href="https://doi.org/10.1038/44565">Lee &amp; Seung 1999</a> (doi 10.1038/44565)'
    assert cite("axes", "nmf") == f"{cite('axes')}; {cite('nmf')}"
    with pytest.raises(KeyError):
        cite("nobody")


def test_every_source_has_a_year_and_a_doi_of_its_own():
    assert all(text[-4:].isdigit() and doi.startswith("10.") for text, doi in SOURCES.values())
    assert len({doi for _, doi in SOURCES.values()}) == len(SOURCES)
