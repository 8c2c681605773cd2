"""AC line by line: a vehicle that names lines is answered for exactly these, within its own limit of
each, and never above the set-point in all (R-CPD-04, R-CPD-05, R-CPD-11, R-LOOP-08)."""

from codec import rational
from codec.slots import (
    AC_ChargeLoopRes,
    AC_CPDResEnergyTransferMode,
    BPT_AC_CPDResEnergyTransferMode,
    Dynamic_AC_CLResControlMode,
    ResponseCode,
    Scheduled_AC_CLResControlMode,
)
from codec.tables import names
from firmware.app import config
from firmware.session.ceiling import bounds_w, share, target_w
from firmware.session.codes import AC as AC_CURRENT
from firmware.session.facts import CHARGE, DISCHARGE, LEAST_CHARGE, LEAST_DISCHARGE, Facts
from tests.lib.driver import AC, AC_BPT, DYNAMIC, MODES, START
from tests.lib.mtest import eq
from tests.lib.world import World

HEAP_KB = 200
# AC_ChargeParameterDiscoveryReq of a two-phase car: 3680 W on L1 and on L2, each way; session id 01 x 8. Users of
# SmartEVSE and evcc have such cars.
TWO_PHASE_CAR = "8010040080808080808080880a4a7da0628800e01c0200380704800002200380700800e01c12000008"


def told(block, at):
    """Three slots in W; None where there is none."""
    return tuple([None if block[at + i] is None else rational.to_int(block[at + i]) for i in range(3)])


def loop(w, service, dynamic, **numbers):
    """(target, present power) of a loop answer, each line by line."""
    answer = w.loop(service, dynamic, soc=50, **numbers)
    eq(answer.code, ResponseCode.OK)
    value = answer.value
    if dynamic:
        b = (
            value[AC_ChargeLoopRes.Dynamic_AC_CLResControlMode]
            or value[AC_ChargeLoopRes.BPT_Dynamic_AC_CLResControlMode]
        )
        at = Dynamic_AC_CLResControlMode.EVSETargetActivePower, Dynamic_AC_CLResControlMode.EVSEPresentActivePower
    else:
        b = (
            value[AC_ChargeLoopRes.Scheduled_AC_CLResControlMode]
            or value[AC_ChargeLoopRes.BPT_Scheduled_AC_CLResControlMode]
        )
        at = Scheduled_AC_CLResControlMode.EVSETargetActivePower, Scheduled_AC_CLResControlMode.EVSEPresentActivePower
    return told(b, at[0]), told(b, at[1])


def discovered(service, dynamic, parameters, **changes):
    """(world, answer of parameter discovery); parameters: numbers of the car, or bytes."""
    w = World(**changes)
    w.to_authorized(service)
    w.discovery()
    w.select(service, w.set_id(service, dynamic))
    return w, w.recorded(0x8003, parameters) if isinstance(parameters, str) else w.parameters(service, **parameters)


def charging(service, dynamic, parameters, **changes):
    """(world in its loop, mode block of parameter discovery)."""
    w, answer = discovered(service, dynamic, parameters, **changes)
    eq(answer.code, ResponseCode.OK)
    w.schedule(dynamic)
    eq(w.power_delivery(START, tuple_id=None if dynamic else 1).code, ResponseCode.OK)
    return w, answer.BPT_AC_CPDResEnergyTransferMode if service == AC_BPT else answer.AC_CPDResEnergyTransferMode


def test_two_phase_car_of_the_field_r_cpd_11():
    w, b = charging(AC_BPT, DYNAMIC, TWO_PHASE_CAR, setpoint_w=7360)
    eq(told(b, AC_CPDResEnergyTransferMode.EVSEMaximumChargePower), (3680, 3680, None))
    eq(told(b, AC_CPDResEnergyTransferMode.EVSEMinimumChargePower), (0, 0, None))
    eq(told(b, BPT_AC_CPDResEnergyTransferMode.EVSEMaximumDischargePower), (3680, 3680, None))
    eq(told(b, BPT_AC_CPDResEnergyTransferMode.EVSEMinimumDischargePower), (0, 0, None))
    eq(loop(w, AC_BPT, DYNAMIC, present_w=7000)[0], (3680, 3680, None))
    w.hw.load_w = 7001  # the meter of the station
    w.sleep(100)
    eq(loop(w, AC_BPT, DYNAMIC, present_w=7001), ((3680, 3680, None), (3501, 3500, None)))
    for setpoint_w, target in (
        (1001, (500, 501, None)),
        (11_040, (3680, 3680, None)),
        (0, (0, 0, None)),
        (-5001, (-2500, -2501, None)),
        (-11_040, (-3680, -3680, None)),
    ):
        w.setpoint(setpoint_w)
        eq(loop(w, AC_BPT, DYNAMIC)[0], target)


def test_lines_that_the_car_names_and_no_others_r_cpd_04():
    n = None
    for named, offered, target in (
        ((3680, n, 3680), (3680, n, 3680), (2500, n, 2500)),
        ((3680, n, n), (11_040, n, n), (3680, n, n)),  # no suffix: the sum
        ((11_000, n, n), (11_040, n, n), (5000, n, n)),
        ((3680, 3680, 3680), (3680, 3680, 3680), (1666, 1667, 1667)),
        ((1000, 3680, 2000), (3680, 3680, 3680), (1000, 2000, 2000)),  # unequal lines
        ((1000, 3680, 500), (3680, 3680, 3680), (1000, 3500, 500)),
        ((1000, 9000, 100), (3680, 3680, 3680), (1000, 3680, 100)),  # the station's line is full
        ((0, 3680, n), (3680, 3680, n), (0, 3680, n)),  # a car on L2 alone
        ((100, n, 200), (3680, n, 3680), (100, n, 200)),
    ):
        for service in (AC, AC_BPT):
            for dynamic in MODES:
                w, b = charging(service, dynamic, {"lines_w": named, "out_lines_w": named}, setpoint_w=5000)
                eq(told(b, AC_CPDResEnergyTransferMode.EVSEMaximumChargePower), offered)
                eq(loop(w, service, dynamic, lines_w=named, out_lines_w=named)[0], target)
                if service == AC_BPT:
                    w.setpoint(-5000)
                    got = loop(w, service, dynamic, lines_w=named, out_lines_w=named)[0]
                    eq(got, tuple([x and -x for x in target]))


def test_single_phase_station_has_one_line_r_cpd_05():
    for named, target in (((3680, 3680, 3680), 3000), ((2000, 3680, None), 2000), ((3680, None, None), 3000)):
        w, b = charging(
            AC_BPT,
            DYNAMIC,
            {"lines_w": named, "out_lines_w": named},
            setpoint_w=3000,
            ac_phases=1,
            ac_max_charge_w=3680,
        )
        eq(told(b, AC_CPDResEnergyTransferMode.EVSEMaximumChargePower), (3680, None, None))
        eq(loop(w, AC_BPT, DYNAMIC, lines_w=named, out_lines_w=named)[0], (target, None, None))


def test_limits_of_a_line_in_the_loop_only_narrow_r_loop_03():
    given = {"lines_w": (3000, 3000, None)}
    w, _ = charging(AC, DYNAMIC, given, setpoint_w=9000)
    eq(loop(w, AC, DYNAMIC, lines_w=(3680, 1000, None))[0], (3000, 1000, None))
    eq(loop(w, AC, DYNAMIC, lines_w=(2000, 3680, None))[0], (2000, 3000, None))
    # A sum narrows the sum, and the lines of before are still spoken of (R-LOOP-12).
    eq(loop(w, AC, DYNAMIC, max_charge_w=3000)[0], (1500, 1500, None))
    w, _ = charging(AC, DYNAMIC, {"max_charge_w": 4000}, setpoint_w=9000)
    eq(loop(w, AC, DYNAMIC, max_charge_w=4000)[0], (4000, None, None))
    eq(loop(w, AC, DYNAMIC, lines_w=(3680, 3680, 3680))[0], (1333, 1333, 1334))  # never above discovery in all


def test_minimum_of_a_line_r_schedule_12():
    given = {"lines_w": (3680, 3680, None), "least_lines_w": (1380, 1380, None)}
    w, b = charging(AC, DYNAMIC, given, setpoint_w=2759, ac_min_charge_w=3000)
    eq(told(b, AC_CPDResEnergyTransferMode.EVSEMinimumChargePower), (1000, 1000, None))
    eq(loop(w, AC, DYNAMIC, **given)[0], (0, 0, None))
    w.setpoint(2760)
    eq(loop(w, AC, DYNAMIC, **given)[0], (1380, 1380, None))
    for parameters in ({"lines_w": (1000, 3000, None), "least_lines_w": (1380, 0, None)},):
        _, answer = discovered(AC, DYNAMIC, parameters)
        eq(answer.code, ResponseCode.FAILED_WrongChargeParameter)  # R-CPD-03, on one line


def test_share_keeps_sum_limits_and_minima_r_cpd_11():
    """Every pair of limits of three lines on a grid: the sum is the target, no line is above its
    limit or below its minimum."""
    out = [0, 0, 0]
    f = Facts(config.merge({}))
    f.session.current = AC_CURRENT
    f.session.bpt = True
    f.car.limits.charge_w = f.car.limits.discharge_w = 20_000
    tried = 0
    for bits in range(8):
        f.car.lines = bits
        for a in (0, 700, 3680):
            for b in (100, 2000, 9000):
                for c in (0, 1400, 4000):
                    for least in (0, 600):
                        for i, most in enumerate((a, b, c)):
                            f.car.limits.line_w[CHARGE + i] = f.car.limits.line_w[DISCHARGE + i] = most
                            f.car.limits.line_w[LEAST_CHARGE + i] = f.car.limits.line_w[LEAST_DISCHARGE + i] = min(
                                least, most
                            )
                        for setpoint_w in (0, 1, 1000, 2001, 5000, 20_000):
                            for sign in (1, -1):
                                f.station.setpoint_w = sign * setpoint_w
                                w = target_w(f)
                                share(f, w, out)
                                if bits == 0:
                                    continue
                                tried += 1
                                eq(sum(out), w)
                                assert max(bounds_w(f)) <= setpoint_w
                                for i, most in enumerate((a, b, c)):
                                    line_w = sign * out[i]
                                    limit = min(most, 3680) if bits & 1 << i else 0
                                    assert 0 <= line_w <= limit, (bits, (a, b, c), w, out)
                                    assert not w or line_w >= min(least, limit), (bits, (a, b, c), w, out)
    eq(tried, 7 * 27 * 2 * 12)


def test_power_of_lines_stands_in_three_slots_one_behind_the_other():
    """What iso20/lines.py counts on, in every type that has a power with suffixes."""
    rows = 0
    for row in names.TYPES:
        words = row.split()[1:]
        for i, word in enumerate(words):
            if word.endswith("_L2"):
                eq(words[i - 1 : i + 2], [word[:-3], word, word[:-1] + "3"])
                rows += 1
    assert rows > 30, rows
