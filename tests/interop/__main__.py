"""python -m tests.interop run [PART ...] [--keep DIR] | list

Runs the PyPI vehicle (iso15118 0.31.2) against the frozen station firmware, each in a network namespace of its own,
over plain TCP. Needs root, `ip` and Java; `make interop` sets the rest up. PART picks the cases whose name contains it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from host_tools.cli import _paths

_paths()

from host_tools.secc_proc import SeccError, SeccProcess
from tests.interop import evcc, netns, refusals, rig
from tests.interop.cases import COMBINATIONS, DISCHARGE_W, FRAMED, LOOPS, SCENARIOS, check, check_trace

# Over sockets of the operating system two of the eight: the session is the same, and the others run over frames.
CASES = [c for c in COMBINATIONS if c.name in ("AC scheduled", "DC_BPT dynamic")] + SCENARIOS + FRAMED
_REFUSALS = "refusals, read by the jar"
_TURN_AT = 8  # the loop request at which the set-point goes negative
_stop = threading.Event()  # set once: the running sessions end, and with them their processes and namespaces


class Turner:
    """Keeps the trace of one session, and changes the set-point of the station while its loop runs."""

    def __init__(self, case):
        self.case = case
        self.secc = None
        self.begin()

    def begin(self):
        """A new session begins."""
        self.loops = 0
        self.records = []

    def record(self, record):
        self.records.append(record)
        if (record.get("name") or "").endswith("ChargeLoopReq"):
            self.loops += 1
            if self.loops == _TURN_AT and self.case.bpt_dynamic:
                # Not in the reader's thread: a full pipe must not stop it.
                threading.Thread(target=self.secc.command, args=("setpoint %d" % DISCHARGE_W,)).start()


def run(case, number, keep):
    """(passed, seconds, text) of one case."""
    begin = time.monotonic()
    if _stop.is_set():
        return False, 0.0, "not run"
    folder = Path(keep or tempfile.mkdtemp(prefix="microv2g-interop-")) / ("%02d" % number)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        text = _sessions(case, number, folder)
    except (AssertionError, KeyError, SeccError, evcc.EvccError, netns.NetnsError, rig.RigError) as error:
        text = "%s: %s; logs: %s" % (type(error).__name__, error, folder)
        good = False
    else:
        good = True
    if not keep and (good or _stop.is_set()):
        shutil.rmtree(folder.parent)
    return good, time.monotonic() - begin, text


def _sessions(case, number, folder):
    turner = Turner(case)
    if case.link != "os":
        with rig.Rig(number, case.link, case.config, folder, case.runtime, turner.record) as framed:
            turner.secc = framed.secc
            for session in range(case.sessions):
                turner.begin()
                framed.plug_in()
                text = _vehicle(case, session, folder, framed.plant.evcc, turner)
                framed.unplug()
            assert not framed.plug.errors, "the station reports: " + framed.plug.errors[0]
        return text
    with netns.Cable(number) as cable:
        secc = turner.secc = SeccProcess(
            cable.secc[1],
            case.config,
            runtime=case.runtime,
            on_record=turner.record,
            trace=str(folder / "secc.jsonl"),
            prefix=cable.prefix(cable.secc[0]),
        )
        with secc:
            secc.wait_ready(10)
            for session in range(case.sessions):
                turner.begin()
                text = _vehicle(case, session, folder, cable.evcc, turner)
    return text


def _vehicle(case, session, folder, place, turner):
    """One session of the PyPI vehicle at `place` (namespace, interface); what was seen, as text."""
    turner.secc.command("setpoint %d" % case.config["setpoint_w"])
    inner = folder / ("session%d" % session)
    inner.mkdir(exist_ok=True)
    values = evcc.config(case.ev, [case.protocol], LOOPS)
    status, messages = evcc.run(values, *place, inner, stop=_stop)
    if status != 0:
        ended = "did not end" if status is None else "exited with %d" % status
        raise AssertionError("the vehicle %s: %s" % (ended, evcc.reason(inner / "evcc.log")))
    assert messages, "the vehicle exchanged no message"
    text = check(case, messages)
    check_trace(messages, list(turner.records))
    return text


def read_by_the_jar():
    """(passed, seconds, text): the refusals of the station through the package's codec."""
    begin = time.monotonic()
    try:
        text = refusals.check()
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        return False, time.monotonic() - begin, "%s: %s" % (type(error).__name__, error)
    return True, time.monotonic() - begin, text


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

    cases = [c for c in CASES if wanted(c.name)]
    if args.command == "list":
        print("\n".join([c.name for c in cases] + [_REFUSALS] * wanted(_REFUSALS)))
        return 0
    try:
        netns.check()
        if not shutil.which("java"):
            raise netns.NetnsError("Java is missing: apt-get install default-jre-headless")
        if not evcc.PYTHON.exists():
            raise netns.NetnsError("build/venv-evcc is missing: run `make interop`, which makes it")
    except netns.NetnsError as error:
        print("interop: %s" % error, file=sys.stderr)
        return 2
    netns.end_on_signals()
    passed = failed = 0
    pool = ThreadPoolExecutor(args.jobs)
    try:
        results = [(case.name, pool.submit(run, case, i, args.keep)) for i, case in enumerate(cases)]
        if wanted(_REFUSALS):
            results.append((_REFUSALS, pool.submit(read_by_the_jar)))
        for name, result in results:
            good, seconds, text = result.result()
            print("%-32s %-6s %5.1f s  %s" % (name, "ok" if good else "FAILED", seconds, text), flush=True)
            passed += good
            failed += not good
    except KeyboardInterrupt as error:
        print("interop: stopped (%s); sessions and namespaces are taken down" % error, file=sys.stderr, flush=True)
        return 130
    finally:
        _stop.set()
        pool.shutdown(cancel_futures=True)
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
