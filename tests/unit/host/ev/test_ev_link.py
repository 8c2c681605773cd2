"""The simulated car over sockets: discovery, whole sessions against the station process, `microv2g
ev` and `demo`."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from host_tools.ev import link
from host_tools.ev.options import DEFAULTS
from host_tools.root import ROOT
from host_tools.station.process import SeccProcess, firmware_command
from tests.lib.mtest import eq, skip
from tests.lib.patience import CAR, LIMIT_S, STATION

RUNTIMES = ("cpython",)  # starts processes
WAITS = True
PORT = 20000 + (os.getpid() + 7919) % 20000  # several runs at a time on one machine
STATION = {"sdp_port": PORT, "setpoint_w": 5000, **STATION}
RUNTIME = "unix"
SLOW = True


_folder = tempfile.TemporaryDirectory()
PATIENT = Path(_folder.name) / "patient.json"
PATIENT.write_text(json.dumps(CAR))


def ev(*arguments):
    config = [] if "--config" in arguments else ["--config", str(PATIENT)]
    return [sys.executable, "-m", "host_tools", "ev", "--iface", "lo", "--sdp-port", str(PORT), *config, *arguments]


def run(*arguments):
    done = subprocess.run(ev(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def station():
    with SeccProcess("lo", STATION, RUNTIME) as secc:
        secc.wait_ready(LIMIT_S)
        yield secc


def wait_for(car, text):
    """Read the car's output up to a line with this text."""
    for line in car.stdout:
        if text in line:
            return
    raise AssertionError(f"the car ended without {text!r}")


def responder(*answers):
    """Answers discovery with each of these in turn; returns the socket and what was asked."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::1", PORT))
    asked = []

    def serve():
        for answer in answers:
            data, sender = sock.recvfrom(100)
            asked.append(data.hex())
            sock.sendto(answer, sender)

    threading.Thread(target=serve, daemon=True).start()
    return sock, asked


def answer(security=0x10, transport=0x00, port=50000):
    head = bytes.fromhex("01fe900100000014")
    return head + socket.inet_pton(socket.AF_INET6, "fe80::1") + port.to_bytes(2, "big") + bytes([security, transport])


def refused(call, *arguments):
    try:
        call(*arguments)
    except link.LinkError as error:
        return str(error)
    raise AssertionError("no LinkError")


def test_a_pause_needs_a_whole_car_and_a_certificate():
    code, _, said = run("--pause-loops", "3")
    assert code == 2 and "--pause-loops goes with --link sim and --tls" in said, said


def test_discovery():
    """Garbage, short answers and other transports are passed over; the right answer is taken."""
    good = answer()
    sock, asked = responder(b"x", good[:-1], answer(transport=0x10), good)
    with sock:
        eq(link.discover("lo", print, lambda: False, PORT), ("fe80::1", 50000))
    eq(asked, ["01fe9000000000021000"] * 4)


def test_discovery_of_a_station_with_tls():
    sock, _ = responder(answer(security=0x00))
    with sock:
        assert "wants TLS" in refused(link.discover, "lo", print, lambda: False, PORT)


def test_no_such_interface():
    assert "no interface nope0" in refused(link.discover, "nope0", print, lambda: False)


def test_nobody_listens_on_the_port_that_was_announced():
    gone = socket.socket(socket.AF_INET6)
    gone.bind(("::1", 0))
    head = answer(port=gone.getsockname()[1])
    sock, _ = responder(head[:8] + socket.inet_pton(socket.AF_INET6, "::1") + head[24:])
    with sock, gone:
        assert "cannot connect" in refused(link.run, DEFAULTS, "lo", print, lambda: False, PORT)


def test_session_with_json_and_trace():
    with tempfile.TemporaryDirectory() as folder, station():
        trace = Path(folder) / "car.jsonl"
        arguments = ("--service", "DC_BPT", "--loops", "4", "--json", "--trace", str(trace))
        status, out, err = run(*arguments)
        eq((status, err), (0, ""))
        *shown, last = [json.loads(line) for line in out.splitlines()]
        written = [json.loads(line) for line in trace.read_text().splitlines()]
    eq(shown, written)
    messages = [r for r in written if "dir" in r]
    eq(messages[-1]["json"]["SessionStopRes"]["ResponseCode"], "OK")
    eq([m["name"] for m in messages].count("DC_ChargeLoopReq"), 4)
    asked, answered = messages[::2], messages[1::2]
    eq([m["name"][:-1] for m in asked], [m["name"][:-1] for m in answered])
    result = last["result"]
    assert result["ok"] and result["loops"] == 4 and result["in_wh"] > 0 and result["why"] == "done", result


def test_output_for_people():
    with station():
        status, out, _ = run("--service", "AC", "--control", "scheduled", "--loops", "2")
        eq(status, 0)
        assert "-> AC_ChargeLoopReq " in out and "<- SessionStopRes " in out
        assert out.splitlines()[-1].startswith("ok: done; 2 loops"), out
        status, out, _ = run("--service", "AC_BPT", "--loops", "2", "--quiet")
        eq((status, len(out.splitlines())), (0, 1))


def test_fault_gives_reason_and_status():
    with station():
        status, out, _ = run("--fault", "wrong_session", "--quiet")
    eq(status, 1)
    assert "FAILED: DC_ChargeLoopRes: FAILED_UnknownSession" in out, out


def test_wrong_arguments():
    for arguments, why in (
        (("--soc", "101"), '"soc": 101 is not in 0..100'),
        (("--config", "/nowhere.json"), "No such file"),
        (("--trace", "/nowhere/t.jsonl"), "No such file"),
    ):
        status, _, err = run(*arguments)
        eq(status, 2)
        assert why in err, err


def started():
    """A car that ends by itself after 20 s of charging, should the test fail."""
    command = ev("--duration-s", "20")
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_interrupt_ends_the_session_in_order():
    with station():
        for sign in (signal.SIGINT, signal.SIGTERM):
            car = started()
            wait_for(car, "<- DC_ChargeLoopRes")
            car.send_signal(sign)
            out, _ = car.communicate(timeout=LIMIT_S)
            eq(car.returncode, 0)
            assert "<- SessionStopRes" in out and "ok: stopped by the driver" in out, out


def test_interrupt_while_nobody_answers():
    car = started()
    wait_for(car, "no answer to discovery yet")
    car.send_signal(signal.SIGINT)
    car.communicate(timeout=LIMIT_S)
    eq(car.returncode, 130)  # and not that of a car that has asked in vain to the end


def test_station_that_goes_away():
    with station():
        car = started()
        wait_for(car, "<- DC_ChargeLoopRes")
    out, _ = car.communicate(timeout=LIMIT_S)
    eq(car.returncode, 1)
    assert "FAILED: connection lost in ChargeLoop" in out, out


def test_demo():
    assert Path(firmware_command(RUNTIME)[0]).exists()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "host_tools", "demo", "--plain", "--seconds", "4", "--out", folder + "/out"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
        eq((done.returncode, done.stderr), (0, ""))
        records = [json.loads(line) for line in (Path(folder) / "out" / "trace.jsonl").read_text().splitlines()]
        page = (Path(folder) / "out" / "session.html").read_text()
    assert page.count("<svg") == 2 and "From plug-in to unplug" in page and "Attenuation of the powerline" in page
    changes = [r["change"]["to"] for r in records if "change" in r]
    eq(changes, ["Keying", "Calling", "Matching", "Linked", "Unplugged"])
    eq([r["attenuation"]["sounds"] for r in records if "attenuation" in r], [10])
    watts = [r["power"]["power_w"] for r in records if "power" in r]
    assert max(watts) > 15000 and min(watts) < -10000, (min(watts), max(watts))
    assert "battery of 0.4 kWh" in done.stdout and "SessionStopRes OK" in done.stdout
    assert "--> DC_ChargeLoopReq" in done.stdout and "<-- DC_ChargeLoopRes" in done.stdout


def test_demo_without_loopback():
    """Bare `unshare`: a network namespace in which lo is down."""
    command = ["unshare", "-rn", sys.executable, "-m", "host_tools", "demo", "--plain"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    if "unshare" in done.stderr:
        skip("no network namespaces here")
    eq(done.returncode, 2)
    assert "ip link set lo up" in done.stderr, done.stderr
