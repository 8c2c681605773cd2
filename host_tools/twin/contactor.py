"""Model of a contactor: coil, moving contact and auxiliary contact, with the ways they fail."""

from firmware.clock import ticks_add, ticks_diff


class ContactorModel:
    """`drive` and `feedback` are what drivers/contactor.py takes. A movement that the coil began is timed from the poll
    that follows at once: `due` asks for it.

    closed            the power contact itself, whatever the feedback says
    welded            it does not open, or is closed from the start
    stuck_open        it does not close
    feedback_broken   the wire of the auxiliary contact is off: it says open
    coil, closings    what the coil is told, and how often it was switched on
    """

    def __init__(self, close_ms=40, open_ms=20):
        self._close_ms = close_ms
        self._open_ms = open_ms
        self.coil = 0
        self.closings = 0
        self.welded = self.stuck_open = self.feedback_broken = False
        self._contact = False
        self._moves_at = None
        self._now = None
        self.due = None

    @property
    def closed(self):
        return self.welded or (self._contact and not self.stuck_open)

    def start(self, now):
        self._now = now

    def drive(self, on):
        if on and not self.coil:
            self.closings += 1
        if on != self.coil:
            self.coil = on
            self._moves_at = None
            self.due = self._now

    def feedback(self):
        return 1 if self.closed and not self.feedback_broken else 0

    def poll(self, now):
        self._now = now
        if bool(self.coil) == self._contact:
            self._moves_at = self.due = None
            return
        if self._moves_at is None:
            self._moves_at = self.due = ticks_add(now, self._close_ms if self.coil else self._open_ms)
        if ticks_diff(now, self._moves_at) >= 0:
            self._contact = bool(self.coil)
            self._moves_at = self.due = None
