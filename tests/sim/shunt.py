"""A shunt in the cable of a simulated installation: what really flows, whatever the power stage says
of it.

It stands behind the converter's model and below its driver: what a test replaces on the stage (a
call that raises, a reading that lies) does not reach it. Current has inertia here. A converter
that blocks lets it fall; in AC nothing in the station ends it but the contact, and the car goes on.
"""

from firmware.clock import ticks_diff
from firmware.stage.words import OFF
from host_tools.ev.states import LOOP, OVER
from micropython import const

_FALL_MA_PER_MS = const(20000)  # of the filter and the cable, when a converter blocks


class Shunt:
    """Puts itself into plant.watch. ma: now, signed. opened_ma: when the contact opened last.
    opened: how often."""

    def __init__(self, plant):
        self.ma = 0
        self.opened_ma = 0
        self.opened = 0
        self._converter = plant.board.stage
        self._contact = plant.board.contact
        self._closed = False
        self._last = plant.now
        plant.watch.append(self)

    def __call__(self, plant):
        now = plant.now
        dt = ticks_diff(now, self._last)
        self._last = now
        closed = self._contact.closed
        if closed or self._closed:
            self._flows(dt, [car for car in plant.cable.cars if LOOP < car.evcc.state < OVER])
        if self._closed and not closed:
            self.opened_ma = self.ma
            self.opened += 1
        self._closed = closed
        if not closed:
            self.ma = 0

    def _flows(self, dt, ended):
        """ended: cars that have said that they stop; they draw nothing any more."""
        stage = self._converter
        ac = stage._ac
        ma = stage.l_ma[0] if ac else stage.ma
        if abs(ma) >= abs(self.ma):
            self.ma = ma
        elif not ac:
            fall = _FALL_MA_PER_MS * dt
            self.ma = max(ma, self.ma - fall) if self.ma > 0 else min(ma, self.ma + fall)
        elif stage.state != OFF or ended:
            self.ma = ma  # the car follows a lower ceiling
