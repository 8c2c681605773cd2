"""From what a session asks to what the power stage does, and back from measurements to facts.

The power stage is handed in (`boards/`); this module knows limits and signs, not hardware. Positive power and current
flow from the station to the vehicle (R-LOOP-06).
"""

from firmware.session import facts as _f


class Power:
    """cfg: dict of app/config; hw: the board's power stage.

    hw has: poll(now), due, off(now), test(mv, now), precharge(mv, now), close(now), dc(mv, ma, car_mv),
    ac(car_w), and the readings contactor, path_off, test_result, mv, ma, w, charged_wh, discharged_wh, fault.
    """

    def __init__(self, cfg, hw):
        self.cfg = cfg
        self.hw = hw
        self.setpoint_w = cfg["setpoint_w"]
        # A supervisor with a pilot says when the car may be energised; without a pilot (sockets of the operating
        # system, for laboratories) nobody can.
        self.permitted = True
        self.cable_a = None  # rating of the plugged cable; None = captive, 0 = nothing may flow
        self._live = False
        self._cut = False
        self._tested = False  # the power stage's test result is of this session

    def set_setpoint_w(self, w):
        """New set-point in W; the next loop answer carries it."""
        self.setpoint_w = w

    @property
    def due(self):
        """Tick of the next poll, or None."""
        return self.hw.due

    def poll(self, now):
        self.hw.poll(now)

    def permit(self, yes, now):
        """May the car be energised? No means off at once, whatever session or network do (R-POWER-11, R-DC-SAFETY-07)."""
        if not yes and self.permitted and self._live:
            self.hw.off(now)
            self._live = False
            self._cut = True
            self._tested = False
        self.permitted = yes

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
        hw.poll(now)
        f.setpoint_w = self.setpoint_w
        f.present_mv = hw.mv
        f.present_ma = hw.ma
        f.present_w = hw.w
        f.contactor = hw.contactor
        f.path_off = hw.path_off
        # Before a late pilot lets the test begin, what the last car's test said does not count (R-DC-SAFETY-03).
        f.test = hw.test_result if self._tested else _f.TEST_RUNNING
        # Until the power stage begins, its meter still shows the stretch before.
        f.charged_wh = f.base_charged_wh + (hw.charged_wh if f.metered else 0)
        f.discharged_wh = f.base_discharged_wh + (hw.discharged_wh if f.metered else 0)
        f.fault = hw.fault
        if self._cut:
            f.cut = True
        f.cable_w = None if self.cable_a is None else self.cable_w()

    def apply(self, f, now):
        """Do what the facts ask. Off is done at once; the rest follows as the hardware can."""
        hw = self.hw
        ask = f.ask
        if ask == _f.ASK_OFF:
            self.off(now)
            return
        if not self.permitted:
            return  # a late pilot: what was asked is done as soon as it says C (R-POWER-10)
        self._live = f.metered = True
        if ask == _f.ASK_TEST:
            hw.test(f.ask_mv, now)
            self._tested = True
        elif ask == _f.ASK_PRECHARGE:
            hw.precharge(f.ask_mv, now)
        else:
            hw.close(now)
            if f.family == _f.DC:
                self._dc(f)
            else:
                hw.ac(f.ev_present_w)

    def _dc(self, f):
        """Converter command from the target (Dynamic) or from the vehicle's wish (Scheduled), clamped to both sides'
        limits; the three flags tell which limit bounds the output (R-LOOP-02, R-LOOP-05, R-LOOP-09)."""
        cfg = self.cfg
        car_mv = max(0, min(f.ev_present_mv, cfg["dc_max_voltage_mv"]))
        top_mv = min(cfg["dc_max_voltage_mv"], f.ev_max_mv)
        floor_mv = max(cfg["dc_min_voltage_mv"], f.ev_min_mv)
        if cfg["lenient_ev_values"] and f.ev_present_mv > cfg["dc_max_voltage_mv"]:
            # A simulated car with 20 kV at its inlet: go on as if its battery were in the middle of both ranges.
            car_mv = (top_mv + floor_mv) // 2
        top_ma = min(cfg["dc_max_charge_ma"], f.ev_max_charge_ma)
        low_ma = -min(cfg["dc_max_discharge_ma"], f.ev_max_discharge_ma) if f.bpt else 0
        volts = max(1, car_mv // 1000)
        if f.dynamic:
            wish_ma = f.target_w * 1000 // volts if f.target_w >= 0 else -(-f.target_w * 1000 // volts)
            mv = top_mv if f.target_w >= 0 else floor_mv
            f.limit_power = True  # the announced limit is the set-point: it bounds, unless the current does first
            f.limit_voltage = car_mv >= top_mv if f.target_w > 0 else f.target_w < 0 and car_mv <= floor_mv
        else:
            wish_ma = f.ev_target_ma
            mv = f.ev_target_mv
            f.limit_voltage = mv > top_mv
            mv = min(mv, top_mv)
            most_ma = min(cfg["dc_max_charge_w"], f.ev_max_charge_w) * 1000 // volts
            least_ma = -(min(cfg["dc_max_discharge_w"], f.ev_max_discharge_w) * 1000 // volts) if f.bpt else 0
            f.limit_power = not least_ma <= wish_ma <= most_ma
            wish_ma = max(least_ma, min(wish_ma, most_ma))
        f.limit_current = not low_ma <= wish_ma <= top_ma
        if f.limit_current:
            wish_ma = max(low_ma, min(wish_ma, top_ma))
            f.limit_power = False
        if f.limit_voltage and f.dynamic:
            wish_ma = 0  # charging at the top or discharging at the floor: the voltage limit bounds
            f.limit_power = False
        if not f.loops:
            wish_ma = 0  # nothing flows before the first loop request
        self.hw.dc(mv, wish_ma, car_mv)

    def off(self, now):
        """Power off whatever the session thinks: the last way out (docs/design.md, safety of a session)."""
        self.hw.off(now)
        self._live = self._cut = self._tested = False

    def basic(self, close, now):
        """Charging without a session (IEC 61851, AC): the contactor as told; the car draws up to what the pilot offers."""
        if close and self.permitted:
            self._live = True
            self.hw.close(now)
            w = self.cfg["ac_max_charge_w"]
            self.hw.ac(w if self.cable_a is None else min(w, self.cable_w()))
        elif self._live:
            self.off(now)

    def sample(self):
        """(set-point W, power W, mV, mA, contactor 0/1, charged Wh, discharged Wh)."""
        hw = self.hw
        return (self.setpoint_w, hw.w, hw.mv, hw.ma, 1 if hw.contactor else 0, hw.charged_wh, hw.discharged_wh)
