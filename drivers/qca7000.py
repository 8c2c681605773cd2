"""QCA7000/7005 HomePlug modem on SPI: frames in and out, and a way back from everything that the
chip may do.

Sources as in drivers/qca_frame.py. The board makes the SPI (mode 3, at most 12 MHz, MSB first) and
an interrupt handler for the rising edge of the chip's INT line.

    PAUSE   verify the chip at the next `due`: at the start, and with growing distance while it does not answer
    RESET   soft reset written, waiting for the chip's CPU_ON
    READY   frames pass
    OFF     before start() and after stop(): nothing is done but what signature() and echo() are asked for

Signature errors, a restart of the chip, errors of its buffers and a transmit buffer that stays full
lead out of READY. Nothing leads to a state without `due`.
"""

from drivers.qca_frame import (
    ADDR_ERR,
    BFR_SIZE,
    CPU_ON,
    DECODER_DROP_NAMES,
    FRAME_MAX,
    FRAME_MIN,
    INTR_CAUSE,
    INTR_ENABLE,
    LEAD,
    RDBUF_BYTE_AVA,
    RDBUF_ERR,
    RDBUF_MAX,
    READ,
    READ_BUFFER,
    SIGNATURE,
    SIGNATURE_VALUE,
    SLAVE_RESET,
    SPI_CONFIG,
    TX_FRAMING,
    TX_HEAD,
    TX_OVERHEAD,
    WRBUF_EMPTY,
    WRBUF_ERR,
    WRBUF_SPC_AVA,
    WRITE,
    Decoder,
    write_end,
    write_head,
)
from firmware.clock import ticks_add, ticks_diff
from micropython import const

# Events.
UP = const(1)  # verified, frames pass
DOWN = const(2)  # restarted or being recovered: the link is gone, forget it
FAULT = const(3)  # not usable for some time; it is still tried, and UP follows when it comes back

# States.
OFF = const(0)
PAUSE = const(1)
RESET = const(2)
READY = const(3)
STATE_NAMES = ("off", "pause", "reset", "ready")

# Reasons of `drops`, behind those of the decoder.
NO_ROOM = const(4)  # send(): the chip's buffer is full
NOT_UP = const(5)  # send(): outside of READY
BAD_SIZE = const(6)  # send(): no length of a frame
BAD_SPACE = const(7)  # impossible WRBUF_SPC_AVA
BAD_WAITING = const(8)  # impossible RDBUF_BYTE_AVA
ADDRESS = const(9)  # ADDR_ERR: the chip saw a register that it does not have
DROP_NAMES = DECODER_DROP_NAMES + ("no room", "not up", "bad size", "bad space", "bad waiting", "address")

_INTERRUPTS = const(0x0047)  # CPU_ON, WRBUF_ERR, RDBUF_ERR, PKT_AVLBL

_SLOW_MS = const(50)  # with interrupts: catches an edge that was lost
_POLL_MS = const(10)  # without
_CPU_ON_MS = const(1000)  # Linux waits as long before it resets again
_STUCK_MS = const(1000)
_STABLE_MS = const(10000)  # READY for that long: the next reset starts again at the shortest pause
_BACKOFF_MS = const(500)
_BACKOFF_MAX_MS = const(30000)
_FAULT_TRIES = const(6)  # 15.5 s without success; a modem may take 10 s to start

_BLOCK = const(64)
_COUNT_MASK = const(0x3FFFFFFF)


class _Bursts:
    """Moves the first n bytes of a buffer through SPI, for any n, without an allocation.

    machine.SPI moves whole buffers, and a view per burst would be an allocation. The chip only
    counts the bytes while CS is low, so a burst may be many transfers: whole blocks by views made
    at boot, the rest through small buffers.
    """

    def __init__(self, spi, buf, start):
        view = memoryview(buf)
        self._spi = spi
        self._buf = buf
        self._start = start
        self._blocks = [view[at : at + _BLOCK] for at in range(start, len(buf) - _BLOCK + 1, _BLOCK)]
        self._rests = (bytearray(32), bytearray(16), bytearray(8), bytearray(4), bytearray(2), bytearray(1))

    def write(self, n):
        blocks = self._blocks
        buf = self._buf
        whole = n // _BLOCK
        for i in range(whole):
            self._spi.write(blocks[i])
        at = self._start + whole * _BLOCK
        for rest in self._rests:
            size = len(rest)
            if n & size:
                for i in range(size):
                    rest[i] = buf[at + i]
                self._spi.write(rest)
                at += size

    def read(self, n):
        blocks = self._blocks
        buf = self._buf
        whole = n // _BLOCK
        for i in range(whole):
            self._spi.readinto(blocks[i], 0)
        at = self._start + whole * _BLOCK
        for rest in self._rests:
            size = len(rest)
            if n & size:
                self._spi.readinto(rest, 0)
                for i in range(size):
                    buf[at + i] = rest[i]
                at += size


class Qca7000:
    """spi: write(buf) and readinto(buf, fill byte) as machine.SPI. cs: callable, cs(0) selects and
    cs(1) releases.

    irq: object with `fired`, which the interrupt handler sets and does nothing else; None =
    polling. trace: note(now, text, value), called on a change of state, never per frame; None =
    silent.

    poll(), recv(), send() and event() allocate nothing. Public: `up`, `state`, `frame`,
    `signature_errors` (checks that failed), `resets` (soft resets written), `edges` (interrupts
    served, None without irq), `drops` by the reasons of DROP_NAMES.
    """

    def __init__(self, spi, cs, irq, trace=None):
        self.up = False
        self.state = OFF
        self.signature_errors = 0
        self.resets = 0
        self.edges = None if irq is None else 0
        self.drops = [0] * len(DROP_NAMES)
        self._spi = spi
        self._cs = cs
        self._irq = irq
        self._trace = trace
        self._decoder = Decoder(self.drops)
        self.frame = self._decoder.frame
        self._in = _Bursts(spi, self._decoder.burst, LEAD)
        self._tx = bytearray(TX_HEAD + FRAME_MAX + 2)
        self._out = _Bursts(spi, self._tx, 0)
        self._command = bytearray(2)
        self._setting = bytearray(4)
        self._value = bytearray(2)
        self._interval_ms = _POLL_MS if irq is None else _SLOW_MS
        self._due = None
        self._polled_at = 0
        self._since = 0  # of the state
        self._give_up_at = 0  # of RESET
        self._tries = 0
        self._unstable = False  # a reset of our own not long ago
        self._need = 0  # room that send() missed, 0 = none
        self._stuck_at = 0
        self._told_up = False
        self._went_down = False
        self._fault = False

    # -- the machine

    def start(self, now):
        """Begin, or begin again; the first poll verifies the chip."""
        self._tries = 0
        self._unstable = False
        self._polled_at = now
        self._go(PAUSE, now, now)

    def stop(self, now):
        """Leave the chip alone until start()."""
        if self.state == READY:
            self._write(INTR_ENABLE, 0)
        self._go(OFF, now, None)

    @property
    def due(self):
        """Tick of the next poll; an interrupt makes it due at once. None before start()."""
        if self._irq is not None and self._irq.fired and self._due is not None:
            return self._polled_at
        return self._due

    def poll(self, now):
        """Serve the chip: some registers, and at most one read of 3167 bytes, which recv() then
        cuts into frames."""
        self._polled_at = now
        fired = self._irq is not None and self._irq.fired
        if fired:
            self._irq.fired = False
            self.edges = self.edges + 1 & _COUNT_MASK
        if self.state == OFF or not (fired or ticks_diff(now, self._due) >= 0):
            return
        if self.state == READY:
            self._serve(now)
        elif self.state == RESET:
            self._await_cpu(now)
        elif ticks_diff(now, self._due) >= 0 or self._answers():
            # An edge in a pause may be the CPU_ON of a chip that is back; one that is noise is no
            # try and no fault.
            self._check(now)

    def recv(self):
        """Length of the next frame, which lies in `frame` until the next call; 0 = none now."""
        return self._decoder.next() if self.up else 0

    def send(self, buf, n):
        """Hand the n bytes of one frame to the chip, padded with zeros to 60. False = not now, try
        again later.

        A length that no frame has is counted and taken: trying again would not help.
        """
        if n < 14 or n > FRAME_MAX or n > len(buf):
            self._count(BAD_SIZE)
            return True
        if not self.up:
            self._count(NOT_UP)
            return False
        size = n if n > FRAME_MIN else FRAME_MIN
        space = self._read(WRBUF_SPC_AVA)
        if space > WRBUF_EMPTY:
            self._count(BAD_SPACE)
            return False
        need = size + TX_FRAMING + TX_OVERHEAD
        if need > space:
            if not self._need:
                self._stuck_at = ticks_add(self._polled_at, _STUCK_MS)
            self._need = need
            self._count(NO_ROOM)
            return False
        self._need = 0
        tx = self._tx
        write_head(tx, size)
        for i in range(n):
            tx[TX_HEAD + i] = buf[i]
        for i in range(n, size):
            tx[TX_HEAD + i] = 0
        total = write_end(tx, size)
        self._write(BFR_SIZE, size + TX_FRAMING)
        self._cs(0)
        self._out.write(total)
        self._cs(1)
        return True

    def event(self):
        """UP, DOWN, FAULT or 0. A DOWN is never lost; an UP that is over already is not told."""
        if self._went_down:
            self._went_down = False
            self._told_up = False
            return DOWN
        if self._fault:
            self._fault = False
            return FAULT
        if self.up and not self._told_up:
            self._told_up = True
            return UP
        return 0

    def counters(self):
        """[(name, value)] of what was dropped or went wrong since boot."""
        drops = [("modem." + DROP_NAMES[i], self.drops[i]) for i in range(len(DROP_NAMES))]
        return drops + [("modem.resets", self.resets), ("modem.signature", self.signature_errors)]

    # -- states

    def _go(self, state, now, due):
        if state != READY and self._told_up:
            self._went_down = True
        if state != self.state and self._trace is not None:
            self._trace.note(now, "modem " + STATE_NAMES[state])
        if state == READY:
            self._decoder.reset()
            self._fault = False
            if not self._unstable:
                self._tries = 0
        self.state = state
        self.up = state == READY
        self._since = now
        self._due = due

    def _check(self, now):
        """Bring-up: is it the chip, is its buffer empty, then interrupts on."""
        if not self._answers():
            self._unanswered(now)
            return
        space = self._read(WRBUF_SPC_AVA)
        if space > WRBUF_EMPTY:
            self._count(BAD_SPACE)
            self._go(PAUSE, now, ticks_add(now, self._pause_ms()))
            return
        if space != WRBUF_EMPTY:
            self._reset(now)
            return
        # The CPU_ON of the start that was just verified is no news.
        self._write(INTR_CAUSE, self._read(INTR_CAUSE))
        self._write(INTR_ENABLE, _INTERRUPTS)
        self._go(READY, now, now)

    def _unanswered(self, now):
        self.signature_errors = self.signature_errors + 1 & _COUNT_MASK
        self._go(PAUSE, now, ticks_add(now, self._pause_ms()))

    def _reset(self, now):
        self._write(SPI_CONFIG, self._read(SPI_CONFIG) | SLAVE_RESET)
        self.resets = self.resets + 1 & _COUNT_MASK
        self._unstable = True
        wait_ms = self._pause_ms()
        self._give_up_at = ticks_add(now, wait_ms if wait_ms > _CPU_ON_MS else _CPU_ON_MS)
        self._go(RESET, now, ticks_add(now, self._interval_ms))

    def _await_cpu(self, now):
        # The register and not the line: whether interrupts are on after a reset is not written
        # anywhere. A chip that comes up and fails again and again is kept waiting for the whole
        # pause.
        if ticks_diff(now, self._give_up_at) >= 0 or (self._tries == 1 and self._cpu_on()):
            self._check(now)
        else:
            self._due = ticks_add(now, self._interval_ms)

    def _answers(self):
        self._read(SIGNATURE)  # the first read after power-on may be wrong
        return self._read(SIGNATURE) == SIGNATURE_VALUE

    def _cpu_on(self):
        return self._read(SIGNATURE) == SIGNATURE_VALUE and self._read(INTR_CAUSE) & CPU_ON

    def _pause_ms(self):
        """One more try: the pause behind it, 0.5 s doubled up to 30 s."""
        if self._tries < _COUNT_MASK:
            self._tries += 1
        if self._tries == _FAULT_TRIES:
            self._fault = True
        if self._tries > 6:
            return _BACKOFF_MAX_MS
        return _BACKOFF_MS << self._tries - 1

    def _serve(self, now):
        # Before every service: what a damaged bus reads as a cause must not be acted on. A single
        # damaged read is no reason to end a session.
        if self._read(SIGNATURE) != SIGNATURE_VALUE and self._read(SIGNATURE) != SIGNATURE_VALUE:
            self._unanswered(now)
            return
        self._write(INTR_ENABLE, 0)
        cause = self._read(INTR_CAUSE)
        if cause & CPU_ON:
            self._go(PAUSE, now, now)
            self._check(now)
            return
        if cause & ADDR_ERR:
            self._count(ADDRESS)
        if cause & (RDBUF_ERR | WRBUF_ERR) or self._stuck(now):
            self._write(INTR_CAUSE, cause)
            self._reset(now)
            return
        # Without PKT_AVLBL too: that is how a lost edge is found.
        stalled = self._decoder.waiting  # nobody called recv() since the last read
        if not stalled:
            self._receive(self._read(RDBUF_BYTE_AVA))
        self._write(INTR_CAUSE, cause)
        self._write(INTR_ENABLE, _INTERRUPTS)
        # A frame that came in since the read has lost its cause to the acknowledgement above and
        # makes no edge.
        left = self._read(RDBUF_BYTE_AVA)
        fetch = 0 < left <= RDBUF_MAX and not stalled
        self._due = now if fetch else ticks_add(now, self._interval_ms)
        if self._tries and ticks_diff(now, self._since) >= _STABLE_MS:
            self._tries = 0
            self._unstable = False

    def _receive(self, n):
        if n > RDBUF_MAX:
            self._count(BAD_WAITING)
            return
        if not n:
            return
        self._write(BFR_SIZE, n)
        self._cs(0)
        self._spi.write(READ_BUFFER)
        self._in.read(n)
        self._cs(1)
        self._decoder.feed(n)

    def _stuck(self, now):
        """True when the room that send() missed did not come back in time."""
        if not self._need:
            return False
        space = self._read(WRBUF_SPC_AVA)
        if space <= WRBUF_EMPTY and space >= self._need:
            self._need = 0
            return False
        return ticks_diff(now, self._stuck_at) >= 0

    # -- tests of the wires, only between stop() and start()

    def signature(self):
        """The signature register as it reads now; SIGNATURE_VALUE when all is well."""
        return self._read(SIGNATURE)

    def echo(self, value):
        """Write a number of 0..WRBUF_EMPTY to the chip and read it back. BFR_SIZE is the register
        that bears it: it has no effect before a transfer of the buffer, and every transfer sets it
        anew (Linux reads it back too)."""
        self._write(BFR_SIZE, value)
        return self._read(BFR_SIZE)

    # -- registers

    def _read(self, register):
        command = self._command
        command[0] = READ | register >> 8
        command[1] = register & 0xFF
        value = self._value
        self._cs(0)
        self._spi.write(command)
        self._spi.readinto(value, 0)
        self._cs(1)
        return value[0] << 8 | value[1]

    def _write(self, register, value):
        setting = self._setting
        setting[0] = WRITE | register >> 8
        setting[1] = register & 0xFF
        setting[2] = value >> 8
        setting[3] = value & 0xFF
        self._cs(0)
        self._spi.write(setting)
        self._cs(1)

    def _count(self, reason):
        self.drops[reason] = self.drops[reason] + 1 & _COUNT_MASK
