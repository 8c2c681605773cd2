"""The network side of the simulated car: the station's own stack, with discovery and the active
open in place of the listener. Frames in, frames out, on the machine contract; it also runs on
MicroPython."""

from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.net.block import copy, equal
from firmware.net.iface import ALL_NODES, PAYLOAD, UDP, finish, multicast_mac
from firmware.net.seq import diff
from firmware.net.stack import Stack, udp_head
from firmware.net.tcp_conn import RST, SYN_SENT, TcpConn

# Events, besides those of Stack: ACCEPTED is the station's SYN, CLOSED also an attempt that failed.
STATION = 5  # station_address, station_port and security are known
NO_STATION = 6

_EVERY_MS = 250  # [V2G2-159]
_TRIES = 50  # [V2G2-161]
_ANSWER = b"\x01\xfe\x90\x01\x00\x00\x00\x14"
_REQUEST = b"\x01\xfe\x90\x00\x00\x00\x00\x02"

_FLAG_SYN = 0x02
_FLAG_RST = 0x04
_FLAG_ACK = 0x10


class ClientConn(TcpConn):
    """A connection that we open."""

    def connect(self, address, port, local_port):
        self.begin(local_port, port, address, 0)
        self._established = True  # so that an attempt that fails is an event as well
        self._syn = True
        self._go(SYN_SENT)

    def rx(self, buf, at, n, now):
        if self.state != SYN_SENT:
            return TcpConn.rx(self, buf, at, n, now)
        flags = buf[at + 13]
        good = flags & _FLAG_ACK and diff(buf, at + 8, self._out.hi, self._out.lo) == 1
        if flags & _FLAG_RST:
            if good:
                self.end(RST)
        elif flags & _FLAG_ACK and not good:
            return True
        elif good and flags & _FLAG_SYN:
            self._peer_syn(buf, at)
            self._establish(now)
            self._ack = 2  # at once
        return False


class CarStack(Stack):
    """start(), then at ADDRESS discover(), then at STATION connect(). conns[0] is the
    connection."""

    def __init__(self, mac, rand, trace, sdp_port=15118, security=0x10):
        Stack.__init__(self, mac, rand, trace, sdp_port)
        self.security = security  # asked for, then as answered
        self.station_address = bytearray(16)
        self.station_port = 0
        self.requests = 0
        self._ask_due = None
        self._ask = False
        self._found = 0
        self._source_port = 0

    def _connections(self, iface):
        return [ClientConn(iface, self._rand)]

    def _due(self):
        return sooner(Stack._due(self), self._ask_due)

    def start(self, now):
        Stack.start(self, now)
        self._source_port = self._tcp.port
        self._tcp.port = 0
        self._ask_due = None

    def discover(self, now):
        """Ask every 250 ms, 50 times at most."""
        self.requests = 0
        self._found = 0
        self._ask_due = now

    def connect(self, port=0):
        """Open conns[0] to the station that discover() found, or to another port of it."""
        self._source_port = 0xC000 | (self._source_port + 1) & 0x3FFF
        self.conns[0].connect(self.station_address, port or self.station_port, self._source_port)

    def poll(self, now):
        Stack.poll(self, now)
        if self._ask_due is not None and ticks_diff(now, self._ask_due) >= 0:
            if self.requests == _TRIES:
                self._ask_due = None
                self._found = NO_STATION
            else:
                self.requests += 1
                self._ask = True
                self._ask_due = ticks_add(now, _EVERY_MS)

    def tx(self, out):
        n = Stack.tx(self, out)
        if n or not self._ask:
            return n
        self._ask = False
        self._iface.head(out, ALL_NODES, 0, UDP, 1, 18)
        multicast_mac(out)
        udp_head(out, self._source_port, self._sdp_port, 18)
        copy(out, PAYLOAD + 8, _REQUEST, 0, 8)
        out[70] = self.security
        out[71] = 0
        return finish(out, PAYLOAD, 18, UDP, 60)

    def event(self):
        if self._found:
            found = self._found
            self._found = 0
            return found
        return Stack.event(self)

    def _datagram_in(self, buf, at, n):
        if self._ask_due is None or n != 28 or buf[at + 2] << 8 | buf[at + 3] != self._source_port:
            return
        data = at + 8
        if not equal(buf, data, _ANSWER, 0, 8) or buf[data + 27]:
            return
        self._ask_due = None
        self._ask = False
        copy(self.station_address, 0, buf, data + 8, 16)
        self.station_port = buf[data + 24] << 8 | buf[data + 25]
        self.security = buf[data + 26]
        if equal(buf, 22, self.station_address, 0, 16):
            self._neighbours.learn(buf, 22, buf, 6)
        self._found = STATION
