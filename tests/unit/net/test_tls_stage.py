"""firmware/net/tls_stage.py over a wire in memory, with a car of module tls13 at the other end:
R-TLS-06, R-TLS-14."""

RUNTIMES = ("unix", "unix32")
HEAP_KB = 420  # a car and a station in one process
BARE_HEAP_KB = 420  # the arena has most of it

import gc

import tls13

from firmware.clock import ticks_add, ticks_diff
from firmware.net import tls_stage
from firmware.net.cert_time import build_s, date_s, judged_at
from firmware.net.tls_stage import FAILED, IDLE, OPEN, PLAIN, SHAKING, TlsStage
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from tests.lib.tls_pair import NOW_S, data, station, vehicle

LIMIT_MS = 10000
START = ticks_add(0, -300)


class Wire:
    """Stands for a TcpConn: what the car sent is in rx, what the station sent in tx."""

    def __init__(self):
        self.rx = b""
        self.tx = b""
        self.writes = []
        self.remote = b""
        self.room = 100000
        self.ended = False
        self.closed = self.aborted = False

    @property
    def at_end(self):
        return self.ended and not self.rx

    def readable(self):
        return len(self.rx)

    def read(self, buf):
        n = min(len(self.rx), len(buf))
        buf[:n] = self.rx[:n]
        self.rx = self.rx[n:]
        return n

    def write(self, buf, at, n):
        n = min(n, self.room)
        self.room -= n
        self.tx += bytes(buf[at : at + n])
        self.writes.append(n)
        return n

    def close(self):
        self.closed = True

    def abort(self):
        self.aborted = True


class World:
    def __init__(self, plain=False, car=None, room=100000):
        gc.collect()
        self.trace = Notes()
        self.secrets = []
        self.stage = TlsStage(
            tls13.Conn(station()), lambda: (NOW_S, True), self.trace, LIMIT_MS, plain, self.secrets.append
        )
        self.other = car or vehicle()
        self.plug(room)

    def plug(self, room=100000):
        self.wire = Wire()
        self.wire.room = room
        self.now = START
        self.car = tls13.Conn(self.other)
        self.car.begin(NOW_S, True)
        self.stage.open(self.wire, self.now)

    def car_moves(self):
        """The car takes what the station has sent, and its own goes to the station."""
        buf = bytearray(4096)
        more = self.car.step()
        if self.car.state == tls13.OPEN:
            self.car.pending()
        n = self.car.take(buf)
        while n:
            self.wire.rx += bytes(buf[:n])
            n = self.car.take(buf)
        took = self.car.feed(self.wire.tx, 0, len(self.wire.tx))
        self.wire.tx = self.wire.tx[took:]
        return more or took

    def shake(self):
        """Until neither goes on; the station gets a tick of its own for each step."""
        for _ in range(500):
            before = (len(self.wire.rx), self.stage.phase)
            self.now = ticks_add(self.now, 1)
            self.stage.pump(self.now)
            moved = self.car_moves()
            if not moved and not self.stage._more and before == (len(self.wire.rx), self.stage.phase):
                return

    def wait(self):
        """From due tick to due tick, as a run loop does, until the handshake is over."""
        while self.stage.phase == SHAKING:
            due = self.stage.due
            assert due is not None and ticks_diff(due, self.now) > 0, due
            self.now = due
            self.stage.pump(self.now)

    def hello(self):
        """The first message of the car, which the station has not got yet."""
        while self.car_moves():
            pass
        hello = self.wire.rx
        self.wire.rx = b""
        return hello


def test_session_from_handshake_to_close_notify():
    w = World()
    eq(w.stage.phase, SHAKING)
    w.shake()
    eq((w.stage.phase, w.stage.vehicle), (OPEN, "WMIV1234567890ABCDEX"))
    eq(w.stage.due, None)
    eq(w.trace.notes, ["tls 1.3, suite 0x1302, vehicle WMIV1234567890ABCDEX"])
    eq(len(w.secrets), 4)
    eq(w.car.write(b"request", 0, 7), 7)
    w.car_moves()
    buf = bytearray(512)
    eq(w.stage.readable(), 7)
    eq((w.stage.read(buf), bytes(buf[:7])), (7, b"request"))
    eq(w.stage.readable(), 0)
    w.wire.writes = []
    eq(w.stage.write(b"..answer", 2, 6), 6)
    eq(len(w.wire.writes), 1)  # one message, one write to TCP
    w.car_moves()
    eq((w.car.read(buf), bytes(buf[:6])), (6, b"answer"))
    assert not w.stage.at_end
    w.stage.close()
    assert w.wire.closed and w.stage.phase == IDLE and w.stage.conn is None
    w.car_moves()
    w.car.pending()
    eq(w.car.state, tls13.ENDED)


def test_the_car_ends_by_close_notify_or_by_tcp_alone():
    w = World()
    w.shake()
    w.car.close()
    w.car_moves()
    eq(w.stage.readable(), 0)
    assert w.stage.at_end
    eq(w.wire.tx, b"")
    w.stage.close()
    assert w.wire.tx  # close_notify from this side too (RFC 8446 section 6.1)
    w.plug()
    w.shake()
    w.car.write(b"last", 0, 4)
    w.car_moves()
    w.wire.ended = True
    assert not w.stage.at_end  # it is to be read first
    eq(w.stage.read(bytearray(10)), 4)
    assert w.stage.at_end


def test_one_step_in_a_tick():
    w = World()
    w.wire.rx = w.hello()
    steps = 0
    while not steps or ticks_diff(w.stage.due, w.now) <= 0:
        w.stage.pump(w.now)
        sent = len(w.wire.tx)
        w.stage.pump(w.now)  # the same tick: nothing is computed
        eq(len(w.wire.tx), sent)
        w.now = ticks_add(w.now, 1)
        steps += 1
    eq(w.stage.phase, SHAKING)  # all is said, and now it waits for the car
    assert steps >= 8, steps


def _extensions(hello):
    """(bytes before their length, [extension]) of a ClientHello in one record."""
    at = 5 + 4 + 34
    at += 1 + hello[at]
    at += 2 + (hello[at] << 8 | hello[at + 1])
    at += 1 + hello[at]
    found, i = [], at + 2
    while i < len(hello):
        n = 4 + (hello[i + 2] << 8 | hello[i + 3])
        found.append(hello[i : i + n])
        i += n
    return hello[:at], found


def _two(n):
    return bytes((n >> 8, n & 0xFF))


def _with_extensions(begin, extensions):
    ext = b"".join(extensions)
    body = begin[9:] + _two(len(ext)) + ext
    return begin[:3] + _two(len(body) + 4) + b"\x01\x00" + _two(len(body)) + body


def test_an_extension_twice_is_illegal_parameter():
    """RFC 8446 section 4.2: whatever it is and wherever the second one stands (Mbed-TLS #9899,
    #10728)."""
    w = World()
    hello = bytes(w.hello())
    begin, found = _extensions(hello)
    eq(_with_extensions(begin, found), hello)
    assert len(found) >= 4, found
    for i in range(len(found)):
        for order in (found + [found[i]], found[: i + 1] + found[i:]):
            w.car = None
            gc.collect()
            w.plug()
            w.wire.rx = _with_extensions(begin, order)
            w.wire.tx = b""
            for _ in range(20):
                w.now = ticks_add(w.now, 1)
                w.stage.pump(w.now)
            eq((w.stage.phase, bytes(w.wire.tx)), (FAILED, b"\x15\x03\x03\x00\x02\x02\x2f"))


def test_a_hello_may_come_in_small_records():
    """Mbed-TLS #9269."""
    w = World()
    hello = w.hello()[5:]
    w.wire.rx = b"".join(
        b"\x16\x03\x01" + _two(len(hello[i : i + 64])) + hello[i : i + 64] for i in range(0, len(hello), 64)
    )
    w.shake()
    eq(w.stage.phase, OPEN)


def test_silence_is_limited():
    w = World()
    w.wait()
    eq(ticks_diff(w.now, START), LIMIT_MS + 1)  # and one for the step that waits
    eq((w.stage.phase, w.stage.refused), (FAILED, 1))
    eq(w.trace.notes, ["tls refused: the car took too long"])
    assert w.wire.closed
    w.plug()
    w.shake()
    eq(w.stage.phase, OPEN)


def test_slow_drip_is_limited():
    """A byte in a second keeps nobody: all pauses together count."""
    w = World()
    hello = w.hello()
    for i in range(len(hello)):
        w.wire.rx += hello[i : i + 1]
        w.now = ticks_add(w.now, 1000)
        w.stage.pump(w.now)
        if w.stage.phase != SHAKING:
            break
    eq(w.stage.phase, FAILED)
    assert LIMIT_MS <= ticks_diff(w.now, START) <= LIMIT_MS + 1000  # the first step of all is our own


def test_own_computing_time_does_not_count():
    """An operation with keys takes seconds on a small controller: the car is not to blame."""
    w = World()
    w.car_moves()
    for _ in range(500):
        w.now = ticks_add(w.now, 3000 if w.stage._more else 1)
        w.stage.pump(w.now)
        if w.stage.phase != SHAKING:
            break
        while w.car_moves():
            pass
    eq(w.stage.phase, OPEN)
    assert ticks_diff(w.now, START) > 2 * LIMIT_MS


def test_a_refused_car_reads_why():
    w = World(car=vehicle(who=None))
    w.shake()
    eq((w.stage.phase, w.car.alert), (FAILED, 116))
    eq(w.trace.notes, ["tls refused: no vehicle certificate"])
    assert w.wire.closed and not w.wire.aborted  # RST could overtake the alert
    w.other = vehicle(root="strict_oem_root.pem")  # it does not trust the station
    w.plug()
    w.shake()
    eq(w.trace.notes[-1], "tls refused: refused by the car: alert 48 unknown CA")
    w.other = vehicle(who="purpose", prefix="")
    w.plug()
    w.shake()
    eq(w.trace.notes[-1], "tls refused: vehicle certificate: wrong purpose (PURPOSE)")
    eq(w.stage.refused, 3)


def test_plain_car():
    message = b"\x01\xfe\x80\x01\x00\x00\x00\x04test"
    w = World(plain=True)
    w.wire.rx = message
    w.stage.pump(ticks_add(w.now, 1))
    eq(w.stage.phase, PLAIN)
    buf = bytearray(5)
    got = b""
    while w.stage.readable():
        got += bytes(buf[: w.stage.read(buf)])
    eq(got, message)
    w.wire.rx = b"more"
    eq((w.stage.readable(), w.stage.read(buf)), (4, 4))
    eq(w.stage.write(b"answer", 0, 6), 6)
    eq(w.wire.tx, b"answer")
    assert not w.stage.at_end
    w.wire.ended = True
    assert w.stage.at_end
    w = World()
    w.wire.rx = message
    w.stage.pump(ticks_add(w.now, 1))
    eq((w.stage.phase, w.trace.notes), (FAILED, ["tls refused: what the car sent is not TLS"]))


def test_tcp_that_takes_little():
    """What TCP does not take now is kept, and no message is taken in behind it."""
    w = World(room=0)
    for _ in range(2000):
        w.wire.room = 50
        w.now = ticks_add(w.now, 1)
        w.stage.pump(w.now)
        w.car_moves()
        if w.stage.phase == OPEN:
            break
    eq(w.stage.phase, OPEN)
    w.wire.room = 100
    big = bytes(4104)
    took = w.stage.write(big, 0, 4104)
    assert 4000 < took < 4104, took  # one record; the rest comes later
    eq(w.stage.write(big, took, 8), 0)
    got = 0
    buf = bytearray(4096)
    for _ in range(100):
        w.wire.room = 1000
        w.stage.pump(w.now)
        w.car_moves()
        got += w.car.read(buf)
    eq(got, took)
    eq(w.stage.write(big, took, 8), 8)


def test_connection_lost_in_the_handshake():
    w = World()
    w.stage.pump(w.now)
    assert w.stage.lost(w.now)
    eq((w.stage.phase, w.stage.conn), (IDLE, None))
    w.plug()
    w.wire.ended = True
    w.wait()
    eq(w.trace.notes[-1], "tls refused: the car has left")
    w.plug()
    w.shake()
    assert not w.stage.lost(w.now)


def test_bytes_that_are_not_of_the_car_end_it():
    w = World()
    w.shake()
    w.wire.rx = b"\x17\x03\x03\x00\x40" + bytes(64)
    eq(w.stage.readable(), 0)
    assert w.stage.at_end
    w.stage.pump(w.now)
    w.car_moves()
    w.car.pending()
    eq((w.car.state, w.car.alert), (tls13.FAILED, 20))  # bad_record_mac


def test_names_from_the_wire_are_made_harmless():
    eq(tls_stage._printable(b"A\n\x1b[31m\xffZ"), "A??[31m?Z")


def test_time_of_certificates():
    eq(date_s(1970, 1, 1), 0)
    eq(date_s(2027, 1, 15), 1799971200)
    eq(date_s(2028, 3, 1), 1835481600)
    eq(build_s("3.4.0; MicroPython v1.25.0 on 2025-04-15"), 1744675200)
    eq(build_s("3.4.0; MicroPython abc-dirty on 2026-11-24"), 1795478400)
    for text in ("3.11.2 (main) [GCC 12.2.0] on linux", "x on 2025-13-01", " on ", ""):
        eq(build_s(text), 0)
    assert build_s() > 1700000000
    eq(judged_at(100, 200), (200, False))  # a clock that was never set
    eq(judged_at(300, 200), (300, True))


def test_certificates_are_read_as_they_are_on_the_device():
    from firmware.app import config
    from firmware.run import tls_files
    from tests.lib.mtest import raises

    folder = __file__.rsplit("/", 1)[0]  # none of the files is here
    trace = Notes()
    eq(tls_files.stage(config.merge({}), trace, START), None)
    cfg = config.merge({"tls": "strict", "tls_dir": folder, "allow_plain": False})
    error = raises(tls_files.TlsError, tls_files.stage, cfg, trace, START)
    eq(str(error), "cannot read " + folder + "/secc_chain.pem")
    assert data("strict_secc.key")
