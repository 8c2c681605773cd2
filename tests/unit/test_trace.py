"""firmware/trace.py: bounded, in order, nothing invented, losses counted."""

from firmware import trace
from firmware.clock import ticks_add
from firmware.trace import DROPPED, ERROR, FROM_CAR, MESSAGE, NOTE, TO_CAR, Cursor, Trace


def collect(t, at_most=1000000):
    """Drain into a list of (kind, t_ms, direction, type, state, content)."""
    got = []

    def sink(kind, t_ms, direction, payload_type, state, buf, at, n):
        if len(got) >= at_most:
            return False
        got.append((kind, t_ms, direction, payload_type, state, bytes(buf[at : at + n])))
        return True

    done = t.drain(sink)
    return got, done


def test_records_come_back_as_written():
    start = ticks_add(0, -100)
    t = Trace(500, start)
    t.message(ticks_add(start, 5), FROM_CAR, 0x8002, b"..abc..", 2, 3, 7)
    t.message(ticks_add(start, 150), TO_CAR, 0x8004, bytearray(b"xyz"), 0, 3, 12)
    t.note(ticks_add(start, 70000), "hello")
    t.note(ticks_add(start, 70001), "watts", -5000)
    t.error(ticks_add(start, 70002), "oh")
    got, done = collect(t)
    assert done
    assert got == [
        (MESSAGE, 5, FROM_CAR, 0x8002, 7, b"abc"),
        (MESSAGE, 150, TO_CAR, 0x8004, 12, b"xyz"),
        (NOTE, 70000, 0, 0, 0, b"hello"),
        (NOTE, 70001, 0, 0, 0, b"watts -5000"),
        (ERROR, 70002, 0, 0, 0, b"oh"),
    ]
    assert collect(t) == ([], True)


def test_times_are_modulo_2_to_30():
    t = Trace(200, 0)
    t.note(ticks_add(0, 400000000), "x")
    assert collect(t)[0][0][1] == 400000000


def test_the_sink_may_say_not_now():
    t = Trace(500)
    for i in range(5):
        t.note(i, "n", i)
    got, done = collect(t, 2)
    assert not done and [r[1] for r in got] == [0, 1]
    got, done = collect(t)
    assert done and [r[1] for r in got] == [2, 3, 4]


def test_losses_are_counted_and_told():
    t = Trace(100)
    for i in range(20):
        t.note(i, "twelve bytes")
    assert t.dropped == 16  # four records of 23 bytes fit
    got, _ = collect(t)
    assert [r[1] for r in got] == [0, 1, 2, 3]
    t.note(50, "after")
    got, _ = collect(t)
    assert got[0][0] == DROPPED and got[0][5] == b"16"
    assert got[1][5] == b"after"
    assert t.dropped == 16


def test_a_record_longer_than_the_ring_is_dropped():
    t = Trace(64)
    t.message(0, TO_CAR, 0x8002, bytes(100), 0, 100, 0)
    assert t.dropped == 1 and collect(t)[0] == []
    t.message(0, TO_CAR, 0x8002, bytes(30), 0, 30, 0)
    assert [r[0] for r in collect(t)[0]] == [DROPPED, MESSAGE]


def test_any_mix_of_sizes_and_drains_keeps_order_and_content():
    for seed in range(40):
        t = Trace(80 + seed)
        state, number, wanted, got = seed * 7919 + 1, 0, [], []
        for _ in range(400):
            state = (state * 1103 + 12345) % 1048573
            if state & 3:
                lost = t.dropped
                content = bytes([number & 255]) * ((state >> 4) % 40)
                t.message(number, number & 1, 0x8000 + (number & 3), content, 0, len(content), number & 15)
                if t.dropped == lost:
                    wanted.append((number, content))
                number += 1
            else:
                got += collect(t, (state >> 4) % 4)[0]
            assert len(t._ring) == 80 + seed and 0 <= t._used <= t._size
        got += collect(t)[0]
        told = sum([int(r[5]) for r in got if r[0] == DROPPED])
        got = [r for r in got if r[0] == MESSAGE]
        assert [(r[1], r[5]) for r in got] == wanted, seed
        assert told <= t.dropped and len(wanted) + t.dropped == number, seed
        for r in got:
            assert r[2] == r[1] & 1 and r[3] == 0x8000 + (r[1] & 3) and r[4] == r[1] & 15


def test_kinds_are_distinct():
    kinds = (trace.MESSAGE, trace.NOTE, trace.ERROR, trace.POWER, trace.DROPPED, trace.STATUS)
    assert len(set(kinds)) == 6 and 0 not in kinds


def read_on(t, cursor, most=1000000):
    got = []

    def sink(kind, t_ms, direction, payload_type, state, buf, at, n):
        got.append((t_ms, bytes(buf[at : at + n])))
        return True

    done = t.walk(cursor, sink, most)
    return got, done


def test_kept_records_are_the_newest_and_are_not_consumed():
    t = Trace(100, 0, keep=True)
    for i in range(20):
        t.note(i, "twelve bytes")
    assert t.dropped == 0
    for _ in range(2):
        got, done = read_on(t, Cursor(t))
        assert done and [r[0] for r in got] == [16, 17, 18, 19]


def test_a_cursor_that_is_overtaken_counts_what_it_missed():
    t = Trace(100, 0, keep=True)
    cursor = Cursor(t)
    t.note(0, "twelve bytes")
    assert read_on(t, cursor) == ([(0, b"twelve bytes")], True)
    for i in range(1, 20):
        t.note(i, "twelve bytes")
    got, _ = read_on(t, cursor)
    assert cursor.lost == 15 and [r[0] for r in got] == [16, 17, 18, 19]
    cursor.to_end(t)
    t.note(50, "after")
    assert [r[0] for r in read_on(t, cursor)[0]] == [50]


def test_any_mix_of_sizes_and_cursors_keeps_order_and_content():
    for seed in range(60):
        t = Trace(60 + seed * 3, 0, keep=True)
        cursors = [Cursor(t) for _ in range(3)]
        gots = [[] for _ in cursors]
        state, number, wanted = seed * 7919 + 1, 0, {}
        for _ in range(400):
            state = (state * 1103 + 12345) % 1048573
            if state & 3:
                lost = t.dropped
                content = bytes([number & 255]) * ((state >> 4) % 70)
                t.message(number, number & 1, 0x8000, content, 0, len(content), 0)
                if t.dropped == lost:
                    wanted[number] = content
                number += 1
            else:
                which = (state >> 4) % 3
                gots[which] += read_on(t, cursors[which], 1 + (state >> 6) % 5)[0]
            assert 0 <= t._used <= t._size and t.last - t.first <= t._size // 11
        for cursor, got in zip(cursors, gots):
            got += read_on(t, cursor)[0]
            times = [r[0] for r in got]
            assert times == sorted(times) and len(set(times)) == len(times), seed
            assert all([wanted[r[0]] == r[1] for r in got]), seed
            assert len(got) + cursor.lost == len(wanted), (seed, len(got), cursor.lost, len(wanted))


def test_a_sink_that_is_busy_gets_the_record_again():
    t = Trace(200, 0, keep=True)
    for i in range(5):
        t.note(i, "n", i)
    cursor = Cursor(t)
    assert not t.walk(cursor, lambda *_: False)
    assert [r[0] for r in read_on(t, cursor, 2)[0]] == [0, 1]
    assert not read_on(t, cursor, 2)[1] and read_on(t, cursor)[1]
