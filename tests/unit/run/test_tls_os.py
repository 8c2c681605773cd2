"""TLS 1.3 on `--link os:`: the station program over sockets of the operating system, against cars
with OpenSSL.

Host only; the firmware runs on both unix images, the 32-bit one in 200 kB.
"""

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lib.mtest import eq, skip
from tests.lib.patience import CAR, LIMIT_S, STATION, AtLeast, until

RUNTIMES = ("cpython",)  # starts processes
WAITS = True
TIMEOUT_S = 240
SLOW = True

try:
    from host_tools.ev import link, options, tls
    from host_tools.pki import bad, issue, profile
except ImportError as error:
    skip(str(error))
from host_tools.root import ROOT
from host_tools.station.process import SeccError, SeccProcess

PORT = 20000 + (os.getpid() + 15823) % 20000  # of discovery; several runs at a time on one machine
EVCCID = profile.NAMES["evccid"]
_scratch = tempfile.TemporaryDirectory()
_made = {}


def pki(kind):
    """Folder of a PKI, made once."""
    if kind not in _made:
        _made[kind] = Path(_scratch.name) / kind
        issue.write_all(_made[kind], issue.make(kind, profile.DAYS))
    return _made[kind]


class Station:
    """records: all that it has traced so far."""

    def __init__(self, runtime, kind, changes):
        self.records = []
        config = {"sdp_port": PORT, "setpoint_w": 5000, "cable_check_ms": 100, **STATION}
        config.update({"tls": kind, "tls_dir": str(pki(kind) / "device"), "allow_plain": False}, **changes)
        self.secc = SeccProcess("os:lo", config, runtime, on_record=self.records.append)

    def notes(self):
        return [r["note"] for r in self.records if "note" in r]

    def note(self, begin):
        """Wait for a note that begins like this and forget all records up to it."""

        def taken():
            for i, record in enumerate(list(self.records)):
                if record.get("note", "").startswith(begin):
                    del self.records[: i + 1]
                    return record["note"]
            return None

        return until(taken, lambda: "no note %s in %s" % (begin, self.notes()))

    def error(self, begin):
        """Wait for an error that begins like this."""
        until(lambda: [r for r in list(self.records) if r.get("error", "").startswith(begin)], lambda: self.records)

    def connect(self):
        return socket.create_connection((self.address, self.port), LIMIT_S)

    def shaken(self, context):
        """A car of OpenSSL after its handshake; what the station thinks of its certificate comes
        later (TLS 1.3)."""
        return context.wrap_socket(self.connect())

    def serves(self, kind="strict", **changes):
        """One whole session over TLS, and what the trace says of it."""
        cfg = {**options.DEFAULTS, **CAR, "loops": 3, "evcc_id": EVCCID, "tls_dir": str(pki(kind) / "car"), **changes}
        cfg["tls_profile"] = kind
        del self.records[:]
        car = link.run(cfg, "lo", lambda record: None, sdp_port=PORT)
        assert car.ok and car.loops == 3, (car.why, self.notes())
        self.note("disconnected: ")
        eq([r for r in self.records if "error" in r and not r["error"].startswith("LAB")], [])


@contextlib.contextmanager
def station(runtime, kind="strict", **changes):
    s = Station(runtime, kind, changes)
    with s.secc:
        s.port, s.address = s.secc.wait_ready(LIMIT_S)
        yield s


def session(runtime, kind):
    with tempfile.NamedTemporaryFile() as keys, station(runtime, kind, tls_key_log=keys.name) as s:
        s.error("tls_key_log: ")
        cfg = {
            **options.DEFAULTS,
            **CAR,
            "loops": 3,
            "evcc_id": EVCCID,
            "tls_dir": str(pki(kind) / "car"),
            "tls_profile": kind,
        }
        car = link.run(cfg, "lo", lambda record: None, sdp_port=PORT)
        assert car.ok and car.loops == 3, (car.why, s.notes())
        opened = next(i for i, r in enumerate(s.records) if r.get("note", "").startswith("tls 1.3, suite 0x130"))
        assert s.records[opened]["note"].endswith(", vehicle " + EVCCID)
        assert opened < next(i for i, r in enumerate(s.records) if "dir" in r)  # no message before the handshake
        assert not [n for n in s.notes() if n.startswith("the EVCCID is not")]
        eq(len(keys.read().splitlines()), 4)
        s.note("disconnected: by the car")
        s.serves(kind)  # again, at the same station


def test_session_strict():
    session("unix", "strict")


def test_session_strict_in_200_kb_on_32_bits():
    session("unix32", "strict")


def test_session_field():
    session("unix", "field")


def test_session_field_in_200_kb_on_32_bits():
    session("unix32", "field")


def alert(car):
    """What OpenSSL says of the end. An alert must not be overtaken by a RST."""
    try:
        data = car.recv(100)
    except ssl.SSLError as error:
        return error.reason
    finally:
        car.close()
    raise AssertionError("no alert, but %r" % data)


def without_certificate():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(pki("strict") / "car" / "roots.pem")
    context.set_ecdh_curve("secp521r1")
    return context


def refusals(runtime):
    """R-TLS-06, R-TLS-14: alert, reason in the trace, and the next car is served."""
    foreign = Path(_scratch.name) / ("foreign_" + runtime)
    bad.make("foreign_root", pki("strict"), foreign)
    with station(runtime) as s:
        eq(alert(s.shaken(without_certificate())), "TLSV13_ALERT_CERTIFICATE_REQUIRED")
        assert "no vehicle certificate" in s.note("tls refused: ")
        context = tls.context(foreign / "car", "strict")
        eq(alert(s.shaken(context)), "TLSV1_ALERT_UNKNOWN_CA")
        assert "not under a known root" in s.note("tls refused: ")
        assert not [r for r in s.records if "dir" in r or r.get("power", {}).get("contactor")]
        s.serves()


def test_refused_cars_on_unix():
    refusals("unix")


def test_refused_cars_on_unix_32():
    refusals("unix32")


def test_plain_car_where_allow_plain_is_off():
    """R-SAP-05: discovery says TLS, and who comes without is refused before the session sees a
    byte."""
    with station("unix32") as s:
        try:
            link.run(options.DEFAULTS, "lo", lambda record: None, sdp_port=PORT)
        except link.LinkError as error:
            assert "wants TLS" in str(error)
        else:
            raise AssertionError("a plain car was served")
        car = s.connect()
        car.sendall(bytes.fromhex("01fe800100000004") + b"\x80\x00\x00\x00")
        assert "is not TLS" in s.note("tls refused: ")
        while car.recv(100):  # an alert, then FIN
            pass
        car.close()
        assert not [r for r in s.records if "dir" in r]
        lingering = []
        for _ in range(10):  # refused cars that do not hang up: no more than a few are waited for
            lingering.append(s.connect())
            lingering[-1].sendall(b"hello")
            s.note("tls refused: ")
        s.serves()
        for car in lingering:
            while car.recv(100):
                pass
            car.close()


def test_plain_car_and_tls_car_where_allow_plain_is_on():
    with station("unix32", allow_plain=True) as s:
        s.error("allow_plain: ")
        car = link.run({**options.DEFAULTS, **CAR, "loops": 2}, "lo", lambda record: None, sdp_port=PORT)
        assert car.ok, car.why
        assert not [n for n in s.notes() if n.startswith("tls 1.3")]
        s.note("disconnected: ")
        s.serves()


def slow(runtime):
    """All pauses together count, so a drip does not help; nobody else comes in meanwhile."""
    with station(runtime, tls_handshake_ms=3000) as s:
        hello = bytes.fromhex("160301020001")
        car = s.connect()
        car.settimeout(0.05)
        s.note("connected: ")
        ended = False
        with AtLeast(2700):
            for i in range(1000):  # each takes 50 ms: the drip goes on for far longer than the limit
                with contextlib.suppress(OSError):
                    car.send(hello[i % 6 : i % 6 + 1] if i < 6 else b"\x00")
                if i == 2:
                    with contextlib.suppress(ConnectionError):  # refused by RST, maybe at once
                        s.connect().close()
                    s.note("second connection refused")
                try:
                    ended = car.recv(100) == b""
                except TimeoutError:
                    continue
                except OSError:
                    ended = True
                if ended:
                    break
        assert ended
        car.close()
        assert "took too long" in s.note("tls refused: ")
        s.serves()


def test_slow_drip_on_unix():
    slow("unix")


def test_slow_drip_on_unix_32():
    slow("unix32")


def test_ends_of_a_connection():
    """close_notify is answered by close_notify and FIN; a RST, in the session or the handshake,
    ends that car only."""
    good = tls.context(pki("strict") / "car", "strict")
    with station("unix32") as s:
        car = s.shaken(good)
        s.note("tls 1.3, ")
        raw = car.unwrap()  # raises if there is no close_notify
        eq(raw.recv(10), b"")
        raw.close()
        s.note("disconnected: by the car")
        for begin in (s.shaken, lambda context: s.connect()):
            car = begin(good)
            s.note("tls 1.3, " if begin == s.shaken else "connected: ")
            car.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close() sends RST
            car.close()
            s.note("disconnected: connection gone" if begin == s.shaken else "tls refused: the connection has ended")
        s.serves()
        car = s.connect()
        s.note("connected: ")
        eq(s.secc.stop(), 0)  # in the middle of a handshake
        car.close()


def test_session_that_ends_with_an_error_is_closed_by_the_station():
    """Its refusal arrives, then close_notify."""
    with station("unix") as s:
        car = link.run(
            {**options.DEFAULTS, **CAR, "evcc_id": EVCCID, "tls_dir": str(pki("strict") / "car"), "fault": "wrong_session"},
            "lo", lambda record: None, sdp_port=PORT,
        )  # fmt: skip
        assert "FAILED_UnknownSession" in car.why, car.why
        s.note("disconnected: ")
        s.serves()


def test_files_that_are_not_there_end_the_start_with_a_reason():
    try:
        with station("unix", tls_dir="/nowhere"):
            pass
    except SeccError as error:
        assert "cannot read /nowhere/" in str(error), error
    else:
        raise AssertionError("it started")


def test_command_line_of_the_car():
    command = [
        sys.executable,
        "-m",
        "host_tools",
        "ev",
        "--iface",
        "lo",
        "--sdp-port",
        str(PORT),
        "--loops",
        "2",
        "--quiet",
    ]

    def ev(*more):
        done = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
        return done.returncode, done.stdout + done.stderr

    with station("unix", "field"):
        status, text = ev("--tls", str(pki("field") / "car"), "--tls-profile", "field")
        assert status == 0 and text.startswith("ok: done; 2 loops"), text
        status, text = ev()
        assert status == 1 and "wants TLS: give the car its certificates (--tls DIR)" in text, text


def test_car_with_tls_at_a_station_without():
    with SeccProcess("os:lo", {"sdp_port": PORT}, "unix") as secc:
        secc.wait_ready(LIMIT_S)
        cfg = {**options.DEFAULTS, **CAR, "tls_dir": str(pki("strict") / "car")}
        try:
            link.run(cfg, "lo", lambda record: None, sdp_port=PORT)
        except link.LinkError as error:
            eq(str(error), "the station has no TLS")
        else:
            raise AssertionError("no LinkError")
