"""Every tool at a serial port against the true image: pyserial, mpremote, esptool-free, over a
pseudo terminal that is the UART of the emulated RP2040. What the tools must say stands in
tests/lib/tool_cases.py, once for all kinds of ports."""

RUNTIMES = ("cpython",)
TIMEOUT_S = 900

import json
import os
import tempfile

from host_tools.board import selftest as selftest_run
from host_tools.emu import files
from host_tools.emu.board import EmulatedBoard
from host_tools.emu.bridge import Served
from host_tools.lab import LAB
from tests.lib.emulator import need_image
from tests.lib.patience import until
from tests.lib.tool_cases import CASES, bad, good

IMAGE = need_image()
CONFIG = {**LAB, "services": ["DC_BPT"], "setpoint_w": 3000, "cable_check_ms": 100, "allow_plain": True}


def served(config=CONFIG, **more):
    return Served(EmulatedBoard(IMAGE, files.station(config), **more))


def state(port):
    return json.loads(good("status", "--json", port=port))["session_state"]


def test_every_command():
    with served() as line:
        until(lambda: line.call(lambda board: board.ms) > 4000)
        for case in CASES:
            try:
                case(line.path)
            except Exception as error:
                raise AssertionError("%s: %s: %s" % (case.__name__, type(error).__name__, error)) from error


def test_a_session_is_watched_changed_and_recorded():
    """Set-point below zero while the car charges: power turns; the recording is opened by tshark
    and replayed."""
    from tests.unit.host.board.test_port_tools import opened_by_tshark

    with served() as line, tempfile.TemporaryDirectory() as folder:
        until(lambda: line.call(lambda board: board.ms) > 4000)
        car = line.call(
            lambda board: board.world.plug(
                service="DC_BPT", duration_ms=600000, message_timeout_ms=20000, capacity_wh=400
            )
        )
        until(lambda: state(line.path) == "DC_ChargeLoop")
        assert good("setpoint", "-5000", port=line.path).startswith("set-point -5000 W by the operator, ")
        bad(1, "not while the contactor is closed", "config", "set", "setpoint_w", "1", port=line.path)
        seen = []

        def fed_back():
            text = good("monitor", "--seconds", "6", "--json", port=line.path)
            seen.extend([json.loads(record) for record in text.splitlines()])
            return [record for record in seen if "power" in record and record["power"]["power_w"] < -4000]

        until(fed_back, "the car feeds back")
        assert {"DC_ChargeLoopReq", "DC_ChargeLoopRes"} <= {record.get("name") for record in seen}
        assert "Linked" in good("log", "--since", "100s", "--no-follow", port=line.path)
        line.call(lambda board: board.world.unplug())
        until(lambda: line.call(lambda board: board.world.car is None))
        path = os.path.join(folder, "s.pcapng")
        facts = json.loads(good("trace", "pull", path, "--json", port=line.path))
        opened_by_tshark(path, facts["packets"])
        assert "DC_ChargeLoopRes" in good("trace", "decode", path)
        assert car.done


FAULTS = {  # of host_tools/emu/faults.py -> code of firmware/app/selftest_codes.py that is named first
    "none": None,
    "no_modem": "spi-no-modem",
    "swapped": "spi-swapped",
    "pev_pib": "role-pev",
    "pilot_shorted": "cp-short",
    "diode_shorted": "diode-short",
    "pp_open": "pp-open",
    "welded": "contactor-welded",
    "int_open": "int-open",
}
_OHM = {"A": None, "B": 2740, "C": 882, "D": 246}


def _selftest(fault):
    """Results of `microv2g selftest` on a board with that wiring fault; somebody turns the test
    plug when asked."""
    import types

    faults = {} if fault == "none" else {fault: True}
    with served(dict(CONFIG, ac_socket=True), faults=faults) as line:
        until(lambda: line.call(lambda board: board.ms) > 4000)
        port = selftest_run.PortLine(types.SimpleNamespace(port=line.path, baud=115200))

        def turn(plug):
            def change(board):
                board.world.circuit.ohms = _OHM[plug]
                board.world.plug_resistor.ohm = None if plug == "A" else 1500

            line.call(change)

        port.turn = turn
        with port:
            return selftest_run.follow(port, ["close"], lambda record: None, lambda record: "next", 120)


def test_the_eight_planted_faults_are_named():
    wrong = []
    for fault, code in FAULTS.items():
        passed, first = selftest_run.verdict(_selftest(fault))
        found = first and first["code"]
        print("NOTE %s: %s" % (fault, found))
        if (found, passed) != (code, code is None):
            wrong.append("%s: %s instead of %s" % (fault, found, code))
    assert not wrong, wrong
