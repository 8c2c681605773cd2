"""Model of the AC meters Eastron SDM630 V2 and SDM72D-M V2 behind Modbus RTU.

It is given what is on the lines and counts energy by itself. Registers come from the makers' lists:
address = number - 30001, floats of two words. What it says is computed anew each refresh_ms.
"""

import struct

from twin.rtu import Refused, Slave


class EastronModel(Slave):
    """v, a, w, var: lists of three; w positive: from the grid into the car. hz. import_kwh and
    export_kwh grow with w.

    reversed: wired the other way round. most_values: in one answer (30 SDM72D-M, 40 SDM630).
    swapped_words: low word first, which these meters never do. not_a_number: L1's power is one.
    """

    def __init__(self, address=1, baud=9600, parity="none", most_values=30, refresh_ms=300):
        super().__init__(address, baud, parity, latency_ms=20)
        self.v = [230.0, 230.0, 230.0]
        self.a = [0.0, 0.0, 0.0]
        self.w = [0.0, 0.0, 0.0]
        self.var = [0.0, 0.0, 0.0]
        self.hz = 50.0
        self.import_kwh = 12.5
        self.export_kwh = 3.25
        self.reversed = self.swapped_words = self.not_a_number = False
        self.most_values = most_values
        self.refresh_ms = refresh_ms
        self._age_ms = refresh_ms
        self._values = {}
        self._refresh()

    def load(self, watts, volts=230.0):
        """So many watts on each of the lines, at power factor 1."""
        for i in range(3):
            self.v[i] = volts
            self.w[i] = float(watts[i])
            self.a[i] = abs(watts[i]) / volts

    def advance(self, ms):
        total = sum(self.w) * (-1 if self.reversed else 1)
        kwh = abs(total) * ms / 3600000000.0
        if total > 0:
            self.import_kwh += kwh
        else:
            self.export_kwh += kwh
        self._age_ms += ms
        if self._age_ms >= self.refresh_ms:
            self._age_ms = 0
            self._refresh()

    def _refresh(self):
        sign = -1 if self.reversed else 1
        table = {}
        for i in range(3):
            table[30001 + 2 * i] = self.v[i]
            table[30007 + 2 * i] = abs(self.a[i])
            table[30013 + 2 * i] = sign * self.w[i]
            table[30019 + 2 * i] = self.v[i] * abs(self.a[i])
            table[30025 + 2 * i] = sign * self.var[i]
            table[30031 + 2 * i] = 1.0
        table[30053] = sign * sum(self.w)
        table[30057] = sum(self.v[i] * abs(self.a[i]) for i in range(3))
        table[30061] = sign * sum(self.var)
        table[30071] = self.hz
        table[30073] = self.import_kwh
        table[30075] = self.export_kwh
        if self.not_a_number:
            table[30013] = float("nan")
        self._values = table

    def read(self, function, register, count):
        if function != 4:
            raise Refused(1)
        if count > 2 * self.most_values:
            raise Refused(3)
        if register & 1 or count & 1 or register + count > 384:
            raise Refused(2)
        words = []
        for at in range(register, register + count, 2):
            high, low = struct.unpack(">HH", struct.pack(">f", self._values.get(30001 + at, 0.0)))
            words += [low, high] if self.swapped_words else [high, low]
        return words
