"""drivers/qca_frame.py: framing to the chip and the decoder of what it sends (QCA7000 SPI protocol,
AN4). R-LINK-26."""

from drivers.qca_frame import BAD_END, BAD_LENGTH, CUT, GARBAGE, LEAD, RDBUF_MAX, Decoder, head, write_end, write_head
from tests.lib.mtest import eq
from tests.unit.drivers.data_spi import FRAME, FRAME_2, Dice, octets


def framed(frame, outer=None, inner=None, end=b"\x55\x55", start=b"\xaa\xaa\xaa\xaa"):
    """As the chip sends it, by hand: outer length big-endian, inner little-endian."""
    n = len(frame)
    outer = n + 10 if outer is None else outer
    inner = n if inner is None else inner
    head = bytes((0, 0, outer >> 8, outer & 255)) + start + bytes((inner & 255, inner >> 8, 0x12, 0x34))
    return head + frame + end


def frame(n, seed=1):
    return Dice(seed)(n)


def read(decoder, data, size):
    """Feed data in reads of `size` bytes; return the frames."""
    out = []
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        decoder.burst[LEAD : LEAD + len(piece)] = piece
        decoder.feed(len(piece))
        while True:
            n = decoder.next()
            if not n:
                break
            out.append(bytes(decoder.frame[:n]))
        assert not decoder.waiting
    return out


def decode(data, size=RDBUF_MAX):
    drops = [0] * 4
    return read(Decoder(drops), data, size), drops


def test_framing_to_the_chip():
    out = bytearray(100)
    write_head(out, 60)
    eq(write_end(out, 60), 72)
    eq(bytes(out[:10]), octets("0000 aaaaaaaa 3c00 0000"))
    eq(bytes(out[70:73]), b"\x55\x55\x00")
    out = bytearray(1530)
    write_head(out, 1518)
    eq(write_end(out, 1518), 1530)
    eq(bytes(out[6:8]), b"\xee\x05")


def test_one_frame_by_hand():
    frames, drops = decode(octets("00000046 aaaaaaaa 3c00 0000" + FRAME + "5555"))
    eq(frames, [octets(FRAME)])
    eq(drops, [0, 0, 0, 0])


def test_every_length():
    decoder = Decoder([0] * 4)
    for n in (60, 61, 85, 109, 129, 255, 256, 511, 512, 1024, 1517, 1518):
        eq(read(decoder, framed(frame(n)), RDBUF_MAX), [frame(n)])
    eq(decoder.drops, [0, 0, 0, 0])


def test_lengths_that_no_frame_has_r_link_26():
    for n in (0, 1, 59, 1519, 1522, 1600):
        frames, drops = decode(framed(frame(n)) + framed(octets(FRAME)))
        eq(frames, [octets(FRAME)])
        eq(drops, [0, 1, 0, 0])
    frames, drops = decode(octets("ffffffff aaaaaaaa f5ff 0000"))
    eq((frames, drops), ([], [1, 0, 0, 0]))


def test_pieces_of_every_size():
    data = framed(octets(FRAME)) + framed(octets(FRAME_2)) + framed(octets(FRAME))
    for size in range(1, len(data) + 1):
        frames, drops = decode(data, size)
        eq((size, frames), (size, [octets(FRAME), octets(FRAME_2), octets(FRAME)]))
        eq(drops, [0, 0, 0, 0])


def test_a_tail_of_every_size_waits_for_its_rest():
    first, second = framed(octets(FRAME)), framed(octets(FRAME_2))
    for tail in range(len(second)):
        decoder = Decoder([0] * 4)
        eq(read(decoder, first + second[:tail], RDBUF_MAX), [octets(FRAME)])
        eq(read(decoder, second[tail:] + first, RDBUF_MAX), [octets(FRAME_2), octets(FRAME)])
        eq(decoder.drops, [0, 0, 0, 0])


def test_a_full_read_of_frames():
    frames = [frame(60 + i, i) for i in range(30)]
    data = b"".join([framed(f) for f in frames])
    assert len(data) <= RDBUF_MAX
    eq(decode(data), (frames, [0, 0, 0, 0]))


def test_garbage_is_skipped_and_counted_once():
    good = framed(octets(FRAME))
    for junk in (b"\x00", b"\xaa" * 7, bytes(500), b"\xff" * 1000, b"\xaa" * 1000, b"\x55\x55", frame(700, 5)):
        frames, drops = decode(good + junk + good)
        eq(frames, [octets(FRAME)] * 2)
        eq(drops, [1, 0, 0, 0])
        frames, drops = decode(junk + good + good, 37)
        eq(frames, [octets(FRAME)] * 2)


def test_outer_and_inner_length_must_agree():
    good = framed(octets(FRAME))
    for outer, inner in ((71, None), (69, None), (None, 61), (None, 59), (60, 60), (70, 0x3C00)):
        frames, drops = decode(good + framed(octets(FRAME_2)[:60], outer, inner) + good)
        eq(frames, [octets(FRAME)] * 2)
        eq(drops[GARBAGE] + drops[BAD_LENGTH], 1)
        eq(drops[BAD_LENGTH], 1)


def test_start_and_end_must_be_right():
    good = framed(octets(FRAME))
    for i in range(4):
        start = bytearray(b"\xaa\xaa\xaa\xaa")
        start[i] ^= 0x10
        eq(decode(good + framed(octets(FRAME_2), start=bytes(start)) + good), ([octets(FRAME)] * 2, [1, 0, 0, 0]))
    for end in (b"\x55\x54", b"\x54\x55", b"\x00\x00"):
        eq(decode(good + framed(octets(FRAME_2), end=end) + good), ([octets(FRAME)] * 2, [0, 0, 1, 0]))


def test_a_cut_frame_costs_no_other_one_in_the_same_read():
    good, long = framed(octets(FRAME)), framed(frame(600))
    for keep in range(1, len(long), 7):
        if (len(long) - keep) % len(good) == 0:
            continue  # the end of another frame just where the end of this one should be: nobody can tell
        frames, drops = decode(long[:keep] + good * 12)
        eq(frames, [octets(FRAME)] * 12)
        eq(sum(drops), 1)


def test_a_cut_frame_at_the_end_costs_no_other_one_in_the_next_read():
    """Without it a frame cut at 1518 bytes would swallow the next 20 of 60."""
    good, long = framed(octets(FRAME)), framed(frame(1518))
    for keep in range(12, len(long), 101):
        decoder = Decoder([0] * 4)
        eq(read(decoder, good + long[:keep], RDBUF_MAX), [octets(FRAME)])
        eq(read(decoder, good, RDBUF_MAX), [octets(FRAME)])
        eq(decoder.drops[CUT], 1)


def test_a_frame_that_looks_like_a_frame_inside():
    inner = framed(octets(FRAME))
    outer = frame(30) + inner + frame(9)
    eq(decode(framed(outer) + inner), ([outer, octets(FRAME)], [0, 0, 0, 0]))


def test_a_straddling_frame_with_a_bad_end():
    good = framed(octets(FRAME))
    bad = framed(octets(FRAME_2), end=b"\x55\x00")
    for tail in range(12, len(bad)):
        decoder = Decoder([0] * 4)
        eq(read(decoder, bad[:tail], RDBUF_MAX), [])
        eq(read(decoder, bad[tail:] + good, RDBUF_MAX), [octets(FRAME)])
        eq(decoder.drops[BAD_END], 1)


def test_many_false_starts_cost_one_pass():
    """A read full of heads of 1518 bytes: only the last ones are followed, nothing is copied for
    the others."""
    start = octets("000005f8 aaaaaaaa ee05 0000")
    data = (start * 300)[:RDBUF_MAX]
    frames, drops = decode(data)
    eq(frames, [])
    eq(sum(drops), 1)


def test_reset_forgets_an_open_frame():
    decoder = Decoder([0] * 4)
    data = framed(octets(FRAME))
    read(decoder, data[:40], RDBUF_MAX)
    decoder.reset()
    eq(read(decoder, data, RDBUF_MAX), [octets(FRAME)])
    eq(decoder.drops, [0, 0, 0, 0])


def test_head():
    good = bytearray(octets("ff 00000046 aaaaaaaa 3c00 ffff"))
    eq(head(good, 1), 60)
    for at in range(1, 11):
        for bit in range(8):
            bad = bytearray(good)
            bad[at] ^= 1 << bit
            assert head(bad, 1) <= 0, (at, bit)
