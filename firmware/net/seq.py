"""Sequence numbers of TCP without 32-bit integers, which are heap objects on a microcontroller.

A connection keeps a position of the stream as two 16-bit halves, and everything else as an offset
from it, a small integer. diff() is the only place where a 32-bit number of the wire is read, and it
reads it as such an offset.
"""

from micropython import const

_QUARTER = const(0x2000)  # high half of 2**29
FAR = const(0x20000000)  # 2**29: further away than any window in either direction


def diff(buf, at, hi, lo):
    """Signed distance from the position (hi, lo) to the big-endian 32-bit number at buf[at:at+4],
    modulo 2**32.

    FAR if it is 2**29 or more away.
    """
    low = (buf[at + 2] << 8 | buf[at + 3]) - lo
    high = (buf[at] << 8 | buf[at + 1]) - hi + (low >> 16) & 0xFFFF  # low >> 16 is the borrow: 0 or -1
    low &= 0xFFFF
    if high < _QUARTER:
        return high << 16 | low
    if high >= 0x10000 - _QUARTER:
        return (high - 0x10000 << 16) + low
    return FAR


def put(out, at, hi, lo, offset):
    """Write the position (hi, lo) + offset as 32 bits, big-endian. offset: small, may be
    negative."""
    low = lo + offset
    high = hi + (low >> 16) & 0xFFFF
    out[at] = high >> 8
    out[at + 1] = high & 0xFF
    out[at + 2] = low >> 8 & 0xFF
    out[at + 3] = low & 0xFF
