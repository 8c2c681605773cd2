"""The wires between an SPI master and the chip model, and the ways in which people get them wrong.

CS, SCK ------------> chip         with SWAPPED the master's MOSI drives the chip's output, and both inputs float:
MOSI ---------------> chip         the master reads a line that nobody drives, the chip takes its level for commands
MISO <--------------- chip
INT  <--------------- chip
"""

GOOD = 0
ABSENT = 1  # no chip, or one without supply
SWAPPED = 2  # MISO and MOSI exchanged

_ALL_EDGES = 1 << 29


class Wires:
    """What drivers/qca7000.py takes for its SPI, between it and twin.qca7000.QcaSpi; irq is the
    chip's own.

    rand(n) -> n bytes. hz: clock of the master. Settings: clean_hz, the clock above which bits from
    the chip are read wrong, more of them the faster it is; floats: what a line reads that nobody
    drives.
    """

    def __init__(self, chip, rand):
        self.chip = chip
        self.irq = chip.irq
        self.hz = 8000000
        self.clean_hz = 16000000
        self.floats = 0xFF
        self._rand = rand
        self._fault = GOOD
        self.connect()

    @property
    def fault(self):
        return self._fault

    @fault.setter
    def fault(self, fault):
        self._fault = fault
        self.connect()

    @property
    def int_open(self):
        """The INT wire is off: edges of the chip do not arrive."""
        return self.chip.lose_edges > 100000

    @int_open.setter
    def int_open(self, yes):
        self.chip.lose_edges = _ALL_EDGES if yes else 0
        self.irq.fired = False

    def connect(self):
        """After a change of `hz` or `clean_hz`. Sound wires cost nothing: the chip's own methods
        are the master's."""
        chip = self.chip
        if self._fault == GOOD and self.hz <= self.clean_hz:
            self.write, self.readinto = chip.write, chip.readinto
        else:
            self.write, self.readinto = self._write, self._read

    def cs(self, level):
        if self._fault != ABSENT:
            self.chip.cs(level)

    def _write(self, buf):
        if self._fault == GOOD:
            self.chip.write(buf)
        elif self._fault == SWAPPED:
            self.chip.write(bytes([self.floats] * len(buf)))

    def _read(self, buf, fill=0):
        if self._fault == GOOD:
            self.chip.readinto(buf, fill)
            # One byte in 64 has a wrong bit at a clock that is 1 % too fast; nearly every one from
            # 64 % on.
            odds = min(255, (self.hz - self.clean_hz) * 100 // self.clean_hz * 4)
            dice = self._rand(2 * len(buf))
            for i in range(len(buf)):
                if dice[2 * i] < odds:
                    buf[i] ^= 1 << (dice[2 * i + 1] & 7)
            return
        if self._fault == SWAPPED:
            self.chip.readinto(bytearray(len(buf)), self.floats)
        for i in range(len(buf)):
            buf[i] = self.floats

    def exchanged(self, command, n):
        """n bytes that answer a two-byte command over exchanged wires, bit by bit by hand; b"" when
        the line that would be the input is driven by nobody: the wires are right, or there is no
        chip."""
        if self._fault != SWAPPED:
            return b""
        back = bytearray(n)
        self.chip.cs(0)
        self.chip.write(command)
        self.chip.readinto(back, 0)
        self.chip.cs(1)
        return bytes(back)
