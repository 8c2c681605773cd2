"""V2GTP: cut whole messages out of a TCP byte stream, and write the 8 byte header.

Header: 01 FE | payload type, 16 bit | payload length, 32 bit, payload only; big-endian (ISO
15118-20, 7.8.3).

A TCP stream has no borders: a message may come in any number of pieces and several may come in one
(R-V2GTP-01). The cutter owns one buffer made at boot. Early messages wait in it, behind the one
that is being answered (R-V2GTP-07); what does not fit is not taken. The length is read in halves: a
32-bit integer would be a heap object on a microcontroller.
"""

from codec.exi_in import SLACK
from micropython import const

HEADER = const(8)  # bytes
SAP = const(0x8001)  # SupportedAppProtocol, in every edition
CM = const(0x8002)  # ISO 15118-20 CommonMessages
AC = const(0x8003)
DC = const(0x8004)

# Return codes of next(); every other value is a payload type. Both bad codes stay: the stream has
# lost its borders.
MORE = const(0)  # no whole message yet
BAD_VERSION = const(-1)
BAD_LENGTH = const(-2)

_VERSION = const(0x01)
_VERSION_INVERTED = const(0xFE)
_HALF = const(0x10000)


class Cutter:
    """Incremental cutter.

        taken = cutter.feed(data, 0, n)     taken < n: the buffer is full; call next(), then feed the rest or give up
        kind = cutter.next()                payload type, MORE, or a bad code (< 0: close the connection)
        cutter.buf[cutter.at : cutter.at + cutter.n]    the payload; what was decoded may be views of it (exi.decode_here)
        cutter.release()                    it is done with, and its bytes are free; next() and reset() do that too

    `make(n)` gives the buffer, a bytearray. `limit` is the largest payload in bytes of a known type (below 65528; R-V2GTP-09). `types` is what the session negotiated; it
    may be changed at any time. Frames of other types are skipped by their length, however long (R-V2GTP-03), and
    counted in `skipped`.
    """

    def __init__(self, limit=8192, types=(SAP, CM, AC, DC), make=bytearray):
        self.limit = limit
        self.types = types
        self._size = limit + HEADER
        self.buf = make(self._size + SLACK)
        self.view = memoryview(self.buf)
        self.skipped = 0
        self.reset()

    def reset(self):
        """Forget everything: a new connection begins."""
        self.at = HEADER
        self.n = 0
        self._first = 0  # buf[_first:_end] is what came in and is not cut yet
        self._end = 0
        self._taken = 0  # bytes of the message that next() handed out last, until release()
        self._skip_high = 0  # rest of a frame to skip, in units of 64 kB, and
        self._skip_low = 0  # the remainder in bytes
        self._bad = 0

    def feed(self, data, at, n):
        """Take up to n bytes of data from offset `at`; return how many were taken. Nothing of
        `data` is kept."""
        if self._bad:
            return 0
        taken = 0
        if self._skip_high or self._skip_low:  # then nothing waits in the buffer
            taken = self._skip(n)
        space = self._size - self._end
        if n - taken > space and self._first and not self._taken:
            waiting = self._end - self._first
            self.view[0:waiting] = self.view[self._first : self._end]
            self._first = 0
            self._end = waiting
            space = self._size - waiting
        size = n - taken
        if size > space:
            size = space
        if size > 0:
            start = at + taken
            if not isinstance(data, memoryview):
                data = memoryview(data)  # a slice of the view copies nothing
            self.view[self._end : self._end + size] = data[start : start + size]
            self._end += size
            taken += size
        return taken

    def next(self):
        """Return the payload type of the next whole message, MORE, BAD_VERSION or BAD_LENGTH."""
        if self._bad:
            return self._bad
        self.release()
        while True:
            buf = self.buf
            at = self._first
            have = self._end - at
            # The version is judged as soon as it is here: garbage must not sit and wait for eight
            # bytes.
            if (have > 0 and buf[at] != _VERSION) or (have > 1 and buf[at + 1] != _VERSION_INVERTED):
                self._bad = BAD_VERSION
                return BAD_VERSION
            if have < HEADER:
                return MORE
            kind = buf[at + 2] << 8 | buf[at + 3]
            high = buf[at + 4] << 8 | buf[at + 5]
            low = buf[at + 6] << 8 | buf[at + 7]
            if kind in self.types:
                if high or low > self.limit:  # refused by its header, before a byte of it is stored (R-V2GTP-02)
                    self._bad = BAD_LENGTH
                    return BAD_LENGTH
                if have < HEADER + low:
                    return MORE
                self.at = at + HEADER
                self.n = low
                self._taken = HEADER + low
                return kind
            self.skipped += 1
            self._drop(HEADER)
            self._skip_high = high
            self._skip_low = low
            self._drop(self._skip(have - HEADER))
            if self._skip_high or self._skip_low:
                return MORE

    def waiting(self):
        """Bytes in the buffer that next() has not handed out."""
        return self._end - self._first - self._taken

    def release(self):
        """Free the message that next() handed out last. Until then feed() leaves it where it is."""
        if self._taken:
            self._drop(self._taken)
            self._taken = 0

    def _drop(self, n):
        self._first += n
        if self._first == self._end:
            self._first = 0
            self._end = 0

    def _skip(self, n):
        """Count up to n bytes off the frame that is being skipped; return how many of them belong
        to it."""
        done = 0
        while done < n and (self._skip_high or self._skip_low):
            if self._skip_low == 0:
                self._skip_high -= 1
                self._skip_low = _HALF
            step = n - done
            if step > self._skip_low:
                step = self._skip_low
            self._skip_low -= step
            done += step
        return done


def write_header(out, at, payload_type, n):
    """Write the header of a payload of n bytes into out[at:at+8]; return the offset of the
    payload."""
    out[at] = _VERSION
    out[at + 1] = _VERSION_INVERTED
    out[at + 2] = payload_type >> 8
    out[at + 3] = payload_type & 0xFF
    out[at + 4] = n >> 24 & 0xFF
    out[at + 5] = n >> 16 & 0xFF
    out[at + 6] = n >> 8 & 0xFF
    out[at + 7] = n & 0xFF
    return at + HEADER
