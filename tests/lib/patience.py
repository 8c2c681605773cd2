"""Waiting in tests for what another process, a thread or the system does. The only place where a
test looks at the host's clock (`python -m host_tools.checks lint` sees to it): a busy machine is
slow, and no test may fail because of that.

A limit here guards against hanging and proves nothing. What has to be quick is proved in simulated
time, in steps, or in time of the processor. Runs on MicroPython too.
"""

import time

from firmware.clock import ticks_add, ticks_diff, ticks_ms
from host_tools.lab import LAB

LIMIT_S = 100  # below the time of a module (tests/run.py): who hangs is named by his own line
_PAUSE_S = 0.01
# Configuration of a station and of a simulated car that are programs beside others: limits of the
# protocol that a busy machine must not reach. Where a limit itself is tested, the test sets its
# own.
STATION = {
    "loop_sequence_timeout_ms": 60000,
    "setup_timeout_ms": 60000,
    "link_setup_ms": 60000,
    "precharge_timeout_ms": 60000,
}
STATION.update(LAB)
STATION.update({"contactor_timeout_ms": 30000, "off_timeout_ms": 30000, "tls_handshake_ms": 60000})
CAR = {"message_timeout_ms": 60000, "loop_timeout_ms": 60000}


def until(done, what="what was waited for", turn=None):
    """What done() gives as soon as that is true. turn(): called between two looks, in place of a
    short pause. what: for the AssertionError behind LIMIT_S, text or a function that gives it."""
    end = ticks_add(ticks_ms(), LIMIT_S * 1000)
    while True:
        found = done()
        if found:
            return found
        if ticks_diff(end, ticks_ms()) <= 0:
            raise AssertionError("not within %d s: %s" % (LIMIT_S, what() if callable(what) else what))
        if turn:
            turn()
        else:
            time.sleep(_PAUSE_S)


class AtLeast:
    """with AtLeast(55): something that must not be over earlier. A busy machine makes it longer,
    which is no failure."""

    def __init__(self, ms):
        self._ms = ms

    def __enter__(self):
        self._begin = ticks_ms()
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            took_ms = ticks_diff(ticks_ms(), self._begin)
            assert took_ms >= self._ms, "over after %d ms, not %d" % (took_ms, self._ms)


class Stretch:
    """with Stretch() as stretch: ..., then stretch.holds(tick, 500): the tick is 500 ms behind a
    moment in that stretch of time, however long it was."""

    def __enter__(self):
        self._begin = ticks_ms()
        return self

    def __exit__(self, kind, error, trace):
        self._end = ticks_ms()

    def holds(self, tick, ms):
        since_ms, until_ms = ticks_diff(tick, self._begin), ticks_diff(tick, self._end)
        assert since_ms >= ms >= until_ms, (since_ms, ms, until_ms)


def let_pass(seconds):
    """A time in which nothing may happen, or in which a peer is slow on purpose. Never to give
    something time to happen: that is until()."""
    time.sleep(seconds)
