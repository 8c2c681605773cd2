"""host_tools/station/process.py, recordings/oneline.py, commands/secc.py: the station as a process.
Host only (CPython)."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

from firmware.app import config
from host_tools.recordings.oneline import summary
from host_tools.root import ROOT
from host_tools.station import images
from host_tools.station.process import Decoder, SeccError, SeccProcess
from tests.lib.mtest import raises
from tests.lib.patience import LIMIT_S, until

RUNTIMES = ("cpython",)  # starts processes
WAITS = True
SDP_PORT = 20000 + os.getpid() % 20000  # several runs at a time on one machine
STATION = [sys.executable, str(ROOT / "tests" / "lib" / "fake_station.py")]


def station(records=None, trace=None, iface="lo", **changes):
    changes["sdp_port"] = SDP_PORT
    on_record = None if records is None else records.append
    return SeccProcess(iface, changes, trace=trace, on_record=on_record, command=STATION)


def test_start_serve_command_stop():
    records = []
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "t.jsonl")
        with station(records, trace, setpoint_w=1234) as secc:
            port, address = secc.wait_ready(LIMIT_S)
            assert address == "::1" and port >= 49152
            with socket.create_connection((address, port), LIMIT_S) as car:
                car.sendall(b"hello")
                assert car.recv(100) == b"hello"
            secc.command("status")
            until(lambda: [r for r in records if "status" in r])
            assert secc.running
        assert not secc.running and secc.wait(0) == 0
        assert next(r for r in records if "status" in r)["status"]["setpoint_w"] == "1234"
        with open(trace) as f:
            assert [r for r in map(json.loads, f) if "config" not in r] == records


def test_a_station_that_cannot_start_says_why():
    secc = station(iface="nosuch0")
    secc.start()
    try:
        secc.wait_ready(LIMIT_S)
    except SeccError as e:
        assert "nosuch0" in str(e)
    else:
        raise AssertionError("ready")
    assert secc.stop() == 2


def test_a_station_that_dies_says_why():
    records = []
    with station(records, meter_id="die") as secc:
        secc.wait_ready(LIMIT_S)
        assert secc.wait(LIMIT_S) == 1
    assert [r for r in records if "test seam" in r.get("error", "")]


def test_a_station_that_does_not_listen_is_ended_all_the_same():
    with station(meter_id="deaf") as secc:
        secc.wait_ready(LIMIT_S)
        assert secc.stop() == -signal.SIGTERM  # by itself it would end with 0


def test_bad_configuration_is_found_before_the_start():
    try:
        station(ac_phases=2).start()
    except config.ConfigError as e:
        assert "ac_phases" in str(e)
        return
    raise AssertionError("accepted")


def test_a_missing_firmware_names_the_remedy():
    saved = images.FOLDERS
    images.FOLDERS = {"unix": "nosuch"}
    try:
        SeccProcess("lo", runtime="unix").start()
    except SeccError as e:
        assert "make firmware-unix" in str(e) and "build/nosuch" in str(e)
        return
    finally:
        images.FOLDERS = saved
    raise AssertionError("started")


def test_tls_on_cpython_is_refused_in_one_line():
    error = raises(SeccError, SeccProcess("lo", {"tls": "strict", "allow_plain": False}, "cpython").start)
    assert "--runtime unix" in str(error) and "\n" not in str(error), error


def test_the_station_ends_with_the_program_that_started_it():
    code = (
        "import sys; sys.path[:0] = %r\n"
        "from tests.unit.host.station.test_run_secc_proc import station\n"
        "import os\n"
        "s = station(); s.start(); s.wait_ready(100); print(s._process.pid, flush=True); os._exit(9)\n" % sys.path
    )
    pid = int(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False, cwd=ROOT).stdout)
    until(lambda: not os.path.exists(f"/proc/{pid}") or open(f"/proc/{pid}/stat").read().split()[2] == "Z")


def test_a_callback_that_raises_does_not_stop_the_trace():
    def bad(record):
        raise ValueError("test seam")

    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "t.jsonl")
        secc = SeccProcess("lo", {"sdp_port": SDP_PORT}, trace=trace, on_record=bad, command=STATION)
        stderr, sys.stderr = sys.stderr, open(os.devnull, "w")
        try:
            secc.start()
            secc.wait_ready(LIMIT_S)
            secc.command("status")
            secc.stop()
        finally:
            sys.stderr.close()
            sys.stderr = stderr
        with open(trace) as f:
            assert "status" in f.read()


def test_records_of_lines():
    d = Decoder()
    assert d.record("N 5 hello world") == {"t_ms": 5, "note": "hello world"}
    assert d.record("E 6 oh") == {"t_ms": 6, "error": "oh"}
    assert d.record("P 7 -5000 -4990 400000 -12475 1 2 3") == {
        "t_ms": 7,
        "power": {
            "setpoint_w": -5000,
            "power_w": -4990,
            "voltage_mv": 400000,
            "current_ma": -12475,
            "contactor": 1,
            "energy_charged_wh": 2,
            "energy_discharged_wh": 3,
        },
    }
    assert d.record("S 8 a=1 b=x") == {"t_ms": 8, "status": {"a": "1", "b": "x"}}
    assert "12 records lost" in d.record("D 9 12")["error"]
    assert d.record("Traceback (most recent call last):")["error"].startswith("Traceback")
    assert d.record("M x y")["error"] == "M x y"


def test_times_are_unwrapped():
    d = Decoder()
    period = 1 << 30
    times = [d.record(f"N {t} x")["t_ms"] for t in (10, period - 5, period - 7, 3, 8, period - 1, 0)]
    assert times == [10, period - 5, period - 7, period + 3, period + 8, 2 * period - 1, 2 * period]


def test_summary_shows_what_matters():
    assert summary(None) == ""
    assert summary({"SessionStopReq": {"Header": {"SessionID": "00"}, "ChargingSession": "Terminate"}}) == "Terminate"
    text = summary(
        {
            "DC_ChargeLoopRes": {
                "Header": {"SessionID": "00", "TimeStamp": 1},
                "ResponseCode": "OK",
                "EVSEPresentCurrent": {"Exponent": -1, "Value": -125},
                "EVSEPresentVoltage": {"Exponent": 0, "Value": 400},
                "BPT_Dynamic_DC_CLResControlMode": {"EVSEMaximumChargePower": {"Exponent": 3, "Value": -5}},
            }
        }
    )
    assert text == "BPT_Dynamic  OK  A=-12.5  V=400  max W=-5000"
    text = summary({"ServiceDiscoveryRes": {"S": {"Service": [{"ServiceID": 2}, {"ServiceID": 6}]}}})
    assert text == "service=2  service=6"
