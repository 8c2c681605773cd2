"""firmware/clock.py"""

import time

from firmware import clock
from firmware.clock import sooner, ticks_add, ticks_diff, ticks_ms


def _us():
    return time.ticks_us() if hasattr(time, "ticks_us") else time.monotonic_ns() // 1000


def test_ticks_are_milliseconds():
    """By another clock, which is read before and after: so the machine may stop anywhere in
    between."""
    begin_us = _us()
    a = ticks_ms()
    time.sleep(0.02)
    took_ms = ticks_diff(ticks_ms(), a)
    assert 15 <= took_ms <= ticks_diff(_us(), begin_us) // 1000 + 1, took_ms


def test_arithmetic_over_the_wrap():
    start = ticks_add(0, -300)
    for d in (0, 1, 299, 300, 301, 100000, 500000000):
        assert ticks_diff(ticks_add(start, d), start) == d
        assert ticks_diff(start, ticks_add(start, d)) == -d
    assert ticks_add(start, 300) == 0
    assert start > 0  # it really is on the other side


def test_wall_clock_counts_from_1970():
    now = clock.unix_s()
    assert isinstance(now, int)
    assert now > 1700000000  # 2023: on an epoch of 2000 this would be 30 years less


def test_wall_clock_is_that_of_the_system_in_whole_seconds():
    class Stopped:
        @staticmethod
        def time():
            return 800000000.9

    saved, clock.time = clock.time, Stopped
    try:
        now = clock.unix_s()
    finally:
        clock.time = saved
    assert now - 800000000 == (946684800 if time.gmtime(0)[0] == 2000 else 0), now


def test_sooner():
    assert sooner(None, None) is None
    assert sooner(None, 5) == 5 and sooner(5, None) == 5
    assert sooner(5, 7) == 5 and sooner(7, 5) == 5
    before, after = ticks_add(0, -10), 5
    assert sooner(before, after) == before and sooner(after, before) == before
