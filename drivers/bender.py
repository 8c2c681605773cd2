"""Insulation monitor Bender isoCHA425HV on Modbus RTU.

Source: one driver (EVerest) and its register names. Function 3; written is by function 16, one
register each. A measured value has four registers: IEEE float, a word with alarm, test, validity and
unit, and the number of a channel. The monitor needs 20 ms between requests, and some have been
overwhelmed: it is read once a second, and two values only.

It is set up anew at each start, and when a look at its settings shows that it has lost them.
"""

from drivers.modbus import BUSY, EXCEPTIONS
from drivers.modbus_frame import READ_HOLDING, WRITE, Request
from drivers.modbus_part import DEVICE, INVALID, REFUSES, SETTINGS, SILENT, STRANGE, Part, milli, whole
from firmware.clock import ticks_add, ticks_diff
from micropython import const

# alarm
NO_ALARM = const(0)
WARNING = const(1)
ALARM = const(2)

# test_result
RUNNING = const(0)
PASSED = const(1)
FAILED = const(2)

_R_F = const(1000)
_U_N = const(1008)
_EARTH_ALARM = const(3000)
_R1 = const(3005)
_R2 = const(3007)
_UNDER_VOLTAGE = const(3008)
_OVER_VOLTAGE = const(3010)
_ALARM_MEMORY = const(3012)
_CABLE_CHECK = const(3021)
_CHADEMO = const(3023)
_TEST_AT_START = const(3025)
_DEVICE = const(3026)
_SELF_TEST = const(8005)
_SELF_TEST_CODE = const(0x5445)
_NAME = const(9800)
_NAME_COUNT = const(10)
_FIRMWARE = const(9820)
_FIRMWARE_COUNT = const(6)
_FAST_CABLE_CHECK = const(3)
_FAST_SINCE = const(500)  # firmware above it

# In the order of writing; the last one only with a new firmware.
_SETTINGS = (
    _EARTH_ALARM, _R1, _R2, _UNDER_VOLTAGE, _OVER_VOLTAGE, _ALARM_MEMORY, _CHADEMO, _TEST_AT_START, _CABLE_CHECK,
)  # fmt: skip
_VALUE_COUNT = const(4)

_UNIT_OHM = const(2)
_UNIT_V = const(4)
_CHANNELS_R_F = (71, 1)  # 1: the same while it is an alarm
_CHANNELS_U_N = (76, 77, 78)

_TRUE = const(0)
_SMALLER = const(1)
_BIGGER = const(2)
_EXTERNAL = const(2)

_GAP_MS = const(20)
_PERIOD_MS = const(1000)
_SWITCH_MS = const(50)  # after switching on, and before a self test
_TEST_LIMIT_MS = const(30000)
_SETTLE_MS = const(10000)  # switched on, and no valid value yet
_LOOK_ROUNDS = const(10)  # between two looks at the settings
_ROUNDS = const(3)  # of writing, before SETTINGS

# Steps.
_ASK_NAME = const(0)
_ASK_FIRMWARE = const(1)
_SET = const(2)
_LOOK = const(3)
_READ = const(4)


class Bender(Part):
    """A monitor on the contract "insulation monitor".

    want(on, now): shall it measure? ohm: between live parts and earth; what it calls smaller than
    its range counts as 0, what it calls bigger as the end of its range. alarm: NO_ALARM, WARNING
    (below r1_kohm) or ALARM (below r2_kohm). ok: `ohm` and `alarm` are a valid measurement of a
    monitor that is set up and switched on; their age is age_ms(now). mv: U_N, voltage between the
    lines where it is connected, with mv_age_ms(now). ready: set up, nothing is wrong.

    self_test(now): the long one of the monitor itself, some 20 s. test_result: of the last one,
    RUNNING, PASSED or FAILED, None before. testing: the monitor says that it tests, also by itself:
    it measures nothing meanwhile.
    """

    limit_ms = 2000

    def __init__(self, address=3, r1_kohm=600, r2_kohm=120, trace=None):
        if not 15 <= r2_kohm < r1_kohm <= 600:
            raise ValueError("monitor_r1_kohm must be above monitor_r2_kohm, both 15..600")
        super().__init__("insulation monitor", address, trace)
        self.ohm = self.mv = 0
        self.alarm = NO_ALARM
        self.testing = self.valid = self.set_up = False
        self.is_on = None  # not known
        self.test_result = None
        self.part_name = ""
        self.firmware = 0
        self.mixed = 0  # answers of another value than asked for
        self.lost = 0  # so often it had other settings than those that were written
        self._r1 = r1_kohm
        self._r2 = r2_kohm
        self._wanted = False
        self._step = _ASK_NAME
        self._i = 0  # of the settings
        self._rounds = 0
        self._refused_one = False
        self._looks = 0
        self._tests = False  # a self test is asked for or under way
        self._test_sent = self._test_seen = False
        self._test_until = 0
        self._on_at = 0
        self._mv_at = None
        self._round_at = 0
        self._read = Request(address, READ_HOLDING, _NAME, _NAME_COUNT, gap_ms=_GAP_MS)
        self._write = Request(address, WRITE, _R1, 1, gap_ms=_GAP_MS)

    def start(self, now):
        super().start(now)
        self.testing = self._tests = False
        self._rounds = 0
        self._on_at = now
        self._begin()

    @property
    def ready(self):
        return self.set_up and not self.faults

    @property
    def ok(self):
        return self.ready and self.is_on is True and self.valid and not self.testing and self.at is not None

    def mv_age_ms(self, now):
        """Of mv, None: there is none."""
        return None if self._mv_at is None else ticks_diff(now, self._mv_at)

    def want(self, on, now):
        """Shall it measure?"""
        on = bool(on)
        if on != self._wanted:
            self._wanted = on
            if self.set_up and not self._quiet:
                self.wish = now

    def self_test(self, now):
        """Begin one; its result or its failure follows within 30 s."""
        self.test_result = RUNNING
        self._tests = True
        self._test_sent = self._test_seen = False
        self._test_until = ticks_add(now, _TEST_LIMIT_MS)

    def poll(self, now):
        super().poll(now)
        if self.faults & SILENT and self._step != _ASK_NAME:
            self._begin()  # it may come back as it was delivered, or as another one
        if self._tests and ticks_diff(now, self._test_until) >= 0:
            self._end_test(FAILED, now, "self test not over in time")

    # -- for the bus

    def ask(self, now):
        """The next question; the wish stands far away until it is answered."""
        self.wish = ticks_add(now, _PERIOD_MS)
        if self._step == _ASK_NAME:
            return self._reading(_NAME, _NAME_COUNT)
        if self._step == _ASK_FIRMWARE:
            return self._reading(_FIRMWARE, _FIRMWARE_COUNT)
        if self._step == _SET:
            register = _SETTINGS[self._i]
            return self._writing(register, self._setting(register))
        if self._step == _LOOK:
            return self._reading(_R1 if self._i == 0 else _R2 if self._i == 1 else _DEVICE, 1)
        on = self._wanted or self._tests
        if on != self.is_on:
            return self._writing(_DEVICE, 1 if on else 0)
        if self._tests and not self._test_sent and ticks_diff(now, self._on_at) >= _SWITCH_MS:
            return self._writing(_SELF_TEST, _SELF_TEST_CODE)
        if self._i == 0:
            self._round_at = now
        return self._reading(_R_F if self._i == 0 else _U_N, _VALUE_COUNT)

    def _reading(self, register, count):
        self._read.read(register, count)
        return self._read

    def _writing(self, register, value):
        self._write.aim(register, value)
        return self._write

    def answer(self, request, answer, at, now):
        self._answered(now)
        self.wish = ticks_add(now, _GAP_MS)
        register = request.register
        if request is self._write:
            self._written(register, now)
        elif register == _R_F:
            self._take_ohm(answer, at, now)
        elif register == _U_N:
            self._take_voltage(answer, at, now)
        elif self._step == _ASK_NAME and register == _NAME:
            self._take_name(answer, now)
        elif self._step == _ASK_FIRMWARE and register == _FIRMWARE:
            self.firmware = answer.u16(1)
            self._set(now)
        elif self._step == _LOOK and request.count == 1:
            self._look_at(register, answer.u16(0), now)

    def failed(self, request, why, now):
        if request is self._write and self._step == _SET and EXCEPTIONS < why != BUSY:
            # R1 below the R2 of before may be refused until R2 is written: another round does it.
            self._answered(now)
            self.refused = why - EXCEPTIONS
            self._refused_one = True
            self.wish = ticks_add(now, _GAP_MS)
            self._after_setting(now)
            return
        if request is self._read and request.count == 1 and EXCEPTIONS < why != BUSY:
            # No source says that settings can be read back.
            self._answered(now)
            self.wish = ticks_add(now, _GAP_MS)
            self._begin_reading(now)
            return
        super().failed(request, why, now)
        if request is self._read and self._step == _READ:
            self._i = 0
        elif request is self._write and request.register == _SELF_TEST:
            self._end_test(FAILED, now, "self test refused")

    # -- setting up

    def _begin(self):
        self._step = _ASK_NAME
        self._i = 0
        self.set_up = self.valid = False
        self.is_on = self._mv_at = None

    def _take_name(self, answer, now):
        name = bytearray(2 * _NAME_COUNT)
        for i in range(_NAME_COUNT):
            name[2 * i] = answer.u16(i) >> 8
            name[2 * i + 1] = answer.u16(i) & 0xFF
        self.part_name = "".join(chr(c) for c in name if 32 < c < 127)
        if not self.part_name.lower().startswith(("isocha", "isoev")):
            self._fault(STRANGE, True, now)
            self.wish = ticks_add(now, _PERIOD_MS)
            return
        self._fault(STRANGE, False, now)
        self._step = _ASK_FIRMWARE

    def _setting(self, register):
        """What is written there."""
        if register == _R1:
            return self._r1
        if register == _R2:
            return self._r2
        return _FAST_CABLE_CHECK if register == _CABLE_CHECK else 0

    def _set(self, now):
        """Write all settings, from the first on."""
        self._step = _SET
        self._i = 0
        self._refused_one = False
        self.set_up = False
        self.valid = False

    def _written(self, register, now):
        if self._step == _SET:
            self._after_setting(now)
        elif register == _DEVICE:
            self.is_on = self._wanted or self._tests
            self._on_at = now
            self.valid = False
            self.alarm = NO_ALARM
            self._fault(REFUSES, False, now)
            self.wish = ticks_add(now, _SWITCH_MS)
        elif register == _SELF_TEST:
            self._test_sent = True

    def _after_setting(self, now):
        self._i += 1
        last = len(_SETTINGS) - (0 if self.firmware > _FAST_SINCE else 1)
        if self._i < last:
            return
        if self._refused_one:
            self._again(now)
        else:
            self._step = _LOOK
            self._i = 0

    def _again(self, now):
        """Settings were not taken: some rounds more, then it is a fault and tried more slowly."""
        self._rounds += 1
        if self._rounds >= _ROUNDS:
            self._fault(SETTINGS, True, now)
            self.wish = ticks_add(now, _PERIOD_MS)
        self._set(now)

    def _look_at(self, register, value, now):
        if register == _DEVICE:
            # Whether it is on is not lost with its settings alone.
            if self.is_on is not (value == 1):
                self.is_on = value == 1
                self._on_at = now
                self.valid = False
            self._begin_reading(now)
        elif value != self._setting(register):
            if self.set_up:
                self.lost += 1
                self._set(now)
            else:
                self._again(now)
        else:
            self._i += 1

    def _begin_reading(self, now):
        self._step = _READ
        self._i = self._looks = self._rounds = 0
        self.set_up = True
        self._fault(SETTINGS | REFUSES, False, now)

    # -- measured values

    def _take_ohm(self, answer, at, now):
        if answer.u16(3) not in _CHANNELS_R_F:
            self.mixed += 1
            return
        word = answer.u16(2)
        alarm = word >> 8 & 7
        test = word >> 14
        validity = word >> 6 & 3
        self._i = 1
        self.testing = test != 0
        self._fault(DEVICE, alarm == 2 and not test, now)
        self._follow_test(test, alarm, now)
        value = whole(answer.u16(0), answer.u16(1))
        valid = value is not None and value >= 0 and word & 0x1F == _UNIT_OHM and validity <= _BIGGER
        if not test and self.is_on:
            settled = self.valid or ticks_diff(now, self._on_at) > _SETTLE_MS
            if valid or settled:
                self._fault(INVALID, not valid, now)
            self.valid = valid
            self.alarm = ALARM if alarm == 5 else WARNING if alarm in (1, 4) else NO_ALARM
            if valid:
                self.ohm = 0 if validity == _SMALLER else value
                self.at = at
        elif not self.is_on:
            self._fault(INVALID, False, now)

    def _take_voltage(self, answer, at, now):
        if answer.u16(3) not in _CHANNELS_U_N:
            self.mixed += 1
            return
        word = answer.u16(2)
        value = milli(answer.u16(0), answer.u16(1))
        if value is not None and word & 0x1F == _UNIT_V and word >> 6 & 3 <= _SMALLER:
            self.mv = abs(value)
            self._mv_at = at
            self._fault(REFUSES, False, now)
        self._i = 0
        self.wish = ticks_add(self._round_at, _PERIOD_MS)
        self._looks += 1
        if self._looks >= _LOOK_ROUNDS:
            self._step = _LOOK
        if self._tests and not self._test_sent:
            self.wish = ticks_add(now, _SWITCH_MS)

    def _follow_test(self, test, alarm, now):
        if not self._tests or not self._test_sent:
            return
        if test == _EXTERNAL:
            self._test_seen = True
        elif self._test_seen and test == 0:
            if alarm == 2:
                self._end_test(FAILED, now, "self test found an error of the monitor")
            else:
                self._end_test(PASSED, now, "self test passed")

    def _end_test(self, result, now, text):
        if self._tests:
            self._tests = False
            self.test_result = result
            if self._trace is not None:
                self._trace.note(now, self.name + ": " + text)
