"""What the chip model says ahead is what it answers byte by byte."""

from tests.unit.host.twin.test_twin_qca7000 import Dice
from twin.modem import EVSE, Modem
from twin.qca7000 import QcaSpi


class NoLine:
    def send(self, modem, data, now):
        pass


def chip(seed=1):
    made = QcaSpi(Modem(b"\x02MV2\x00\x02", EVSE, NoLine(), Dice(seed)), Dice(seed + 1))
    made.start(0)
    return made


def both(make, mosi):
    """The transfer byte by byte, and by what is said ahead before each byte; both must agree
    wherever something is said."""
    plain, said = make(), make()
    out = bytearray(len(mosi))
    plain.cs(0)
    plain.write_readinto(mosi, out)
    plain.cs(1)
    ahead = said.ahead()  # before the select: of the next transfer
    said.cs(0)
    known = at = 0
    for i in range(len(mosi)):
        literal, number, fill = ahead
        if at < len(literal) + number:
            known += 1
            assert (literal[at] if at < len(literal) else fill) == out[i], i
        at += 1
        said.write(mosi[i : i + 1])
        if i in (1, 7) or at >= len(literal) + number:  # asked again now and then, as a bus does
            ahead, at = said.ahead(), 0
    said.cs(1)
    assert said.int_level == plain.int_level and said.violations == plain.violations
    return bytes(out), known


def with_frame():
    made = chip()
    made.modem._queue = [bytes(range(60, 180))]
    made.poll(1)
    made.poll(2)
    n = 120 + 14
    made.cs(0)
    made.write(bytes((0x41, 0x00, n >> 8, n & 255)))
    made.cs(1)
    return made


def test_registers_are_said_ahead():
    for register in (0x01, 0x02, 0x03, 0x0C, 0x0D, 0x1A):
        out, known = both(chip, bytes((0xC0 | register, 0, 0, 0)))
        assert known == 4 and len(out) == 4


def test_a_burst_is_said_ahead_and_its_tail_is_zero():
    out, known = both(with_frame, bytes((0x80, 0x00)) + bytes(140))
    assert (
        known == 142 and out[6:10] == b"\xaa\xaa\xaa\xaa" and out[14:17] == bytes((60, 61, 62)) and out[-6:] == bytes(6)
    )


def test_writes_read_as_zero():
    out, known = both(chip, bytes((0x4D, 0x00, 0x00, 0x47)))
    assert out == bytes(4) and known == 4
    out, known = both(chip, bytes(2) + bytes(100))
    assert out == bytes(102) and known == 102


def test_a_stuck_line_is_said_and_noise_is_not():
    def stuck(what):
        made = chip()
        made.stuck, made.stuck_for = what, 5
        return made

    out, known = both(lambda: stuck(0xFF), bytes((0xDA, 0, 0, 0)))
    assert out == b"\xff" * 4 and known == 4
    assert stuck("noise").ahead() == (b"", 0, 0)
