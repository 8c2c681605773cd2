"""Frames made and read by hand, independent of firmware/net, and a bare peer that speaks to a Stack
with them."""

from firmware.clock import ticks_add
from firmware.net.stack import Stack
from tests.lib.notes import Notes
from tests.lib.wire import CAR_MAC, STATION_MAC, Rand

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ALL_NODES = b"\xff\x02" + bytes(13) + b"\x01"
PORT = 50000


def link_local(mac):
    return b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


STATION = link_local(STATION_MAC)
CAR = link_local(CAR_MAC)
GROUP = b"\xff\x02" + bytes(9) + b"\x01\xff" + STATION[13:]


def ones_sum(data):
    total = 0
    for i in range(0, len(data), 2):
        total += data[i] << 8 | (data[i + 1] if i + 1 < len(data) else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def sealed(src, dst, kind, packet, at):
    """packet with its checksum at offset `at`."""
    p = bytearray(packet)
    p[at] = p[at + 1] = 0
    value = ones_sum(src + dst + len(p).to_bytes(4, "big") + bytes([0, 0, 0, kind]) + bytes(p)) ^ 0xFFFF
    if value == 0 and kind == 17:
        value = 0xFFFF
    p[at : at + 2] = value.to_bytes(2, "big")
    return bytes(p)


def frame(payload, kind, src=CAR, dst=STATION, hop=64, mac_dst=None, mac_src=CAR_MAC):
    if mac_dst is None:
        mac_dst = b"\x33\x33" + dst[12:] if dst[0] == 0xFF else STATION_MAC
    data = mac_dst + mac_src + b"\x86\xdd\x60\x00\x00\x00" + len(payload).to_bytes(2, "big")
    data += bytes([kind, hop]) + src + dst + payload
    return data + bytes(60 - len(data)) if len(data) < 60 else data


def udp(data, source=40000, target=15118, src=CAR, dst=STATION):
    head = source.to_bytes(2, "big") + target.to_bytes(2, "big") + (8 + len(data)).to_bytes(2, "big") + b"\0\0"
    return sealed(src, dst, 17, head + data, 6)


def icmp(kind, body, src=CAR, dst=STATION):
    return sealed(src, dst, 58, bytes([kind, 0, 0, 0]) + body, 2)


def tcp(flags, seq, ack=0, data=b"", window=8000, source=40001, target=PORT, options=b"", src=CAR, dst=STATION):
    head = source.to_bytes(2, "big") + target.to_bytes(2, "big") + (seq & 0xFFFFFFFF).to_bytes(4, "big")
    head += (ack & 0xFFFFFFFF).to_bytes(4, "big") + bytes([5 + len(options) // 4 << 4, flags])
    return sealed(src, dst, 6, head + window.to_bytes(2, "big") + bytes(4) + options + data, 16)


class Segment:
    """A TCP frame taken apart; ok: every length and the checksum are right."""

    def __init__(self, data):
        n = data[18] << 8 | data[19]
        t = data[54 : 54 + n]
        self.mac = data[:6]
        self.src, self.dst = data[22:38], data[38:54]
        self.source, self.target = t[0] << 8 | t[1], t[2] << 8 | t[3]
        self.seq, self.ack = int.from_bytes(t[4:8], "big"), int.from_bytes(t[8:12], "big")
        self.flags = t[13]
        self.window = t[14] << 8 | t[15]
        head = (t[12] >> 4) * 4
        self.options, self.data = t[20:head], t[head:]
        self.ok = (
            data[20] == 6
            and len(data) == max(60, 54 + n)
            and ones_sum(self.src + self.dst + n.to_bytes(4, "big") + b"\0\0\0\x06" + t) == 0xFFFF
        )


class Peer:
    """A stack whose address is proved, and a hand that sends it frames. isn: of the stack; seq: of
    the peer's SYN.

    Numbers given to send() count from the two initial sequence numbers: the first byte of data is 1
    on each side.
    """

    def __init__(self, isn=0x12345678, seq=0x9ABCDEF0, source=40001, rand=None):
        self.rand = rand or Rand(3, isn.to_bytes(4, "big"))
        self.trace = Notes()
        self.stack = Stack(STATION_MAC, self.rand, self.trace, tcp_port=PORT)
        self.isn, self.first, self.source = isn, seq, source
        self.t = 0
        self.base = ticks_add(0, -300 if rand else -1300)
        self.out = bytearray(1514)
        self.stack.start(self.now)
        if rand is None:  # with it, the test wants to see how the address is proved
            self.frames()
            self.sleep(1000)
            self.frames()
            assert self.stack.event() == 1

    @property
    def now(self):
        return ticks_add(self.base, self.t)

    def sleep(self, ms):
        self.t += ms
        self.stack.poll(self.now)

    def rx(self, data):
        self.stack.rx(data, len(data), self.now)

    def frames(self):
        out = []
        while True:
            n = self.stack.tx(self.out)
            if not n:
                return out
            out.append(bytes(self.out[:n]))

    def send(self, flags, seq=1, ack=1, data=b"", window=8000, source=None, options=b""):
        """A segment; returns what the stack answers at once, as Segments."""
        if not flags & ACK:
            ack = -self.isn
        source = source or self.source
        self.rx(frame(tcp(flags, self.first + seq, self.isn + ack, data, window, source, PORT, options), 6))
        return self.take()

    def take(self):
        found = [Segment(f) for f in self.frames()]
        assert all([s.ok for s in found])
        return found

    def rel(self, segment):
        """(sequence number, acknowledgment) of the stack's segment, counted as in send()."""
        return segment.seq - self.isn & 0xFFFFFFFF, segment.ack - self.first & 0xFFFFFFFF

    def connect(self, window=8000, options=b"\x02\x04\x05\xa0"):
        """Three-way handshake; returns the connection."""
        answer = self.send(SYN, 0, window=window, options=options)
        assert len(answer) == 1 and answer[0].flags == SYN | ACK and self.rel(answer[0]) == (0, 1)
        assert self.send(ACK, 1, 1, window=window) == []
        assert self.stack.event() == 3
        return self.stack.conns[self.stack.which]

    def to(self, state):
        """A connection brought to the named state; returns it. The peer's numbers afterwards: seq 1
        (2 once its FIN is sent), acknowledged 1 (2 once the stack's FIN is)."""
        if state == "SYN-RECEIVED":
            self.send(SYN, 0)
            return next(c for c in self.stack.conns if c.state)
        conn = self.connect()
        if state in ("CLOSE-WAIT", "LAST-ACK"):
            self.send(FIN | ACK, 1, 1)
        if state not in ("ESTABLISHED", "CLOSE-WAIT"):
            conn.close()
            assert [s.flags for s in self.take()] == [FIN | ACK]
        if state in ("FIN-WAIT-2", "TIME-WAIT"):
            self.send(ACK, 1, 2)
        if state in ("CLOSING", "TIME-WAIT"):
            self.send(FIN | ACK, 1, 1 if state == "CLOSING" else 2)
        return conn
