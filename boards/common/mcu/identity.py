"""What a controller board is called on the powerline."""

from machine import unique_id


def mac():
    """6 bytes, locally administered, made of the number that the chip (RP2040: its flash)
    carries."""
    tail = unique_id()
    return bytes((0x02, 0x4D, tail[-4] ^ tail[-5], tail[-3], tail[-2], tail[-1]))
