"""The CAN driver and the converters on it allocate nothing: set-up, both directions, overflow, bus
off and the way back, a module that charges, discharges, is silent and answers again, under a locked
heap."""

import gc

from drivers.infypower_beg import Beg1k075g
from drivers.infypower_reg import Reg
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
        self.module = 0  # answers as: 1 BEG, 2 REG
        self.on = 0
        self.inverter = 0
        self.ma = 0
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
            if self.module == 1:
                self.answer_beg()
            elif self.module == 2:
                self.answer_reg()

    def come(self):
        """The answer to what was sent is in buffer 0."""
        frame, sent = self.frame, self.sent
        frame[0] = sent[1]
        frame[1] = sent[2]
        frame[2] = 0xF0
        frame[3] = 0
        frame[4] = 8
        self.regs[0x2C] |= 1
        self.asks = 0

    def answer_beg(self):
        frame, sent = self.frame, self.sent
        for i in range(8):
            frame[5 + i] = sent[6 + i]
        what = sent[6] << 8 | sent[7]
        if sent[2] & 0xE3 == 0x03:  # command 23: bit 5 stands in the byte before
            value = 0
            if what == 0x1001:
                value = 400000
            elif what == 0x1002:
                value = self.ma if self.on else 0
            elif what == 0x1110:
                value = 0 if self.on else 0x0100
            elif what == 0x1111:
                value = self.inverter
            for i in range(4):
                frame[9 + i] = value >> 24 - 8 * i & 0xFF
        elif what == 0x1110:
            self.on = sent[13] == 0xA0
        elif what == 0x1002:
            self.ma = sent[11] << 16 | sent[12] << 8 | sent[13]
        elif what == 0x2110:
            self.inverter = sent[13] & 1
        self.come()

    def answer_reg(self):
        frame, sent = self.frame, self.sent
        command = (sent[2] & 0xE0) >> 3 | sent[2] & 3
        command |= (sent[1] & 1) << 5
        for i in range(8):
            frame[5 + i] = 0
        if command == 0x03:
            frame[5], frame[6] = 0x43, 0xC8  # 400 V
        elif command == 0x04:
            frame[11] = 0 if self.on else 1
        elif command == 0x0A:
            frame[5], frame[6], frame[8], frame[9], frame[11] = 3, 0xE8, 0x96, 1, 4
        elif command == 0x0C:
            frame[7] = 1
        elif command == 0x1A:
            self.on = not sent[6]
        self.come()

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


def drive(kind, module):
    chip, can = bench()
    chip.module = module
    converter = kind(can, {"can_module": 0, "converter_silence_ms": 10000})
    converter.start(START)
    seen = [0] * 5
    # Made here: a number above 2**13 in a frozen tuple is an object.
    goals = [a * 1000 for a in ((20, 30, 10, 0) if module == 2 else (20, -20, 5, -1))]

    def work():
        now = START
        for i in range(6000):
            if i % 1500 == 1200:
                chip.module = 0  # silent
            if i % 1500 == 1400:
                chip.module = module
                converter.off(now)
                converter.clear(now)
            if i == 2000:
                chip.regs[0x2D] = 0x20
            if i == 4000:
                chip.regs[0x2D] = 0x80
                chip.regs[0x2C] |= 0x21
                chip.asks = 0
            if i == 2800 or i == 4100:
                converter.off(now)
            if converter.set(400000, goals[i // 250 % 4], now):
                seen[0] += 1
            converter.poll(now)
            seen[1] = max(seen[1], converter.ma)
            seen[2] = min(seen[2], converter.ma)
            seen[3] += bool(converter.faults)
            seen[4] += converter.live
            now = ticks_add(now, 10)

    converter.off(START)
    locked(work)
    return converter, seen


def test_beg_both_ways_and_silence():
    converter, seen = drive(Beg1k075g, 1)
    assert seen[0] > 2000 and seen[1] == 20000 and seen[2] == -20000 and 500 < seen[3] < 4500, (seen, converter.why)


def test_reg_charging_and_silence():
    converter, seen = drive(Reg, 2)
    assert seen[0] > 2000 and converter.mv == 400000 and 500 < seen[3] < 4500, (seen, converter.why)


def test_heap_of_a_can_driver():
    chip, driver = bench()
    gc.collect()
    before = gc.mem_alloc()
    other = Mcp2515(chip, chip.cs, chip.pin, 8, 125, 0x3FFFFF, (0x0023F000, 0x0024F000))
    gc.collect()
    used = gc.mem_alloc() - before
    assert driver and other
    assert used < 1000, used
    cfg = {"can_module": 0, "converter_silence_ms": 10000}
    before = gc.mem_alloc()
    module = Beg1k075g(driver, cfg)
    gc.collect()
    used = gc.mem_alloc() - before
    assert module and used < 700, used
