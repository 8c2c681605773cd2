"""Copy, compare and add blocks of bytes: the three loops that every frame runs, as machine code.

Viper checks no bounds: callers pass lengths that they have checked. No argument or result reaches
2**30, so nothing here makes a heap object. The loops are short, because the native compiler of the
RP2040 (armv6m) has a limit of 2 kB.
"""

import micropython


def ptr8(buf):
    """For CPython only: the viper compiler takes this name for itself."""
    return buf


@micropython.viper
def copy(dst, dst_at: int, src, src_at: int, n: int):
    """dst[dst_at:dst_at+n] = src[src_at:src_at+n]. The two must not overlap."""
    to = ptr8(dst)
    from_ = ptr8(src)
    i = 0
    while i < n:
        to[dst_at + i] = from_[src_at + i]
        i += 1


@micropython.viper
def equal(a, a_at: int, b, b_at: int, n: int) -> bool:
    """True if the n bytes of a from a_at and of b from b_at are the same."""
    left = ptr8(a)
    right = ptr8(b)
    i = 0
    while i < n:
        if left[a_at + i] != right[b_at + i]:
            return False
        i += 1
    return True


@micropython.viper
def sum16(buf, at: int, n: int) -> int:
    """Sum of the big-endian 16-bit words of buf[at:at+n], an odd last byte as the high half of a
    word (RFC 1071).

    Not folded. n up to 16384 keeps it below 2**30.
    """
    p = ptr8(buf)
    total = 0
    last = at + n - 1
    while at < last:
        total += p[at] << 8 | p[at + 1]
        at += 2
    if n & 1:
        total += p[last] << 8
    return total
