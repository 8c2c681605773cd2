"""Interrupt line of the modem on a controller board."""

import io

from micropython import const

_POLL = const(3)  # requests of a stream, numbers of MicroPython's py/stream.h
_READABLE = const(1)


class Interrupt(io.IOBase):
    """`fired` is set by the handler of the pin's rising edge, and by the driver's user reset. Registered in a poll(), it
    is readable while set, so that the run loop wakes at once."""

    def __init__(self):
        self.fired = False

    def handler(self, pin):
        self.fired = True

    def ioctl(self, request, argument):
        return _READABLE if request == _POLL and self.fired else 0
