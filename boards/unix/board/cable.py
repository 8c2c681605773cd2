"""The station's end of the simulated cable (twin.cable): a UDP socket on loopback that simulated
cars join.

Differences of MicroPython's sockets (raw sockaddr bytes) and CPython's (tuples) are kept in here.
"""

import socket
import struct
import sys

from firmware.clock import ticks_diff
from micropython import const
from twin import cable

_MICROPYTHON = sys.implementation.name == "micropython"
_AF_INET = const(2)
_PEERS = const(4)
_DATAGRAMS = const(64)  # taken in one poll


class CableError(Exception):
    """The port cannot be had; str() says why."""


def _sockaddr(port):
    if _MICROPYTHON:
        return struct.pack("@H", _AF_INET) + struct.pack(">H", port) + b"\x7f\0\0\1" + b"\0" * 8
    return ("127.0.0.1", port)


class Cable:
    """line_rx(data, now) gets what cars put on the powerline. `load`: (ohm, flags, pp_ohm) of the
    car that is plugged in, or None. tell(duty_permille, high_mv) shows the pilot to the cars.
    send(modem, data, now) is the powerline's."""

    def __init__(self, port):
        self.port = port
        self.load = None
        self.line_rx = None
        self.sock = socket.socket(_AF_INET, socket.SOCK_DGRAM)
        try:
            self.sock.bind(_sockaddr(port))
        except OSError:
            self.sock.close()
            raise CableError("UDP port %d on 127.0.0.1 is in use: is another station running? (--link sim:PORT)" % port)
        self.sock.setblocking(False)
        self._peers = []  # [address, tick of its last load, load]
        self._pilot = b""
        self._out = bytearray(cable.MOST)
        self._out[0] = 0x46  # F
        self._view = memoryview(self._out)

    def close(self):
        self.sock.close()

    def poll(self, now):
        for _ in range(_DATAGRAMS):
            try:
                data, address = self.sock.recvfrom(cable.MOST)
            except OSError:
                break
            self._take(data, address, now)
        for peer in list(self._peers):
            if ticks_diff(now, peer[1]) > cable.GONE_MS:
                self._peers.remove(peer)
        self.load = None
        for peer in self._peers:
            if peer[2][1] & cable.PLUGGED:
                self.load = peer[2]
                break

    def tell(self, duty_permille, high_mv):
        data = cable.pack_pilot(duty_permille, high_mv)
        if data != self._pilot:
            self._pilot = data
            for peer in self._peers:
                self._send(data, peer[0])

    def send(self, modem, data, now):
        """The powerline reaches everybody."""
        n = len(data) + 1
        self._out[1:n] = data  # here and not a new piece: a heap as small as a board's is soon cut up
        for peer in self._peers:
            self._send(self._view[:n], peer[0])

    def _take(self, data, address, now):
        peer = None
        for known in self._peers:
            if known[0] == address:
                peer = known
        if data[:1] == b"L" and len(data) == cable.LOAD_SIZE:
            load = (cable.word(data, 1), data[3], cable.word(data, 4))
            if peer is None:
                if len(self._peers) >= _PEERS:
                    return
                peer = [address, now, load]
                self._peers.append(peer)
            peer[1] = now
            peer[2] = load
            self._send(self._pilot, address)
        elif data[:1] == b"F" and peer is not None:
            for other in self._peers:  # cars hear each other too
                if other is not peer:
                    self._send(data, other[0])
            self.line_rx(data[1:], now)

    def _send(self, data, address):
        try:
            self.sock.sendto(data, address)
        except OSError:
            pass  # full or gone: the medium loses frames, and L tells who is there
