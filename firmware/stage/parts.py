"""A DC stage of bought parts: a converter, a meter and an insulation monitor, each a machine of its
own (drivers/), made into one power stage (docs/power_stage.md).

Which side of the contactor a part measures is wiring, so it is configuration: `meter_place` and
`monitor_place`, car or station. The car's side (mv_out) is that of the meter when it is there, else
the monitor's voltage when it is there, else nobody's: then caps say so, and DC is refused outside of
a laboratory.

The insulation test needs three parts: the converter makes the voltage, the monitor measures at it,
and the converter goes down again. A measurement counts that was asked for when the voltage had stood
for `monitor_settle_ms`: what a monitor says is some seconds old.
"""

from array import array

from drivers import infypower, modbus_part
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.stage import faults as bits
from firmware.stage import words
from firmware.stage.words import CURRENT, ENERGY, IN, INSULATION, OUT
from micropython import const

_STEP_MS = const(20)
_LEASE_MS = const(300)  # of Power's commands and beats: then stop, and _LEASE_OFF_MS later off
_LEASE_OFF_MS = const(200)
_SAFE_MV = const(60000)
_OHM_PER_V = const(100)  # from memory of IEC 61851-23; the monitor's own alarm counts too
_GREET_MS = const(3000)
_MONITOR_MS = const(3000)  # it measures once a second, and a question may be repeated
_ENERGY_MS = const(3000)
_NEVER = const(1 << 29)

_OFF = const(0)
_STOP = const(1)
_TEST = const(2)
_PRECHARGE = const(3)
_CLOSE = const(4)
_RUN = const(5)

# Phases of a test.
_RISE = const(0)
_MEASURE = const(1)
_FALL = const(2)


class PartsStage:
    """The contract `power stage`. converter, meter, monitor: contracts of the same name; bus: the
    Modbus bus that meter and monitor are on, or None. meter, monitor may be None."""

    def __init__(self, cfg, converter, meter, monitor, bus, trace):
        self._converter = converter
        self._meter = meter
        self._monitor = monitor
        self._parts = [part for part in (converter, meter, monitor) if part is not None]
        self._bus = bus
        self._trace = trace
        self._meter_at_car = meter is not None and cfg["meter_place"] == "car"
        self._monitor_at_car = monitor is not None and cfg["monitor_place"] == "car" and not self._meter_at_car
        self.caps = self._made_caps(cfg)
        self._limits()
        # What the meter measures out of the car then is its wrong sign, or a fault: until the first
        # command to discharge on each start, where any may come.
        self._one_way = cfg["export"] == "no" or not self.caps.bidirectional
        if meter is not None:
            meter.charging_only = True
        self.due = None
        self.state = words.OFF
        self.closed = None  # the contactor is Power's
        self.test_result = 0
        self.insulation_ohm = 0
        self.mv_out = self.mv_in = self.ma = self.w = self.var = 0
        self.l_mv = self.l_ma = self.l_w = array("i", (0, 0, 0))
        self.can_charge_w = self.can_discharge_w = 0
        self.charged_wh = self.discharged_wh = 0
        self.meter_ok = self.locked = False
        self.faults = 0
        self.why = ""  # the last refusal, in words
        self._refused = 0  # bits of it, until off()
        self._op = _OFF
        self._mv = self._ma = self._w = 0
        self._settle_ms = cfg["monitor_settle_ms"]
        self._fed = 0
        self._greeting = True  # the converter has not been heard yet: that takes a moment
        self._started_at = 0
        self._barred = False
        self._phase = _RISE
        self._reached_at = 0
        self._test_ok = False

    def _made_caps(self, cfg):
        converter = self._converter
        caps = words.Caps()
        caps.kind = words.DC
        caps.has_out = self._meter_at_car or self._monitor_at_car
        caps.has_monitor = self._monitor is not None
        caps.has_meter = self._meter is not None
        caps.meter_id = cfg["meter_id"] if self._meter else ""
        limits = caps.limit_ms
        limits[IN] = converter.limit_ms
        limits[CURRENT] = self._meter.limit_ms if self._meter else converter.limit_ms
        limits[OUT] = self._meter.limit_ms if self._meter_at_car else _MONITOR_MS
        limits[INSULATION] = _MONITOR_MS
        limits[ENERGY] = _ENERGY_MS
        return caps

    def _limits(self):
        """What the converter can do: some say it only when they are asked."""
        caps, converter = self.caps, self._converter
        if (
            caps.max_mv != converter.max_mv
            or caps.min_mv != converter.min_mv
            or caps.max_charge_ma != converter.max_charge_ma
            or caps.max_charge_w != converter.max_charge_w
        ):
            caps.seq += 1
            caps.bidirectional = converter.max_discharge_ma > 0
            caps.min_mv = converter.min_mv
            caps.max_mv = converter.max_mv
            caps.max_charge_ma = converter.max_charge_ma
            caps.max_discharge_ma = converter.max_discharge_ma
            caps.max_charge_w = converter.max_charge_w
            caps.max_discharge_w = converter.max_discharge_w

    # -- commands

    def start(self, now):
        self._started_at = now
        self._greeting = True
        if self._bus is not None:
            self._bus.start(now)
        for part in self._parts:
            part.start(now)
        if self._monitor is not None:
            self._monitor.want(True, now)  # from now on: it needs seconds to its first value
        self.off(now)
        self.due = now
        self.poll(now)

    def beat(self, now):
        self._fed = now

    def off(self, now):
        self._converter.off(now)
        self._op = _OFF
        self._refused = 0
        self._barred = False
        self.due = now

    def stop(self, now):
        if self._op != _OFF:
            self._do(_STOP, self._mv, 0, 0, now)

    def test(self, mv, ma, now):
        if self._op != _TEST:
            self.test_result = 0
            self._phase = _RISE
            if self._monitor is None:
                self._refuse("insulation test without an insulation monitor", bits.IMD_ALARM, now)
        self._do(_TEST, mv, ma, 0, now)

    def precharge(self, mv, ma, now):
        self._do(_PRECHARGE, mv, ma, 0, now)

    def close(self, now):
        if self._op != _RUN:  # what stands already is not set back
            if self._meter is not None:
                self._meter.charging_only = True
            self._do(_CLOSE, self.mv_in, 0, 0, now)
        self._fed = now

    def dc(self, mv, ma, w, now):
        if ma < 0 and self._meter is not None:
            self._meter.charging_only = self._one_way
        self._do(_RUN, mv, ma, w, now)

    def ac(self, l1_ma, l2_ma, l3_ma, var, now):
        pass  # not one of these

    def lock(self, yes, now):
        pass

    def clear(self, now):
        self._refused = 0
        for part in self._parts:
            part.clear(now)

    def _do(self, op, mv, ma, w, now):
        self._fed = now
        if self._barred or self._refused:
            return
        if mv < self.caps.min_mv and op in (_TEST, _PRECHARGE):
            self._refuse("the converter begins at %d V, %d V were asked" % (self.caps.min_mv // 1000, mv // 1000),
                         bits.CONVERTER, now)  # fmt: skip
            return
        self._op = op
        self._mv = mv
        self._ma = ma
        self._w = w
        self._drive(now)
        self.due = now

    def _refuse(self, text, fault, now):
        self.why = text
        self._trace.error(now, "power stage: " + text)
        self._refused = fault
        self.faults |= fault
        self._op = _OFF
        self._converter.off(now)

    def _drive(self, now):
        """What stands, to the converter: set-points are only numbers in there."""
        converter = self._converter
        op = self._op
        if op == _OFF or (op == _TEST and self._phase == _FALL):
            converter.off(now)
            return
        mv, ma = self._mv, self._ma
        if op in (_STOP, _CLOSE):
            ma = 0
        elif op == _RUN:
            most = self._w * 1000 // max(1, self.mv_in // 1000)
            ma = max(-most, min(ma, most))
        converter.set(max(mv, self.caps.min_mv), ma, now)

    # -- time

    def poll(self, now):
        if self._bus is not None:
            self._bus.poll(now)
        for part in self._parts:
            part.poll(now)
        self._measure()
        self._judge(now)
        self._lease(now)
        if self._op == _TEST:
            self._testing(now)
        if self._op != _OFF:
            self._drive(now)
        self._tell()
        self.due = ticks_add(now, _STEP_MS)
        if self._bus is not None:
            self.due = sooner(self.due, self._bus.due)
        self.due = sooner(self.due, self._converter.due)

    def _lease(self, now):
        if self._op < _TEST and not self._barred:
            return
        idle_ms = ticks_diff(now, self._fed)
        if self._op >= _TEST and idle_ms >= _LEASE_MS:
            self._op = _STOP
            self._barred = True
        if self._barred and self._op == _STOP and idle_ms >= _LEASE_MS + _LEASE_OFF_MS:
            self._op = _OFF
            self._converter.off(now)

    def _measure(self):
        converter, meter, monitor = self._converter, self._meter, self._monitor
        self._limits()
        self.mv_in = converter.mv
        if meter is not None:
            self.ma = meter.ma
            self.w = meter.w
            self.meter_ok = meter.ok and meter.charged_wh is not None
            if meter.charged_wh is not None:
                self.charged_wh = max(self.charged_wh, meter.charged_wh)
                self.discharged_wh = max(self.discharged_wh, meter.discharged_wh)
        else:
            self.ma = converter.ma
            self.w = (converter.mv // 100) * (converter.ma // 100) // 100
        if self._meter_at_car:
            self.mv_out = meter.mv
        elif self._monitor_at_car:
            self.mv_out = monitor.mv
        if monitor is not None:
            self.insulation_ohm = monitor.ohm
        self.can_charge_w = converter.can_charge_w
        self.can_discharge_w = converter.can_discharge_w

    def _judge(self, now):
        converter, meter, monitor = self._converter, self._meter, self._monitor
        found = self._refused
        told = converter.faults
        if not told & infypower.COMM:
            self._greeting = False
        if told:
            if told & infypower.COMM and not (self._greeting and ticks_diff(now, self._started_at) < _GREET_MS):
                found |= bits.COMM
            if told & infypower.CONVERTER:
                found |= bits.CONVERTER
            if told & infypower.OVERVOLT:
                found |= bits.OVERVOLT
            if told & infypower.OVERTEMP:
                found |= bits.OVERTEMP
            if told & infypower.GRID_LOST:
                found |= bits.GRID_LOST
        if meter is not None and meter.faults:
            found |= bits.COMM if meter.faults & modbus_part.SILENT else bits.METER
            if meter.faults & modbus_part.SIGN:
                found |= bits.REVERSE
        if monitor is not None:
            if monitor.faults:
                found |= bits.COMM  # whatever is wrong with it: the insulation is not watched
            if self._op >= _TEST and monitor.ok:
                if monitor.alarm == 2:
                    found |= bits.IMD_ALARM
                elif monitor.alarm:
                    found |= bits.IMD_WARN
        if self._barred:
            found |= bits.COMM
        self.faults = found

    def _testing(self, now):
        monitor = self._monitor
        if self.test_result:
            return
        if self._phase == _RISE:
            if self.mv_in * 100 >= self._mv * 95 and self._converter.age_ms(now) <= self._converter.limit_ms:
                self._phase = _MEASURE
                self._reached_at = now
        elif self._phase == _MEASURE:
            if self.mv_in * 100 < self._mv * 90:
                self._phase = _RISE  # it has sagged: what was measured is of another voltage
            elif monitor.ok and monitor.age_ms(now) < ticks_diff(now, self._reached_at) - self._settle_ms:
                self._test_ok = monitor.ohm >= self._mv // 1000 * _OHM_PER_V and monitor.alarm != 2
                self._phase = _FALL
        elif self.mv_in < _SAFE_MV:
            self.test_result = 1 if self._test_ok else 2

    def _tell(self):
        op = self._op
        if self._refused or self._barred or (self._converter.faults and self.faults):
            self.state = words.FAULT
        elif op == _OFF:
            self.state = words.READY if self._converter.ready else words.OFF
        elif op == _STOP:
            self.state = words.STOPPING if not -1000 < self.ma < 1000 else words.READY
        else:
            self.state = words.TESTING if op == _TEST else words.PRECHARGE if op == _PRECHARGE else words.RUN

    # -- readings

    def counters(self):
        """[(name, value)] of its buses since boot."""
        found = self._converter.counters()
        return found if self._bus is None else found + self._bus.counters()

    def age_ms(self, source, now):
        """Age in ms; None: there is no such source."""
        caps, meter, monitor = self.caps, self._meter, self._monitor
        if source == IN:
            age = self._converter.age_ms(now)
        elif source == CURRENT:
            age = meter.age_ms(now) if meter is not None else self._converter.age_ms(now)
        elif source == OUT and caps.has_out:
            age = meter.age_ms(now) if self._meter_at_car else monitor.mv_age_ms(now)
        elif source == INSULATION and monitor is not None:
            age = monitor.age_ms(now)
        elif source == ENERGY and meter is not None:
            age = meter.energy_age_ms(now)
        else:
            return None
        return _NEVER if age is None else age
