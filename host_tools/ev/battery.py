"""A battery: energy, voltage, limits. Integers only; power and current are positive while it charges."""

_WMS_PER_WH = 3_600_000
_EMPTY_MV = (
    350_000  # open-circuit voltage at 0 % and at 100 %: a straight line, as lithium cells have between 10 and 90 %
)
_FULL_MV = 400_000
_RESISTANCE_MOHM = 60


class Battery:
    """capacity_wh, soc (percent). energy_in_wms and energy_out_wms count both ways in watt-milliseconds."""

    def __init__(self, capacity_wh, soc):
        self.capacity_wms = capacity_wh * _WMS_PER_WH
        self.stored_wms = self.capacity_wms // 100 * soc
        self.energy_in_wms = 0
        self.energy_out_wms = 0
        self.ma = 0

    @property
    def soc(self):
        """State of charge in percent, cut."""
        return self.stored_wms * 100 // self.capacity_wms

    @property
    def soc_permille(self):
        return self.stored_wms * 1000 // self.capacity_wms

    @property
    def open_mv(self):
        """Open-circuit voltage."""
        return _EMPTY_MV + (_FULL_MV - _EMPTY_MV) // 1000 * self.soc_permille

    @property
    def mv(self):
        """Terminal voltage under the present current."""
        return self.open_mv + self.ma * _RESISTANCE_MOHM // 1000

    def wh_to(self, soc):
        """Energy in Wh that is missing up to a state of charge; negative above it."""
        missing = self.capacity_wms // 100 * soc - self.stored_wms
        return missing // _WMS_PER_WH if missing >= 0 else -(-missing // _WMS_PER_WH)

    def run(self, w, dt_ms):
        """w flows for dt_ms; what a full or an empty battery cannot take does not flow. Returns the power in W."""
        if (w > 0 and self.stored_wms >= self.capacity_wms) or (w < 0 and self.stored_wms <= 0):
            w = 0
        self.ma = w * 1000 // (self.open_mv // 1000) if w >= 0 else -(-w * 1000 // (self.open_mv // 1000))
        energy = w * dt_ms
        self.stored_wms += energy
        if energy > 0:
            self.energy_in_wms += energy
        else:
            self.energy_out_wms -= energy
        return w
