"""Every command of `microv2g` at a serial port, as functions of a port: over a pty
(tests/unit/host/board/test_port_tools.py), and over the UART of an emulated or a real board. They
need a station that runs without a car, and leave one behind."""

import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import termios

from host_tools.root import ROOT
from tests.lib.patience import LIMIT_S, until


def tool(*words, text=None, port=None):
    """(status, stdout, stderr) of one command."""
    words = [*words, *(["--port", port] if port else [])]
    done = subprocess.run(
        [sys.executable, "-m", "host_tools", *words], cwd=ROOT, input=text if text is not None else "", text=True,
        capture_output=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def good(*words, **options):
    status, out, err = tool(*words, **options)
    assert status == 0 and not err.strip().startswith("microv2g"), (words, status, out, err)
    return out


def bad(status, why, *words, **options):
    """The command fails with this status and one line that has `why` in it."""
    got, out, err = tool(*words, **options)
    assert got == status and why in err and "Traceback" not in err and out == "", (words, got, out, err)


def status(port):
    out = good("status", port=port)
    assert "set-point" in out and "faults" in out and "microv2g" in out
    found = json.loads(good("status", "--json", port=port))
    assert found["station"] == "Unplugged" and found["pilot"] == "A" and found["session"] is False, found


def setpoint(port):
    assert "set-point -1234 W" in good("setpoint", "-1234", port=port)
    assert json.loads(good("status", "--json", port=port))["setpoint_w"] == -1234
    answer = json.loads(good("setpoint", "0", "--json", port=port))
    assert (
        answer["setpoint_w"] == 0
        and answer["session"] is False
        and answer["setpoint"].startswith("0 W by the operator")
    )
    bad(1, "whole number of W", "setpoint", "99999999", port=port)
    assert tool("setpoint", "five", port=port)[0] == 2


def config(port):
    old = good("config", "get", "meter_id", "--json", port=port).strip()
    assert "next start" in good("config", "set", "meter_id", '"M 2"', port=port)
    assert good("config", "get", "meter_id", port=port) == "M 2\n"
    assert json.loads(good("config", "get", "--json", port=port))["meter_id"] == "M 2"
    assert "valid" in good("config", "validate", port=port)
    bad(1, "unknown key", "config", "set", "nosuch", "1", port=port)
    bad(1, "dc_max_charge_w", "config", "set", "dc_min_charge_w", "900000", port=port)
    bad(1, "ends too early", "config", "set", "services", '["DC"', port=port)
    bad(1, "unknown key", "config", "get", "nosuch", port=port)
    assert good("config", "get", "meter_id", port=port) == "M 2\n"
    good("config", "reset", "meter_id", port=port)
    good("config", "set", "meter_id", old, port=port)
    assert tool("config", port=port)[0] == 2


def log(port):
    good("setpoint", "4242", port=port)
    out = good("log", "--no-follow", port=port)
    assert "setpoint_w 4242" in out
    lines = [json.loads(line) for line in good("log", "--no-follow", "--json", port=port).splitlines()]
    assert lines[-1]["note"] == "setpoint_w 4242"
    assert "setpoint_w 4242" not in good("log", "--no-follow", "--errors", port=port)
    assert tool("log", "--since", "soon", port=port)[0] == 2
    good("setpoint", "0", port=port)


def trace(port):
    good("setpoint", "777", port=port)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "t.pcapng")
        facts = json.loads(good("trace", "pull", path, "--json", port=port))
        assert facts["records"] > 0 and facts["file"] == path, facts
        assert "setpoint_w 777" in good("trace", "decode", path)
        records = [json.loads(line) for line in good("trace", "decode", path, "--json").splitlines()]
        assert len(records) == facts["records"]
        assert "setpoint_w 777" in good("trace", "pull", "-", port=port)
        status, out, err = tool("trace", "pull", os.path.join(folder, "no/such/t.pcapng"), port=port)
        assert status == 2 and "No such file" in err, (status, out, err)
    bad(1, "no failure was saved", "trace", "pull", "--fault", "-", port=port)
    good("setpoint", "0", port=port)


def monitor(port):
    out = good("monitor", "--seconds", "1", port=port)
    assert out.startswith("now ") and "station=Unplugged" in out, out
    lines = good("monitor", "--seconds", "1", "--json", port=port).splitlines()
    assert json.loads(lines[0])["status"]["pilot"] == "A"


def monitor_of_a_terminal(port):
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "host_tools", "monitor", "--seconds", "2", "--port", port], cwd=ROOT, stdin=slave,
        stdout=slave, stderr=slave, env=dict(os.environ, TERM="xterm-256color", COLUMNS="100", LINES="40"),
    )  # fmt: skip
    os.close(slave)
    seen = []

    def over():
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen.append(os.read(master, 4096).decode("utf-8", "replace"))
            except OSError:
                return True  # its end is closed
        elif process.poll() is not None:
            return True
        return False

    until(over, lambda: seen)
    seen = "".join(seen)
    os.close(master)
    assert process.wait(LIMIT_S) == 0
    for word in ("pilot", "Unplugged", "contactor", "set-point", "faults", "none", "Ctrl-C ends", "\x1b["):
        assert word in seen, (word, seen)


def repl_of_a_pipe(port):
    out = good("repl", port=port, text="status\n6*7\nnonsense\n")
    assert "pilot " in out and "42" in out.split() and "NameError" in out, out


def repl_of_a_terminal(port):
    """Typed keys go through; Ctrl-C stops the station; Ctrl-] leaves; it runs again behind that."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "host_tools", "repl", "--port", port], cwd=ROOT, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    try:
        if "evse.run() starts it again" not in _until(master, "Ctrl-] leaves"):
            _until(master, "evse.run() starts it again")  # cut in two by a busy machine
        until(lambda: not termios.tcgetattr(master)[3] & termios.ICANON, "raw keys")
        os.write(master, b"6*7\r")
        _until(master, "42")
        os.write(master, b"\x03")
        _until(master, ">>> ")
        os.write(master, b"evse.setpoint(5)\r")
        _until(master, "does not run")
        os.write(master, b"evse.run()\r")
        _until(master, "the station runs")
        os.write(master, b"\x1d")
        assert process.wait(LIMIT_S) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
    assert json.loads(good("status", "--json", port=port))["station"] == "Unplugged"


def _until(fd, text):
    """Read a terminal up to a text; all that was read."""
    seen = [""]

    def read():
        if select.select([fd], [], [], 0.1)[0]:
            seen[0] += os.read(fd, 4096).decode("utf-8", "replace")

    until(lambda: text in seen[0], lambda: seen[0], read)
    return seen[0]


CASES = (status, setpoint, config, log, trace, monitor, monitor_of_a_terminal, repl_of_a_pipe, repl_of_a_terminal)
