"""From what a session asks to what the power stage does, and back from measurements to facts.

The power stage is handed in (`boards/`); this module knows limits and signs, not hardware. Positive
power and current flow from the station to the vehicle (R-LOOP-06).
"""

from firmware.app.decide import Decide
from firmware.app.lease import Lease
from firmware.clock import sooner, ticks_diff
from firmware.session import ceiling
from firmware.session.codes import ASK_OFF, ASK_PRECHARGE, ASK_TEST, DC, GRANTED, TEST_RUNNING
from micropython import const

# A permission is as old as the sample of the pilot that it was given for. Samples are 20 ms apart,
# and a turn that had more to do than that begins with one; three of them missing is a pilot that
# nobody looks at (R-POWER-14, R-POWER-15).
_PERMIT_MS = const(60)


class Power:
    """cfg: dict of app/config; hw: the board's power stage.

    hw has: poll(now), due, off(now), test(mv, now), precharge(mv, now), close(now), dc(mv, ma,
    car_mv), ac(car_w), and the readings contactor, path_off, test_result, mv, ma, w, charged_wh,
    discharged_wh, fault.
    """

    def __init__(self, cfg, hw, trace=None):
        self.cfg = cfg
        self.hw = hw
        self.lease = Lease(cfg, trace)  # who wants which power
        self.decide = Decide(cfg, trace)  # may this car charge?
        # A supervisor with a pilot says when the car may be energised; without a pilot (sockets of
        # the operating system, for laboratories) nobody can.
        self.permitted = True
        self._permit_at = None  # tick of the sample that permitted; None: no pilot, and no age
        self.cable_a = None  # rating of the plugged cable; None = captive, 0 = nothing may flow
        self._live = False
        self._cut = False
        self._tested = False  # the power stage's test result is of this session

    @property
    def due(self):
        """Tick of the next poll, or None."""
        return sooner(sooner(self.hw.due, self.lease.due), self.decide.due)

    def poll(self, now):
        self._aged(now)
        self.lease.poll(now)
        self.decide.poll(now)
        self.hw.poll(now)
        if self._live and self.hw.tripped:
            self._take_away(now)  # the board was first; a new sample may permit again

    def permit(self, yes, now, sampled_at=None):
        """May the car be energised, by the pilot's sample of that tick? No means off at once, whatever
        session or network do (R-POWER-11, R-DC-SAFETY-07). Yes holds for 60 ms from the sample;
        without a pilot (None) it has no end."""
        if not yes and self.permitted:
            self._take_away(now)
        self.permitted = yes
        self._permit_at = sampled_at
        self._aged(now)

    def _aged(self, now):
        if self.permitted and self._permit_at is not None and ticks_diff(now, self._permit_at) > _PERMIT_MS:
            self.permitted = False
            self._take_away(now)

    def _take_away(self, now):
        if self._live:
            self.hw.off(now)
            self._live = False
            self._cut = True
            self._tested = False

    def cable_w(self):
        """What the plugged cable carries in AC, all phases together."""
        return self.cable_a * self.cfg["ac_nominal_voltage_v"] * self.cfg["ac_phases"]

    def clear(self, now):
        """The cause of a latched fault is repaired; the power stage forgets it if that is so."""
        self.hw.clear(now)

    @property
    def fault(self):
        """Fault code of the power stage, 0 = none."""
        return self.hw.fault

    def measure(self, f, now):
        """Bring the station's part of the facts up to date."""
        hw = self.hw
        self.poll(now)
        f.station.setpoint_w = self.lease.set_w
        f.station.export = self.lease.export
        if f.wanted.decision:
            self.decide.seen(now, f.car.id, f.vehicle_name)
        f.station.authorized = self.decide.state
        f.station.person = self.decide.person
        f.station.mv = hw.mv
        f.station.ma = hw.ma
        f.station.w = hw.w
        f.station.contactor = hw.contactor
        f.station.path_off = hw.path_off
        # Until this session's test has started, ignore the previous result: a late pilot delays the
        # start (R-DC-SAFETY-03).
        f.station.insulation = hw.test_result if self._tested else TEST_RUNNING
        # Until the power stage begins, its meter still shows the stretch before.
        f.station.charged_wh = f.session.base_charged_wh + (hw.charged_wh if f.station.metered else 0)
        f.station.discharged_wh = f.session.base_discharged_wh + (hw.discharged_wh if f.station.metered else 0)
        f.station.fault = hw.fault
        if self._cut:
            f.station.pilot_cut = True
        f.station.cable_w = None if self.cable_a is None else self.cable_w()

    def apply(self, f, now):
        """Do what the facts ask. Off is done at once; the rest follows as the hardware can."""
        hw = self.hw
        ask = f.wanted.ask
        if ask == ASK_OFF:
            self.off(now)
            return
        if not self.permitted:
            return  # a late pilot: what was asked is done as soon as it says C (R-POWER-10)
        if not self._live and self.decide.state != GRANTED:
            return  # nothing begins without a decision (R-AUTH-16); a no later on ends in order
        self._live = f.station.metered = True
        if ask == ASK_TEST:
            hw.test(f.wanted.mv, now)
            self._tested = True
        elif ask == ASK_PRECHARGE:
            hw.precharge(f.wanted.mv, now)
        else:
            hw.close(now)
            if f.session.current == DC:
                self._dc(f)
            else:
                hw.ac(f.car.present_w)

    def _dc(self, f):
        """Converter command, and the three flags that tell which limit bounds the output."""
        target_w = f.wanted.target_w if f.session.dynamic else None
        bounds_w = ceiling.bounds_w(f)
        mv, ma, car_mv, by_power, by_current, by_voltage = dc_command(
            self.cfg, f.car, target_w, f.session.bpt, bounds_w
        )
        s = f.station
        s.limit_power, s.limit_current, s.limit_voltage = by_power, by_current, by_voltage
        if not f.session.loops:
            ma = 0  # nothing flows before the first loop request
        self.hw.dc(mv, ma, car_mv)

    def off(self, now):
        """Power off whatever the session thinks: the last way out.

        docs/design.md, safety of a session."""
        self.hw.off(now)
        self._live = self._cut = self._tested = False

    def basic(self, close, now):
        """Charging without a session (IEC 61851, AC): the contactor as told; the car draws up to
        what the pilot offers."""
        if close and self.permitted and (self._live or self.decide.state == GRANTED):
            self._live = True
            self.hw.close(now)
            w = self.cfg["ac_max_charge_w"]
            self.hw.ac(w if self.cable_a is None else min(w, self.cable_w()))
        elif self._live:
            self.off(now)

    def sample(self):
        """(set-point W, power W, mV, mA, contactor 0/1, charged Wh, discharged Wh)."""
        hw = self.hw
        return (self.lease.set_w, hw.w, hw.mv, hw.ma, 1 if hw.contactor else 0, hw.charged_wh, hw.discharged_wh)


def dc_command(cfg, car, target_w, bpt, bounds_w):
    """What the converter is told, inside both sides' limits: (output mV, mA, voltage of the car in
    mV, and whether power, current and voltage bound it) (R-LOOP-02, R-LOOP-05, R-LOOP-09).

    car: facts.car. target_w: set-point of Dynamic control, discharge negative; None = Scheduled
    control, where the car's wish counts inside bounds_w (of ceiling.py, magnitudes). bpt: discharge
    is possible.
    """
    limits = car.limits
    top_mv = min(cfg["dc_max_voltage_mv"], limits.max_mv)
    floor_mv = max(cfg["dc_min_voltage_mv"], limits.min_mv)
    car_mv = max(0, min(car.present_mv, cfg["dc_max_voltage_mv"]))
    if cfg["lenient_ev_values"] and car.present_mv > cfg["dc_max_voltage_mv"]:
        # A simulated car with 20 kV at its inlet: go on as if its battery were in the middle of
        # both ranges.
        car_mv = (top_mv + floor_mv) // 2
    volts = max(1, car_mv // 1000)
    if target_w is None:
        mv, ma, by_power, by_voltage = _scheduled(car, top_mv, volts, bounds_w)
    else:
        mv, ma, by_power, by_voltage = _dynamic(target_w, car_mv, top_mv, floor_mv, volts)
    top_ma = min(cfg["dc_max_charge_ma"], limits.charge_ma)
    low_ma = -min(cfg["dc_max_discharge_ma"], limits.discharge_ma) if bpt else 0
    by_current = not low_ma <= ma <= top_ma
    if by_current:
        ma = max(low_ma, min(ma, top_ma))
        by_power = False
    if by_voltage and target_w is not None:
        ma = 0  # charging at the top or discharging at the floor: the voltage limit bounds
        by_power = False
    return mv, ma, car_mv, by_power, by_current, by_voltage


def _dynamic(target_w, car_mv, top_mv, floor_mv, volts):
    """(mV, mA, bound by power, by voltage) of a set-point: the announced limit is the set-point, so
    it bounds."""
    if target_w >= 0:
        return top_mv, target_w * 1000 // volts, True, target_w > 0 and car_mv >= top_mv
    return floor_mv, -(-target_w * 1000 // volts), True, car_mv <= floor_mv


def _scheduled(car, top_mv, volts, bounds_w):
    """(mV, mA, bound by power, by voltage) of what the car wants."""
    most_ma = bounds_w[0] * 1000 // volts
    least_ma = -(bounds_w[1] * 1000 // volts)
    ma = max(least_ma, min(car.target_ma, most_ma))
    return min(car.target_mv, top_mv), ma, ma != car.target_ma, car.target_mv > top_mv
