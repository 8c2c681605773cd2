"""Analogue model of the control pilot and of the proximity resistor, in whole millivolts and ohms.

    station: +-12 V -- 1 kohm --+-- contact -- series -- diode 0.7 V -- load -- PE      (the car's side)
                                |
                              short -- PE

Voltages come out of the circuit. The car's load (IEC 61851-1, annex A): 2740 ohm always, 1300 ohm
beside it in C, 270 ohm in D.
"""

from micropython import const

# Loads; the numbers are those of the pilot's states.
A = 1
B = 2
C = 3
D = 4

_SOURCE_MV = const(12000)
_SOURCE_OHM = const(1000)
_DIODE_MV = const(700)
_R2_OHM = const(2740)
_R3_OHM = (None, None, None, 1300, 270)  # beside R2, by load


class PilotCircuit:
    """Front end of the pilot (interface: drivers/pilot.py) with a car at its other end, and the
    faults of both.

    load            A..D, what the car switches; or `ohms` for any resistance, None = open
    cable_cut       the car is not reached
    diode_shorted   the car loads the negative plateau too
    short_ohm       from the contact to PE; 0 = shorted, None = not
    series_ohm      of contacts and cable
    offset_mv       of the station's own source and measurement, on both plateaus
    noise_mv        largest error of a sample, either way; needs `rand(n) -> bytes`
    duty            permille; car_duty: what the car sees of it, -1 = no pilot
    samples         taken so far
    """

    def __init__(self, rand=None, sampling="sync"):
        self._rand = rand
        self.sampling = sampling
        self.duty = 1000
        self.ohms = None
        self.cable_cut = False
        self.diode_shorted = False
        self.short_ohm = None
        self.series_ohm = 0
        self.offset_mv = 0
        self.noise_mv = 0
        self.high_mv = 0
        self.low_mv = None
        self.samples = 0

    @property
    def load(self):
        for load in range(A, D + 1):
            if self.ohms == _ohms(load):
                return load
        return None

    @load.setter
    def load(self, load):
        self.ohms = _ohms(load)

    @property
    def car_duty(self):
        if self.cable_cut or self.ohms is None or self.short_ohm == 0:
            return -1
        return self.duty

    def set_duty(self, permille):
        self.duty = permille

    def level_mv(self, us):
        """Voltage at the contact, `us` after a rising edge; without noise."""
        return self._contact_mv(_SOURCE_MV if us % 1000 < self.duty else -_SOURCE_MV)

    def plateaus(self):
        """(high, low) in mV at the contact with the present load, whatever the duty; without
        noise."""
        return self._contact_mv(_SOURCE_MV), self._contact_mv(-_SOURCE_MV)

    def sample(self):
        self.samples += 1
        low_mv = self._contact_mv(-_SOURCE_MV) + self._noise()
        self.high_mv = self._contact_mv(_SOURCE_MV) + self._noise() if self.duty else low_mv
        self.low_mv = low_mv if self.duty < 1000 else None

    def _contact_mv(self, source_mv):
        source_mv += self.offset_mv
        source_ohm = _SOURCE_OHM
        if self.short_ohm is not None:
            source_mv = source_mv * self.short_ohm // (_SOURCE_OHM + self.short_ohm)
            source_ohm = _SOURCE_OHM * self.short_ohm // (_SOURCE_OHM + self.short_ohm)
        if self.ohms is None or self.cable_cut:
            return source_mv
        drop_mv = 0 if self.diode_shorted else _DIODE_MV
        if not self.diode_shorted and source_mv <= drop_mv:
            return source_mv
        load_ua = (source_mv - drop_mv) * 1000 // (source_ohm + self.series_ohm + self.ohms)
        return source_mv - load_ua * source_ohm // 1000

    def _noise(self):
        if not self.noise_mv:
            return 0
        two = self._rand(2)
        return ((two[0] << 8 | two[1]) * (2 * self.noise_mv + 1) >> 16) - self.noise_mv


def _ohms(load):
    if load == A:
        return None
    beside = _R3_OHM[load]
    if beside is None:
        return _R2_OHM
    both = _R2_OHM + beside
    return (_R2_OHM * beside + both // 2) // both


class PlugResistor:
    """The coding resistor of a plug at the station's divider, as an ADC: read_u16(). `ohm`: None =
    no plug. `cut`: the wire between socket and ADC is broken."""

    def __init__(self, ohm=None, full_mv=3300, supply_mv=3300, pullup_ohm=1000):
        self.ohm = ohm
        self.cut = False
        self._full_mv = full_mv
        self._supply_mv = supply_mv
        self._pullup_ohm = pullup_ohm

    def read_u16(self):
        mv = self._supply_mv
        if self.ohm is not None and not self.cut:
            mv = mv * self.ohm // (self._pullup_ohm + self.ohm)
        return min(65535, (mv << 16) // self._full_mv)
