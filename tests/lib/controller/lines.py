"""machine.UART of MicroPython 1.25 at the pads of a controller board, and what is at the other end:
`place.lines` has what hears the line "stage" and the bus "bus" (any, readinto, write and poll(now);
of the bus twin.rtu.Port, switching "call"), `place.can` a twin.mcp2515.Mcp2515.
"""

from tests.lib.controller.machine_common import ABSENT, given, number_of, to_int
from twin import rtu

_PARITY = {None: "none", 0: "even", 1: "odd"}


class UartBase:
    """The port sets place, BLOCKS (numbers that there are), reaches(block, tx, rx)."""

    place = None
    BLOCKS = ()

    def __init__(
        self, number, baudrate=ABSENT, bits=ABSENT, parity=-1, stop=ABSENT, *, tx=None, rx=None, timeout=ABSENT,
        timeout_char=ABSENT, txbuf=ABSENT, rxbuf=ABSENT,
    ):  # fmt: skip
        if to_int(number) not in self.BLOCKS:
            raise ValueError("UART(%d) doesn't exist" % number)
        baud = given(baudrate, 115200)
        if (given(bits, 8), given(stop, 1)) != (8, 1):
            raise NotImplementedError("frame")
        tx, rx = number_of(tx), number_of(rx)
        if not self.reaches(number, tx, rx):
            raise ValueError("bad TX pin")
        place, pins = self.place, self.place.pins
        for pin in (tx, rx):
            place.pad(pin).owner = self
        name = {(pins["STAGE_TX"], pins["STAGE_RX"]): "stage", (pins["BUS_TX"], pins["BUS_RX"]): "bus"}[tx, rx]
        if name == "stage" and "CONSOLE_TX" in pins and pins["CONSOLE_TX"] == tx and not place.uart0_free:
            raise AssertionError("the console has UART0: a second handler is a panic")
        self.baud, self.parity = baud, _PARITY[None if parity == -1 else parity]
        given(txbuf), given(rxbuf)
        self._name = name
        line = place.lines.get(name)
        if isinstance(line, rtu.Port):
            line.baud, line.parity = self.baud, self.parity
            line._char = rtu.char_us(baud, self.parity)
        place.uarts[name] = self

    def any(self):
        line = self.place.lines.get(self._name)
        return line.any() if line is not None else 0

    def readinto(self, buf, nbytes=None):
        line = self.place.lines.get(self._name)
        n = len(buf) if nbytes is None else nbytes
        return (line.readinto(buf, n) or None) if line is not None else None

    def write(self, buf):
        line = self.place.lines.get(self._name)
        return len(buf) if line is None else line.write(bytes(buf))
