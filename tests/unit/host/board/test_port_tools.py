"""The commands at a serial port over a pty, the unix image being the board: every case of
tests/lib/tool_cases.py, a session that is watched, changed, recorded, opened by tshark and
replayed, and wrong use. MICROV2G_TEST_PORT=/dev/ttyACM0: the cases on a board."""

import json
import os
import pty
import shutil
import subprocess
import tempfile
import threading

from host_tools.board.port import Station
from host_tools.ev import cable, options
from tests.lib.mtest import skip
from tests.lib.patience import CAR, LIMIT_S, STATION, until
from tests.lib.pty_station import PtyStation
from tests.lib.tool_cases import CASES, bad, good, tool

RUNTIMES = ("cpython",)  # starts processes
WAITS = True
SLOW = True
TIMEOUT_S = 240
BOARD = os.environ.get("MICROV2G_TEST_PORT")
CONFIG = {"services": ["DC_BPT"], "setpoint_w": 3000, "cable_check_ms": 100, **STATION}


def test_every_command():
    with PtyStation(CONFIG) as device:
        port = BOARD or device.port
        with Station.open(port) as station:
            station.wait_running()
        for case in CASES:
            try:
                case(port)
            except Exception as error:
                raise AssertionError(f"{case.__name__}: {type(error).__name__}: {error}") from error


def session_state(port):
    return json.loads(good("status", "--json", port=port))["session_state"]


def test_a_session_is_watched_changed_recorded_and_replayed():
    with PtyStation(CONFIG) as device, tempfile.TemporaryDirectory() as folder:
        with Station.open(device.port) as station:
            station.wait_running()
        ended, stop = [], threading.Event()

        def drive():
            ended.append(
                cable.run(
                    {**options.DEFAULTS, **CAR, "unplug_after_ms": 200, "loops": 0},
                    device.udp,
                    lambda r: None,
                    stop.is_set,
                )
            )

        car = threading.Thread(target=drive)
        car.start()
        try:
            until(lambda: session_state(device.port) == "DC_ChargeLoop")
            assert good("setpoint", "-5000", port=device.port).startswith("set-point -5000 W by the operator, ")
            bad(1, "not while the contactor is closed", "config", "set", "setpoint_w", "1", port=device.port)
            seen = []

            def fed_back():
                text = good("monitor", "--seconds", "2", "--json", port=device.port)
                seen.extend([json.loads(line) for line in text.splitlines()])
                return [r for r in seen if "power" in r and r["power"]["power_w"] < -4000]

            until(fed_back, "the car feeds back")
            assert {"DC_ChargeLoopReq", "DC_ChargeLoopRes"} <= {r.get("name") for r in seen}
            until(lambda: len([r for r in seen if r.get("name") == "DC_ChargeLoopReq"]) > 20, "loops", fed_back)
        finally:
            stop.set()
            car.join(LIMIT_S)
        assert ended and ended[0].ok, ended
        path = os.path.join(folder, "s.pcapng")
        facts = json.loads(good("trace", "pull", path, "--json", port=device.port))
        assert facts["messages"] > 60
        assert "\n1 sessions, " in "\n" + good("replay", path) and ", 0 differences" in good("replay", path)
        assert "DC_ChargeLoopRes" in good("trace", "decode", path)
        other = os.path.join(folder, "c.json")
        with open(other, "w") as f:
            json.dump({**CONFIG, "dc_max_charge_w": 40000}, f)
        status, out, _ = tool("replay", path, "--config", other)
        assert status == 1 and "EVSEMaximumChargePower" in out and "recorded 5000, now 4000" in out, out
        opened_by_tshark(path, facts["packets"])


def opened_by_tshark(path, packets):
    if not shutil.which("tshark"):
        skip("tshark is not installed (packages-interop)")
    fields = [
        "-T",
        "fields",
        "-e",
        "frame.comment",
        "-e",
        "tcp.payload",
        "-e",
        "tcp.checksum.status",
        "-e",
        "syslog.msg",
    ]
    fields += ["-e", "tcp.analysis.flags", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
    done = subprocess.run(["tshark", "-r", path, *fields], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == packets
    v2g = [row for row in rows if row[1].startswith("01fe")]
    assert len(v2g) > 60 and all(row[2] == "1" for row in v2g)  # 1: Good
    assert not [row for row in rows if row[4]], "tshark finds fault with the order of the segments"
    assert [row for row in v2g if row[0].startswith("DC_ChargeLoopRes")]
    assert [row for row in rows if "Unplugged -> Keying" in row[3]]


def test_without_a_board():
    bad(1, "no such port", "status", port="/dev/nosuch0")
    master, slave = pty.openpty()
    bad(1, "TX and RX", "setpoint", "5", port=os.ttyname(slave))
    os.close(master)
    os.close(slave)


def test_at_the_repl_and_at_rest():
    with PtyStation(CONFIG) as device:
        with Station.open(device.port) as station:
            station.wait_running()
            assert station.interrupt()
        bad(1, "evse.run()", "status", port=device.port)
        # The configuration can be changed without a station; that is how a first one gets there.
        assert good("config", "get", "setpoint_w", port=device.port) == "3000\n"
        assert "next start" in good("config", "set", "setpoint_w", "1500", port=device.port)
        with Station.open(device.port) as station:
            assert station.interrupt() and station.run_from_repl("evse.run()")
        assert json.loads(good("status", "--json", port=device.port))["setpoint_w"] == 1500


def test_a_configuration_that_does_not_start_is_said_and_repaired():
    with PtyStation({"services": ["TEA"]}) as device:
        bad(1, "evse.run()", "status", port=device.port)
        bad(1, "services", "config", "validate", port=device.port)
        good("config", "reset", "all", port=device.port)
        assert "valid" in good("config", "validate", port=device.port)


def test_files_of_every_kind_and_none():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x")
        bad(2, "No such file", "trace", "decode", path)
        bad(2, "No such file", "replay", path)
        for content in (
            b"",
            b"\0\xff" * 100,
            b"hello\n",
            b"\x0a\x0d\x0d\x0a" + b"\xff" * 60,
            b'{"a": 1}\n',
            b"\x0a\x0d\x0d\x0a",
        ):
            with open(path, "wb") as f:
                f.write(content)
            for words, status in ((("trace", "decode"), 1), (("replay",), 2)):
                got, out, err = tool(*words, path)
                assert got == status and err.startswith("microv2g") and "Traceback" not in err, (content, got, out, err)
        with open(path, "w") as f:
            f.write("N 5 hello\nM 6 rx 8001 0 80zz\nM 7 rx\nE 8 oh\n")
        out = good("trace", "decode", path)
        assert "hello" in out and "unreadable line" in out and "oh" in out
        with open(path, "w") as f:
            f.write('{"setpoint_w": "x"}')
        got, _, err = tool("config", "validate", path)
        assert got == 1 and "setpoint_w" in err
        with open(path, "w") as f:
            f.write('{"setpoint_w": 7}')
        assert "valid" in good("config", "validate", path)


def test_help_has_examples():
    for name in ("repl", "monitor", "config", "setpoint", "status", "log", "trace", "replay"):
        out = good(name, "--help")
        assert "examples:" in out and "xit status" in out, name
