"""The modem driver allocates nothing: bring-up, interrupts, both directions, damage, reset,
back-off, under a locked heap.

The functions called there close over five variables at most: the call of a closure with more would
allocate by itself.
"""

import gc

from drivers.qca7000 import DOWN, FAULT, READY, UP, Qca7000
from firmware.clock import ticks_add
from tests.lib.heap import locked
from tests.unit.drivers.data_spi import FRAME, Irq, octets

RUNTIMES = ("unix32",)

START = ticks_add(0, -300)


class FixedChip:
    """Registers and one read buffer as a QCA7000 has them, without an allocation."""

    def __init__(self, data):
        self.data = data
        self.waiting = 0  # bytes of data to be read
        self.space = 0xC5B
        self.cause = 0
        self.signature = 0xAA55
        self.resets = 0
        self.written = 0
        self._index = 0
        self._command = 0

    def cs(self, level):
        self._index = 0

    def write(self, buf):
        n = len(buf)
        if self._index == 0:
            self._command = buf[0] << 8 | buf[1]
            if n == 4 and self._command == 0x4C00:
                self.cause = 0
            elif n == 4 and self._command == 0x4400 and buf[3] & 0x40:
                self.resets += 1
                self.cause = 0x40
        self._index += n
        if self._command == 0:
            self.written += n

    def readinto(self, buf, fill):
        command = self._command
        if command == 0x8000:
            at = self._index - 2
            for i in range(len(buf)):
                buf[i] = self.data[at + i]
            self._index += len(buf)
            if self._index - 2 == self.waiting:
                self.waiting = 0
            return
        value = 0
        if command == 0xDA00:
            value = self.signature
        elif command == 0xC200:
            value = self.space
        elif command == 0xC300:
            value = self.waiting
        elif command == 0xCC00:
            value = self.cause
        buf[0] = value >> 8
        buf[1] = value & 0xFF


def framed(frame):
    n = len(frame)
    return (
        bytes((0, 0, n + 10 >> 8, n + 10 & 255))
        + b"\xaa\xaa\xaa\xaa"
        + bytes((n & 255, n >> 8, 0, 0))
        + frame
        + b"\x55\x55"
    )


def bench(data):
    chip = FixedChip(data)
    irq = Irq()
    driver = Qca7000(chip, chip.cs, irq)
    driver.start(START)
    return chip, irq, driver


def test_bring_up_and_both_directions():
    frame = octets(FRAME)
    data = framed(frame) * 3 + b"\x00\xaa" * 20 + framed(bytes(1517)) + framed(frame)[:40]
    chip, irq, driver = bench(data)
    buf = bytearray(1518)
    seen = [0, 0, 0, 0]

    def work():
        now = START
        driver.poll(now)
        seen[0] = driver.event()
        for _ in range(10):
            chip.waiting = len(chip.data)
            chip.cause = 1
            irq.fired = True
            if driver.due is not None:
                driver.poll(now)
            while driver.recv():
                seen[1] += 1
            for n in (46, 60, 63, 64, 127, 600, 1517, 1518):
                if driver.send(buf, n):
                    seen[2] += 1
            now = ticks_add(now, 50)
        seen[3] = sum(driver.drops)

    locked(work)
    assert seen[0] == UP and seen[1] == 40 and seen[2] == 80, seen
    assert chip.written > 10 * 4000 and seen[3] > 0


def test_the_rest_of_a_frame_in_the_next_read():
    data = bytearray(framed(bytes(1518)))
    chip, irq, driver = bench(data)
    rest = len(data) - 1000
    seen = [0, 0]

    def work():
        driver.poll(START)
        chip.waiting = 1000
        irq.fired = True
        driver.poll(START)
        seen[0] = driver.recv()
        for i in range(rest):
            chip.data[i] = chip.data[1000 + i]
        chip.waiting = rest
        irq.fired = True
        driver.poll(START)
        seen[1] = driver.recv()

    locked(work)
    assert seen == [0, 1518], seen


def test_refusals_faults_and_the_way_back():
    chip, irq, driver = bench(b"")
    buf = bytearray(100)
    codes = bytearray(16)
    count = [0]

    def events():
        code = driver.event()
        while code:
            codes[count[0]] = code
            count[0] += 1
            code = driver.event()

    def work():
        now = START
        driver.poll(now)
        events()
        driver.send(buf, 9)
        chip.space = 0xFFFF
        driver.send(buf, 100)
        chip.space = 20
        driver.send(buf, 100)
        chip.waiting = 0xFFFF
        driver.poll(now)
        chip.waiting = 0
        for _ in range(30):  # the room does not come back: reset, up
            now = ticks_add(now, 50)
            if driver.resets:
                chip.space = 0xC5B
            driver.poll(now)
        events()
        chip.cause = 0x48  # the chip restarted
        irq.fired = True
        driver.poll(now)
        events()
        chip.signature = 0
        for _ in range(1000):
            now = ticks_add(now, 50)
            irq.fired = True
            driver.poll(now)
            driver.send(buf, 60)
            driver.recv()
        events()
        chip.signature = 0xAA55
        for _ in range(1000):
            now = ticks_add(now, 50)
            driver.poll(now)
        events()

    locked(work)
    assert list(codes[: count[0]]) == [UP, DOWN, UP, DOWN, UP, DOWN, FAULT, UP], list(codes)
    assert driver.state == READY and driver.resets == 1 and chip.resets == 1
    assert sum(driver.drops) > 1000


def test_heap_of_a_driver():
    gc.collect()
    before = gc.mem_alloc()
    chip, _, driver = bench(b"")
    gc.collect()
    used = gc.mem_alloc() - before
    assert driver.frame and chip
    assert used < 10500, used
