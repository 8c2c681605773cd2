"""Response latency on the wire, under the same vehicle: our station beside the PyPI package's own.

The PyPI vehicle runs a DC_BPT session in Scheduled control (what the PyPI station offers first)
against each. The time from the packet of a request to the packet of its answer is taken by the
kernel at the station's end of the cable.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from host_tools.station.process import SeccProcess
from tests.interop import evcc, netns
from tests.interop.cases import COMBINATIONS

_CASE = next(c for c in COMBINATIONS if c.service == "DC_BPT" and c.control == "scheduled")
_SNIFF = Path(__file__).with_name("sniff.py")


def _stop(process):
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _ours(cable, folder, runtime):
    prefix = cable.prefix(cable.secc[0])
    with SeccProcess(cable.secc[1], _CASE.config, runtime=runtime, prefix=prefix) as secc:
        secc.wait_ready(10)
        yield


@contextmanager
def _pypi(cable, folder, runtime):
    env = evcc.environment(cable.secc[1], folder)
    env.update(PROTOCOLS="ISO_15118_20_DC", AUTH_MODES="EIM", SECC_ENFORCE_TLS="False")
    log = folder / "pypi-secc.log"
    with open(log, "wb") as out:
        command = [*cable.prefix(cable.secc[0]), str(evcc.PYTHON), "-m", "iso15118.secc.main"]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder, env=env)
        try:
            for _ in range(100):
                if b"UDP server started" in log.read_bytes() or process.poll() is not None:
                    break
                time.sleep(0.1)
            time.sleep(0.5)
            yield
        finally:
            _stop(process)


def _measure(number, station, loops, runtime="unix"):
    """{message name: [milliseconds]} of one session."""
    folder = Path(tempfile.mkdtemp(prefix="microv2g-latency-"))
    out = folder / "packets"
    with netns.Cable(number) as cable:
        sniffer = subprocess.Popen(
            [*cable.prefix(cable.secc[0]), sys.executable, str(_SNIFF), cable.secc[1], str(out)], stdout=subprocess.PIPE
        )
        try:
            sniffer.stdout.readline()
            with station(cable, folder, runtime):
                status, messages = evcc.run(evcc.config(["DC_BPT"], ["ISO_15118_20_DC"], loops), *cable.evcc, folder)
        finally:
            _stop(sniffer)
    if status != 0 or not messages or messages[-1][1] != "SessionStopRes":
        raise evcc.EvccError("the session for the measurement did not end well; logs: %s" % folder)
    return _pairs(out.read_text())


def _pairs(text):
    from codec import exi, exi_json

    found, asked = {}, None
    for line in text.splitlines():
        nanos, _, _, payload = line.split(" ")
        data = bytes.fromhex(payload)
        if data[:2] != b"\x01\xfe":
            continue
        schema = exi.schema_of(data[2] << 8 | data[3])
        msg_id, value = exi.decode(schema, data, 8, len(data) - 8)
        name = exi_json.name_of(msg_id)
        if name.endswith("Req"):
            row = name.removesuffix("Req")
            if row == "PowerDelivery":
                # Stop waits for the hardware. Together with the others, of which the vehicle sends
                # a random number, it would make a median of nothing.
                row += " " + exi_json.to_json_obj(msg_id, value)[name]["ChargeProgress"]
            asked = (row, int(nanos))
        elif asked:
            found.setdefault(asked[0], []).append((int(nanos) - asked[1]) / 1e6)
            asked = None
    return found


def table(loops=40, report=print):
    """Rows (message, count, ours median, ours max, 32-bit median, PyPI median, PyPI max) in ms."""
    netns.end_on_signals()
    report("latency: our station, 64-bit")
    ours = _measure(90, _ours, loops)
    report("latency: our station, 32-bit, 200 kB heap")
    small = _measure(91, _ours, loops, "unix32")
    report("latency: the PyPI station")
    pypi = _measure(92, _pypi, loops)
    rows = []
    for name, values in ours.items():
        theirs = pypi.get(name, [])
        rows.append(
            (
                name, len(values), statistics.median(values), max(values), statistics.median(small.get(name, [0])),
                statistics.median(theirs) if theirs else None, max(theirs) if theirs else None,
            )
        )  # fmt: skip
    return rows


def can_run():
    """None, or why the measurement cannot be made here."""
    try:
        netns.check()
    except netns.NetnsError as error:
        return str(error)
    if not os.path.exists(evcc.PYTHON):
        return "build/venv-evcc is missing: run `make bench`"
    return None
