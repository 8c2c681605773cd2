"""`microv2g secc --link sim` and a whole simulated car as two programs: UDP cable, SPI model, matching, session, unplug.
Real time; about 6 s each."""

import itertools
import os
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

from host_tools.ev import cable, options
from host_tools.ev.link import LinkError
from host_tools.lab import LAB
from host_tools.pki import issue, profile
from host_tools.recordings import oneline
from host_tools.recordings.report import build_report
from host_tools.root import ROOT
from host_tools.station.process import SeccError, SeccProcess, firmware_command
from tests.lib.mtest import raises
from tests.lib.patience import CAR, LIMIT_S, STATION, until

RUNTIMES = ("cpython",)  # starts processes
WAITS = True


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def drive(port, seen=None, **ev):
    """One car to its end; (car, its records). seen: records of the station, which has to see an
    open plug first."""
    records = []
    if seen is not None:
        until(lambda: [r for r in seen if "pilot" in r and r["pilot"]["state"] == "A"], "the pilot of an open plug")
    return cable.run({**options.DEFAULTS, **CAR, "unplug_after_ms": 200, **ev}, port, records.append), records


def one_session(runtime):
    port, records = free_port(), []
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "t.jsonl")
        config = {"services": ["DC_BPT"], "setpoint_w": -5000, "cable_check_ms": 100, **STATION}
        with SeccProcess(f"sim:{port}", config, runtime, trace, records.append) as secc:
            secc.wait_ready(LIMIT_S)
            car, _ = drive(port, records, loops=8)
            assert car.ok, car.why
            until(lambda: [r for r in records if "change" in r and r["change"]["to"] == "Unplugged"])
            secc.command("status")
            until(lambda: [r for r in records if "status" in r])
        facts = build_report(trace, os.path.join(folder, "s.html"))
    assert not [r for r in records if "error" in r and not r["error"].startswith("LAB")], records
    changes = [(r["change"]["from"], r["change"]["to"]) for r in records if "change" in r]
    way = ("Unplugged", "Keying", "Calling", "Matching", "Linked", "Unplugged")
    assert changes == list(itertools.pairwise(way)), changes
    assert facts["ok"] and facts["pilot"] == "A B C B A" and not facts["contactor_closed"], facts
    assert facts["min_w"] < 0 and 16 < facts["attenuation_db"] < 40 and facts["link_s"] > 0
    status = next(r["status"] for r in records if "status" in r)
    assert (status["charger"], status["plug_ins"], status["faults"]) == ("0", "1", "0"), status


def test_session_on_cpython():
    one_session("cpython")


def test_session_on_unix():
    one_session("unix")


def test_session_on_unix_32():
    """In 200 kB of heap, and 16 kB for the models of chip, pilot and contactor."""
    one_session("unix32")


def test_car_without_iso_15118_charges():
    """slac_init_ms 1500, no retry: 5 %, F for 4 s, nominal duty; the contactor closes on C and
    opens before the unplug."""
    port, records = free_port(), []
    config = {**LAB, "setpoint_w": 11040, "services": ["AC"], "slac_init_ms": 1500, "ef_retries": 0}
    with SeccProcess(f"sim:{port}", config, "unix", None, records.append) as secc:
        secc.wait_ready(LIMIT_S)
        car, _ = drive(port, records, iso15118=False, duration_ms=1500)
        assert car.ok, car.why
        until(lambda: [r for r in records if "change" in r and r["change"]["to"] == "Unplugged"])
    plugged = next(r["t_ms"] for r in records if "change" in r and r["change"]["to"] == "Keying")
    closed = next(r["t_ms"] for r in records if "power" in r and r["power"]["contactor"])
    assert closed > plugged  # within ten seconds: in simulated time, tests/sim/test_plug_in.py
    duties = [r["pilot"]["duty_permille"] for r in records if "pilot" in r]
    assert [duty for i, duty in enumerate(duties) if duty not in duties[max(0, i - 1) : i]] == [
        1000,
        50,
        0,
        1000,
        266,
        1000,
    ]


def test_second_station_on_the_port_is_told():
    port = free_port()
    with SeccProcess(f"sim:{port}", {}, "cpython") as first:
        first.wait_ready(LIMIT_S)
        second = SeccProcess(f"sim:{port}", {}, "cpython")
        second.start()
        error = raises(SeccError, second.wait_ready, LIMIT_S)
        second.stop()
    assert "in use" in str(error), error


def test_car_without_a_station_says_so():
    error = raises(LinkError, drive, free_port())
    assert "microv2g secc --link sim" in str(error)


def test_pilot_by_hand():
    """The operator's `cp`: B, then E is a fault that only A clears."""
    port, records = free_port(), []
    with SeccProcess(f"sim:{port}", {}, "cpython", None, records.append) as secc:
        secc.wait_ready(LIMIT_S)
        for word, state in (("B", "Calling"), ("E", "Replug"), ("A", "Unplugged")):
            secc.command("cp " + word)
            until(lambda state=state: [r for r in records if "change" in r][-1:] and last(records)["to"] == state)
        secc.command("counters")
        until(lambda: [r for r in records if (r.get("note") or "").startswith("counters ")])
        secc.command("cp X")
        until(lambda: [r for r in records if "error" in r and not r["error"].startswith("LAB")])
    assert [r for r in records if "cp A|B" in r.get("error", "")]


def last(records):
    return [r["change"] for r in records if "change" in r][-1]


def test_car_that_is_stopped_ends_in_an_orderly_way():
    port = free_port()
    stop = threading.Event()
    with SeccProcess(f"sim:{port}", {"cable_check_ms": 100, **STATION}, "unix") as secc:
        secc.wait_ready(LIMIT_S)
        loops = []

        def watch(record):
            if record.get("name") == "DC_ChargeLoopRes":
                loops.append(record)
                if len(loops) == 3:
                    stop.set()

        car = cable.run({**options.DEFAULTS, **CAR, "unplug_after_ms": 200}, port, watch, stop.is_set)
    assert car.ok and car.why == "stopped by the driver" and car.evcc.loops > 0, (car.why, car.evcc.loops)


def test_words_of_records():
    said = oneline.event
    assert said({"pilot": {"state": "C", "duty_permille": 50, "high_mv": 5996, "low_mv": -12000}}) == (
        "pilot C, duty 5 %, +6.0 / -12.0 V"
    )
    assert said({"pilot": {"state": "A", "duty_permille": 1000, "high_mv": 12000, "low_mv": None}}) == (
        "pilot A, duty 100 %, +12.0 V"
    )
    assert said({"change": {"from": "Matching", "to": "Linked", "reason": "data link up"}}) == (
        "Matching -> Linked: data link up"
    )
    assert "21.5 dB over 2 groups, 10 sounds" in said(
        {"attenuation": {"mac": "02:01", "sounds": 10, "groups_db": [20, 23]}}
    )


def test_firmware_starts_from_any_folder():
    """By hand, as a person would: the path of MicroPython is its own, and imports may not nest
    deeper than its stack."""
    for image, options_ in (("unix", ()), ("mcu32", ("-X", "heapsize=200k"))):
        command = [ROOT / "build" / image / "micropython", *options_, "-m", "firmware.main", f"sim:{free_port()}"]
        env = {key: value for key, value in os.environ.items() if key != "MICROPYPATH"}
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(command, input=b"quit\n", capture_output=True, timeout=LIMIT_S, cwd=folder, env=env)
        assert done.returncode == 0 and done.stdout.startswith(b"READY link=sim"), (image, done.stdout, done.stderr)


WATCHED = ROOT / "tests" / "lib" / "watched_station.py"


def over_tls(runtime):
    """Status of the station of tests/lib/watched_station.py behind a session over TLS 1.3, strict
    profile: P-521 on both sides."""
    port, records = free_port(), []
    command = [*firmware_command(runtime)[:-2], str(WATCHED)]  # in place of -m firmware.main
    with tempfile.TemporaryDirectory() as folder:
        issue.write_all(Path(folder), issue.make("strict", 2, dict(profile.NAMES)))
        config = {"services": ["DC_BPT"], "cable_check_ms": 100, **STATION, "tls": "strict"}
        config.update(tls_dir=folder + "/device", allow_plain=False)
        with SeccProcess(f"sim:{port}", config, runtime, None, records.append, command=command) as secc:
            secc.wait_ready(LIMIT_S)
            name = profile.NAMES["evccid"]
            car, _ = drive(port, records, loops=5, tls_dir=folder + "/car", evcc_id=name)
            assert car.ok, car.why
            secc.command("status")
            until(lambda: [r for r in records if "status" in r])
    assert not [r for r in records if "error" in r and not r["error"].startswith("LAB")], records
    notes = [r["note"] for r in records if "note" in r]
    assert [note for note in notes if note.startswith("tls 1.3") and name in note], notes
    # The identity of the certificate is that of the session (R-TLS-06).
    assert not [note for note in notes if "not the name" in note], notes
    return next(r["status"] for r in records if "status" in r)


def test_pilot_is_watched_while_a_handshake_runs():
    """R-POWER-11: 100 ms from C to B, of which a contactor takes 50. One message of the handshake
    is the longest that the pilot waits; a frame that comes behind it may bring a second one. On the
    64-bit and the 32-bit image. Counted in steps, and in time of the processor: that other programs
    of this machine run meanwhile says nothing about the station."""
    for runtime in ("unix", "unix32"):
        status = over_tls(runtime)
        figures = {key: int(status[key]) for key in ("steps", "in_a_row", "step_cpu_ms", "pilot_gap_cpu_ms")}
        assert figures["steps"] >= 15 and 1 <= figures["in_a_row"] <= 2, (runtime, figures)
        assert 1 <= figures["step_cpu_ms"] < 100 and 1 <= figures["pilot_gap_cpu_ms"] < 100, (runtime, figures)
        assert int(status["pilot_gap_ms"]) >= 20, (runtime, status)  # what `status` shows is measured at all
