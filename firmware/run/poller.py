"""What a run loop waits on: sockets, pins and stdin in one poll()."""

import select
import sys

from micropython import const

_MICROPYTHON = sys.implementation.name == "micropython"

IN = const(1)  # POLLIN, POLLOUT, POLLERR, POLLHUP of Linux
OUT = const(4)
BROKEN = const(8 | 16)


class Poller:
    """select.poll that gives the registered objects themselves on both runtimes."""

    def __init__(self):
        self._poll = select.poll()
        self._objects = {}  # CPython: file number -> object

    def add(self, obj, mask):
        if not _MICROPYTHON:
            self._objects[obj.fileno()] = obj
        self._poll.register(obj, mask)

    def change(self, obj, mask):
        self._poll.modify(obj, mask)

    def remove(self, obj):
        if not _MICROPYTHON:
            self._objects.pop(obj.fileno(), None)
        self._poll.unregister(obj)

    def wait(self, timeout_ms):
        """List of (object, events) within timeout_ms; None waits for ever."""
        if _MICROPYTHON:
            return self._poll.poll(-1 if timeout_ms is None else timeout_ms)
        return [(self._objects[number], events) for number, events in self._poll.poll(timeout_ms)]
