"""Readings of the power stage against limits and ages: what makes a fault of them.

Everything here is measured by the station; the car's words give limits only (R-LOOP-15, R-LOOP-16,
R-DC-SAFETY-05, -06, -13).
"""

from firmware.clock import ticks_add, ticks_diff
from firmware.stage.faults import IMD_ALARM, METER, OVERCURRENT, OVERDRAW, OVERVOLT, REVERSE, STALE
from firmware.stage.words import CURRENT, ENERGY, INSULATION, LINES, OUT
from micropython import const

# Voltage classes of DC: a car whose maximum is not above the first is cut off above the second, in
# V (IEC 61851-23, from memory; not checked against the text).
_CLASSES = const(((500, 550), (750, 825), (850, 935), (1000, 1100)))
_LEAST_OHM_PER_V = const(100)  # insulation while charging; the test before asks for more
TEST_MA = const(2000)  # most current of insulation test and pre-charge
_SLACK_MA = const(1000)
_TWICE_MS = const(1000)  # a car over its limit is warned, and this much later ended
_TWICE_DC_MS = const(100)  # the converter
_FOLLOW_MS = const(5000)  # a car has this long to follow a lower limit (IEC 61851-1, as for the duty)
_FOLLOW_DC_MS = const(3000)
_SLACK_PERCENT = const(10)


def class_mv(max_mv):
    """Output voltage that no car of this maximum may see, in mV."""
    for most_v, cut_v in _CLASSES:
        if max_mv <= most_v * 1000:
            return cut_v * 1000
    return max_mv // 10 * 11


class Room:
    """A ceiling and what is measured against it: a lower ceiling counts after a time to follow, and
    one reading above it is a warning, a second one is too much."""

    def __init__(self, follow_ms, twice_ms):
        self._follow_ms = follow_ms
        self._twice_ms = twice_ms
        self.reset()

    def reset(self):
        self.most = self._next = 0
        self._at = None
        self._over_at = None

    def allow(self, most, now):
        if most >= self.most:
            self.most = self._next = most
            self._at = None
        elif most != self._next:
            self._next = most
            if self._at is None:
                self._at = ticks_add(now, self._follow_ms)

    def look(self, value, slack, now):
        """0 inside, 1 the first reading above, 2 it is still above, 3 too long."""
        if self._at is not None and ticks_diff(now, self._at) >= 0:
            self.most = self._next
            self._at = None
        if value <= self.most + self.most * _SLACK_PERCENT // 100 + slack:
            self._over_at = None
            return 0
        if self._over_at is None:
            self._over_at = now
            return 1
        return 3 if ticks_diff(now, self._over_at) >= self._twice_ms else 2


class Watch:
    """Of one power stage `hw`. charge, discharge: rooms in mA (DC) or W (AC)."""

    def __init__(self, hw):
        self.hw = hw
        self._ac = Room(_FOLLOW_MS, _TWICE_MS), Room(_FOLLOW_MS, _TWICE_MS)
        self._dc = Room(_FOLLOW_DC_MS, _TWICE_DC_MS), Room(_FOLLOW_DC_MS, _TWICE_DC_MS)
        self.warned = False  # a first reading above the limit, not told yet

    def reset(self):
        for room in self._ac + self._dc:
            room.reset()

    def allow_ac(self, charge_w, discharge_w, now):
        self._ac[0].allow(charge_w, now)
        self._ac[1].allow(discharge_w, now)

    def allow_dc(self, charge_ma, discharge_ma, now):
        self._dc[0].allow(charge_ma, now)
        self._dc[1].allow(discharge_ma, now)

    def stale(self, dc, tested, now):
        """STALE and METER by the age of each source; what a stage has not (None) is not asked."""
        hw = self.hw
        old = 0
        for source in (OUT, CURRENT, INSULATION, LINES, ENERGY):
            if source == INSULATION and not (dc and tested):
                continue
            if (source == OUT and not dc) or (source == LINES and dc):
                continue
            age = hw.age_ms(source, now)
            if age is not None and age > hw.caps.limit_ms[source]:
                old |= METER if source == ENERGY else STALE
        return old

    def testing(self, out_mv):
        """In insulation test and pre-charge little current flows (R-DC-SAFETY-13)."""
        return OVERCURRENT if abs(self.hw.ma) > TEST_MA + _SLACK_MA else 0

    def output(self, out_mv, car_max_mv):
        """The voltage at the car's inlet (R-DC-SAFETY-06)."""
        return OVERVOLT if out_mv > class_mv(car_max_mv) else 0

    def insulation(self, out_mv):
        """While power may flow (R-DC-SAFETY-05)."""
        hw = self.hw
        low = hw.caps.has_monitor and hw.insulation_ohm < _LEAST_OHM_PER_V * (out_mv // 1000)
        return IMD_ALARM if low else 0

    def current(self, now):
        """The converter and its command."""
        ma = self.hw.ma
        found = 0
        if self._dc[0].look(ma, _SLACK_MA, now) == 3:
            found = OVERCURRENT if self._dc[0].most else REVERSE
        if self._dc[1].look(-ma, _SLACK_MA, now) == 3:
            found |= OVERCURRENT if self._dc[1].most else REVERSE
        return found

    def draw(self, slack_w, now):
        """The car in AC, by the station's meter (R-LOOP-16)."""
        w = self.hw.w
        into = self._ac[0].look(w, slack_w, now)
        out = self._ac[1].look(-w, slack_w, now)
        if into == 1 or out == 1:
            self.warned = True
        return OVERDRAW if into == 3 or out == 3 else 0
