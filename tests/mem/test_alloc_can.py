"""The CAN driver allocates nothing: set-up, both directions, overflow, bus off and the way back,
under a locked heap."""

import gc

from drivers.mcp2515 import DOWN, OVERFLOW, READY, UP, Mcp2515
from firmware.clock import ticks_add
from tests.lib.heap import locked

RUNTIMES = ("unix32",)

START = ticks_add(0, -300)


class FixedCan:
    """Registers of an MCP2515 and one received frame, without an allocation."""

    def __init__(self):
        self.regs = bytearray(128)
        self.frame = bytearray(13)
        self.sent = bytearray(14)
        self.count = 0
        self.asks = 1
        self.keep = False  # a frame does not leave
        self._index = 0
        self._command = 0
        self._at = 0

    def pin(self):
        return self.asks

    def cs(self, level):
        self._index = 0

    def write(self, buf):
        regs = self.regs
        command = buf[0]
        self._command = command
        if command == 0xC0:
            for i in range(128):
                regs[i] = 0
            regs[0x0E] = 0x80
            regs[0x0F] = 0x87
        elif command == 0x02:
            for i in range(2, len(buf)):
                regs[buf[1] + i - 2] = buf[i]
            regs[0x0E] = regs[0x0F] & 0xE0
        elif command == 0x05:
            regs[buf[1]] = regs[buf[1]] & ~buf[2] | buf[3] & buf[2]
            if regs[0x0F] & 0x10 and regs[0x30]:
                regs[0x30] = 0x40
        elif command == 0x03:
            self._at = buf[1]
        elif command == 0x40:
            for i in range(14):
                self.sent[i] = buf[i]
        elif command == 0x81:
            self.count += 1
            regs[0x30] = 8 if self.keep else 0

    def readinto(self, buf, fill):
        if self._command & 0xF9 == 0x90:
            for i in range(13):
                buf[i] = self.frame[i]
            self.regs[0x2C] &= 0xFE if self._command == 0x90 else 0xFD
            self.asks = 1
            return
        for i in range(len(buf)):
            buf[i] = self.regs[self._at + i]


def bench():
    chip = FixedCan()
    driver = Mcp2515(chip, chip.cs, chip.pin, 8, 125, 0x3FFFFF, (0x0023F000, 0x0024F000))
    driver.start(START)
    chip.frame[:] = b"\x01\x1b\xf0\x00\x08\x10\x01\x00\x00\x00\x06\x1a\x80"
    return chip, driver


def test_can_both_directions_and_every_fault():
    chip, driver = bench()
    data = bytearray(8)
    seen = [0] * 5

    def events():
        code = driver.event()
        while code:
            seen[code] += 1
            code = driver.event()

    def work():
        now = START
        for i in range(3000):
            if i % 500 == 300:
                chip.regs[0x2D] = 0x20  # bus off
            if i % 500 == 100:
                chip.regs[0x2D] = 0x80
            if i % 3 == 0 and driver.up:
                chip.regs[0x2C] |= 0x23
                chip.asks = 0
            chip.keep = i % 500 > 450
            if driver.due is not None:
                driver.poll(now)
            while driver.recv():
                seen[0] += 1
            driver.send(0x02A43FF0, data, now)
            events()
            now = ticks_add(now, 10)

    locked(work)
    assert driver.state == READY and driver.unsent > 2 and chip.count > 500, (driver.state, driver.unsent, chip.count)
    assert seen[0] > 1000 and seen[UP] == 7 and seen[DOWN] == 6 and seen[OVERFLOW] == 6, seen


def test_heap_of_a_can_driver():
    chip, driver = bench()
    gc.collect()
    before = gc.mem_alloc()
    other = Mcp2515(chip, chip.cs, chip.pin, 8, 125, 0x3FFFFF, (0x0023F000, 0x0024F000))
    gc.collect()
    used = gc.mem_alloc() - before
    assert driver and other
    assert used < 1000, used
    print("a CAN driver takes", used)
