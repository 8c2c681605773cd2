"""firmware/app/session_link.py: which of two connections is served. R-SDP-03, R-SECURITY-14."""

from firmware.app.session_link import SessionLink
from firmware.clock import ticks_add
from firmware.run.safe import Safe
from tests.lib.fake_secc import FakePower, FakeSecc
from tests.lib.mtest import eq
from tests.lib.notes import Notes

T0 = ticks_add(0, -1000)
CAR = b"\xfe\x80" + bytes(13) + b"\x01"
OTHER = b"\xfe\x80" + bytes(13) + b"\x02"


class Conn:
    """A TCP connection from `remote`."""

    def __init__(self, remote):
        self.remote = bytearray(remote)
        self.data = b""
        self.at_end = False
        self.fate = "open"

    def readable(self):
        return len(self.data)

    def read(self, buf):
        n = len(self.data)
        buf[:n] = self.data
        self.data = b""
        return n

    def write(self, buf, at, n):
        return n

    def close(self):
        self.fate = "closed"

    def abort(self):
        self.fate = "aborted"


def at(ms):
    return ticks_add(T0, ms)


def in_session():
    trace = Notes()
    link = SessionLink(Safe(FakeSecc, FakePower(), trace), trace)
    conn = Conn(CAR)
    link.accept(conn, at(0))
    conn.data = b"hello"
    link.pump(at(0))
    assert not link.safe.session_over
    return link, conn


def test_a_car_that_restarts_from_another_port_is_served_r_security_14():
    """Its old connection never ends by itself (EcoG-io/iso15118 #121, #128)."""
    link, old = in_session()
    new = Conn(CAR)
    link.accept(new, at(1999))
    eq((new.fate, old.fate, link.conn), ("aborted", "open", old))
    new = Conn(CAR)
    link.accept(new, at(2000))
    eq((new.fate, old.fate, link.conn), ("open", "aborted", new))
    eq(link.safe.secc.calls, ["start", "lost", "start"])  # the power is off before the new session begins
    assert link._trace.said("the car has connected again")


def test_a_car_that_speaks_keeps_its_connection_r_sdp_03():
    link, old = in_session()
    for ms in range(1000, 20000, 1000):
        old.data = b"more"
        link.pump(at(ms))
        new = Conn(CAR)
        link.accept(new, at(ms + 999))
        eq((new.fate, link.conn), ("aborted", old))


def test_another_car_has_to_wait_r_sdp_03():
    link, old = in_session()
    new = Conn(OTHER)
    link.accept(new, at(50000))
    eq((new.fate, link.conn), ("aborted", old))
    assert link._trace.said("second connection refused")


def test_a_session_that_is_over_gives_way_at_once():
    link, old = in_session()
    link.safe.secc.session_over = True
    new = Conn(OTHER)
    link.accept(new, at(1))
    eq((new.fate, old.fate, link.conn), ("open", "closed", new))
