"""app/power.dc_command by values: which voltage and current the converter is told, and what bounds
it (R-LOOP-02, R-LOOP-05, R-LOOP-09)."""

from firmware.app.config import merge
from firmware.app.power import dc_command
from firmware.session.facts import Facts
from tests.lib.mtest import eq

STATION = {
    "dc_max_voltage_mv": 500_000, "dc_min_voltage_mv": 200_000, "dc_max_charge_ma": 125_000, "dc_max_discharge_ma": 60_000,
    "dc_max_charge_w": 50_000, "dc_max_discharge_w": 20_000,
}  # fmt: skip


def command(
    target_w=None,
    bpt=True,
    present_mv=400_000,
    wish=(0, 0),
    limits=(40_000, 100_000, 450_000, 300_000, 15_000, 50_000),
    **cfg,
):
    """wish: (mA, mV) of a Scheduled car; limits: of the car, in the order of Limits.set()."""
    car = Facts(None).car
    car.limits.set(*limits)
    car.present_mv = present_mv
    car.target_ma, car.target_mv = wish
    cfg = merge(dict(STATION, **cfg))
    bounds_w = min(cfg["dc_max_charge_w"], limits[0]), min(cfg["dc_max_discharge_w"], limits[4]) if bpt else 0
    return dc_command(cfg, car, target_w, bpt, bounds_w)


def test_dynamic_the_set_point_bounds_r_loop_09():
    # (mV, mA, car's mV, by power, by current, by voltage)
    eq(command(20_000), (450_000, 50_000, 400_000, True, False, False))
    eq(command(0), (450_000, 0, 400_000, True, False, False))
    eq(command(-12_000), (300_000, -30_000, 400_000, True, False, False))


def test_dynamic_the_current_of_either_side_bounds_before_the_set_point_r_loop_05():
    eq(command(45_000), (450_000, 100_000, 400_000, False, True, False))
    eq(command(45_000, dc_max_charge_ma=80_000), (450_000, 80_000, 400_000, False, True, False))
    eq(
        command(-20_000, limits=(40_000, 100_000, 450_000, 300_000, 20_000, 45_000)),
        (300_000, -45_000, 400_000, False, True, False),
    )
    eq(command(-4_000, bpt=False), (300_000, 0, 400_000, False, True, False))


def test_dynamic_at_the_top_or_at_the_floor_nothing_flows_r_loop_05():
    eq(command(10_000, present_mv=450_000), (450_000, 0, 450_000, False, False, True))
    eq(command(10_000, present_mv=449_999)[1:], (22_271, 449_999, True, False, False))
    eq(command(-10_000, present_mv=300_000), (300_000, 0, 300_000, False, False, True))
    eq(command(0, present_mv=450_000)[5], False)
    # The station's own limits bound as the car's do.
    eq(command(10_000, present_mv=420_000, dc_max_voltage_mv=420_000), (420_000, 0, 420_000, False, False, True))
    eq(command(-10_000, present_mv=350_000, dc_min_voltage_mv=350_000), (350_000, 0, 350_000, False, False, True))


def test_scheduled_the_wish_of_the_car_r_loop_02():
    eq(command(wish=(50_000, 420_000)), (420_000, 50_000, 400_000, False, False, False))
    eq(command(wish=(-20_000, 420_000)), (420_000, -20_000, 400_000, False, False, False))


def test_scheduled_more_than_allowed_is_clamped_r_loop_02():
    eq(command(wish=(110_000, 420_000)), (420_000, 100_000, 400_000, True, False, False))  # 40 kW at 400 V
    eq(command(wish=(110_000, 420_000), present_mv=300_000), (420_000, 100_000, 300_000, False, True, False))
    eq(command(wish=(50_000, 480_000)), (450_000, 50_000, 400_000, False, False, True))
    eq(command(wish=(-50_000, 420_000)), (420_000, -37_500, 400_000, True, False, False))  # 15 kW at 400 V
    eq(command(wish=(-50_000, 420_000), bpt=False), (420_000, 0, 400_000, True, False, False))


def test_a_car_without_a_voltage_divides_by_nothing():
    eq(command(10_000, present_mv=0)[:3], (450_000, 100_000, 0))
    eq(command(10_000, present_mv=-5_000)[:3], (450_000, 100_000, 0))


def test_a_car_with_an_impossible_voltage():
    """20 kV at the inlet: taken as the most that the station has, or as a battery in the middle
    where that is allowed."""
    eq(command(10_000, present_mv=20_000_000)[2], 500_000)
    eq(command(10_000, present_mv=20_000_000, lenient_ev_values=True)[2], 375_000)
