"""From what a session asks to what the power path does, and back from measurements to facts.

The power stage is handed in (`firmware/stage`, `boards/`); contactor and ENABLE line belong to this
module, and they are its way to off: both go first, in the same call, and only then the stage is
told. A stage that raises, hangs or lies cannot keep power on (R-POWER-14). Positive power and
current flow from the station to the vehicle (R-LOOP-06).
"""

from firmware.app.dc_command import DcCommand
from firmware.app.decide import Decide
from firmware.app.lease import Lease
from firmware.app.offer import Offer
from firmware.app.power_watch import TEST_MA, Watch
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.session import ceiling
from firmware.session.codes import (
    ASK_OFF,
    ASK_POWER,
    ASK_PRECHARGE,
    ASK_STOP,
    ASK_TEST,
    DC,
    GRANTED,
    TEST_FAILED,
    TEST_PASSED,
    TEST_RUNNING,
)
from firmware.stage import faults
from firmware.stage.faults import (
    BLEEDER,
    CONVERTER,
    ENDS,
    FAILED_CONTACTOR,
    LATCHES,
    METER,
    NOT_APPLIED,
    OPENS,
    OVERTEMP,
    STAGE,
)
from firmware.stage.words import FAULT as IS_FAULT
from micropython import const

# A permission is as old as the sample of the pilot that it was given for. Samples are 20 ms apart,
# and a turn that had more to do than that begins with one; three of them missing is a pilot that
# nobody looks at (R-POWER-14, R-POWER-15).
_PERMIT_MS = const(60)
_AGAIN_MS = const(100)  # set-point and limits reach the stage this often between requests (R-LOOP-18)
_OPEN_MS = const(200)  # of off_timeout_ms the contact may need so much
_SAFE_MV = const(60_000)  # below 60 V the output counts as off
_DEAD_MA = const(1000)  # below 1 A a contact may open in order (R-DC-SAFETY-14)
_HOLD_MS = const(2000)  # a fault that goes with its cause is still there this long: everybody hears of it
_BLEED_MS = const(5000)
_RETRY_MS = const(100)  # a stage whose driver fails is asked again
_REACHED_PERCENT = const(95)  # of the test voltage (R-DC-SAFETY-13)


class Power:
    """cfg: dict of app/config, narrowed to what the stage can do. hw: power stage. contactor:
    drivers.contactor.Contactor. enable: enable(on) of the board's ENABLE line, None = no such line.
    trace: is told of faults.

    faults      bits of stage/faults.py that are there or latched
    """

    def __init__(self, cfg, hw, contactor, enable=None, trace=None):
        self.cfg = cfg
        self.hw = hw
        self.contactor = contactor
        self._enable = enable
        self._trace = trace
        self.offer = Offer(cfg, hw.caps)
        self.offer.look()
        self.lease = Lease(cfg, trace)  # who wants which power
        self.decide = Decide(cfg, trace)  # may this car charge?
        # A supervisor with a pilot says when the car may be energised; without a pilot (sockets of
        # the operating system, for laboratories) nobody can.
        self.permitted = True
        self._permit_at = None  # tick of the sample that permitted; None: no pilot, and no age
        self.cable_a = None  # rating of the plugged cable; None = captive, 0 = nothing may flow
        self.faults = 0
        self._latched = 0
        self._held = 0  # not latched, kept for a while
        self._held_until = None
        self._inputs = 0  # told by set_inputs()
        self._watch = Watch(hw)
        self._dc = DcCommand()
        self._f = None  # facts of the session that asks
        self._is_dc = False
        self._ask = ASK_OFF  # what is done now
        self._basic = False
        self._live = False
        self._cut = False
        self._test = TEST_RUNNING
        self._ran = False  # the stage has begun this test
        self._reached_mv = 0
        self._test_mv = 0
        self._stop_until = None
        self._off_at = None
        self._next = None  # tick of the next command of ours
        self._base_in_wh = self._base_out_wh = 0
        self._lines = [0, 0, 0]
        self._retry_at = None
        self._started = False

    def set_inputs(self, bits, now):
        """Protective inputs of the board: the faults that they show now, a level. What opens does so
        in this call."""
        self._inputs = bits
        self._judge(bits | self.hw.faults, now)

    def start(self, now):
        """Everything off, and what a person must know of this station is said."""
        self._started = True
        self.contactor.start(now)  # opens
        try:
            self.hw.start(now)
        except Exception as error:
            self._raised(error, now)
        self._open(now)
        if self._trace is None:
            return
        caps = self.hw.caps
        if self.cfg["lab"]:
            self._trace.error(now, "LAB: `lab` is on; what is simulated or not measured counts as real. Never at a car")
        if caps.simulated:
            self._trace.note(now, "power stage: converter and meters are simulated")
        if self.offer.refused:
            self._trace.error(now, "not on offer: " + self.offer.refused)
        if not self.cfg["services"]:
            self._trace.error(now, "no service is left: no car is served")

    @property
    def due(self):
        """Tick of the next poll, or None while nothing moves and nothing is asked."""
        # A stage whose driver fails is asked rarely: its `due` may stand still.
        due = self._retry_at if self._latched & STAGE else self.hw.due
        contactor = self.contactor
        if self._live or contactor.closed or contactor.closed != contactor.driven or contactor.fault or due is not None:
            due = sooner(due, contactor.due)
        return sooner(sooner(due, self._next), sooner(sooner(self._held_until, self.lease.due), self.decide.due))

    # -- what is measured

    @property
    def closed(self):
        """The contact, by its feedback; contacts of the stage's own count too."""
        return self.contactor.closed and self.hw.closed is not False

    @property
    def out_mv(self):
        """At the car's side of the contact; where nothing measures there, the converter's."""
        hw = self.hw
        return hw.mv_out if hw.caps.has_out else hw.mv_in

    @property
    def path_off(self):
        if self.contactor.closed or abs(self.hw.ma) >= _DEAD_MA:
            return False
        return not self._is_dc or self.out_mv < _SAFE_MV

    @property
    def charged_wh(self):
        """Into the car since it was energised; the registers of the meter never fall."""
        return self.hw.charged_wh - self._base_in_wh

    @property
    def discharged_wh(self):
        return self.hw.discharged_wh - self._base_out_wh

    @property
    def fault(self):
        """Number of the fault that takes the power away (stage/faults.py), 0 = none."""
        return faults.code(self.faults & OPENS)

    @property
    def latched(self):
        """A fault that stays until `clear`."""
        return bool(self._latched)

    @property
    def must_end(self):
        """The station has to end in order, by its own state."""
        hw = self.hw
        bits = self.faults
        return bool(bits & ENDS or (bits & OVERTEMP and not hw.can_charge_w and not hw.can_discharge_w))

    def cable_w(self):
        """What the plugged cable carries in AC, all phases together."""
        return self.cable_a * self.cfg["ac_nominal_voltage_v"] * self.cfg["ac_phases"]

    def sample(self):
        """(set-point W, power W, mV, mA, contactor 0/1, charged Wh, discharged Wh)."""
        hw = self.hw
        closed = 1 if self.closed else 0
        return (self.lease.set_w, hw.w, self.out_mv, hw.ma, closed, self.charged_wh, self.discharged_wh)

    # -- time

    def poll(self, now):
        if not self._started:
            self.start(now)
        hw = self.hw
        self._aged(now)
        self.lease.poll(now)
        self.decide.poll(now)
        self.contactor.poll(now)
        if self._live and self.contactor.tripped:
            self._take_away(now)  # the board was first; a new sample may permit again
        if self._latched & STAGE and self._retry_at is not None and ticks_diff(self._retry_at, now) > 0:
            return
        bits = self._inputs
        if self.contactor.fault:
            bits |= 1 << (self.contactor.fault - 1)
        try:
            if self._live:
                hw.beat(now)
            hw.poll(now)
            self.offer.look()
            bits |= hw.faults
            if hw.state == IS_FAULT and not bits:
                bits = CONVERTER
            if self._live:
                bits |= self._readings(now)
            elif self._off_at is not None:
                bits |= self._bled(now)
            if self._retry_at is not None:
                self._retry_at = ticks_add(now, _RETRY_MS) if self._latched & STAGE else None
            self._judge(bits, now)
            if self._live:
                self._go_on(now)
        except Exception as error:
            self._raised(error, now)

    def _readings(self, now):
        watch, f, dc = self._watch, self._f, self._is_dc
        bits = watch.stale(dc, self._ask != ASK_OFF, now)
        out_mv = self.out_mv
        if not self.contactor.closed:
            return bits
        if dc:
            if f is not None:
                bits |= watch.output(out_mv, min(f.car.first.max_mv, self.cfg["dc_max_voltage_mv"]))
            if self._ask == ASK_TEST or self._ask == ASK_PRECHARGE:
                bits |= watch.testing(out_mv)
            else:
                bits |= watch.current(now)
            if self._ask != ASK_TEST:
                bits |= watch.insulation(out_mv)
        else:
            bits |= watch.draw(self.cfg["ac_nominal_voltage_v"] * self.cfg["ac_phases"], now)
            if watch.warned:
                watch.warned = False
                self._note(now, "the car draws or gives more than it may, W", self.hw.w)
        return bits

    def _bled(self, now):
        if ticks_diff(now, self._off_at) < _BLEED_MS:
            return 0
        self._off_at = None
        return BLEEDER if self.hw.mv_in >= _SAFE_MV and self._is_dc else 0

    def _judge(self, bits, now):
        """Take what is wrong now; what opens, opens here."""
        self._latched |= bits & LATCHES
        brief = bits & ~LATCHES & OPENS
        if brief:
            self._held |= brief
            self._held_until = ticks_add(now, _HOLD_MS)
        elif self._held_until is not None and ticks_diff(now, self._held_until) >= 0:
            self._held = 0
            self._held_until = None
        was = self.faults
        self.faults = bits | self._latched | self._held
        if self.faults & OPENS and self._live:
            self._open(now)
        new = self.faults & ~was
        if new and self._trace is not None:
            for text in faults.in_words(new):
                self._trace.note(now, "fault: " + text)

    def _raised(self, error, now):
        """A call of the stage has failed: off by the other way, and latched."""
        first = not self._latched & STAGE  # a poll that raises does so fifty times in a second
        self._latched |= STAGE
        self._retry_at = ticks_add(now, _RETRY_MS)
        self.faults |= STAGE
        if self._live:
            self._open(now, False)  # before a word of it, which needs memory
        if first and self._trace is not None:
            self._trace.error(now, "power stage: %s %s" % (type(error).__name__, error))

    def _note(self, now, text, value=None):
        if self._trace is not None:
            self._trace.note(now, text, value)

    # -- off

    def _open(self, now, tell=True):
        """Enable line and contactor at once, each whatever becomes of the other, then the stage."""
        if self._live:
            self._off_at = now
        self._live = self._basic = False
        self._ask = ASK_OFF
        self._next = self._stop_until = None
        self._test = TEST_RUNNING
        try:
            if self._enable is not None:
                self._enable(0)
        except Exception as error:
            self._raised(error, now)
        try:
            self.contactor.open(now)
        except Exception as error:
            self._raised(error, now)
        if tell:
            try:
                self.hw.off(now)
            except Exception as error:
                self._raised(error, now)

    def off(self, now):
        """Power off whatever the session thinks: the last way out, under load if need be.

        docs/design.md, safety of a session."""
        self._open(now)
        self._cut = False

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
            self._open(now)
            self._cut = True

    def clear(self, now):
        """The cause of a latched fault is repaired; it is forgotten where that is so."""
        self.contactor.clear(now)
        self._latched = self._held = 0
        self._off_at = self._retry_at = None
        try:
            self.hw.clear(now)
            self.hw.poll(now)
        except Exception as error:
            self._raised(error, now)
        self.poll(now)

    # -- the session

    def measure(self, f, now):
        """Bring the station's part of the facts up to date."""
        self.poll(now)
        hw = self.hw
        s = f.station
        s.setpoint_w = self.lease.set_w
        s.export = self.lease.export
        if f.wanted.decision:
            self.decide.seen(now, f.car.id, f.vehicle_name)
        s.authorized = self.decide.state
        s.person = self.decide.person
        s.can_charge_w = hw.can_charge_w
        s.can_discharge_w = hw.can_discharge_w
        s.mv = self.out_mv
        s.ma = hw.ma
        s.w = hw.w
        s.contactor = self.closed
        s.path_off = self.path_off
        # Until this session's test has started, there is no result: a late pilot delays the start
        # (R-DC-SAFETY-03).
        s.insulation = self._test
        # Until the power path begins, the registers still show the stretch before.
        s.charged_wh = f.session.base_charged_wh + (self.charged_wh if s.metered else 0)
        s.discharged_wh = f.session.base_discharged_wh + (self.discharged_wh if s.metered else 0)
        s.meter_ok = hw.meter_ok and not self.faults & METER
        s.fault = self.fault
        s.contactor_fault = faults.answer(self.faults) == FAILED_CONTACTOR
        s.must_end = self.must_end
        if self._cut:
            s.pilot_cut = True
        s.cable_w = None if self.cable_a is None else self.cable_w()

    def apply(self, f, now):
        """Do what the facts ask. Off is done at once; the rest follows as the hardware can."""
        ask = f.wanted.ask
        self._f = f
        if ask == ASK_OFF:
            self.off(now)
            return
        if ask == ASK_STOP:
            self._stop(now)
            return
        if not self.permitted or self.faults & OPENS:
            return  # a late pilot: what was asked is done as soon as it says C (R-POWER-10)
        if not self._live and self.decide.state != GRANTED:
            return  # nothing begins without a decision (R-AUTH-16); a no later on ends in order
        self._is_dc = f.session.current == DC
        if not f.station.metered:
            f.station.metered = True
            self._base()
        try:
            if not self._live:
                self._live = True
                self._off_at = None
                self._watch.reset()
            self._begin(ask, f, now)
        except Exception as error:
            self._raised(error, now)

    def _base(self):
        self._base_in_wh = self.hw.charged_wh
        self._base_out_wh = self.hw.discharged_wh

    def _begin(self, ask, f, now):
        hw = self.hw
        was, self._ask = self._ask, ask
        if ask == ASK_TEST:
            if was != ASK_TEST:
                self._test = TEST_RUNNING
                self._test_mv = f.wanted.mv
                self._reached_mv = 0
                self._ran = False
                self._stop_until = ticks_add(now, self.cfg["off_timeout_ms"])
                self._next = now
                self._go_on(now)
        elif ask == ASK_PRECHARGE:
            hw.precharge(f.wanted.mv, TEST_MA, now)
        else:
            if was != ASK_POWER:
                hw.close(now)
                self._next = now
                if not self._is_dc:  # in DC it is closed since the test, and never without one
                    self._close(now)
            self._command(now)

    def _close(self, now):
        if self._enable is not None:
            self._enable(1)
        self.contactor.close(now)

    def _go_on(self, now):
        """What is under way, between two requests."""
        if self._ask == ASK_TEST:
            self._run_test(now)
        elif self._ask == ASK_STOP:
            if abs(self.hw.ma) < _DEAD_MA or ticks_diff(now, self._stop_until) >= 0:
                self._open(now)
        elif self._ask == ASK_POWER and self._next is not None and ticks_diff(now, self._next) >= 0:
            self._command(now)

    def _run_test(self, now):
        """The stage is not believed: output below 60 V before the contact closes, the voltage really
        reached, contact closed, a result of this test (R-DC-SAFETY-13)."""
        hw = self.hw
        if self._test != TEST_RUNNING:
            return
        if self._next is not None:  # not begun
            if max(hw.mv_in, hw.mv_out) >= _SAFE_MV:
                if ticks_diff(now, self._stop_until) >= 0:
                    self._judge(NOT_APPLIED, now)
                return
            self._next = None
            self._close(now)
            hw.test(self._test_mv, TEST_MA, now)
        if self.contactor.closed:
            self._reached_mv = max(self._reached_mv, self.out_mv)
        if hw.test_result == TEST_RUNNING:
            self._ran = True
        elif hw.test_result == TEST_FAILED:
            self._test = TEST_FAILED
        elif self._ran:
            good = self._reached_mv // 100 * 100 >= self._test_mv // 100 * _REACHED_PERCENT and self.contactor.closed
            self._test = TEST_PASSED if good else TEST_FAILED
            if not good:
                self._note(now, "test voltage not reached, mV", self._reached_mv)

    def _stop(self, now):
        """An orderly end: no current, then open (R-DC-SAFETY-14)."""
        if not self._live or self._ask == ASK_STOP:
            return
        if self._ask != ASK_POWER:
            self._open(now)  # tests and pre-charge have no current that is worth a ramp
            return
        self._ask = ASK_STOP
        self._basic = False
        ms = self.cfg["off_timeout_ms"]
        self._stop_until = ticks_add(now, max(ms - _OPEN_MS, ms // 2))
        self._next = None
        try:
            self.hw.stop(now)
            self._go_on(now)
        except Exception as error:
            self._raised(error, now)

    def _command(self, now):
        """Set-point and limits of this moment, to the stage and to the watch (R-LOOP-15,
        R-LOOP-18)."""
        self._next = ticks_add(now, _AGAIN_MS)
        f, hw = self._f, self.hw
        if self._basic:
            w = max(0, min(self.cfg["ac_max_charge_w"], self.lease.set_w, hw.can_charge_w))
            self._ac(w if self.cable_a is None else min(w, self.cable_w()), 0, now)
            return
        s = f.station
        s.setpoint_w = self.lease.set_w
        s.export = self.lease.export
        s.mv = self.out_mv
        s.can_charge_w = hw.can_charge_w
        s.can_discharge_w = hw.can_discharge_w
        w = s.setpoint_w
        charge_w = ceiling.charge_w(f, w)
        discharge_w = ceiling.discharge_w(f, -w)
        if not self._is_dc:
            self._ac(charge_w, discharge_w, now)
            return
        target_w = (charge_w or -discharge_w) if f.session.dynamic else None
        dc = self._dc
        dc.make(self.cfg, f.car, s.mv, charge_w, discharge_w, target_w)
        s.limit_power, s.limit_current, s.limit_voltage = dc.by_power, dc.by_current, dc.by_voltage
        ma = dc.ma if f.session.loops else 0  # nothing flows before the first loop request
        self._watch.allow_dc(max(ma, 0), max(-ma, 0), now)
        hw.dc(dc.mv, ma, dc.w, now)

    def _ac(self, charge_w, discharge_w, now):
        """The ceiling per line, in the direction in which power is to flow; where the car chooses it,
        that in which it flows."""
        volts = self.cfg["ac_nominal_voltage_v"]
        self._watch.allow_ac(charge_w, discharge_w, now)
        out = discharge_w and (not charge_w or self.hw.w < 0)
        w = -discharge_w if out else charge_w
        lines = self._lines
        if self._f is not None and ceiling.lines(self._f):
            ceiling.share(self._f, w, lines)
        else:
            n = self.cfg["ac_phases"]
            for i in range(3):
                lines[i] = 0 if i >= n else w // n if w >= 0 else -(-w // n)
        self.hw.ac(_line_ma(lines[0], volts), _line_ma(lines[1], volts), _line_ma(lines[2], volts), self.lease.var, now)

    # -- without a session

    def basic(self, close, now):
        """Charging without a session (IEC 61851, AC): the contactor as told; the car draws up to
        what the pilot offers."""
        if close and self.permitted and not self.faults & OPENS and (self._live or self.decide.state == GRANTED):
            if not self._live:
                self._live = self._basic = True
                self._is_dc = False
                self._f = None
                self._off_at = None
                self._ask = ASK_POWER
                self._base()
                self._watch.reset()
                try:
                    self.hw.close(now)
                    self._close(now)
                    self._command(now)
                except Exception as error:
                    self._raised(error, now)
        elif self._live:
            self.off(now)


def _line_ma(w, volts):
    return w * 1000 // volts if w >= 0 else -(-w * 1000 // volts)
