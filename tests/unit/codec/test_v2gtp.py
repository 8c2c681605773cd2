"""codec/v2gtp.py: R-V2GTP-01, -02, -03, -06, -07."""

HEAP_KB = 400  # a frame above 64 kB is made here; the cutter itself takes 8 kB

from codec import v2gtp
from codec.v2gtp import BAD_LENGTH, BAD_VERSION, MORE, Cutter, write_header


def frame(kind, payload):
    out = bytearray(8 + len(payload))
    at = write_header(out, 0, kind, len(payload))
    assert at == 8
    out[8:] = payload
    return bytes(out)


def dice(seed):
    """Small generator of numbers, the same on every runtime."""
    state = seed
    while True:
        state = (state * 1103 + 12345) % 1048573
        yield state >> 4


def cut(cutter, data, sizes):
    """Feed data in pieces of the given sizes (cycled by the generator); return (messages, bad code
    or 0)."""
    found = []
    at = 0
    while at < len(data):
        n = min(next(sizes), len(data) - at)
        done = 0
        while done < n:
            done += cutter.feed(data, at + done, n - done)
            while True:
                kind = cutter.next()
                if kind < 0:
                    return found, kind
                if kind == MORE:
                    break
                found.append((kind, bytes(cutter.buf[cutter.at : cutter.at + cutter.n])))
        at += n
    return found, 0


def every(n):
    while True:
        yield n


MESSAGES = (
    (0x8001, b"\x80\x01"),
    (0x8002, b""),
    (0x8004, bytes(range(200))),
    (0x8003, b"x"),
    (0x8002, bytes([7]) * 256),
    (0x8002, b"\x01\xfe\x80\x02\x00\x00\x00\x01y"),  # looks like a frame inside
)


def stream(messages):
    return b"".join([frame(kind, payload) for kind, payload in messages])


def test_whole_message():
    c = Cutter()
    data = frame(0x8002, b"abc")
    assert c.next() == MORE
    assert c.feed(data, 0, len(data)) == len(data)
    assert c.next() == 0x8002
    assert bytes(c.buf[c.at : c.at + c.n]) == b"abc"
    assert c.next() == MORE


def test_header_bytes():
    out = bytearray(10)
    assert write_header(out, 2, 0x8004, 0x010203) == 10
    assert bytes(out) == b"\x00\x00\x01\xfe\x80\x04\x00\x01\x02\x03"


def test_pieces_of_every_size_r_v2gtp_01():
    data = stream(MESSAGES)
    for size in range(1, len(data) + 1):
        found, bad = cut(Cutter(256), data, every(size))
        assert bad == 0 and found == list(MESSAGES), size


def test_none_on_a_partial_message_r_v2gtp_01():
    data = frame(0x8002, b"abcdef")
    for n in range(len(data)):
        c = Cutter()
        c.feed(data, 0, n)
        assert c.next() == MORE
        assert c.next() == MORE
        c.feed(data, n, len(data) - n)
        assert c.next() == 0x8002 and c.n == 6


def test_joined_messages_wait_in_the_buffer_r_v2gtp_07():
    c = Cutter()
    data = stream(MESSAGES)
    assert c.feed(data, 0, len(data)) == len(data)
    assert c.waiting() == len(data)
    for kind, payload in MESSAGES:
        assert c.next() == kind
        assert bytes(c.buf[c.at : c.at + c.n]) == payload
    assert c.next() == MORE and c.waiting() == 0


def test_message_with_a_tail():
    for tail in range(1, 12):
        c = Cutter()
        data = frame(0x8002, b"abc") + frame(0x8003, b"defg")[:tail]
        c.feed(data, 0, len(data))
        assert c.next() == 0x8002 and c.n == 3
        assert c.next() == MORE
        assert c.waiting() == tail


def test_full_buffer_takes_no_more_r_v2gtp_07():
    c = Cutter(16)
    data = frame(0x8002, b"0123456789abcdef")
    assert c.feed(data, 0, 24) == 24
    assert c.feed(data, 0, 24) == 0
    assert c.next() == 0x8002 and c.n == 16
    assert c.feed(data, 0, 24) == 0  # it may still be read
    c.release()
    assert c.feed(data, 0, 24) == 24
    assert c.next() == 0x8002
    assert c.next() == MORE  # which is the end of the one before, too
    assert c.feed(data, 0, 24) == 24


def test_a_waiting_message_is_moved_to_make_room():
    c = Cutter(16)
    one, two = frame(0x8002, b"01234"), frame(0x8003, b"abcdefghijklmnop")
    data = one + two
    assert c.feed(data, 0, 20) == 20
    assert c.next() == 0x8002
    assert c.feed(data, 20, len(data) - 20) == 4
    c.release()
    assert c.feed(data, 24, len(data) - 24) == len(data) - 24
    assert c.next() == 0x8003 and bytes(c.buf[c.at : c.at + c.n]) == b"abcdefghijklmnop"


def test_a_message_that_is_handed_out_stays_where_it_is_until_it_is_released():
    c = Cutter(24)
    first = frame(0x8002, b"abc") + frame(0x8003, b"0123")
    c.feed(first, 0, len(first))
    assert (c.next(), c.next()) == (0x8002, 0x8003)
    view = memoryview(c.buf)[c.at : c.at + c.n]
    more = frame(0x8004, b"defghi")
    taken = c.feed(more, 0, len(more))
    assert 0 < taken < len(more) and bytes(view) == b"0123"  # no room behind it, and it was not moved
    c.release()
    assert c.feed(more, taken, len(more) - taken) == len(more) - taken
    assert c.next() == 0x8004 and bytes(c.buf[c.at : c.at + c.n]) == b"defghi"


def test_offset_and_length_of_the_data_are_kept_to():
    c = Cutter()
    data = b"junk" + frame(0x8002, b"abc") + b"junk"
    assert c.feed(memoryview(bytearray(data)), 4, 11) == 11
    assert c.next() == 0x8002 and c.next() == MORE and c.waiting() == 0


def test_unknown_types_are_skipped_by_length_r_v2gtp_03():
    for kind in (0x9ABC, 0xA000, 0x0000, 0x8005, 0xFFFF):
        data = (
            frame(0x8001, b"1")
            + frame(kind, b"\xff" * 37)
            + frame(0x8002, b"2")
            + frame(kind, b"")
            + frame(0x8003, b"3")
        )
        for size in range(1, len(data) + 1):
            c = Cutter(64)
            found, bad = cut(c, data, every(size))
            assert bad == 0 and [f[1] for f in found] == [b"1", b"2", b"3"], (kind, size)
            assert c.skipped == 2


def test_unknown_type_longer_than_the_buffer_and_than_16_bits_r_v2gtp_03():
    after = frame(0x8002, b"after")
    for n in (65535, 65536, 65537, 140000):
        for size in (1000, 4096, 9999):
            c = Cutter(64)
            piece = bytearray(b"\x01\xfe\xa0\x00" + n.to_bytes(4, "big") + bytes(size - 8))
            left = 8 + n
            while left:  # one buffer for all pieces: the frame is longer than the heap of the 32-bit image
                take = min(size, left)
                done = 0
                while done < take:
                    done += c.feed(piece, done, take - done)
                    assert c.next() == MORE, (n, size)
                left -= take
                piece[0:8] = bytes(8)
            c.feed(after, 0, len(after))
            assert c.next() == 0x8002 and bytes(c.buf[c.at : c.at + c.n]) == b"after", (n, size)


def test_not_negotiated_type_is_skipped_r_v2gtp_03():
    c = Cutter(64)
    c.types = (v2gtp.SAP, v2gtp.CM, v2gtp.DC)
    found, bad = cut(c, stream(((0x8003, b"ac"), (0x8004, b"dc"))), every(5))
    assert bad == 0 and found == [(0x8004, b"dc")]


def test_wrong_version_is_seen_at_the_first_wrong_byte_r_v2gtp_02():
    for data in (b"\x02", b"\x01\xff", b"\x01\x01\x80\x02", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"\x00"):
        c = Cutter()
        c.feed(data, 0, len(data))
        assert c.next() == BAD_VERSION
        good = frame(0x8002, b"abc")
        assert c.feed(good, 0, len(good)) == 0  # it stays bad: the borders are lost
        assert c.next() == BAD_VERSION
        c.reset()
        c.feed(good, 0, len(good))
        assert c.next() == 0x8002


def test_wrong_version_after_a_good_message_r_v2gtp_02():
    data = frame(0x8002, b"abc") + b"\x01\x80"
    found, bad = cut(Cutter(), data, every(len(data)))
    assert found == [(0x8002, b"abc")] and bad == BAD_VERSION


def test_too_long_is_refused_by_its_header_r_v2gtp_02():
    for n in (65, 66, 255, 256, 65535, 65536, 0x10040, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        c = Cutter(64)
        size = len(c.buf)
        data = b"\x01\xfe\x80\x02" + n.to_bytes(4, "big")
        for i in range(8):
            assert c.next() == MORE
            c.feed(data, i, 1)
        assert c.next() == BAD_LENGTH, n
        assert len(c.buf) == size
    c = Cutter(64)
    data = frame(0x8002, bytes(64))
    c.feed(data, 0, len(data))
    assert c.next() == 0x8002 and c.n == 64


def test_any_chunking_gives_the_same_messages():
    for seed in range(60):
        rolls = dice(seed + 1)
        sent, wanted = b"", []
        for _ in range(12):
            kind = (0x8001, 0x8002, 0x8003, 0x8004, 0xA000, 0x8101)[next(rolls) % 6]
            payload = bytes([next(rolls) & 255 for _ in range(next(rolls) % 70)])
            sent += frame(kind, payload)
            if kind in (0x8001, 0x8002, 0x8003, 0x8004):
                wanted.append((kind, payload))
        c = Cutter(70)
        found, bad = cut(c, sent, (1 + roll % 40 for roll in rolls))
        assert bad == 0 and found == wanted, seed
        assert c.waiting() == 0


def test_garbage_never_raises_and_never_grows():
    for seed in range(300):
        rolls = dice(seed + 1000)
        data = bytearray([next(rolls) & 255 for _ in range(next(rolls) % 120)])
        if seed & 1:  # every other one begins like a message
            data[0:4] = b"\x01\xfe\x80\x02"
            if seed & 2:
                data[4:8] = bytes([0, 0, 0, next(rolls) & 63])
        c = Cutter(64)
        found, bad = cut(c, bytes(data), (1 + roll % 20 for roll in rolls))
        assert bad in (0, BAD_VERSION, BAD_LENGTH), seed
        assert len(c.buf) == 64 + 8 + 3
        for _, payload in found:
            assert len(payload) <= 64
