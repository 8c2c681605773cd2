"""The copper between a DC converter and a battery: output capacitor, contactor, cable, the car.

A converter sets `on`, `set_mv`, `set_ma` (magnitude) and `sink` (it takes power out of the car);
currents and voltages follow from the circuit. The car is a battery behind contactors of its own,
which close when the voltage outside has been that of the battery for a while (the end of
pre-charge) and open when the station's contact does. Positive current flows into the car.
"""

from firmware.clock import ticks_diff
from micropython import const

_STEP_MS = const(10)
_RISE_MV_PER_MS = const(2000)  # output capacitor, charged by the converter
_FALL_MV_PER_MS = const(4000)  # discharged by its bleeder when off
_RAMP_MA_PER_MS = const(200)  # 200 A/s
_NEAR_MV = const(20000)
_DWELL_MS = const(100)


class DcLine:
    """closed: callable, is the contact between converter and car closed? None: there is none, or
    it is told by `contact`."""

    def __init__(self, closed=None, car_mv=366000, car_mohm=60):
        self.closed = closed
        self.contact = False
        self.car_mv = car_mv  # open-circuit voltage of the battery
        self.car_mohm = car_mohm
        self.joined = False  # the car's contactors
        self.on = False
        self.sink = False
        self.set_mv = 0
        self.set_ma = 0
        self.mv_in = 0
        self.mv_out = 0
        self.ma = 0
        self.insulation_ohm = 20000000
        self.over_mv = 0  # fault: so much above what was set
        self.in_mwms = self.out_mwms = 0  # energy, in mW times ms
        self._near_ms = 0
        self._now = None

    @property
    def w(self):
        return self.mv_out // 1000 * self.ma // 1000

    def poll(self, now):
        if self._now is None:
            self._now = now
        left = ticks_diff(now, self._now)
        self._now = now
        while left > 0:
            dt = min(left, _STEP_MS)
            left -= dt
            self._step(dt)

    def _step(self, dt):
        closed = self.closed() if self.closed else self.contact
        if not closed:
            self.joined = False
            self.ma = 0
            self._near_ms = 0
        if self.joined:
            self._flow(dt)
        else:
            self._charge(dt)
            self.ma = 0
            self.mv_out = self.mv_in if closed else max(0, self.mv_out - _FALL_MV_PER_MS * dt)
            if closed and abs(self.mv_in - self.car_mv) <= _NEAR_MV:
                self._near_ms += dt
                self.joined = self._near_ms >= _DWELL_MS
            else:
                self._near_ms = 0
        power = self.mv_out * self.ma // 1000 * dt
        if power > 0:
            self.in_mwms += power
        else:
            self.out_mwms -= power

    def _charge(self, dt):
        goal = self.set_mv + self.over_mv if self.on else 0
        if self.mv_in < goal:
            self.mv_in = min(goal, self.mv_in + _RISE_MV_PER_MS * dt)
        else:
            self.mv_in = max(goal, self.mv_in - _FALL_MV_PER_MS * dt)

    def _flow(self, dt):
        goal = 0
        if self.on:
            # By Ohm's law, what a constant voltage lets flow; the current limit bounds it.
            room = (self.set_mv + self.over_mv - self.car_mv) * 1000 // self.car_mohm
            goal = max(-self.set_ma, min(0, room)) if self.sink else min(self.set_ma, max(0, room))
        step = _RAMP_MA_PER_MS * dt
        if not self.on:
            self.ma = 0  # a blocked converter carries nothing, within microseconds
        elif self.ma < goal:
            self.ma = min(goal, self.ma + step)
        else:
            self.ma = max(goal, self.ma - step)
        self.mv_in = self.mv_out = self.car_mv + self.ma * self.car_mohm // 1000
