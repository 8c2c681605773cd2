"""A serial port of this machine as a UART (any readinto write), without waiting, on both runtimes."""

import os
import select
import sys

from micropython import const

_MICROPYTHON = sys.implementation.name == "micropython"
_POLLIN = const(1)
_ROOM = const(256)


class TtyError(ValueError):
    """The port cannot be had; str() says why."""


class Tty:
    """`file` is what a poll() waits on."""

    def __init__(self, path, baud):
        if os.system("stty -F '%s' raw -echo %d" % (path.replace("'", ""), baud)):
            raise TtyError("stage_port %s: there is no such serial port, or it has not %d baud" % (path, baud))
        self.file = open(path, "r+b") if _MICROPYTHON else open(path, "r+b", 0)
        self._poll = select.poll()
        self._poll.register(self.file, _POLLIN)
        self._got = bytearray()
        self._one = bytearray(1)

    def any(self):
        # One by one: MicroPython's readinto() waits until its buffer is full.
        while len(self._got) < _ROOM and self._poll.poll(0):
            if not self.file.readinto(self._one):
                break
            self._got.extend(self._one)
        return len(self._got)

    def readinto(self, buf, n):
        n = min(n, len(self._got))
        buf[:n] = self._got[:n]
        self._got = self._got[n:]
        return n or None

    def write(self, buf):
        return self.file.write(buf)
