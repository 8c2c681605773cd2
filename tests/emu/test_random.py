"""Random numbers of the RP2040 image (boards/rpi_pico/rosc_bits.c, R-SESSION-01, R-SECURITY-01):
eight bits of the oscillator for each that leaves. The emulated oscillator is a stream of bits from
a seed: what is proved is how many are taken, not how good they are.
"""

RUNTIMES = ("cpython",)
TIMEOUT_S = 120

from host_tools.emu.board import EmulatedBoard
from tests.lib.emulator import need_image

IMAGE = need_image()
TAKES = """
import os, time
t = time.ticks_us()
a = os.urandom(100)
print(time.ticks_diff(time.ticks_us(), t), len(set(a)), a != os.urandom(100))
"""


def test_a_byte_takes_64_bits_of_the_oscillator():
    """One bit a microsecond, as the port takes them; with 8 bits for a byte it would be 0.8 ms."""
    with EmulatedBoard(IMAGE) as board:
        board.until(">>> ", 3000)
        took_us, different, fresh = board.exec(TAKES)[0].split()
        assert int(took_us) >= 6400 and int(different) > 60 and fresh == "True", (took_us, different, fresh)
