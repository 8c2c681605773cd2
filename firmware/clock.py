"""The one module that reads a clock. Machines get `now` as an argument and import only the
arithmetic from here.

A tick is a millisecond modulo a period: 2**30 on microcontrollers (12.4 days), 2**62 on the 64-bit
unix port. Ticks are compared by ticks_diff only. CPython has no ticks: the fallback has the period
of a microcontroller, so that tests on the desk see the wrap too.
"""

import time

try:
    from time import ticks_add, ticks_diff, ticks_ms
except ImportError:  # CPython
    _PERIOD = 1 << 30
    _HALF = _PERIOD >> 1

    def ticks_ms():
        """Milliseconds from an arbitrary start, modulo the period."""
        return time.monotonic_ns() // 1000000 & (_PERIOD - 1)

    def ticks_add(ticks, delta):
        """ticks + delta; delta may be negative."""
        return ticks + delta & (_PERIOD - 1)

    def ticks_diff(end, start):
        """Signed milliseconds from start to end, right while they are less than half a period
        apart."""
        return (end - start + _HALF & (_PERIOD - 1)) - _HALF


# Seconds from 1970 to the zero of time.time(): MicroPython counts from 2000 on most
# microcontrollers, from 1970 on unix.
_EPOCH_2000_S = 946684800
_OFFSET_S = _EPOCH_2000_S if time.gmtime(0)[0] == 2000 else 0


def unix_s():
    """Wall clock in whole seconds since 1970-01-01 00:00 UTC. Steps when the clock is set: never
    use it for timers."""
    return int(time.time()) + _OFFSET_S


def utc(unix_s):
    """(year, month, day, hour, minute, second, weekday, day of the year) of a Unix time; Monday is
    0."""
    return tuple(time.gmtime(unix_s - _OFFSET_S))[:8]


def sooner(a, b):
    """The earlier of two due ticks; None means never."""
    if a is None:
        return b
    if b is None or ticks_diff(a, b) <= 0:
        return a
    return b
