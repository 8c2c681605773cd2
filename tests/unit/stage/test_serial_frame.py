"""Frames of the serial stage: whole, in pieces, behind and inside of noise; the CRC of the page."""

from firmware.stage.serial_frame import CMD, MOST, STATUS, Cutter, crc16, frame, put32, seal
from tests.lib.mtest import eq
from twin.power_board import pack, unpack


def fed(*parts):
    """(type, seq, payload) of each frame that a cutter finds in the parts, and the cutter."""
    cutter = Cutter()
    out = []
    for part in parts:
        cutter.feed(part, len(part))
        while cutter.take():
            out.append((cutter.kind, cutter.seq, bytes([cutter.u8(i) for i in range(cutter.n)])))
    return out, cutter


ONE = pack(0x82, 7, bytes(range(30)))
TWO = pack(0x83, 8, b"\xa5" * 8)
BOTH = [(0x82, 7, bytes(range(30))), (0x83, 8, b"\xa5" * 8)]


def test_the_crc_is_the_one_of_the_page():
    crc = 0xFFFF
    for byte in b"123456789":
        crc = crc16(crc, byte)
    eq(crc, 0x29B1)


def test_the_worked_example_of_the_page():
    buf = frame(CMD, 14)
    buf[3] = 10
    buf[4] = 3
    put32(buf, 6, 400000)
    put32(buf, 10, 2000)
    seal(buf)
    eq(bytes(buf), b"\xa5\x0e\x02\x0a\x03\x00\x80\x1a\x06\x00\xd0\x07\x00\x00\x00\x00\x00\x00\x59\x24")
    eq(unpack(bytes(buf)), ([(2, 10, bytes(buf[4:18]))], b""))  # and by the code of the other side


def test_whole_in_pieces_and_joined():
    eq(fed(ONE, TWO)[0], BOTH)
    eq(fed(ONE + TWO)[0], BOTH)
    eq(fed(*[bytes((byte,)) for byte in ONE + TWO])[0], BOTH)
    for cut in range(len(ONE + TWO)):
        eq(fed((ONE + TWO)[:cut], (ONE + TWO)[cut:])[0], BOTH)


def test_behind_noise_and_inside_of_a_broken_frame():
    for noise in (b"\x00", b"\xa5", b"\xa5\xa5\xa5", b"\xa5\x05\x82", b"\xa5\xff\x00\xff", b"\xa5\x40\x82\x01"):
        found, cutter = fed(noise + ONE + TWO + ONE + TWO)
        eq(found, BOTH + BOTH)
        assert cutter.errors or noise[0] == 0
    eq(fed(ONE[:20] + ONE + TWO)[0], BOTH)  # the tail of one is missing
    eq(fed(ONE[5:] + ONE + TWO)[0], BOTH)  # or its begin


def test_a_wrong_bit_anywhere_is_no_frame():
    for at in range(len(ONE)):
        for bit in range(8):
            bad = bytearray(ONE)
            bad[at] ^= 1 << bit
            for found in fed(bytes(bad), TWO, ONE, ONE)[0]:
                assert found in BOTH, (at, bit, found)


def test_what_was_begun_is_given_up_when_the_line_is_quiet():
    found, cutter = fed(b"\xa5\x40\x82\x01" + ONE)  # it waits for 64 bytes that never come
    eq(found, [])
    cutter.quiet()
    assert cutter.take()
    eq((cutter.kind, cutter.seq, cutter.waiting), (STATUS, 7, 0))


def test_numbers_end_where_small_ones_end():
    payload = b"\xff\xff\xff\xff\x00\x00\x00\x80\xff\xff\xff\x7f\x90\x86\xfa\xff"
    _, cutter = fed(pack(1, 0, payload))
    eq([cutter.s32(at) for at in (0, 4, 8, 12)], [-1, -(2**30), 2**30 - 1, -358768])
    eq((cutter.u16(0), cutter.s16(0), cutter.s16(2)), (0xFFFF, -1, -1))


def test_noise_makes_no_frame_and_hides_none_r_robust():
    state = 12345
    noise = bytearray(60)
    for _ in range(400):
        for i in range(len(noise)):
            state = (state * 75 + 74) % 65537
            noise[i] = 0xA5 if state & 7 == 0 else state >> 8 & 0xFF
        found, _ = fed(bytes(noise), ONE, TWO, bytes(MOST + 6))
        eq([one for one in found if one in BOTH][-2:], BOTH)
        assert len(found) == 2, found
