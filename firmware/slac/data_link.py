"""Is the car in the network? Asks the own modem after a match, tells once that the link is ready
and once that it is lost.

A modem that does not answer is no link. For chips that cannot be asked the first IPv6 frame from
the line counts; they never tell a loss, the session's own timers have to.
"""

from firmware.clock import ticks_add, ticks_diff
from micropython import const

# What said() and poll() tell.
UP = const(1)
LOST = const(2)
NOT_JOINED = const(3)

_FAST_MS = const(100)  # between questions while joining
_SLOW_MS = const(1000)  # and then
# TT_link_status_response, 5 s, in two parts: behind the first the modem is asked once more. A
# station that has computed for seconds has not asked in that time, and must not take its own
# silence for that of the modem.
_SILENT_MS = const(4000)
_LAST_MS = const(1000)
_LATE_MS = const(100)  # polled that late, the station was busy: it has not heard what the modem may have said

_OFF = const(0)
_JOINING = const(1)
_LINKED = const(2)


class DataLink:
    """modem: the own one (watch()). can_ask: it answers VS_PL_LINK_STATUS. ready_ms: a link this
    old is told."""

    def __init__(self, modem, can_ask, ready_ms):
        self.can_ask = can_ask
        self._modem = modem
        self._ready_ms = ready_ms
        self._state = _OFF
        self._until = 0  # end of the time to join
        self._seen = False  # up, but not long enough
        self._noes = 0
        self._last = False  # asked for the last time
        self.due = None

    def join(self, now, wait_ms):
        """The car has wait_ms to come into the network."""
        self._state = _JOINING
        self._seen = False
        self._until = ticks_add(now, wait_ms)
        self.due = self._until
        if self.can_ask:
            self._modem.watch(now, _FAST_MS)

    def off(self):
        """Stop asking: nobody is expected, or the link is lost (R-LINK-24)."""
        self._state = _OFF
        self.due = None
        self._modem.watch(0, 0)

    def said(self, up, now):
        """The modem's answer, or a frame of the car; return LOST or 0. One "no" is asked again
        before it counts."""
        if self._state == _JOINING:
            if up != self._seen:
                self._seen = up
                self.due = ticks_add(now, self._ready_ms) if up else self._until
        elif self._state == _LINKED and self.can_ask:
            if up:
                self._noes = 0
                if self._last:
                    self._last = False
                    self._modem.watch(ticks_add(now, _SLOW_MS), _SLOW_MS)
                self.due = ticks_add(now, _SILENT_MS)
            elif self._noes:
                self.off()
                return LOST
            else:
                self._noes = 1
                self._modem.watch(ticks_add(now, _FAST_MS), _SLOW_MS)
        return 0

    def poll(self, now):
        """Fire the timer; return UP, LOST, NOT_JOINED or 0. A link seen in time may settle past the
        end (R-LINK-17)."""
        if self.due is None or ticks_diff(now, self.due) < 0:
            return 0
        if self._state == _JOINING and self._seen:
            self._state = _LINKED
            self._noes = 0
            self._last = False
            self.due = ticks_add(now, _SILENT_MS) if self.can_ask else None
            if self.can_ask:
                self._modem.watch(ticks_add(now, _SLOW_MS), _SLOW_MS)
            return UP
        late = ticks_diff(now, self.due) > _LATE_MS
        if self._state == _LINKED and self.can_ask and (late or not self._last):
            self._last = True
            self.due = ticks_add(now, _LAST_MS)
            self._modem.watch(now, _FAST_MS)
            return 0
        told = NOT_JOINED if self._state == _JOINING else LOST
        self.off()
        return told
