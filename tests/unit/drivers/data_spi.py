"""SPI transcripts of a QCA7000, written by hand from the application note AN4 and the driver of
Linux: not recorded.

A transcript is a tuple of transfers, each what happens while chip select is low: (bytes to the
chip, bytes from it), in hexadecimal. Where the master only writes, the answer is left out.
"""

FRAME = "ffffffffffff 021122334455 88e1 01 6460 0000" + "5a" * 41  # 60 bytes, a management message
FRAME_2 = "021122334455 00b052aabbcc 86dd" + "a5" * 47  # 61 bytes

# Signature twice, the first one is thrown away; space of an empty buffer; stale causes; interrupts
# on.
BRING_UP = (
    ("da00 0000", "0000 5555"),
    ("da00 0000", "0000 aa55"),
    ("c200 0000", "0000 0c5b"),
    ("cc00 0000", "0000 0040"),
    ("4c00 0040", ""),
    ("4d00 0047", ""),
)

# A service that finds nothing.
IDLE = (
    ("da00 0000", "0000 aa55"),
    ("4d00 0000", ""),
    ("cc00 0000", "0000 0000"),
    ("c300 0000", "0000 0000"),
    ("4c00 0000", ""),
    ("4d00 0047", ""),
    ("c300 0000", "0000 0000"),
)

# 60 bytes: 70 with their framing.
TX = (
    ("c200 0000", "0000 0c5b"),
    ("4100 0046", ""),
    ("0000 aaaaaaaa 3c00 0000" + FRAME + "5555", ""),
)

# An interrupt with one frame of 60 bytes: 74 bytes with framing and outer length.
RX = (
    ("da00 0000", "0000 aa55"),
    ("4d00 0000", ""),
    ("cc00 0000", "0000 0001"),
    ("c300 0000", "0000 004a"),
    ("4100 004a", ""),
    ("8000" + "00" * 74, "0000 00000046 aaaaaaaa 3c00 0000" + FRAME + "5555"),
    ("4c00 0001", ""),
    ("4d00 0047", ""),
    ("c300 0000", "0000 0000"),
)

# Two frames (74 and 75 bytes) in one read, and a third that comes in before the acknowledgement: it
# makes no edge.
RX_JOINED = (
    ("da00 0000", "0000 aa55"),
    ("4d00 0000", ""),
    ("cc00 0000", "0000 0001"),
    ("c300 0000", "0000 0095"),
    ("4100 0095", ""),
    (
        "8000" + "00" * 149,
        "0000 00000046 aaaaaaaa 3c00 0000" + FRAME + "5555" + "00000047 aaaaaaaa 3d00 0000" + FRAME_2 + "5555",
    ),
    ("4c00 0001", ""),
    ("4d00 0047", ""),
    ("c300 0000", "0000 004a"),
)

# An error of the chip's transmit buffer: acknowledged, then soft reset by bit 6 of SPI_CONFIG,
# other bits kept.
WRITE_ERROR = (
    ("da00 0000", "0000 aa55"),
    ("4d00 0000", ""),
    ("cc00 0000", "0000 0004"),
    ("4c00 0004", ""),
    ("c400 0000", "0000 0001"),
    ("4400 0041", ""),
)

# Waiting for the start: nothing, nothing, CPU_ON; then bring-up.
NOT_YET = (("da00 0000", "0000 0000"),)
NOT_YET_2 = (("da00 0000", "0000 aa55"), ("cc00 0000", "0000 0000"))
CPU_ON = (("da00 0000", "0000 aa55"), ("cc00 0000", "0000 0040")) + BRING_UP

# An interrupt that says the chip restarted.
RESTARTED = (
    ("da00 0000", "0000 aa55"),
    ("4d00 0000", ""),
    ("cc00 0000", "0000 0040"),
) + BRING_UP

# A buffer that is not empty at bring-up: soft reset.
NOT_EMPTY = (
    ("da00 0000", "0000 aa55"),
    ("da00 0000", "0000 aa55"),
    ("c200 0000", "0000 0c00"),
    ("c400 0000", "0000 0000"),
    ("4400 0040", ""),
)


def octets(text):
    text = text.replace(" ", "")
    return bytes([int(text[i : i + 2], 16) for i in range(0, len(text), 2)])


class Transcript:
    """An SPI with chip select that knows what comes. `add()` transcripts; `finished` when all of it
    happened.

    strict=False answers by the transcript but takes whatever the master sends.
    """

    def __init__(self, *transcripts, strict=True):
        self._list = []
        self._at = None
        self._strict = strict
        for transcript in transcripts:
            self.add(transcript)

    def add(self, transcript):
        for out, back in transcript:
            out, back = octets(out), octets(back)
            self._list.append((out, back + bytes(len(out) - len(back))))

    @property
    def finished(self):
        return not self._list and self._at is None

    def cs(self, level):
        if level == 0:
            assert self._at is None, "selected twice"
            self._at = 0
            if self._strict:
                assert self._list, "a transfer too many"
        else:
            assert self._at is not None, "released twice"
            if self._strict:
                assert self._at == len(self._list[0][0]), "transfer of %d bytes" % self._at
            self._at = None
            if self._list:
                self._list.pop(0)

    def write(self, buf):
        for byte in buf:
            self._byte(byte)

    def readinto(self, buf, fill):
        for i in range(len(buf)):
            buf[i] = self._byte(fill)

    def _byte(self, mosi):
        at = self._at
        assert at is not None, "a byte without chip select"
        self._at = at + 1
        if not self._strict:
            back = self._list[0][1] if self._list else b""
            return back[at] if at < len(back) else 0
        out, back = self._list[0]
        assert at < len(out), "a byte too many"
        assert out[at] == mosi, "byte %d: %02x sent, %02x expected" % (at, mosi, out[at])
        return back[at]


class Irq:
    def __init__(self):
        self.fired = False


class Dice:
    """rand(n) -> n bytes, the same on every runtime."""

    def __init__(self, seed):
        self._state = seed & 0x3FFF

    def number(self, n):
        self._state = (self._state * 20077 + 12345) & 0x3FFF
        high = self._state
        self._state = (self._state * 20077 + 12345) & 0x3FFF
        return ((high << 14 | self._state) >> 3) % n

    def __call__(self, n):
        return bytes([self.number(256) for _ in range(n)])
