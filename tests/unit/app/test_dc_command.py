"""app/dc_command by values: which voltage, current and power the converter is told, and what bounds
it (R-LOOP-02, R-LOOP-05, R-LOOP-09, R-LOOP-15)."""

from firmware.app.config import merge
from firmware.app.dc_command import DcCommand
from firmware.session.facts import Facts
from tests.lib.mtest import eq

STATION = {
    "dc_max_voltage_mv": 500_000, "dc_min_voltage_mv": 200_000, "dc_max_charge_ma": 125_000, "dc_max_discharge_ma": 60_000,
    "dc_max_charge_w": 50_000, "dc_max_discharge_w": 20_000,
}  # fmt: skip


def command(
    target_w=None,
    bpt=True,
    out_mv=400_000,
    wish=(0, 0),
    limits=(40_000, 100_000, 450_000, 300_000, 15_000, 50_000),
    claim_mv=0,
    **cfg,
):
    """(mV, mA, W, by power, by current, by voltage). wish: (mA, mV) of a Scheduled car; limits: of
    the car, in the order of Limits.set(); claim_mv: EVPresentVoltage."""
    car = Facts(None).car
    car.limits.set(*limits)
    car.present_mv = claim_mv
    car.target_ma, car.target_mv = wish
    cfg = merge(dict(STATION, **cfg))
    charge_w = min(cfg["dc_max_charge_w"], limits[0])
    discharge_w = min(cfg["dc_max_discharge_w"], limits[4]) if bpt else 0
    c = DcCommand()
    c.make(cfg, car, out_mv, charge_w, discharge_w, target_w)
    return c.mv, c.ma, c.w, c.by_power, c.by_current, c.by_voltage


def test_dynamic_the_set_point_bounds_r_loop_09():
    eq(command(20_000), (450_000, 50_000, 20_000, True, False, False))
    eq(command(0), (450_000, 0, 0, True, False, False))
    eq(command(-12_000), (300_000, -30_000, 12_000, True, False, False))


def test_dynamic_the_current_of_either_side_bounds_before_the_set_point_r_loop_05():
    eq(command(40_000, limits=(40_000, 90_000, 450_000, 300_000, 0, 0)), (450_000, 90_000, 40_000, False, True, False))
    eq(command(40_000, dc_max_charge_ma=80_000), (450_000, 80_000, 40_000, False, True, False))
    eq(
        command(-20_000, limits=(40_000, 100_000, 450_000, 300_000, 20_000, 45_000)),
        (300_000, -45_000, 20_000, False, True, False),
    )
    eq(command(-4_000, bpt=False)[1:3], (0, 0))


def test_at_the_top_or_at_the_floor_the_voltage_bounds_r_loop_05():
    """The stage holds it; the command keeps its current, and nothing hunts."""
    eq(command(10_000, out_mv=450_000), (450_000, 22_222, 10_000, False, False, True))
    eq(command(10_000, out_mv=449_999)[5], False)
    eq(command(-10_000, out_mv=300_000), (300_000, -33_333, 10_000, False, False, True))
    eq(command(0, out_mv=450_000)[5], False)
    # The station's own limits bound as the car's do.
    top = command(10_000, out_mv=420_000, dc_max_voltage_mv=420_000)
    eq((top[0], top[5]), (420_000, True))
    floor = command(-10_000, out_mv=350_000, dc_min_voltage_mv=350_000)
    eq((floor[0], floor[5]), (350_000, True))


def test_scheduled_the_wish_of_the_car_r_loop_02():
    eq(command(wish=(50_000, 420_000)), (420_000, 50_000, 40_000, False, False, False))
    eq(command(wish=(-20_000, 420_000)), (300_000, -20_000, 15_000, False, False, False))


def test_scheduled_more_than_allowed_is_clamped_r_loop_02():
    eq(command(wish=(110_000, 420_000)), (420_000, 100_000, 40_000, True, False, False))  # 40 kW at 400 V
    eq(command(wish=(110_000, 420_000), out_mv=300_000), (420_000, 100_000, 40_000, False, True, False))
    eq(command(wish=(50_000, 480_000)), (450_000, 50_000, 40_000, False, False, True))
    eq(command(wish=(-50_000, 420_000)), (300_000, -37_500, 15_000, True, False, False))  # 15 kW at 400 V
    eq(command(wish=(-50_000, 420_000), bpt=False)[1:3], (0, 0))


def test_what_the_car_claims_of_its_voltage_changes_nothing_r_loop_15():
    """EVPresentVoltage 0, negative, half, double, absurd: the command is that of the measurement."""
    for target_w, wish in ((20_000, (0, 0)), (-12_000, (0, 0)), (None, (110_000, 420_000)), (None, (-50_000, 420_000))):
        honest = command(target_w, wish=wish, claim_mv=400_000)
        for claim_mv in (0, -5_000, 200_000, 800_000, 20_000_000):
            eq(command(target_w, wish=wish, claim_mv=claim_mv), honest)


def test_an_output_that_reads_too_low_is_no_reason_for_more_current_r_loop_15():
    """0 V measured, or less than both sides can: the current is that of the floor, and the power
    limit goes with it."""
    for out_mv in (-400, 0, 1_000, 150_000, 300_000):
        eq(command(10_000, out_mv=out_mv)[1:3], (33_333, 10_000))
        eq(command(-10_000, out_mv=out_mv)[1:3], (-33_333, 10_000))
