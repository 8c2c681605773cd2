"""The TCP connection of one car: reads on request, and one outgoing message at a time, each in one write.

The cut of messages matters to some cars: one read is one message for them, so a message is never split by us and two
are never joined (peer-ev.md 1).
"""

from firmware.clock import ticks_add, ticks_diff
from firmware.run import os_net
from firmware.run.poller import IN, OUT
from micropython import const

_SEND_MS = const(2000)  # the car's own message timeout: who does not take an answer by then does not want it any more
_DRAIN = const(4)


class Connection:
    """sock: non-blocking socket, registered with poller. out: buffer of one message, made at boot."""

    def __init__(self, sock, poller, out):
        self.sock = sock
        self.due = None  # tick when an answer that the car does not take ends the connection
        self.closing = False  # close as soon as the answer is out
        self._poller = poller
        self._out = out
        self._view = memoryview(out)
        self._at = 0
        self._end = 0
        poller.add(sock, IN)

    @property
    def sending(self):
        return self._at < self._end

    def read(self, buf):
        """Bytes read into buf; None: nothing now; 0: the car has closed. OSError: connection lost."""
        return os_net.read(self.sock, buf)

    def send(self, n, now):
        """Send out[0:n], in one write if the system takes it. OSError: connection lost."""
        self._at = 0
        self._end = n
        self.go_on(now)
        if self.sending:
            # Not reading meanwhile is what bounds the input of a car that sends and never reads (R-V2GTP-07).
            self.due = ticks_add(now, _SEND_MS)
            self._poller.change(self.sock, OUT)

    def go_on(self, now):
        """The socket is writable again."""
        self._at += os_net.write(self.sock, self._view[self._at : self._end])
        if not self.sending and self.due is not None:
            self.due = None
            self._poller.change(self.sock, IN)

    def overdue(self, now):
        return self.due is not None and ticks_diff(self.due, now) <= 0

    def close(self):
        """Close in an orderly way. Unread bytes are thrown away first: with them the system would reset the
        connection, and the last answer could be lost on its way."""
        self._poller.remove(self.sock)
        try:
            for _ in range(_DRAIN):
                if not os_net.read(self.sock, self._out):
                    break
        except OSError:
            pass  # broken already
        self.sock.close()
