"""TCP over time: retransmission, windows, acknowledgments, messages and segments, floods (RFC 9293, 6298, 5681, 6691)."""

from firmware.clock import ticks_diff
from firmware.net.tcp_conn import STATE_NAMES
from tests.lib.mtest import eq
from tests.lib.packets import ACK, CAR, FIN, PSH, RST, STATION, SYN, Peer, link_local
from tests.lib.packets import frame as packet
from tests.lib.packets import tcp as segment
from tests.lib.wire import CAR_MAC, Wire


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
    eq(times(p, 100000), [(1000, SYN | ACK, 0, 0), (3000, SYN | ACK, 0, 0), (7000, SYN | ACK, 0, 0)])
    eq((p.t - 1000, [c.state for c in p.stack.conns], p.stack.event()), (12000, [0, 0], 0))


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


def test_retransmission_with_a_slow_handshake_begins_at_3_s():
    p = Peer()
    p.send(SYN, 0)
    times(p, 3000)
    eq(p.send(ACK), [])
    write(p.stack.conns[0], 10)
    eq(len(p.take()), 1)
    eq(times(p, 3000), [(3000, ACK | PSH, 1, 10)])


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
    eq(p.trace.lines[-1], "tcp closed by timeout 40001")


def test_round_trip_time_sets_the_timeout():
    p = Peer()
    p.send(SYN, 0)
    p.sleep(400)
    p.send(ACK)  # 400 ms: RTO = 400 + 4 * 200
    conn = p.stack.conns[0]
    write(conn, 10)
    p.take()
    eq(times(p, 1200)[0][0], 1200)
    p.send(ACK, 1, 11)  # Karn: sent twice, says nothing
    write(conn, 10)
    p.take()
    eq(times(p, 3000)[0][0], 2400)


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


# -- more than one


def test_two_connections_and_a_third():
    p = Peer()
    one = p.connect()
    p.source = 40002
    p.rand.fixed = p.isn.to_bytes(4, "big")
    two = p.connect()
    assert one is not two
    eq((one.remote_port, two.remote_port, bytes(one.remote)), (40001, 40002, CAR))
    (answer,) = p.send(SYN, 0, source=40003)
    eq((answer.flags, p.rel(answer)[1], p.stack.drops[16]), (RST | ACK, 1, 1))
    write(one, 11)
    write(two, 22)
    eq([(s.target, len(s.data)) for s in p.take()], [(40001, 11), (40002, 22)])
    p.send(FIN | ACK, 1, 12, source=40001)
    one.close()
    p.take()
    p.send(ACK, 2, 13, source=40001)
    eq((one.state, two.state, p.stack.event(), p.stack.which), (0, 3, 4, 0))
    eq([s.flags for s in p.send(SYN, 0, source=40003)], [SYN | ACK])


def test_time_wait_does_not_keep_a_new_car_out():
    p = Peer()
    conns = []
    for source in (40001, 40002):
        p.source = source
        p.rand.fixed = p.isn.to_bytes(4, "big")
        conns.append(p.connect())
    for conn, source in zip(conns, (40001, 40002)):
        conn.close()
        p.take()
        p.send(FIN | ACK, 1, 2, source=source)
        eq(STATE_NAMES[conn.state], "TIME-WAIT")
    while p.stack.event():
        pass
    p.source = 40003
    p.rand.fixed = p.isn.to_bytes(4, "big")
    p.connect()


def test_syn_flood_keeps_neither_session_nor_next_car_out():
    p = Peer()
    conn = p.connect()
    for i in range(300):
        mac = bytes([2, 0, 0, 0, i >> 8, i & 0xFF])
        src = link_local(mac)
        p.rx(packet(segment(SYN, i * 99991, source=1000 + i, src=src), 6, src=src, mac_src=mac))
        p.frames()
        if i % 50 == 0:
            p.send(ACK, 1 + i // 50 * 3, 1, b"abc")
            p.sleep(20)
            eq([s.dst for s in p.take() if s.dst == CAR and s.flags == ACK], [CAR])
    eq((conn.readable(), STATE_NAMES[conn.state]), (18, "ESTABLISHED"))
    p.source = 40009
    p.rand.fixed = p.isn.to_bytes(4, "big")
    p.connect()
    p.sleep(30000)
    assert p.stack.event() == 0 and [c.state for c in p.stack.conns] == [3, 3]


def test_port_is_random_and_new_with_every_link_r_sdp_05():
    w = Wire()
    found = set()
    for _ in range(10):
        w.station.start(w.now)
        assert 49152 <= w.station.port <= 65535 and w.station.sdp.port == w.station.port
        found.add(w.station.port)
    assert len(found) > 5


# -- between the two stacks


def test_half_open_station_finds_out_by_itself():
    w = Wire()
    station, car = w.ready()
    w.filter = lambda frame, from_car: not from_car  # the car falls silent
    station.write(b"answer", 0, 6)
    assert w.run(60000, lambda: w.events[0][-1][0] == 4)
    eq(station.reset, 3)
    # The car comes back and learns that the connection is no more.
    w.filter = None
    car.write(b"request", 0, 7)
    assert w.run(60000, lambda: w.events[1][-1][0] == 4)
    eq(car.reset, 2)


def test_idle_connection_stays():
    w = Wire()
    station, car = w.ready()
    w.sent = 0
    w.run(7200000)
    eq((w.sent, station.state, car.state), (0, 3, 3))
    car.write(b"still here", 0, 10)
    w.run(100)
    eq(station.readable(), 10)


def test_refused_port_and_silent_station():
    w = Wire()
    w.ready()
    w.car.conns[0].abort()
    w.run(100)
    eq((w.events[0][-1], w.station.conns[0].reset), ((4, 0), 2))
    w.car.connect(w.station.port ^ 1)
    w.run(100)
    eq((w.events[1][-1], w.car.conns[0].reset), ((4, 0), 2))
    w.filter = lambda frame, from_car: False
    w.car.connect()
    w.run(20000)
    eq((w.events[1][-1], w.car.conns[0].reset), ((4, 0), 3))


def test_large_messages_read_slowly_r_v2gtp_01():
    """8 kB messages through a window of 4 kB, 300 bytes read every 5 ms."""
    w = Wire(seed=4, loss=5, delay_ms=(1, 4))
    station, car = w.ready()
    total, sent, got = 40000, 0, 0
    message = bytes([i & 0xFF for i in range(8000)])
    buf = bytearray(300)

    def app():
        nonlocal sent, got
        if sent < total:
            at = sent % 8000
            sent += car.write(message, at, 8000 - at)
        n = station.read(buf)
        for i in range(n):
            assert buf[i] == (got + i) % 8000 & 0xFF
        got += n
        w.wake(5)
        return got == total

    assert w.run(600000, app), (sent, got)


def test_link_lost_and_back():
    w = Wire()
    for _ in range(3):
        station, car = w.ready()
        car.write(b"hello", 0, 5)
        w.run(50)
        eq(station.readable(), 5)
        w.station.stop(w.now)
        w.car.stop(w.now)
        w.run(1000)
        eq((station.reset, car.reset, w.events[0][-1][0]), (5, 5, 4))
        w.events[0].clear()
        w.events[1].clear()


def test_strangers_do_not_push_the_car_out_of_the_neighbour_cache():
    w = Wire()
    station, _car = w.ready()
    for i in range(9):
        src = link_local(bytes([2, 9, 9, 9, 9, i]))
        syn = segment(SYN, 5, source=9, target=w.station.port, src=src, dst=STATION)
        w.inject(packet(syn, 6, src=src, mac_src=bytes([2, 9, 9, 9, 9, i])))
        w.run(1)
    station.write(b"answer", 0, 6)
    w.log = True
    w.run(5)
    eq([f[20] for _, from_car, f in w.frames if not from_car and f[0:6] == CAR_MAC], [6])


def test_car_whose_mac_is_not_known_is_asked_for():
    w = Wire()
    station, car = w.ready()
    w.station._neighbours.reset()
    station.write(b"answer", 0, 6)
    w.log = True
    w.run(10)
    eq([(f[20], f[54]) for _, from_car, f in w.frames if not from_car][0], (58, 135))
    eq(car.readable(), 6)


def test_car_that_nobody_answers_for_is_gone():
    w = Wire()
    station, _car = w.ready()
    w.filter = lambda frame, from_car: not from_car
    w.station._neighbours.reset()
    station.write(b"answer", 0, 6)
    begin = w.t
    assert w.run(10000, lambda: w.events[0][-1][0] == 4)
    eq((station.reset, w.t - begin), (3, 3000))
