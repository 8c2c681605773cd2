"""Model of the DC meter Acrel DJSF1352-RN behind Modbus RTU: integers with decimal points that move
with the range."""

from twin.rtu import Refused, Slave


def scaled(value, signed):
    """(integer, decimal point d) with value = integer * 10 ** (d - 3), as many digits as 16 bits
    hold."""
    most = 32767 if signed else 65535
    point = 0
    number = round(value * 1000)
    while abs(number) > most:
        point += 1
        number = round(value * 1000 / 10**point)
    return number, point


class AcrelModel(Slave):
    """v, a: on the line; a positive: into the car, if it is not reversed. forward_wh, reverse_wh
    grow.

    power_lags: the power register is one refresh behind volts and amperes. power_unit, energy_unit: 1 W and 1 Wh, or what else one count may be. fixed_point: a voltage
    range that does not move (2: up to 655.35 V). odd_point: nonsense in the point of the voltage.
    """

    def __init__(self, address=1, baud=9600, parity="none", refresh_ms=250):
        super().__init__(address, baud, parity, latency_ms=15)
        self.v = 0.0
        self.a = 0.0
        self.forward_wh = 1000.0
        self.reverse_wh = 500.0
        self.base_wh = 0  # counted before, forward; more than a float of 32 bits holds exactly
        self.reversed = False
        self.power_unit = self.energy_unit = 1.0
        self.power_lags = False
        self._watts = 0.0  # one refresh ago
        self.fixed_point = None
        self.odd_point = None
        self.refresh_ms = refresh_ms
        self._age_ms = refresh_ms
        self._words = [0] * 20
        self._refresh()

    def advance(self, ms):
        watts = self.v * self.a * (-1 if self.reversed else 1)
        if watts > 0:
            self.forward_wh += watts * ms / 3600000.0
        else:
            self.reverse_wh -= watts * ms / 3600000.0
        self._age_ms += ms
        if self._age_ms >= self.refresh_ms:
            self._age_ms = 0
            self._refresh()

    def _refresh(self):
        words = [0] * 20
        amperes = -self.a if self.reversed else self.a
        if self.fixed_point is None:
            words[0], words[1] = scaled(self.v, False)
        else:
            words[0] = min(65535, round(self.v * 1000 / 10**self.fixed_point))
            words[1] = self.fixed_point
        if self.odd_point is not None:
            words[1] = self.odd_point
        number, words[3] = scaled(amperes, True)
        words[2] = number & 0xFFFF
        words[5] = 31  # its own temperature
        watts = self.v * amperes
        number, words[9] = scaled((self._watts if self.power_lags else watts) / self.power_unit, True)
        self._watts = watts
        words[8] = number & 0xFFFF
        for at, wh, base in ((12, self.forward_wh, self.base_wh), (14, self.reverse_wh, 0)):
            count = base + int(wh / self.energy_unit)
            words[at] = count >> 16 & 0xFFFF
            words[at + 1] = count & 0xFFFF
        words[16] = 1
        words[17] = 300
        self._words = words

    def read(self, function, register, count):
        if function != 3:
            raise Refused(1)
        if register + count > 20:
            raise Refused(2)
        return self._words[register : register + count]
