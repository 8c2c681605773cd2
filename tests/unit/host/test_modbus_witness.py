"""PyPI's pymodbus as slaves against the firmware's Modbus master on the unix ports: framing, CRC,
function codes, floats and integers are those of somebody else (maps: docs/parts-modbus.md)."""

RUNTIMES = ("cpython",)
WAITS = True

import json
import os
import subprocess
import threading

from drivers.modbus_part import REFUSES
from host_tools.root import ROOT
from host_tools.station.images import NoImage, image
from tests.lib import pymodbus_server as sim
from tests.lib.mtest import eq, skip
from tests.lib.patience import LIMIT_S, until
from tests.lib.pymodbus_server import FLOAT, S16, TEXT, U16, U32

SETTINGS = [0] * 29  # 3000..3028
SETTINGS[5], SETTINGS[7] = 600, 120


def eastron(address=1):
    lines = [229.5, 231.25, 0.0, 10.5, 5.25, 0.0, -2400.0, 1200.5, 0.0, 2409.8, 1214.1, 0.0, 50.0, -20.0, 0.0]
    totals = [-1199.5, 0.0, 3623.9, 0.0, 30.0, 0.0, 0.0, 0.0, 0.0, 49.98, 1234.567, 8.9]
    return sim.device(address, inputs=[(0, FLOAT, lines), (0x34, FLOAT, totals)])


def acrel(address=2, count=20):
    words = [
        (0, U16, [4000, 2]),
        (2, S16, [-2000]),
        (3, U16, [1]),
        (4, U16, [0, 31, 0, 0]),
        (8, S16, [-8000]),
        (9, U16, [3]),
        (10, U16, [0, 0]),
        (12, U32, [123456, 654]),
        (16, U16, [1, 300, 0, 0]),
    ]
    return sim.device(address, holding=[row for row in words if row[0] < count])


def bender(address=3, name="isoCHA425HV"):
    return sim.device(
        address,
        holding=[
            (1000, FLOAT, [873000.0]),
            (1002, U16, [2, 71]),
            (1008, FLOAT, [412.5]),
            (1010, U16, [4, 76]),
            (3000, U16, SETTINGS),
            (8005, U16, [0]),
            (9800, TEXT, [name.ljust(20)]),
            (9820, U16, [1, 512, 2023, 5, 17, 2]),
        ],
    )


class Firmware:
    """The master on an image, its line at `fd`. newest: the last record that it has printed."""

    def __init__(self, runtime, parts, fd):
        try:
            program = image(runtime)
        except NoImage as error:
            skip(str(error))
        env = dict(os.environ, MICROPYPATH=".frozen")
        self.newest = {}
        self.process = subprocess.Popen(
            [str(program), "-X", "heapsize=200k", str(ROOT / "tests/lib/bus_on_stdio.py"), json.dumps(parts)],
            stdin=fd, stdout=fd, stderr=subprocess.PIPE, env=env,
        )  # fmt: skip
        self.said = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._thread.join(LIMIT_S)
        self.process.stderr.close()

    def _read(self):
        for line in self.process.stderr:
            self.said.append(line.decode())
            if line.startswith(b"{"):
                self.newest = json.loads(line)

    def wait(self, wanted):
        """The record for which wanted(record) is true."""
        until(lambda: self.newest and wanted(self.newest), lambda: "".join(self.said[-10:]))
        return self.newest


def all_ok(record):
    return all(record[name]["ok"] for name in record if name != "bus")


def read_all(runtime):
    parts = [["eastron", 1], ["acrel", 2], ["bender", 3]]
    with sim.Server([eastron(), acrel(), bender()]) as server, Firmware(runtime, parts, server.master) as firmware:
        record = firmware.wait(lambda r: all_ok(r) and r["bender"]["mv"])
        written = list(server.written)
    meter, dc, monitor = record["eastron"], record["acrel"], record["bender"]
    eq((meter["l_mv"], meter["l_w"], meter["w"]), ([229500, 231250, 0], [-2400, 1201, 0], -1199))
    eq((meter["l_ma"], meter["var"], meter["hz_m"]), ([-10500, 5250, 0], 30, 49980))
    eq((meter["charged_wh"], meter["discharged_wh"]), (1234567, 8900))
    eq((dc["mv"], dc["ma"], dc["w"], dc["power_proved"]), (400000, -20000, -8000, True))
    eq((monitor["ohm"], monitor["mv"], monitor["alarm"]), (873000, 412500, 0))
    eq((monitor["part_name"], monitor["firmware"]), ("isoCHA425HV", 512))
    got = {register: words for address, register, words in written if address == 3}
    eq((got[3005], got[3007], got[3021], got[3026]), ([600], [120], [3], [1]))
    eq((record["bus"]["bus.crc"], record["bus"]["bus.exceptions"]), (0, 0))


def test_pymodbus_answers_the_32_bit_image():
    read_all("unix32")


def test_pymodbus_answers_the_64_bit_image():
    read_all("unix")


def test_pymodbus_refuses():
    """A register that is not there is exception 2; a slave that is not there is 4 from this server."""
    parts = [["acrel", 2], ["eastron", 9]]
    with sim.Server([acrel(count=10)]) as server, Firmware("unix32", parts, server.master) as firmware:
        record = firmware.wait(lambda r: r["acrel"]["faults"] and r["eastron"]["faults"])
    for name, code in (("acrel", 2), ("eastron", 4)):
        part = record[name]
        eq((name, part["faults"], part["refused"], part["ok"]), (name, REFUSES, code, False))
