"""Bench power stage: converter, battery, meters and insulation monitor that are simulated, for desks
and CI.

It moves as hardware does and can fail like it; it does not know what the session hopes for, and
what a car claims never reaches it. In DC the voltage that pre-charge was driven to is its battery,
unless a test has set one; in AC a car draws the ceiling, unless a test, a model or the cable says
what it draws. On a controller board the contactor in front of it is real, and this is refused for
DC without the lab switch.
"""

from array import array

from firmware.clock import ticks_add, ticks_diff
from firmware.stage.words import AC, DC, OFF, PRECHARGE, READY, RUN, STOPPING, TESTING, Caps
from micropython import const

_STEP_MS = const(20)
_RAMP_MV_PER_MS = const(2000)  # output capacitor, charged by the converter without load
_STOP_MA_PER_MS = const(500)  # an orderly stop; a fault blocks at once
_SAFE_MV = const(60_000)  # below 60 V the output counts as off
_WMS_PER_WH = const(3_600_000)
_GOOD_OHM = const(5_000_000)
_BAD_OHM = const(10_000)
_LEAST_OHM_PER_V = const(500)  # of its own test


class BenchStage:
    """The contract `power stage`, simulated. contact: what says where the power contact is (closed,
    driven), drivers.contactor.Contactor.

    For tests: battery_mv (None: what pre-charge was driven to), load_w (AC: what the car draws,
    signed; None: the ceiling), fault_bits (of faults.py), insulation_bad, converter_dead,
    deaf (set-points are not heard), keeps_charge (a bleeder that is open), age (ms that readings are late, for each source).
    """

    def __init__(self, cfg, contact):
        self.cfg = cfg
        self.caps = caps = Caps()
        caps.kind = AC | DC
        caps.phases = cfg["ac_phases"]
        caps.simulated = caps.bidirectional = caps.has_out = caps.has_monitor = caps.has_meter = caps.has_lock = True
        caps.meter_id = cfg["meter_id"]
        self.test_result = 0
        self.mv_in = self.mv_out = self.ma = self.w = self.var = 0
        self.l_mv, self.l_ma, self.l_w = array("i", (0, 0, 0)), array("i", (0, 0, 0)), array("i", (0, 0, 0))
        self.can_charge_w = self.can_discharge_w = 1 << 29
        self.charged_wh = self.discharged_wh = 0
        self.meter_ok = True
        self.locked = False
        self.lock_stuck = False  # its motor does not move
        self.closed = None  # no contacts of its own
        self.battery_mv = None
        self.load_w = None
        self.fault_bits = 0
        self.insulation_bad = self.converter_dead = self.deaf = self.keeps_charge = False
        self.age = [0] * 6
        self._contact = contact
        self.enabled = True
        self.state = OFF
        self._test_until = None
        self._goal_mv = self._goal_ma = self._goal_w = 0
        self._bat_mv = 0
        self._ac = False
        self._l1 = self._l2 = self._l3 = 0
        self._last = None
        self._rest_in_wms = self._rest_out_wms = 0

    # -- readings

    @property
    def due(self):
        """Tick of the next step while anything moves, else None."""
        if self._last is None or (self.state <= READY and not self.mv_in and not self.w and not self.mv_out):
            return None
        return ticks_add(self._last, _STEP_MS)

    @property
    def faults(self):
        return self.fault_bits

    @property
    def insulation_ohm(self):
        return _BAD_OHM if self.insulation_bad else _GOOD_OHM

    def age_ms(self, source, now):
        """Readings are made in poll(), and it is asked behind one."""
        return self.age[source]

    # -- commands

    def enable(self, on):
        """The ENABLE line: without it the converter blocks, whatever it was told."""
        self.enabled = bool(on)
        if not on:
            self.ma = self.w = 0

    def start(self, now):
        self.off(now)

    def beat(self, now):
        pass

    def off(self, now):
        self._wake(now)
        self.state = OFF
        self._goal_mv = self._goal_ma = self._goal_w = 0
        self.ma = self.w = 0  # the converter blocks within microseconds
        self._lines(0)

    def stop(self, now):
        if self.state > READY:
            self.state = STOPPING

    def test(self, mv, ma, now):
        if self.state != TESTING:
            self._wake(now)
            self.state = TESTING
            self._test_until = None
            self.test_result = 0
        self._goal_mv = mv

    def precharge(self, mv, ma, now):
        self._wake(now)
        self.state = PRECHARGE
        self._goal_mv = mv

    def close(self, now):
        if self.state != RUN:
            self._wake(now)
            self._bat_mv = self.mv_in
            self.state = RUN
            self._goal_ma = self._goal_w = 0
            self._l1 = self._l2 = self._l3 = 0

    def dc(self, mv, ma, w, now):
        if not self.deaf:
            self._ac = False
            self._goal_mv, self._goal_ma, self._goal_w = mv, ma, w

    def ac(self, l1_ma, l2_ma, l3_ma, var, now):
        if not self.deaf:
            self._ac = True
            self._l1, self._l2, self._l3 = l1_ma, l2_ma, l3_ma

    def lock(self, yes, now):
        if not self.lock_stuck:
            self.locked = yes

    def clear(self, now):
        return not self.fault_bits

    # -- time

    def poll(self, now):
        """Move the model to `now`."""
        if self._last is None:
            return
        dt = ticks_diff(now, self._last)
        if dt <= 0:
            return
        if self.due is None:
            self._last = None
            return
        self._last = now
        dt = min(dt, 1000)
        self._energy(dt)
        closed = self._contact.closed
        if self.state == TESTING:
            self._run_test(now, dt)
        elif self.state == PRECHARGE:
            self._ramp(self._goal_mv, dt)
        elif self.state == RUN and closed:
            self._run(dt)
        elif self.state == STOPPING and closed:
            self._run_down(dt)
        else:
            self.ma = self.w = 0  # through an open contact nothing flows
            self._lines(0)
            self._ramp(0, dt)
        # At the car's side is what the converter has, as long as the contact is closed.
        if self.keeps_charge:
            return
        self.mv_out = self.mv_in if closed else max(0, self.mv_out - _RAMP_MV_PER_MS * dt)

    def _wake(self, now):
        if self._last is None:
            self._last = now

    def _ramp(self, goal_mv, dt):
        if self.converter_dead or not self.enabled:
            goal_mv = 0
        if self.keeps_charge:
            return
        step = _RAMP_MV_PER_MS * dt
        if self.mv_in < goal_mv:
            self.mv_in = min(goal_mv, self.mv_in + step)
        else:
            self.mv_in = max(goal_mv, self.mv_in - step)

    def _run_test(self, now, dt):
        # The test begins with the contact closed: one that is slow, or rests from its last opening,
        # is no bad insulation, and one that does not come at all is a fault of its own
        # (drivers/contactor.py). A contact that is still on its way open, from before, does not
        # count.
        contact = self._contact
        if self._test_until is None and contact.closed and contact.driven:
            # The voltage must have been there for the configured time.
            self._test_until = ticks_add(now, self.cfg["cable_check_ms"] + self._goal_mv // _RAMP_MV_PER_MS + _STEP_MS)
        if self._test_until is None or (contact.closed and ticks_diff(now, self._test_until) < 0):
            self._ramp(self._goal_mv if self._test_until is not None else 0, dt)
            return
        # Passed only after the output is down again and the contactor still closed
        # (R-DC-SAFETY-03).
        self._ramp(0, dt)
        if self.converter_dead or not contact.closed or self._leaks():
            self.test_result = 2
        elif self.mv_in < _SAFE_MV:
            self.test_result = 1

    def _leaks(self):
        return self.insulation_ohm < _LEAST_OHM_PER_V * (self._goal_mv // 1000)

    def _run(self, dt):
        if self._ac:
            self._draw()
            return
        bat_mv = self._bat_mv if self.battery_mv is None else self.battery_mv
        volts = max(1, bat_mv // 1000)
        self.mv_in = bat_mv
        goal = self._goal_ma
        most = self._goal_w * 1000 // volts
        goal = max(-most, min(goal, most))
        if bat_mv >= self._goal_mv if goal > 0 else bat_mv <= self._goal_mv:
            goal = 0  # constant voltage: no current is left
        if self.converter_dead or not self.enabled:
            goal = 0
        step = self.cfg["power_ramp_w_per_s"] * dt // volts or 1
        self._to(goal, step, volts)

    def _run_down(self, dt):
        self._to(0, _STOP_MA_PER_MS * dt, max(1, self.mv_in // 1000))
        if self._ac:
            self._lines(0)

    def _to(self, goal, step, volts):
        if self.ma < goal:
            self.ma = min(goal, self.ma + step)
        else:
            self.ma = max(goal, self.ma - step)
        # mA times V: the milli stays, one division at the end; 1000 A x 1000 V is below 2**30.
        self.w = self.ma * volts // 1000 if self.ma >= 0 else -(-self.ma * volts // 1000)

    def _draw(self):
        volts = self.cfg["ac_nominal_voltage_v"]
        w = self.load_w
        if w is None:
            w = (
                (self._l1 + self._l2 + self._l3) * volts // 1000
                if self._l1 + self._l2 + self._l3 >= 0
                else -(-(self._l1 + self._l2 + self._l3) * volts // 1000)
            )
        if not self.enabled:
            w = 0
        self.mv_in = volts * 1000
        self.w = w
        self._lines(w)
        self.ma = self.l_ma[0]

    def _lines(self, w):
        n = self.caps.phases
        volts = self.cfg["ac_nominal_voltage_v"]
        for i in range(3):
            part = (w // n if w >= 0 else -(-w // n)) if self._ac and i < n else 0
            self.l_w[i] = part
            self.l_mv[i] = volts * 1000 if self._ac and self.state == RUN and i < n else 0
            self.l_ma[i] = part * 1000 // volts if part >= 0 else -(-part * 1000 // volts)

    def _energy(self, dt):
        """Integrate power; the registers only rise (R-METER-03, R-METER-04)."""
        if not self.w:
            return
        # One rest for each way: a meter does not net import against export.
        if self.w > 0:
            self._rest_in_wms += self.w * dt
            while self._rest_in_wms >= _WMS_PER_WH:
                self._rest_in_wms -= _WMS_PER_WH
                self.charged_wh += 1
        else:
            self._rest_out_wms -= self.w * dt
            while self._rest_out_wms >= _WMS_PER_WH:
                self._rest_out_wms -= _WMS_PER_WH
                self.discharged_wh += 1
