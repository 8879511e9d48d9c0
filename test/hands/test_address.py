"""Addresses of hands on a network, and ports that are none."""

import pytest

from myoprosthesis.hands.address import address


@pytest.mark.parametrize(
    ("path", "place"),
    [("192.168.1.5:502", ("192.168.1.5", 502)), ("hand:6000", ("hand", 6000)), ("[::1]:502", ("::1", 502))],
)
def test_host_and_port(path, place):
    assert address(path) == place


@pytest.mark.parametrize("path", ["/dev/ttyUSB0", "COM3", "/dev/serial:0", "hand:", ":502", "hand:x", "hand:65536", ""])
def test_a_serial_port_is_no_address(path):
    assert address(path) is None
