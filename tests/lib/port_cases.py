"""What every board must do at its serial line, as functions of a port: run over a pty
(tests/unit/host/board/test_port_link.py), and over the UART of an emulated or a real board. They
need a station that runs, with no car, and leave one behind."""

from host_tools.board.port import NoAnswer, Refusal, Station
from host_tools.board.port.link import REPL, RUNNING
from tests.lib.mtest import raises
from tests.lib.patience import until


def fields(lines):
    return dict(line.split("=", 1) for line in lines)


def probe_finds_a_running_station(port):
    with Station.open(port) as station:
        assert station.probe() == RUNNING


def info_and_status(port):
    with Station.open(port) as station:
        info = fields(station.ask("info"))
        assert info["version"] and info["board"] and int(info["heap_free"]) >= 0 and int(info["uptime_s"]) >= 0, info
        status = dict(word.split("=") for word in station.ask("status")[0].split())
        assert {"charger", "pilot", "setpoint_w", "faults"} <= set(status), status


def setpoint_is_set_and_wrong_ones_are_refused(port):
    with Station.open(port) as station:
        assert station.ask("setpoint -5000") == []
        assert "setpoint_w=-5000" in station.ask("status")[0]
        assert "setpoint W" in str(raises(Refusal, station.ask, "setpoint 1 2"))
        for bad in ("setpoint x", "setpoint 1,2", "setpoint 9999999", "setpoint 1.5"):
            assert "whole number of W" in str(raises(Refusal, station.ask, bad)), bad
        assert "setpoint_w=-5000" in station.ask("status")[0]
        station.ask("setpoint 0")


def unknown_commands_and_python_are_refused_to_programs(port):
    with Station.open(port) as station:
        for bad in ("nonsense", "evse.status()", "import os", "stop now"):
            raises(Refusal, station.ask, bad)


def configuration(port):
    with Station.open(port) as station:
        old = station.ask("config get meter_id")[0]
        assert "takes effect at the next start" in station.ask('config set meter_id "M 1"')[0]
        assert station.ask("config get meter_id") == ['"M 1"']
        assert "valid" in station.ask("config check")[0]
        for bad, why in (
            ("config set nosuch 1", "unknown key"),
            ("config set setpoint_w x", "whole number"),
            ("config set tcp_port 80", "49152"),
            ("config set dc_min_charge_w 60000", "dc_max_charge_w"),  # across keys
            ('config set services ["DC_BPT"', "services"),
            ("config", "config get"),
            ("config get a b", "config get"),
            ("config reset nosuch", "unknown key"),
        ):
            assert why in str(raises(Refusal, station.ask, bad)), bad
        assert station.ask("config get meter_id") == ['"M 1"']
        station.ask("config reset meter_id")
        station.ask("config set meter_id " + old)
        assert len(station.ask("config get")) > 60


def stream_gives_records_and_can_be_asked_meanwhile(port):
    with Station.open(port) as station:
        seen, asked = [], False
        for line in station.stream(lambda: seen and seen[-1].endswith("setpoint_w 77")):
            if line is None and not asked:
                asked = station.ask("setpoint 77") == []
            elif line:
                seen.append(line)
        station.ask("setpoint 0")
        until(lambda: not station._read())  # what was on its way
        station.ask("setpoint 1")
        station.ask("status")
        assert station._read() == []  # off again


def trace_is_kept_and_not_consumed(port):
    with Station.open(port) as station:
        station.ask("setpoint 4321")
        first = station.ask("trace", 5)
        second = station.ask("trace", 5)
        assert [line for line in first if line.endswith("setpoint_w 4321")]
        assert second[: len(first)] == first or len(first) > 50
        station.ask("setpoint 0")


def a_person_types(port):
    with Station.open(port) as station:
        station._write(b"setpoint 12x\x7f\x7f34\r")
        assert "setpoint_w=134" in station.ask("status")[0]
        station._write(b"half a li")  # somebody walks away in the middle of a word
        assert station.ask("setpoint 0") == []
        station._write(b"1234*2\r")
        line_of(station, lambda line: line == "2468")
        station._write(b"evse.status()\r")
        line_of(station, lambda line: line.startswith("pilot "))
        station._write(b"evse.trace(5)\r")
        line_of(station, lambda line: "setpoint_w" in line)
        station._write(b"nonsense\r")
        line_of(station, lambda line: line.startswith("NameError"))


def garbage_is_borne(port):
    with Station.open(port) as station:
        for junk in (
            b"\x00\xff\xfe" * 200,
            b"@\r@ \r@!! x\r@toolongtag status\r@ab\r",
            b"x" * 3000 + b"\r",
            b"\x1b[999;999H\x1b",
        ):
            station._write(junk)
            until(lambda: not station._read())
            assert station.ask("status")[0].startswith("charger="), junk


def ctrl_c_gives_the_repl_and_run_starts_again(port):
    with Station.open(port) as station:
        assert station.interrupt()
        assert station.probe() == REPL
        raises(NoAnswer, station.ask, "status")
        assert station.run_from_repl()
        assert "does not run" in str(raises(Refusal, station.ask, "setpoint 5"))
        assert fields(station.ask("info"))["version"]
        assert station.interrupt()
        assert station.run_from_repl("evse.run()")
        assert "setpoint_w=" in station.ask("status")[0]


def line_of(station, done):
    """Wait for a line of the station that is so."""
    seen = []
    until(lambda: [line for line in seen if done(line)], lambda: seen[-20:], lambda: seen.extend(station._read()))


CASES = (
    probe_finds_a_running_station,
    info_and_status,
    setpoint_is_set_and_wrong_ones_are_refused,
    unknown_commands_and_python_are_refused_to_programs,
    configuration,
    stream_gives_records_and_can_be_asked_meanwhile,
    trace_is_kept_and_not_consumed,
    a_person_types,
    garbage_is_borne,
    ctrl_c_gives_the_repl_and_run_starts_again,
)
