"""app/power.Power: two ways to off, what the stage says is checked, limits rest on measurements."""

from firmware.clock import ticks_diff
from firmware.stage import faults
from firmware.stage.words import CURRENT, ENERGY, INSULATION, OUT
from tests.lib.driver import AC_BPT, DC, DC_BPT, DYNAMIC, SCHEDULED, START, STOP
from tests.lib.mtest import eq
from tests.lib.world import World


def charging(service=DC_BPT, dynamic=DYNAMIC, loops=10, **changes):
    """A session in its loop, with what it is allowed flowing."""
    changes.setdefault("setpoint_w", 5000)
    changes.setdefault("power_ramp_w_per_s", 1_000_000)
    w = World(**changes)
    w.to_loop(service, dynamic)
    turns(w, service, dynamic, loops)
    return w


def turns(w, service=DC_BPT, dynamic=DYNAMIC, loops=10, **says):
    for _ in range(loops):
        answer = w.loop(service, dynamic, soc=50, **says)
        w.sleep(100)
    return answer


def opened(w):
    """Coil and enable line, both."""
    return not w.contactor.driven and not w.hw.enabled


def raising(*_):
    raise OSError("the driver of the stage")


# -- two ways to off (R-POWER-14)


def test_a_stage_that_raises_is_off_by_the_other_way_r_power_14():
    """In each call, in each phase: coil and enable line are off in the same turn, the fault is
    latched, and the next request is FAILED."""
    for name in ("poll", "beat", "dc"):
        w = charging()
        assert w.hw.w > 4900 and w.hw.enabled
        setattr(w.hw, name, raising)
        w.sleep(100)
        assert opened(w) and w.power.faults & faults.STAGE, name
        assert w.trace.errors and "the driver of the stage" in w.trace.errors[-1]
        w.sleep(200)
        assert not w.contactor.model.closed
        assert w.loop(DC_BPT, DYNAMIC).code != 0
        eq(w.hw.w, 0)


def test_off_that_raises_or_does_nothing_is_off_r_power_14():
    for liar in (raising, lambda now: None):
        for end in (lambda w: w.secc.lost(w.now), lambda w: w.power.permit(False, w.now), lambda w: w.power.off(w.now)):
            w = charging()
            w.hw.off = liar
            end(w)
            assert opened(w)
            eq((w.hw.w, w.hw.ma), (0, 0))
            w.sleep(200)
            assert not w.contactor.model.closed


def test_enable_that_raises_does_not_keep_the_contactor_r_power_14():
    w = charging()
    w.power._enable = raising
    w.power.permit(False, w.now)
    assert not w.contactor.driven and w.power.faults & faults.STAGE


def test_a_raise_in_test_and_precharge_r_power_14():
    for name in ("test", "precharge", "close"):
        w = World(setpoint_w=5000)
        setattr(w.hw, name, raising)
        w.to_schedule(DC_BPT, DYNAMIC)
        for _ in range(100):
            if w.state != "CableCheck":
                break
            w.cable_check()
            w.sleep(50)
        for _ in range(20):
            if w.state == "PreCharge":
                w.precharge()
                w.sleep(50)
        if w.state == "PreCharge":
            w.power_delivery(START)
            assert opened(w)
            w.loop(DC_BPT, DYNAMIC)
        assert opened(w) and w.state == "Failed", (name, w.state)


# -- a stop in order (R-DC-SAFETY-14)


def test_a_normal_stop_opens_below_one_ampere_r_dc_safety_14():
    for setpoint_w in (40_000, -20_000):
        w = charging(setpoint_w=setpoint_w, dc_max_charge_ma=300_000)
        assert abs(w.hw.ma) > 40_000
        at = []
        open_ = w.contactor.model.drive

        def drive(on, w=w, at=at, open_=open_):
            if not on and w.contactor.model.coil:
                at.append(w.hw.ma)
            open_(on)

        w.contactor._drive = drive
        began = w.now
        eq(w.power_delivery(STOP).code, 0)
        assert len(at) == 1 and abs(at[0]) < 1000, at
        assert ticks_diff(w.now, began) <= 500 and not w.contactor.model.closed


def test_a_stage_that_does_not_come_down_is_opened_in_time_r_dc_safety_14():
    w = charging()
    w.hw.stop = lambda now: None
    w.hw.deaf = True
    began = w.now
    assert w.power_delivery(STOP).code == 0
    assert ticks_diff(w.now, began) <= 500 and opened(w) and not w.contactor.model.closed


# -- the stage is not believed (R-DC-SAFETY-13)


def cable_check(w):
    w.to_schedule(DC_BPT, DYNAMIC)
    for _ in range(100):
        answer = w.cable_check()
        if w.state != "CableCheck":
            return answer
        w.sleep(50)


def test_a_passed_test_without_its_voltage_is_a_failed_one_r_dc_safety_13():
    w = World()
    w.hw._ramp = lambda goal_mv, dt: None  # says passed, and never had a volt
    assert cable_check(w).code != 0 and w.said("test voltage not reached")
    w = World()
    ramp = w.hw._ramp
    w.hw._ramp = lambda goal_mv, dt: ramp(goal_mv * 94 // 100, dt)
    assert cable_check(w).code != 0 and w.said("test voltage not reached")
    w = World()
    ramp2 = w.hw._ramp
    w.hw._ramp = lambda goal_mv, dt: ramp2(goal_mv * 96 // 100, dt)
    eq(cable_check(w).code, 0)


def test_the_contact_does_not_close_on_a_live_output_r_dc_safety_13():
    w = World()
    w.hw.keeps_charge = True
    w.hw.mv_in = 200_000
    assert cable_check(w).code != 0
    eq(w.contactor.model.closings, 0)
    assert w.power.faults & faults.NOT_APPLIED


def test_current_in_test_and_precharge_is_bounded_r_dc_safety_13():
    for state in ("test", "precharge"):
        w = World()
        w.to_schedule(DC_BPT, DYNAMIC)
        w.cable_check()
        w.sleep(200)
        if state == "precharge":
            for _ in range(100):
                if w.state != "CableCheck":
                    break
                w.cable_check()
                w.sleep(50)
            w.precharge()
        poll = w.hw.poll

        def flows(now, w=w, poll=poll):
            poll(now)
            w.hw.ma = 8000

        w.hw.poll = flows
        w.sleep(40)
        assert opened(w) and w.power.faults & faults.OVERCURRENT, state


# -- limits rest on what is measured (R-LOOP-15)


def test_present_voltage_of_the_car_cannot_raise_the_power_r_loop_15():
    """0, negative, half, double and absurd, both ways and both modes: never above the set-point,
    never more than with the true value."""
    for dynamic in (DYNAMIC, SCHEDULED):
        for setpoint_w, wish_ma in ((5000, 125_000), (-5000, -80_000)):
            w = charging(dynamic=dynamic, setpoint_w=setpoint_w)
            for volts in (400, 0, -400, 200, 800, 20_000, 0):
                for _ in range(8):
                    w.loop(DC_BPT, dynamic, soc=50, mv=volts * 1000, wish_ma=wish_ma, wish_mv=450_000)
                    w.sleep(50)
                    assert abs(w.hw.w) <= 5000, (dynamic, setpoint_w, volts, w.hw.w)
                eq(abs(w.hw.ma), 12_500)


def test_a_lower_output_lowers_nothing_and_raises_no_power_r_loop_15():
    """Half the measured voltage is twice the current, up to the limits, and the power stays."""
    w = charging()
    w.hw.battery_mv = 310_000
    turns(w)
    assert 4900 < w.hw.w <= 5000 and w.hw.ma == 16_129, (w.hw.w, w.hw.ma)


# -- at once (R-LOOP-18)


def test_a_set_point_reaches_the_stage_between_two_requests_r_loop_18():
    for service in (DC_BPT, AC_BPT):
        for dynamic in (DYNAMIC, SCHEDULED):
            w = charging(service, dynamic)
            turns(w, service, dynamic, wish_ma=100_000)
            before = w.hw.w
            assert before > 4900, (service, dynamic, before)
            w.setpoint(2000)
            w.sleep(160)  # no request
            assert 1900 < w.hw.w <= 2000, (service, dynamic, w.hw.w)


def test_derating_reaches_the_stage_between_two_requests_r_loop_18():
    w = charging()
    w.hw.can_charge_w = 1500
    w.sleep(160)
    assert 1400 < w.hw.w <= 1500, w.hw.w


# -- what is watched


def test_insulation_in_the_loop_r_dc_safety_05():
    w = charging()
    w.hw.insulation_bad = True
    w.sleep(20)
    assert opened(w) and w.power.faults & faults.IMD_ALARM
    assert w.said("insulation")
    assert w.loop(DC_BPT, DYNAMIC).code != 0


def test_output_above_the_class_of_the_car_r_dc_safety_06():
    from firmware.app.power_watch import class_mv

    for max_v, cut_v in (
        (400, 550),
        (500, 550),
        (501, 825),
        (750, 825),
        (850, 935),
        (920, 1100),
        (1000, 1100),
        (1250, 1375),
    ):
        eq(class_mv(max_v * 1000), cut_v * 1000)
    w = charging()
    w.hw.battery_mv = 550_000  # class of a car up to 500 V
    w.sleep(100)
    assert not w.power.faults
    w.hw.battery_mv = 551_000
    w.sleep(40)
    assert opened(w) and w.power.faults & faults.OVERVOLT


def test_a_car_that_claims_more_does_not_lift_the_class_r_dc_safety_06():
    """What the car says of its voltage may lower the threshold, never raise it above the station's."""
    w = charging()
    w.secc.facts.car.first.max_mv = 20_000_000
    w.hw.battery_mv = 1_100_000  # class of this station, which is built for 920 V
    w.sleep(100)
    assert not w.power.faults
    w.hw.battery_mv = 1_101_000
    w.sleep(40)
    assert opened(w) and w.power.faults & faults.OVERVOLT


def test_old_readings_r_power_14():
    """Each source has its limit; a meter that is late is no reason to stop."""
    for source in (OUT, CURRENT, INSULATION):
        w = charging()
        w.hw.age[source] = w.hw.caps.limit_ms[source]
        w.sleep(100)
        assert not w.power.faults, source
        w.hw.age[source] += 1
        w.sleep(20)
        assert opened(w) and w.power.faults & faults.STALE, source
        w.hw.age[source] = 0
        w.sleep(2200)
        assert not w.power.faults and not w.power.latched  # goes with its cause
    w = charging()
    w.hw.age[ENERGY] = 5000
    w.sleep(100)
    eq(w.power.faults, faults.METER)
    assert w.contactor.driven
    assert w.loop(DC_BPT, DYNAMIC, meter=True).MeterInfo is None  # R-METER-07


def test_a_converter_against_its_command_opens_r_loop_15():
    """More than ordered, and the other way: a second reading ends it."""
    for ma in (40_000, -5_000):
        w = charging(DC, loops=40)
        poll = w.hw.poll

        def lies(now, w=w, poll=poll, ma=ma):
            poll(now)
            w.hw.ma = ma

        w.hw.poll = lies
        turns(w, DC, loops=4)
        assert opened(w) and w.power.faults & (faults.OVERCURRENT | faults.REVERSE), ma


def test_an_ac_car_over_its_limit_is_warned_then_ended_r_loop_16():
    for service, load_w in ((AC_BPT, 9000), (1, 9000), (1, -2000)):
        for dynamic in (DYNAMIC, SCHEDULED):
            w = charging(service, dynamic)
            w.hw.load_w = 5000
            turns(w, service, dynamic, 20)
            assert w.contactor.driven
            w.hw.load_w = load_w
            turns(w, service, dynamic, 2)
            assert w.contactor.driven and w.said("more than it may")
            answer = turns(w, service, dynamic, 12)
            assert (opened(w) and answer is None) or answer.code != 0, (service, dynamic, load_w)
            assert w.power.faults & faults.OVERDRAW and not w.power.latched


def test_an_ac_car_has_time_to_follow_a_lower_limit_r_loop_16():
    w = charging(AC_BPT)
    w.hw.load_w = 5000
    turns(w, AC_BPT, DYNAMIC, 10)
    w.setpoint(2000)
    turns(w, AC_BPT, DYNAMIC, 45)
    assert w.contactor.driven and not w.said("more than it may")
    w.hw.load_w = 2000
    turns(w, AC_BPT, DYNAMIC, 30)
    assert w.contactor.driven and not w.said("more than it may")


# -- what is offered (lab switch)


def test_a_simulated_stage_offers_no_dc_without_the_lab_switch_r_power_14():
    w = World(lab=False)
    eq(w.cfg["services"], ("AC_BPT", "AC"))
    eq(w.cfg["meter_id"], "")
    w.power.start(w.now)
    assert [e for e in w.trace.errors if e.startswith("not on offer: DC")], w.trace.errors
    w = World(lab=True)
    assert "DC_BPT" in w.cfg["services"] and w.cfg["meter_id"]
    w.power.start(w.now)
    assert w.trace.errors[-1].startswith("LAB: "), w.trace.errors


def test_the_offer_is_the_lower_of_configuration_and_stage():
    w = World(dc_max_charge_w=50_000, dc_min_voltage_mv=150_000, meter_id="M")
    caps = w.hw.caps
    caps.max_charge_w, caps.max_discharge_ma, caps.min_mv, caps.bidirectional = 22_000, 30_000, 200_000, False
    caps.seq += 1
    w.sleep(20)
    w.power.poll(w.now)
    eq((w.cfg["dc_max_charge_w"], w.cfg["dc_max_discharge_ma"], w.cfg["dc_min_voltage_mv"]), (22_000, 30_000, 200_000))
    eq(w.cfg["services"], ("AC", "DC"))
    caps.max_charge_w = 90_000
    caps.has_out = False
    caps.seq += 1
    w.power.poll(w.now)
    eq(w.cfg["dc_max_charge_w"], 50_000)  # and up again, to the configuration


# -- the table


def test_the_table_of_faults():
    seen = 0
    for n in range(len(faults.TABLE)):
        bit = faults.TABLE[n][0]
        eq((bit, faults.code(bit), faults.row(n + 1)[0]), (1 << n, n + 1, bit))
        assert bit & faults.OPENS or not bit & faults.LATCHES
        seen |= bit
    assert faults.row(0) is None and faults.row(99) is None and not faults.code(0)
    eq(faults.answer(faults.WELDED | faults.ESTOP), faults.FAILED_CONTACTOR)
    eq(faults.answer(faults.IMD_ALARM | faults.METER), faults.FAILED)
    eq(faults.answer(faults.METER | faults.OVERTEMP), faults.NONE)


def test_what_cannot_be_told_does_not_keep_power_on_r_power_14():
    """Telling of a fault needs memory, and there may be none: off comes first."""
    w = charging()
    w.hw.poll = raising
    w.power._trace.error = raising
    try:
        w.power.poll(w.now)
    except OSError:
        pass
    assert opened(w) and w.power.faults & faults.STAGE
