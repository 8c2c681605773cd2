"""A network interface in place of the SPI modem: whole Ethernet frames by a packet socket (Linux,
root).

Far side: a HomePlug modem as network interface, a modem on an Ethernet bridge, or a stand-in for
one. Same calls as drivers.qca7000.Qca7000.
"""

import select
import socket
import struct
import sys

from firmware.clock import ticks_add, ticks_diff
from micropython import const

_MICROPYTHON = sys.implementation.name == "micropython"
_AF_PACKET = const(17)
_SOCK_RAW = const(3)
_ETH_P_ALL = const(3)
_SOL_PACKET = const(263)
_ADD_MEMBERSHIP = const(1)
_MR_ALLMULTI = const(2)
_MR_PROMISC = const(1)
_IGNORE_OUTGOING = const(23)
_FRAME = const(1522)
_MIN = const(60)
_AGAIN = const(11)  # EAGAIN
_LOOK_MS = const(500)  # an interface that is down is looked at this often
_POLLIN = const(1)

UP = const(1)
DOWN = const(2)


class PacketError(Exception):
    """The interface cannot be used; str() says why and what can be done."""


def _swap16(n):
    return n >> 8 | (n & 0xFF) << 8


def interface(name):
    """(index, MAC) of an interface. PacketError if there is none."""
    try:
        with open("/sys/class/net/%s/ifindex" % name) as f:
            index = int(f.read())
        with open("/sys/class/net/%s/address" % name) as f:
            words = f.read().strip().split(":")
        with open("/sys/class/net/%s/type" % name) as f:
            ethernet = f.read().strip() == "1"
    except OSError:
        raise PacketError("no network interface named %s" % name)
    if len(words) != 6 or not ethernet:
        raise PacketError("%s is no Ethernet interface" % name)
    return index, bytes([int(word, 16) for word in words])


def carrier(name):
    """True if the interface is up and its far end too."""
    try:
        with open("/sys/class/net/%s/carrier" % name) as f:
            return f.read().strip() == "1"
    except OSError:  # down, or gone
        return False


def _sockaddr(index):
    return struct.pack("@H", _AF_PACKET) + struct.pack(">H", _ETH_P_ALL) + struct.pack("@iHBB8s", index, 0, 0, 0, b"")


def _socket(name, index):
    try:
        sock = socket.socket(_AF_PACKET, _SOCK_RAW, _swap16(_ETH_P_ALL))
    except OSError as e:
        if e.args[0] == 1:
            raise PacketError("raw frames on %s need root (CAP_NET_RAW)" % name)
        raise
    try:
        # The station has a MAC of its own beside the one of the kernel's stack, hence promiscuous.
        for kind in (_MR_PROMISC, _MR_ALLMULTI):
            sock.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, struct.pack("@iHH8s", index, kind, 0, b""))
        sock.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        sock.bind(_sockaddr(index) if _MICROPYTHON else (name, _ETH_P_ALL))
    except OSError as e:
        sock.close()
        raise PacketError("%s: error %s; is it up?" % (name, e.args[0]))
    sock.setblocking(False)
    return sock


class PacketPort:
    """name: interface. mac: ours, the interface's own with the "locally administered" bit turned
    over. trace: is told when the interface goes down and comes back."""

    def __init__(self, name, trace):
        self.name = name
        self._trace = trace
        index, mac = interface(name)
        self.mac = bytes([mac[0] ^ 2]) + mac[1:]
        self.sock = _socket(name, index)
        self._poll = select.poll()
        self._poll.register(self.sock, _POLLIN)
        self.frame = bytearray(_FRAME)
        self.up = False
        self.due = None
        self.errors = 0
        self._out = bytearray(_FRAME)
        self._view = memoryview(self._out)
        self._event = 0
        self._now = 0

    def start(self, now):
        self.poll(now)
        if not self.up:
            self._trace.note(now, "%s is down" % self.name)

    def poll(self, now):
        self._now = now
        if self.up:
            return
        if self.due is None or ticks_diff(self.due, now) <= 0:
            self.due = ticks_add(now, _LOOK_MS)
            if carrier(self.name):
                self.due = None
                self._go(True)

    def recv(self):
        """Size of the next frame, which is in `frame`; 0 = none now."""
        if not self._poll.poll(0):
            return 0
        try:
            # Not readinto(): in MicroPython it fills the buffer with as many frames as there are.
            data = self.sock.recv(_FRAME)
        except OSError as e:
            if e.args[0] != _AGAIN:
                self._broken()
            return 0
        n = len(data)
        self.frame[0:n] = data
        return n

    def send(self, buf, n):
        """False: not now."""
        out = self._out
        out[0:n] = memoryview(buf)[0:n]
        for i in range(n, _MIN):
            out[i] = 0
        try:
            self.sock.send(self._view[0 : max(n, _MIN)])
        except OSError as e:
            if e.args[0] == _AGAIN:
                return False
            self._broken()
        return True

    def event(self):
        event = self._event
        self._event = 0
        return event

    def counters(self):
        return [("packet.errors", self.errors)]

    def close(self):
        self.sock.close()

    def _broken(self):
        self.errors += 1
        self._go(False)

    def _go(self, up):
        if up != self.up:
            self.up = up
            self._event = UP if up else DOWN
            self._trace.note(self._now, "%s is %s" % (self.name, "up" if up else "down"))
