"""MCP2515 CAN controller on SPI: frames of 29 bits and 8 bytes in and out, and a way back from
everything that chip and bus may do.

Source: Microchip DS20001801; instructions and registers have its names. The board makes the SPI
(mode 0 or 3, at most 10 MHz, MSB first) and an input for INT, which is low while the chip asks for
service: a level, so nothing is lost by looking later.

    PAUSE   reset the chip at the next `due`
    RESET   its oscillator starts
    JOIN    set up and read back; it waits for 11 recessive bits on the bus
    READY   frames pass
    OFF     before start() and after stop()

One transmit buffer only: of two with equal priority the chip sends the higher number first, and
the order of set-point and mode is ours. Not one-shot: a frame that lost the arbitration or was
damaged goes out again at once by itself; but one that has not left after 50 ms is taken back, so
that no old set-point goes out when the bus returns. Without another station on the bus nothing is
acknowledged and the chip never goes bus off: "nobody there" is seen by frames that do not leave
(`unsent`), and by silence.
"""

from firmware.clock import ticks_add, ticks_diff
from micropython import const

# Events.
UP = 1  # set up, on the bus
DOWN = 2  # bus off, lost its settings or does not answer: what was on its way is lost
OVERFLOW = 3  # a received frame found no room: treat it as a loss of communication

OFF = 0
PAUSE = 1
RESET = 2
JOIN = 3
READY = 4
STATE_NAMES = ("off", "pause", "reset", "join", "ready")

# (crystal MHz, kbit/s): CNF1, CNF2, CNF3. 16 quanta a bit, sampled at 75 %; 8 MHz and 500: 8 quanta.
_TIMING = {
    (16, 125): (0x03, 0xAC, 0x03),
    (16, 250): (0x01, 0xAC, 0x03),
    (16, 500): (0x00, 0xAC, 0x03),
    (8, 125): (0x01, 0xAC, 0x03),
    (8, 250): (0x00, 0xAC, 0x03),
    (8, 500): (0x00, 0x91, 0x01),
}

_CMD_RESET = const(0xC0)
_CMD_READ = const(0x03)
_CMD_WRITE = const(0x02)
_CMD_MODIFY = const(0x05)
_CMD_LOAD_TX = const(0x40)
_CMD_SEND = const(0x81)
_CMD_READ_RX0 = const(0x90)
_CMD_READ_RX1 = const(0x94)

_CANSTAT = const(0x0E)
_CANCTRL = const(0x0F)
_RXM0 = const(0x20)
_CNF3 = const(0x28)
_CANINTE = const(0x2B)
_TXB0CTRL = const(0x30)
_RXB0CTRL = const(0x60)
_RXB1CTRL = const(0x70)
_FILTERS = (0x00, 0x04, 0x08, 0x10, 0x14, 0x18)

# CANCTRL: mode, and bits that a data line without a chip does not read as (CLKEN, CLKPRE).
_AFTER_RESET = const(0x87)
_NORMAL = const(0x07)
_ABORT = const(0x10)
_MODE = const(0xE0)
_CONFIGURATION = const(0x80)

_INTERRUPTS = const(0x23)  # error, RX1, RX0
_RX0IF = const(0x01)
_RX1IF = const(0x02)
_ERRIF = const(0x20)
_OVERFLOWS = const(0xC0)
_BUS_OFF = const(0x20)
_TXREQ = const(0x08)
_ABORTED = const(0x40)
_ROLL_OVER = const(0x04)

_LOOK_MS = const(50)  # without an interrupt: is it still the chip that was set up?
_WAIT_MS = const(10)  # while something is on its way
_START_MS = const(10)  # oscillator
_JOIN_MS = const(100)  # 11 bits are 0.1 ms; a bus that is never recessive
_UNSENT_MS = const(50)
_BACKOFF_MS = const(250)
_BACKOFF_MAX_MS = const(4000)
_SLOTS = const(4)
_COUNT_MASK = const(0x3FFFFFFF)


def _small(n):
    """A number above 2**13 in a frozen tuple is an object, and each operation on one takes heap: the
    same as a small int."""
    b = n.to_bytes(4, "big")
    return b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]


class Mcp2515:
    """spi: write(buf), readinto(buf, fill) as machine.SPI. cs: callable, cs(0) selects. int_pin:
    callable, 0 while the chip asks for service; None = polling. crystal_mhz: 8 or 16; kbit: 125,
    250 or 500. mask, idents: identifiers (29 bits) that are let in, six at most; where the mask has
    a 0 the bit does not count. Nothing else leaves the chip.

    poll(), send(), recv() and event() allocate nothing. Public: `up`, `state`; `ident` and `data`
    (8 bytes) of the frame that recv() has fetched; `idle` (the last frame has left). Counters:
    overflows, bus_offs, unsent (frames taken back), resets, bad (no chip, or one that is not set up
    as it should be)."""

    def __init__(self, spi, cs, int_pin, crystal_mhz, kbit, mask, idents, trace=None):
        self.up = False
        self.state = OFF
        self.ident = 0
        self.data = bytearray(8)
        self.idle = True
        self.overflows = self.bus_offs = self.unsent = self.resets = self.bad = 0
        self._spi = spi
        self._cs = cs
        self._int = int_pin
        self._timing = _TIMING[crystal_mhz, kbit]
        self._accept = (_small(mask), [_small(ident) for ident in idents])
        self._trace = trace
        self._one = bytearray(1)
        self._two = bytearray(2)
        self._four = bytearray(4)
        self._six = bytearray(6)
        self._command = bytearray(2)
        self._setting = bytearray(3)
        self._out = bytearray(14)
        self._slots = [bytearray(13) for _ in range(_SLOTS)]
        self._first = self._held = 0  # oldest slot, number of them that are full
        self._due = None
        self._polled_at = 0
        self._since = 0  # of the state
        self._sent_at = 0
        self._tries = 0
        self._told_up = self._went_down = self._overflow = self._taken_back = False

    # -- the machine

    def start(self, now):
        self._tries = 0
        self._polled_at = now
        self._go(PAUSE, now, now)

    def stop(self, now):
        """Off the bus: the chip is left in its reset state."""
        if self.state != OFF:
            self._reset()
        self._go(OFF, now, None)

    @property
    def due(self):
        """Tick of the next poll; INT makes it due at once. None before start()."""
        if self.state == READY and self._int is not None and not self._int() and self._held < _SLOTS:
            return self._polled_at
        return self._due

    def poll(self, now):
        """Look after the chip; up to two frames come in."""
        self._polled_at = now
        if self.state == READY:
            asks = self._int is None or not self._int()
            if asks or not self.idle or ticks_diff(now, self._due) >= 0:
                self._serve(now)
        elif self._due is not None and ticks_diff(now, self._due) >= 0:
            if self.state == PAUSE:
                self._reset()
                self._go(RESET, now, ticks_add(now, _START_MS))
            elif self.state == RESET:
                self._set_up(now)
            else:
                self._join(now)

    def recv(self):
        """True: the next frame is in `ident` and `data`. Only whole ones of 29 bits and 8 bytes."""
        while self._held:
            slot = self._slots[self._first]
            self._first = (self._first + 1) % _SLOTS
            self._held -= 1
            if slot[1] & 0x08 and slot[4] == 8:
                self.ident = slot[0] << 21 | (slot[1] & 0xE0) << 13 | (slot[1] & 3) << 16 | slot[2] << 8 | slot[3]
                data = self.data
                for i in range(8):
                    data[i] = slot[5 + i]
                return True
        return False

    def send(self, ident, data, now):
        """Hand over a frame with the 8 bytes of data; False = not now, the one before has not left
        or the bus is not there."""
        if not self.up or not self.idle:
            return False
        out = self._out
        out[0] = _CMD_LOAD_TX
        _put_ident(out, 1, ident)
        out[5] = 8
        for i in range(8):
            out[6 + i] = data[i]
        self._write(out)
        self._one[0] = _CMD_SEND
        self._write(self._one)
        self.idle = False
        self._sent_at = now
        self._due = ticks_add(now, _WAIT_MS)
        return True

    def event(self):
        """DOWN, OVERFLOW, UP or 0. An UP that is over already is not told."""
        if self._went_down:
            self._went_down = self._told_up = False
            return DOWN
        if self._overflow:
            self._overflow = False
            return OVERFLOW
        if self.up and not self._told_up:
            self._told_up = True
            return UP
        return 0

    def counters(self):
        """[(name, value)] since boot."""
        names = ("overflows", "bus_offs", "unsent", "resets", "bad")
        return [("can." + name, getattr(self, name)) for name in names]

    # -- states

    def _go(self, state, now, due):
        if state != READY and self._told_up:
            self._went_down = True
        if state != self.state and self._trace is not None:
            self._trace.note(now, "can " + STATE_NAMES[state])
        if state != READY:
            self._held = 0
            self.idle = True
            self._taken_back = False
        self.state = state
        self.up = state == READY
        self._since = now
        self._due = due

    def _again(self, now):
        """Reset the chip after a pause, 250 ms doubled up to 4 s."""
        pause_ms = _BACKOFF_MS << self._tries if self._tries < 4 else _BACKOFF_MAX_MS
        self._tries += self._tries < 4
        self._reset()  # nothing that waited in it goes out later
        self._go(PAUSE, now, ticks_add(now, pause_ms))

    def _set_up(self, now):
        two = self._read(_CANSTAT, self._two)
        good = two[0] & _MODE == _CONFIGURATION and two[1] == _AFTER_RESET
        if not (good and self._settings()):
            self.bad = self.bad + 1 & _COUNT_MASK
            self._again(now)
            return
        self._set(_CANCTRL, _NORMAL)
        self._go(JOIN, now, now)

    def _settings(self):
        """Write and read back what can be written now and never later; False = it is not what was
        written."""
        cnf1, cnf2, cnf3 = self._timing
        good = self._keeps(_CNF3, cnf3) and self._keeps(_CNF3 + 1, cnf2) and self._keeps(_CNF3 + 2, cnf1)
        mask, idents = self._accept
        # Every mask and filter: one that is left at 0 lets everything in.
        good = good and self._keeps_ident(_RXM0, mask, 0) and self._keeps_ident(_RXM0 + 4, mask, 0)
        for i in range(6):
            good = good and self._keeps_ident(_FILTERS[i], idents[i % len(idents)], 0x08)
        # Receive by filter; what finds buffer 0 full goes to buffer 1.
        self._set(_RXB0CTRL, _ROLL_OVER)
        self._set(_RXB1CTRL, 0)
        good = good and self._read(_RXB0CTRL, self._one)[0] & 0x64 == _ROLL_OVER
        return good and self._read(_RXB1CTRL, self._one)[0] & 0x60 == 0 and self._keeps(_CANINTE, _INTERRUPTS)

    def _join(self, now):
        two = self._read(_CANSTAT, self._two)
        if two[1] == _NORMAL and two[0] & _MODE == 0:
            self._go(READY, now, now)
        elif ticks_diff(now, self._since) >= _JOIN_MS:
            self.bad = self.bad + 1 & _COUNT_MASK
            self._again(now)
        else:
            self._due = ticks_add(now, _WAIT_MS)

    def _serve(self, now):
        self._due = ticks_add(now, _LOOK_MS)
        # What one damaged read says must not end a session: twice, before it is believed.
        if not self._well() and not self._well():
            self.bad = self.bad + 1 & _COUNT_MASK
            self._again(now)
            return
        two = self._read(_CANINTE + 1, self._two)  # CANINTF, EFLG
        flags = two[0]
        errors = two[1] & (_BUS_OFF | _OVERFLOWS)
        if flags or errors:
            two = self._read(_CANINTE + 1, self._two)
            flags &= two[0]
            errors &= two[1]
        if errors & _BUS_OFF:
            self.bus_offs = self.bus_offs + 1 & _COUNT_MASK
            self._again(now)
            return
        if flags & _RX0IF:
            self._take(_CMD_READ_RX0)
        if flags & _RX1IF:
            self._take(_CMD_READ_RX1)
        if flags & _ERRIF:
            self._modify(_CANINTE + 1, _ERRIF, 0)
        if errors & _OVERFLOWS:
            self._modify(_CANINTE + 2, _OVERFLOWS, 0)
            self.overflows = self.overflows + 1 & _COUNT_MASK
            self._overflow = True
        if not self.idle:
            self._look_at_sent(now)
        if self._tries and ticks_diff(now, self._since) >= _BACKOFF_MAX_MS:
            self._tries = 0

    def _well(self):
        """It is in the mode and has the settings that it was given."""
        two = self._read(_CANSTAT, self._two)
        return not two[0] & _MODE and two[1] & ~_ABORT == _NORMAL

    def _take(self, command):
        if self._held == _SLOTS:
            return  # nobody calls recv(): it stays in the chip, which counts the overflow
        slot = self._slots[(self._first + self._held) % _SLOTS]
        self._one[0] = command
        self._cs(0)
        self._spi.write(self._one)
        self._spi.readinto(slot, 0)
        self._cs(1)
        slot[4] &= 0x4F  # size, and remote, which no frame with data has
        self._held += 1

    def _look_at_sent(self, now):
        self._due = ticks_add(now, _WAIT_MS)
        control = self._read(_TXB0CTRL, self._one)[0]
        if not control & _TXREQ:
            if self._taken_back:
                self._taken_back = False
                self._modify(_CANCTRL, _ABORT, 0)
            if control & _ABORTED:
                self.unsent = self.unsent + 1 & _COUNT_MASK
            self.idle = True
        elif not self._taken_back and ticks_diff(now, self._sent_at) >= _UNSENT_MS:
            # An attempt that is on the wire this moment ends by itself, well or not.
            self._taken_back = True
            self._modify(_CANCTRL, _ABORT, _ABORT)

    # -- registers

    def _reset(self):
        self._one[0] = _CMD_RESET
        self._write(self._one)
        self.resets = self.resets + 1 & _COUNT_MASK

    def _write(self, buf):
        self._cs(0)
        self._spi.write(buf)
        self._cs(1)

    def _read(self, address, into):
        command = self._command
        command[0] = _CMD_READ
        command[1] = address
        self._cs(0)
        self._spi.write(command)
        self._spi.readinto(into, 0)
        self._cs(1)
        return into

    def _set(self, address, value):
        setting = self._setting
        setting[0] = _CMD_WRITE
        setting[1] = address
        setting[2] = value
        self._write(setting)

    def _modify(self, address, mask, value):
        four = self._four
        four[0] = _CMD_MODIFY
        four[1] = address
        four[2] = mask
        four[3] = value
        self._write(four)

    def _keeps(self, address, value):
        self._set(address, value)
        return self._read(address, self._one)[0] == value

    def _keeps_ident(self, address, ident, flags):
        six, four = self._six, self._four
        six[0] = _CMD_WRITE
        six[1] = address
        _put_ident(six, 2, ident, flags)
        self._write(six)
        self._read(address, four)
        wrong = 0
        for i in range(4):
            wrong |= four[i] ^ six[2 + i]
        return not wrong


def _put_ident(out, at, ident, flags=0x08):
    """An identifier of 29 bits as SIDH, SIDL, EID8, EID0. flags: EXIDE, which a mask does not
    have."""
    out[at] = ident >> 21
    out[at + 1] = ident >> 13 & 0xE0 | flags | ident >> 16 & 3
    out[at + 2] = ident >> 8 & 0xFF
    out[at + 3] = ident & 0xFF
