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
