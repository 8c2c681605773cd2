"""The SPI bus between board and chip model: bytes in bulk where the chip can say its answer ahead,
else one by one."""

from drivers.qca_frame import INTR_CAUSE
from host_tools.emu.wire import FLOATING

_READ_BUFFER, _WRITE_BUFFER = 0x8000, 0x0000
_READ_CAUSE = 0xC000 | INTR_CAUSE


class Bus:
    """chip: twin.qca7000.QcaSpi. rand: of the bit errors. `clock_hz` as the board has set it."""

    def __init__(self, chip, faults, rand, observer):
        self.chip = chip
        self.clock_hz = 0.0
        self.selected = False
        self._faults = faults
        self._rand = rand
        self._observer = observer
        self._count = 0
        self._command = 0
        self._data = b""  # of the transfer: what is read from the buffer, or written to it

    @property
    def int_level(self):
        return self.chip.int_level

    def select(self, level, ns):
        """Chip select: 0 begins a transfer, 1 ends it."""
        if self._faults.no_modem:
            self.selected = False
            return
        if level and self.selected:
            self.chip.cs(1)
            if self._observer and self._count >= 2:
                self._ended(ns)
        elif not level:
            self.chip.cs(0)
            self._count = self._command = 0
            self._data = b""
        self.selected = not level

    def write(self, data, ns):
        """MOSI bytes whose answer is known already."""
        if not self.selected:
            return
        self.chip.write(data)
        self._note(data, ns)

    def exchange(self, mosi, ns):
        """One byte; what the board reads, FLOATING if nobody drives the line."""
        if self._faults.no_modem or not self.selected:
            return FLOATING
        wrong = self._noisy()
        if wrong:
            mosi ^= self._error()
        out, answer = bytes((mosi,)), bytearray(1)
        self.chip.write_readinto(out, answer)
        self._note(out, ns)
        return answer[0] ^ self._error() if wrong else answer[0]

    def ahead(self):
        """As QcaSpi.ahead(); nothing on a bus with errors, where each byte needs its dice."""
        if self._faults.no_modem or self._noisy():
            return b"", 0, 0
        return self.chip.ahead()

    def _noisy(self):
        limit_hz = self._faults.spi_limit_hz
        return limit_hz and self.clock_hz > limit_hz

    def _error(self):
        """A byte with the wrong bits of one transferred byte."""
        dice = self._rand(4)
        if int.from_bytes(dice[:3], "big") / 0x1000000 >= self._faults.spi_errors:
            return 0
        return 1 << (dice[3] & 7)

    def _note(self, data, ns):
        """Follow the transfer, for the observer."""
        if self._observer is None:
            return
        count = self._count
        self._count = count + len(data)
        if count < 2:
            for byte in data[: 2 - count]:
                self._command = self._command << 8 | byte
            data = data[2 - count :]
            if self._count >= 2 and self._command == _READ_CAUSE:
                self._observer.cause_read(ns)
        if self._command == _WRITE_BUFFER:
            self._data += data
        elif self._command == _READ_BUFFER and not self._data:
            self._data = self.chip.ahead()[0]

    def _ended(self, ns):
        if self._command == _READ_BUFFER:
            self._observer.burst_read(ns, self._data)
        elif self._command == _WRITE_BUFFER:
            self._observer.frame_written(ns, self._data)
