"""Our own IPv6 host for one vehicle link: checks every frame, keeps the address, answers SDP,
carries TCP.

What it is not: a router's host. It talks to link-local addresses only, without fragments, routing
headers and router discovery, because discovery and session use nothing else (ISO 15118-20, 7.10.1).
"""

from firmware.clock import sooner
from firmware.net.address import FAILED, OFF, USABLE, Address
from firmware.net.block import copy, equal
from firmware.net.checksum import checksum
from firmware.net.icmp6 import Icmp6
from firmware.net.iface import (
    ALL_NODES,
    CHECKSUM,
    DESTINATION,
    DOWN,
    EXTENSION,
    ICMP6,
    LENGTH,
    MAC,
    PAYLOAD,
    PORT,
    SHORT,
    SOURCE,
    TCP,
    TYPE,
    UDP,
    VERSION,
    Iface,
    finish,
    text,
)
from firmware.net.neighbours import Neighbours
from firmware.net.sdp import TLS_NONE, SdpServer
from firmware.net.tcp import Tcp
from firmware.net.tcp_conn import RESET_NAMES, TcpConn
from micropython import const

# Events.
ADDRESS = const(1)  # the address is proved: SDP and TCP answer
CONFLICT = const(2)  # every address that was tried is taken: the link is of no use
ACCEPTED = const(3)  # a car has connected; `which` is the index in conns
CLOSED = const(4)  # conns[which] is over; its `reset` says why
DISCOVERED = const(5)  # discovery was answered, once or more

_HOP_BY_HOP = const(0)
_DESTINATION_OPTIONS = const(60)
_HEADERS = const(4)  # extension headers that are followed
_CONNS = const(2)
_SDP_MAX = const(16)  # bytes of a datagram that are looked at: more is no request
_SDP_ANSWER = const(28)


class Stack:
    """The machine. mac: 6 bytes. rand(n) -> n random bytes. tcp_port 0: another one in 49152..65535
    with every start(). policy: of SDP about TLS (sdp.py).

    rx(), tx() and poll() do not allocate, except that a connection that opens asks rand(4), that a
    conflict of addresses asks rand(8), and that an SDP answer makes one slice of 16 bytes. tx()
    takes the time of the last rx() or poll() for now: call poll() first after a pause. drops:
    counters, names in iface.DROP_NAMES.
    """

    def __init__(self, mac, rand, trace, sdp_port=15118, tcp_port=0, policy=TLS_NONE):
        self.which = 0
        self._rand = rand
        self._trace = trace
        self._sdp_port = sdp_port
        self._tcp_port = tcp_port
        iface = self._iface = Iface(mac)
        self.drops = iface.drops
        self.address = iface.address
        self._address = Address(iface, rand)
        self._address_state = 0  # as told by event()
        self._neighbours = Neighbours(iface)
        self._icmp = Icmp6(iface, self._address, self._neighbours)
        self.conns = self._connections(iface)
        self._tcp = Tcp(iface, self._neighbours, self.conns)
        self.sdp = SdpServer(iface.address, 0, policy)
        self.sdp.ready = False
        self._discovered = False
        self._datagram = bytearray(_SDP_MAX)
        self._answer = bytearray(_SDP_ANSWER)

    def _connections(self, iface):
        return [TcpConn(iface, self._rand, i) for i in range(_CONNS)]

    @property
    def port(self):
        """TCP port that listens; 0 before start()."""
        return self._tcp.port

    @property
    def due(self):
        return self._due()

    def _due(self):
        due = sooner(self._address.due, self._neighbours.due)
        return sooner(due, self._tcp.due)

    def start(self, now):
        """A new data link: prove the address, then listen."""
        self.stop(now)
        port = self._tcp_port
        if not port:
            seed = self._rand(2)
            port = 0xC000 | seed[0] << 8 & 0x3F00 | seed[1]
        self._tcp.port = self.sdp.port = port
        self._address.start(now)

    def stop(self, now):
        """The data link is gone: nothing is sent any more, connections end with LINK."""
        self._iface.now = now
        self._iface.reset()
        self._neighbours.reset()
        self._address.stop(now)
        self._address_state = 0
        self._tcp.stop()
        self._tcp.port = self.sdp.port = 0
        self.sdp.ready = self._discovered = False

    def rx(self, buf, n, now):
        """One frame."""
        iface = self._iface
        iface.now = now
        if self._address.state == OFF:
            iface.drop(DOWN)
            return
        reason = self._judge(buf, n)
        if reason >= 0:
            iface.drop(reason)
            return
        end = PAYLOAD + (buf[18] << 8 | buf[19])
        at = PAYLOAD
        kind = buf[20]
        for i in range(_HEADERS):
            if kind != _DESTINATION_OPTIONS and (kind != _HOP_BY_HOP or i):
                break
            size = _options(buf, at, end)
            if not size:
                break
            kind = buf[at]
            at += size
        if kind == ICMP6:
            self._icmp.rx(buf, at, end - at, now)
        elif not iface.usable:
            iface.drop(DESTINATION)  # the address is not ours yet (RFC 4862 section 5.4)
        elif buf[22] == 0:
            iface.drop(SOURCE)
        elif kind == TCP:
            if buf[38] == 0xFF:
                iface.drop(DESTINATION)
            else:
                self._tcp.rx(buf, at, end - at, now)
        elif kind == UDP:
            self._udp(buf, at, end - at)
        else:
            iface.drop(EXTENSION)

    def poll(self, now):
        self._iface.now = now
        self._address.poll(now)
        self.sdp.ready = self._iface.usable
        self._tcp.poll(now)
        i = self._neighbours.poll(now)
        if i >= 0:
            self._tcp.unreachable(self._neighbours.addresses, 16 * i)

    def tx(self, out):
        """Next frame into out, 1514 bytes or more; return its size, 0 if there is nothing."""
        n = self._address.tx(out)
        if not n:
            n = self._iface.tx(out)
        if not n and self._iface.usable:
            n = self._tcp.tx(out)
            if not n:
                n = self._neighbours.tx(out)
        return n

    def event(self):
        """ADDRESS, CONFLICT, ACCEPTED, CLOSED, DISCOVERED, or 0."""
        now = self._iface.now
        state = self._address.state
        if state != self._address_state:
            self._address_state = state
            if state == USABLE:
                self._trace.note(now, "address " + text(self.address))
                return ADDRESS
            if state == FAILED:
                self._trace.error(now, "address conflict")
                return CONFLICT
        for i in range(len(self.conns)):
            conn = self.conns[i]
            if conn.accepted:
                self.which = i
                conn.accepted = False
                self._trace.note(now, "tcp accepted " + text(conn.remote), conn.remote_port)
                return ACCEPTED
            if conn.ended:
                self.which = i
                conn.ended = False
                self._trace.note(now, "tcp closed by " + RESET_NAMES[conn.reset], conn.remote_port)
                return CLOSED
        if self._discovered:
            self._discovered = False
            return DISCOVERED
        return 0

    def _judge(self, buf, n):
        """Ethernet and IPv6 header of a frame: why it is dropped, or -1."""
        iface = self._iface
        if n < PAYLOAD:
            return SHORT
        if buf[12] != 0x86 or buf[13] != 0xDD:
            return TYPE
        if buf[6] & 1 or equal(buf, 6, iface.mac, 0, 6):
            return MAC
        if not equal(buf, 0, iface.mac, 0, 6) and (buf[0] != 0x33 or buf[1] != 0x33):
            return MAC
        if buf[14] >> 4 != 6:
            return VERSION
        size = buf[18] << 8 | buf[19]
        if not size or PAYLOAD + size > n:
            return LENGTH
        if buf[22] == 0xFE:
            # Our own address as a source is a conflict to be looked at while it is being proved, a
            # forgery later.
            if buf[23] & 0xC0 != 0x80 or (iface.usable and equal(buf, 22, iface.address, 0, 16)):
                return SOURCE
        elif not _is_zero(buf, 22):
            return SOURCE
        if equal(buf, 38, iface.address, 0, 16) or equal(buf, 38, ALL_NODES, 0, 16):
            return -1
        # The solicited-node group of our address.
        if buf[49] != 1 or buf[50] != 0xFF or not equal(buf, 38, ALL_NODES, 0, 11):
            return DESTINATION
        return -1 if equal(buf, 51, iface.address, 13, 3) else DESTINATION

    def _udp(self, buf, at, n):
        iface = self._iface
        size = buf[at + 4] << 8 | buf[at + 5] if n >= 8 else 0
        if size < 8 or size > n:
            iface.drop(LENGTH)
        elif (not buf[at + 6] and not buf[at + 7]) or checksum(buf, at, size, UDP) != 0xFFFF:
            iface.drop(CHECKSUM)
        else:
            self._datagram_in(buf, at, size - 8)

    def _datagram_in(self, buf, at, n):
        """n bytes of UDP behind the header at buf[at], which is right."""
        iface = self._iface
        if buf[at + 2] << 8 | buf[at + 3] != self._sdp_port:
            iface.drop(PORT)
            return
        copy(self._datagram, 0, buf, at + 8, n if n < _SDP_MAX else _SDP_MAX)
        n = self.sdp.answer(self._datagram, n, self._answer)
        if n:
            self._discovered = True
            self._neighbours.learn(buf, 22, buf, 6)
            out = iface.reply()
            if out is not None:
                copy(out, 0, buf, 6, 6)
                iface.head(out, buf, 22, UDP, 64, 8 + n)
                udp_head(out, self._sdp_port, buf[at] << 8 | buf[at + 1], 8 + n)
                copy(out, PAYLOAD + 8, self._answer, 0, n)
                iface.commit(finish(out, PAYLOAD, 8 + n, UDP, 60))


def udp_head(out, source, target, n):
    """UDP header of a frame: ports, and n bytes with the header."""
    out[54] = source >> 8
    out[55] = source & 0xFF
    out[56] = target >> 8
    out[57] = target & 0xFF
    out[58] = n >> 8
    out[59] = n & 0xFF


def _options(buf, at, end):
    """Size of the options header at buf[at], 0 if it is malformed or holds an option that must be
    understood (RFC 8200 section 4.2). Router alert and padding are of no interest here."""
    if at + 8 > end:
        return 0
    size = 8 + 8 * buf[at + 1]
    stop = at + size
    if stop >= end:
        return 0
    at += 2
    while at < stop:
        if buf[at] == 0:
            at += 1
            continue
        if buf[at] & 0xC0:
            return 0
        at += 2 + buf[at + 1]
    return size if at == stop else 0


def _is_zero(buf, at):
    for i in range(16):  # noqa: SIM110 - all() of a generator would allocate
        if buf[at + i]:
            return False
    return True
