"""An emulator is believable when somebody else's client accepts it. Each is skipped where that client is missing."""

import importlib.util
import subprocess
import sys

import pytest

from myoprosthesis.core import registry
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.hands import sheet

ABILITY = """
import sys, time
from ah_wrapper.ah_serial_client import AHSerialClient
client = AHSerialClient(port=sys.argv[1], baud_rate=460800, reply_mode=int(sys.argv[2]), rate_hz=100)
client.set_position([30, 40, 50, 60, 20, -35])
time.sleep(1.0)
print("POSITIONS", client.hand.get_position())
print("READS", client.n_reads, "WRITES", client._conn.n_writes)
print("TOUCH", client.hand._fsr is not None)
client.close()
"""


def served(name):
    return EmulatedPort(registry.factory("emulators", name)(sheet.load(name)))


def run(code, folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in done.stdout.splitlines() if " " in line}


@pytest.mark.skipif(importlib.util.find_spec("ah_wrapper") is None, reason="needs pip install ability-hand")
@pytest.mark.parametrize("variant", [0, 1, 2])
def test_psyonics_client_moves_the_emulated_ability_hand(tmp_path, variant):
    with served("ability_hand") as port:
        told = run(ABILITY, tmp_path, port.path, str(variant))
        assert port.emulator.refused == 0
    positions = [float(x) for x in told["POSITIONS"].strip("[]").split(",")]
    assert positions == pytest.approx([30, 40, 50, 60, 20, -35], abs=0.1)
    reads, _, writes = told["READS"].split(" ")
    assert int(reads) > 0.9 * int(writes) > 50
    assert told["TOUCH"] == str(variant < 2)


INSPIRE = """
import sys, time
from rh56_sdk.protocol import RH56Protocol as P
from rh56_sdk.transport import SerialTransport
line = SerialTransport(sys.argv[1], 115200, 0.2)
line.connect()
def read(address, n):
    return P.parse_read_response(line.request(P.build_read_reg16(1, address, n)), 1, address, n)
P.parse_write_ack(line.request(P.build_reg16_frame(1, 1522, [1000] * 6)), 1, 1522)
P.parse_write_ack(line.request(P.build_reg16_frame(1, 1486, [0, 200, 400, 600, 800, 0xFFFF])), 1, 1486)
time.sleep(1.2)
print("ANGLES", P.parse_u16_le(read(1546, 12)))
print("TEMPERATURE", list(read(1618, 6)))
print("ERROR", list(read(1606, 6)))
line.disconnect()
"""


@pytest.mark.skipif(importlib.util.find_spec("rh56_sdk") is None, reason="needs pip install pyrh56")
def test_pyrh56_moves_the_emulated_inspire(tmp_path):
    with served("inspire_rh56") as port:
        told = run(INSPIRE, tmp_path, port.path)
        assert port.emulator.refused == 0
    angles = [int(x) for x in told["ANGLES"].strip("[]").split(",")]
    assert angles == pytest.approx([0, 200, 400, 600, 800, 1000], abs=2)
    assert told["TEMPERATURE"] == str([25] * 6) and told["ERROR"] == str([0] * 6)
