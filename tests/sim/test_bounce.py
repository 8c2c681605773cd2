"""A pilot that bounces, against the whole station: the power contact is open within 100 ms and stays
open, the session ends, the station goes on (R-POWER-15, R-POWER-11, R-DC-SAFETY-07).

The board of the unix port has no guard: here the firmware's own samples do it.
"""

HEAP_KB = 1200  # as in test_plug_in.py, two plants
BARE = "three minutes in an emulator; the pilot alone is tried there by test_pilot"

from firmware.app import plug_steps as sup
from firmware.clock import ticks_diff
from host_tools.ev import car as ev
from host_tools.ev import states
from tests.lib.mtest import eq
from tests.sim.bench import begin
from tests.sim.faults import charging, in_loop, live_session, pilot_back

_LIMIT_MS = 100


def at_power(service, phase=None, **changes):
    """(plant, watch, car) with power on."""
    if service == "AC":
        plant, watch = begin(["AC"], slac_init_ms=1000, ef_retries=0, **changes)
        plant.sleep(1500)
        car = plant.plug(service="AC", iso15118=False, duration_ms=30000)
        plant.until(lambda plant: charging(plant, car), 60000)
    else:
        plant, watch = begin([service], setpoint_w=5000, **changes)
        plant.sleep(1500)
        car = plant.plug(service=service, loops=200)
        at = phase or in_loop
        plant.until(lambda plant: at(plant, car), 60000)
    plant.sleep(200)
    assert plant.board.contact.closed
    return plant, watch, car


def bounce(plant, watch, bad, good, half_ms, ms):
    """Bad and good in turn for so long. Returns ms from its begin until the contact was open for
    good; None: never."""
    begun = plant.now
    del watch.contact[:-1]
    for at in range(0, ms, 2 * half_ms):
        for what, later in ((bad, at), (good, at + half_ms)):
            plant.after(later, lambda plant, what=what: plant.board.do_cp([what], plant.now))
    plant.sleep(ms)
    tick, closed = watch.contact[-1]
    return None if closed else ticks_diff(tick, begun)


def test_every_kind_and_every_period_r_power_15():
    """A session in its loop, and a car by the pilot alone; C with everything that is no C."""
    for service, good in (("DC_BPT", "C"), ("DC_BPT", "D"), ("AC_BPT", "C"), ("AC", "C")):
        for i, bad in enumerate(("B", "A", "E", "diode")):
            for half_ms in (10, 20, 30) if good == "C" and service != "AC_BPT" else (10 + 7 * i,):
                plant, watch, _ = at_power(service)
                if good == "D":
                    plant.board.do_cp(["D"], plant.now)
                    plant.sleep(300)
                    assert plant.board.contact.closed, "D is energised as C is"
                plant.sleep(3 * i)  # another phase of the samples
                took = bounce(plant, watch, bad, good, half_ms, 600)
                text = (service, good, bad, half_ms, took, plant.trace.changes[-3:])
                assert took is not None and took <= _LIMIT_MS, text
                eq(plant.power.fault, 0)
                eq(plant.trace.errors, [])


def test_in_cable_check_and_pre_charge_too_r_dc_safety_07():
    for state in (states.CABLE_CHECK, states.PRECHARGE):
        for bad in ("B", "E"):
            plant, watch, _ = at_power("DC_BPT", live_session(state), cable_check_ms=1500)
            took = bounce(plant, watch, bad, "C", 20, 500)
            assert took is not None and took <= _LIMIT_MS, (state, bad, took)


def test_a_glitch_ends_a_session_at_most_r_power_15():
    """And the next car charges. Shorter than a sample: it is not even seen."""
    for ms in (5, 15, 25, 40, 60, 120):
        for bad in ("B", "A"):
            plant, watch, car = at_power("DC_BPT")
            bounce(plant, watch, bad, "C", ms, ms)
            pilot_back(plant, car)
            plant.sleep(100)
            eq(plant.power.fault, 0)
            assert plant.charger.state != sup.FAULT, (ms, bad)
            if ms == 5:
                assert plant.board.contact.closed and car.phase == ev.SESSION
            elif ms >= 25:
                assert not plant.board.contact.closed, (ms, bad)
            car.unplug(plant.now)
            plant.until(lambda plant, car=car: car.done, 60000)
            plant.sleep(1500)
            plant.remove(car)
            again = plant.plug(9, service="DC_BPT", loops=2)
            plant.run(again)
            assert again.ok, (ms, bad, again.why, plant.trace.changes[-5:])
            watch.check()


def test_by_the_pilot_alone_power_comes_back_when_the_pilot_is_clean_r_power_15():
    plant, watch, car = at_power("AC")
    assert bounce(plant, watch, "B", "C", 20, 2000) <= _LIMIT_MS
    eq([closed for _, closed in watch.contact].count(True), 1)  # not once in between
    pilot_back(plant, car)
    plant.sleep(1000)
    assert plant.board.contact.closed


def test_a_pilot_that_nobody_looks_at_opens_r_power_15():
    """Polls of the pilot stop while the loop goes on: the permission is over with its 60 ms."""
    plant, _, _ = at_power("DC_BPT")
    plant.charger.pilot.due = None
    stopped = plant.now
    plant.until(lambda plant: not plant.board.contact.closed, 1000)
    assert ticks_diff(plant.now, stopped) <= 60 + 50 + 30, ticks_diff(plant.now, stopped)
    eq(plant.power.permitted, False)
    plant.sleep(2000)
    assert not plant.board.contact.closed and plant.power.fault == 0
