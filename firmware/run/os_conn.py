"""A socket of the operating system with the calls of net.tcp_conn.TcpConn: what SessionLink,
TlsSessionLink and TlsStage take for the connection of a car.

Nothing is queued here: what the system does not take stays with the caller, who is asked again when
there is room. One write of the caller is one write to the system, because some cars take one read
for one message (docs/design.md, frames).
"""

from firmware.clock import ticks_add, ticks_diff, ticks_ms
from firmware.run import os_net
from firmware.run.poller import BROKEN, IN, OUT
from micropython import const

_IN_SIZE = const(512)
_DRAIN = const(4)  # reads in one go from a car that is not listened to any more
_REST_MS = const(500)


class OsConn:
    """sock: non-blocking and connected, to the address `remote`. poller: run.poller.Poller, in which it stands as `sock`
    until it is `gone`.

    rest: after close() the socket stays for up to 0.5 s, or until the car closes, and what comes in
    is thrown away. Bytes that reach a closed socket are answered with RST, which could overtake an
    alert. FIN comes behind that pause (MicroPython has no shutdown()), so it is for cars that an
    alert tells.

    broken: the system reports the connection lost. wrote: bytes have left since the owner cleared
    it.
    """

    def __init__(self, sock, poller, remote, rest=False):
        self.sock = sock
        self.remote = remote
        self.open = True
        self.gone = False
        self.broken = False
        self.wrote = False
        self.due = None  # end of the rest
        self._poller = poller
        self._rest = rest
        self._in = bytearray(_IN_SIZE)
        self._at = self._n = 0
        self._ended = False  # the car has closed its side
        self._blocked = False  # the system has no room
        self._mask = IN
        poller.add(sock, IN)

    # -- as TcpConn

    @property
    def at_end(self):
        """The car has closed its side and everything is read."""
        return self._ended and self._at == self._n

    def readable(self):
        """Bytes that read() gives now, as far as they have been fetched; 0 if there are none."""
        if self._at == self._n:
            self._at = 0
            self._n = self._fetch(self._in)
        return self._n - self._at

    def read(self, buf):
        """Move up to len(buf) bytes into buf; return how many, 0 if there are none."""
        n = min(self._n - self._at, len(buf))
        if not n:
            return self._fetch(buf)
        buf[:n] = self._in[self._at : self._at + n]
        self._at += n
        return n

    def write(self, buf, at, n):
        """Send buf[at:at+n] in one write; return how many bytes the system took."""
        if self.broken or not self.open:
            return 0
        try:
            took = os_net.write(self.sock, memoryview(buf)[at : at + n])
        except OSError:
            self.broken = True
            return 0
        self._blocked = took < n
        self.wrote = self.wrote or took > 0
        return took

    def close(self):
        """FIN behind what was written. Nothing can be read or written after it."""
        if self.open:
            self.open = False
            self._blocked = False
            self.due = ticks_add(ticks_ms(), _REST_MS) if self._rest else ticks_ms()
            self.settle(ticks_ms())

    def abort(self):
        """Break off: RST."""
        if not self.gone:
            os_net.reset_on_close(self.sock)
            self.end()

    # -- for the run loop

    def happened(self, events):
        """What poll() said of the socket."""
        if events & BROKEN and not events & (IN | OUT):
            self.broken = True

    def watch(self):
        """Wait for what can be used. A car that does not take its answer is not read meanwhile:
        that bounds the input of one that sends and never reads (R-V2GTP-07). Behind the end of its
        stream there is nothing to wait for."""
        mask = OUT if self._blocked else (0 if self._ended else IN)
        if mask != self._mask and not self.gone:
            self._mask = mask
            self._poller.change(self.sock, mask)

    def settle(self, now):
        """After close(): throw away what comes in. Unread bytes would make a RST of the FIN."""
        if self.gone or self.open:
            return
        for _ in range(_DRAIN):
            if not self._receive(self._in):
                break
        if self._ended or self.broken or ticks_diff(self.due, now) <= 0:
            self.end()

    def end(self):
        """Close the socket at once."""
        if not self.gone:
            self.open = False
            self.gone = True
            self._poller.remove(self.sock)
            self.sock.close()

    # -- inside

    def _fetch(self, buf):
        return self._receive(buf) if self.open else 0

    def _receive(self, buf):
        if self._ended or self.broken:
            return 0
        try:
            n = os_net.read(self.sock, buf)
        except OSError:
            self.broken = True
            return 0
        if n == 0:
            self._ended = True
        return n or 0
