"""Echo server on our own IPv6 and TCP over raw frames; runs on MicroPython: bulk_server.py IFACE.

Prints `READY address port`, then serves connection after connection until it is ended. Its modules
are those of the image.
"""

import os
import sys

from board.packet import PacketPort
from firmware.clock import sooner, ticks_diff, ticks_ms
from firmware.net.iface import text
from firmware.net.stack import ACCEPTED, ADDRESS, CLOSED, Stack
from firmware.run.poller import IN, Poller

_FRAMES = 16
_PIECE = 1024


class Notes:
    def note(self, now, text, value=None):
        print(text if value is None else "%s %s" % (text, value))

    error = note


class Echo:
    """What a connection of the stack has to say, sent back to it."""

    def __init__(self, conn):
        self.conn = conn
        self._buf = bytearray(_PIECE)
        self._at = self._n = 0

    def turn(self):
        conn = self.conn
        while True:
            if self._at == self._n:
                self._at, self._n = 0, conn.read(self._buf)
                if not self._n:
                    break
            took = conn.write(self._buf, self._at, self._n - self._at)
            self._at += took
            if not took:
                break
        if conn.at_end and self._at == self._n:
            conn.close()


def main(name):
    notes = Notes()
    port = PacketPort(name, notes)
    stack = Stack(port.mac, os.urandom, notes)
    poller = Poller()
    poller.add(port.sock, IN)
    out = bytearray(1522)
    port.start(ticks_ms())
    stack.start(ticks_ms())
    echo, waiting = None, 0
    while True:
        now = ticks_ms()
        due = sooner(port.due, stack.due)
        poller.wait(None if due is None else max(0, ticks_diff(due, now)))
        now = ticks_ms()
        port.poll(now)
        for _ in range(_FRAMES):
            n = port.recv()
            if not n:
                break
            stack.rx(port.frame, n, now)
        stack.poll(now)
        event = stack.event()
        while event:
            if event == ADDRESS:
                print("READY", text(stack.address), stack.port)
            elif event == ACCEPTED:
                echo = Echo(stack.conns[stack.which])
            elif event == CLOSED and echo and stack.conns[stack.which] is echo.conn:
                echo = None
            event = stack.event()
        if echo:
            echo.turn()
        for _ in range(_FRAMES):
            waiting = waiting or stack.tx(out)
            if not waiting or not port.send(out, waiting):
                break
            waiting = 0


main(sys.argv[1])
