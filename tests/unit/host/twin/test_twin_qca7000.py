"""host_tools/twin/qca7000.py, the chip model, by hand: the transcripts that the driver is held
against, and what a master must not do."""

from firmware.clock import ticks_add
from tests.lib.mtest import eq
from tests.unit.drivers import data_spi
from tests.unit.drivers.data_spi import FRAME, Dice, octets
from twin.line import Line
from twin.modem import EVSE, Modem
from twin.qca7000 import QcaSpi

START = ticks_add(0, -300)
READ_ERROR, WRITE_ERROR, ADDRESS_ERROR = 2, 4, 8


class Bench:
    def __init__(self):
        self.heard = []
        line = Line()
        line.send = lambda modem, data, now: self.heard.append(data)
        self.modem = Modem(b"\x00\xb0\x52\x00\x00\x02", EVSE, line, Dice(1))
        self.chip = QcaSpi(self.modem, Dice(2))
        self.chip.start(START)

    def do(self, out):
        """One transfer in full duplex; the chip's bytes."""
        out = octets(out)
        back = bytearray(len(out))
        self.chip.cs(0)
        self.chip.write_readinto(out, back)
        self.chip.cs(1)
        return bytes(back)

    def play(self, transcript):
        """The transfers of a transcript written by hand give its answers."""
        for out, back in transcript:
            got = self.do(out)
            if back:
                eq((out, got), (out, octets(back)))

    def ready(self):
        self.do("da00 0000")
        self.do("4c00 ffff")
        self.do("4d00 0047")
        self.chip.irq.fired = False
        return self

    def cause(self):
        return self.do("cc00 0000")[3]

    def write(self, framing, size=None):
        """Hand a frame over; the size that is announced is the true one if none is given."""
        size = len(octets(framing)) if size is None else size
        self.do("4100 %04x" % size)
        self.do("0000" + framing)


def good(n):
    return "aaaaaaaa%02x%02x0000" % (n & 255, n >> 8) + "ff" * 6 + "42" * (n - 6) + "5555"


def test_transcripts():
    bench = Bench()
    bench.do("da00 0000")  # the first read after power-on is wrong, in a way of its own
    bench.play(data_spi.BRING_UP[1:])
    bench.play(data_spi.IDLE)
    bench.play(data_spi.TX)
    bench.chip.poll(ticks_add(START, 5))
    eq(bench.heard[-1], bytes(8) + octets(FRAME))
    bench.modem.line_rx(bytes(8) + octets(FRAME), START)
    bench.chip.poll(ticks_add(START, 6))
    assert bench.chip.irq.fired
    bench.play(data_spi.RX)
    eq(bench.chip.violations, 0)


def test_first_read_is_wrong_after_a_start():
    bench = Bench()
    assert bench.do("da00 0000")[2:] != b"\xaa\x55"
    eq(bench.do("da00 0000")[2:], b"\xaa\x55")


def test_space_falls_and_comes_back_as_the_modem_sends():
    bench = Bench().ready()
    bench.write(good(60))
    bench.write(good(100))
    eq(bench.do("c200 0000")[2:], bytes(((3163 - 74 - 114) >> 8, (3163 - 74 - 114) & 255)))
    bench.chip.poll(ticks_add(START, 1))
    eq(bench.do("c200 0000")[2:], bytes(((3163 - 114) >> 8, (3163 - 114) & 255)))
    bench.chip.poll(ticks_add(START, 2))
    eq(bench.do("c200 0000")[2:], b"\x0c\x5b")
    eq(bench.chip.violations, 0)


def test_what_a_master_must_not_write():
    for framing, size in (
        (good(60), 69),
        (good(60), 71),
        (good(60), 0),
        (good(60).replace("aaaaaaaa", "aaaaaaab", 1), None),
        (good(60)[:-4] + "5554", None),
        (good(60).replace("3c00", "003c", 1), None),
        (good(59), None),
        (good(1523), None),
    ):
        bench = Bench().ready()
        bench.write(framing, size)
        eq((size, bench.cause(), bench.chip.violations), (size, WRITE_ERROR, 1))
        assert bench.chip.irq.fired
        eq(bench.do("c200 0000")[2:], b"\x0c\x5b")
    bench = Bench().ready()
    bench.write(good(1518))
    bench.write(good(1518))
    bench.write(good(1518))  # the space test was skipped
    eq(bench.cause(), WRITE_ERROR)


def test_what_a_master_must_not_read():
    for size, count in ((74, 73), (74, 75), (75, 75), (0, 74), (0, 0)):
        bench = Bench().ready()
        bench.modem.line_rx(bytes(8) + octets(FRAME), START)
        bench.chip.poll(START)
        eq(bench.do("c300 0000")[2:], b"\x00\x4a")
        bench.do("4100 %04x" % size)
        bench.do("8000" + "00" * count)
        eq((size, count, bench.cause()), (size, count, 1 | READ_ERROR))


def test_registers_that_do_not_exist():
    for out in ("c600 0000", "4600 0001", "0100 0000", "4d00 00"):
        bench = Bench().ready()
        bench.do(out)
        eq((out, bench.cause()), (out, ADDRESS_ERROR))
        assert not bench.chip.irq.fired  # not enabled


def test_interrupt_line_is_an_edge():
    bench = Bench().ready()
    bench.chip.raise_cause(1)
    assert bench.chip.irq.fired
    bench.chip.irq.fired = False
    bench.chip.raise_cause(1)
    assert not bench.chip.irq.fired  # it is high already
    bench.do("4d00 0000")
    bench.chip.raise_cause(2)
    assert not bench.chip.irq.fired
    bench.do("4d00 0047")  # enabled again with a cause that waits
    assert bench.chip.irq.fired
    bench.do("4c00 0003")
    eq(bench.cause(), 0)


def test_reset_and_start():
    bench = Bench().ready()
    bench.modem.boot_ms = 700
    bench.do("4400 0040")
    assert bench.modem.booting
    eq(bench.do("da00 0000")[2:], b"\x00\x00")
    bench.chip.poll(ticks_add(START, 699))
    eq(bench.do("da00 0000")[2:], b"\x00\x00")
    assert not bench.chip.irq.fired
    bench.chip.poll(ticks_add(START, 700))
    assert bench.chip.irq.fired
    bench.do("da00 0000")
    eq(bench.cause(), 0x40)
    eq((bench.chip.boots, bench.modem.boots), (1, 1))


def test_a_new_key_restarts_the_chip():
    bench = Bench().ready()
    key, nid = octets("b59319d7e8157ba001b018669ccee30d"), octets("026bcba5354e08")
    frame = (
        octets("00b052000001 021122334455 88e1 01 0860 0000 01 00000000 00000000 04 0000 00 00") + nid + b"\x01" + key
    )
    bench.write("aaaaaaaa3c000000" + "".join(["%02x" % b for b in frame + bytes(60 - len(frame))]) + "5555")
    bench.chip.poll(ticks_add(START, 1))
    eq(bench.do("c300 0000")[2:], b"\x00\x4a")  # the answer can be read before
    bench.chip.poll(ticks_add(START, 51))
    eq((bench.modem.nmk, bench.modem.booting, bench.chip.boots), (key, True, 1))
    bench.chip.poll(ticks_add(START, 1051))
    bench.do("da00 0000")
    eq(bench.cause(), 0x40)


def test_stuck_for_some_transfers():
    bench = Bench().ready()
    bench.chip.stuck = 0xFF
    bench.chip.stuck_for = 2
    eq([bench.do("da00 0000")[3] for _ in range(3)], [0xFF, 0xFF, 0x55])


def test_nothing_is_heard_without_chip_select():
    bench = Bench().ready()
    back = bytearray(4)
    bench.chip.write_readinto(octets("da00 0000"), back)
    eq(bytes(back), b"\xff" * 4)
