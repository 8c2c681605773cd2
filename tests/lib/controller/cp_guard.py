"""The C module cp_guard of the board rpi_pico (boards/rpi_pico/cp_guard.c) as a model: it samples
the pilot circuit each millisecond at the phases of the C code, and opens the contactor's pad by the
same rules. It reads nothing else.
"""

from tests.lib.controller.machine_common import Reset, to_int
from tests.lib.controller.place import OUT

_PERIOD_US = 1000
_HIGH_AT_US = 25
_LOW_BEFORE_US = 15
_CONVERSION_US = 2
_BAD_LIMIT, _BAD_CLOSES = 80, 40  # a bad period adds 4, a good one takes 1
_ASK_MS = 500
_STALE_PERIODS = 20
_LOOP_MS = 1000
_WATCHDOG_MS = 3000
_HANG_MS = 30000
_OLD = 0xFFFF
_OK, _PILOT, _SILENT = 0, 1, 2


class Guard:
    """stands_still: the interrupts do not come any more."""

    def __init__(self, place):
        self._place = place
        self._started = self._running = False
        self._driven = set()
        self.stands_still = False
        self._tripped = _OK
        self._silent_ms = self._unasked_ms = self._hungry_ms = 0
        place.tick.append(self._interrupts)

    # -- the module

    def init(self, pwm_pin, cp_pin, pp_pin, contactor_pin, enable_pin, window_low, window_high):
        numbers = [to_int(n) for n in (pwm_pin, cp_pin, pp_pin, contactor_pin, enable_pin)]
        pwm, cp, pp, contactor, enable = numbers
        slice_ = pwm >> 1 & 7
        adc = 26 <= cp <= 29 and 26 <= pp <= 29
        if not (adc and 0 <= pwm <= 29 and 0 <= contactor <= 29 and 0 <= enable <= 29) or slice_ <= 1:
            raise ValueError("cp_guard: pin")
        self.stop()
        place = self._place
        pins = place.pins
        if numbers != [pins[n] for n in ("CP_PWM", "CP_ADC", "PP_ADC", "CONTACTOR", "ENABLE")]:
            raise AssertionError("the guard is not at the pins of pins.csv")
        self._contactor, self._enable = contactor, enable
        self._talk, self._talk_ms = None, 0
        self._low, self._high_end = to_int(window_low) >> 4, to_int(window_high) >> 4
        self._high = self._low_raw = self._pp = 0
        self._high_age = self._low_age = _OLD
        self._bad = _BAD_LIMIT
        self._tripped = _OK
        self._driven = set()
        self._running = False
        self._late = self._gap_us = self._last_us = 0
        self._sampled_us = -_STALE_PERIODS * _PERIOD_US
        self._silent_ms = self._unasked_ms = self._hungry_ms = self._pp_wait = 0
        for number in (contactor, enable):
            place.pad(number).owner = None
            place.pad(number).mode = OUT
            self._put(number, 0)
        self._started = True
        self._set(_PERIOD_US)

    def stop(self):
        if self._started:
            self._let_go()
            if self._talk is not None:
                self._put(self._talk, 0)
            self._set(0)
            self._started = self._running = False

    def set_duty(self, permille):
        self._need()
        permille = to_int(permille)
        if not 0 <= permille <= _PERIOD_US:
            raise ValueError("cp_guard: duty")
        self._set(permille)

    def high(self):
        self._unasked_ms = 0
        return self._reading("_high", "_high_age")

    def low(self):
        return self._reading("_low_raw", "_low_age")

    def pp(self):
        return self._reading("_pp", None)

    def drive(self, on):
        if not on:
            self._lower("_contactor")
            self._tripped = _OK
            return True
        return self._raise("_contactor")

    def enable(self, on):
        if not on:
            self._lower("_enable")
            return True
        return self._raise("_enable")

    def _lower(self, name):
        if self._started:
            self._put(getattr(self, name), 0)
            self._driven.discard(getattr(self, name))

    def _raise(self, name):
        self._need()
        good = self._tripped == _OK and self._bad < _BAD_CLOSES and self._running and self._sampled()
        if good:
            self._silent_ms = self._unasked_ms = 0
            self._driven.add(getattr(self, name))
            self._put(getattr(self, name), 1)
        elif self._tripped == _OK:
            self._tripped = _PILOT if self._running else _SILENT
        return good

    def alive(self, running=True):
        self._silent_ms = 0
        self._running = bool(running)
        if not self._running and self._started:
            self._let_go()

    def talk(self, pin, ms):
        self._need()
        pin, ms = to_int(pin), to_int(ms)
        if not 0 <= pin <= 29 or pin in (self._contactor, self._enable) or not 0 <= ms <= 10000:
            raise ValueError("cp_guard: talk")
        if pin != self._talk:
            self._talk = pin
            self._place.pad(pin).owner = None
            self._place.pad(pin).mode = OUT
        self._talk_ms = ms + 1 if ms else 0
        self._put(pin, 1 if ms else 0)

    def free_uart0(self):
        self._place.uart0_free = True

    def tripped(self):
        return self._tripped

    def gap_us(self):
        gap_us = self._gap_us
        self._gap_us = 0
        return gap_us

    def late(self):
        return self._late

    # -- its interrupts

    def _interrupts(self, place):
        if not self._started:
            return
        self._hungry_ms += 1
        if not self.stands_still:
            self._high_plateau()
            self._low_plateau()
        if self._hungry_ms >= _WATCHDOG_MS:
            raise Reset("watchdog")

    def _raw(self, us):
        mv = self._place.pilot_mv(self._place.circuit.level_mv(us))
        return min(4095, mv * 4096 // 3300)

    def _high_plateau(self):
        duty = self._duty
        if 0 < duty < _PERIOD_US and duty <= _HIGH_AT_US + _CONVERSION_US + 3:
            self._late += 1
            self._count(False)
        else:
            now_us = self._place.us
            if self._high_age != _OLD:
                self._gap_us = max(self._gap_us, now_us - self._last_us)
            self._last_us = now_us
            self._high = self._raw(_HIGH_AT_US)
            self._high_age = 0
            self._count(self._low <= self._high <= self._high_end)
        self._sampled_us = self._place.us
        self._low_age = min(_OLD, self._low_age + 1)
        for number in (self._contactor, self._enable):
            if number not in self._driven:
                self._put(number, 0)
        if self._driven and self._bad >= _BAD_LIMIT:
            self._trip(_PILOT)
        if self._talk_ms:
            self._talk_ms -= 1
            if not self._talk_ms:
                self._put(self._talk, 0)
        self._silent_ms += 1
        self._unasked_ms += 1
        if self._driven and (self._silent_ms > _LOOP_MS or self._unasked_ms > _ASK_MS):
            self._trip(_SILENT)
        if not self._running or self._silent_ms < _HANG_MS:
            self._hungry_ms = 0

    def _low_plateau(self):
        if self._duty < _PERIOD_US - 2 * _LOW_BEFORE_US:
            self._low_raw = self._raw(_PERIOD_US - _LOW_BEFORE_US)
            self._low_age = 0
        self._high_age = min(_OLD, self._high_age + 1)
        if self._driven and self._high_age >= _STALE_PERIODS:
            self._trip(_PILOT)
        if not self._pp_wait:
            self._pp_wait = 17
            self._pp = min(4095, self._place.pp_mv() * 4096 // 3300)
        self._pp_wait -= 1

    # -- inside

    def _need(self):
        if not self._started:
            raise RuntimeError("cp_guard: init() first")

    def _sampled(self):
        return self._started and self._place.us - self._sampled_us < _STALE_PERIODS * _PERIOD_US

    def _reading(self, raw, age):
        fresh = self._started and self._sampled() and (age is None or getattr(self, age) < _STALE_PERIODS)
        raw = getattr(self, raw) if fresh else 0
        return raw << 4 | raw >> 8 if fresh else -1

    def _set(self, permille):
        self._duty = permille
        self._place.set_duty(permille)

    def _count(self, good):
        self._bad = max(0, self._bad - 1) if good else min(_BAD_LIMIT, self._bad + 4)

    def _put(self, number, level):
        pad = self._place.pad(number)
        if pad.latch != level:
            pad.latch = level
            self._place.changed(number)

    def _let_go(self):
        for number in (self._contactor, self._enable):
            self._put(number, 0)
        self._driven = set()

    def _trip(self, why):
        self._let_go()
        self._tripped = why
