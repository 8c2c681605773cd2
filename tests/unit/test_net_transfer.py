"""Bytes through both stacks over a bad wire (firmware/net, host_tools/ev/stack.py): nothing lost, doubled or reordered."""

import sys

from firmware.net.stack import CLOSED
from firmware.net.tcp_conn import FIN
from tests.lib.mtest import eq
from tests.lib.wire import Wire

CPYTHON = sys.implementation.name != "micropython"
BYTES = 1000000 if CPYTHON else 50000
TIMEOUT_S = 300


class Flow:
    """Sends bytes of a known pattern in messages of changing size and checks what comes in."""

    def __init__(self, conn, total, salt, biggest=9000):
        self.conn = conn
        self.total = total
        self.salt = salt
        self.sent = 0
        self.got = 0
        self.biggest = biggest
        self._size = 1
        self._out = bytearray(biggest)
        self._in = bytearray(3000)

    def pattern(self, i):
        return (i * 7 + (i >> 8) * 13 + self.salt) & 0xFF

    def step(self, other):
        """Write what goes, read what is there; the bytes come from the pattern of the flow `other`."""
        while self.sent < self.total:
            n = min(self._size, self.total - self.sent)
            out = self._out
            for i in range(n):
                out[i] = (((self.sent + i) * 7) + ((self.sent + i) >> 8) * 13 + self.salt) & 0xFF
            taken = self.conn.write(out, 0, n)
            if not taken:
                break
            self.sent += taken
            self._size = self._size * 5 % self.biggest + 1
        while True:
            n = self.conn.read(self._in)
            if not n:
                break
            for i in range(n):
                place = self.got + i
                if self._in[i] != (place * 7 + (place >> 8) * 13 + other.salt) & 0xFF:
                    raise AssertionError("byte %d is wrong" % place)
            self.got += n


def transfer(total, limit_ms, **wire):
    w = Wire(**wire)
    station, car = w.ready()
    down = Flow(station, total, 3)
    up = Flow(car, total, 101)

    def app():
        down.step(up)
        up.step(down)
        return down.got == total and up.got == total

    begin = w.t
    assert w.run(limit_ms, app), (down.sent, down.got, up.sent, up.got, station.state, station.reset, car.reset)
    took = w.t - begin
    car.close()
    w.run(200)
    station.close()
    assert w.run(120000, lambda: len(w.events[0]) > 1 and len(w.events[1]) > 1), w.events
    eq([e[0] for e in w.events[0]], [1, CLOSED])
    eq((station.reset, car.reset), (FIN, FIN))
    return w, took


def test_clean_wire():
    _, took = transfer(BYTES, 600000, delay_ms=(1, 1))
    assert took < BYTES // 2000 * 2 + 100, took


def test_loss_of_10_percent():
    transfer(BYTES // 5, 6000000, loss=10, delay_ms=(1, 3))


def test_loss_of_30_percent():
    transfer(BYTES // 10, 60000000, seed=5, loss=30, double=5, delay_ms=(1, 10))


def test_reordering_and_duplicates():
    transfer(BYTES // 5, 60000000, seed=7, double=20, delay_ms=(0, 20))


def test_long_delays():
    transfer(BYTES // 10, 60000000, seed=9, loss=3, delay_ms=(0, 200))


def test_many_seeds_short():
    for seed in range(100, 140 if CPYTHON else 104):
        transfer(5000, 6000000, seed=seed, loss=seed % 31, double=seed % 11, delay_ms=(0, seed * 7 % 200))
