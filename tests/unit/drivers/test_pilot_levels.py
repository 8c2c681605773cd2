"""Pure part of drivers/pilot.py: thresholds, diode rule, duty and current (IEC 61851-1)."""

from drivers import pilot
from drivers.pilot import UNKNOWN, A, B, C, D, E, F, classify, diode_missing
from tests.lib.mtest import eq


def test_every_threshold_from_both_sides():
    edges = (
        # mv, last, at it, 1 mV above
        (13000, A, A, UNKNOWN),
        (10999, B, B, A),
        (10000, A, B, A),
        (7999, C, C, B),
        (7000, B, C, B),
        (7000, A, C, B),
        (4999, D, D, C),
        (4000, C, D, C),
        (4000, B, D, C),
        (4000, A, D, C),
        (2000, D, E, D),
        (2000, E, E, D),
        (-1001, D, UNKNOWN, E),
        (-2000, E, UNKNOWN, E),
        (-10001, F, F, UNKNOWN),
        (-11000, A, F, UNKNOWN),
        (-13001, F, UNKNOWN, F),
    )
    for mv, last, below, above in edges:
        eq((mv, last, classify(mv, last), classify(mv + 1, last)), (mv, last, below, above))


def test_middle_of_every_band_does_not_depend_on_the_last_state():
    for mv, state in (
        (12000, A),
        (9000, B),
        (6000, C),
        (3000, D),
        (0, E),
        (-12000, F),
        (-5000, UNKNOWN),
        (14000, UNKNOWN),
    ):
        for last in range(UNKNOWN, F + 1):
            eq((mv, last, classify(mv, last)), (mv, last, state))


def test_gaps_are_held_by_the_neighbour_only():
    gaps = ((10500, A, B), (7500, B, C), (4500, C, D), (-1500, E, UNKNOWN), (-10500, F, UNKNOWN))
    for mv, upper, lower in gaps:
        eq((mv, classify(mv, upper)), (mv, upper))
        eq((mv, classify(mv, lower)), (mv, lower))
    for mv, low in ((10500, B), (7500, C), (4500, D)):
        for last in (UNKNOWN, D, E, F):
            eq((mv, last, classify(mv, last)), (mv, last, low))


def test_no_jitter_across_an_edge_within_a_volt():
    for edge, upper, lower in ((10500, A, B), (7500, B, C), (4500, C, D)):
        for first in (upper, lower):
            last = first
            for mv in (edge - 450, edge + 450, edge - 200, edge + 300, edge):
                last = classify(mv, last)
                eq(last, first)


def test_duty_of_a_current():
    for amps_x10, permille in (
        (-1, 1000),
        (0, 1000),
        (58, 1000),
        (59, 100),
        (60, 100),
        (61, 100),
        (62, 103),
        (100, 166),
        (130, 216),
        (160, 266),
        (200, 333),
        (320, 533),
        (509, 848),
        (510, 850),
        (511, 850),
        (525, 850),
        (526, 850),
        (530, 852),
        (630, 892),
        (800, 960),
        (801, 1000),
    ):
        eq((amps_x10, pilot.duty_permille(amps_x10)), (amps_x10, permille))


def test_current_of_a_duty():
    for permille, amps_x10 in (
        (0, 0),
        (29, 0),
        (50, 0),
        (79, 0),
        (80, 60),
        (100, 60),
        (101, 60),
        (266, 159),
        (533, 319),
        (850, 510),
        (851, 527),
        (892, 630),
        (960, 800),
        (961, 800),
        (970, 800),
        (971, 0),
        (1000, 0),
    ):
        eq((permille, pilot.amps_x10(permille)), (permille, amps_x10))


def test_an_offer_is_never_above_the_limit():
    for amps_x10 in range(62, 801):
        offered = pilot.amps_x10(pilot.duty_permille(amps_x10))
        assert amps_x10 - 17 <= offered <= amps_x10, amps_x10
    for amps_x10 in (59, 60, 61):  # one code
        eq(pilot.amps_x10(pilot.duty_permille(amps_x10)), 60)


def test_diode_rule():
    for high_mv in (9000, 6000, 3000):
        assert not diode_missing(high_mv, -12000)
        assert not diode_missing(high_mv, -11000)
        for error in (-1200, 0, 1200):
            assert diode_missing(high_mv, -high_mv + error)
    assert diode_missing(9800, -11000) and not diode_missing(9800, -11001)
    assert not diode_missing(6000, -10000) and diode_missing(6000, -9999)
