"""The ceiling of firmware/session/ceiling.py on the wire and at the output, with a car that would
take more."""

from codec import rational
from codec.slots import (
    AC_ChargeLoopRes,
    BPT_Dynamic_DC_CLResControlMode,
    BPT_Scheduled_DC_CLResControlMode,
    Dynamic_AC_CLResControlMode,
    Dynamic_DC_CLResControlMode,
    ResponseCode,
    Scheduled_AC_CLResControlMode,
    Scheduled_DC_CLResControlMode,
)
from host_tools.ev.requests import is_bpt, is_dc
from tests.lib.driver import AC_BPT, DC, DC_BPT, DYNAMIC, MODES, SCHEDULED, SERVICES
from tests.lib.mtest import eq
from tests.lib.world import World

HEAP_KB = 200


def world(service, dynamic, setpoint_w, parameters=None, **changes):
    """A station in its loop. parameters: numbers of the car in parameter discovery."""
    w = World(setpoint_w=setpoint_w, power_ramp_w_per_s=1_000_000, **changes)
    w.to_authorized(service)
    w.discovery()
    w.select(service, w.set_id(service, dynamic))
    eq(w.parameters(service, **(parameters or {})).code, ResponseCode.OK)
    w.schedule(dynamic)
    w.on_to_start(service)
    eq(w.power_delivery(0, tuple_id=None if dynamic else 1).code, ResponseCode.OK)
    return w


def limits(w, service, dynamic, **numbers):
    """(most charge, least charge, most discharge, least discharge) of a DC loop answer in W."""
    value = w.loop(service, dynamic, **numbers)
    eq(value.code, ResponseCode.OK)
    name = ("BPT_" if is_bpt(service) else "") + ("Dynamic" if dynamic else "Scheduled") + "_DC_CLResControlMode"
    b = getattr(value, name)
    if dynamic:
        at = [Dynamic_DC_CLResControlMode.EVSEMaximumChargePower, Dynamic_DC_CLResControlMode.EVSEMinimumChargePower]
        if is_bpt(service):
            at.append(BPT_Dynamic_DC_CLResControlMode.EVSEMaximumDischargePower)
            at.append(BPT_Dynamic_DC_CLResControlMode.EVSEMinimumDischargePower)
    else:
        at = [
            Scheduled_DC_CLResControlMode.EVSEMaximumChargePower,
            Scheduled_DC_CLResControlMode.EVSEMinimumChargePower,
        ]
        if is_bpt(service):
            at.append(BPT_Scheduled_DC_CLResControlMode.EVSEMaximumDischargePower)
            at.append(BPT_Scheduled_DC_CLResControlMode.EVSEMinimumDischargePower)
    return tuple([rational.to_int(b[i]) for i in at])


def target(w, service, dynamic, **numbers):
    """EVSETargetActivePower of an AC loop answer in W."""
    value = w.loop(service, dynamic, **numbers).value
    if dynamic:
        at = (AC_ChargeLoopRes.Dynamic_AC_CLResControlMode, AC_ChargeLoopRes.BPT_Dynamic_AC_CLResControlMode)
        slot = Dynamic_AC_CLResControlMode.EVSETargetActivePower
    else:
        at = (AC_ChargeLoopRes.Scheduled_AC_CLResControlMode, AC_ChargeLoopRes.BPT_Scheduled_AC_CLResControlMode)
        slot = Scheduled_AC_CLResControlMode.EVSETargetActivePower
    return rational.to_int(value[at[1] if is_bpt(service) else at[0]][slot])


class Steered:
    """What a loop answer allows in W, a magnitude; at: 0 charging, 2 discharging."""

    def __init__(self, w, service, dynamic, at):
        self.given = w, service, dynamic
        self.at = at

    def w(self, **numbers):
        if is_dc(self.given[1]):
            return limits(*self.given, wish_ma=-30_000, **numbers)[self.at]
        return abs(target(*self.given, **numbers))


def test_scheduled_dc_is_under_the_set_point_r_schedule_10():
    """The car asks for 40 kW, or gives 12: what flows and what is announced is the set-point, from
    the next answer on (R-LOOP-04)."""
    w = world(DC_BPT, SCHEDULED, 2000)
    for setpoint_w, wish_ma, flows_w, told in (
        (2000, 100_000, 2000, (2000, 0)),
        (0, 100_000, 0, (0, 0)),
        (1000, 100_000, 1000, (1000, 0)),
        (1000, 2_000, 800, (1000, 0)),
        (1000, -30_000, 0, (1000, 0)),
        (-5000, 100_000, 0, (0, 5000)),
        (-5000, -30_000, -5000, (0, 5000)),
        (-50_000, -30_000, -12_000, (0, 20_000)),
    ):
        w.setpoint(setpoint_w)
        got = limits(w, DC_BPT, SCHEDULED, wish_ma=wish_ma)
        eq((got[0], got[2]), told)
        for _ in range(4):
            w.sleep(100)
            w.loop(DC_BPT, SCHEDULED, wish_ma=wish_ma)
        eq(w.hw.w, flows_w)


def test_scheduled_ac_is_told_the_set_point_r_schedule_10():
    for service in (1, AC_BPT):
        w = world(service, SCHEDULED, 2000)
        for setpoint_w in (2000, 0, 4000, -3000):
            w.setpoint(setpoint_w)
            want = setpoint_w if service == AC_BPT or setpoint_w > 0 else 0
            eq(target(w, service, SCHEDULED, present_w=11_000), want)


def test_floors_of_the_car_stop_its_discharge_r_schedule_11():
    """In all modes: what the car says of state of charge and energy, and what it does not say."""
    for service in (AC_BPT, DC_BPT):
        for dynamic in MODES:
            w = world(service, dynamic, -5000, v2x_min_soc=20)
            gives = Steered(w, service, dynamic, 2).w
            eq(gives(), 0)  # no state of charge was ever told
            eq((gives(soc=5), gives(soc=19), gives(soc=20)), (0, 0, 5000))
            eq(gives(), 5000)  # absent overwrites nothing (R-LOOP-12)
            eq((gives(soc=29, min_soc=30), gives(soc=30)), (0, 5000))
            if dynamic:
                eq((gives(least_wh=500), gives()), (0, 5000))
                eq((gives(v2x_wh=(2000, 9000)), gives(), gives(v2x_wh=(-1, 9000))), (0, 0, 5000))
            else:
                eq((gives(scheduled_least_wh=500), gives(), gives(scheduled_least_wh=0)), (0, 0, 5000))
            if is_dc(service):
                gives(soc=19)
                w.sleep(100)
                gives()
                eq(w.hw.w, 0)


def test_target_below_the_minimum_of_the_car_r_schedule_12():
    for service in SERVICES:
        for dynamic in MODES:
            w = world(service, dynamic, 500, {"least_charge_w": 1380, "least_discharge_w": 1380})
            told = Steered(w, service, dynamic, 0).w
            eq(told(), 0)
            w.setpoint(1380)
            eq(told(), 1380)
            if dynamic:  # what the car says now may only be more (R-LOOP-11)
                eq((told(least_charge_w=1381), told(least_charge_w=100)), (0, 1380))


def test_a_minimum_is_never_above_the_maximum_r_loop_19():
    for service in (DC, DC_BPT):
        for dynamic in MODES:
            w = world(service, dynamic, 500, dc_min_charge_w=1000, dc_min_discharge_w=1200)
            eq(limits(w, service, dynamic, soc=50)[:2], (0, 0))
            w.setpoint(1500)
            eq(limits(w, service, dynamic, soc=50)[:2], (1500, 1000))
            if service == DC_BPT:
                w.setpoint(-1100)
                eq(limits(w, service, dynamic, soc=50)[2:], (0, 0))
                w.setpoint(-1500)
                eq(limits(w, service, dynamic, soc=50)[2:], (1500, 1200))
            w.setpoint(0)
            eq(limits(w, service, dynamic, soc=50)[:2], (0, 0))


def test_a_set_point_is_told_the_other_way_in_dynamic_control_too_r_loop_09():
    """Dynamic DC: the limit in the direction of the set-point carries it, the other one is what the
    station could be steered to."""
    w = world(DC_BPT, DYNAMIC, 5000)
    eq(limits(w, DC_BPT, DYNAMIC, soc=50), (5000, 0, 20_000, 0))
    w.setpoint(-5000)
    eq(limits(w, DC_BPT, DYNAMIC, soc=50), (50_000, 0, 5000, 0))
    eq(w.power.lease.grid(w.now, False), "")
    eq(limits(w, DC_BPT, DYNAMIC, soc=50), (0, 0, 0, 0))
