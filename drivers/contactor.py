"""Contactor with feedback: opens in the call, closes never twice in a hurry, and believes only the
feedback contact. Where hardware can open it too, that is no fault of the contactor."""

from firmware.clock import sooner, ticks_add, ticks_diff
from micropython import const

# Faults.
OK = const(0)
STUCK_OPEN = const(1)  # open though driven for close_ms: coil, wire or feedback; the coil is off again
WELDED = const(2)  # closed though not driven for open_ms

FAULT_NAMES = ("ok", "stuck open", "welded")

# Events. `closed` and `fault` are levels: ask them before waiting for an event (R-POWER-04).
CLOSED = const(1)
OPENED = const(2)
FAULT = const(3)

_SAMPLE_MS = const(20)


class Contactor:
    """`drive(1)` closes, `drive(0)` opens; `feedback()` is 1 while closed, 0 while open. Without feedback (None) `closed`
    follows the coil by close_ms and open_ms, and `verified` is never True.

    wanted    what was asked for last; driven: the coil now
    closed    by feedback
    verified  the feedback shows what the coil says
    fault     OK, STUCK_OPEN or WELDED: latched, and nothing closes, until clear()
    guard     None, or what says whether hardware has opened it by itself, or refused to close it; drive(0) forgets it
    tripped   it did, since the last close(): the coil is off, and the contact is to be open in open_ms
    """

    def __init__(self, drive, feedback, close_ms=200, open_ms=100, pause_ms=1000, guard=None):
        self._drive = drive
        self._feedback = feedback
        self._guard = guard
        self._close_ms = close_ms
        self._open_ms = open_ms
        self._pause_ms = pause_ms
        self.wanted = self.driven = self.closed = self.tripped = False
        self.fault = OK
        self.due = None
        self._apart_at = self._free_at = None
        self._moved = self._failed = 0

    @property
    def verified(self):
        return self._feedback is not None and self._apart_at is None and self.due is not None

    def start(self, now):
        """Open, and look. A fault is not forgotten by it."""
        self.wanted = self.driven = self.closed = False
        self._moved = self._failed = 0
        self._apart_at = self._free_at = None
        self.open(now)

    def close(self, now):
        """Ask for closing; False when a fault forbids it. Within pause_ms of an opening it waits
        for the rest of them."""
        if self.fault != OK or self.due is None:
            return False
        self.wanted = True
        self.tripped = False
        self.poll(now)
        return self.wanted

    def open(self, now):
        """Coil off in this call, whatever was believed of it."""
        self._release(now)
        self._look(now)

    def _release(self, now):
        self._drive(0)
        self.wanted = False
        if self.driven:
            self.driven = False
            self._free_at = ticks_add(now, self._pause_ms)
            self._apart_at = None

    def clear(self, now):
        """Forget a fault: True when there is none any more. Only with the contact seen open (the
        coil is off)."""
        if self.fault != OK and not self._feedback():
            self.fault = OK
            self._look(now)
        return self.fault == OK

    def poll(self, now):
        if self._free_at is not None and ticks_diff(now, self._free_at) >= 0:
            self._free_at = None
        if self.wanted and not self.driven and self._free_at is None:
            self.driven = True
            self._apart_at = None
            self._drive(1)
        self._look(now)

    def _look(self, now):
        if self.driven and self._guard is not None and self._guard():
            self._release(now)
            self.tripped = True
        limit_ms = self._close_ms if self.driven else self._open_ms
        over = self._apart_at is not None and ticks_diff(now, self._apart_at) >= limit_ms
        if self._feedback is not None:
            closed = bool(self._feedback())
        else:
            closed = self.driven if over else self.closed
        if closed != self.closed:
            self.closed = closed
            self._moved = CLOSED if closed else OPENED
        if closed == self.driven:
            self._apart_at = None
        elif over:
            self._fail(now)
        elif self._apart_at is None:
            self._apart_at = now
        self.due = ticks_add(now, _SAMPLE_MS)
        if self._apart_at is not None and self.fault == OK:
            self.due = sooner(self.due, ticks_add(self._apart_at, limit_ms))
        if self.wanted and not self.driven:
            self.due = sooner(self.due, self._free_at)

    def _fail(self, now):
        if self.driven:
            # A coil left on could close at any time, with nobody expecting it.
            self._release(now)
            self.fault = STUCK_OPEN
            self._failed = FAULT
        elif self.fault != WELDED:
            self.wanted = False
            self.fault = WELDED
            self._failed = FAULT

    def event(self):
        """FAULT, CLOSED, OPENED or 0 = nothing more; one code a call, the last movement only."""
        if self._failed:
            self._failed = 0
            return FAULT
        code = self._moved
        self._moved = 0
        return code
