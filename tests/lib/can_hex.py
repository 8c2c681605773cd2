"""Frames of the modelled bus as the 16 bytes of Linux's struct can_frame, in hex, for programs at the
other end of a pipe."""

import struct

from twin.can_bus import Frame

_EXTENDED = 0x80000000


def hexed(frame):
    octets = struct.pack("<IB3x", frame.ident | _EXTENDED * frame.extended, frame.size) + frame.data
    return "".join("%02x" % b for b in octets)


def frame_of(text):
    octets = bytes(int(text[i : i + 2], 16) for i in range(0, len(text), 2))
    ident, size = struct.unpack("<IB3x", octets[:8])
    return Frame(ident & 0x1FFFFFFF, octets[8 : 8 + size], bool(ident & _EXTENDED))
