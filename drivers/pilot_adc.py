"""Front ends of the control pilot (interface: drivers/pilot.py) over a PWM with duty_u16() and an
ADC with read_u16().

At 5 % the positive plateau lasts 50 us of every 1000 us, and the state of the car is on it alone: a
read at any moment sees -12 V nineteen times out of twenty. Three ways out, from good to makeshift:

    SYNC  a read at a known phase behind the rising edge. Sees each plateau for itself, 2 ms for both (6 ms when reads
          come late or the pilot is shorted). Needs a timer or an edge interrupt with a jitter below 20 us.
    PEAK  two peak detectors hold the plateaus. Nothing in software is timed, 3.5 ms. Holds noise spikes as well.
    FREE  minimum and maximum of many reads. Needs no parts and no timer, holds the processor for all the reads, and
          noise moves both plateaus outwards. reads_needed() says how many.

The PWM runs at 1 kHz, so a permille of duty is a microsecond. Above 97 % the negative plateau is
too short for all of them, and low_mv is None. sample() allocates nothing.
"""

from math import ceil, log

from micropython import const

_X1 = const(1000)
_LONGEST_PERMILLE = const(970)
_GAIN_BITS = const(13)
# A late read finds the other plateau. A car cannot pull a plateau past zero, so this tells them
# apart.
_BORDER_MV = const(1500)
_TRIES = const(3)


def reads_needed(plateau_us, miss=1e-6):
    """Reads at random phases after which the chance that none met a plateau of `plateau_us` per millisecond is below
    `miss`: 270 for the 50 us of 5 %, 339 when 10 us of it are the slope.

    Phases are random only when the spacing of the reads is unrelated to the PWM. Reads spaced
    closer than the plateau, over more than a millisecond, cannot miss it; reads spaced by a
    fraction of a millisecond (100 us, 1 ms) can miss it for ever, whatever their number.
    """
    return ceil(log(miss) / log(1 - plateau_us / 1000))


class Scale:
    """mV at the pilot contact of a reading 0..65535, a line through two points measured on the
    board.

    A gain of 2 mV or more for a step is refused by ValueError: it would leave 30 bits.
    """

    def __init__(self, raw_a, mv_a, raw_b, mv_b):
        if raw_a == raw_b:
            raise ValueError("scale")
        self._raw = raw_a
        self._mv = mv_a
        self._gain = ((mv_b - mv_a) << _GAIN_BITS) // (raw_b - raw_a)
        if not -16384 < self._gain < 16384:
            raise ValueError("scale")

    def mv(self, raw):
        return self._mv + ((raw - self._raw) * self._gain + 4096 >> _GAIN_BITS)


class _FrontEnd:
    def __init__(self, pwm):
        self._pwm = pwm
        self._duty = _X1
        self.high_mv = 0
        self.low_mv = None

    def set_duty(self, permille):
        self._duty = permille
        self._pwm.duty_u16(permille * 65535 // 1000)


class SyncFrontEnd(_FrontEnd):
    """`at(us)` returns that long behind a rising edge of the PWM; the board does it with a timer or an edge interrupt.

    `delay_us`: how far into the positive plateau, long enough for the slope, short enough for the 50 us of 5 %.
    """

    sampling = "sync"

    def __init__(self, pwm, adc, scale, at, delay_us=30):
        super().__init__(pwm)
        self._adc = adc
        self._scale = scale
        self._at = at
        self._delay_us = delay_us

    def sample(self):
        duty = self._duty
        if duty == 0 or duty == _X1:
            self.high_mv = self._scale.mv(self._adc.read_u16())
            self.low_mv = None if duty else self.high_mv
            return
        us = min(self._delay_us, duty * 6 // 10)
        high_mv = self._read(us)
        for _ in range(_TRIES - 1):
            if high_mv > -_BORDER_MV:
                break
            high_mv = max(high_mv, self._read(us))
        self.high_mv = high_mv
        if duty > _LONGEST_PERMILLE:
            self.low_mv = None
            return
        us = max(950, duty + (1000 - duty) * 6 // 10)
        low_mv = self._read(us)
        for _ in range(_TRIES - 1):
            if low_mv < _BORDER_MV:
                break
            low_mv = min(low_mv, self._read(us))
        self.low_mv = low_mv

    def _read(self, us):
        self._at(us)
        return self._scale.mv(self._adc.read_u16())


class PeakFrontEnd(_FrontEnd):
    """Peak detectors of both signs, each with its ADC and scale (their diodes drop differently). `reset(1)` empties them,
    `reset(0)` lets them follow; `sleep_us` waits. Two periods of following meet every plateau."""

    sampling = "peak"

    def __init__(self, pwm, adc_high, adc_low, scale_high, scale_low, reset, sleep_us, reset_us=1500, follow_us=2000):
        super().__init__(pwm)
        self._adc_high = adc_high
        self._adc_low = adc_low
        self._scale_high = scale_high
        self._scale_low = scale_low
        self._empty = reset
        self._sleep_us = sleep_us
        self._reset_us = reset_us
        self._follow_us = follow_us

    def sample(self):
        self._empty(1)
        self._sleep_us(self._reset_us)
        self._empty(0)
        self._sleep_us(self._follow_us)
        duty = self._duty
        if duty <= _LONGEST_PERMILLE:
            self.low_mv = self._scale_low.mv(self._adc_low.read_u16())
        else:
            self.low_mv = None
        self.high_mv = self._scale_high.mv(self._adc_high.read_u16()) if duty else self.low_mv


class FreeFrontEnd(_FrontEnd):
    """`reads`: see reads_needed(); 339 hold a processor that takes 10 us for each for 3.4 ms."""

    sampling = "free"

    def __init__(self, pwm, adc, scale, reads=339):
        super().__init__(pwm)
        self._adc = adc
        self._scale = scale
        self._reads = reads

    def sample(self):
        adc = self._adc
        low = high = adc.read_u16()
        for _ in range(self._reads - 1):
            raw = adc.read_u16()
            if raw > high:
                high = raw
            elif raw < low:
                low = raw
        a_mv = self._scale.mv(low)
        b_mv = self._scale.mv(high)
        self.high_mv = max(a_mv, b_mv)
        self.low_mv = min(a_mv, b_mv) if self._duty <= _LONGEST_PERMILLE else None
