"""firmware/session/ceiling.py by values: what both sides, the operator and the grid leave of power,
each way and in every control mode."""

from firmware.app import config
from firmware.session.ceiling import bounds_w, plan_w, room_w, target_w
from firmware.session.codes import AC, DC
from firmware.session.facts import Facts
from tests.lib.mtest import eq


def facts(setpoint_w, current=DC, dynamic=True, bpt=True, soc=50, limits=(40_000, 0, 0, 0, 15_000, 0), **cfg):
    """A session in its loop at 400 V. limits: of the car, in the order of Limits.set()."""
    f = Facts(config.merge(cfg))
    f.session.current, f.session.dynamic, f.session.bpt = current, dynamic, bpt
    f.car.limits.set(*limits)
    f.car.soc = soc
    f.station.setpoint_w = setpoint_w
    f.station.mv = 400_000
    f.station.export = True
    return f


def each_mode(*given, **named):
    return [
        facts(*given, current=current, dynamic=dynamic, **named) for current in (AC, DC) for dynamic in (True, False)
    ]


def test_the_set_point_is_a_ceiling_in_every_mode_r_schedule_10():
    for w, bounds in ((2000, (2000, 0)), (0, (0, 0)), (-2000, (0, 2000))):
        for f in each_mode(w):
            eq((bounds_w(f), target_w(f), plan_w(f)), (bounds, w, bounds))


def test_everybody_else_s_limit_too_r_loop_11():
    f = facts(1_000_000)
    eq(bounds_w(f), (40_000, 0))  # the car
    eq(plan_w(f), (50_000, 0))  # the station, whatever the car says
    f.car.limits.charge_w = 60_000
    eq(bounds_w(f), (50_000, 0))
    f.station.can_charge_w = 12_000  # derating of the power stage (R-LOOP-04)
    eq((bounds_w(f), plan_w(f), target_w(f)), ((12_000, 0), (12_000, 0), 12_000))
    f.station.can_charge_w = 0
    eq((bounds_w(f), target_w(f)), ((0, 0), 0))
    f = facts(-1_000_000)
    eq((bounds_w(f), plan_w(f)), ((0, 15_000), (0, 30_000)))
    f.station.can_discharge_w = 700
    eq((bounds_w(f), plan_w(f), target_w(f)), ((0, 700), (0, 700), -700))
    f.car.limits.charge_w = f.car.limits.discharge_w = 0  # 0 means 0
    eq(bounds_w(f), (0, 0))
    for w in (50_000, -50_000):
        for f in each_mode(w, limits=(90_000, 0, 0, 0, 90_000, 0)):
            f.station.cable_w = 7360
            if f.session.current == AC:
                eq((target_w(f), plan_w(f)), (7360 if w > 0 else -7360, (7360, 0) if w > 0 else (0, 7360)))


def test_the_room_beside_the_set_point():
    f = facts(5000)
    eq(room_w(f), (40_000, 15_000))
    f.station.export = False
    eq(room_w(f), (40_000, 0))


def test_discharge_needs_service_permission_and_limits_r_loop_10():
    for f in each_mode(-2000, bpt=False):
        eq((bounds_w(f), plan_w(f), target_w(f)), ((0, 0), (0, 0), 0))
    for f in each_mode(-2000):
        f.station.export = False
        eq((bounds_w(f), plan_w(f), target_w(f)), ((0, 0), (0, 0), 0))
    for f in each_mode(-2000, limits=(40_000, 0, 0, 0, 0, 0)):
        eq((bounds_w(f), target_w(f)), ((0, 0), 0))


def test_floors_of_the_battery_r_schedule_11():
    def given(soc=50, min_soc=0, energy_wh=0, v2x_wh=0, **cfg):
        out = []
        for f in each_mode(-2000, soc=soc, **cfg):
            f.car.min_soc, f.car.min_energy_wh, f.car.min_v2x_wh = min_soc, energy_wh, v2x_wh
            out.append(-target_w(f))
            eq(bounds_w(f), (0, out[-1]))
            f.station.setpoint_w = 2000  # charging is not bound by them
            eq(target_w(f), 2000)
        assert len(set(out)) == 1, out
        return out[0]

    eq(given(), 2000)
    eq((given(soc=19, v2x_min_soc=20), given(soc=20, v2x_min_soc=20)), (0, 2000))
    eq((given(soc=19, min_soc=20), given(soc=20, min_soc=20)), (0, 2000))
    eq((given(energy_wh=1), given(energy_wh=-1)), (0, 2000))
    eq((given(v2x_wh=1), given(v2x_wh=-1)), (0, 2000))
    # Never told: no floor is known to be met; without a floor of the station's nobody asks.
    eq((given(soc=-1, v2x_min_soc=1), given(soc=-1, min_soc=1), given(soc=-1)), (0, 0, 2000))
    # Cars that say impossible things: their own floors are not believed, the station's holds.
    eq(given(min_soc=90, energy_wh=1, v2x_wh=1, lenient_ev_values=True), 2000)
    eq(given(soc=19, v2x_min_soc=20, lenient_ev_values=True), 0)


def test_below_a_minimum_nothing_flows_r_schedule_12():
    """The written rule: never the minimum in place of a lower ceiling."""
    for f in each_mode(500, limits=(40_000, 0, 0, 0, 15_000, 0, 1380, 1400)):
        eq((bounds_w(f), target_w(f)), ((0, 0), 0))
        f.station.setpoint_w = 1379
        eq(target_w(f), 0)
        f.station.setpoint_w = 1380
        eq((bounds_w(f), target_w(f)), ((1380, 0), 1380))
        f.station.setpoint_w = -1399
        eq((bounds_w(f), target_w(f)), ((0, 0), 0))
        f.station.setpoint_w = -1400
        eq((bounds_w(f), target_w(f)), ((0, 1400), -1400))
    for w, least in ((500, "charge_w"), (-500, "discharge_w")):
        for current, name in ((AC, "ac_min_" + least), (DC, "dc_min_" + least)):
            for dynamic in (True, False):
                eq(target_w(facts(w, current=current, dynamic=dynamic, **{name: 501})), 0)
                eq(target_w(facts(w, current=current, dynamic=dynamic, **{name: 500})), w)
    # A minimum of current counts at the measured voltage: 5 A at 400 V are 2 kW.
    for w, side in ((1, "charge"), (-1, "discharge")):
        eq(target_w(facts(w * 1999, **{"dc_min_%s_ma" % side: 5000})), 0)
        eq(target_w(facts(w * 2000, **{"dc_min_%s_ma" % side: 5000})), w * 2000)
    f = facts(1999)
    f.car.limits.least_charge_ma = f.car.limits.least_discharge_ma = 5000
    eq(target_w(f), 0)
    f.station.setpoint_w = -1999
    eq(target_w(f), 0)
    f.station.mv = 399_000
    eq(target_w(f), -1999)
