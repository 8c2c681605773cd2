"""Frames of Modbus RTU: requests, whose bytes are made once, and the search for their answers.

Source: Modbus over Serial Line V1.02, Modbus Application Protocol V1.1b3. The length of an answer
follows from the request, so the parser goes by length; silence is only needed to begin anew. What
does not fit is dropped byte by byte until something does: noise in front of an answer, the frame of
another slave, an answer of the wrong length. The echo of half duplex (a receiver that hears its own
transmitter) is dropped once.
"""

from micropython import const

READ_HOLDING = const(3)
READ_INPUT = const(4)
WRITE = const(16)

MAX_COUNT = const(60)  # registers of an answer: 30 values of two, what the smallest of the meters gives

# Verdicts of put().
MORE = const(0)
GOOD = const(1)
EXCEPTION = const(2)

_READ_MORE = const(5)  # address, function, number of bytes; CRC
_EXCEPTION_SIZE = const(5)
_WRITE_SIZE = const(8)
_COUNT_MASK = const(0x3FFFFFFF)
_BUFFER = const(256)  # an answer that is not whole yet and a chunk fit

# CRC of half bytes, polynomial A001: high bytes, low bytes. No tuple of numbers: those above 8191 in
# a constant of a frozen module are objects of the heap's kind, and each step would make a new one.
_HIGH = b"\x00\xcc\xd8\x14\xf0\x3c\x28\xe4\xa0\x6c\x78\xb4\x50\x9c\x88\x44"
_LOW = b"\x00\x01\x01\x00\x01\x00\x00\x01\x01\x00\x00\x01\x00\x01\x01\x00"


def crc16(buf, at, n):
    """CRC of n bytes from `at` on; its low byte goes out first."""
    crc = 0xFFFF
    for i in range(at, at + n):
        byte = buf[i]
        half = (crc ^ byte) & 15
        crc = crc >> 4 ^ (_HIGH[half] << 8 | _LOW[half])
        half = (crc ^ byte >> 4) & 15
        crc = crc >> 4 ^ (_HIGH[half] << 8 | _LOW[half])
    return crc


class Request:
    """A question to one slave: function READ_HOLDING, READ_INPUT or WRITE, `count` registers from
    `register` on. frame: its bytes. size: those of its answer.

    timeout_ms: between its last byte and the answer's. gap_ms: what the slave needs before the next
    request. tries: how often it is sent before it has failed.
    """

    def __init__(self, address, function, register, count=1, timeout_ms=200, gap_ms=0, tries=2):
        if not 0 < count <= MAX_COUNT:
            raise ValueError("count")
        self.timeout_ms = timeout_ms
        self.gap_ms = gap_ms
        self.tries = tries
        self.count = count
        writes = function == WRITE
        self.size = _WRITE_SIZE if writes else _READ_MORE + 2 * count
        self.frame = frame = bytearray(9 + 2 * count if writes else 8)
        frame[0] = address
        frame[1] = function
        frame[4] = count >> 8
        frame[5] = count & 0xFF
        if writes:
            frame[6] = 2 * count
        self.aim(register)

    @property
    def register(self):
        return self.frame[2] << 8 | self.frame[3]

    def read(self, register, count):
        """Ask for these, not with a WRITE."""
        self.count = count
        self.size = _READ_MORE + 2 * count
        self.frame[5] = count
        self.aim(register)

    def aim(self, register, value=0):
        """From this register on; of a WRITE all registers get this value."""
        frame = self.frame
        frame[2] = register >> 8
        frame[3] = register & 0xFF
        end = len(frame) - 2
        for i in range(7, end, 2):
            frame[i] = value >> 8 & 0xFF
            frame[i + 1] = value & 0xFF
        crc = crc16(frame, 0, end)
        frame[end] = crc & 0xFF
        frame[end + 1] = crc >> 8


class Answer:
    """Looks for the answer of one request in what is received. expect() and put() allocate nothing.

    code: of an EXCEPTION. broken: something looked like the answer and had a wrong CRC.
    bad_crc, noise, echoes: so often since the start; noise in bytes.
    """

    def __init__(self):
        self.code = 0
        self.broken = False
        self.bad_crc = self.noise = self.echoes = 0
        self._buf = bytearray(_BUFFER)
        self._at = self._end = 0
        self._data = 0  # where the registers of the answer are
        self._request = None
        self._echo = False  # it may still come

    def expect(self, request):
        """From now on the answer of this request; what was there before is dropped."""
        self.noise = self.noise + self._end - self._at & _COUNT_MASK
        self._at = self._end = 0
        self._request = request
        self._echo = True
        self.broken = False

    def put(self, chunk, n):
        """Take n bytes (at most 64): MORE, GOOD (u16(), s16(), u32() read it) or EXCEPTION (`code`).
        What stands behind an answer is dropped by the next expect()."""
        buf = self._buf
        if self._end + n > len(buf):
            for i in range(self._at, self._end):
                buf[i - self._at] = buf[i]
            self._end -= self._at
            self._at = 0
        end = self._end
        for i in range(n):
            buf[end + i] = chunk[i]
        self._end = end + n
        return self._look()

    def u16(self, i):
        """Register i of the answer."""
        at = self._data + 2 * i
        return self._buf[at] << 8 | self._buf[at + 1]

    def s16(self, i):
        value = self.u16(i)
        return value - 0x10000 if value & 0x8000 else value

    def u32(self, i):
        """Registers i and i + 1, high word first; from 2**30 on an object of the heap."""
        return self.u16(i) << 16 | self.u16(i + 1)

    def _look(self):
        buf = self._buf
        frame = self._request.frame
        size = self._request.size
        while self._at < self._end:
            at = self._at
            n = self._end - at
            may_be = False
            if self._echo:
                same = 0
                while same < n and same < len(frame) and buf[at + same] == frame[same]:
                    same += 1
                if same == len(frame):
                    self._echo = False
                    self.echoes = self.echoes + 1 & _COUNT_MASK
                    self._at = at + same
                    continue
                may_be = same == n
            kind = self._kind(at, n)
            if kind:
                need = size if kind == GOOD else _EXCEPTION_SIZE
                if n < need:
                    return MORE
                crc = crc16(buf, at, need - 2)
                if buf[at + need - 2] == crc & 0xFF and buf[at + need - 1] == crc >> 8:
                    self._data = at + 3
                    self._at = at + need
                    self.code = buf[at + 2]
                    return kind
                if not may_be:
                    self.broken = True
                    self.bad_crc = self.bad_crc + 1 & _COUNT_MASK
            if may_be:
                return MORE
            self._at = at + 1
            self.noise = self.noise + 1 & _COUNT_MASK
        self._at = self._end = 0
        return MORE

    def _kind(self, at, n):
        """What the n bytes from `at` on may become: GOOD, EXCEPTION, or 0 nothing."""
        buf = self._buf
        frame = self._request.frame
        if buf[at] != frame[0]:
            return 0
        if n > 1 and buf[at + 1] == frame[1] | 0x80:
            return EXCEPTION
        if n > 1 and buf[at + 1] != frame[1]:
            return 0
        if frame[1] != WRITE:
            return GOOD if n < 3 or buf[at + 2] == 2 * self._request.count else 0
        for i in range(2, min(n, 6)):
            if buf[at + i] != frame[i]:
                return 0
        return GOOD
