"""Bench power stage: a contactor with feedback, behind it a DC converter and meters that are
simulated.

On a controller board the contactor is real; the converter stands here until one is wired (docs of
the board say how). It has the delays and ramps of hardware and can fail like it; it does not know
what the session hopes for. What flows through the plug is not measured, so the voltage (DC) and the
power (AC) that the car reports stand in for the load, inside what this station can carry.
"""

from firmware.clock import sooner, ticks_add, ticks_diff
from micropython import const

_STEP_MS = const(20)
_RAMP_MV_PER_S = const(2_000_000)  # output capacitor, charged by the converter without load
_SAFE_MV = const(60_000)  # below 60 V the output counts as off
_WMS_PER_WH = const(3_600_000)

_OFF = const(0)
_TEST = const(1)
_PRECHARGE = const(2)
_RUN = const(3)


class BenchStage:
    """Power stage with readings: contactor (bool), path_off (bool), test_result (0 running, 1
    passed, 2 failed), mv, ma, w, charged_wh, discharged_wh, fault (those of drivers/contactor.py, 0
    = none). Faults of the simulated part: insulation_bad, converter_dead.

    relay: drivers.contactor.Contactor. model: what moves behind it, where the contactor is
    simulated too (start poll due).
    """

    def __init__(self, cfg, relay, model=None):
        self.cfg = cfg
        self.relay = relay
        self.model = model
        self.test_result = 0
        self.mv = 0
        self.ma = 0
        self.w = 0
        self.charged_wh = 0
        self.discharged_wh = 0
        self.converter_fault = 0  # 3 and above: the converter reports a fault of its own
        self.insulation_bad = False
        self.converter_dead = False
        self._mode = _OFF
        self._test_until = None
        self._target_mv = 0
        self._target_ma = 0
        self._car_mv = 0
        self._ac = False
        self._car_w = 0
        self._last = None
        self._rest_in_wms = 0
        self._rest_out_wms = 0

    @property
    def due(self):
        """Tick of the next step while anything moves, else None."""
        moving = self.model.due if self.model else None
        if self._last is None or (self._mode == _OFF and self.path_off and moving is None):
            return None
        return sooner(ticks_add(self._last, _STEP_MS), moving)

    @property
    def contactor(self):
        """The feedback contact."""
        return self.relay.closed

    @property
    def fault(self):
        return self.relay.fault or self.converter_fault

    @property
    def tripped(self):
        """The board has opened the contactor by itself."""
        return self.relay.tripped

    @property
    def path_off(self):
        return not self.relay.closed and self.ma == 0 and self.w == 0 and self.mv < _SAFE_MV

    # -- commands

    def off(self, now):
        self._start(now)
        self.relay.open(now)
        self._mode = _OFF
        self._target_mv = 0
        self._target_ma = 0
        self._car_w = 0
        self.ma = 0  # the converter blocks within microseconds
        self.w = 0

    def test(self, mv, now):
        if self._mode != _TEST:
            self._start(now)
            self.relay.close(now)
            self._mode = _TEST
            self._target_mv = mv
            self._test_until = None
            self.test_result = 0
            self.charged_wh = 0
            self.discharged_wh = 0

    def precharge(self, mv, now):
        self._start(now)
        self._mode = _PRECHARGE
        self._target_mv = mv

    def close(self, now):
        if self._mode == _OFF:
            self.charged_wh = 0
            self.discharged_wh = 0
        self._start(now)
        if not self.relay.wanted:
            self.relay.close(now)
        self._mode = _RUN

    def clear(self, now):
        """Forget a latched fault of the contactor; it stays while the contact does not read
        open."""
        return self.relay.clear(now)

    def dc(self, mv, ma, car_mv):
        self._ac = False
        self._target_mv = mv
        self._target_ma = ma
        self._car_mv = car_mv

    def ac(self, car_w):
        self._ac = True
        self._car_w = car_w

    # -- time

    def poll(self, now):
        """Move the model to `now`. The feedback is looked at even while nothing is asked: a weld
        shows at any time."""
        model = self.model
        if self.relay.due is None:
            if model:
                model.start(now)
            self.relay.start(now)
        if model:
            model.poll(now)
        self.relay.poll(now)
        if self._last is None:
            return
        dt = ticks_diff(now, self._last)
        if dt <= 0:
            return
        if self.due is None:
            self._last = None
            return
        self._last = now
        self._energy(min(dt, 1000))
        if self._mode == _TEST:
            self._run_test(now, dt)
        elif self._mode == _PRECHARGE:
            self._ramp(self._target_mv, dt)
        elif self._mode == _RUN and self.contactor:
            self._run(dt)
        else:
            self.ma = 0  # through an open contact nothing flows
            self.w = 0
            self._ramp(0, dt)

    def _start(self, now):
        if self.relay.due is None:
            self.poll(now)
        if self._last is None:
            self._last = now

    def _ramp(self, target_mv, dt):
        if self.converter_dead:
            target_mv = 0
        step = _RAMP_MV_PER_S // 1000 * min(dt, 1000)
        if self.mv < target_mv:
            self.mv = min(target_mv, self.mv + step)
        else:
            self.mv = max(target_mv, self.mv - step)

    def _run_test(self, now, dt):
        # The test begins with the contact closed: one that is slow, or rests from its last opening,
        # is no bad insulation, and one that does not come at all is a fault of its own
        # (drivers/contactor.py). A contact that is still on its way open, from before, does not
        # count.
        if self._test_until is None and self.contactor and self.relay.driven:
            self._test_until = ticks_add(now, self.cfg["cable_check_ms"])
        if self._test_until is None or (self.contactor and ticks_diff(now, self._test_until) < 0):
            self._ramp(self._target_mv if self._test_until is not None else 0, dt)
            return
        # Passed only after the output is down again and the contactor still closed
        # (R-DC-SAFETY-03).
        self._ramp(0, dt)
        if self.insulation_bad or self.converter_dead or not self.contactor:
            self.test_result = 2
        elif self.mv < _SAFE_MV:
            self.test_result = 1

    def _run(self, dt):
        cfg = self.cfg
        if self._ac:
            low = -cfg["ac_max_discharge_w"]
            self.w = max(low, min(self._car_w, cfg["ac_max_charge_w"]))
            self.mv = cfg["ac_nominal_voltage_v"] * 1000
            self.ma = self.w * 1000 // (cfg["ac_nominal_voltage_v"] * cfg["ac_phases"])
            return
        self.mv = self._car_mv or self.mv
        volts = max(1, self.mv // 1000)
        step = cfg["power_ramp_w_per_s"] * min(dt, 1000) // volts or 1
        goal = 0 if self.converter_dead else self._target_ma
        if self.ma < goal:
            self.ma = min(goal, self.ma + step)
        else:
            self.ma = max(goal, self.ma - step)
        # mA times V: the milli stays, one division at the end; 1000 A x 1000 V is below 2**30.
        self.w = self.ma * volts // 1000 if self.ma >= 0 else -(-self.ma * volts // 1000)

    def _energy(self, dt):
        """Integrate power; the counters only rise (R-METER-03, R-METER-04)."""
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
