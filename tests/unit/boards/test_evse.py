"""boards/common/evse.py over a pty, with a simulated car: Ctrl-C while it charges, what the module
says, a reader that does not read. Real time."""

import json
import os
import re
import threading
from pathlib import Path

from host_tools.board.port import Station, words
from host_tools.ev import cable, options
from host_tools.root import ROOT
from tests.lib.patience import CAR, LIMIT_S, STATION, until
from tests.lib.pty_station import PtyStation
from tests.lib.tool_cases import good

RUNTIMES = ("cpython",)  # starts processes
WAITS = True
SLOW = True
TIMEOUT_S = 240
CONFIG = {"services": ["DC_BPT"], "setpoint_w": 3000, "cable_check_ms": 100, **STATION}


class Car(threading.Thread):
    """A simulated car in a thread; `result` when it has gone."""

    def __init__(self, device, **ev):
        super().__init__(daemon=True)
        self.result = None
        self._options = {**options.DEFAULTS, **CAR, "unplug_after_ms": 200, **ev}
        self._port = device.udp
        self.start()

    def run(self):
        self.result = cable.run(self._options, self._port, lambda record: None)


def state(station):
    return words.status(station.ask("status"))


def said_after(station, line):
    """What the device says to a line that a person types, echo included. A sum that is typed behind
    it shows where that ends."""
    said = []
    before, station.on_line = station.on_line, said.append
    station.send_line(line)
    until(lambda: said, "the echo", station.listen)
    station.send_line("1234*2")
    until(lambda: "2468" in said, lambda: said, station.listen)
    station.on_line = before
    return [text for text in said[: said.index("2468")] if not text.endswith("1234*2")]


def charging(device, station, **ev):
    station.wait_running()
    car = Car(device, loops=200, **ev)
    until(lambda: state(station)["session_state"] == "DC_ChargeLoop")
    return car


def ctrl_c_while_a_car_charges(runtime, times):
    with PtyStation(CONFIG, runtime) as device:
        said = []
        with Station.open(device.port, on_line=said.append) as station:
            car = charging(device, station)
            assert "contactor CLOSED" in "\n".join(said_after(station, "status"))
            for _ in range(times):  # mpremote sends two, to be sure
                station._write(b"\x03")
                # The unix port ends at a second SIGINT that comes before it has seen the first;
                # boards do not (tests/emu/test_repl.py sends them at once).
                until(lambda: [text for text in said if "Stopped (Ctrl-C)" in text], lambda: said, station.listen)
            assert station.interrupt()
            text = "\n".join(said)
            assert "Stopped (Ctrl-C): pilot off, contactor open." in text, text
            status = "\n".join(said_after(station, "evse.status()"))
            assert "this is how it ended" in status and "contactor open" in status and ", F" in status, status
            car.join(LIMIT_S)
            assert car.result is not None and not car.result.ok
            # And again: the next car is served by the next run.
            assert station.run_from_repl("evse.run()")
            car = Car(device, loops=3)
            car.join(LIMIT_S)
            assert car.result is not None and car.result.ok, car.result and car.result.why
            assert state(station)["plug_ins"] == 1


def test_ctrl_c_while_a_car_charges_opens_the_contactor():
    ctrl_c_while_a_car_charges("unix", 1)


def test_two_in_a_row_on_the_32_bit_image():
    ctrl_c_while_a_car_charges("unix32", 2)


def test_what_the_module_says_while_it_charges():
    with PtyStation(CONFIG) as device, Station.open(device.port) as station:
        car = charging(device, station)
        text = "\n".join(said_after(station, "evse.status()"))
        assert re.search(
            r"pilot +C +car ready.*\n.*duty 5\.0 % \(digital\)|pilot +C +car ready.*duty 5\.0 % \(digital\)", text
        ), text
        assert "DC_ChargeLoop, service 6 Dynamic" in text and "battery" in text and "faults     none" in text, text
        assert said_after(station, "evse.setpoint(-2500, 600)")[-1] == "set-point -2500 W"
        assert "whole number" in said_after(station, "evse.setpoint(99999999)")[-1]
        until(lambda: state(station)["setpoint_w"] == -2500)
        lines = said_after(station, "evse.trace(12)")
        assert [x for x in lines if re.match(r" +\d+\.\d{3} --> DC_ChargeLoopReq \(\d+ bytes, DC_ChargeLoop\)", x)], (
            lines
        )
        assert len(lines) == 13  # and the echo
        assert max(len(x) for x in lines) <= 80, lines
        assert "not while the contactor is closed" in said_after(station, 'evse.config("setpoint_w", 5)')[-1]
        assert said_after(station, 'evse.config("setpoint_w")')[-1] == "setpoint_w = 3000"
        assert "already" in said_after(station, "evse.run()")[-1]
        assert max(len(x) for x in said_after(station, "evse.help()") + said_after(station, "help")) <= 80
        assert [x for x in said_after(station, "evse.info()") if x.startswith("version=")]
        assert said_after(station, "evse.stop()")[-1].startswith("The car is told")
        car.join(LIMIT_S)
        assert car.result.ok, car.result.why
        assert json.loads(Path(device.folder / "config.json").read_text()) == CONFIG


def test_a_terminal_that_does_not_read_stops_nothing():
    """Ctrl-S, or a program that hangs: the stream waits, the car and the pilot's supervision do
    not."""
    with PtyStation(CONFIG) as device, Station.open(device.port) as station:
        station.wait_running()
        station.ask("stream on")
        device.pause(True)
        car = Car(device, loops=60)
        car.join(LIMIT_S)
        device.pause(False)
        assert car.result is not None and car.result.ok, car.result and car.result.why
        found = state(station)
        assert found["plug_ins"] == 1 and found["faults"] == 0, found


def test_a_failed_session_is_saved_to_a_file():
    with PtyStation(CONFIG) as device, Station.open(device.port) as station:
        station.wait_running()
        Car(device, fault="wrong_session")
        until(lambda: (device.folder / "fault.trace").exists())
        lines = station.ask("fault")
        assert lines[0].startswith("N 0 saved after: session FAILED") and [x for x in lines if x.startswith("M ")]
        station.close()
        path = str(device.folder / "f.pcapng")
        assert " V2G messages" in good("trace", "pull", "--fault", path, port=device.port)
        out = good("trace", "decode", path)
        assert "saved after: session FAILED" in out and "FAILED_UnknownSession" in out


def test_version_is_that_of_the_project():
    from firmware.run.desk import VERSION

    text = Path(ROOT / "pyproject.toml").read_text()
    assert re.search(r'^version = "(.+)"', text, re.M)[1] == VERSION
    assert os.path.exists(ROOT / "boards" / "common" / "evse.py")
