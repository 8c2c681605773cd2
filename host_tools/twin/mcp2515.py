"""MCP2515 CAN controller as its SPI master sees it, byte by byte, on a CAN bus (twin/can_bus.py).

Written from Microchip's data sheet DS20001801 as public copies quote it, with numbers of its own:
the driver must not be checked against itself. Not modelled: the pins RXnBF, TXnRTS and SOF, the
filter for wake-up, and what a real oscillator needs to start beyond `start_ms`.
"""

from firmware.clock import ticks_add, ticks_diff
from twin.can_bus import Frame, Node

# Modes, bits 7-5 of CANSTAT and CANCTRL.
NORMAL, SLEEP, LOOPBACK, LISTEN, CONFIG = range(5)

_CANSTAT, _CANCTRL, _TEC, _REC = 0x0E, 0x0F, 0x1C, 0x1D
_CNF3, _CNF2, _CNF1, _INTE, _INTF, _EFLG = 0x28, 0x29, 0x2A, 0x2B, 0x2C, 0x2D
_TXB = (0x30, 0x40, 0x50)
_RXB = (0x60, 0x70)
_FILTERS = ((0x00, 0x04), (0x08, 0x10, 0x14, 0x18))  # of buffer 0, of buffer 1
_MASKS = (0x20, 0x24)
_IF_RX = (0x01, 0x02)
_IF_TX = (0x04, 0x08, 0x10)
_IF_ERROR, _IF_WAKE, _IF_MESSAGE = 0x20, 0x40, 0x80
_TXREQ, _TX_ERROR, _TX_LOST, _TX_ABORTED = 0x08, 0x10, 0x20, 0x40

# Written in configuration mode only; filters and masks are not even readable elsewhere.
_LOCKED = (0x0C, 0x0D, _CNF1, _CNF2, _CNF3)
_HIDDEN = tuple(range(0x00, 0x0C)) + tuple(range(0x10, 0x1C)) + tuple(range(0x20, 0x28))
_READ_ONLY = (_TEC, _REC) + tuple(range(0x61, 0x6E)) + tuple(range(0x71, 0x7E))
# BIT MODIFY works there; elsewhere its mask counts as FF.
_MODIFY = (0x0C, 0x0D, _CANCTRL, _CNF1, _CNF2, _CNF3, _INTE, _INTF, _EFLG, 0x30, 0x40, 0x50, 0x60, 0x70)


class _Port(Node):
    """The chip as a station of the bus."""

    def __init__(self, chip):
        Node.__init__(self, None)
        self.chip = chip

    def wishes(self):
        return self.chip.wishes()

    def began(self, frame):
        self.chip.began()

    def received(self, frame):
        self.chip.take(frame)

    def sent(self, frame):
        self.chip.sent()

    def failed(self, frame):
        self.chip.failed(_TX_ERROR)

    def beaten(self, frame):
        self.chip.failed(_TX_LOST)

    def disturbed(self):
        self.chip.flag(_IF_MESSAGE)


class Mcp2515:
    """bus: CanBus. crystal_hz of the module.

    cs(), write(), readinto(), write_readinto() as of machine.Pin and machine.SPI; int_pin() -> level
    of INT, 0 = asks for service. Faults: stuck (None, 0x00 or 0xFF: what the master reads);
    brown_out(now): the chip has lost its settings. Counters: violations (what a master must not do),
    resets, overflows.
    """

    start_ms = 2

    def __init__(self, bus, crystal_hz):
        self.bus = bus
        self.crystal_hz = crystal_hz
        self.port = _Port(self)
        self.stuck = None
        self.violations = 0
        self.resets = 0
        self.overflows = 0
        self._now = None
        self._ready_at = None
        self._selected = False
        self._command = None
        self._at = 0
        self._mask = 0
        self._taken = None
        self._reset()
        bus.attach(self.port)

    def _reset(self):
        self._regs = bytearray(128)
        self._regs[_CANCTRL] = 0x87
        self._mode = CONFIG
        self._sending = None
        self._flags = 0  # EFLG without the overflow bits, as it was
        self.port.bit_rate = None
        self.port.off = False
        self.port.tec = self.port.rec = 0

    # -- time

    def start(self, now):
        self._now = now
        self._ready_at = ticks_add(now, self.start_ms)

    @property
    def due(self):
        return self._ready_at

    def poll(self, now):
        self._now = now
        if self._ready_at is not None and ticks_diff(now, self._ready_at) >= 0:
            self._ready_at = None
        self._follow()

    def brown_out(self, now):
        self._now = now
        self._reset()
        self._ready_at = ticks_add(now, self.start_ms)

    @property
    def asleep(self):
        """The oscillator has not started yet."""
        return self._ready_at is not None

    # -- modes

    def bit_rate(self):
        """What CNF1..3 make of the crystal, bit/s; None when they break a rule of the data
        sheet."""
        cnf1, cnf2, cnf3 = self._regs[_CNF1], self._regs[_CNF2], self._regs[_CNF3]
        prop, first = (cnf2 & 7) + 1, (cnf2 >> 3 & 7) + 1
        second = (cnf3 & 7) + 1 if cnf2 & 0x80 else max(first, 2)
        jump = (cnf1 >> 6) + 1
        if prop + first < second or second <= jump or second < 2:
            return None
        return self.crystal_hz // (2 * ((cnf1 & 0x3F) + 1) * (1 + prop + first + second))

    def _follow(self):
        """A mode that was asked for begins when nothing is to be sent any more."""
        wanted = self._regs[_CANCTRL] >> 5
        if wanted != self._mode and not self._busy():
            rate = self.bit_rate()
            if wanted > CONFIG or (wanted in (NORMAL, LISTEN) and rate is None):
                self.violations += 1
                return
            port = self.port
            port.quiet = wanted == LISTEN
            if wanted not in (NORMAL, LISTEN):
                port.bit_rate = None
                self._mode = wanted
            elif port.bit_rate is None or port.wait_bits == 0:
                if port.bit_rate is None:
                    port.bit_rate = rate
                    port.join()
                    self.bus.wake()
                if port.wait_bits == 0:
                    self._mode = wanted
        if self._mode == LOOPBACK:
            self._loop_back()
        self._update_flags()

    def _busy(self):
        return any(self._regs[at] & _TXREQ for at in _TXB)

    def _loop_back(self):
        while self.wishes() is not None:
            frame = self.wishes()
            self.began()
            self.sent()
            self.take(frame)

    # -- errors

    def flag(self, bits):
        self._regs[_INTF] |= bits

    def _update_flags(self):
        port, flags = self.port, 0
        for count, warning, passive in ((port.rec, 0x02, 0x08), (port.tec, 0x04, 0x10)):
            if count >= 96:
                flags |= warning | 0x01
            if count > 127:
                flags |= passive
        if port.off:
            flags = 0x20 | flags
        if flags != self._flags:
            self.flag(_IF_ERROR)
        self._flags = flags

    def _overflow(self, n):
        self.overflows += 1
        self._regs[_EFLG] |= 0x80 if n else 0x40
        self.flag(_IF_ERROR)

    def int_pin(self):
        return 0 if not self.asleep and self._regs[_INTF] & self._regs[_INTE] else 1

    # -- of the bus: to be sent

    def wishes(self):
        n = self._sending
        if n is None:
            n = self._next()
        if n is None or self._mode not in (NORMAL, LOOPBACK):
            return None
        regs, at = self._regs, _TXB[n]
        ident, extended = self._ident(at + 1)
        size = min(8, regs[at + 5] & 15)
        remote = bool(regs[at + 5] & 0x40)
        return Frame(ident, b"" if remote else bytes(regs[at + 6 : at + 6 + size]), extended, remote, size)

    def _next(self):
        """By priority; of equal ones the higher number."""
        best = None
        for n in (2, 1, 0):
            control = self._regs[_TXB[n]]
            if control & _TXREQ and (best is None or control & 3 > self._regs[_TXB[best]] & 3):
                best = n
        return best

    def _ident(self, at):
        high, low = self._regs[at], self._regs[at + 1]
        ident = high << 3 | low >> 5
        if low & 0x08:
            return ident << 18 | (low & 3) << 16 | self._regs[at + 2] << 8 | self._regs[at + 3], True
        return ident, False

    def began(self):
        self._sending = self._next()

    def sent(self):
        self._done(self._sending, 0)
        self.flag(_IF_TX[self._sending])
        self._sending = None
        self._follow()

    def failed(self, why):
        n = self._next() if self._sending is None else self._sending
        self._sending = None
        control = self._regs[_CANCTRL]
        self._regs[_TXB[n]] |= why
        if control & 0x10:
            self._done(n, _TX_ABORTED)
        elif control & 0x08:  # one shot
            self._done(n, 0)
        self._update_flags()

    def _done(self, n, flags):
        at = _TXB[n]
        self._regs[at] = self._regs[at] & ~_TXREQ | flags

    def _request(self, n):
        at = _TXB[n]
        if self._regs[_CANCTRL] & 0x10:
            self._regs[at] |= _TX_ABORTED
            return
        self._regs[at] = self._regs[at] & 3 | _TXREQ
        self.bus.wake()

    def _abort(self):
        for n in range(3):
            if self._regs[_TXB[n]] & _TXREQ and n != self._sending:
                self._done(n, _TX_ABORTED)

    # -- of the bus: received

    def take(self, frame):
        """A frame without fault is on the bus."""
        regs = self._regs
        for n in (0, 1):
            match = self._match(n, frame)
            if match is None:
                continue
            if not regs[_INTF] & _IF_RX[n]:
                self._store(n, frame, match)
            elif n == 0 and regs[0x60] & 0x04:
                if regs[_INTF] & _IF_RX[1]:
                    self._overflow(1)
                else:
                    self._store(1, frame, match | 0x08)
            else:
                self._overflow(n)
            return

    def _match(self, n, frame):
        """Number of the filter that lets it in, None."""
        if self._regs[_RXB[n]] >> 5 & 3 == 3:
            return 0 if n == 0 else 2
        mask = self._bits(_MASKS[n])
        for i, at in enumerate(_FILTERS[n]):
            if bool(self._regs[at + 1] & 0x08) != frame.extended:
                continue
            value = self._bits(at)
            if frame.extended:
                have = ((frame.ident >> 18 & 0x7FF), frame.ident & 0x3FFFF)
            else:  # the lower bits look at the first two bytes of data
                data = frame.data + b"\0\0"
                have = (frame.ident, data[0] << 8 | data[1])
            if all((have[k] ^ value[k]) & mask[k] == 0 for k in (0, 1)):
                return i + (0 if n == 0 else 2)
        return None

    def _bits(self, at):
        regs = self._regs
        return regs[at] << 3 | regs[at + 1] >> 5, (regs[at + 1] & 3) << 16 | regs[at + 2] << 8 | regs[at + 3]

    def _store(self, n, frame, match):
        regs, at, ident = self._regs, _RXB[n], frame.ident
        if frame.extended:
            regs[at + 1] = ident >> 21
            regs[at + 2] = (ident >> 18 & 7) << 5 | 0x08 | ident >> 16 & 3
            regs[at + 3] = ident >> 8 & 0xFF
            regs[at + 4] = ident & 0xFF
            regs[at + 5] = frame.size | (0x40 if frame.remote else 0)
        else:
            regs[at + 1] = ident >> 3
            regs[at + 2] = (ident & 7) << 5 | (0x10 if frame.remote else 0)
            regs[at + 3] = regs[at + 4] = 0
            regs[at + 5] = frame.size
        regs[at + 6 : at + 6 + len(frame.data)] = frame.data
        regs[at] = regs[at] & 0x64 | (match & 7) | (0x08 if frame.remote else 0)
        self._match_of = match
        self.flag(_IF_RX[n])

    # -- SPI

    def cs(self, level):
        """Chip select, low active."""
        if not level:
            self._selected = True
            self._command = None
            self._at = 0
        elif self._selected:
            self._selected = False
            command = self._command
            if command is None or self.asleep:
                return
            if command & 0xF9 == 0x90:
                self._regs[_INTF] &= ~_IF_RX[command >> 2 & 1]
            elif command == 0xC0:
                self.resets += 1
                self._reset()
                self._ready_at = ticks_add(self._now, self.start_ms)
                return
            elif command & 0xF8 == 0x80:
                for n in range(3):
                    if command >> n & 1:
                        self._request(n)
            self._follow()

    def write(self, buf):
        for byte in buf:
            self._byte(byte)

    def readinto(self, buf, fill=0):
        for i in range(len(buf)):
            buf[i] = self._byte(fill)

    def write_readinto(self, out, buf):
        for i in range(len(out)):
            buf[i] = self._byte(out[i])

    def _byte(self, mosi):
        if not self._selected:
            return 0xFF
        miso = 0 if self.asleep else self._clock(mosi)
        return miso if self.stuck is None else self.stuck

    def _clock(self, mosi):
        command = self._command
        if command is None:
            self._command = mosi
            self._index = 0
            if mosi & 0xF8 == 0x40 and mosi & 7 < 6:
                self._at = _TXB[(mosi & 7) >> 1] + (6 if mosi & 1 else 1)
            elif mosi & 0xF9 == 0x90:
                self._at = _RXB[mosi >> 2 & 1] + (6 if mosi & 2 else 1)
            elif mosi not in (0x02, 0x03, 0x05, 0xA0, 0xB0, 0xC0) and mosi & 0xF8 != 0x80:
                self.violations += 1
            return 0
        i = self._index
        self._index = i + 1
        if command == 0xA0:
            return self._status()
        if command == 0xB0:
            return self._rx_status()
        if command & 0xF8 == 0x40:
            self._store_byte(mosi)
        elif command & 0xF9 == 0x90:
            return self._next_byte()
        elif command in (0x02, 0x03, 0x05):
            if i == 0:
                self._at = mosi
            elif command == 0x03:
                return self._next_byte()
            elif command == 0x02:
                self._store_byte(mosi)
            elif i == 1:
                self._mask = mosi
            elif i == 2:
                at = self._at & 0x7F
                mask = self._mask if at in _MODIFY else 0xFF
                self._set(at, self._get(at) & ~mask & 0xFF | mosi & mask)
        return 0

    def _next_byte(self):
        at = self._at & 0x7F
        self._at += 1
        return self._get(at)

    def _store_byte(self, value):
        at = self._at & 0x7F
        self._at += 1
        self._set(at, value)

    def _get(self, at):
        if at & 15 == 14 and at != _CANSTAT:  # CANSTAT and CANCTRL stand in every row
            at = _CANSTAT
        elif at & 15 == 15:
            at = _CANCTRL
        if at == _CANSTAT:
            return self._mode << 5
        if at == _TEC:
            return min(255, self.port.tec)
        if at == _REC:
            return min(255, self.port.rec)
        if at == _EFLG:
            self._update_flags()
            return self._regs[_EFLG] & 0xC0 | self._flags
        if at in _HIDDEN and self._mode != CONFIG:
            return 0
        return self._regs[at]

    def _set(self, at, value):
        regs = self._regs
        if at & 15 == 15:
            at = _CANCTRL
        if at & 15 == 14 or at in _READ_ONLY:
            self.violations += 1
        elif at in _LOCKED + _HIDDEN:
            if self._mode == CONFIG:
                regs[at] = value
            else:
                self.violations += 1
        elif at == _EFLG:
            regs[at] = regs[at] & value & 0xC0  # can only be cleared
        elif at in _RXB:
            if value >> 5 & 3 in (1, 2):
                self.violations += 1  # reserved
            regs[at] = regs[at] & 0x1B | value & 0x64
        elif at in _TXB:
            n = _TXB.index(at)
            regs[at] = regs[at] & 0x78 | value & 3
            if value & _TXREQ and not regs[at] & _TXREQ:
                self._request(n)
            elif not value & _TXREQ and regs[at] & _TXREQ:
                self._done(n, _TX_ABORTED)
        elif at & 0x70 in _TXB:
            if regs[at & 0x70] & _TXREQ:
                self.violations += 1  # the buffer is being sent
            else:
                regs[at] = value
        else:
            regs[at] = value
            if at == _CANCTRL and value & 0x10:
                self._abort()

    def _status(self):
        regs = self._regs
        out = regs[_INTF] & 3
        for n in range(3):
            out |= (1 if regs[_TXB[n]] & _TXREQ else 0) << 2 + 2 * n
            out |= (1 if regs[_INTF] & _IF_TX[n] else 0) << 3 + 2 * n
        return out

    def _rx_status(self):
        regs, flags = self._regs, self._regs[_INTF] & 3
        if not flags:
            return 0
        at = _RXB[0] if flags & 1 else _RXB[1]
        extended = regs[at + 2] & 0x08
        remote = regs[at] & 0x08
        match = regs[at] & (1 if at == 0x60 else 7)
        if at == 0x70 and match < 2:  # rolled over
            match += 6
        return flags << 6 | (0x10 if extended else 0) | (0x08 if remote else 0) | match
