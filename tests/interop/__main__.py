"""python -m tests.interop run [PART ...] [--keep DIR] | list

Runs what nobody here wrote against the frozen station firmware, in network namespaces: the PyPI
vehicle (iso15118 0.31.2) over sockets, over the modem model and over raw frames, with TLS 1.3 on
both ways; OpenSSL with bad certificates; tshark with a key log; `pev` of open-plc-utils for
matching; the kernel's TCP against ours. Needs root, `ip`, `pev`, `openssl`, `tshark` and Java;
`make interop` sets the rest up. PART picks the cases whose name contains it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from host_tools.root import import_paths

import_paths()

from host_tools.station.process import SeccError, SeccProcess
from tests.interop import bad_cars, bad_line, bulk, evcc, matching, netns, refusals, rig, tls, wireshark
from tests.interop.cases import COMBINATIONS, DISCHARGE_W, FRAMED, LOOPS, SCENARIOS, check, check_trace

# Over sockets of the operating system two of the eight, and one with TLS: the session is the same,
# and the others run over frames.
SESSIONS = [c for c in COMBINATIONS if c.name in ("AC scheduled", "DC_BPT dynamic")] + SCENARIOS + FRAMED
_QUIET = 4  # cases side by side that wait most of their time, beside those with a Java machine
_TURN_AT = 8  # the loop request at which the set-point goes negative
_FAILURES = (
    AssertionError, KeyError, OSError, subprocess.SubprocessError, SeccError, evcc.EvccError, netns.NetnsError, rig.RigError,
)  # fmt: skip
_stop = threading.Event()  # set once: the running sessions end, and with them their processes and namespaces


class Turner:
    """Keeps the trace of one session, and changes the set-point of the station while its loop
    runs."""

    def __init__(self, case):
        self.case = case
        self.secc = None
        self.begin()

    def begin(self):
        """A new session begins."""
        self.loops = 0
        self.stopped = False
        self.records = []

    def record(self, record):
        self.records.append(record)
        if self.case.stop_at and record.get("name") == self.case.stop_at and not self.stopped:
            self.stopped = True
            threading.Thread(target=self.secc.command, args=("stop",)).start()
        if (record.get("name") or "").endswith("ChargeLoopReq"):
            self.loops += 1
            if self.loops == _TURN_AT and self.case.bpt_dynamic:
                # Not in the reader's thread: a full pipe must not stop it.
                threading.Thread(target=self.secc.command, args=("setpoint %d for 600" % DISCHARGE_W,)).start()


def jobs():
    """[(name, waits most of the time, call(number, folder) -> text)]"""
    found = [(c.name, False, partial(_sessions, c)) for c in SESSIONS]
    found.append(("pev, then the vehicle", False, partial(matching.session, stop=_stop)))
    found.append(("openssl: bad certificates", False, partial(bad_cars.refused, stop=_stop)))
    found.append(("tshark reads a session", False, partial(wireshark.session, stop=_stop)))
    found.append(("refusals, read by the jar", False, lambda number, folder: refusals.check()))
    found.append(("1 MB each way at 20 % loss", True, partial(bulk.transfer, stop=_stop)))
    found.append(("pev: %d matches in a row" % matching.MATCHES, True, partial(matching.matches, stop=_stop)))
    for lane in range(bad_line.LANES):
        name = "bad line: %d sessions (%d)" % (bad_line.share(lane), lane + 1)
        found.append((name, True, partial(bad_line.lane, stop=_stop, which=lane)))
    return found


def run(call, number, keep):
    """(passed, seconds, text) of one case."""
    begin = time.monotonic()
    if _stop.is_set():
        return False, 0.0, "not run"
    folder = Path(keep or tempfile.mkdtemp(prefix="microv2g-interop-")) / ("%02d" % number)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        text = call(number, folder)
    except _FAILURES as error:
        text = "%s: %s; logs: %s" % (type(error).__name__, error, folder)
        good = False
    else:
        good = True
    if not keep and (good or _stop.is_set()):
        shutil.rmtree(folder.parent)
    return good, time.monotonic() - begin, text


def _sessions(case, number, folder):
    turner = Turner(case)
    pki = tls.Pki(case.tls, folder, number) if case.tls else None
    config = dict(case.config, **pki.station) if pki else case.config
    if case.link != "os":
        with rig.Rig(number, case.link, config, folder, case.runtime, turner.record) as framed:
            turner.secc = framed.secc
            for session in range(case.sessions):
                turner.begin()
                framed.plug_in()
                text = _vehicle(case, session, folder, framed.plant.evcc, turner, pki)
                framed.unplug()
            assert not framed.plug.errors, "the station reports: " + framed.plug.errors[0]
        return text
    with netns.Cable(number) as cable:
        secc = turner.secc = SeccProcess(
            cable.secc[1],
            config,
            runtime=case.runtime,
            on_record=turner.record,
            trace=str(folder / "secc.jsonl"),
            prefix=cable.prefix(cable.secc[0]),
        )
        with secc:
            secc.wait_ready(60)
            for session in range(case.sessions):
                turner.begin()
                text = _vehicle(case, session, folder, cable.evcc, turner, pki)
    return text


def _vehicle(case, session, folder, place, turner, pki=None):
    """One session of the PyPI vehicle at `place` (namespace, interface), over TLS with `pki`; what
    was seen, as text."""
    turner.secc.command("setpoint %d for 600" % case.config["setpoint_w"])
    inner = folder / ("session%d" % session)
    inner.mkdir(exist_ok=True)
    values = evcc.config(case.ev, [case.protocol], LOOPS, secure=bool(pki))
    status, messages = evcc.run(values, *place, inner, stop=_stop, pki=pki)
    if status != 0:
        ended = "did not end" if status is None else "exited with %d" % status
        raise AssertionError("the vehicle %s: %s" % (ended, evcc.reason(inner / "evcc.log")))
    assert messages, "the vehicle exchanged no message"
    text = check(case, messages)
    records = list(turner.records)
    check_trace(messages, records)
    if pki:
        text += ", suite %s, %s" % (tls.check_handshake(pki.vehicle, records), pki.vehicle)
    return text


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tests.interop", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("run", "list"))
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--keep", metavar="DIR", help="keep logs and traces below DIR")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="sessions side by side")
    args = parser.parse_args()

    def wanted(name):
        return not args.parts or any(part.lower() in name.lower() for part in args.parts)

    cases = [job for job in jobs() if wanted(job[0])]
    if args.command == "list":
        print("\n".join(name for name, _, _ in cases))
        return 0
    try:
        netns.check()
        if not shutil.which("java"):
            raise netns.NetnsError("Java is missing: apt-get install default-jre-headless")
        if not shutil.which("pev"):
            raise netns.NetnsError("`pev` is missing: apt-get install plc-utils-extra")
        for program in ("openssl", "tshark"):
            if not shutil.which(program):
                raise netns.NetnsError("`%s` is missing: apt-get install %s" % (program, program))
        if not evcc.PYTHON.exists():
            raise netns.NetnsError("build/venv-evcc is missing: run `make interop`, which makes it")
    except netns.NetnsError as error:
        print("interop: %s" % error, file=sys.stderr)
        return 2
    netns.end_on_signals()
    passed = failed = 0
    busy, quiet = ThreadPoolExecutor(args.jobs), ThreadPoolExecutor(_QUIET)
    try:
        results = {}
        for number, (name, waits, call) in enumerate(cases):
            results[(quiet if waits else busy).submit(run, call, number, args.keep)] = name
        for result in as_completed(results):
            name = results[result]
            good, seconds, text = result.result()
            print("%-32s %-6s %5.1f s  %s" % (name, "ok" if good else "FAILED", seconds, text), flush=True)
            passed += good
            failed += not good
    except KeyboardInterrupt as error:
        print("interop: stopped (%s); sessions and namespaces are taken down" % error, file=sys.stderr, flush=True)
        return 130
    finally:
        _stop.set()
        busy.shutdown(cancel_futures=True)
        quiet.shutdown(cancel_futures=True)
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
