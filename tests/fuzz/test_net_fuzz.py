"""Mutated real frames against the stack: no exception, no standstill, bounded answers, and it still
works afterwards (R-LINK-26, R-SDP-03)."""

import sys

from tests.lib.amount import amount, each
from tests.lib.mtest import eq
from tests.lib.packets import ACK, ALL_NODES, FIN, Peer, frame, ones_sum, udp
from tests.lib.wire import Wire, dice

CPYTHON = sys.implementation.name == "cpython"
ROUNDS = 20000 if CPYTHON else 3000  # per seed
SEEDS = amount(1, soak=50)
REQUEST = b"\x01\xfe\x90\x00\x00\x00\x00\x02\x10\x00"


def recorded():
    """Every frame of a connection, both directions' kinds as the station gets them."""
    w = Wire()
    w.log = True
    _station, car = w.ready()
    car.write(bytes(300), 0, 300)
    w.run(100)
    car.close()
    w.run(100)
    return [f for _, from_car, f in w.frames if from_car], w.station.port


def reseal(data):
    """Right checksum and length for a mutated frame, so that it is not stopped at the first
    gate."""
    if len(data) < 62 or data[20] not in (6, 17, 58):
        return
    n = data[18] << 8 | data[19]
    if not 8 <= n <= len(data) - 54:
        n = len(data) - 54
        data[18], data[19] = n >> 8, n & 0xFF
    at = 54 + {6: 16, 17: 6, 58: 2}[data[20]]
    if at + 2 <= 54 + n:
        data[at] = data[at + 1] = 0
        pseudo = bytes(data[22:54]) + n.to_bytes(4, "big") + bytes([0, 0, 0, data[20]])
        value = ones_sum(pseudo + bytes(data[54 : 54 + n])) ^ 0xFFFF
        data[at], data[at + 1] = value >> 8, value & 0xFF


def mutate(data, rolls):
    data = bytearray(data)
    for _ in range(next(rolls) % 4):
        data[next(rolls) % len(data)] = next(rolls) & 0xFF
    kind = next(rolls) % 8
    if kind == 0:
        data = data[: next(rolls) % len(data)]
    elif kind == 1:
        data += bytes(next(rolls) % 200)
    elif kind == 2 and len(data) > 70:
        data[66] = next(rolls) & 0xFF  # TCP: header length, flags
        data[67] = next(rolls) & 0x3F
    elif kind == 3 and len(data) > 70:
        at = 54 + next(rolls) % 16
        data[at : at + 4] = bytes([next(rolls) & 0xFF for _ in range(4)])
    if next(rolls) % 4:
        reseal(data)
    return data


def run(p, frames, rounds, rolls):
    for _ in range(rounds):
        data = mutate(frames[next(rolls) % len(frames)], rolls)
        p.stack.rx(data, len(data), p.now)
        sent = 0
        while p.stack.tx(p.out):
            sent += 1
        assert sent <= 8, sent
        if next(rolls) % 16 == 0:
            p.sleep(next(rolls) % 50)
        while p.stack.event():
            pass


def settle(p):
    """Nobody is connected, and no challenge is owed."""
    for conn in p.stack.conns:
        conn.abort()
    p.frames()
    p.sleep(10000)
    while p.stack.event():
        pass


def still_works(p):
    settle(p)
    p.rx(frame(udp(REQUEST, dst=ALL_NODES), 17, dst=ALL_NODES))
    eq(len(p.frames()), 1)
    p.source, p.rand.fixed = 45678, p.isn.to_bytes(4, "big")
    conn = p.connect()
    p.send(ACK, 1, 1, b"hello")
    buf = bytearray(9)
    eq((conn.read(buf), bytes(buf[:5])), (5, b"hello"))


def test_mutated_frames_of_a_connection():
    frames, port = recorded()

    def one(seed):
        p = Peer()
        p.stack._tcp.port = p.stack.sdp.port = port
        run(p, frames, ROUNDS, dice(seed + 10))
        p.stack._tcp.port = 50000
        still_works(p)

    each(SEEDS, one)


def test_mutated_segments_of_an_open_connection():
    """Numbers near the right ones, so that they are inside the windows."""

    def one(seed):
        rolls = dice(seed + 11)
        p = Peer(0xFFFFFFF0, 0xFFFFFF80)
        conn = p.connect()
        buf = bytearray(700)
        opened = 1
        for _ in range(ROUNDS):
            if conn.state != 3:
                settle(p)
                p.source += 1
                p.rand.fixed = p.isn.to_bytes(4, "big")
                conn = p.connect()
                opened += 1
            flags = ACK if next(rolls) % 50 else next(rolls) & 0x3F
            if not next(rolls) % 400:
                flags |= FIN
            seq = conn._hi << 16 | conn._lo
            una = conn._out.hi << 16 | conn._out.lo
            p.send(
                flags,
                seq - p.first + next(rolls) % 60 - 20 if next(rolls) % 3 else seq - p.first,
                una - p.isn + next(rolls) % 40 - 10 if next(rolls) % 3 else una - p.isn,
                bytes(next(rolls) % 60),
                next(rolls) % 3 * 700,
            )
            assert conn.readable() <= 4096 and 0 <= conn._window <= 4096 and 0 <= conn._out.max <= 8193
            if next(rolls) % 8 == 0:
                conn.write(buf, 0, next(rolls) % 700)
            if next(rolls) % 8 == 0:
                conn.read(buf)
            if next(rolls) % 16 == 0:
                p.sleep(next(rolls) % 100)
        assert opened > ROUNDS // 3000, opened
        still_works(p)

    each(SEEDS, one)


def test_noise():
    def one(seed):
        rolls = dice(seed + 12)
        p = Peer()
        good = frame(udp(REQUEST), 17)
        for _ in range(ROUNDS // 6):
            n = next(rolls) % 150
            data = bytearray(good[: next(rolls) % 60]) + bytes([next(rolls) & 0xFF for _ in range(n)])
            p.stack.rx(data, len(data), p.now)
            while p.stack.tx(p.out):
                pass
        still_works(p)

    each(SEEDS, one)
