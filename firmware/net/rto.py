"""When to send again: the retransmission timer of TCP (RFC 6298), in milliseconds."""

from micropython import const

# RFC 6298 asks for 1 s at least. The link is one powerline hop, and a car waits 0.5 s for the
# answer of a charge loop: a lost answer must be sent again before that.
_MIN_MS = const(200)
# Of the first segment, a SYN. The car takes the wait for a lost SYN-ACK for its own first round
# trip: after 500 ms, Linux waited 1 s before it repeated a lost request, a dozen messages later.
_SYN_MS = const(200)
# Before a round trip is measured (RFC 6298: 1 s, and 3 s when the handshake needed a second SYN),
# and the most that is believed afterwards. On one hop a measured second was a lost ACK, but it
# would hold the timer above 3 s for a dozen answers, and the car waits 2 s for each. Seen with the
# kernel's TCP over a line that loses 5 %.
_FIRST_MS = const(500)
# RFC 6298 would go to 60 s. After 60 s the session is over anyway (R-TIMERS-01), and a link that
# comes back is used soon.
_MAX_MS = const(5000)


class Rto:
    """`ms` is the timer's length now, with back-off."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.ms = _SYN_MS
        self._srtt8 = 0  # smoothed round trip time * 8
        self._var4 = 0  # its variation * 4
        self._known = False

    def sample(self, rtt_ms):
        """A segment that was sent once was acknowledged after rtt_ms (Karn: never one that was sent
        again)."""
        if not self._known:
            self._known = True
            self._srtt8 = rtt_ms << 3
            self._var4 = rtt_ms << 1
        else:
            error = rtt_ms - (self._srtt8 >> 3)
            self._srtt8 += error
            if error < 0:
                error = -error
            self._var4 += error - (self._var4 >> 2)
        self.settle()

    def settle(self):
        """Back to the estimate: the back-off was for a reason that is gone."""
        if not self._known:
            self.ms = _FIRST_MS
            return
        ms = (self._srtt8 >> 3) + self._var4
        self.ms = _MIN_MS if ms < _MIN_MS else _FIRST_MS if ms > _FIRST_MS else ms

    def back_off(self):
        self.ms = self.ms * 2 if self.ms * 2 < _MAX_MS else _MAX_MS
