"""The checksum of UDP, TCP and ICMPv6 over IPv6 (RFC 8200 section 8.1, RFC 1071)."""

from firmware.net.block import sum16
from micropython import const

_ADDRESSES = const(22)  # frame offset of source and destination, 32 bytes side by side
_BOTH = const(32)


def plain_sum16(buf, at, n):
    """What block.sum16 computes, without machine code: the reference that the tests compare it
    with."""
    total = 0
    for i in range(0, n - 1, 2):
        total += buf[at + i] << 8 | buf[at + i + 1]
    if n & 1:
        total += buf[at + n - 1] << 8
    return total


def checksum(buf, at, n, kind):
    """Folded sum over the pseudo-header of the frame in buf and its upper-layer packet buf[at:at+n]
    of protocol `kind`.

    0xFFFF for a received packet whose checksum is right; a sender puts the complement into the
    field.
    """
    total = sum16(buf, _ADDRESSES, _BOTH) + sum16(buf, at, n) + n + kind
    total = (total & 0xFFFF) + (total >> 16)
    return (total & 0xFFFF) + (total >> 16)
