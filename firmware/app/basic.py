"""AC charging without messages: IEC 61851-1 mode 3, where the duty of the pilot is the whole
conversation.

The machine owns neither pilot nor contactor. It is told the debounced state, and says which duty
and which contactor position it wishes. It begins on a pilot without PWM: leaving 5 % through E/F or
X1 is done before (R-LINK-04).
"""

from drivers.pilot import X1, B, C, D, duty_permille
from firmware.clock import sooner, ticks_add, ticks_diff
from micropython import const

_HIGHEST_X10 = const(800)
_HOLD_MS = const(5000)  # a car gets that long to follow a new duty before the next
_STOP_MS = const(6000)  # a car that draws on without PWM is cut off under load (IEC 61851-1, table A.6, sequence 10.2)


class Basic:
    """`limit_x10`: 0.1 A, of the installation and the cable. `ventilated`: the place is, so that D may charge.

    duty    permille wished for the pilot
    close   wish for the contactor. The caller must open it in the same call in which `close` becomes False:
            C to B has 100 ms in all, of which the pilot's debouncing takes 40 (R-POWER-11)
    """

    def __init__(self, limit_x10, ventilated=False):
        self._limit_x10 = min(limit_x10, _HIGHEST_X10)
        self._ventilated = ventilated
        self._reset()

    def _reset(self):
        self._amps_x10 = self._limit_x10
        self._state = 0
        self._hold_until = self._stop_at = None
        self.duty = X1
        self.close = False
        self.due = None

    def start(self, now):
        """Begin without PWM, contactor open and the whole limit offered."""
        self._reset()

    def pilot(self, state, now):
        """The pilot's state; every time or only when it has changed."""
        self._state = state
        self.poll(now)

    def set_amps_x10(self, amps_x10, now):
        """Offer another current, in 0.1 A; it is cut to the limit. Below 5.9 A is a stop, and acts
        at once."""
        self._amps_x10 = max(0, min(amps_x10, self._limit_x10))
        self.poll(now)

    def poll(self, now):
        if self._hold_until is not None and ticks_diff(now, self._hold_until) >= 0:
            self._hold_until = None
        plugged = B <= self._state <= D
        wanted = duty_permille(self._amps_x10) if plugged else X1
        if not plugged:
            self._hold_until = None  # the next car has not seen any duty yet
            self.duty = X1
        elif wanted != self.duty and (wanted == X1 or self._hold_until is None):
            self.duty = wanted
            self._hold_until = ticks_add(now, _HOLD_MS)
        self._switch(now)
        self.due = sooner(self._hold_until if wanted != self.duty else None, self._stop_at)

    def _switch(self, now):
        draws = self._state == C or (self._state == D and self._ventilated)
        if not draws:
            self.close = False
        elif self.duty != X1:
            self.close = True
        if not self.close or self.duty != X1:
            self._stop_at = None
        elif self._stop_at is None:
            self._stop_at = ticks_add(now, _STOP_MS)
        elif ticks_diff(now, self._stop_at) >= 0:
            self.close = False
            self._stop_at = None
