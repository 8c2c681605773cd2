"""Rows of the fault table that belong to the power path: what the stage reports, what is measured, a
stage that is broken itself, and every kind of a normal end."""

from firmware.app import plug_steps as sup
from firmware.app.lease import OPERATOR
from firmware.stage import faults
from firmware.stage.words import CURRENT, ENERGY, INSULATION, LINES, OUT
from host_tools.ev import states
from tests.sim.faults import clear, in_loop, live_session, precharging, said, unplug, whole
from tests.sim.row import FAILS, GOES_ON, GONE_AWAY, PILOT, STATION, Row

_LATE_MS = 3300  # a set-point that is not heard: 3000 to follow it, 100 of doubt, turns and the contact
_ORDER_A = 1  # R-DC-SAFETY-14


def _bits(bits):
    def do(plant, car):
        plant.board.stage.fault_bits = bits

    return do


def _input(bits):
    return lambda plant, car: plant.power.set_inputs(bits, plant.now)


def _repaired(plant, car):
    """As clear(), and the stage is as it was made."""
    stage = plant.board.stage
    whole(stage)
    stage.deaf = stage.converter_dead = stage.keeps_charge = False
    stage.battery_mv = stage.load_w = None
    stage.age = [0] * 6
    stage.can_charge_w = stage.can_discharge_w = 1 << 29
    plant.power.set_inputs(0, plant.now)
    clear(plant, car)


def _raises(name):
    """A call of the stage's driver raises from now on: what it was to do is not done."""

    def broken(*args):
        raise ValueError("test seam in " + name)

    def do(plant, car):
        setattr(plant.board.stage, name, broken)

    return do


def _unplug_a_deaf_stage(plant, car):
    """The plug is pulled, and the stage is not told: its driver raises."""
    _raises("off")(plant, car)
    unplug(plant, car)


def _plug_resistor(plant, car):
    plant.board.plug.ohm = None


def _raises_at_stop(name):
    def do(plant, car):
        _raises(name)(plant, car)
        car.request_stop()

    return do


def _old(source, ms):
    def do(plant, car):
        plant.board.stage.age[source] = ms

    return do


def _has(bit):
    return lambda plant, car: bool(plant.power.faults & bit)


def _told(bit):
    return said("fault: " + faults.row(faults.code(bit))[1])


def _set(**values):
    def do(plant, car):
        for name, value in values.items():
            setattr(plant.board.stage, name, value)

    return do


def _setpoint(w, valid_s=0):
    return lambda plant, car: plant.power.lease.give(plant.now, OPERATOR, w, valid_s)


def _deaf(w):
    def do(plant, car):
        plant.board.stage.deaf = True
        plant.power.lease.give(plant.now, OPERATOR, w, 60)

    return do


def _station_stop(plant, car):
    plant.safe.request_stop(plant.now)


def _car_stop(plant, car):
    car.request_stop()


def _hot(plant, car):
    stage = plant.board.stage
    stage.fault_bits = faults.OVERTEMP
    stage.can_charge_w = stage.can_discharge_w = 0


def _no_power(plant, car):
    return plant.board.stage.w == 0 or bool(plant.trace.said("setpoint_w"))


def rows():
    out = []
    add = out.append
    places = (("loop", in_loop, "DC_BPT"), ("loop, AC", in_loop, "AC_BPT"))
    opening = [row for row in faults.TABLE if row[2] == faults.OPEN]
    measured = faults.STUCK_OPEN | faults.WELDED | faults.STAGE | faults.GUARD | faults.CONVERTER | faults.OVERDRAW
    for bit, name, _, _, latched, _, _ in opening:
        if bit & measured:
            continue
        for where, at, service in places:
            if service[0] == "A" and bit in (faults.IMD_ALARM, faults.OVERVOLT, faults.BLEEDER, faults.NOT_APPLIED):
                continue
            add(Row(name + ", by the stage", where, at, _bits(bit), FAILS, STATION, "R-STATUS-07", service, sup.FAULT if latched else None,
                    _has(bit) if latched else _told(bit), _repaired))  # fmt: skip
    for bit in (faults.ESTOP, faults.RCD, faults.RDC, faults.DOOR, faults.GRID_LOST):
        name = faults.row(faults.code(bit))[1] + ", by an input"
        for where, at, service in places + (("pre-charge", precharging, "DC_BPT"),):
            add(Row(name, where, at, _input(bit), FAILS, STATION, "R-POWER-14", service, None, _told(bit), _repaired))
    add(Row("insulation alarm under load", "loop", in_loop, _set(insulation_bad=True), FAILS, STATION, "R-DC-SAFETY-05", "DC_BPT", sup.FAULT,
            _has(faults.IMD_ALARM), _repaired))  # fmt: skip
    add(Row("output above the class of the car", "loop", in_loop, _set(battery_mv=1_200_000), FAILS, STATION, "R-DC-SAFETY-06", "DC_BPT",
            sup.FAULT, _has(faults.OVERVOLT), _repaired))  # fmt: skip
    add(Row("converter hears nothing, set-point lowered", "loop", in_loop, _deaf(500), FAILS, _LATE_MS, "R-LOOP-15", "DC_BPT",
            sup.FAULT, _has(faults.OVERCURRENT), _repaired, ev={"loops": 80}))  # fmt: skip
    add(Row("converter hears nothing, set-point reversed", "loop", in_loop, _deaf(-4000), FAILS, _LATE_MS, "R-LOOP-15", "DC_BPT",
            sup.FAULT, _told(faults.REVERSE), _repaired, ev={"loops": 80}))  # fmt: skip
    add(Row("car draws above the ceiling", "loop, AC", in_loop, _set(load_w=9000), FAILS, 1300, "R-LOOP-16", "AC_BPT", None,
            _told(faults.OVERDRAW), _repaired))  # fmt: skip
    for source, name in ((OUT, "output voltage"), (CURRENT, "current"), (INSULATION, "insulation")):
        add(Row("reading too old: " + name, "loop", in_loop, _old(source, 5000), FAILS, STATION, "R-DC-SAFETY-13", "DC_BPT", None,
                _told(faults.STALE), _repaired))  # fmt: skip
    for source, name in ((CURRENT, "current"), (LINES, "lines")):
        add(Row("reading too old: " + name, "loop, AC", in_loop, _old(source, 5000), FAILS, STATION, "R-LOOP-16", "AC_BPT", None,
                _told(faults.STALE), _repaired))  # fmt: skip
    for where, at, service in places:
        add(Row("meter does not read", where, at, _old(ENERGY, 5000), GOES_ON, None, "R-METER-04", service, None, _told(faults.METER),
                _repaired))  # fmt: skip
        add(Row("insulation monitor warns", where, at, _bits(faults.IMD_WARN), GOES_ON, None, "R-STATUS-07", service, None,
                _told(faults.IMD_WARN), _repaired))  # fmt: skip
        add(Row("fan or pump fails", where, at, _bits(faults.COOLING), GOES_ON, None, "R-STATUS-06", service, None,
                _told(faults.COOLING), _repaired, ev={"loops": 400}, most_a=_ORDER_A))  # fmt: skip
        add(Row("too hot, nothing is left", where, at, _hot, GOES_ON, None, "R-STATUS-06", service, None,
                _told(faults.OVERTEMP), _repaired, ev={"loops": 400}, most_a=_ORDER_A))  # fmt: skip
        add(Row("the operator stops", where, at, _station_stop, GOES_ON, None, "R-POWER-01", service, ev={"loops": 400},
                most_a=_ORDER_A))  # fmt: skip
        add(Row("the car stops", where, at, _car_stop, GOES_ON, None, "R-DC-SAFETY-14", service, ev={"loops": 400},
                most_a=_ORDER_A))  # fmt: skip
        add(Row("set-point 0", where, at, _setpoint(0), GOES_ON, None, "R-LOOP-17", service, most_a=_ORDER_A))
        add(Row("set-point runs out", where, at, _setpoint(3000, 1), GOES_ON, None, "R-LOOP-17", service, None,
                said("set-point of the operator has run out"), most_a=_ORDER_A))  # fmt: skip
        add(Row("unplugged at full power", where, at, unplug, GONE_AWAY, PILOT, "R-POWER-11", service,
                changes={"setpoint_w": 20000, "power_ramp_w_per_s": 1000000}))  # fmt: skip
    add(Row("unplugged, stage raises in off()", "loop", in_loop, _unplug_a_deaf_stage, GONE_AWAY, PILOT, "R-POWER-14", "DC_BPT",
            sup.FAULT, _has(faults.STAGE), _repaired, errors="test seam"))  # fmt: skip
    add(Row("proximity lost", "loop, AC", in_loop, _plug_resistor, FAILS, 250, "R-POWER-11", "AC_BPT", None, None, _repaired,
            changes={"ac_socket": True}, ev={"pp_ohm": 220}))  # fmt: skip
    for where, at in (("cable check", live_session(states.CABLE_CHECK)), ("pre-charge", precharging)):
        add(
            Row(
                "the operator stops",
                where,
                at,
                _station_stop,
                GOES_ON,
                None,
                "R-STATUS-06",
                changes={"cable_check_ms": 1000},
            )
        )
    for name, where, at, service in (
        ("poll", "cable check", live_session(states.CABLE_CHECK), "DC_BPT"),
        ("poll", "pre-charge", precharging, "DC_BPT"),
        ("precharge", "pre-charge", precharging, "DC_BPT"),
        ("close", "pre-charge", precharging, "DC_BPT"),
        ("poll", "loop", in_loop, "DC_BPT"),
        ("beat", "loop", in_loop, "DC_BPT"),
        ("dc", "loop", in_loop, "DC_BPT"),
        ("poll", "loop, AC", in_loop, "AC_BPT"),
        ("beat", "loop, AC", in_loop, "AC_BPT"),
        ("ac", "loop, AC", in_loop, "AC_BPT"),
    ):
        limit = STATION if name in ("poll", "beat") else 220 if name in ("dc", "ac") else None
        add(Row("stage raises in %s()" % name, where, at, _raises(name), FAILS, limit, "R-POWER-14", service, sup.FAULT,
                _has(faults.STAGE), _repaired, errors="test seam"))  # fmt: skip
    for where, at, service in places:
        for name in ("stop", "off"):
            add(Row("stage raises in %s() when the car stops" % name, where, at, _raises_at_stop(name), None, None, "R-POWER-14", service,
                    sup.FAULT, _has(faults.STAGE), _repaired, errors="test seam"))  # fmt: skip
    return out
