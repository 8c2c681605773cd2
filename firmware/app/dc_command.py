"""What the converter is told in the charge loop, from what the station measures. What the car claims
of its voltage has no part in it, so it cannot raise the power (R-LOOP-15)."""


class DcCommand:
    """The command of one moment, made anew in place.

    mv          voltage limit in the direction of flow; the stage holds it (R-LOOP-09)
    ma          current limit, below 0 out of the car
    w           most power, magnitude
    by_power, by_current, by_voltage
                which limit bounds the output (R-LOOP-05)
    """

    def __init__(self):
        self.mv = self.ma = self.w = 0
        self.by_power = self.by_current = self.by_voltage = False

    def make(self, cfg, car, out_mv, charge_w, discharge_w, target_w):
        """car: facts.car. out_mv: measured at the car's side. charge_w, discharge_w: what is allowed
        each way, magnitudes. target_w: set-point of Dynamic control inside of these, discharge
        negative; None = Scheduled control, where the car's wish counts (R-LOOP-02)."""
        limits = car.limits
        top_mv = min(cfg["dc_max_voltage_mv"], limits.max_mv)
        floor_mv = max(cfg["dc_min_voltage_mv"], limits.min_mv)
        # An output that reads below both ranges, or 0, is no reason for more current.
        volts = max(1, max(out_mv, floor_mv) // 1000)
        most_ma = min(cfg["dc_max_charge_ma"], limits.charge_ma)
        least_ma = min(cfg["dc_max_discharge_ma"], limits.discharge_ma)
        if target_w is None:
            wish_ma = car.target_ma
            self.mv = min(car.target_mv, top_mv) if wish_ma >= 0 else floor_mv
            into = wish_ma >= 0
            self.w = charge_w if into else discharge_w
            want_ma = abs(wish_ma)
        else:
            into = target_w >= 0
            self.mv = top_mv if into else floor_mv
            self.w = min(target_w, charge_w) if into else min(-target_w, discharge_w)
            want_ma = 1 << 29
        bound_ma = most_ma if into else least_ma
        power_ma = self.w * 1000 // volts
        ma = min(want_ma, bound_ma, power_ma)
        self.by_power = power_ma < want_ma and power_ma <= bound_ma
        self.by_current = bound_ma < want_ma and bound_ma < power_ma
        self.by_voltage = False
        if (
            (into and ma > 0 and out_mv >= self.mv)
            or (not into and ma > 0 and out_mv <= self.mv)
            or (target_w is None and into and car.target_mv > top_mv)
        ):
            self.by_voltage = True
        if self.by_voltage:
            self.by_power = self.by_current = False
        self.ma = ma if into else -ma
