"""QCA7000 on SPI, the part without a wire: registers, command words, framing, and the decoder of
what it sends.

Sources: application note AN4 of I2SE (QCA7000 SPI/UART protocol, revision 5) and the driver qca_spi
of Linux.

    command   bit 15 read, bit 14 internal register (0 = frame buffer), bits 13..0 register; big-endian, as are values
    to chip   AA AA AA AA | n LE16 | 00 00 | frame of n bytes | 55 55
    from it   n + 10 BE32 | AA AA AA AA | n LE16 | 2 reserved | frame of n bytes | 55 55

The outer length is big-endian and the inner one little-endian.
"""

from micropython import const

# Registers.
BFR_SIZE = const(0x0100)  # bytes of the next transfer of the frame buffer; must be exact
WRBUF_SPC_AVA = const(0x0200)
RDBUF_BYTE_AVA = const(0x0300)
SPI_CONFIG = const(0x0400)
INTR_CAUSE = const(0x0C00)  # a 1 written clears the bit
INTR_ENABLE = const(0x0D00)
SIGNATURE = const(0x1A00)

SIGNATURE_VALUE = const(0xAA55)
SLAVE_RESET = const(0x0040)  # in SPI_CONFIG

# Bits of INTR_CAUSE and INTR_ENABLE.
PKT_AVLBL = const(0x0001)
RDBUF_ERR = const(0x0002)
WRBUF_ERR = const(0x0004)
ADDR_ERR = const(0x0008)
CPU_ON = const(0x0040)

READ = const(0xC0)  # first byte of the command for an internal register, together with the register's high byte
WRITE = const(0x40)
READ_BUFFER = b"\x80\x00"

WRBUF_EMPTY = const(0x0C5B)  # WRBUF_SPC_AVA of an empty buffer; more than that is a damaged read
RDBUF_MAX = const(0x0C5F)  # as much for RDBUF_BYTE_AVA: the buffer and the 4 bytes that the hardware puts in front

FRAME_MIN = const(60)
FRAME_MAX = const(1518)
TX_FRAMING = const(10)  # bytes around a frame to the chip
TX_OVERHEAD = const(4)  # what the chip needs in its buffer on top

TX_HEAD = const(10)  # write_head(): command and framing before the frame

# Reasons of Decoder.drops.
GARBAGE = const(0)  # bytes that begin no frame
BAD_LENGTH = const(1)  # a start with lengths that differ, or that no frame has
BAD_END = const(2)  # no 55 55 behind the frame
CUT = const(3)  # a new frame where the rest of another one should be
DECODER_DROP_NAMES = ("garbage", "bad length", "bad end", "cut")

LEAD = const(12)  # Decoder.burst: where new bytes go

_RX_HEAD = const(12)
_END = const(0x55)
_COUNT_MASK = const(0x3FFFFFFF)


def write_head(out, n):
    """Command word and framing of a frame of n bytes into out[0:10]; the frame follows, then
    write_end()."""
    out[0] = out[1] = 0
    out[2] = out[3] = out[4] = out[5] = 0xAA
    out[6] = n & 0xFF
    out[7] = n >> 8
    out[8] = out[9] = 0


def write_end(out, n):
    """Framing behind a frame of n bytes; returns the bytes of the whole transfer, command
    included."""
    out[TX_HEAD + n] = out[TX_HEAD + n + 1] = _END
    return TX_HEAD + n + 2


def head(buf, at):
    """Length of the frame whose 12 bytes of framing begin at buf[at]; 0 = none begins here, -1 =
    bad lengths."""
    if buf[at] or buf[at + 1]:
        return 0
    if buf[at + 4] != 0xAA or buf[at + 5] != 0xAA or buf[at + 6] != 0xAA or buf[at + 7] != 0xAA:
        return 0
    n = buf[at + 8] | buf[at + 9] << 8
    if n < FRAME_MIN or n > FRAME_MAX or buf[at + 2] << 8 | buf[at + 3] != n + TX_FRAMING:
        return -1
    return n


class Decoder:
    """Cuts what was read from the chip into frames. A frame may straddle reads; after damage it
    looks for the next one.

    The reader puts n bytes to burst[LEAD:LEAD + n] and calls feed(n) when `waiting` is False, then
    next() until it returns 0. drops: a list that is counted in, by reason, once per loss of the
    borders.
    """

    def __init__(self, drops):
        self.burst = bytearray(LEAD + RDBUF_MAX)
        self.frame = bytearray(FRAME_MAX + 4)  # the last frame; the two bytes behind it may come along
        self.drops = drops
        self.reset()

    def reset(self):
        """Forget everything that was fed."""
        self.waiting = False  # next() may have more
        self._at = LEAD
        self._end = LEAD
        self._size = 0  # of a frame that goes on in the next burst
        self._got = 0  # of that frame, with the end
        self._lost = False

    def feed(self, n):
        """n bytes, at most RDBUF_MAX, lie at burst[LEAD:]."""
        self._end = LEAD + n
        self.waiting = True
        # The chip shows whole frames as a rule. Where a burst begins like one, the open frame will
        # never end: without this it would swallow all that fits into the length it claimed.
        if self._size and n >= _RX_HEAD and head(self.burst, LEAD) > 0:
            self._drop(CUT)
            self._size = 0

    def next(self):
        """Length of the next frame, which lies in `frame`; 0 = nothing until the next burst."""
        if not self.waiting:
            return 0
        if self._size:
            n = self._finish()
            if n:
                return n
        burst = self.burst
        at = self._at
        end = self._end
        while end - at >= _RX_HEAD:
            reason = GARBAGE
            n = 0 if burst[at] else head(burst, at)
            if n > 0:
                body = at + _RX_HEAD
                if end - body < n + 2:
                    self._begin(n, body)
                    at = end
                    break
                # Checked before anything is copied: many false starts in one burst cost no more
                # than their heads.
                if burst[body + n] == _END and burst[body + n + 1] == _END:
                    frame = self.frame
                    for i in range(n):
                        frame[i] = burst[body + i]
                    self._lost = False
                    self._at = body + n + 2
                    return n
                reason = BAD_END
            elif n < 0:
                reason = BAD_LENGTH
            self._drop(reason)
            at += 1
        self._keep(at, end)
        return 0

    def _keep(self, at, end):
        """Move the last bytes in front of the next burst: they may begin a frame."""
        keep = end - at
        burst = self.burst
        for i in range(keep):
            burst[LEAD - keep + i] = burst[at + i]
        self._at = LEAD - keep
        self._end = LEAD
        self.waiting = False

    def _begin(self, n, body):
        self._size = n
        self._got = 0
        self._take(body, self._end - body)

    def _take(self, at, n):
        frame = self.frame
        burst = self.burst
        got = self._got
        for i in range(n):
            frame[got + i] = burst[at + i]
        self._got = got + n

    def _finish(self):
        """Go on with the frame that the last burst began: its length, or 0 = not complete or not
        good."""
        n = self._size
        rest = min(n + 2 - self._got, self._end - self._at)
        self._take(self._at, rest)
        self._at += rest
        if self._got < n + 2:
            return 0
        self._size = 0
        if self.frame[n] == _END and self.frame[n + 1] == _END:
            self._lost = False
            return n
        self._drop(BAD_END)
        return 0

    def _drop(self, reason):
        if not self._lost:
            self._lost = True
            self.drops[reason] = self.drops[reason] + 1 & _COUNT_MASK
