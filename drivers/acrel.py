"""DC meter Acrel DJSF1352-RN on Modbus RTU, both directions.

Source: one driver (EVerest), no second one: what the registers of power and energy count (W or kW,
Wh or more) is not proved by it. So it is proved here, at the meter itself: power against volts
times amperes as soon as there is some, energy against the power over time. A meter that is another
one, by 1000 most likely, is refused (UNITS), and no energy is told before that proof.

Function 3, 20 registers from 0. A value is an integer and a decimal point d in the next register:
value * 10 ** (d - 3). The point is read each time, since it moves with the range.
"""

from drivers.modbus_frame import READ_HOLDING, Request
from drivers.modbus_part import ENERGY, REFUSES, SIGN, STRANGE, UNITS, Part
from firmware.clock import ticks_add, ticks_diff
from micropython import const

_COUNT = const(20)
_V = const(0)
_V_POINT = const(1)
_A = const(2)
_A_POINT = const(3)
_W = const(8)
_W_POINT = const(9)
_FORWARD = const(12)
_REVERSE = const(14)

_PERIOD_MS = const(200)
_MOST = const(2000000)  # mV, mA
_TENS = (1, 10, 100, 1000, 10000)

_PROOF_W = const(500)  # below it rounding is too large a part
_PROOF_TIMES = const(10)  # readings in a row that disagree: in a ramp one register may be behind the other
_PROOF_RATIO = const(4)  # another unit is 10 off at least
_PROOF_WH = const(200)
_SIGN_W = const(500)
_SIGN_TIMES = const(5)


class Acrel(Part):
    """A meter on the contract "meter". mv, ma, w: signed, positive into the car. charged_wh and
    discharged_wh: None until the unit is proved, then they never fall.

    swapped and charging_only as in drivers/eastron.py. power_proved, energy_proved: what was
    compared since start().
    """

    phases = 0
    l_mv = l_ma = l_w = (0, 0, 0)
    var = 0

    def __init__(self, address=1, swapped=False, trace=None):
        super().__init__("meter", address, trace)
        self.swapped = swapped
        self.charging_only = False
        self.mv = self.ma = self.w = 0
        self.charged_wh = self.discharged_wh = None
        self.power_proved = self.energy_proved = False
        self._request = Request(address, READ_HOLDING, 0, _COUNT)
        self._off = self._against = 0
        self._forward = self._reverse = None  # registers of the last reading
        self._base = 0  # both registers when the comparison of energy began
        self._ws = 0  # W * s since then, magnitude
        self._last_at = None

    def start(self, now):
        super().start(now)
        self.power_proved = self.energy_proved = False
        self._off = self._against = self._ws = 0
        self._forward = self._reverse = self._last_at = None
        self.charged_wh = self.discharged_wh = None

    @property
    def ok(self):
        """It is read, and nothing is wrong; energy_proved says if its energy counts too."""
        return not self.faults and self.at is not None

    def energy_age_ms(self, now):
        """Of charged_wh and discharged_wh, None: not proved."""
        return self.age_ms(now) if self.energy_proved else None

    # -- for the bus

    def ask(self, now):
        self.wish = ticks_add(now, _PERIOD_MS)
        return self._request

    def answer(self, request, answer, at, now):
        self._answered(now)
        v_point = answer.u16(_V_POINT)
        a_point = answer.u16(_A_POINT)
        w_point = answer.u16(_W_POINT)
        sign = -1 if self.swapped else 1
        known = v_point < len(_TENS) and a_point < len(_TENS) and w_point < len(_TENS) + 3
        mv = answer.u16(_V) * _TENS[v_point] if known else 0
        ma = sign * answer.s16(_A) * _TENS[a_point] if known else 0
        if not known or mv > _MOST or not -_MOST < ma < _MOST:
            self._fault(STRANGE, True, now)
            return
        self.mv = mv
        self.ma = ma
        w = sign * answer.s16(_W)
        w = w * _TENS[w_point - 3] if w_point >= 3 else w // _TENS[3 - w_point]
        product_w = (mv // 100) * (ma // 100) // 100
        self._prove_power(w, product_w, now)
        # Until the unit is proved the product is the better power.
        self.w = w if self.power_proved else product_w
        self._take_energy(answer.u32(_FORWARD), answer.u32(_REVERSE), at, now)
        self.at = at
        self._fault(STRANGE | REFUSES, False, now)
        self._look_at_sign(now)

    def _prove_power(self, w, product_w, now):
        if -_PROOF_W < product_w < _PROOF_W:
            return
        # Both have the same sign, and neither is far above the other.
        same = (
            (w < 0) == (product_w < 0)
            and abs(w) <= _PROOF_RATIO * abs(product_w)
            and abs(product_w) <= _PROOF_RATIO * abs(w)
        )
        if same:
            self._off = 0
            self.power_proved = True
            return
        if self._off < _PROOF_TIMES:
            self._off += 1
            if self._off == _PROOF_TIMES:
                self.power_proved = False
                self._fault(UNITS, True, now)

    def _take_energy(self, forward, reverse, at, now):
        if self._forward is None:
            self._base = forward + reverse
            self._ws = 0
        elif forward < self._forward or reverse < self._reverse:
            self._fault(ENERGY, True, now)
            return
        elif not self.energy_proved and self._last_at is not None:
            self._ws += abs(self.w) * ticks_diff(at, self._last_at) // 1000
            if self._ws >= 3600 * _PROOF_WH:
                counted = forward + reverse - self._base
                wh = self._ws // 3600
                if counted > 2 * wh or wh > 2 * counted:
                    self._fault(UNITS, True, now)
                else:
                    self.energy_proved = True
                self._base = forward + reverse
                self._ws = 0
        self._forward = forward
        self._reverse = reverse
        self._last_at = at
        if self.energy_proved:
            self.charged_wh = reverse if self.swapped else forward
            self.discharged_wh = forward if self.swapped else reverse

    def clear(self, now):
        """As in Part; units are compared anew, and registers that fell are taken as they are."""
        self._off = self._against = 0
        if self.faults & (UNITS | ENERGY):
            self._forward = self._last_at = None
            self.power_proved = self.energy_proved = False
        return super().clear(now)

    def _look_at_sign(self, now):
        if not self.charging_only or self.w > -_SIGN_W:
            self._against = 0
        elif self._against < _SIGN_TIMES:
            self._against += 1
            if self._against == _SIGN_TIMES:
                self._fault(SIGN, True, now)
