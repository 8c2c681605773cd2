"""Parts of firmware/net on their own: machine-code loops against plain ones, sequence numbers,
rings, the timer."""

from firmware.net.block import copy, equal, sum16
from firmware.net.checksum import plain_sum16
from firmware.net.ring import RxRing, TxRing
from firmware.net.rto import Rto
from firmware.net.seq import FAR, diff, put
from tests.lib.mtest import eq
from tests.lib.wire import dice


def noise(n, seed):
    rolls = dice(seed)
    return bytearray([next(rolls) & 0xFF for _ in range(n)])


def test_sum_of_all_lengths_and_offsets():
    data = noise(80, 1)
    for at in range(9):
        for n in range(70):
            eq(sum16(data, at, n), plain_sum16(data, at, n))
            eq(sum16(memoryview(data), at, n), plain_sum16(bytes(data), at, n))


def test_sum_of_large_blocks():
    for seed in range(20):
        data = noise(1518, seed)
        eq(sum16(data, seed, 1518 - seed - 1), plain_sum16(data, seed, 1518 - seed - 1))
    full = b"\xff" * 16384
    eq(sum16(full, 0, 16384), 0xFFFF * 8192)
    assert 0xFFFF * 8192 < 1 << 30


def test_copy_and_equal_keep_to_their_bounds():
    for n in (0, 1, 2, 3, 31, 64):
        src = noise(70, n + 1)
        dst = bytearray(70)
        copy(dst, 3, src, 5, n)
        eq(bytes(dst), bytes(3) + bytes(src[5 : 5 + n]) + bytes(67 - n))
        assert equal(dst, 3, src, 5, n) is True
        if n:
            dst[3 + n - 1] ^= 1
            assert equal(dst, 3, src, 5, n) is False
            assert equal(dst, 3, bytes(src), 5, n - 1) is True


# -- sequence numbers


def big(value):
    return (value & 0xFFFFFFFF).to_bytes(4, "big")


def test_distance_over_the_whole_space():
    """Against arithmetic on large integers, around every border of the halves and of 2**32."""
    positions = [0, 1, 0xFFFF, 0x10000, 0x10001, 0x7FFFFFFF, 0x80000000, 0xFFFF0000, 0xFFFFFFFE, 0xFFFFFFFF, 0x12345678]
    offsets = [0, 1, 2, 255, 4096, 0xFFFF, 0x10000, 0x10001, 0x1FFFFFFE, 0x1FFFFFFF]
    rolls = dice(3)
    positions += [next(rolls) << 16 | next(rolls) for _ in range(50)]
    offsets += [(next(rolls) & 0x1FFF) << 16 | next(rolls) for _ in range(20)]
    for base in positions:
        hi, lo = base >> 16, base & 0xFFFF
        for offset in offsets:
            eq(diff(big(base + offset), 0, hi, lo), offset)
            eq(diff(b"x" + big(base - offset), 1, hi, lo), -offset)
        eq(diff(big(base - 0x20000000), 0, hi, lo), -0x20000000)
        for far in (0x20000000, 0x20000001, 0x7FFFFFFF, 0x80000000, 0xC0000000, 0xDFFFFFFF):
            eq(diff(big(base + far), 0, hi, lo), FAR)


def test_number_is_written_at_an_offset():
    out = bytearray(6)
    for base in (0, 0xFFFF, 0x10000, 0xFFFFFFFF, 0xFFFF0000, 0x89ABCDEF):
        for offset in (-1, 0, 1, 1440, 8192, 0xFFFF):
            put(out, 1, base >> 16, base & 0xFFFF, offset)
            eq(bytes(out), b"\0" + big(base + offset) + b"\0")


# -- rings


def test_receive_ring_against_a_model():
    """Random pieces at random places; what comes out is the stream, in order, and nothing is lost
    that was taken."""
    for seed in range(30):
        rolls = dice(seed)
        ring = RxRing(bytearray(64))
        stream = noise(700, seed + 5)
        taken, read = 0, 0  # bytes in order so far
        known = set()
        out = bytearray(20)
        while read < 600:
            offset = next(rolls) % 40 if next(rolls) % 3 else 0
            n = next(rolls) % 30 + 1
            if offset + n > ring.free():
                n = ring.free() - offset
            if n > 0 and taken + offset + n <= 700:
                moved = ring.put(stream, taken + offset, n, offset)
                if moved >= 0:
                    known.update(range(taken + offset, taken + offset + n))
                    taken += moved
                    at = taken
                    assert at not in known or moved == 0, (seed, at)  # everything adjoining is in order
                    assert all([i in known for i in range(taken)])
                    eq(ring.gap(), any([i > taken for i in known]))
                else:
                    assert ring.gap() and offset
            if next(rolls) % 3 == 0:
                n = ring.read(out)
                eq(bytes(out[:n]), bytes(stream[read : read + n]))
                read += n
            eq(ring.n, taken - read)


def test_second_island_is_refused():
    ring = RxRing(bytearray(32))
    eq(ring.put(b"cd", 0, 2, 2), 0)
    eq(ring.put(b"hi", 0, 2, 7), -1)
    eq(ring.put(b"efg", 0, 3, 4), 0)  # adjoins
    eq(ring.put(b"bc", 0, 2, 1), 0)
    eq(ring.put(b"a", 0, 1, 0), 7)
    out = bytearray(9)
    eq((ring.read(out), bytes(out[:7]), ring.gap()), (7, b"abcdefg", False))


def test_send_ring_keeps_messages():
    ring = TxRing(bytearray(50))
    kept = b""
    for seed in range(200):
        n = seed * 7 % 17 + 1
        data = bytes(noise(n, seed))
        while ring.room() < n:
            ring.acknowledge(1 + seed % 5 if ring.n > 5 else ring.n)
            kept = kept[len(kept) - ring.n :]
        ring.put(b"__" + data + b"__", 2, n)
        kept += data
        eq(ring.to_end(ring.n - n), n)
        eq(ring.to_end(ring.n - 1), 1)
        eq(ring.to_end(ring.n), 0)
        out = bytearray(60)
        ring.copy_out(0, ring.n, out, 4)
        eq(bytes(out[4 : 4 + ring.n]), kept)


def test_acknowledgment_in_the_middle_of_a_message():
    ring = TxRing(bytearray(50))
    for n in (5, 10, 1):
        ring.put(bytes(n), 0, n)
    eq([ring.to_end(i) for i in (0, 4, 5, 14, 15)], [5, 1, 10, 1, 1])
    ring.acknowledge(7)
    eq([ring.to_end(i) for i in (0, 7, 8, 9)], [8, 1, 1, 0])
    ring.acknowledge(9)
    eq((ring.n, ring.room()), (0, 50))


# -- timer


def test_timeout_follows_rfc_6298_within_200_and_500_ms():
    """Measured it is at most 500 ms (one hop); only the back-off goes to 5 s."""
    rto = Rto()
    eq(rto.ms, 200)  # of a SYN-ACK
    rto.settle()
    eq(rto.ms, 500)  # of what follows, when the handshake has measured nothing
    rto.sample(100)
    eq(rto.ms, 300)  # 100 + 4 * 50
    for _ in range(50):
        rto.sample(100)
    assert 200 <= rto.ms <= 205, rto.ms  # the variation fades, but not below 200 ms
    rto.sample(300)
    assert 300 < rto.ms < 400, rto.ms  # 125 + 4 * 50 and a little
    rto.sample(500)
    eq(rto.ms, 500)  # 172 + 4 * 131 would be more
    rto.back_off()
    rto.back_off()
    eq(rto.ms, 2000)
    rto.settle()
    eq(rto.ms, 500)
    for _ in range(9):
        rto.back_off()
    eq(rto.ms, 5000)
    rto.sample(60000)
    eq(rto.ms, 500)
    rto.reset()
    for _ in range(20):
        rto.sample(0)
    eq(rto.ms, 200)
