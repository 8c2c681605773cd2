"""Memory of TLS on a 32-bit controller: peak of a station, and nothing kept after 200 handshakes
(R-TLS-14)."""

RUNTIMES = ("unix32",)
TIMEOUT_S = 400
SLOW = True

import gc

import tls13

from firmware.run.tls_files import ARENA
from tests.lib.mtest import eq
from tests.lib.tls_pair import NOW_S, move, station, vehicle

YEAR_2050_S = 2524608000
STRANGE = b"\x16\x03\x01\x00\x40" + bytes(64)


def shake(s, c):
    """As tls_pair.shake(); returns (what the station holds in the arena behind it, the most that it
    held)."""
    held = peak = 0
    for _ in range(2000):
        before = tls13.memory(1)[0]
        a = s.step()
        after, most, _ = tls13.memory()
        peak = max(peak, held + most - before)
        held += after - before
        b = c.step()
        if c.state == tls13.OPEN:
            c.pending()
        if not (a + b + move(s, c) + move(c, s)):
            return held, peak
    raise AssertionError("the handshake does not end")


def test_200_handshakes_good_and_bad_leave_nothing():
    tls13.init(115000)  # of the 200 kB that are the heap: the station and three cars live in it
    start = tls13.memory()[0]
    s = tls13.Conn(station())
    station_waits = tls13.memory()[0] - start
    cars = [vehicle(), vehicle(who=None), vehicle(who="by_leaf", prefix="")]
    c = [tls13.Conn(car) for car in cars]
    worst = 0
    marks = None
    for i in range(202):
        kind = (0, 0, 1, 2, 3, 4)[i % 6]
        s.begin(YEAR_2050_S if kind == 3 else NOW_S, True)
        if kind == 4:
            s.feed(STRANGE, 0, len(STRANGE))
            while s.step():
                pass
            eq(s.state, tls13.FAILED)
        else:
            other = c[kind % 3]
            other.begin(NOW_S, True)
            worst = max(worst, shake(s, other)[1])
            eq(s.state, tls13.OPEN if kind == 0 else tls13.FAILED)
            other.reset()
        s.reset()
        gc.collect()
        now = (tls13.memory()[0], gc.mem_free())
        if i == 1:
            marks = now  # everything that is made once is there
        elif i > 1:
            eq(now[0], marks[0])
            assert now[1] >= marks[1] - 64, (i, now, marks)
    total = station_waits + worst
    print(
        "NOTE TLS of a station, 32 bits: %d B while it waits, %d B at the peak of a handshake" % (station_waits, total)
    )
    assert total < ARENA * 9 // 10, total
    eq(ARENA, 44 * 1024)
