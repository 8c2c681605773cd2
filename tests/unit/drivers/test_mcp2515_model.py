"""The model of the MCP2515 by what the data sheet says, byte by byte, without the driver: what it
would hide from the driver's tests if it were wrong."""

from firmware.clock import ticks_add
from tests.lib.mtest import eq
from twin.can_bus import BUS_OFF, PASSIVE, CanBus, Frame, Node
from twin.mcp2515 import Mcp2515

T0 = ticks_add(0, -300)


class Desk:
    """A master that speaks in bytes."""

    def __init__(self, setup=True, cnf=(0x01, 0xAC, 0x03), peers=1):
        self.bus = CanBus(120)
        self.chip = Mcp2515(self.bus, 8000000)
        self.peers = [Node(125000) for _ in range(peers)]
        for peer in self.peers:
            self.bus.attach(peer)
        self.now = T0
        self.bus.start(T0)
        self.chip.start(T0)
        self.wait(10)
        if setup:
            self.put(0x2A, cnf[0])
            self.put(0x29, cnf[1])
            self.put(0x28, cnf[2])
            self.put(0x60, 0x64)  # receive any, roll over
            self.put(0x0F, 0x00)
            self.wait(5)

    def wait(self, ms):
        for _ in range(ms):
            self.now = ticks_add(self.now, 1)
            self.bus.poll(self.now)
            self.chip.poll(self.now)

    def spi(self, out, n=0):
        back = bytearray(n)
        self.chip.cs(0)
        self.chip.write(bytes(out))
        self.chip.readinto(back, 0)
        self.chip.cs(1)
        return bytes(back)

    def get(self, at, n=1):
        back = self.spi((3, at), n)
        return back[0] if n == 1 else back

    def put(self, at, *values):
        self.spi((2, at) + values)

    def load(self, n, mark):
        """An extended frame with ident mark in a transmit buffer."""
        self.spi((0x40 + 2 * n, 0, 0x08, 0, mark, 1, mark))


def test_after_reset():
    desk = Desk(setup=False)
    eq(desk.get(0x0E, 2), b"\x80\x87")
    desk.put(0x2A, 0x03)
    desk.spi((0xC0,))
    eq(desk.get(0x0E, 2), b"\x00\x00")  # the oscillator starts: nothing answers
    desk.wait(5)
    eq((desk.get(0x0E, 2), desk.get(0x2A)), (b"\x80\x87", 0))


def test_configuration_registers_outside_of_configuration():
    desk = Desk()
    eq((desk.get(0x0E) >> 5, desk.get(0x2A)), (0, 0x01))
    desk.put(0x2A, 0x07)
    desk.put(0x20, 0xFF)
    eq((desk.get(0x2A), desk.chip.violations), (0x01, 2))
    desk = Desk(setup=False)
    desk.put(0x20, 0xA5)
    eq(desk.get(0x20), 0xA5)
    desk.put(0x2A, 0x01, 0xAC)  # runs on into CANINTE: 2A, 2B
    desk.put(0x28, 0x03, 0xAC)
    desk.put(0x0F, 0x00)
    desk.wait(5)
    eq((desk.get(0x0E) >> 5, desk.get(0x20)), (0, 0))  # reads 0


def test_bit_modify_has_a_mask_where_the_data_sheet_says():
    desk = Desk(setup=False)
    desk.put(0x2B, 0xF0)
    desk.spi((5, 0x2B, 0x0F, 0x3C))
    eq(desk.get(0x2B), 0xFC)
    desk.put(0x20, 0xF0)
    desk.spi((5, 0x20, 0x0F, 0x3C))
    eq(desk.get(0x20), 0x3C)  # the mask counts as FF


def test_bit_time_rules():
    for cnf, ok in (((0x01, 0xAC, 0x03), True), ((0xC1, 0xAC, 0x03), False), ((0x01, 0x80, 0x07), False)):
        desk = Desk(cnf=cnf)
        eq(desk.get(0x0E) >> 5 == 0, ok)


def test_equal_priority_sends_the_higher_buffer_first():
    desk = Desk()
    for n in range(3):
        desk.load(n, n)
    desk.spi((0x87,))
    eq(desk.spi((0xA0,), 2), b"\x54\x54")
    desk.wait(10)
    eq([f.ident for f in desk.peers[0].got], [2, 1, 0])
    eq((desk.spi((0xA0,), 1)[0], desk.get(0x2C) & 0x1C), (0xA8, 0x1C))
    desk.put(0x30, 0x03)  # priority of buffer 0
    for n in range(3):
        desk.load(n, n)
    desk.spi((0x87,))
    desk.wait(10)
    eq([f.ident for f in desk.peers[0].got[3:]], [0, 2, 1])


def test_receive_buffers_roll_over_and_overflow():
    desk = Desk()
    desk.put(0x2B, 0x23)
    eq(desk.chip.int_pin(), 1)
    for ident in (0x12345678, 0x1ABCDEF0, 7):
        desk.peers[0].tx.append(Frame(ident, b"\x01\x02"))
    desk.bus.wake()
    desk.wait(10)
    eq((desk.chip.int_pin(), desk.get(0x2C) & 0x23, desk.get(0x2D), desk.chip.overflows), (0, 0x23, 0x80, 1))
    eq(desk.spi((0xB0,), 1)[0], 0xD0)
    eq(desk.spi((0x90,), 7), b"\x91\xa8\x56\x78\x02\x01\x02")
    eq((desk.get(0x2C) & 3, desk.spi((0xB0,), 1)[0]), (2, 0x96))
    eq(desk.spi((0x96,), 2), b"\x01\x02")
    eq((desk.get(0x2C) & 3, desk.chip.int_pin()), (0, 0))  # the error flag stands
    desk.spi((5, 0x2C, 0x20, 0))
    eq((desk.chip.int_pin(), desk.get(0x2D)), (1, 0x80))
    desk.spi((5, 0x2D, 0x80, 0))
    eq(desk.get(0x2D), 0)


def test_filters_and_masks():
    desk = Desk(setup=False)
    desk.put(0x28, 0x03, 0xAC, 0x01)
    desk.put(0x20, 0xFF, 0xE3, 0xFF, 0x00)  # all but the last 8 bits
    desk.put(0x24, 0xFF, 0xE3, 0xFF, 0xFF)
    desk.put(0x04, 0x00, 0x08, 0x12, 0x00)
    for at in (0x08, 0x10, 0x14, 0x18):
        desk.put(at, 0xFF, 0xEB, 0xFF, 0xFF)
    desk.put(0x00, 0xFF, 0xEB, 0xFF, 0xFF)
    desk.put(0x0F, 0)
    desk.wait(5)
    desk.peers[0].tx += [Frame(0x1300), Frame(0x1234), Frame(4, extended=False)]
    desk.bus.wake()
    desk.wait(10)
    eq((desk.spi((0x90,), 4), desk.get(0x2C) & 3), (b"\x00\x08\x12\x34", 0))
    # A filter at 0 with a mask of 0 lets everything in.
    desk = Desk(setup=False)
    desk.put(0x28, 0x03, 0xAC, 0x01)
    desk.put(0x0F, 0)
    desk.wait(5)
    desk.peers[0].tx += [Frame(0x7A5, extended=False)]
    desk.bus.wake()
    desk.wait(10)
    eq((desk.spi((0x90,), 2), desk.get(0x2C) & 3), (b"\xf4\xa0", 0))


def test_without_another_station_no_bus_off_and_the_frame_is_repeated():
    desk = Desk(peers=0)
    desk.load(0, 1)
    desk.spi((0x81,))
    desk.wait(500)
    eq((desk.get(0x1C), desk.get(0x30) & 0x18, desk.get(0x2D), desk.chip.port.state), (128, 0x18, 0x15, PASSIVE))
    desk.spi((5, 0x0F, 0x10, 0x10))  # abort all
    desk.wait(10)
    eq(desk.get(0x30) & 0x58, 0x50)


def test_one_shot():
    desk = Desk()
    desk.spi((5, 0x0F, 0x08, 0x08))
    desk.bus.spoil = 1
    desk.load(0, 1)
    desk.spi((0x81,))
    desk.wait(10)
    eq((desk.get(0x30) & 0x18, desk.get(0x2C) & 0x84, len(desk.peers[0].got)), (0x10, 0x80, 0))


def test_bus_off_ends_by_itself_and_what_waited_goes_out_late():
    desk = Desk()
    desk.bus.shorted = True
    desk.load(0, 1)
    desk.spi((0x81,))
    desk.wait(100)
    eq((desk.chip.port.state, desk.get(0x2D) & 0x20), (BUS_OFF, 0x20))
    desk.bus.shorted = False
    desk.wait(20)
    eq((desk.chip.port.state, len(desk.peers[0].got)), (0, 1))  # 1408 bits are 11.3 ms


def test_length_of_frames():
    """8 bytes with 29 bits: 131 bits and the stuffed ones."""
    bare = Frame(0x0A533FF0, bytes(8)).bits()
    assert 140 <= bare <= 131 + 29, bare
    desk = Desk()
    desk.peers[0].tx += [Frame(0x02A33FF0, bytes(8))] * 100
    desk.bus.wake()
    desk.wait(100)
    assert 80 <= desk.bus.frames <= 94, desk.bus.frames


def test_arbitration_lowest_identifier_first():
    desk = Desk(peers=3)
    desk.peers[0].tx.append(Frame(0x100 << 18, b"a"))
    desk.peers[1].tx.append(Frame(0x100, b"b", extended=False))  # standard wins over extended
    desk.peers[2].tx.append(Frame(0x0FF << 18 | 0x3FFFF, b"c"))
    desk.bus.wake()
    desk.wait(10)
    eq([f.data for _, f in desk.bus.log], [b"c", b"b", b"a"])
    # Two that send the same identifier with other data destroy each other's frames.
    desk.peers[0].tx.append(Frame(5, b"a"))
    desk.peers[1].tx.append(Frame(5, b"b"))
    desk.bus.wake()
    desk.wait(100)
    assert desk.bus.errors > 10


def test_loopback_needs_no_bus():
    desk = Desk(setup=False, peers=0)
    desk.put(0x28, 0x03, 0xAC, 0x01)
    desk.put(0x60, 0x60)
    desk.put(0x0F, 0x40)
    desk.load(0, 0x55)
    desk.spi((0x81,))
    eq((desk.get(0x2C) & 5, desk.spi((0x90,), 4)), (5, b"\x00\x08\x00\x55"))


def test_wrong_things_a_master_does():
    desk = Desk()
    desk.spi((0x77,))
    desk.put(0x61, 1)  # a received frame
    desk.put(0x60, 0x20)  # reserved
    desk.load(0, 1)
    desk.spi((0x81,))
    desk.load(0, 2)  # while it is being sent
    assert desk.chip.violations >= 4
    desk.wait(10)
    eq([f.ident for f in desk.peers[0].got], [1])
