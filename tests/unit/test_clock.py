"""firmware/clock.py"""

import sys
import time

from firmware import clock
from firmware.clock import sooner, ticks_add, ticks_diff, ticks_ms


def test_ticks_advance():
    a = ticks_ms()
    time.sleep(0.02)
    assert 15 <= ticks_diff(ticks_ms(), a) < 20000  # microseconds would be more


def test_arithmetic_over_the_wrap():
    start = ticks_add(0, -300)
    for d in (0, 1, 299, 300, 301, 100000, 500000000):
        assert ticks_diff(ticks_add(start, d), start) == d
        assert ticks_diff(start, ticks_add(start, d)) == -d
    assert ticks_add(start, 300) == 0
    assert start > 0  # it really is on the other side


def test_wall_clock_counts_from_1970():
    before = int(time.time())
    now = clock.unix_s()
    assert isinstance(now, int)
    assert now > 1700000000  # 2023: on an epoch of 2000 this would be 30 years less
    if sys.platform == "linux":
        assert before <= now <= int(time.time())


def test_sooner():
    assert sooner(None, None) is None
    assert sooner(None, 5) == 5 and sooner(5, None) == 5
    assert sooner(5, 7) == 5 and sooner(7, 5) == 5
    before, after = ticks_add(0, -10), 5
    assert sooner(before, after) == before and sooner(after, before) == before
