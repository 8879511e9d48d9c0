"""The ROS domain, as the environment says it."""

import pytest

from myoprosthesis.core.domain import domain_id
from myoprosthesis.core.errors import ConfigError


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), (" 42 ", 42), ("007", 7), ("232", 232), ("", 0)])
def test_a_domain_is_a_number(monkeypatch, text, number):
    monkeypatch.setenv("ROS_DOMAIN_ID", text)
    assert domain_id() == number


def test_unset_it_is_zero(monkeypatch):
    monkeypatch.delenv("ROS_DOMAIN_ID")
    assert domain_id() == 0


@pytest.mark.parametrize("text", ["abc", "-1", "233", "1.5", "1e2", "0x10", "٣", "9" * 400])
def test_what_is_no_domain_is_refused(monkeypatch, text):
    monkeypatch.setenv("ROS_DOMAIN_ID", text)
    with pytest.raises(ConfigError, match="a whole number from 0 to 232"):
        domain_id()
