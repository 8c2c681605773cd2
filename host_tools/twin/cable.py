"""The charging cable between two processes, as datagrams: powerline, control pilot and proximity on
one socket.

    F tag[8] frame          powerline: what a modem puts on the line (twin.modem), either way
    P duty[2] high[2]       station -> car: pilot duty in permille, its open-circuit high level in mV
    L ohm[2] flags[1] pp[2] car -> station: pilot load in ohm to PE behind the diode (FFFF = open), flags, proximity in ohm

All numbers big-endian. L is sent on change and at least each 200 ms: a car that is not heard for a
second is unplugged.
"""

from micropython import const

FRAME = const(0x46)
PILOT = const(0x50)
LOAD = const(0x4C)

OPEN = const(0xFFFF)
PLUGGED = const(1)  # flag: pilot and proximity are connected; without it only the powerline couples (crosstalk)
SHORTED_DIODE = const(2)
SHORTED_PILOT = const(4)

ALIVE_MS = const(200)
GONE_MS = const(1000)
LOAD_SIZE = const(6)
PILOT_SIZE = const(5)
MOST = const(1600)  # bytes of a datagram


def pack_load(ohm, flags, pp_ohm):
    return bytes((LOAD, ohm >> 8, ohm & 0xFF, flags, pp_ohm >> 8, pp_ohm & 0xFF))


def pack_pilot(duty_permille, high_mv):
    return bytes((PILOT, duty_permille >> 8, duty_permille & 0xFF, high_mv >> 8, high_mv & 0xFF))


def word(data, at):
    return data[at] << 8 | data[at + 1]
