"""What a station may offer with the power stage that it has: the lower of configuration and what
the stage can do, and nothing that rests on a simulation without the lab switch."""

from firmware.stage.words import AC, DC

# (key, name in Caps): maxima of the configuration that the stage lowers.
_MOST = (
    ("dc_max_charge_w", "max_charge_w"),
    ("dc_max_discharge_w", "max_discharge_w"),
    ("dc_max_charge_ma", "max_charge_ma"),
    ("dc_max_discharge_ma", "max_discharge_ma"),
    ("dc_max_voltage_mv", "max_mv"),
)
_MOST_AC = (("ac_max_charge_w", "max_charge_w"), ("ac_max_discharge_w", "max_discharge_w"))


class Offer:
    """Narrows `cfg` in place, as often as the stage says something else (Caps.seq): everybody who
    reads a limit, a service or the meter's name there reads what is offered.

    refused: why a service is not on offer, in words; "" = everything is.
    """

    def __init__(self, cfg, caps):
        self._cfg = cfg
        self._caps = caps
        self._asked = {key: cfg[key] for key, _ in _MOST + _MOST_AC}
        self._services = cfg["services"]
        self._meter_id = cfg["meter_id"]
        self._least_mv = cfg["dc_min_voltage_mv"]
        self._seq = None
        self.refused = ""

    def look(self):
        """True when the stage has said something new."""
        if self._caps.seq == self._seq:
            return False
        self._narrow()  # apart: the closure in it costs heap at each call
        return True

    def _narrow(self):
        caps, cfg = self._caps, self._cfg
        self._seq = caps.seq
        if caps.kind & DC:
            self._lower(_MOST)
            cfg["dc_min_voltage_mv"] = max(self._least_mv, caps.min_mv)
        if caps.kind & AC:
            self._lower(_MOST_AC)
        cfg["services"] = tuple([s for s in self._services if self._may(s)])
        real = not caps.simulated or cfg["lab"]
        cfg["meter_id"] = (caps.meter_id or self._meter_id) if real and caps.has_meter else ""  # R-METER-07

    def _lower(self, table):
        for key, name in table:
            most = getattr(self._caps, name)
            self._cfg[key] = self._asked[key] if most is None else min(self._asked[key], most)

    def _may(self, service):
        caps, lab = self._caps, self._cfg["lab"]
        if service.endswith("_BPT") and not caps.bidirectional:
            self.refused = "%s: the power stage takes nothing out of a car" % service
            return False
        if not service.startswith("DC"):
            return bool(caps.kind & AC) or self._no("%s: the power stage is for DC" % service)
        if not caps.kind & DC:
            return self._no("%s: the power stage is for AC" % service)
        if caps.simulated and not lab:
            return self._no("%s: the power stage is simulated, and `lab` is off" % service)
        if not caps.has_out and not lab:
            return self._no("%s: nothing measures the car's side of the contact, and `lab` is off" % service)
        return True

    def _no(self, why):
        self.refused = why
        return False
