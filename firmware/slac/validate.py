"""CM_VALIDATE: the car asks the station to count toggles of the pilot between B and C (ISO 15118-3,
A.9.3; R-LINK-18).

By default the station says that this is not required. When it counts, the first request is answered
with "ready", the second opens a window in which the pilot counts; the number is the answer. Nothing
here touches the matching run: what goes wrong fails the validation only.
"""

from codec import mme
from firmware.clock import ticks_add, ticks_diff
from micropython import const

_LONGEST_MS = const(3700)  # TT_EVSE_vald_toggle 3.5 s, and what the pilot needs
_PILOT_MS = const(300)  # for the pilot to say its number after the window
_MOST = const(3)  # toggles of a proper burst

_IDLE = const(0)
_OFFERED = const(1)  # "ready" was answered
_COUNTING = const(2)
_COUNTED = const(3)  # window over, the number is to come


class Validation:
    """count: False answers "not required" to everything. `wanted`: the pilot shall count now."""

    def __init__(self, station, count):
        self._station = station
        self._count = count
        self._state = _IDLE
        self._mac = bytearray(6)
        self._toggles = 0
        self._answer = -1  # result to send, -1 = nothing
        self.due = None

    @property
    def wanted(self):
        return self._state == _COUNTING

    def _go(self, state, now, wait_ms=0):
        self._state = state
        self.due = ticks_add(now, wait_ms) if wait_ms else None

    def reset(self):
        self._answer = -1
        self._go(_IDLE, 0)

    def request(self, buf, now):
        """VALIDATE.REQ of a car in a run or in the network. False if a field is wrong: no
        answer."""
        if buf[mme.VALIDATE_SIGNAL]:
            return False
        if self._state >= _COUNTING:
            return True  # its answer is on the way
        again = self._state == _OFFERED and mme.same(buf, mme.SOURCE, self._mac, 0, 6)
        mme.copy(self._mac, 0, buf, mme.SOURCE, 6)
        self._toggles = 0
        if not self._count:
            self._answer = mme.NOT_REQUIRED
        elif buf[mme.VALIDATE_RESULT] != mme.READY:
            self._answer = mme.FAILURE
            self._go(_IDLE, now)
        elif again:
            window_ms = (buf[mme.VALIDATE_TIMER] + 1) * 100
            self._go(_COUNTING, now, window_ms if window_ms < _LONGEST_MS else _LONGEST_MS)
        else:
            self._answer = mme.READY
            self._go(_OFFERED, now)
        return True

    def toggles(self, n, now):
        """The pilot has counted n; a number given while it counts is kept until the end of the
        window."""
        if self._state >= _COUNTING:
            self._toggles = n if n < 255 else 255
            if self._state == _COUNTED:
                self._say(now)

    def poll(self, now):
        if self.due is not None and ticks_diff(now, self.due) >= 0:
            if self._state == _COUNTING:
                self._go(_COUNTED, now, _PILOT_MS)
            else:
                self._say(now)

    def _say(self, now):
        self._answer = mme.SUCCESS if 1 <= self._toggles <= _MOST else mme.FAILURE
        self._go(_IDLE, now)

    def tx(self, out):
        """Next answer into out, 0 = none."""
        if self._answer < 0:
            return 0
        result = self._answer
        self._answer = -1
        return mme.validate_cnf(out, self._mac, self._station, self._toggles, result)
