"""TCP of the station: which connection a segment belongs to, one listening port, and RST for what
belongs to none."""

from firmware.clock import sooner
from firmware.net.block import copy, equal
from firmware.net.checksum import checksum
from firmware.net.iface import CHECKSUM, LENGTH, PORT, REFUSED, TCP, finish
from firmware.net.seq import put
from firmware.net.tcp_conn import CLOSED, FIN_WAIT_2, LINK, SYN_RECEIVED, TIME_WAIT, TIMEOUT
from micropython import const

_FIN = const(0x01)
_SYN = const(0x02)
_RST = const(0x04)
_ACK = const(0x10)
_REUSE = (CLOSED, TIME_WAIT, FIN_WAIT_2, SYN_RECEIVED)  # states in which a connection may make room for a new car


class Tcp:
    """conns: what TcpConn's there are. port: where new ones are taken, 0 = nowhere."""

    def __init__(self, iface, neighbours, conns):
        self.port = 0
        self.conns = conns
        self._iface = iface
        self._neighbours = neighbours
        self._next = 0  # connection that tx() asks first

    @property
    def due(self):
        due = None
        for conn in self.conns:
            due = sooner(due, conn.due)
        return due

    def stop(self):
        for conn in self.conns:
            if conn.state != CLOSED:
                conn.end(LINK)

    def rx(self, buf, at, n, now):
        """The segment buf[at:at+n] of a frame whose addresses are checked."""
        iface = self._iface
        if n < 20 or not 20 <= (buf[at + 12] >> 4) * 4 <= n:
            iface.drop(LENGTH)
            return
        if checksum(buf, at, n, TCP) != 0xFFFF:
            iface.drop(CHECKSUM)
            return
        remote_port = buf[at] << 8 | buf[at + 1]
        local_port = buf[at + 2] << 8 | buf[at + 3]
        if not remote_port or not local_port:
            iface.drop(PORT)
            return
        for conn in self.conns:
            if (
                conn.state != CLOSED
                and conn.remote_port == remote_port
                and conn.local_port == local_port
                and equal(conn.remote, 0, buf, 22, 16)
            ):
                self._neighbours.learn(buf, 22, buf, 6)
                if conn.reopens(buf, at):
                    conn.open(buf, at, n)
                elif conn.rx(buf, at, n, now):
                    self._refuse(buf, at, n)
                return
        if local_port == self.port and buf[at + 13] & (_SYN | _ACK | _RST | _FIN) == _SYN:
            self._accept(buf, at, n)
        else:
            iface.drop(PORT)
            self._refuse(buf, at, n)

    def poll(self, now):
        for conn in self.conns:
            conn.poll(now)

    def tx(self, out):
        """The next segment, of the connections in turn. One whose car has no known MAC waits until
        that is found."""
        neighbours = self._neighbours
        for _ in range(len(self.conns)):
            conn = self.conns[self._next]
            self._next = (self._next + 1) % len(self.conns)
            if conn.state == CLOSED:
                continue
            i = neighbours.find(conn.remote, 0)
            if i < 0:
                neighbours.resolve(conn.remote, 0)
                continue
            n = conn.tx(out)
            if n:
                copy(out, 0, neighbours.macs, 6 * i, 6)
                return n
        return 0

    def unreachable(self, address, at):
        """Nobody answers for the address."""
        for conn in self.conns:
            if conn.state != CLOSED and equal(conn.remote, 0, address, at, 16):
                conn.end(TIMEOUT)

    def _accept(self, buf, at, n):
        conn = self._free()
        if conn is None:
            self._iface.drop(REFUSED)
            self._refuse(buf, at, n)
            return
        self._neighbours.learn(buf, 22, buf, 6)
        conn.open(buf, at, n)

    def _free(self):
        """A connection for a new car: an unused one, else one that is over but for its timer, else
        one that is not established: a flood of SYNs must not lock a car out."""
        for state in _REUSE:
            for i in range(len(self.conns)):
                conn = self.conns[(self._next + i) % len(self.conns)]
                if conn.state == state and not conn.ended:
                    return conn
        return None

    def _refuse(self, buf, at, n):
        """RST as the answer to a segment (RFC 9293 section 3.10.7.1)."""
        flags = buf[at + 13]
        if flags & _RST:
            return
        out = self._iface.reply()
        if out is None:
            return
        copy(out, 0, buf, 6, 6)
        self._iface.head(out, buf, 22, TCP, 64, 20)
        copy(out, 54, buf, at + 2, 2)
        copy(out, 56, buf, at, 2)
        if flags & _ACK:
            copy(out, 58, buf, at + 8, 4)
            put(out, 62, 0, 0, 0)
            out[67] = _RST
        else:
            length = n - (buf[at + 12] >> 4) * 4 + (1 if flags & _SYN else 0) + (1 if flags & _FIN else 0)
            put(out, 58, 0, 0, 0)
            put(out, 62, buf[at + 4] << 8 | buf[at + 5], buf[at + 6] << 8 | buf[at + 7], length)
            out[67] = _RST | _ACK
        out[66] = 0x50
        for i in range(68, 74):
            out[i] = 0
        self._iface.commit(finish(out, 54, 20, TCP, 70))
