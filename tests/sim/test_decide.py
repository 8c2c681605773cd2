"""Who decides, at the whole station: nothing is energised before a yes, a no ends what runs, and
set-point and stop bind charging by the pilot alone (R-AUTH-16, R-POWER-16, R-LOOP-17)."""

from drivers.pilot import X1
from firmware.app import plug_steps as plug
from firmware.app.lease import HOST, OPERATOR
from firmware.clock import ticks_diff
from firmware.run import words
from firmware.stage import faults
from host_tools.ev.states import LOOP
from tests.lib.mtest import eq
from tests.sim.bench import begin, in_session

HEAP_KB = 1000  # as in test_plug_in.py
BARE_HEAP_KB = 600  # the same, frozen
BASIC = {"slac_init_ms": 1000, "ef_retries": 0, "ac_max_charge_w": 11040}
NEVER = 10000000


def by_pilot(**changes):
    """A car without messages on an AC station, offered to charge by the pilot alone."""
    settings = dict(BASIC)
    settings.update(changes)
    plant, watch = begin(["AC"], **settings)
    car = plant.plug(service="AC", iso15118=False, unplug_after_ms=NEVER, duration_ms=NEVER)
    plant.until(lambda plant: plant.charger.state == plug.BASIC, 60000)
    return plant, watch, car


def closed(plant):
    return plant.board.contactor.closed


def duty(plant):
    return plant.charger.pilot.duty


def say(plant, line):
    why = plant.loop.operator.attempt(line, plant.now)
    assert why is None, why


def test_by_the_pilot_alone_nothing_flows_before_a_yes_r_auth_16():
    plant, watch, car = by_pilot(authorization="operator", setpoint_w=11040)
    plant.sleep(20000)
    assert not closed(plant) and duty(plant) == X1, duty(plant)
    say(plant, "authorize")
    plant.sleep(6000)
    assert closed(plant) and duty(plant) == 266, duty(plant)
    say(plant, "deny")
    plant.sleep(100)
    eq(duty(plant), X1)
    plant.sleep(7000)
    assert not closed(plant)
    say(plant, "authorize")
    plant.sleep(6000)
    assert closed(plant)
    car.unplug(plant.now)
    plant.sleep(1500)
    assert not closed(plant)
    plant.remove(car)
    plant.plug(2, service="AC", iso15118=False, unplug_after_ms=NEVER)
    plant.until(lambda plant: plant.charger.state == plug.BASIC, 60000)
    plant.sleep(10000)
    assert not closed(plant) and duty(plant) == X1  # the yes was the other car's
    watch.check()


def test_a_session_waits_for_a_yes_r_auth_16():
    plant, watch = begin(["DC"], authorization="operator", setpoint_w=5000)
    car = plant.plug(service="DC", loops=20)
    plant.until(lambda plant: plant.safe.established, 60000)
    plant.sleep(30000)
    assert not closed(plant) and plant.safe.established
    say(plant, "authorize 04AB12")
    plant.run(car)
    assert car.ok, car.why
    eq([note for note in plant.trace.notes if "authorised" in note], ["authorised by operator, token 04AB12"])
    watch.check()


def test_a_no_ends_a_session_in_order_r_auth_16():
    plant, watch = begin(["DC"], authorization="operator", setpoint_w=5000)
    say(plant, "authorize")  # before the plug: it holds a minute
    car = plant.plug(service="DC", loops=5000)
    plant.until(in_session(LOOP), 60000)
    plant.sleep(3000)
    say(plant, "deny")
    plant.run(car)
    assert car.evcc.ok, car.evcc.why
    assert plant.trace.said("session ended by the station"), plant.trace.notes[-8:]
    watch.check()


def test_set_point_and_stop_bind_charging_by_the_pilot_alone_r_power_16_r_schedule_10():
    plant, watch, _ = by_pilot(setpoint_w=11040)
    plant.sleep(6000)
    assert closed(plant) and duty(plant) == 266
    say(plant, "setpoint 5520")
    plant.sleep(6000)
    assert closed(plant) and duty(plant) == 133, duty(plant)
    say(plant, "setpoint 11040 for 20")
    plant.sleep(6000)
    eq(duty(plant), 266)
    plant.sleep(15000)  # it has run out, the fallback is 0
    eq(duty(plant), X1)
    plant.sleep(7000)
    assert not closed(plant)
    say(plant, "setpoint 2300,2000,1610")
    plant.sleep(6000)
    assert closed(plant) and duty(plant) == 116, duty(plant)  # 7 A: the line with least
    say(plant, "setpoint 4000")  # below 6 A
    plant.sleep(100)
    eq(duty(plant), X1)
    say(plant, "setpoint 11040")
    plant.sleep(8000)
    assert closed(plant)
    say(plant, "stop")
    plant.sleep(100)
    eq(duty(plant), X1)
    plant.sleep(20000)
    assert not closed(plant) and duty(plant) == X1
    watch.check()


def test_power_out_of_the_car_ends_with_its_lease_and_with_the_grid_r_loop_10_17():
    """At the measuring stage of the plant, at a car that goes on asking: it is told, and does not
    have to agree."""
    plant, watch = begin(["DC_BPT"], export="host", setpoint_w=0)
    plant.plug(loops=5000, unplug_after_ms=NEVER)
    plant.until(in_session(LOOP), 60000)
    assert "nobody has said" in plant.loop.operator.attempt("setpoint -5000 for 30", plant.now)
    plant.sleep(1000)
    eq(plant.board.stage.w, 0)
    say(plant, "grid yes for 60")
    say(plant, "setpoint -5000 for 5")
    plant.sleep(4000)
    assert plant.board.stage.w < -4900, plant.board.stage.w
    plant.sleep(2000)
    eq((plant.board.stage.w, plant.power.lease.source), (0, 4))
    say(plant, "setpoint -5000 for 100")
    plant.sleep(3000)
    assert plant.board.stage.w < -4900
    say(plant, "grid no")
    at = plant.now
    plant.until(lambda plant: plant.board.stage.w == 0, 2000)
    assert ticks_diff(plant.now, at) <= 600, ticks_diff(plant.now, at)
    say(plant, "grid yes for 10")
    plant.sleep(9000)
    assert plant.board.stage.w < -4900
    plant.sleep(1500)
    eq(plant.board.stage.w, 0)
    watch.check()


def test_without_export_a_bpt_station_only_charges_r_loop_10():
    plant, watch = begin(["DC_BPT", "AC_BPT"], export="no", setpoint_w=5000)
    car = plant.plug(service="DC_BPT", loops=20, unplug_after_ms=NEVER)
    plant.until(lambda plant: car.phase == 6 or plant.safe.secc.facts.session.service or car.done, 60000)
    plant.sleep(3000)
    assert plant.safe.secc.facts.session.service in (0, 2), plant.safe.secc.facts.session.service
    assert plant.least_w >= 0
    assert "`export` is no" in plant.loop.operator.attempt("setpoint -5000 for 30", plant.now)
    assert "`export` is no" in plant.loop.operator.attempt("grid yes for 30", plant.now)
    eq((OPERATOR, HOST), (3, 2))
    watch.check()


def test_status_says_that_lab_is_on():
    for lab in (True, False):
        plant, _watch = begin(["AC"], lab=lab)
        told = "\n".join(words.status(plant.loop))
        eq("LAB" in told, lab)


def test_the_power_stage_bounds_charging_by_the_pilot_alone_r_power_16():
    """What the stage can do now is offered, and no more; at nothing the contact opens too."""
    plant, watch, _ = by_pilot(setpoint_w=11040)
    stage = plant.board.stage
    plant.sleep(6000)
    assert closed(plant) and duty(plant) == 266, duty(plant)
    stage.can_charge_w = 6900
    plant.sleep(6000)
    assert closed(plant) and duty(plant) == 166, duty(plant)
    stage.can_charge_w = 0
    plant.sleep(100)
    eq(duty(plant), X1)
    plant.sleep(7000)
    assert not closed(plant)
    stage.can_charge_w = 11040
    plant.sleep(6000)
    assert closed(plant)
    watch.check()


def test_a_fault_that_ends_in_order_ends_charging_by_the_pilot_alone_r_power_16():
    for bit in (faults.HOT, faults.COOLING):
        plant, watch, _ = by_pilot(setpoint_w=11040)
        plant.sleep(6000)
        assert closed(plant)
        plant.board.stage.fault_bits = bit
        plant.sleep(200)
        eq(duty(plant), X1)
        plant.sleep(7000)
        assert not closed(plant)
        watch.check()


def test_a_station_for_dc_never_charges_by_the_pilot_alone_r_power_16():
    """Also where none of its services can be offered: behind the contact is a converter of DC."""
    plant, watch = begin(["DC"], lab=False, **BASIC)
    eq(plant.cfg["services"], ())
    plant.plug(service="AC", iso15118=False, unplug_after_ms=NEVER, duration_ms=NEVER)
    plant.sleep(60000)
    assert not closed(plant) and plant.charger.state != plug.BASIC, plug.STATE_NAMES[plant.charger.state]
    watch.check()
