"""The two buffers of a TCP connection, made at boot.

RxRing takes segments at their place in the stream and keeps one island of bytes behind a gap, so
that one lost segment costs one segment. TxRing keeps what is not acknowledged yet, and where each
message ends: a message leaves in a segment of its own, because some cars take one read for one
message.
"""

from firmware.net.block import copy
from micropython import const

_MESSAGES = const(16)


class RxRing:
    """n: bytes in order, ready to be read. Offsets count from the first byte that is missing."""

    def __init__(self, buf):
        self.size = len(buf)
        self._buf = buf
        self.reset()

    def reset(self):
        self.n = 0
        self._read = 0
        self._from = 0  # the island: offsets from and to, 0 and 0 if there is none
        self._to = 0

    def free(self):
        return self.size - self.n

    def gap(self):
        """True while an island waits for bytes before it."""
        return self._to > 0

    def put(self, buf, at, n, offset):
        """Take buf[at:at+n] at `offset`; offset + n must not exceed free(). Return the bytes that
        are now in order more than before, or -1 if the bytes lie apart from the one island and were
        not taken."""
        if offset:
            if self._to and (offset > self._to or offset + n < self._from):
                return -1
            self._store(buf, at, n, offset)
            if not self._to or offset < self._from:
                self._from = offset
            if offset + n > self._to:
                self._to = offset + n
            return 0
        self._store(buf, at, n, 0)
        if self._to:
            if self._from > n:
                self._from -= n
                self._to -= n
            else:
                if self._to > n:
                    n = self._to
                self._from = 0
                self._to = 0
        self.n += n
        return n

    def read(self, out):
        """Move up to len(out) bytes into out; return how many."""
        n = len(out)
        if n > self.n:
            n = self.n
        first = self.size - self._read
        if first > n:
            first = n
        copy(out, 0, self._buf, self._read, first)
        copy(out, first, self._buf, 0, n - first)
        self._take(n)
        return n

    def discard(self):
        """Throw away what is in order."""
        self._take(self.n)

    def _take(self, n):
        self._read += n
        if self._read >= self.size:
            self._read -= self.size
        self.n -= n

    def _store(self, buf, at, n, offset):
        place = self._read + self.n + offset
        if place >= self.size:
            place -= self.size
        first = self.size - place
        if first > n:
            first = n
        copy(self._buf, place, buf, at, first)
        copy(self._buf, 0, buf, at + first, n - first)


class TxRing:
    """n: bytes kept. Offsets count from the first byte that is not acknowledged."""

    def __init__(self, buf):
        self.size = len(buf)
        self._buf = buf
        self._lengths = [0] * _MESSAGES  # of the messages, oldest at _first
        self.reset()

    def reset(self):
        self.n = 0
        self._at = 0
        self._first = 0
        self._count = 0

    def room(self):
        """Bytes that put() takes."""
        return self.size - self.n if self._count < _MESSAGES else 0

    def put(self, buf, at, n):
        """Keep buf[at:at+n] as one message; n must be 1..room()."""
        place = self._at + self.n
        if place >= self.size:
            place -= self.size
        first = self.size - place
        if first > n:
            first = n
        copy(self._buf, place, buf, at, first)
        copy(self._buf, 0, buf, at + first, n - first)
        self._lengths[(self._first + self._count) % _MESSAGES] = n
        self._count += 1
        self.n += n

    def to_end(self, offset):
        """Bytes from offset to the end of the message that it lies in; 0 if offset is n."""
        end = 0
        for i in range(self._count):
            end += self._lengths[(self._first + i) % _MESSAGES]
            if end > offset:
                return end - offset
        return 0

    def copy_out(self, offset, n, out, at):
        """out[at:at+n] = the n bytes from offset."""
        place = self._at + offset
        if place >= self.size:
            place -= self.size
        first = self.size - place
        if first > n:
            first = n
        copy(out, at, self._buf, place, first)
        copy(out, at + first, self._buf, 0, n - first)

    def acknowledge(self, n):
        """Forget the first n bytes."""
        self._at += n
        if self._at >= self.size:
            self._at -= self.size
        self.n -= n
        while n:
            head = self._lengths[self._first]
            if head > n:
                self._lengths[self._first] = head - n
                return
            n -= head
            self._first = (self._first + 1) % _MESSAGES
            self._count -= 1
