"""Where no hand answers, the error says what does, or what would help."""

import pytest

from myoprosthesis.core.errors import EffectorError
from myoprosthesis.effectors.serial_hand.connection import motors
from myoprosthesis.effectors.serial_hand.hands import ability_hand
from myoprosthesis.effectors.serial_hand.prosthetic_hand import HandOptions

from .test_prosthetic_hand import HANDS, made, served


def test_missing_busy_and_silly_ports_are_said(tmp_path):
    with pytest.raises(EffectorError, match="needs a port.*emulate ability_hand"):
        ability_hand(HandOptions()).reset(0)
    with pytest.raises(EffectorError, match="there is no port /dev/ttyNONE"):
        ability_hand(HandOptions(port="/dev/ttyNONE")).reset(0)
    plain = tmp_path / "file"
    plain.write_text("")
    with pytest.raises(EffectorError, match="cannot be used as a serial port"):
        ability_hand(HandOptions(port=str(plain))).reset(0)
    with served("ability_hand") as port:
        first = ability_hand(HandOptions(port=port.path))
        first.reset(0)
        with pytest.raises(EffectorError, match="is busy: another program has it open"):
            ability_hand(HandOptions(port=port.path)).reset(0)
        first.close()


def test_a_wrong_baud_rate_and_a_silent_port_are_said():
    with served("ability_hand", baud=921600) as port:
        with pytest.raises(EffectorError, match="at 460800 Bd, but at 921600 Bd: set baud to 921600"):
            ability_hand(HandOptions(port=port.path)).reset(0)
        port.fault("silence")
        with pytest.raises(EffectorError, match="is it switched on.*at this address"):
            ability_hand(HandOptions(port=port.path)).reset(0)


@pytest.mark.parametrize("other", [h for h in HANDS if h != "ability_hand"])
def test_a_wrong_hand_is_named(other):
    with served(other) as port, pytest.raises(EffectorError, match=f"answers .*, but .* does: use {other}"):
        ability_hand(HandOptions(port=port.path)).reset(0)
    with served("ability_hand") as port, pytest.raises(EffectorError, match="use ability_hand"):
        made(other, port).reset(0)


def test_motors_are_named_as_many_as_a_person_reads():
    assert motors(("index",)) == "the motor of index"
    assert motors(("index", "thumb")) == "the motors of index and thumb"
    assert motors(("index", "thumb", "ring")) == "the motors of index and 2 more"
