"""The faults that a whole station is tested with, one row each: docs/faults.md is this table with
the times measured.

    python -m tests.sim.fault_table           print it
    python -m tests.sim.fault_table --write   write docs/faults.md

A row runs in simulated time: a car comes to a phase, the fault happens, and from then on the power
contact is watched. After it a good car must be served.
"""

import sys

_root = "/".join(__file__.replace("\\", "/").split("/")[:-3]) or "."
if __name__ == "__main__":
    import os

    _root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.path[:0] = [_root, _root + "/host_tools/shim", _root + "/boards/unix", _root + "/boards/common"]
    sys.path.append(_root + "/host_tools")

from drivers.pilot import X1
from firmware.app import inputs
from firmware.app import plug_steps as sup
from firmware.clock import ticks_add, ticks_diff
from firmware.stage import faults
from host_tools.ev import car as ev
from host_tools.ev import states
from tests.sim.bench import begin, prove
from tests.sim.faults import (
    charging,
    clear,
    close,
    contact_falls,
    converter,
    cut,
    damage,
    drops,
    fault_code,
    feedback_breaks,
    filter_off,
    good,
    heard_another,
    idle,
    in_loop,
    inputs_cleared,
    insulation,
    join,
    live_session,
    lock_lets_go,
    lock_repaired,
    lock_sticks,
    lose_edges,
    missed,
    neighbour,
    nothing,
    other_cable,
    phase,
    pilot,
    pilot_back,
    precharging,
    reboot,
    rebooted,
    reset,
    said,
    second_connection,
    session,
    silence,
    sounding,
    sounds,
    stuck,
    unplug,
    unstick,
    weld,
    window_0,
    wrong,
)
from twin import qca7000 as chip

# Limits of the power contact in ms from the fault on, each with what it is made of.
PILOT = 100  # R-POWER-11, R-DC-SAFETY-07: pilot leaves C/D
SILENCE = 580  # R-TIMERS-02: 500 from the last answer, and 50 of the contactor; 30 for the answer under way and polls
DEAF = 780  # the same, when one more request comes after the fault: 200 of the car's pace
GONE = 100  # R-STOP-10: the car ends the connection: "at once", which is a few ms of powerline and the contactor
STATION = 100  # R-STATUS-07: fault of the power stage: power first
TEST = 700  # R-DC-SAFETY-02: the test of 500, the car's pace of 100 and the contactor
FEEDBACK = 1550  # R-POWER-04: what a contact has to close, 1400, is also how long its feedback may be away
MODEM = 580  # R-LINK-24 names no time; the car is silent then, so R-TIMERS-02 holds at the latest

# How the car's session ends.
GOES_ON = "goes on"
FAILS = "session fails"
MATCH_FAILS = "no match"
GONE_AWAY = "unplugged"


class Row:
    """at: phase, a function (plant, car) -> bool. do: function (plant, car). proof: function
    (plant, car) -> bool, true if the fault really happened. end: of the car. station: state in
    which the station waits for the plug to go. repair: done before the plug is pulled. ev, changes:
    options of car and station. heal_ms: after that the cause is gone by heal(plant, car)."""

    def __init__(
        self, name, where, at, do, end, limit_ms, why, service="DC_BPT", station=None, proof=None, repair=None,
        heal_ms=0, heal=None, ev=None, changes=None,
    ):  # fmt: skip
        self.name = name
        self.where = where
        self.at = at
        self.do = do
        self.end = end
        self.limit_ms = limit_ms
        self.why = why
        self.service = service
        self.station = station
        self.proof = proof
        self.repair = repair
        self.heal_ms = heal_ms
        self.heal = heal
        self.ev = ev or {}
        self.changes = changes or {}


# -- the table


def rows():
    out = []
    add = out.append
    values = ((0x00, "0000"), (0xFF, "FFFF"), ("noise", "noise"))
    for value, name in values:
        for n in (1, 10, 1000):
            # At the pace of a modem that is given up 1000 transfers are minutes: it is repaired
            # after 20 s.
            title = "SPI reads %s, %d transfers%s" % (name, n, ", at most 20 s" if n == 1000 else "")
            heal = {"heal_ms": 20000, "heal": unstick, "proof": missed} if n == 1000 else {}
            add(Row(title, "idle", idle, stuck(value, n), GOES_ON, 0, "R-LINK-24", **heal))
            add(Row(title, "matching", sounding, stuck(value, n), MATCH_FAILS if n == 1000 else GOES_ON, 0, "R-LINK-24",
                    ev={"basic": False}, **heal))  # fmt: skip
            # One wrong read is asked again; ten are no chip, and every look for it takes two of
            # them.
            add(Row(title, "loop", in_loop, stuck(value, n), GOES_ON if n == 1 else FAILS, MODEM, "R-LINK-24", **heal))
    for where, at, end, limit_ms in (
        ("matching", sounding, GOES_ON, 0),
        ("session set-up", session(states.DISCOVERY), FAILS, 0),
        ("loop", in_loop, FAILS, MODEM),
    ):
        add(Row("modem restarts", where, at, reboot, end, limit_ms, "R-LINK-24", proof=rebooted))
    for n in (1, 10):
        add(Row("edge of INT lost, %d" % n, "loop", in_loop, lose_edges(n), GOES_ON, None, "R-LINK-24",
                proof=lambda plant, car: not plant.board.chip.lose_edges))  # fmt: skip
    for name, kind in (
        ("cut", chip.CUT), ("oversized", chip.OVERSIZE), ("behind garbage", chip.GARBAGE), ("two lengths", chip.LENGTHS),
        ("without its end", chip.NO_END), ("without its start", chip.NO_START), ("in two pieces", chip.SPLIT),
        ("joined with the next", chip.JOINED),
    ):  # fmt: skip
        add(Row("frame " + name, "loop", in_loop, damage(kind), GOES_ON, None, "R-LINK-26",
                proof=None if kind in (chip.SPLIT, chip.JOINED) else drops))  # fmt: skip
    for number in range(ev.WAITING, ev.SESSION):
        add(Row("car unplugged", ev.PHASE_NAMES[number], phase(number), unplug, GONE_AWAY, 0, "R-LINK-20"))
    for state in range(states.SAP, states.OVER):
        live = states.CABLE_CHECK <= state <= states.STOP
        add(Row("car unplugged", states.STATE_NAMES[state], live_session(state) if live else session(state), unplug, GONE_AWAY, PILOT if live else 0,
                "R-POWER-11" if live else "R-STOP-10"))  # fmt: skip
    add(Row("car unplugged", "loop, AC", in_loop, unplug, GONE_AWAY, PILOT, "R-POWER-11", "AC_BPT"))
    add(Row("car unplugged", "charging by the pilot alone", charging, unplug, GONE_AWAY, PILOT, "R-POWER-11", "AC",
            ev={"iso15118": False, "duration_ms": 10000}, changes={"slac_init_ms": 1000, "ef_retries": 0}))  # fmt: skip
    # In a pause nothing is closed, so nothing has to open; what is asked is whether the session
    # goes on.
    for name, do, end, why, more in (
        ("car unplugged", unplug, GONE_AWAY, "R-STOP-09", {}),
        ("powerline cut", cut, GOES_ON, "R-LINK-23", {"heal": join, "proof": said("old session joined")}),
        ("pilot B-C-B", pilot("C"), GOES_ON, "R-LINK-23", {"heal": pilot_back, "proof": said("old session joined")}),
        ("modem restarts", reboot, GOES_ON, "R-LINK-24", {"proof": said("session given up: data link lost")}),
        (
            "converter fault",
            converter,
            FAILS,
            "R-STATUS-07",
            {"station": sup.FAULT, "proof": fault_code(11), "repair": clear},
        ),
    ):
        add(Row(name, "session paused", phase(ev.ASLEEP), do, end, None if end == GOES_ON else 0, why, heal_ms=5000,
                ev={"loops": 8, "pause_loops": 4, "pause_ms": 15000}, **more))  # fmt: skip
    for what, name in (("B", "C to B"), ("E", "C to E"), ("A", "C to A"), ("diode", "diode shorted")):
        latched = what in ("E", "diode")
        for where, at, service in (
            ("cable check", live_session(states.CABLE_CHECK), "DC_BPT"), ("pre-charge", precharging, "DC_BPT"), ("loop", in_loop, "DC_BPT"),
            ("loop, AC", in_loop, "AC_BPT"),
        ):  # fmt: skip
            add(Row("pilot " + name, where, at, pilot(what), FAILS, PILOT, "R-DC-SAFETY-07" if service[0] == "D" else
                    "R-POWER-11", service, station=sup.REPLUG if latched else None, heal_ms=3000, heal=pilot_back,
                    changes={"cable_check_ms": 1000}))  # fmt: skip
    for n in range(10):
        end = GOES_ON if n else MATCH_FAILS
        add(Row("%d sounds of 10" % n, "matching", idle, nothing, end, 0 if not n else None, "R-LINK-10" if n else
                "R-LINK-11", ev={"sounds": n, "basic": False, "loops": 3}, proof=sounds(n) if n else None))  # fmt: skip
    for fault, name, end, why in (
        ("wrong_run_id", "other run id than asked with", MATCH_FAILS, "R-LINK-14"),
        ("wrong_mac", "MATCH.REQ for another MAC", MATCH_FAILS, "R-LINK-14"),
        ("replay_match", "MATCH.REQ sent again", GOES_ON, "R-LINK-16"),
        ("no_rsp", "no ATTEN_CHAR.RSP", MATCH_FAILS, "R-LINK-12"),
        ("skip_atten", "MATCH.REQ without attenuation", MATCH_FAILS, "R-LINK-15"),
        ("slow", "START and MATCH.REQ late", GOES_ON, "R-LINK-13"),
    ):
        add(Row(name, "matching", idle, nothing, end, None if end == GOES_ON else 0, why,
                ev={"slac_fault": fault, "basic": False, "loops": 3}))  # fmt: skip
    add(Row("neighbour's car asks too", "sounding", sounding, neighbour, GOES_ON, None, "R-LINK-07", ev={"loops": 3},
            proof=heard_another))  # fmt: skip
    add(Row("neighbour's car asks too", "loop", in_loop, neighbour, GOES_ON, None, "R-LINK-07"))
    for service, where in (("DC_BPT", "loop"), ("AC_BPT", "loop, AC")):
        add(Row("TCP reset by the car", where, in_loop, reset, FAILS, GONE, "R-STOP-10", service))
        add(Row("TCP closed by the car", where, in_loop, close, FAILS, GONE, "R-STOP-10", service))
        add(Row("powerline cut", where, in_loop, cut, FAILS, SILENCE, "R-TIMERS-02", service, heal_ms=15000, heal=join,
                proof=said("link lost")))  # fmt: skip
        add(Row("car takes nothing more (window 0)", where, in_loop, window_0, FAILS, DEAF, "R-TIMERS-02",
                service, heal_ms=5000, heal=filter_off))  # fmt: skip
        add(Row("car says nothing more", where, in_loop, silence, FAILS, SILENCE, "R-TIMERS-02", service,
                proof=said("sequence timeout")))  # fmt: skip
        add(Row("second connection", where, in_loop, second_connection, GOES_ON, None, "R-SDP-03", service,
                proof=said("second connection refused")))  # fmt: skip
        add(Row("converter fault", where, in_loop, converter, FAILS, STATION, "R-STATUS-07", service, sup.FAULT,
                fault_code(11), clear))  # fmt: skip
        add(Row("contact falls open", where, in_loop, contact_falls, FAILS, STATION, "R-POWER-07", service, sup.FAULT,
                fault_code(1), clear))  # fmt: skip
        add(Row("feedback wire breaks", where, in_loop, feedback_breaks, FAILS, FEEDBACK, "R-POWER-04", service, sup.FAULT,
                fault_code(1), clear))  # fmt: skip
        add(Row("contactor welds", where, in_loop, weld, FAILS, None, "R-POWER-07", service, sup.FAULT, fault_code(2),
                clear))  # fmt: skip
    add(Row("contactor does not close", "cable check", phase(ev.ADDRESSING), contact_falls, FAILS, 0, "R-DC-SAFETY-02",
            station=None, repair=clear))  # fmt: skip
    add(Row("contactor does not close", "start, AC", phase(ev.ADDRESSING), contact_falls, FAILS, 0, "R-POWER-04", "AC_BPT",
            station=None, repair=clear))  # fmt: skip
    # Protective inputs: what the hardware opens by itself the firmware notices and names. Debounce,
    # 40 ms at most of samples, and the contactor.
    for name, ms, why in (
        ("estop", 20, "R-STATUS-07"), ("rcd", 20, "R-STATUS-07"), ("rdc_dd", 20, "R-STATUS-07"),
        ("overvoltage", 20, "R-DC-SAFETY-06"), ("insulation", 40, "R-DC-SAFETY-05"), ("door", 100, "R-STATUS-07"),
        ("tilt", 500, "R-STATUS-07"), ("grid", 40, "R-STATUS-07"),
    ):  # fmt: skip
        for service, where in (("DC_BPT", "loop"), ("AC_BPT", "loop, AC")):
            latched = name != "grid"
            more = {"repair": inputs_cleared} if latched else {"heal_ms": 3000, "heal": good}
            add(Row("input " + name, where, in_loop, wrong("IN1"), FAILS, ms + 90, why, service, sup.FAULT if latched else None,
                    proof=said("fault: " + faults.row(faults.code(inputs.NAMES[name][0]))[1]),
                    changes={"inputs": name + "=IN1"}, **more))  # fmt: skip
    for name in ("temperature", "cooling"):
        for service, where in (("DC_BPT", "loop"), ("AC_BPT", "loop, AC")):
            add(Row("input " + name, where, in_loop, wrong("IN1"), GOES_ON, None, "R-STATUS-07", service,
                    proof=said("fault: "), changes={"inputs": name + "=IN1"}, ev={"loops": 400}, heal_ms=8000,
                    heal=good))  # fmt: skip
    socket = {"ac_socket": True, "socket_lock": "stage"}
    add(Row("socket lock lets go", "loop, AC", in_loop, lock_lets_go, FAILS, STATION, "R-STATUS-07", "AC_BPT", sup.FAULT,
            said("fault: plug not locked"), lock_repaired, changes=socket))  # fmt: skip
    add(Row("socket lock does not close", "start, AC", phase(ev.ADDRESSING), lock_sticks, FAILS, 0, "R-STATUS-07", "AC_BPT",
            None, said("fault: plug not locked"), lock_repaired, changes=socket))  # fmt: skip
    add(Row("another rating of the cable", "loop, AC", in_loop, other_cable, FAILS, 250, "R-POWER-11", "AC_BPT",
            proof=said("changed under power"), changes=dict(socket, socket_lock="none")))  # fmt: skip
    add(
        Row(
            "insulation fault",
            "cable check",
            live_session(states.CABLE_CHECK),
            insulation,
            FAILS,
            None,
            "R-DC-SAFETY-02",
            repair=clear,
        )
    )
    return out


# -- running


class Result:
    """open_ms: from the fault until the contact was open for good; None = it was not closed after
    the fault."""

    def __init__(self):
        self.open_ms = None
        self.end = ""
        self.station = 0


def run(row):
    """Carry out a row; AssertionError if it did not go as it must."""
    plant, watch = begin([row.service], setpoint_w=5000, **row.changes)
    options = {"service": row.service, "loops": 40}
    options.update(row.ev)
    early = row.at is idle
    if "pause_loops" in row.ev:
        prove(plant, row.why)
    plant.sleep(1500)
    car = None
    if not early:
        car = plant.plug(**options)
        plant.until(lambda plant: row.at(plant, car), 60000)
    fault_at = plant.now
    if not early or row.do is not nothing:
        row.do(plant, car)
    if early:
        plant.sleep(100)
        car = plant.plug(**options)
    if row.heal:
        plant.after(row.heal_ms, lambda plant: row.heal(plant, car))
    plant.until(lambda plant: car.phase in (ev.OUT, ev.OVER_), 120000)
    result = Result()
    result.end = _ended(car)
    if row.repair or row.station is not None:
        car._due = ticks_add(plant.now, 6000)  # the plug stays in for a while, to see where the station waits
        plant.sleep(3500)
        result.station = plant.charger.state
    if row.heal:
        car._due = ticks_add(plant.now, row.heal_ms + 1000) if car.phase == ev.OVER_ else None
    proof = True
    if row.repair:
        proof = row.proof is None or row.proof(plant, car)
        row.repair(plant, car)
    plant.until(lambda plant: car.done, 60000)
    for one in list(plant.cable.cars):
        plant.until(lambda plant, one=one: one.done, 60000)
        plant.remove(one)
    plant.sleep(25000 if row.heal else 1500)
    tick, closed = watch.contact[-1]
    if not closed and ticks_diff(tick, fault_at) >= 0:
        result.open_ms = ticks_diff(tick, fault_at)
    if not row.repair:
        proof = row.proof is None or row.proof(plant, car)
    _judge(row, result, proof, plant, watch)
    _serve_again(row, plant, watch)
    return result


def _ended(car):
    if car.ok:
        return GOES_ON
    if car.why == "unplugged":
        return GONE_AWAY
    return MATCH_FAILS if car.why == "matching failed" else FAILS


def _judge(row, result, proof, plant, watch):
    text = "%s, %s: %s, open after %s ms; %s" % (
        row.name, row.where, result.end, result.open_ms, plant.trace.changes[-4:] + plant.trace.notes[-6:],
    )  # fmt: skip
    assert plant.trace.errors == [], plant.trace.errors
    assert row.end is None or result.end == row.end, text
    assert row.station is None or result.station == row.station, (sup.STATE_NAMES[result.station], text)
    if result.end != GOES_ON and row.limit_ms is not None:
        assert (result.open_ms or 0) <= row.limit_ms, text
    assert proof, "the fault did not happen: " + text
    watch.check()
    assert plant.charger.state == sup.UNPLUGGED and plant.board.circuit.duty == X1, text
    assert not plant.board.contact.closed, text


def _serve_again(row, plant, watch):
    plant.trace.clear()
    car = plant.plug(9, service="AC" if row.service == "AC" else row.service, loops=2)
    plant.run(car)
    assert car.ok and not plant.trace.errors, ("next car after", row.name, row.where, car.why, plant.trace.notes)
    watch.check()


# -- what people read


def line(row, result):
    shown = result.open_ms is not None and row.limit_ms is not None and result.end != GOES_ON
    opened = str(result.open_ms) if shown else "-"
    limit = "-" if not row.limit_ms else str(row.limit_ms)
    return "| %s | %s | %s | %s | %s | %s |" % (row.name, row.where, result.end, opened, limit, row.why)


DOCUMENT = _root + "/docs/faults.md"
HEAD = """# Faults

What a whole station does, in simulated time (`tests/sim/fault_table.py`): real firmware from SPI to the session, models of
modem, pilot, contactor and car. `open` is the time in ms from the fault until the power contact is open, the contact's own
50 ms included; `-`: it was not closed, it cannot open (welded), or the session goes on. After every row the next car is
served; faults of the power stage are latched, and there the operator says `clear` first.

| fault | phase | end | open | limit | proof of |
|---|---|---|---|---|---|
"""


def text():
    return HEAD + "".join([line(row, run(row)) + "\n" for row in rows()])


def main():
    if "--write" in sys.argv:
        with open(DOCUMENT, "w") as out:
            out.write(text())
    else:
        print(text(), end="")


if __name__ == "__main__":
    main()
