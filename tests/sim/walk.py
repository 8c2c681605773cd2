"""Random walks over a whole station: cars that behave and cars that do not, an operator, the grid, a
pilot that is touched, and a power stage that fails in every way, all from a seed.

What must hold is judged after every step of the simulated time by a ledger of the walk's own (what
was told to whom) and by a shunt in the cable, never by what the firmware or its stage says.
"""

from drivers.pilot import C, D
from firmware.app.lease import OPERATOR
from firmware.clock import ticks_add, ticks_diff
from firmware.session import states as session_states
from firmware.stage import faults
from host_tools.ev import car as ev
from host_tools.ev import states
from host_tools.ev.options import FAULTS
from tests.lib.plant import Plant, Random
from tests.sim.faults import CALLS, whole
from tests.sim.shunt import Shunt
from tests.sim.watch import Watch

_BOOT_MS = 200  # of the modems
_FOLLOW_MS = 350  # 100 to the next command, 100 to the next but one where a request is between, steps of the converter
_DEAF_MS = 3700  # a stage that does not hear: R-LOOP-15
_CUT_MS = 100  # coil off, contact open
_LOAD_MA = 1000  # R-DC-SAFETY-14
_VOLTS = 230
_MODEL_LAG = "power with the contactor open"  # the converter model moves each 20 ms; the shunt tells the truth
_SERVICES = ("DC_BPT", "DC", "AC_BPT", "AC")
_INPUTS = (faults.ESTOP, faults.RCD, faults.RDC, faults.DOOR, faults.GRID_LOST)


class Breach(AssertionError):
    """An invariant does not hold; str() says which, and what led to it."""


class Walk:
    """done: actions so far. counts: {name of action: how often}."""

    def __init__(self, seed, limit_w=11000):
        self.rand = Random(seed)
        self.done = 0
        self.counts = {}
        self.history = []
        self.limit_w = limit_w
        self.dc = self.dice(2) == 0
        services = ["DC_BPT", "DC"] if self.dc else ["AC_BPT", "AC"]
        self.plant = plant = Plant(
            seed=seed, services=services, setpoint_w=4000, setpoint_fallback_w=1000, export="host", cable_check_ms=200,
            power_ramp_w_per_s=1000000, slac_init_ms=3000, ef_retries=0,
        )  # fmt: skip
        plant.board.hpgp.boot_ms = _BOOT_MS
        plant.board.hpgp.confirm_ms = 10
        plant.power._enable = self._enable
        self.enabled = False
        self.watch = Watch(plant)
        self.shunt = Shunt(plant)
        self.car = None
        self.number = 0
        # The ledger.
        self.order_w, self.order_until = None, None
        self.ran_out = False
        self.grid_until = None
        self.allowed = []  # [(from tick, charge W, discharge W)] of the last seconds
        self.excuse_until = plant.now  # a contact may open under load: something was done that asks for it
        self.deaf_until = plant.now
        self.coil_off_at = None
        self.denied_at = None
        self.registers = [0, 0]
        self.told = (None, 0, 0)
        self._opened = 0
        self._healthy = False
        plant.watch.append(self._check)
        plant.sleep(300)

    def dice(self, n):
        two = self.rand(2)
        return (two[0] << 8 | two[1]) % n

    def _enable(self, on):
        self.enabled = bool(on)
        self.plant.board.stage.enable(on)

    # -- what may be

    def _want_w(self, now):
        """The set-point in force, by what the walk itself has told the station."""
        if self.order_w is not None:
            if self.order_until is None or ticks_diff(now, self.order_until) < 0:
                return self.order_w
            self.order_w = None
            self.ran_out = True
        return 1000 if self.ran_out else 4000

    def _limits(self, now):
        """(charge, discharge) in W that set-point, station, car, stage and grid allow now."""
        plant, car = self.plant, self.car
        if car is None or car.done:
            return 0, 0
        w = self._want_w(now)
        cfg, stage = plant.cfg, plant.board.stage
        kind = "dc" if self.dc else "ac"
        charge = min(max(w, 0), cfg[kind + "_max_charge_w"], car.cfg["max_charge_w"], stage.can_charge_w)
        out = self.grid_until is not None and ticks_diff(now, self.grid_until) < 0
        if not out or not car.cfg["service"].endswith("BPT"):
            return charge, 0
        return charge, min(
            max(-w, 0), cfg[kind + "_max_discharge_w"], car.cfg["max_discharge_w"], stage.can_discharge_w
        )

    def _record(self, now):
        charge, discharge = self._limits(now)
        last = self.allowed[-1] if self.allowed else None
        if last is None or last[1] != charge or last[2] != discharge:
            self.allowed.append((now, charge, discharge))

    def _check(self, plant):
        now, stage, contact = plant.now, plant.board.stage, plant.board.contact
        self._record(now)
        window = _FOLLOW_MS if ticks_diff(now, self.deaf_until) >= 0 else _DEAF_MS
        while len(self.allowed) > 1 and ticks_diff(now, self.allowed[1][0]) > _DEAF_MS:
            self.allowed.pop(0)
        most = least = 0
        for i in range(len(self.allowed) - 1, -1, -1):
            most, least = max(most, self.allowed[i][1]), max(least, self.allowed[i][2])
            if ticks_diff(now, self.allowed[i][0]) > window:
                break
        w = 0 if contact.welded and not self.dc else self._watts(stage)  # nobody but the car can end that
        if w > most + most // 50 + 150:
            raise Breach("%d W into the car, %d allowed" % (w, most))
        if -w > least + least // 50 + 150:
            raise Breach("%d W out of the car, %d allowed" % (-w, least))
        self._off(plant, contact, w, now)
        self._meter(plant, stage)
        if self.shunt.opened != self._opened:
            self._opened = self.shunt.opened
            if abs(self.shunt.opened_ma) > _LOAD_MA and self._healthy and ticks_diff(now, self.excuse_until) >= 0:
                raise Breach("opened under %d mA without a fault" % self.shunt.opened_ma)
        # For the next step: was all well before the contact moved?
        power = plant.power
        if power.faults & faults.OPENS or not power.permitted or plant.charger.link.conn is None:
            self.excuse_until = ticks_add(now, 2 * _CUT_MS)
        if plant.safe.secc.state == session_states.FAILED:
            self.excuse_until = ticks_add(now, 2 * _CUT_MS)
        self._healthy = contact.closed
        found = [text for text in self.watch.breaches if text != _MODEL_LAG]
        if found:
            raise Breach("; ".join(found))

    def _watts(self, stage):
        ma = self.shunt.ma
        if self.dc:
            return ma * (stage.mv_in // 1000) // 1000
        return ma * 3 * _VOLTS // 1000

    def _off(self, plant, contact, w, now):
        """No coil and no ENABLE without permission of the pilot itself; no power behind off."""
        circuit = plant.board.circuit
        ready = circuit.load in (C, D) and not circuit.diode_shorted and circuit.short_ohm is None
        if ready:
            self.denied_at = None
        elif self.denied_at is None:
            self.denied_at = now
        elif (contact.coil or self.enabled) and ticks_diff(now, self.denied_at) > _CUT_MS:
            raise Breach(
                "coil %d, ENABLE %d, %d ms without C on the pilot"
                % (contact.coil, self.enabled, ticks_diff(now, self.denied_at))
            )
        if contact.coil:
            self.coil_off_at = None
            return
        if self.coil_off_at is None:
            self.coil_off_at = now
        if ticks_diff(now, self.coil_off_at) > _CUT_MS:
            if self.enabled:
                raise Breach("ENABLE without the coil")
            if w and self.dc:
                raise Breach("%d W, and the station is off" % w)
            if contact.closed and not contact.welded:
                raise Breach("the contact is closed, and the coil off")

    def _meter(self, plant, stage):
        now = [stage.charged_wh, stage.discharged_wh]
        if now[0] < self.registers[0] or now[1] < self.registers[1]:
            raise Breach("registers fell: %s to %s" % (self.registers, now))
        self.registers = now
        f = plant.safe.secc.facts
        told = (f, f.station.charged_wh, f.station.discharged_wh)
        if told[0] is self.told[0] and (told[1] < self.told[1] or told[2] < self.told[2]):
            raise Breach("MeterInfo fell: %s to %s" % (self.told[1:], told[1:]))
        self.told = told

    # -- actions

    def step(self):
        """Some actions at once, and a little time."""
        try:
            for _ in range(1 + self.dice(5)):
                if self.car is None or self.car.done:
                    self._plug()
                name, act = _ACTIONS[self.dice(len(_ACTIONS))]
                self.done += 1
                self.counts[name] = self.counts.get(name, 0) + 1
                self.history.append("%d %s" % (self.done, name))
                del self.history[:-12]
                act(self)
                self._record(self.plant.now)
            self.plant.sleep(10 + self.dice(120))
        except Breach as breach:
            raise Breach("%s; %s; %s; %s; %s" % (breach, self.history, self.plant.trace.notes[-6:], self.plant.trace.changes[-3:],
                                                   self.car and (self.car.cfg["service"], states.STATE_NAMES[self.car.evcc.state])))  # fmt: skip

    def _excuse(self, ms=3000):
        self.excuse_until = ticks_add(self.plant.now, ms)

    def _plug(self):
        if self.car is not None:
            self.plant.remove(self.car)
            self.plant.sleep(200)
        self._heal()
        self.number += 1
        if self.dice(2):
            self.plant.power.lease.grid(self.plant.now, True, 60)
            self.grid_until = ticks_add(self.plant.now, 60000)
        service = _SERVICES[(0 if self.dc else 2) + self.dice(2)]
        control = "dynamic" if self.dice(3) else "scheduled"
        fault = FAULTS[self.dice(len(FAULTS))] if self.dice(12) == 0 else ""
        self.car = self.plant.plug(
            1 + self.number % 100, service=service, control=control, fault=fault, basic=False, soc=30 + self.dice(50),
            max_charge_w=(3000, 8000, 50000)[self.dice(3)], max_discharge_w=(3000, 8000, 50000)[self.dice(3)],
            scheduled_w=6000, loop_pace_ms=50 + self.dice(150), unplug_after_ms=200,
        )  # fmt: skip
        self.car.modem.boot_ms = _BOOT_MS
        # Most walks are about the time in which power may flow.
        goal = (states.SAP, states.CABLE_CHECK, states.PRECHARGE, states.LOOP, states.LOOP, states.LOOP)[self.dice(6)]
        car = self.car
        end = ticks_add(self.plant.now, 20000)

        def there(plant):
            return car.done or (car.phase == ev.SESSION and car.evcc.state >= goal) or ticks_diff(plant.now, end) >= 0

        self.plant.until(there, 25000)

    def _heal(self):
        """Everything is repaired, and a person says so."""
        plant = self.plant
        stage, contact = plant.board.stage, plant.board.contact
        whole(stage)
        stage.fault_bits = 0
        stage.insulation_bad = stage.converter_dead = stage.deaf = stage.keeps_charge = False
        stage.age = [0] * 6
        stage.can_charge_w = stage.can_discharge_w = 1 << 29
        contact.welded = contact.stuck_open = contact.feedback_broken = False
        plant.cable.cut = False
        plant.board.do_cp(["auto"], plant.now)
        plant.power.set_inputs(0, plant.now)
        plant.sleep(300)
        plant.charger.clear(plant.now)
        plant.sleep(100)

    def finish(self):
        """After everything: a good car is served (nothing is stuck)."""
        plant = self.plant
        if self.car is not None and not self.car.done:
            self.car.unplug(plant.now)
            plant.sleep(500)
        if self.car is not None:
            plant.remove(self.car)
        self._heal()
        plant.sleep(2500)  # what is held for a while
        plant.charger.clear(plant.now)
        self.order_w, self.order_until = 3000, None
        plant.power.lease.give(plant.now, OPERATOR, 3000, 0)
        self.car = plant.plug(99, service="DC_BPT" if self.dc else "AC_BPT", loops=3)
        plant.run(self.car)
        assert self.car.ok, (self.car.why, plant.trace.notes[-8:], plant.trace.changes[-4:])


def _wait(walk):
    walk.plant.sleep(walk.dice(700))


def _setpoint(walk):
    w = (0, 500, 3000, 9000, 30000, -500, -3000, -9000, -30000)[walk.dice(9)]
    valid_s = walk.dice(6)
    now = walk.plant.now
    if not walk.plant.power.lease.give(now, OPERATOR, w, valid_s):
        walk.order_w = w
        walk.order_until = ticks_add(now, valid_s * 1000) if valid_s else None
        walk.ran_out = False
        if w < 0:
            assert valid_s and walk.grid_until is not None, "discharge without an end or permission was taken"


def _release(walk):
    walk.plant.power.lease.release(walk.plant.now, OPERATOR)
    walk.order_w = None
    walk.ran_out = False


def _grid(walk):
    now = walk.plant.now
    if walk.dice(3):
        seconds = 1 + walk.dice(8)
        walk.plant.power.lease.grid(now, True, seconds)
        walk.grid_until = ticks_add(now, seconds * 1000)
    else:
        walk.plant.power.lease.grid(now, False)
        walk.grid_until = None


def _station_stop(walk):
    if walk.dice(4) == 0:
        walk.plant.safe.request_stop(walk.plant.now)


def _car_stop(walk):
    if walk.dice(4) == 0:
        walk.car.request_stop()


def _glitch(walk):
    walk._excuse()
    walk.plant.board.do_cp([("B", "A", "E", "diode", "D")[walk.dice(5)]], walk.plant.now)
    walk.plant.sleep((3, 15, 30, 60, 200, 900)[walk.dice(6)])
    walk.plant.board.do_cp(["auto"], walk.plant.now)


def _illegal(walk):
    """The car asks for what is not its turn, or says nonsense."""
    walk._excuse()
    car = walk.car
    if car.phase != ev.SESSION:
        return
    what = walk.dice(4)
    if what == 0:
        if car.evcc._deadline is None:  # else it would take the answer for another one
            car.evcc.state = walk.dice(states.OVER)
    elif what == 1 and car.net.conns:
        car.net.conns[0].write(walk.rand(40), 0, 40)
    elif what == 2 and car.net.conns:
        car.net.conns[0].abort()
    else:
        car.evcc.inlet_mv = (0, 1000, 5_000_000)[walk.dice(3)]


def _silence(walk):
    walk._excuse()
    if walk.dice(2):
        walk.plant.cable.cut = True
        walk.plant.sleep(walk.dice(1500))
        walk.plant.cable.cut = False


def _stage_fault(walk):
    walk._excuse()
    stage = walk.plant.board.stage
    stage.fault_bits = 0 if walk.dice(3) else 1 << (2 + walk.dice(23))


def _stage_raises(walk):
    walk._excuse()
    stage, name = walk.plant.board.stage, CALLS[walk.dice(len(CALLS))]

    def broken(*args):
        raise ValueError("test seam in " + name)

    if walk.dice(2):
        setattr(stage, name, broken)
        walk.deaf_until = ticks_add(walk.plant.now, 600000)
    else:
        whole(stage)
        walk.deaf_until = ticks_add(walk.plant.now, _DEAF_MS)


def _stage_deaf(walk):
    walk._excuse(5000)
    stage = walk.plant.board.stage
    stage.deaf = not stage.deaf and walk.dice(2) == 0
    walk.deaf_until = ticks_add(walk.plant.now, 600000 if stage.deaf else _DEAF_MS)


def _stage_model(walk):
    walk._excuse()
    stage, what, on = walk.plant.board.stage, walk.dice(4), walk.dice(2) == 0
    if what == 0:
        stage.insulation_bad = on
    elif what == 1:
        stage.converter_dead = on
    elif what == 2:
        stage.age[walk.dice(6)] = 5000 if on else 0
    else:
        stage.can_charge_w = (1 << 29, 2000, 0)[walk.dice(3)]
        stage.can_discharge_w = (1 << 29, 2000, 0)[walk.dice(3)]


def _contact(walk):
    walk._excuse()
    contact, what, on = walk.plant.board.contact, walk.dice(3), walk.dice(3) == 0
    if what == 0:
        contact.welded = on
    elif what == 1:
        contact.stuck_open = on
    else:
        contact.feedback_broken = on


def _input(walk):
    walk._excuse()
    walk.plant.power.set_inputs(_INPUTS[walk.dice(len(_INPUTS))] if walk.dice(2) else 0, walk.plant.now)


def _clear(walk):
    walk.plant.charger.clear(walk.plant.now)


def _unplug(walk):
    if walk.dice(3) == 0:
        walk._excuse()
        walk.car.unplug(walk.plant.now)
        walk.plant.sleep(150)


# What does not end a session comes most often: power must flow for anything to be seen.
_ACTIONS = (
    (("time", _wait),) * 10 + (("set-point", _setpoint),) * 12 + (("grid", _grid),) * 6
    + (
        ("release", _release), ("station stops", _station_stop), ("car stops", _car_stop), ("pilot", _glitch),
        ("illegal request", _illegal), ("powerline", _silence), ("stage fault", _stage_fault), ("stage raises", _stage_raises),
        ("stage deaf", _stage_deaf), ("stage model", _stage_model), ("contact", _contact), ("input", _input),
        ("clear", _clear), ("unplug", _unplug),
    )
)  # fmt: skip


def walk(seed, actions):
    """One walk; the Walk when it is over."""
    one = Walk(seed)
    while one.done < actions:
        one.step()
    one.finish()
    return one
