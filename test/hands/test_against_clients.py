"""An emulator is believable when somebody else's client accepts it. Each is skipped where that client is missing."""

import importlib.util
import subprocess
import sys

import pytest

from myoprosthesis.core import registry
from myoprosthesis.emulators.emulated_port import EmulatedPort
from myoprosthesis.hands import data_sheets

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
    return EmulatedPort(registry.factory("emulators", name)(data_sheets.load(name)))


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


DYNAMIXEL = """
import sys, time
import dynamixel_sdk as sdk
line, speaker = sdk.PortHandler(sys.argv[1]), sdk.PacketHandler(2.0)
assert line.openPort() and line.setBaudRate(4000000)
print("MODEL", *speaker.ping(line, 3))
for i in range(16):
    assert speaker.write1ByteTxRx(line, i, 11, 5) == (0, 0)
    assert speaker.write1ByteTxRx(line, i, 64, 1) == (0, 0)
goals = sdk.GroupSyncWrite(line, speaker, 116, 4)
for i in range(16):
    goals.addParam(i, list((2048 + 20 * i).to_bytes(4, "little")))
assert goals.txPacket() == 0
time.sleep(0.7)
told = sdk.GroupSyncRead(line, speaker, 126, 21)
for i in range(16):
    told.addParam(i)
print("RESULT", told.txRxPacket())
print("POSITION", [told.getData(i, 132, 4) for i in range(16)])
print("CELSIUS", [told.getData(i, 146, 1) for i in range(16)])
print("MODE", *speaker.write1ByteTxRx(line, 0, 11, 3))
line.closePort()
"""


@pytest.mark.skipif(importlib.util.find_spec("dynamixel_sdk") is None, reason="needs pip install dynamixel-sdk")
def test_robotis_sdk_moves_the_emulated_leap(tmp_path):
    with served("leap") as port:
        told = run(DYNAMIXEL, tmp_path, port.path)
    assert told["MODEL"] == "1220 0 0" and told["RESULT"] == "0"
    positions = [int(x) for x in told["POSITION"].strip("[]").split(",")]
    assert positions == pytest.approx([2048 + 20 * i for i in range(16)], abs=2)
    assert told["CELSIUS"] == str([25] * 16)
    assert told["MODE"] == "0 7"  # the mode cannot be changed while the motor is on


MODBUS = """
import sys, time
from pymodbus.client import ModbusSerialClient
client = ModbusSerialClient(sys.argv[1], baudrate=115200, timeout=0.3)
assert client.connect()
target, angle, id_ = (int(x) for x in sys.argv[2:5])
goals = [int(x) for x in sys.argv[5:]]
assert not client.write_registers(target, goals[:5], device_id=id_).isError()
assert not client.write_register(target + 5, goals[5], device_id=id_).isError()
time.sleep(1.2)
print("ANGLES", client.read_holding_registers(angle, count=6, device_id=id_).registers)
print("REFUSED", client.read_holding_registers(1, count=6, device_id=id_).exception_code)
client.close()
"""


@pytest.mark.skipif(importlib.util.find_spec("pymodbus") is None, reason="needs pip install pymodbus")
@pytest.mark.parametrize(
    ("name", "target", "angle", "id_", "goals"),
    [
        ("inspire_rh56_modbus", 1486, 1546, 1, [0, 200, 400, 600, 800, 900]),
        ("rohand", 1155, 1165, 2, [3000, 12000, 11000, 17000, 16000, 4500]),
    ],
)
def test_pymodbus_moves_the_emulated_hands(tmp_path, name, target, angle, id_, goals):
    with served(name) as port:
        told = run(MODBUS, tmp_path, port.path, *(str(x) for x in (target, angle, id_, *goals)))
        assert port.emulator.refused == 1
    angles = [int(x) for x in told["ANGLES"].strip("[]").split(",")]
    assert angles == pytest.approx(goals, abs=12) and told["REFUSED"] == "2"


TCP = MODBUS.replace("ModbusSerialClient", "ModbusTcpClient").replace(
    "ModbusTcpClient(sys.argv[1], baudrate=115200,", "ModbusTcpClient('127.0.0.1', port=int(sys.argv[1]),"
)


@pytest.mark.skipif(importlib.util.find_spec("pymodbus") is None, reason="needs pip install pymodbus")
def test_pymodbus_moves_the_emulated_hand_on_a_network(tmp_path):
    name, goals = "inspire_rh56_modbus", [0, 200, 400, 600, 800, 900]
    hand = registry.factory("emulators", name)(data_sheets.load(name, framing="tcp"))
    with EmulatedPort(hand, path="127.0.0.1:0") as port:
        told = run(TCP, tmp_path, port.path.rpartition(":")[2], *(str(x) for x in (1486, 1546, 1, *goals)))
        assert port.emulator.refused == 1
    angles = [int(x) for x in told["ANGLES"].strip("[]").split(",")]
    assert angles == pytest.approx(goals, abs=12) and told["REFUSED"] == "2"


SERVER = """
import asyncio, sys
from pymodbus.server import StartAsyncSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice
table = [SimData(a, values=v, datatype=DataType.REGISTERS) for a, v in (
    (1486, [1000] * 6), (1498, [0] * 6), (1522, [0] * 6), (1546, [500] * 6), (1582, [100] * 8), (1594, [0] * 8),
    (1606, [0] * 4), (1618, [0x2828] * 4))]
asyncio.run(StartAsyncSerialServer(SimDevice(1, simdata=table), port=sys.argv[1], baudrate=115200))
"""


@pytest.mark.skipif(importlib.util.find_spec("pymodbus") is None, reason="needs pip install pymodbus")
def test_our_codec_is_served_by_pymodbus(tmp_path):
    import os
    import select
    import time
    import tty

    import numpy as np

    from myoprosthesis.hands.modbus import ModbusHand

    near, far = os.openpty()
    tty.setraw(far)
    server = subprocess.Popen([sys.executable, "-c", SERVER, os.ttyname(far)], cwd=tmp_path, stderr=subprocess.PIPE)
    try:
        codec = ModbusHand(data_sheets.load("inspire_rh56_modbus"))
        codec.enable()
        state, until = None, time.monotonic() + 20
        while time.monotonic() < until and codec.counts["frames"] < 40:
            os.write(near, codec.command(codec.spec.column("closed")))
            while select.select([near], [], [], 0.05)[0]:
                state = (codec.parse(os.read(near, 256)) or [state])[-1]
        assert codec.counts["frames"] >= 40 and not codec.counts["refused"] and not codec.counts["damaged"]
        np.testing.assert_allclose(state.position, codec.spec.column("closed") / 2)
        np.testing.assert_allclose(state.force, np.full(6, 0.980665))
        np.testing.assert_allclose(state.temperature, np.full(6, 40.0))
    finally:
        server.kill()
        server.wait()
        os.close(near)
        os.close(far)


NETWORK = SERVER.replace("StartAsyncSerialServer", "StartAsyncTcpServer").replace(
    "port=sys.argv[1], baudrate=115200", "address=('127.0.0.1', int(sys.argv[1]))"
)


@pytest.mark.skipif(importlib.util.find_spec("pymodbus") is None, reason="needs pip install pymodbus")
def test_our_codec_is_served_by_pymodbus_on_a_network(tmp_path):
    import socket
    import time

    import numpy as np

    from myoprosthesis.hands.modbus import ModbusHand

    with socket.create_server(("127.0.0.1", 0)) as free:
        place = free.getsockname()
    server = subprocess.Popen([sys.executable, "-c", NETWORK, str(place[1])], cwd=tmp_path, stderr=subprocess.PIPE)
    codec = ModbusHand(data_sheets.load("inspire_rh56_modbus", framing="tcp"))
    codec.enable()
    line, state, until = None, None, time.monotonic() + 30
    try:
        while (state is None or state.temperature is None) and time.monotonic() < until:
            assert server.poll() is None, server.stderr.read().decode()
            try:
                line = line or socket.create_connection(place, 0.2)
                line.sendall(codec.command(np.full(6, 0.5)))
                state = (codec.parse(line.recv(4096)) or [state])[-1]
            except OSError:
                time.sleep(0.05)
    finally:
        server.kill()
        server.communicate()
        if line is not None:
            line.close()
    assert state is not None and codec.counts["damaged"] == codec.counts["refused"] == 0
    np.testing.assert_allclose(state.position, np.array([2.75] * 4 + [1.16, 1.31]) / 2, atol=1e-9)
    np.testing.assert_allclose(state.temperature, 40.0)
