"""The RS-485 bus at UART1 of an emulated board: slaves of twin.rtu, and the board's transceiver.

The emulator times every character; an answer is handed over whole and takes its time on the wire.
"""

from firmware.clock import ticks_add, ticks_diff

_PARITIES = ("none", "even", "odd")
_GAP_MS = 2  # no character for so long: the frame is over
_IDLE_MS = 50


class Rs485:
    """speed: of the board's UART, 4 * baud + parity. driving: the board holds the line. Counters:
    collisions (answers that began while it did), mute (frames that its transceiver did not let
    out), other_speed (requests that no slave could read)."""

    def __init__(self, *slaves):
        self.slaves = slaves
        self.speed = 0
        self.driving = False
        self.collisions = self.mute = self.other_speed = 0
        self.before = None  # called with the tick before the slaves measure
        self._frame = b""
        self._over_at = None  # when the frame that is heard ends, or the answer begins
        self._answer = None
        self._now = None

    def hears(self, data, now):
        """What has left the UART; its last character ends now."""
        if self.driving:
            self._frame += data
            self._over_at = ticks_add(now, _GAP_MS)
        else:
            self.mute += 1

    @property
    def due(self):
        return self._over_at if self._over_at is not None else ticks_add(self._now, _IDLE_MS)

    def poll(self, now):
        """Bytes of an answer that begins now."""
        if self._now is None:
            self._now = now
        if self.before is not None:
            self.before(now)
        for slave in self.slaves:
            slave.advance(ticks_diff(now, self._now))
        self._now = now
        if self._over_at is None or ticks_diff(now, self._over_at) < 0:
            return b""
        self._over_at = None
        if self._answer is None:
            frame, self._frame = self._frame, b""
            for slave in self.slaves:
                if not self._same_speed(slave):
                    self.other_speed += 1
                elif answer := slave.reply(frame):
                    self._answer = answer
                    self._over_at = ticks_add(now, max(1, slave.latency_ms - _GAP_MS))
            return b""
        answer, self._answer = self._answer, None
        if self.driving:
            self.collisions += 1
            return b""
        return answer

    def _same_speed(self, slave):
        baud, parity = self.speed >> 2, _PARITIES[self.speed & 3]
        return parity == slave.parity and abs(baud - slave.baud) * 100 < 2 * slave.baud
