"""Several TCP connections, floods, lost links, and both stacks against each other."""

from firmware.net.tcp_conn import STATE_NAMES
from tests.lib.mtest import eq
from tests.lib.packets import ACK, CAR, FIN, RST, STATION, SYN, Peer, link_local
from tests.lib.packets import frame as packet
from tests.lib.packets import tcp as segment
from tests.lib.wire import Wire


def write(conn, n, value=0x55):
    return conn.write(bytes([value]) * n, 0, n)


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


def test_connection_is_not_given_away_before_its_end_was_told():
    p = Peer()
    p.connect()
    p.source = 40002
    p.rand.fixed = p.isn.to_bytes(4, "big")
    p.connect()
    p.send(RST, 1)
    eq([s.flags for s in p.send(SYN, 0, source=40003)], [RST | ACK])
    eq((p.stack.event(), p.stack.which), (4, 1))
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
    w.log = True
    for i in range(9):
        src = link_local(bytes([2, 9, 9, 9, 9, i]))
        syn = segment(SYN, 5, source=9, target=w.station.port, src=src, dst=STATION)
        w.inject(packet(syn, 6, src=src, mac_src=bytes([2, 9, 9, 9, 9, i])))
        w.run(1)
    station.write(b"answer", 0, 6)
    w.run(5)
    eq([f[20] for _, from_car, f in w.frames if not from_car and f[0:3] != b"\x02\x09\x09"], [6])


def test_car_whose_mac_is_not_known_is_asked_for():
    w = Wire()
    station, car = w.ready()
    w.station._neighbours.reset()
    station.write(b"answer", 0, 6)
    w.log = True
    w.run(10)
    eq(next((f[20], f[54]) for _, from_car, f in w.frames if not from_car), (58, 135))
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
