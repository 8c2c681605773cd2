"""TCP over time: retransmission, windows, acknowledgments, messages and segments (RFC 9293, 6298,
5681, 6691)."""

from firmware.clock import ticks_diff
from firmware.net.tcp_conn import STATE_NAMES
from tests.lib.mtest import eq
from tests.lib.packets import ACK, FIN, PSH, SYN, Peer


def times(p, limit_ms):
    """[(ms from now, flags, relative number, bytes)] of what the stack sends without an answer."""
    out = []
    begin = p.t
    while p.t - begin < limit_ms:
        due = p.stack.due
        if due is None:
            break
        p.sleep(max(0, ticks_diff(due, p.now)))
        for s in p.take():
            out.append((p.t - begin, s.flags, p.rel(s)[0], len(s.data)))
    return out


def write(conn, n, value=0x55):
    return conn.write(bytes([value]) * n, 0, n)


# -- handshake


def test_syn_ack_is_sent_again_then_given_up():
    p = Peer()
    p.send(SYN, 0)
    eq(times(p, 100000), [(ms, SYN | ACK, 0, 0) for ms in (200, 600, 1400, 3000)])
    eq((p.t - 1000, [c.state for c in p.stack.conns], p.stack.event()), (6200, [0, 0], 0))


def test_mss_of_the_peer_bounds_segments():
    for options, mss in (
        (b"\x02\x04\x05\xa0", 1440),
        (b"\x02\x04\x23\x28", 1440),
        (b"\x02\x04\x02\x00", 512),
        (b"\x02\x04\x00\x01", 64),
        (b"", 1220),
        (b"\x01\x01\x02\x04\x03\xe8\x00\x00", 1000),
        (b"\x03\x03\x07\x02\x04\x03\xe8\x00", 1000),
        (b"\x08\x00\x02\x04", 1220),
        (b"\x08\xff\x02\x04", 1220),
        (b"\x02\x03\x05\xa0", 1220),
        (b"\x00\x02\x04\x05", 1220),
        (b"\x01\x01\x01\x02", 1220),
    ):
        p = Peer()
        conn = p.connect(options=options)
        eq(write(conn, 3000), 3000)
        eq((options, len(p.take()[0].data)), (options, mss))


# -- retransmission


def test_timeouts_double_up_to_5_s_then_the_car_is_gone():
    p = Peer()
    conn = p.connect()  # answered within 0 ms: 200 ms is the least
    write(conn, 100)
    eq([len(s.data) for s in p.take()], [100])
    sent = times(p, 100000)
    eq([t for t, _, _, _ in sent], [200, 600, 1400, 3000, 6200, 11200, 16200, 21200, 26200, 31200])
    assert all([s[1:] == (ACK | PSH, 1, 100) for s in sent])
    eq((conn.state, p.stack.event(), conn.reset, p.t - 1000), (0, 4, 3, 36200))
    eq(p.trace.notes[-1], "tcp closed by timeout 40001")


def test_round_trip_time_sets_the_timeout():
    p = Peer()
    p.send(SYN, 0)
    p.sleep(120)
    p.send(ACK)  # 120 ms: RTO = 120 + 4 * 60
    conn = p.stack.conns[0]
    write(conn, 10)
    p.take()
    eq(times(p, 360)[0][0], 360)
    p.send(ACK, 1, 11)  # Karn: sent twice, says nothing
    write(conn, 10)
    p.take()
    eq(times(p, 1000)[0][0], 720)


def test_three_duplicate_acks_send_again_at_once():
    p = Peer()
    conn = p.connect(window=20000)
    write(conn, 4 * 1440)
    eq(len(p.take()), 4)
    answers = [len(p.send(ACK, 1, 1, window=20000)) for _ in range(2)]
    (again,) = p.send(ACK, 1, 1, window=20000)
    eq((answers, p.rel(again)[0], len(again.data)), ([0, 0], 1, 1440))
    eq([len(p.send(ACK, 1, 1, window=20000)) for _ in range(5)], [0, 0, 0, 0, 0])
    # The next hole follows at once (RFC 6582), the rest is not sent again.
    (second,) = p.send(ACK, 1, 1441, window=20000)
    eq(p.rel(second)[0], 1441)
    eq(p.send(ACK, 1, 1 + 4 * 1440, window=20000), [])
    eq(p.stack.due, None)


def test_duplicates_behind_a_partial_acknowledgment_do_not_send_again():
    p = Peer()
    conn = p.connect(window=20000)
    write(conn, 4 * 1440)
    p.take()
    sent = [len(p.send(ACK, 1, 1, window=20000)) for _ in range(3)] + [len(p.send(ACK, 1, 1441, window=20000))]
    sent += [len(p.send(ACK, 1, 1441, window=20000)) for _ in range(5)]
    eq(sent, [0, 0, 1, 1, 0, 0, 0, 0, 0])


def test_a_car_that_repeats_its_request_gets_the_answer_again_at_once():
    """Three answers in a row were lost, our timer had doubled to 0.9 s, and a charge loop was over
    (R-TIMERS-02)."""
    p = Peer()
    conn = p.connect()
    eq(p.send(ACK | PSH, 1, 1, b"request"), [])
    conn.read(bytearray(20))
    write(conn, 71)
    eq([(len(s.data), p.rel(s)) for s in p.take()], [(71, (1, 8))])
    p.sleep(100)
    eq([(len(s.data), p.rel(s)) for s in p.send(ACK | PSH, 1, 1, b"request")], [(71, (1, 8))])
    eq(times(p, 100)[0][0], 100)  # the timer has not moved
    # With the answer seen, or with nothing in flight, an old segment is acknowledged and no more.
    eq([len(s.data) for s in p.send(ACK | PSH, 1, 72, b"request")], [0])
    p.send(ACK, 8, 72)
    eq([len(s.data) for s in p.send(ACK | PSH, 1, 72, b"request")], [0])
    # Nor does a FIN that was sent go with more than what is in flight.
    write(conn, 3)
    conn.close()
    eq([(s.flags, len(s.data)) for s in p.take()], [(FIN | ACK | PSH, 3)])
    eq([(s.flags, len(s.data)) for s in p.send(ACK | PSH, 1, 72, b"request")], [(FIN | ACK | PSH, 3)])


def test_a_segment_sent_again_early_is_not_timed():
    """Karn, after a fast retransmission: the late acknowledgment would say 190 ms."""
    p = Peer()
    conn = p.connect()
    write(conn, 10)
    p.take()
    eq([len(p.send(ACK, 1, 1)) for _ in range(3)], [0, 0, 1])
    p.sleep(190)
    p.send(ACK, 1, 11)
    write(conn, 10)
    p.take()
    eq(times(p, 200)[0][0], 200)


def test_window_updates_and_data_are_no_duplicates():
    p = Peer()
    conn = p.connect()
    write(conn, 100)
    p.take()
    for i in range(4):
        eq(p.send(ACK, 1, 1, window=8000 - i - 1), [])
    for i in range(4):
        for s in p.send(ACK, 1 + i, 1, b"x", window=7000):
            eq(s.data, b"")


def test_after_a_timeout_one_segment_until_the_car_answers():
    p = Peer()
    conn = p.connect(window=20000)
    eq(write(conn, 8000), 8000)
    eq(len(p.take()), 4)
    p.sleep(200)
    eq([p.rel(s)[0] for s in p.take()], [1])
    eq([p.rel(s)[0] for s in p.send(ACK, 1, 1441, window=20000)], [1441, 2881, 4321, 5761])
    eq([p.rel(s)[0] for s in p.send(ACK, 1, 5761, window=20000)], [7201])


def test_fin_is_sent_again():
    p = Peer()
    conn = p.connect()
    write(conn, 5)
    conn.close()
    eq([(s.flags, len(s.data)) for s in p.take()], [(FIN | ACK | PSH, 5)])
    eq(times(p, 300), [(200, FIN | ACK | PSH, 1, 5), (600, FIN | ACK | PSH, 1, 5)])
    p.send(ACK, 1, 6)
    eq(STATE_NAMES[conn.state], "FIN-WAIT-1")
    eq([t[1:] for t in times(p, 500)], [(FIN | ACK, 6, 0)])
    p.send(ACK, 1, 7)
    eq(STATE_NAMES[conn.state], "FIN-WAIT-2")


# -- messages and segments


def test_a_message_that_fits_is_one_segment_and_never_joined():
    p = Peer()
    conn = p.connect(window=30000)
    for n in (1, 500, 1440, 7, 900):
        eq(write(conn, n), n)
    eq([len(s.data) for s in p.take()], [1, 500, 1440, 7, 900])
    p.sleep(200)  # and again so when it is repeated
    eq([len(s.data) for s in p.take()], [1, 500])
    eq([len(s.data) for s in p.send(ACK, 1, 2, window=30000)], [1440, 7, 900])


def test_a_message_that_fits_is_taken_whole_or_not_at_all():
    p = Peer()
    conn = p.connect()
    eq(conn.room(), 8192)
    eq(write(conn, 7000), 7000)
    eq(conn.room(), 1192)
    eq(write(conn, 1193), 0)
    eq(write(conn, 1440), 0)
    eq(write(conn, 5000), 0)  # not even one whole segment of it
    eq(write(conn, 1192), 1192)
    eq((conn.room(), write(conn, 1)), (0, 0))


def test_a_long_message_is_taken_in_whole_segments():
    p = Peer()
    conn = p.connect(window=30000)
    eq(write(conn, 20000), 5 * 1440)
    eq([len(s.data) for s in p.take()], [1440] * 4)
    eq([len(s.data) for s in p.send(ACK, 1, 1 + 4 * 1440, window=30000)], [1440])
    eq(write(conn, 12800), 4 * 1440)


def test_no_more_than_16_messages_wait():
    p = Peer()
    conn = p.connect(window=0)
    eq([write(conn, 3) for _ in range(20)], [3] * 16 + [0] * 4)


def test_the_peer_closes_and_still_gets_its_answer():
    p = Peer()
    conn = p.connect()
    p.send(PSH | ACK | FIN, 1, 1, b"last request")
    eq((conn.readable(), conn.at_end, conn.room()), (12, False, 8192))
    eq(write(conn, 20), 20)
    eq([(len(s.data), p.rel(s)) for s in p.take()], [(20, (1, 14))])
    conn.close()
    eq([s.flags for s in p.take()], [FIN | ACK])
    p.send(ACK, 14, 22)
    eq((conn.state, p.stack.event(), conn.reset), (0, 4, 1))


def test_close_is_not_for_writing_or_reading():
    p = Peer()
    conn = p.connect()
    p.send(ACK, 1, 1, b"unread")
    conn.close()
    eq((conn.readable(), conn.room(), write(conn, 4), conn.read(bytearray(9))), (0, 0, 0, 0))
    conn.close()
    eq([s.flags for s in p.take()], [FIN | ACK])


# -- acknowledgments


def test_ack_waits_20_ms_for_an_answer_to_carry_it():
    p = Peer()
    conn = p.connect()
    eq(p.send(ACK | PSH, 1, 1, b"request"), [])
    p.sleep(19)
    eq(p.take(), [])
    p.sleep(1)
    eq([(s.flags, p.rel(s)) for s in p.take()], [(ACK, (1, 8))])
    p.send(ACK | PSH, 8, 1, b"request")
    write(conn, 4)
    eq([(s.flags, p.rel(s), len(s.data)) for s in p.take()], [(ACK | PSH, (1, 15), 4)])
    p.send(ACK, 15, 5)
    eq((p.stack.due, times(p, 100)), (None, []))


def test_second_segment_and_disorder_are_acknowledged_at_once():
    p = Peer()
    conn = p.connect()
    eq(p.send(ACK, 1, 1, b"ab"), [])
    eq([s.ack - p.first for s in p.send(ACK, 3, 1, b"cd")], [5])
    eq([s.ack - p.first for s in p.send(ACK, 8, 1, b"hi")], [5])
    eq([s.ack - p.first for s in p.send(ACK, 7, 1, b"g")], [5])
    eq([s.ack - p.first for s in p.send(ACK, 20, 1, b"far")], [5])  # a second gap is not kept
    eq(p.stack.drops[15], 1)
    eq([s.ack - p.first for s in p.send(ACK, 5, 1, b"ef")], [10])
    buf = bytearray(20)
    eq((conn.read(buf), bytes(buf[:9])), (9, b"abcdefghi"))


# -- windows


def test_own_window_closes_and_opens_in_big_steps():
    p = Peer()
    conn = p.connect()
    sent = 0
    last = None
    for n in (1440, 1440, 1216):
        for s in p.send(ACK, 1 + sent, 1, bytes(n)):
            last = s
        sent += n
    p.sleep(40)
    for s in p.take():
        last = s
    eq((last.window, p.rel(last)[1], conn.readable()), (0, 4097, 4096))
    # The car's probe: one byte, or an old number. Not taken, answered; its acknowledgment counts.
    eq([(s.window, p.rel(s)[1]) for s in p.send(ACK, 4097, 1, b"x")], [(0, 4097)])
    eq([(s.window, p.rel(s)[1]) for s in p.send(ACK, 4096, 1)], [(0, 4097)])
    eq(conn.readable(), 4096)
    buf = bytearray(1000)
    conn.read(buf)
    eq(p.take(), [])  # 1000 bytes would be a silly window
    conn.read(buf)
    eq([(s.window, p.rel(s)[1]) for s in p.take()], [(2000, 4097)])
    conn.read(buf)
    conn.read(buf)
    conn.read(buf)
    eq(p.take(), [])  # the car is not waiting: it may send 2000 bytes


def test_ack_counts_while_our_window_is_closed():
    p = Peer()
    conn = p.connect()
    write(conn, 10)
    p.take()
    for i in range(4):
        p.send(ACK, 1 + 1024 * i, 1, bytes(1024))
    eq(len(p.send(ACK, 4097, 11, b"x")), 1)
    eq(p.stack.due, None)  # nothing in flight any more


def test_closed_window_is_asked_for_and_the_message_stays_whole():
    p = Peer()
    conn = p.connect(window=0)
    write(conn, 700)
    eq(p.take(), [])
    found = times(p, 2900)
    eq(found, [(200, ACK, 0, 0), (600, ACK, 0, 0), (1400, ACK, 0, 0), (3000, ACK, 0, 0)])
    for _ in range(30):  # a car that answers may keep its window closed for long
        p.send(ACK, 1, 1, window=0)
        times(p, 5000)
    eq(STATE_NAMES[conn.state], "ESTABLISHED")
    eq([(len(s.data), p.rel(s)[0]) for s in p.send(ACK, 1, 1, window=5000)], [(700, 1)])
    eq(times(p, 200)[0][0], 200)  # the back-off of the probes is forgotten


def test_closed_window_without_an_answer_ends():
    p = Peer()
    conn = p.connect(window=0)
    write(conn, 700)
    p.take()
    eq(len(times(p, 100000)), 10)
    eq((conn.state, p.stack.event(), conn.reset), (0, 4, 3))


def test_a_car_that_closes_its_window_on_what_is_in_flight_is_alive():
    p = Peer()
    conn = p.connect()
    write(conn, 700)
    p.take()
    for i in range(30):
        p.send(ACK, 1, 1, window=0)
        eq(times(p, 1), [(min(5000, 200 << i), ACK | PSH, 1, 700)])
    eq(STATE_NAMES[conn.state], "ESTABLISHED")


def test_small_window_that_stays_small_is_used_in_the_end():
    p = Peer()
    conn = p.connect(window=1000)
    write(conn, 400)
    write(conn, 1000)
    eq([len(s.data) for s in p.take()], [400])
    eq(p.send(ACK, 1, 401, window=600), [])
    eq(times(p, 200), [(200, ACK | PSH, 401, 600)])
    eq([len(s.data) for s in p.send(ACK, 1, 1001, window=1000)], [400])
    write(conn, 1000)
    eq(p.send(ACK, 1, 1401, window=600), [])  # and patience begins anew


def test_only_the_window_is_taken():
    p = Peer()
    conn = p.connect()
    p.send(ACK, 1, 1, bytes(4000))
    (answer,) = p.send(FIN | ACK, 4001, 1, b"y" * 96 + b"z" * 104)
    eq((p.rel(answer)[1], answer.window, conn.readable(), STATE_NAMES[conn.state]), (4097, 0, 4096, "ESTABLISHED"))
    buf = bytearray(4200)
    eq((conn.read(buf), bytes(buf[4000:4096])), (4096, b"y" * 96))
    p = Peer()
    conn = p.connect()
    (answer,) = p.send(ACK, 4001, 1, bytes(200))  # out of order, and half of it behind the window
    eq((p.rel(answer)[1], conn.readable()), (1, 0))
    for i in range(4):
        p.send(ACK, 1 + 1000 * i, 1, bytes(1000))
    eq(conn.readable(), 4096)


def test_ack_behind_a_window_full_of_lost_segments_counts():
    p = Peer()
    conn = p.connect()
    write(conn, 10)
    p.take()
    p.send(ACK, 4097, 11)
    eq((p.stack.due, conn.state), (None, 3))


def test_small_window_is_used_only_when_there_is_no_larger():
    p = Peer()
    conn = p.connect(window=2000)
    write(conn, 1400)
    write(conn, 1000)
    eq([len(s.data) for s in p.take()], [1400])
    eq(p.send(ACK, 1, 1401, window=600), [])  # 1000 bytes wait for room
    eq([len(s.data) for s in p.send(ACK, 1, 1401, window=1000)], [1000])
    p = Peer()
    conn = p.connect(window=400)  # never room for a whole one
    write(conn, 1000)
    eq([len(s.data) for s in p.take()], [400])
    eq([len(s.data) for s in p.send(ACK, 1, 401, window=400)], [400])
    eq([len(s.data) for s in p.send(ACK, 1, 801, window=400)], [200])


def test_an_older_segment_does_not_change_the_window():
    p = Peer()
    conn = p.connect()
    p.send(ACK, 1, 1, b"abcd", window=0)
    p.send(ACK, 3, 1, b"cdef", window=300)  # newer
    p.send(ACK, 2, 1, b"bcdefg", window=9000)  # older than that
    write(conn, 300)
    write(conn, 1)
    eq([len(s.data) for s in p.take()], [300])
