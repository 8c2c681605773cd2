"""A modem driver on the chip model in simulated time, for the tests of the driver."""

from drivers.qca7000 import UP, Qca7000
from firmware.clock import sooner, ticks_add, ticks_diff
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from tests.unit.drivers.data_spi import Dice
from twin import qca7000 as chip_model
from twin.line import Line
from twin.modem import EVSE, PEV, Modem

START = ticks_add(0, -300)
HOST = b"\x02\x11\x22\x33\x44\x55"
CAR = b"\x02\xca\xfe\x00\x00\x01"
GROUP = b"\xff\xff\xff\xff\xff\xff"


def mme(to=GROUP, sender=HOST, n=60, mark=0):
    """A management message that no modem keeps for itself."""
    head = to + sender + b"\x88\xe1\x01\x64\x60\x00\x00"
    return head + bytes([mark & 255] * (n - len(head)))


class Bench:
    """Driver, chip and modem of a station, and the modem of a car, in simulated time from 300 ms
    before the wrap."""

    def __init__(self, irq=True, seed=1, chip=None):
        self.line = Line()
        self.modem = Modem(b"\x00\xb0\x52\x00\x00\x02", EVSE, self.line, Dice(seed))
        self.car = Modem(b"\x00\xb0\x52\x00\x00\x03", PEV, self.line, Dice(seed + 1))
        self.line.join(self.modem)
        self.line.join(self.car)
        self.chip = (chip or chip_model.QcaSpi)(self.modem, Dice(seed + 2))
        self.notes = Notes()
        self.driver = Qca7000(self.chip, self.chip.cs, self.chip.irq if irq else None, self.notes)
        self.now = START
        self.events = []  # (ms since the start, code)
        self.got = []
        self.drain = True
        self.chip.start(self.now)
        self.car.start(self.now)
        self.driver.start(self.now)

    def ms(self):
        return ticks_diff(self.now, START)

    def step(self):
        self.line.poll(self.now)
        self.car.poll(self.now)
        self.chip.poll(self.now)
        self.driver.poll(self.now)
        while self.drain:
            n = self.driver.recv()
            if not n:
                break
            self.got.append(bytes(self.driver.frame[:n]))
        while True:
            code = self.driver.event()
            if not code:
                break
            self.events.append((self.ms(), code))

    def run(self, ms):
        """`ms` of simulated time, from one due tick to the next."""
        end = ticks_add(self.now, ms)
        rounds = 0
        while True:
            self.step()
            due = sooner(sooner(self.driver.due, self.chip.due), sooner(self.line.due, self.car.due))
            if ticks_diff(due, self.now) <= 0:
                rounds += 1
                assert rounds < 200, "time stands still"
                continue
            rounds = 0
            if ticks_diff(due, end) > 0:
                break
            self.now = due
        self.now = end
        self.step()

    def codes(self):
        return [code for _, code in self.events]

    def up(self, ms=100):
        self.run(ms)
        eq(self.codes(), [UP])
        self.events = []
        return self

    def from_car(self, frame):
        self.car.host_rx(frame, len(frame), self.now)

    def both_ways(self):
        """A frame each way arrives."""
        del self.got[:]
        while self.car.host_next():
            pass
        frame, back = mme(mark=0x11), mme(sender=CAR, mark=0x22)
        assert self.driver.send(frame, len(frame))
        self.from_car(back)
        self.run(120)
        eq(self.got, [back])
        eq(self.car.host_next(), frame)
        eq(self.car.host_next(), None)
