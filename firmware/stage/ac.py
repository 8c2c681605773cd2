"""An AC stage of bought parts: the contactor, which is Power's, and a meter. The car's charger is the
converter, so nothing here drives anything: the pilot's duty and the messages say what may flow, the
meter says what does, line by line, and app/power_watch.py compares the two.
"""

from array import array

from drivers import modbus_part
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.stage import faults as bits
from firmware.stage import words
from firmware.stage.words import CURRENT, ENERGY, IN, LINES
from micropython import const

_STEP_MS = const(50)
_LEASE_MS = const(300)  # of Power's commands and beats
_ENERGY_MS = const(3000)
_NEVER = const(1 << 29)


class AcStage:
    """The contract `power stage`. meter: contract of that name, with three lines; bus: the Modbus bus
    that it is on, or None."""

    def __init__(self, cfg, meter, bus):
        self._meter = meter
        self._bus = bus
        self.caps = caps = words.Caps()
        caps.kind = words.AC
        caps.phases = cfg["ac_phases"]
        caps.bidirectional = caps.has_meter = True
        caps.meter_id = cfg["meter_id"]
        for source in (CURRENT, LINES, IN):
            caps.limit_ms[source] = meter.limit_ms
        caps.limit_ms[ENERGY] = _ENERGY_MS
        # What the meter measures out of the car then is its wrong sign, or a fault: until the first
        # ceiling below zero on each start, where any may come.
        self._one_way = cfg["export"] == "no"
        meter.charging_only = True
        self.due = None
        self.state = words.OFF
        self.closed = None  # the contactor is Power's
        self.test_result = 0
        self.insulation_ohm = 0
        self.mv_out = self.mv_in = self.ma = self.w = self.var = 0
        self.l_mv = array("i", (0, 0, 0))
        self.l_ma = array("i", (0, 0, 0))
        self.l_w = array("i", (0, 0, 0))
        self.ceiling_ma = array("i", (0, 0, 0))  # the last one: nothing here holds it, the car does
        self.can_charge_w = self.can_discharge_w = 1 << 29
        self.charged_wh = self.discharged_wh = 0
        self.meter_ok = self.locked = False
        self.faults = 0
        self._fed = 0
        self._lapsed = False

    # -- commands: there is nothing to command but the lease

    def start(self, now):
        if self._bus is not None:
            self._bus.start(now)
        self._meter.start(now)
        self.off(now)
        self.poll(now)

    def beat(self, now):
        self._fed = now

    def off(self, now):
        self.state = words.OFF
        for i in range(3):
            self.ceiling_ma[i] = 0
        self._lapsed = False
        self.due = now

    stop = off  # what flows is the car's: it ends with the contactor

    def test(self, mv, ma, now):
        self.test_result = 2  # no direct current here

    def precharge(self, mv, ma, now):
        self.faults |= bits.CONVERTER

    def close(self, now):
        self._fed = now
        if self._lapsed:
            return
        if self.state != words.RUN:
            self._meter.charging_only = True
        self.state = words.RUN

    def dc(self, mv, ma, w, now):
        self.faults |= bits.CONVERTER

    def ac(self, l1_ma, l2_ma, l3_ma, var, now):
        ceiling = self.ceiling_ma
        ceiling[0] = l1_ma
        ceiling[1] = l2_ma
        ceiling[2] = l3_ma
        self.close(now)
        if l1_ma < 0 or l2_ma < 0 or l3_ma < 0:
            self._meter.charging_only = self._one_way

    def lock(self, yes, now):
        pass

    def clear(self, now):
        self._meter.clear(now)

    # -- time

    def poll(self, now):
        meter = self._meter
        if self._bus is not None:
            self._bus.poll(now)
        meter.poll(now)
        if self.state == words.RUN and ticks_diff(now, self._fed) >= _LEASE_MS:
            self.state = words.FAULT
            self._lapsed = True
        for i in range(3):
            self.l_mv[i] = meter.l_mv[i]
            self.l_ma[i] = meter.l_ma[i]
            self.l_w[i] = meter.l_w[i]
        self.mv_in = meter.mv
        self.ma = meter.ma
        self.w = meter.w
        self.var = meter.var
        self.meter_ok = meter.ok
        if meter.charged_wh is not None:
            self.charged_wh = max(self.charged_wh, meter.charged_wh)
            self.discharged_wh = max(self.discharged_wh, meter.discharged_wh)
        told = meter.faults
        found = bits.COMM if self._lapsed else 0
        if told:
            # A meter that is silent measures nothing of what flows; another fault of it costs its
            # readings for the bill.
            found |= bits.COMM if told & modbus_part.SILENT else bits.METER
            if told & modbus_part.SIGN:
                found |= bits.REVERSE
        self.faults = found
        self.due = ticks_add(now, _STEP_MS)
        if self._bus is not None:
            self.due = sooner(self.due, self._bus.due)

    # -- readings

    def counters(self):
        """[(name, value)] of its bus since boot."""
        return self._bus.counters() if self._bus is not None else []

    def age_ms(self, source, now):
        """Age in ms; None: there is no such source."""
        if source not in (CURRENT, LINES, IN, ENERGY):
            return None
        age = self._meter.energy_age_ms(now) if source == ENERGY else self._meter.age_ms(now)
        return _NEVER if age is None else age
