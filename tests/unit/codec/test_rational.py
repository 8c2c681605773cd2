"""codec/rational.py: precision and range (R-CPD-10), absurd exponents."""

from codec import rational
from tests.lib.mtest import eq, raises


def test_pack_and_parts():
    for v in (-32768, -1, 0, 1, 32767):
        for e in (-128, -3, 0, 3, 127):
            r = rational.pack(v, e)
            assert -0x800000 <= r <= 0x7FFFFF  # a small integer on 32 bits
            eq((rational.value(r), rational.exponent(r)), (v, e))
    for v, e in ((32768, 0), (-32769, 0), (0, 128), (0, -129)):
        raises(ValueError, rational.pack, v, e)


def test_grid_within_half_a_percent_r_cpd_10():
    for x in (0, 1, 9, 100, 999, 1000, 32767, 32768, 400000, 920001, 1000000, 30000000, 123456789, 999999999):
        for sign in (1, -1):
            eq_near(rational.to_milli(rational.from_milli(sign * x)), sign * x)
            eq_near(rational.to_int(rational.from_int(sign * x)), sign * x)


def eq_near(a, b):
    assert abs(a - b) * 200 <= abs(b), (a, b)
    assert abs(a) <= abs(b)  # cut toward zero: a limit never grows


def test_tenths_survive_r_cpd_10():
    eq(rational.to_milli(rational.from_milli(100)), 100)
    eq(rational.to_milli(rational.from_milli(32100)), 32100)
    eq(rational.from_milli(400000), rational.pack(400, 0))


def test_absurd_exponents_are_held():
    eq(rational.to_milli(rational.pack(1, 127)), 1 << 62)
    eq(rational.to_int(rational.pack(-5, 100)), -(1 << 62))
    eq(rational.to_milli(rational.pack(0, 127)), 0)
    eq(rational.to_milli(rational.pack(32767, -128)), 0)
    eq(rational.to_int(rational.pack(32767, 15)), 1 << 62)
    eq(rational.to_int(rational.pack(-99, -1)), -9)
