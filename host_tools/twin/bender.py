"""Model of the insulation monitor Bender isoCHA425HV behind Modbus RTU.

It is given what is true (ohms, volts) and says what such a device would: after the time that it
needs to measure, within its range, with alarm, test and validity. Register names and bits from the
one public driver of it.
"""

import struct

from twin.rtu import Refused, Slave

_AS_DELIVERED = {
    3000: 0, 3005: 600, 3007: 120, 3008: 0, 3009: 100, 3010: 0, 3011: 1000, 3012: 0, 3013: 0, 3014: 0, 3018: 0,
    3019: 0, 3020: 0, 3021: 0, 3023: 0, 3024: 0, 3025: 1, 3026: 1, 3027: 8, 3028: 8,
}  # fmt: skip


class BenderModel(Slave):
    """r_ohm: what is between the lines and earth. u_n: volts between the lines.

    measure_ms: from switching on or a change of r_ohm to the first value of it. test_ms: how long
    its long self test takes; own_test(): it begins one by itself. most_ohm, least_ohm: ends of its
    range. error: a device error. invalid: its readings are. restart(): as after a power
    cut; settings are those of delivery. locked: writes are refused. no_look: settings cannot be
    read back. odd_while_testing: its alarm bits say a device error while it
    tests, which means nothing then. answers_other: it gives U_N where R_F was asked for, as a late answer would look.
    """

    def __init__(self, address=3, baud=19200, parity="even", firmware=512, name="isoCHA425HV-D4"):
        super().__init__(address, baud, parity, latency_ms=8)
        self.gap_ms = 15
        self.name = name
        self.firmware = firmware
        self.r_ohm = 900000.0
        self.u_n = 0.0
        self.measure_ms = 1500
        self.test_ms = 20000
        self.least_ohm = 1000.0
        self.most_ohm = 1000000.0
        self.error = self.invalid = self.locked = self.no_look = self.answers_other = False
        self.test_finds_error = self.odd_while_testing = False
        self.settings = dict(_AS_DELIVERED)
        self.restarts = 0
        self._test_left_ms = 0
        self._test_kind = 0
        self._measured = None
        self._of = None  # the resistance that is being measured
        self._left_ms = self.measure_ms

    def restart(self):
        self.settings = dict(_AS_DELIVERED)
        self.restarts += 1
        self._test_left_ms = 0
        self._measured = None
        self._left_ms = self.measure_ms

    def own_test(self):
        self._test_kind = 1
        self._test_left_ms = self.test_ms

    def advance(self, ms):
        if self._test_left_ms:
            self._test_left_ms = max(0, self._test_left_ms - ms)
            if not self._test_left_ms and self.test_finds_error:
                self.error = True
        if not self.settings[3026]:
            self._measured = None
            self._left_ms = self.measure_ms
            return
        if self._of != self.r_ohm:
            self._of = self.r_ohm
            self._left_ms = self.measure_ms
        if self._left_ms > 0 and not self._test_left_ms:
            self._left_ms -= ms
            if self._left_ms <= 0:
                self._measured = self._of

    def _alarm(self):
        if self.odd_while_testing if self._test_left_ms else self.error:
            return 2
        if self._measured is None:
            return 0
        if self._measured < self.settings[3007] * 1000:
            return 5
        return 1 if self._measured < self.settings[3005] * 1000 else 0

    def _value(self, number, unit, channel, validity=0, alarm=0):
        high, low = struct.unpack(">HH", struct.pack(">f", number))
        test = self._test_kind if self._test_left_ms else 0
        return [high, low, (test << 14) | (alarm << 8) | (validity << 6) | unit, channel]

    def _resistance(self):
        alarm = self._alarm()
        if self._measured is None or self.invalid:
            return self._value(0.0, 2, 71, 3, alarm)
        if self._measured < self.least_ohm:
            return self._value(self.least_ohm, 2, 71, 1, alarm)
        if self._measured > self.most_ohm:
            return self._value(self.most_ohm, 2, 71, 2, alarm)
        return self._value(self._measured, 2, 1 if alarm == 5 else 71, 0, alarm)

    def _voltage(self):
        return self._value(self.u_n, 4, 76, 3 if self.invalid else 0)

    def read(self, function, register, count):
        if function != 3:
            raise Refused(1)
        if register == 1000 and count == 4:
            return self._voltage() if self.answers_other else self._resistance()
        if register == 1008 and count == 4:
            return self._voltage()
        if register == 9800 and count == 10:
            text = (self.name + " " * 20)[:20].encode()
            return [text[2 * i] * 256 + text[2 * i + 1] for i in range(10)]
        if register == 9820 and count == 6:
            return [1, self.firmware, 2023, 5, 17, 2]
        if register in self.settings and count == 1 and not self.no_look:
            return [self.settings[register]]
        raise Refused(2)

    def write(self, register, words):
        if len(words) != 1 or self.locked:
            raise Refused(3)
        word = words[0]
        if register == 8005:
            if word != 0x5445:
                raise Refused(3)
            if self.settings[3026]:
                self._test_kind = 2
                self._test_left_ms = self.test_ms
            return
        if register not in self.settings:
            raise Refused(2)
        if register == 3005 and not self.settings[3007] < word <= 600:
            raise Refused(3)
        if register == 3007 and not 15 <= word < self.settings[3005]:
            raise Refused(3)
        if register == 3021 and (word not in (0, 3) or self.firmware <= 500):
            raise Refused(3)
        self.settings[register] = word
