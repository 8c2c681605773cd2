"""QCA7000 as its SPI master sees it, byte by byte, around a modem (twin/modem.py).

Written from application note AN4 of I2SE and Linux' qca_spi, with numbers of its own: the driver
must not be checked against itself. Only burst mode: one chip select for a command and its data.
"""

from firmware.clock import sooner, ticks_add, ticks_diff

BUFFER = 3163  # bytes, one buffer each way
HARDWARE = 4  # bytes that a frame takes besides its framing

R_BFR_SIZE = 0x01
R_WRBUF_SPACE = 0x02
R_RDBUF_BYTES = 0x03
R_CONFIG = 0x04
R_STATUS = 0x05
R_CAUSE = 0x0C
R_ENABLE = 0x0D
R_RDBUF_MARK = 0x12
R_WRBUF_MARK = 0x13
R_SIGNATURE = 0x1A
R_ACTION = 0x1B

I_PACKET = 1 << 0
I_READ_ERROR = 1 << 1
I_WRITE_ERROR = 1 << 2
I_ADDRESS_ERROR = 1 << 3
I_CPU_ON = 1 << 6

# Kinds of damage() to a frame in the read buffer.
CUT = 0  # its second half is missing
OVERSIZE = 1  # 1600 bytes
GARBAGE = 2  # foreign bytes before it
LENGTHS = 3  # outer and inner length differ
NO_END = 4  # other bytes than 55 55
NO_START = 5  # one of the AA is wrong
SPLIT = 6  # its second half comes 5 ms later
JOINED = 7  # it waits for the frame after it and comes with that one in one read


class Irq:
    """What an interrupt handler of the board sets."""

    def __init__(self):
        self.fired = False


class QcaSpi:
    """modem: the chip's firmware; it is polled from here. rand(n) -> n bytes, for noise.

    write(), readinto(), write_readinto() and cs() as of machine.SPI and machine.Pin; `irq` for the
    driver. Settings: drain_ms (transmission of a frame), enable_after_boot (INTR_ENABLE, which no
    source tells). Faults: stuck (None, 0x00, 0xFF or "noise": what the master reads) for the next
    stuck_for transfers; lose_edges (that many rising edges of INT are not seen); hold (True =
    nothing is sent to the line); damage(kind); raise_cause(bits). Counters: transfers, violations
    (what a master must not do; every one also makes an error interrupt), boots.
    """

    def __init__(self, modem, rand):
        self.modem = modem
        self.irq = Irq()
        self.drain_ms = 1
        self.enable_after_boot = I_CPU_ON
        self.stuck = None
        self.stuck_for = 0
        self.lose_edges = 0
        self.hold = False
        self.transfers = 0
        self.violations = 0
        self.boots = 0
        self._rand = rand
        self._now = 0
        self._booting = modem.booting
        self._damage = []
        self._selected = False
        self._clear()
        self._cause = I_CPU_ON

    def _clear(self):
        self._size = 0
        self._config = 0
        self._marks = {R_RDBUF_MARK: 0, R_WRBUF_MARK: 0, R_ACTION: 0}
        self._cause = 0
        self._enable = self.enable_after_boot
        self._int = False
        self._first = True  # the first read after a start is wrong
        self._in = bytearray()  # to the master
        self._late = b""
        self._late_at = None
        self._held = b""  # a frame that waits for the next one
        self._frame = None  # of the modem, without room in self._in
        self._out = []  # frames to the line
        self._used = 0
        self._drain_at = None
        self._index = 0
        self._command = 0
        self._value = 0
        self._data = bytearray()

    # -- time

    def start(self, now):
        self._now = now
        self.modem.start(now)

    @property
    def due(self):
        due = sooner(self.modem.due, self._late_at)
        if not self.hold:
            due = sooner(due, self._drain_at)
        if self.modem.waiting and self._frame is None and not self._late:
            due = sooner(due, self._now)
        return due

    def poll(self, now):
        self._now = now
        modem = self.modem
        modem.poll(now)
        self._follow_boot()
        if self._booting:
            return
        if self._drain_at is not None and not self.hold and ticks_diff(now, self._drain_at) >= 0:
            frame = self._out.pop(0)
            self._used -= len(frame) + 10 + HARDWARE
            self._drain_at = ticks_add(now, self.drain_ms) if self._out else None
            modem.host_rx(frame, len(frame), now)
        if self._late_at is not None and ticks_diff(now, self._late_at) >= 0:
            self._in.extend(self._late)
            self._late = b""
            self._late_at = None
            self.raise_cause(I_PACKET)
        while not self._late and self._fetch():
            pass

    def reboot(self, now):
        """Power-on of the modem."""
        self.modem.reboot(now)
        self._follow_boot()

    def _follow_boot(self):
        """The modem restarts by itself too, as after a new key."""
        if self.modem.booting and not self._booting:
            self._booting = True
            self.boots += 1
            self._clear()
        elif self._booting and not self.modem.booting:
            self._booting = False
            self.raise_cause(I_CPU_ON)

    # -- frames to the master

    def damage(self, kind):
        """Spoil the next frame that goes into the read buffer; more than one call: the frames after
        it."""
        self._damage.append(kind)

    def _fetch(self):
        """One frame of the modem into the read buffer; False = there is none, or no room."""
        if self._frame is None:
            self._frame = self.modem.host_next()
        if self._frame is None or len(self._in) + len(self._frame) + 14 > BUFFER:
            return False
        data = self._framed(self._frame)
        self._frame = None
        if data:
            self._in.extend(data)
            self.raise_cause(I_PACKET)
        return True

    def _framed(self, frame):
        kind = self._damage.pop(0) if self._damage else None
        if kind == OVERSIZE:
            frame = frame + bytes(1600 - len(frame))
        n = len(frame)
        outer = n + (11 if kind == LENGTHS else 10)
        start = b"\xaa\xaa\x2a\xaa" if kind == NO_START else b"\xaa\xaa\xaa\xaa"
        end = b"\x55\x54" if kind == NO_END else b"\x55\x55"
        data = bytes((0, 0, outer >> 8, outer & 255)) + start + bytes((n & 255, n >> 8, 0, 0)) + frame + end
        if kind == CUT:
            data = data[: len(data) // 2]
        elif kind == GARBAGE:
            data = b"\x00\x00\x00\x46\xaa\xaa\x00" + self._rand(30) + data
        elif kind == JOINED:
            self._held = data
            return b""
        elif kind == SPLIT:
            self._late = data[len(data) // 2 :]
            self._late_at = ticks_add(self._now, 5)
            data = data[: len(data) // 2]
        if self._held:
            data = self._held + data
            self._held = b""
        return data

    # -- interrupt line

    @property
    def int_level(self):
        """Level of the INT line, active high."""
        return self._int

    def raise_cause(self, bits):
        """Set bits of INTR_CAUSE as the chip does."""
        self._cause |= bits
        self._line()

    def _line(self):
        level = bool(self._cause & self._enable)
        if level and not self._int:
            if self.lose_edges:
                self.lose_edges -= 1
            else:
                self.irq.fired = True
        self._int = level

    def _violation(self, bits):
        self.violations += 1
        self.raise_cause(bits)

    # -- SPI

    def cs(self, level):
        """Chip select, low active."""
        if not level:
            self._selected = True
            self._index = 0
            self._command = 0
            self._data = bytearray()
            self.transfers += 1
        elif self._selected:
            self._selected = False
            if self._index >= 2 and not self._booting:
                self._end()
            if self.stuck_for:
                self.stuck_for -= 1
                if not self.stuck_for:
                    self.stuck = None

    def write(self, buf):
        i = self._index
        if not self._selected or self._booting or self.stuck is not None or i == 1 or (not i and len(buf) < 2):
            for byte in buf:
                self._byte(byte)
            return
        # As byte by byte, in one go: 10,000 plug-ins go through here.
        self._index = i + len(buf)
        if not i:
            self._command = buf[0] << 8 | buf[1]
            if self._command & 0xC000 == 0xC000:
                self._value = self._register(self._command >> 8 & 0x3F)
            buf = buf[2:]
        if not self._command & 0x8000 and len(self._data) < BUFFER + 10:
            self._data.extend(buf)

    def readinto(self, buf, fill=0):
        at = self._index - 2
        n = len(buf)
        plain = self._selected and not self._booting and self.stuck is None and at >= 0
        if plain and self._command == 0x8000 and at + n <= self._size and at + n <= len(self._in):
            self._index += n
            buf[:] = self._in[at : at + n]
            return
        for i in range(n):
            buf[i] = self._byte(fill)

    def write_readinto(self, out, buf):
        for i in range(len(out)):
            buf[i] = self._byte(out[i])

    def ahead(self):
        """(literal bytes, number, fill): the next MISO bytes of this transfer, or of the next one,
        whatever the master sends in the meantime; behind the literal ones `number` of value `fill`.
        Empty where a byte depends on what comes. For a bus that moves bytes in bulk; it changes
        nothing and is true until the next poll(), cs() or fault."""
        if self.stuck is not None:
            return (b"", 0, 0) if self.stuck == "noise" else (b"", BUFFER, self.stuck)
        i = self._index if self._selected else 0
        if i < 2:
            return b"", 2 - i, 0
        if self._booting:
            return b"", BUFFER, 0
        if self._command == 0x8000:
            return bytes(self._in[i - 2 : min(self._size, len(self._in))]), BUFFER, 0
        if self._command & 0xC000 == 0xC000:
            value = bytes((self._value >> 8, self._value & 0xFF))
            return value[i - 2 :], BUFFER, self._value & 0xFF
        return b"", BUFFER, 0

    def _byte(self, mosi):
        if not self._selected:
            return 0xFF
        miso = self._clock(mosi)
        if self.stuck is None:
            return miso
        return self._rand(1)[0] if self.stuck == "noise" else self.stuck

    def _clock(self, mosi):
        i = self._index
        self._index = i + 1
        if i < 2:
            self._command = self._command << 8 | mosi
            if i == 1 and self._command & 0xC000 == 0xC000:
                self._value = self._register(self._command >> 8 & 0x3F)
            return 0
        if self._booting:
            return 0
        if self._command == 0x8000:
            i -= 2
            return self._in[i] if i < self._size and i < len(self._in) else 0
        if self._command & 0xC000 == 0xC000:
            return self._value >> 8 if i == 2 else self._value & 0xFF
        if len(self._data) < BUFFER + 10:
            self._data.append(mosi)
        return 0

    def _register(self, r):
        if self._booting:
            return 0
        if r == R_SIGNATURE:
            good = not self._first
            self._first = False
            return 0xAA55 if good else 0x5500
        self._first = False
        if r == R_WRBUF_SPACE:
            return BUFFER - self._used
        if r == R_RDBUF_BYTES:
            return len(self._in)
        if r == R_BFR_SIZE:
            return self._size
        if r == R_CONFIG:
            return self._config
        if r == R_STATUS:
            return 0
        if r == R_CAUSE:
            return self._cause
        if r == R_ENABLE:
            return self._enable
        if r in self._marks:
            return self._marks[r]
        self._violation(I_ADDRESS_ERROR)
        return 0

    def _end(self):
        """Chip select is released: carry out the command."""
        command = self._command
        if command & 0xC000 == 0xC000:
            return
        if command & 0x4000:
            if len(self._data) == 2 and not command & 0x00FF:
                self._set(command >> 8 & 0x3F, self._data[0] << 8 | self._data[1])
            else:
                self._violation(I_ADDRESS_ERROR)
        elif command == 0x8000:
            self._read_end(self._index - 2)
        elif command == 0x0000:
            self._write_end()
        else:
            self._violation(I_ADDRESS_ERROR)

    def _set(self, r, value):
        if r == R_BFR_SIZE:
            self._size = value
        elif r == R_CAUSE:
            self._cause &= ~value
        elif r == R_ENABLE:
            self._enable = value
        elif r == R_CONFIG:
            self._config = value
            if value & 0x40:
                self.reboot(self._now)
                return
        elif r in self._marks:
            self._marks[r] = value
        else:
            self._violation(I_ADDRESS_ERROR)
        self._line()

    def _read_end(self, n):
        size = self._size
        self._size = 0
        if n != size or not size or size > len(self._in):
            self._violation(I_READ_ERROR)
        self._in = self._in[min(n, size) :]
        if self._frame is not None:
            self._fetch()

    def _write_end(self):
        data = self._data
        size = self._size
        self._size = 0
        n = data[4] | data[5] << 8 if len(data) > 10 else 0
        good = (
            size == len(data) == n + 10
            and 60 <= n <= 1522
            and data[:4] == b"\xaa\xaa\xaa\xaa"
            and data[6:8] == b"\x00\x00"
            and data[n + 8 :] == b"\x55\x55"
            and size + HARDWARE <= BUFFER - self._used
        )
        if not good:
            self._violation(I_WRITE_ERROR)
            return
        self._out.append(bytes(data[8 : n + 8]))
        self._used += size + HARDWARE
        if self._drain_at is None:
            self._drain_at = ticks_add(self._now, self.drain_ms)
