"""RationalNumberType as one small integer: Value << 8 | Exponent & 0xFF (R-CPD-10).

Value is 16 bits and Exponent 8 bits, both signed: 24 bits together, no heap object on a 32-bit
target. The number is Value * 10**Exponent. Plain integers in and out; the host may use floats, the
protocol does not.
"""

from micropython import const

_CAP = const(1 << 62)  # what an absurd exponent is cut to: no car gets us to compute with huge integers
_MAX = const(32767)
_MIN = const(-32768)


def pack(value, exponent):
    """Value -32768..32767, exponent -128..127; ValueError outside."""
    if not (_MIN <= value <= _MAX and -128 <= exponent <= 127):
        raise ValueError("rational out of range")
    return value << 8 | exponent & 0xFF


def value(r):
    return r >> 8


def exponent(r):
    e = r & 0xFF
    return e - 256 if e > 127 else e


def _cut(x, low):
    """Exponent `low` or the smallest one at which x fits; digits that do not fit are cut toward
    zero."""
    negative = x < 0
    if negative:
        x = -x
    while x > _MAX:
        x //= 10
        low += 1
    return pack(-x if negative else x, low)


def from_int(x):
    """x in whole units (W, V, A ...)."""
    return _cut(x, 0)


def from_milli(x):
    """x in thousandths (mW, mV, mA ...); whole units keep exponent 0 so that they are read as they
    are meant."""
    if x % 1000 == 0:
        return _cut(x // 1000, 0)
    return _cut(x, -3)


def _scaled(r, shift):
    v = r >> 8
    e = exponent(r) + shift
    if e >= 0:
        if e > 18:
            return 0 if v == 0 else _CAP if v > 0 else -_CAP
        v *= 10**e
        return _CAP if v > _CAP else -_CAP if v < -_CAP else v
    if e < -5:
        return 0
    d = 10**-e
    return v // d if v >= 0 else -(-v // d)


def to_int(r):
    """Whole units, cut toward zero, held inside +-2**62."""
    return _scaled(r, 0)


def to_milli(r):
    """Thousandths, cut toward zero, held inside +-2**62."""
    return _scaled(r, 3)
