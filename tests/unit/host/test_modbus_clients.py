"""Clients of others read our models of meters and monitor at a pseudo terminal: PyPI's sdm_modbus
the Eastron, which proves its map, and pymodbus the rest, which proves framing and numbers."""

RUNTIMES = ("cpython",)
WAITS = True
SLOW = True

import json
import subprocess

from pymodbus.client import ModbusSerialClient

from host_tools.root import BUILD
from tests.lib.mtest import eq, skip
from tests.lib.patience import LIMIT_S
from tests.lib.rtu_port import RtuPort
from twin.acrel import AcrelModel
from twin.bender import BenderModel
from twin.eastron import EastronModel

SDM = """
import json, sys
import sdm_modbus
kind, port, keys = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
meter = getattr(sdm_modbus, kind)(device=port, stopbits=1, parity="N", baud=9600, unit=1, timeout=25)
out = {key: meter.read(key) for key in keys}
out["all"] = meter.read_all() if kind == "SDM630" else {}
print(json.dumps(out))
"""
KEYS = {
    "l1_voltage": 229.5, "l2_voltage": 231.25, "l3_voltage": 230.0, "l1_current": 10.5, "l2_current": 5.25, "l3_current": 0.0,
    "l1_power_active": -2400.0, "l2_power_active": 1200.5, "l3_power_active": 0.0, "l1_power_reactive": 50.0,
    "l2_power_reactive": -20.0, "total_power_reactive": 30.0, "total_power_active": -1199.5, "frequency": 50.0,
    "import_energy_active": 12.5, "export_energy_active": 3.25,
}  # fmt: skip


def meter(most_values):
    model = EastronModel(1, most_values=most_values)
    model.v = [229.5, 231.25, 230.0]
    model.a = [10.5, 5.25, 0.0]
    model.w = [-2400.0, 1200.5, 0.0]
    model.var = [50.0, -20.0, 0.0]
    model.advance(300)
    model.advance = lambda ms: None  # energy stands still
    return model


def sdm(kind, port, keys):
    python = BUILD / "venv-sdm" / "bin" / "python"
    if not python.exists():
        skip("build/venv-sdm is missing: python3 host_tools/building/build.py sdm")
    command = [str(python), "-c", SDM, kind, port, json.dumps(list(keys))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3 * LIMIT_S)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def near(what, got, wanted):
    assert got is not None and abs(got - wanted) <= abs(wanted) * 1e-6 + 1e-4, (what, got, wanted)


def test_sdm_modbus_reads_an_sdm630():
    with RtuPort([meter(40)]) as port:
        out = sdm("SDM630", port.name, KEYS)
    for key, wanted in KEYS.items():
        near(key, out[key], wanted)
        near(key, out["all"][key], wanted)


def test_sdm_modbus_reads_an_sdm72d_m_v2():
    keys = {("total_power" if key == "total_power_active" else key): value for key, value in KEYS.items()}
    with RtuPort([meter(30)]) as port:
        out = sdm("SDM72V2", port.name, keys)
    for key, wanted in keys.items():
        near(key, out[key], wanted)


class Client:
    """pymodbus at a port."""

    def __init__(self, name):
        self.client = ModbusSerialClient(name, baudrate=19200, timeout=LIMIT_S // 4, retries=3)
        assert self.client.connect()

    def words(self, address, count, unit):
        answer = self.client.read_holding_registers(address, count=count, device_id=unit)
        assert not answer.isError(), answer
        return answer.registers

    def number(self, words, kind):
        return self.client.convert_from_registers(words, getattr(self.client.DATATYPE, kind))


def test_pymodbus_reads_the_acrel():
    model = AcrelModel(2)
    model.v, model.a = 412.5, -32.0
    model.forward_wh, model.reverse_wh = 70000.0, 654.0
    model.advance(250)
    model.advance = lambda ms: None
    with RtuPort([model]) as port:
        client = Client(port.name)
        words = client.words(0, 20, 2)
        near("V", client.number(words[0:1], "UINT16") * 10.0 ** (words[1] - 3), 412.5)
        near("A", client.number(words[2:3], "INT16") * 10.0 ** (words[3] - 3), -32.0)
        near("W", client.number(words[8:9], "INT16") * 10.0 ** (words[9] - 3), -13200.0)
        eq((client.number(words[12:14], "UINT32"), client.number(words[14:16], "UINT32")), (70000, 654))
        answer = client.client.read_holding_registers(15, count=10, device_id=2)
        eq((answer.isError(), answer.exception_code), (True, 2))
        client.client.close()


def test_pymodbus_reads_and_sets_the_bender():
    model = BenderModel(3)
    model.r_ohm, model.u_n = 873000.0, 412.5
    with RtuPort([model]) as port:
        client = Client(port.name)
        eq(client.number(client.words(9800, 10, 3), "STRING").strip(), "isoCHA425HV-D4")
        eq(client.words(9820, 6, 3)[1], 512)
        for register, value in ((3005, 300), (3007, 100), (3026, 1)):
            answer = client.client.write_registers(register, [value], device_id=3)
            assert not answer.isError(), answer
            eq(client.words(register, 1, 3), [value])
        assert client.client.write_registers(3005, [50], device_id=3).isError()  # not above R2
        words = client.words(1008, 4, 3)
        near("U_N", client.number(words[0:2], "FLOAT32"), 412.5)
        eq(words[2:], [4, 76])
        model._measured = model.r_ohm  # without waiting for its first value
        words = client.words(1000, 4, 3)
        near("R_F", client.number(words[0:2], "FLOAT32"), 873000.0)
        eq(words[2:], [2, 71])
        client.client.close()
