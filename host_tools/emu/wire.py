"""Messages between the world (this side) and the emulator (js/link.mjs). Little-endian, a length of
four bytes before each.

From the emulator a head and records, each answered before emulated time goes on:

    b bytes    MOSI bytes since the last record      c 0|1      chip select
    q byte     MOSI byte whose MISO byte is asked    f hertz    clock of the SPI
    g 0|1|2    contactor drive (2 = not driven)      r 0|1|2    reset of the modem
    e 0|1|2    ENABLE of the power stage
    C 0|1      chip select of the CAN chip           Q byte     MOSI byte whose MISO byte is asked of it
    d permille duty of the pilot, as on the wire     u bytes    what left the UART
    U bytes    what left the USB console             v bytes    what left UART1
    w number   speed of UART1: 4 * baud + parity (0 none, 1 even, 2 odd)
    D 0|1|2    its transceiver drives the line
    x text     the chip reset itself                 s text     stopped: "", "power" and what it hit, or a fault
    j JSON     answer to a command
"""

import struct
from typing import NamedTuple

_HEAD = struct.Struct("<dddd")
_RECORD = struct.Struct("<Bdd")
_BYTES = struct.Struct("<BdI")
_STATE = struct.Struct("<BBBBdhhHBBIHHIIIHBI")
_LENGTH = struct.Struct("<I")
_WITH_BYTES = frozenset(b"buUvxsj")

FLOATING = 0x100  # MISO: nobody drives it


class Head(NamedTuple):
    """Counters of the emulator when it sent a message: ns, cycles, ns without work, cycles in
    interrupt handlers."""

    ns: float
    cycles: float
    idle_ns: float
    handler_cycles: float


class State:
    """What the emulator needs to know of the world; sent with every answer."""

    def __init__(self):
        self.stop = False
        self.int_level = 0
        self.int_connected = True
        self.swapped = False
        self.mirror = 0
        self.due_ns = float("inf")
        self.high_mv = 12000
        self.low_mv = -12000
        self.pp_mv = 3300
        self.miso = 0
        self.ahead = (b"", 0, 0)  # twin.qca7000.QcaSpi.ahead()
        self.uart = b""  # bytes to the board; taken away by pack()
        self.usb_plugged = False  # a computer at the USB connector
        self.usb_reads = True  # it takes what the board says
        self.usb = b""  # bytes to the board; taken away by pack()
        self.uart1 = b""  # bytes to the board, as one piece on the wire; taken away by pack()
        self.can_miso = FLOATING  # of the CAN chip on the second SPI
        self.can_int = 2  # level of its INT, 2 = nobody drives it

    def pack(self):
        literal, fills, fill = self.ahead
        data = _STATE.pack(
            self.stop, self.int_level, self.mirror, fill, self.due_ns, self.high_mv, self.low_mv, self.pp_mv, self.swapped,
            self.int_connected, fills, self.miso, self.usb_plugged | self.usb_reads << 1, len(literal), len(self.uart),
            len(self.usb), self.can_miso, self.can_int, len(self.uart1),
        ) + literal + self.uart + self.usb + self.uart1  # fmt: skip
        self.uart = self.usb = self.uart1 = b""
        return data


def framed(data):
    return _LENGTH.pack(len(data)) + data


def run(until_ns, state):
    """Message that starts the emulator, up to a time or until it is told to stop."""
    return framed(b"R" + struct.pack("<d", until_ns) + state.pack())


def answer(state):
    return framed(b"S" + state.pack())


def parse(data):
    """(Head, [(letter, ns, value)]) of a message of the emulator; a value is a number or bytes."""
    records = []
    at = _HEAD.size
    while at < len(data):
        letter = data[at]
        if letter in _WITH_BYTES:
            _, ns, n = _BYTES.unpack_from(data, at)
            at += _BYTES.size
            records.append((letter, ns, data[at : at + n]))
            at += n
        else:
            _, ns, value = _RECORD.unpack_from(data, at)
            at += _RECORD.size
            records.append((letter, ns, value))
    return Head(*_HEAD.unpack_from(data)), records
