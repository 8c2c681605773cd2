"""A battery: energy, voltage, limits. Integers only; power and current are positive while it
charges.

It is a model for tests of the protocol, not of cells: the resistance moves the voltage, its losses
are left out.
"""

_WMS_PER_WH = 3_600_000
# Open-circuit voltage over the state of charge, straight lines between: 96 cells in a row of 3.44 V
# to 4.18 V, steep at both ends and flat in the middle, as nickel-manganese-cobalt cells are.
_CURVE = ((0, 330_000), (1000, 345_000), (2000, 352_000), (5000, 366_000), (8000, 386_000), (10000, 402_000))
_RESISTANCE_MOHM = 60
_FULL = 10000  # state of charge, 1/100 %
_TAPER = 100  # the last percent before full or empty: the limit goes down to nothing, as a battery manager does it


class Battery:
    """capacity_wh; soc in percent; limits in W. stored_wms, energy_in_wms, energy_out_wms:
    watt-milliseconds; the two energies count each way on its own. ma: present current."""

    def __init__(self, capacity_wh, soc, max_charge_w, max_discharge_w):
        self.capacity_wms = capacity_wh * _WMS_PER_WH
        self.stored_wms = self.capacity_wms // 100 * soc
        self.energy_in_wms = 0
        self.energy_out_wms = 0
        self.ma = 0
        self._max_charge_w = max_charge_w
        self._max_discharge_w = max_discharge_w

    @property
    def soc_centi(self):
        """State of charge in 1/100 %, cut."""
        return self.stored_wms * _FULL // self.capacity_wms

    @property
    def soc(self):
        """State of charge in percent, cut."""
        return self.soc_centi // 100

    @property
    def charge_w(self):
        """Most power in W that it takes now."""
        return self._max_charge_w * min(_TAPER, _FULL - self.soc_centi) // _TAPER

    @property
    def discharge_w(self):
        """Most power in W that it gives now; positive."""
        return self._max_discharge_w * min(_TAPER, self.soc_centi) // _TAPER

    @property
    def open_mv(self):
        """Open-circuit voltage."""
        soc = self.soc_centi
        for i in range(1, len(_CURVE)):
            low, low_mv = _CURVE[i - 1]
            high, high_mv = _CURVE[i]
            if soc <= high:
                break
        return low_mv + (high_mv - low_mv) * (soc - low) // (high - low)

    @property
    def mv(self):
        """Terminal voltage under the present current."""
        return self.open_mv + self.ma * _RESISTANCE_MOHM // 1000

    def wh_to(self, soc):
        """Energy in Wh that is missing up to a state of charge in percent, cut; negative above
        it."""
        missing = self.capacity_wms // 100 * soc - self.stored_wms
        return missing // _WMS_PER_WH if missing >= 0 else -(-missing // _WMS_PER_WH)

    def run(self, w, dt_ms):
        """w flows for dt_ms, as far as a full or an empty battery lets it: the contents stay in 0
        to 100 %."""
        self.ma = w * 1_000_000 // self.open_mv if w >= 0 else -(-w * 1_000_000 // self.open_mv)
        energy = max(-self.stored_wms, min(w * dt_ms, self.capacity_wms - self.stored_wms))
        self.stored_wms += energy
        if energy > 0:
            self.energy_in_wms += energy
        else:
            self.energy_out_wms -= energy
