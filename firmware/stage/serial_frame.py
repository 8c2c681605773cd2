"""Frames of the serial power stage (docs/power_stage.md, the wire): cut out of a stream of bytes,
and made. No object is made for a frame, and no number above 2**30.

    A5  length  type  seq  payload (0..64)  crc low  crc high

The CRC is CRC-16/CCITT-FALSE (polynomial 1021, start FFFF) over length, type, seq and payload.
"""

from micropython import const

BEGIN = const(0xA5)
HEAD = const(4)
MOST = const(64)  # bytes of payload
_RING = const(256)  # a power of two, above three of the longest frames
_MASK = const(255)

# Types. Of the station:
HELLO = const(0x01)
CMD = const(0x02)
CMD_AC = const(0x03)
# Of the stage:
HELLO_RES = const(0x81)
STATUS = const(0x82)
ENERGY = const(0x83)
FAULT = const(0x84)
LINES = const(0x85)


def crc16(crc, byte):
    """The CRC with one byte more."""
    crc = (crc >> 8 | crc << 8 & 0xFF00) ^ byte
    crc ^= (crc & 0xFF) >> 4
    crc ^= crc << 12 & 0xFFFF
    return crc ^ (crc & 0xFF) << 5


def seal(buf):
    """Write the CRC of a whole frame into its last two bytes."""
    crc = 0xFFFF
    for i in range(1, len(buf) - 2):
        crc = crc16(crc, buf[i])
    buf[-2] = crc & 0xFF
    buf[-1] = crc >> 8


def frame(kind, n):
    """A frame of type `kind` with room for n bytes of payload."""
    buf = bytearray(HEAD + n + 2)
    buf[0] = BEGIN
    buf[1] = n
    buf[2] = kind
    return buf


def put32(buf, at, value):
    """A number in -2**30..2**30-1 into four bytes, little endian."""
    for i in range(at, at + 4):
        buf[i] = value & 0xFF
        value >>= 8


class Cutter:
    """Bytes in, frames out. After take(): kind, seq, n, and the payload by u8, u16, s16 and s32.

    A begin that turns out to be none costs one byte, so a frame behind noise, or inside of a broken
    one, is found. errors: how often that was so.
    """

    def __init__(self):
        self.kind = self.seq = self.n = 0
        self.errors = 0
        self._ring = bytearray(_RING)
        self._at = 0  # first byte that is not used up
        self._have = 0
        self._body = 0  # first byte of the payload

    def feed(self, buf, n):
        """Take the first n bytes of buf; what does not fit any more pushes out the oldest."""
        ring = self._ring
        end = self._at + self._have
        for i in range(n):
            ring[end + i & _MASK] = buf[i]
        self._have += n
        if self._have > _RING:
            self._at = self._at + self._have - _RING & _MASK
            self._have = _RING
            self.errors += 1

    @property
    def waiting(self):
        """Bytes that are not part of a whole frame yet."""
        return self._have

    def quiet(self):
        """The line has been still for longer than any frame has gaps: what was begun is no frame."""
        if self._have:
            self._skip()

    def take(self):
        """True: a whole frame with a good CRC; its payload is there until the next call."""
        ring = self._ring
        while self._have:
            at = self._at
            if ring[at] != BEGIN:
                self._at = at + 1 & _MASK
                self._have -= 1
                continue
            if self._have < HEAD:
                return False
            n = ring[at + 1 & _MASK]
            if n > MOST:
                self._skip()
                continue
            size = HEAD + n + 2
            if self._have < size:
                return False
            crc = 0xFFFF
            for i in range(at + 1, at + HEAD + n):
                crc = crc16(crc, ring[i & _MASK])
            end = at + HEAD + n
            if crc != ring[end & _MASK] | ring[end + 1 & _MASK] << 8:
                self._skip()
                continue
            self.kind = ring[at + 2 & _MASK]
            self.seq = ring[at + 3 & _MASK]
            self.n = n
            self._body = at + HEAD
            self._at = at + size & _MASK
            self._have -= size
            return True
        return False

    def _skip(self):
        self.errors += 1
        self._at = self._at + 1 & _MASK
        self._have -= 1

    def u8(self, at):
        return self._ring[self._body + at & _MASK]

    def u16(self, at):
        return self.u8(at) | self.u8(at + 1) << 8

    def s16(self, at):
        value = self.u16(at)
        return value - 0x10000 if value & 0x8000 else value

    def s32(self, at):
        """What is beyond -2**30..2**30-1 ends there: no value of a station is as large."""
        high = self.s16(at + 2)
        if high > 0x3FFF:
            return 0x3FFFFFFF
        if high < -0x4000:
            return -0x40000000
        return high * 0x10000 + self.u16(at)
