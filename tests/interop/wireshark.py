"""tshark and a key log of the station against one session over TLS 1.3: what tshark deciphers from
the wire is V2GTP, and byte for byte what the station's trace says. Without the key log there is
nothing to read.
"""

import queue
import subprocess
import threading
import time

from tests.interop import evcc, netns, rig, tls
from tests.interop.cases import LOOPS, SETPOINT_W, Case, check, check_trace

_CASE = Case("", "DC_BPT", "scheduled", link="packet", tls="field")
_PORT = 50443  # of the station
_START_S = 60
_READ_S = 60
_HEADER = 8  # of V2GTP: version, its inverse, payload type, length


class Capture:
    """with Capture(namespace, interface, path): every frame goes to `path` (pcapng)."""

    def __init__(self, namespace, interface, path):
        self._command = [*netns.prefix(namespace), "dumpcap", "-q", "-i", interface, "-w", str(path)]
        self._process = None
        self._said = queue.Queue()

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()
        said, end = [], time.monotonic() + _START_S
        while not said or not said[-1].startswith("File: "):  # it captures now
            try:
                said.append(self._said.get(timeout=max(0.01, end - time.monotonic())))
                assert said[-1], "dumpcap has ended: " + " ".join(said)
            except (queue.Empty, AssertionError):
                self.__exit__()
                raise AssertionError("dumpcap does not capture: " + " ".join(said)) from None
        return self

    def _read(self):
        for line in self._process.stderr:
            self._said.put(line.strip())
        self._said.put("")

    def __exit__(self, *_):
        self._process.terminate()  # it writes what it has
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def deciphered(path, keys=None):
    """[(from the vehicle, bytes)] of the TLS records with application data, in their order on the
    wire."""
    options = ["-o", "tls.keylog_file:%s" % keys] if keys else []
    # What is inside of TLS is left to no dissector: "data" shows it as it is.
    options += ["-d", "tls.port==%d,data" % _PORT, "-Y", "tls && data"]
    command = ["tshark", "-n", "-r", str(path), *options, "-T", "fields", "-e", "tcp.srcport", "-e", "data.data"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_READ_S)
    assert done.returncode == 0, "tshark: " + done.stderr.strip()[-300:]
    out = []
    for line in done.stdout.splitlines():
        port, records = line.split("\t")
        out += [(int(port) != _PORT, bytes.fromhex(record)) for record in records.split(",")]
    return out


def v2gtp(pieces):
    """[(from the vehicle, payload type, payload)] of what deciphered() gives. AssertionError: it is
    no V2GTP."""
    open_ = {True: b"", False: b""}
    out = []
    for way, piece in pieces:
        data = open_[way] + piece
        while len(data) >= _HEADER:
            assert data[:2] == b"\x01\xfe", "no V2GTP: " + data[:_HEADER].hex()
            end = _HEADER + int.from_bytes(data[4:8], "big")
            if len(data) < end:
                break
            out.append((way, int.from_bytes(data[2:4], "big"), data[_HEADER:end]))
            data = data[end:]
        open_[way] = data
    assert not any(open_.values()), "bytes behind the last message"
    return out


def compare(seen, records):
    """AssertionError unless tshark has read the messages of the trace, in order and to the byte."""
    traced = [
        (r["dir"] == "EVCC->SECC", int(r["payload_type"], 16), bytes.fromhex(r["exi_hex"]))
        for r in records
        if "dir" in r
    ]
    for number, (one, other) in enumerate(zip(seen, traced)):
        assert one == other, "message %d: tshark has %s, the trace %s" % (number + 1, one, other)
    assert len(seen) == len(traced), "%d messages read by tshark, %d in the trace" % (len(seen), len(traced))


def session(number, folder, stop):
    """One session, captured at the vehicle's interface and read afterwards; a text."""
    pki = tls.Pki(_CASE.tls, folder, number)
    path, keys = folder / "session.pcapng", (folder / "keys.txt").resolve()
    config = dict(_CASE.config, tcp_port=_PORT, tls_key_log=str(keys), **pki.station)
    with rig.Rig(number, _CASE.link, config, folder) as r:
        r.plug_in()
        assert ["tls_key_log" in error for error in r.plug.errors] == [True], "no warning, or more: %s" % r.plug.errors
        r.plug.begin()
        r.secc.command("setpoint %d" % SETPOINT_W)
        with Capture(*r.plant.evcc, path):
            values = evcc.config(_CASE.ev, [_CASE.protocol], LOOPS, secure=True)
            status, messages = evcc.run(values, *r.plant.evcc, folder, stop=stop, pki=pki)
        assert status == 0, "the vehicle: %s" % evcc.reason(folder / "evcc.log")
        r.unplug()
        records = list(r.plug.records)
    check(_CASE, messages)
    check_trace(messages, records)
    tls.check_handshake(pki.vehicle, records)
    seen = v2gtp(deciphered(path, keys))
    compare(seen, records)
    assert not deciphered(path), "tshark reads the session without its keys"
    kinds = sorted({kind for _, kind, _ in seen})
    return "%d messages deciphered, as traced, %s" % (len(seen), " ".join("0x%04x" % kind for kind in kinds))
