"""No frame of a connection takes heap: docs/design.md, frames. Run with the heap locked on the
32-bit image."""

RUNTIMES = ("unix32",)

import gc

_before = gc.mem_alloc()
from firmware.net.stack import Stack

gc.collect()
_imported = gc.mem_alloc()

from tests.lib.heap import locked
from tests.lib.mtest import raises
from tests.lib.notes import Notes
from tests.lib.packets import ACK, ALL_NODES, CAR, FIN, GROUP, PSH, STATION, Peer, frame, icmp, tcp, udp
from tests.lib.wire import CAR_MAC, STATION_MAC, Rand


class Run:
    """Frames made beforehand, then fed with the heap locked."""

    def __init__(self, isn=0x12345678, first=0xFFFFFF00):
        self.p = Peer(isn, first)
        self.conn = self.p.connect()
        self.stack = self.p.stack
        self.now = self.p.now
        self.out = bytearray(1514)
        self.buf = bytearray(1000)
        self.frames = []
        self.sent = 0

    def add(self, flags, seq, ack, data=b"", window=8000):
        p = self.p
        self.frames.append(frame(tcp(flags, p.first + seq, p.isn + ack, data, window), 6))

    def __call__(self):
        stack = self.stack
        conn = self.conn
        for i in range(len(self.frames)):
            f = self.frames[i]
            stack.rx(f, len(f), self.now)
            stack.poll(self.now)
            while conn.readable():
                conn.read(self.buf)
            while stack.tx(self.out):
                self.sent += 1
            stack.event()
            stack.due  # noqa: B018 - a property is code


def test_the_lock_finds_an_allocation():
    raises(MemoryError, lambda: locked(lambda: bytearray(100)))


def test_requests_and_answers():
    """Requests in, answers out, acknowledgments both ways, across 2**32 of the peer's numbers."""
    r = Run()
    seq = ack = 1
    answer = bytearray(600)
    for n in (200, 100, 300, 1):
        r.add(ACK | PSH, seq, ack, bytes(n))
        seq += n

    def call():
        for _ in range(4):
            r.conn.write(answer, 0, 600)
        r()

    locked(call)
    assert r.sent >= 4, r.sent
    r.frames = []
    r.add(ACK, seq, 2401)
    locked(r)
    r.p.sleep(20)
    r.p.frames()
    assert r.stack.due is None and r.conn.room() == 8192


def test_large_message_out_of_order_and_timeouts():
    r = Run()
    message = bytearray(7200)
    r.add(ACK, 500, 1, bytes(100))
    r.add(ACK, 1, 1, bytes(499))
    r.add(ACK, 300, 1441, bytes(10))
    for _ in range(4):
        r.add(ACK, 600, 1441)
    r.add(ACK, 600, 7201)

    def call():
        r.conn.write(message, 0, 7200)
        while r.stack.tx(r.out):
            r.sent += 1
        r.stack.poll(due)
        while r.stack.tx(r.out):
            r.sent += 1
        r()

    r.conn.write(message, 0, 1)
    while r.stack.tx(r.out):
        pass
    due = r.stack.due
    r.p.rx(frame(tcp(ACK, r.p.first + 1, r.p.isn + 2), 6))
    r.p.isn += 1
    locked(call)
    assert r.sent >= 7, r.sent


def test_what_is_refused_and_answered_by_hand():
    """Echo, solicitation, advertisement, RST for strangers, challenges, and frames that are dropped
    for every reason."""
    r = Run()
    body = bytes(4) + STATION + b"\x01\x01" + CAR_MAC
    r.frames = [
        frame(icmp(128, b"\x12\x34\x00\x07hello"), 58),
        frame(icmp(135, body, CAR, GROUP), 58, CAR, GROUP, 255),
        frame(icmp(136, b"\x20\0\0\0" + CAR + b"\x02\x01" + CAR_MAC, CAR, ALL_NODES), 58, CAR, ALL_NODES, 255),
        frame(tcp(ACK, 1, 1, source=9), 6),
        frame(tcp(FIN, 0xFFFFFFFF, 1, source=9), 6),
        frame(b"\x3a\x00\x05\x02\x00\x00\x01\x00" + icmp(130, bytes(24), CAR, ALL_NODES), 0, dst=ALL_NODES, hop=1),
        frame(udp(b"no request"), 17),
        frame(udp(b"x", target=99), 17),
        frame(b"\x11\x00" + bytes(6), 44),
    ]
    for at in range(0, 54, 2):
        bad = bytearray(r.frames[0])
        bad[at] ^= 0x41
        r.frames.append(bad)
    r.add(4, 9, 1)
    r.add(2, 1, 1)
    r.add(ACK, 0x7FFFFFFF, 1, b"x")
    r.add(ACK, 1, 0x80000000, b"x")
    locked(r)
    assert r.sent >= 8, r.sent


def test_close_from_both_sides():
    r = Run()
    r.add(ACK | FIN, 1, 1, b"bye")
    locked(r)
    r.conn.close()
    r.frames = []
    r.add(ACK, 5, 1)
    r.add(ACK, 5, 2)
    while r.stack.tx(r.out):
        pass
    for i in range(2):
        f = r.frames[i]
        locked(lambda f=f: r.stack.rx(f, len(f), r.now))
    assert r.conn.state == 0 and r.stack.event() == 4


def test_size_of_the_stack():
    """Buffers of two connections and the objects around them; printed figures go to the report of
    the measurement."""
    gc.collect()
    before = gc.mem_alloc()
    stack = Stack(STATION_MAC, Rand(1), Notes())
    gc.collect()
    size = gc.mem_alloc() - before
    assert stack and 24576 < size < 32000, size
    assert 0 < _imported - _before < 16000, _imported - _before
    print("stack %d bytes, import %d bytes" % (size, _imported - _before))
