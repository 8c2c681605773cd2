"""The bus between the emulated board and the chip model: who is there, and bit errors above a clock
limit."""

from host_tools.emu.faults import Faults
from host_tools.emu.spi import Bus
from host_tools.emu.wire import FLOATING
from host_tools.emu.world import Random
from tests.unit.host.emu.test_emu_ahead import chip

RUNTIMES = ("cpython",)


class Seen:
    def __init__(self):
        self.causes = self.bursts = self.frames = 0

    def cause_read(self, ns):
        self.causes += 1

    def burst_read(self, ns, burst):
        self.bursts += 1

    def frame_written(self, ns, data):
        self.frames += 1


def transfer(bus, mosi):
    bus.select(0, 0)
    answer = [bus.exchange(byte, 0) for byte in mosi]
    bus.select(1, 0)
    return answer


def test_without_a_modem_nobody_drives_the_line():
    bus = Bus(chip(), Faults(no_modem=True), Random(1), None)
    assert transfer(bus, b"\xda\0\0\0") == [FLOATING] * 4 and bus.ahead() == (b"", 0, 0)


def test_bits_are_wrong_above_the_limit_alone():
    faults = Faults(spi_limit_hz=8e6, spi_errors=0.2)
    bus = Bus(chip(), faults, Random(1), None)
    transfer(bus, b"\xda\0\0\0")  # the first read after a start is wrong anyway
    bus.clock_hz = 8e6
    assert all(transfer(bus, b"\xda\0\0\0")[2:] == [0xAA, 0x55] for _ in range(50)) and bus.ahead()[1]
    bus.clock_hz = 12e6
    wrong = sum(transfer(bus, b"\xda\0\0\0")[2:] != [0xAA, 0x55] for _ in range(50))
    assert 10 <= wrong <= 45 and bus.ahead() == (b"", 0, 0)


def test_the_observer_hears_what_a_transfer_was():
    seen = Seen()
    bus = Bus(chip(), Faults(), Random(1), seen)
    transfer(bus, b"\xcc\0\0\0")
    transfer(bus, b"\x80\0\0\0")
    transfer(bus, bytes(20))
    assert (seen.causes, seen.bursts, seen.frames) == (1, 1, 1)
