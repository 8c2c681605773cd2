"""Bytes through both stacks over a bad wire (firmware/net, host_tools/ev/stack.py): nothing lost,
doubled or reordered."""

import sys

from firmware.net.stack import CLOSED, DISCOVERED
from firmware.net.tcp_conn import FIN
from tests.lib.mtest import eq
from tests.lib.wire import Wire

CPYTHON = sys.implementation.name != "micropython"
BYTES = 1000000 if CPYTHON else 50000
TIMEOUT_S = 300


_PERIOD = 1009  # a prime: no size of segment or ring is a multiple of it
_BIGGEST = 9000
PATTERN = memoryview(bytes([(i * i * 7 + i) & 0xFF for i in range(_PERIOD)]) * (_BIGGEST // _PERIOD + 2))


class Flow:
    """Sends bytes of a known pattern, in messages of changing size, and checks those that come
    in."""

    def __init__(self, conn, total):
        self.conn = conn
        self.total = total
        self.sent = 0
        self.got = 0
        self._size = 1
        self._in = bytearray(3000)
        self._view = memoryview(self._in)

    def step(self):
        while self.sent < self.total:
            taken = self.conn.write(PATTERN, self.sent % _PERIOD, min(self._size, self.total - self.sent))
            if not taken:
                break
            self.sent += taken
            self._size = self._size * 5 % _BIGGEST + 1
        while True:
            n = self.conn.read(self._in)
            if not n:
                break
            at = self.got % _PERIOD
            assert self._view[:n] == PATTERN[at : at + n], self.got
            self.got += n


def transfer(total, limit_ms, **wire):
    w = Wire(**wire)
    station, car = w.ready()
    down = Flow(station, total)
    up = Flow(car, total)

    def app():
        down.step()
        up.step()
        return down.got == total and up.got == total

    begin = w.t
    assert w.run(limit_ms, app), (down.sent, down.got, up.sent, up.got, station.state, station.reset, car.reset)
    took = w.t - begin
    car.close()
    w.run(200)
    station.close()
    assert w.run(120000, lambda: all(CLOSED in [e[0] for e in w.events[i]] for i in (0, 1))), w.events
    eq([e[0] for e in w.events[0] if e[0] != DISCOVERED], [1, CLOSED])
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
