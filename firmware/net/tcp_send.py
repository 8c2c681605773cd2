"""The sending half of a TCP connection: what waits, what is in flight, and when it is sent again
(RFC 9293, 6298, 5681).

Choices:
* At most 4 segments are in flight, one after a timeout. That is less than the first window of RFC 6928, so no slow start
  is needed: messages of a session are one segment, rarely six, over one hop.
* A message is a segment of its own, or several of full size and a rest: some cars take one segment for one message.
  There is no Nagle delay.
* If the car repeats its request, it has not seen the answer: resend the answer at once instead of waiting for the RTO, which
  may have doubled meanwhile. The car waits 0.5 s for it in a charge loop. A line that lost three answers in a row had
  ended a session.
"""

from firmware.clock import ticks_add, ticks_diff
from firmware.net.ring import TxRing
from firmware.net.rto import Rto
from micropython import const

MSS = const(1440)  # bytes of ours in one frame: 1500 - 40 - 20
_MSS = const(1440)
_MSS_DEFAULT = const(1220)  # a SYN without the option (RFC 9293 section 3.7.1)
_MSS_MIN = const(64)  # less would turn one message into a flood of segments
_WINDOW = const(4)  # segments in flight
_FAST = const(3)  # duplicate ACKs that say "lost"


class Sender:
    """(hi, lo) is the position of the first byte that is not acknowledged; every other place counts
    from it.

    pick() chooses the next segment: at, size, and last, which says that FIN goes with it. timer is
    the tick when expired() is to be called, for a retransmission or the probe of a closed window.
    """

    def __init__(self, buf):
        self.ring = TxRing(buf)
        self._rto = Rto()
        self.reset()

    def reset(self):
        self.ring.reset()
        self._rto.reset()
        self.hi = 0
        self.lo = 0
        self.max = 0  # end of what was sent
        self.mss = _MSS_DEFAULT
        self.window = 0  # of the car, and the largest that it has had
        self._window_max = 0
        self.fin = False  # wanted behind what waits, and not acknowledged
        self.probe = False  # the timer says: ask for the window
        self.timer = None
        self.retries = 0
        self.at = 0
        self.size = 0
        self.last = False
        self._nxt = 0  # next to send
        self._recover = 0  # end of what was in flight at a fast retransmit
        self._resend = False
        self._timed_end = 0  # end of the segment whose round trip is measured, 0 if none is
        self._timed_from = 0
        self._flight = _WINDOW
        self._duplicates = 0
        self._force = False  # send what the window takes, however little

    def begin(self, isn):
        """isn: 4 random bytes."""
        self.hi = isn[0] << 8 | isn[1]
        self.lo = isn[2] << 8 | isn[3]

    def pick(self, now):
        """True if a segment may leave now; then it counts as sent."""
        if self._resend:
            self._resend = False
            at = 0
        elif self._may_send(now):
            at = self._nxt
        else:
            return False
        size = self._size(at)
        if size > self.window - at > 0:
            size = self.window - at
        self._force = False
        self.at = at
        self.size = size
        self.last = self.fin and at + size == self.ring.n
        self.sent(at, at + size + 1 if self.last else at + size, now)
        return True

    def sent(self, at, end, now):
        """The byte numbers from at to end leave, a SYN or FIN counted as one."""
        if self.timer is None:
            self.timer = ticks_add(now, self._rto.ms)
        if at < self.max:
            self._timed_end = 0  # Karn: which of the two is acknowledged will not be known
        elif not self._timed_end:
            self._timed_end = end
            self._timed_from = now
        if self._nxt < end:
            self._nxt = end
        if self.max < end:
            self.max = end

    def established(self, now):
        """The SYN is acknowledged."""
        if self.retries:
            self._rto.settle()
        self._forward(1, now)

    def acknowledged(self, a, now):
        """1 <= a <= max byte numbers are acknowledged. Return True if the FIN is among them."""
        n = self.ring.n
        fin = a > n
        self.ring.acknowledge(n if fin else a)
        if fin:
            self.fin = False
        self._forward(a, now)
        return fin

    def duplicate(self):
        """An ACK without news, while something is in flight."""
        self._duplicates += 1
        if self._duplicates == _FAST and not self._recover:
            self._resend = True
            self._recover = self.max

    def again(self):
        """Content that is in flight is wanted now: its first segment goes again. The timer runs
        on."""
        if self.max and self.ring.n:
            self._resend = True

    def update(self, window):
        """The car has this window now."""
        if window > self._window_max:
            self._window_max = window
        if not self.max or not window:
            self.retries = 0  # it is alive, and it may keep its window closed as long as it likes
        if not self.max and window > self.window and self.timer is not None:
            self._rto.settle()
            self.timer = None
        self.window = window

    def expired(self, now):
        """The timer has run out."""
        self.retries += 1
        self._rto.back_off()
        self.timer = ticks_add(now, self._rto.ms)
        self._timed_end = 0
        self._duplicates = 0
        self._recover = 0
        if self.max:
            self._nxt = 0  # go back, with one segment until the car answers
            self._flight = 1
            self._resend = True
        elif self.window:
            self._force = True  # a car may keep a small window small (RFC 9293 section 3.8.6.2.1)
        else:
            self.probe = True

    def _forward(self, a, now):
        low = self.lo + a
        self.hi = self.hi + (low >> 16) & 0xFFFF
        self.lo = low & 0xFFFF
        self.max -= a
        self._nxt = self._nxt - a if self._nxt > a else 0
        if self._timed_end > a:
            self._timed_end -= a
        elif self._timed_end:
            self._rto.sample(ticks_diff(now, self._timed_from))
            self._timed_end = 0
        self.retries = 0
        self._duplicates = 0
        self._flight = _WINDOW
        self._resend = self._recover > a  # a second hole in what was in flight (RFC 6582)
        self._recover = self._recover - a if self._recover > a else 0
        self.timer = ticks_add(now, self._rto.ms) if self.max else None

    def _size(self, at):
        """Bytes of the segment at `at`: to the end of its message, at most one MSS."""
        n = self.ring.to_end(at)
        return n if n < self.mss else self.mss

    def _may_send(self, now):
        """True if the segment at _nxt may leave. A closed or too small window starts the timer of
        its probe."""
        at = self._nxt
        if at >= self.ring.n:
            return self.fin and at == self.ring.n
        size = self._size(at)
        if at + size > self._flight * self.mss:
            return False
        if at + size <= self.window:
            return True
        # A car whose window never held a whole segment gets what it can take; others get their
        # message whole.
        if at < self.window and (self._force or (self._window_max < size and self.window * 2 >= self._window_max)):
            return True
        if not self.max and self.timer is None:
            self.timer = ticks_add(now, self._rto.ms)
        return False


def mss_option(buf, at, end):
    """The largest segment that we send: the option of a SYN, options at buf[at:end], and our own
    limit."""
    while at < end and buf[at]:
        if buf[at] == 1:
            at += 1
            continue
        if at + 1 >= end or buf[at + 1] < 2 or at + buf[at + 1] > end:
            break
        if buf[at] == 2 and buf[at + 1] == 4:
            mss = buf[at + 2] << 8 | buf[at + 3]
            return _MSS_MIN if mss < _MSS_MIN else _MSS if mss > _MSS else mss
        at += buf[at + 1]
    return _MSS_DEFAULT
