"""AC meters Eastron SDM630 V2 and SDM72D-M V2 on Modbus RTU.

Source: register lists of the makers as PyPI's sdm_modbus and EVerest have them (two sources that
agree). Function 4; a value is an IEEE float in two registers, high word first. The SDM72D-M gives at
most 30 values at once, so two blocks are read: volts, amperes and watts of the lines four times a
second, frequency and energy once a second. The meter itself computes anew only some times a second:
it cannot show what is over in half a second.
"""

from drivers.modbus_frame import READ_INPUT, Request
from drivers.modbus_part import ENERGY, REFUSES, SIGN, STRANGE, Part, milli
from firmware.clock import ticks_add, ticks_diff
from micropython import const

_LINES = const(0x0000)  # V, A, W, VA, var of the three lines
_LINES_COUNT = const(30)
_V = const(0)
_A = const(6)
_W = const(12)
_VAR = const(24)

_TOTALS = const(0x0034)
_TOTALS_COUNT = const(24)
_HZ = const(18)
_IMPORT = const(20)
_EXPORT = const(22)

_LINES_MS = const(250)
_TOTALS_MS = const(1000)

_MOST_MV = const(500000)
_MOST_MA = const(200000)  # SDM630: 100 A
_SIGN_W = const(200)  # less than that out of the car is its own supply and noise
_SIGN_TIMES = const(4)  # readings in a row: a second


class Eastron(Part):
    """A meter on the contract "meter". l_mv, l_ma, l_w: of the lines, signed, positive into the car.
    mv, ma: of line 1. w, var: of all. hz_m: millihertz. charged_wh, discharged_wh: None until read,
    then they never fall.

    swapped: it is wired the other way round. charging_only: set by who knows that no export is
    allowed now; what is measured out of the car then is the fault SIGN. Which it is, wiring or car,
    the meter cannot know: both must be off.
    """

    phases = 3

    def __init__(self, address=1, swapped=False, trace=None):
        super().__init__("meter", address, trace)
        self.swapped = swapped
        self.charging_only = False
        self.l_mv = [0, 0, 0]
        self.l_ma = [0, 0, 0]
        self.l_w = [0, 0, 0]
        self.mv = self.ma = self.w = self.var = self.hz_m = 0
        self.charged_wh = self.discharged_wh = None
        self._next = [0, 0, 0]  # a reading is taken whole or not at all
        self._lines = Request(address, READ_INPUT, _LINES, _LINES_COUNT)
        self._totals = Request(address, READ_INPUT, _TOTALS, _TOTALS_COUNT)
        self._totals_wish = 0
        self._energy_at = None
        self._bad_lines = self._bad_totals = False
        self._against = 0  # readings in a row out of the car

    def start(self, now):
        super().start(now)
        self._totals_wish = now
        self._energy_at = None
        self._against = 0

    @property
    def ok(self):
        """Both blocks are read, and nothing is wrong."""
        return not self.faults and self.at is not None and self._energy_at is not None

    def energy_age_ms(self, now):
        """Of charged_wh and discharged_wh, None: never read."""
        return None if self._energy_at is None else ticks_diff(now, self._energy_at)

    # -- for the bus

    def ask(self, now):
        # Energy first: else a bus that is too slow for both would never read it.
        totals = self.at is not None and ticks_diff(now, self._totals_wish) >= 0
        if totals:
            self._totals_wish = ticks_add(now, _TOTALS_MS)
            self.wish = now
            return self._totals
        self.wish = ticks_add(now, _LINES_MS)
        return self._lines

    def answer(self, request, answer, at, now):
        self._answered(now)
        if request is self._totals:
            good = self._take_totals(answer, at, now)
            self._bad_totals = not good
        else:
            good = self._take_lines(answer)
            self._bad_lines = not good
            if good:
                self.at = at
                self._look_at_sign(now)
        if not good:
            self._fault(STRANGE, True, now)
        elif not self._bad_lines and not self._bad_totals:
            self._fault(STRANGE | REFUSES, False, now)

    def failed(self, request, why, now):
        if request is self._totals:
            self._bad_totals = True
        else:
            self._bad_lines = True
        super().failed(request, why, now)

    def _take_lines(self, answer):
        """False: these are no lines of a grid."""
        watts = self._next
        var = 0
        for i in range(3):
            mv = milli(answer.u16(_V + 2 * i), answer.u16(_V + 2 * i + 1))
            ma = milli(answer.u16(_A + 2 * i), answer.u16(_A + 2 * i + 1))
            mw = milli(answer.u16(_W + 2 * i), answer.u16(_W + 2 * i + 1))
            mvar = milli(answer.u16(_VAR + 2 * i), answer.u16(_VAR + 2 * i + 1))
            if mv is None or ma is None or mw is None or mvar is None:
                return False
            if not 0 <= mv <= _MOST_MV or not -_MOST_MA <= ma <= _MOST_MA:
                return False
            watts[i] = (mw + 500) // 1000
            var += (mvar + 500) // 1000
        sign = -1 if self.swapped else 1
        total = 0
        for i in range(3):
            w = sign * watts[i]
            ma = abs(milli(answer.u16(_A + 2 * i), answer.u16(_A + 2 * i + 1)))
            self.l_mv[i] = milli(answer.u16(_V + 2 * i), answer.u16(_V + 2 * i + 1))
            self.l_ma[i] = -ma if w < 0 else ma  # amperes come without a sign
            self.l_w[i] = w
            total += w
        self.mv = self.l_mv[0]
        self.ma = self.l_ma[0]
        self.w = total
        self.var = sign * var
        return True

    def _take_totals(self, answer, at, now):
        """False: that is no meter of a grid."""
        hz_m = milli(answer.u16(_HZ), answer.u16(_HZ + 1))
        taken = milli(answer.u16(_IMPORT), answer.u16(_IMPORT + 1))
        given = milli(answer.u16(_EXPORT), answer.u16(_EXPORT + 1))
        if hz_m is None or taken is None or given is None or taken < 0 or given < 0:
            return False
        if hz_m and not 40000 <= hz_m <= 70000:
            return False
        if self.swapped:
            taken, given = given, taken
        if self.charged_wh is not None and (taken < self.charged_wh or given < self.discharged_wh):
            self._fault(ENERGY, True, now)
            return True
        self.hz_m = hz_m
        self.charged_wh = taken
        self.discharged_wh = given
        self._energy_at = at
        return True

    def clear(self, now):
        """As in Part; registers that fell are taken as they are from now on."""
        if self.faults & ENERGY:
            self.charged_wh = self.discharged_wh = self._energy_at = None
        self._against = 0
        return super().clear(now)

    def _look_at_sign(self, now):
        if not self.charging_only or self.w > -_SIGN_W:
            self._against = 0
        elif self._against < _SIGN_TIMES:
            self._against += 1
            if self._against == _SIGN_TIMES:
                self._fault(SIGN, True, now)
