"""The lock of an AC socket: the plug is held before power flows, and let go when no current is left
and the session is over. The power stage has the motor and its feedback (`lock`, `locked`)."""

from firmware.clock import ticks_diff
from firmware.stage.faults import LOCK
from micropython import const

_MOVE_MS = const(2000)  # what the motor may need
_LOST_MS = const(60)  # closed and not closed any more: three polls


class SocketLock:
    """ready: locked, by its feedback. bits: LOCK, or 0. open: told so and not locked."""

    def __init__(self):
        self._start()

    def _start(self):
        self.ready = self.held = False
        self.bits = 0
        self._since = None  # tick from which it is not where it must be
        self._was = False  # it has been locked since it was told to

    def start(self, now):
        self._start()

    def poll(self, stage, hold, free, now):
        """hold: the plug must stay. free: no current, and the contact is open; else it is never let
        go."""
        if hold != self.held and (hold or free):
            self.held = hold
            self._was = False
            self._since = None
            self.bits = 0
            stage.lock(hold, now)
        locked = bool(stage.locked)
        self.ready = self.held and locked
        if not self.held or locked:
            self._was = self.ready
            self._since = None
            if not self.held:
                self.bits = 0
        elif self._since is None:
            self._since = now
        elif ticks_diff(now, self._since) >= (_LOST_MS if self._was else _MOVE_MS):
            self.bits = LOCK
