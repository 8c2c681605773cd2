"""A CAN driver on the chip model, a bus and one more station, in simulated time, for the tests of
drivers that stand on it."""

from drivers.mcp2515 import READY, UP, Mcp2515
from firmware.clock import sooner, ticks_add, ticks_diff
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from twin import mcp2515 as chip_model
from twin.can_bus import CanBus, Node

START = ticks_add(0, -300)
MASK = 0x003FFFFF
IDENT = 0x0023F000  # source 0, destination F0, command 23
OTHER = 0x0024F000


class Bench:
    """parts: more things with poll(now), due of the bus' side. drain: received frames go to `got`."""

    def __init__(self, crystal_mhz=8, kbit=125, real_mhz=None, peer_kbit=None, alone=False, mask=MASK, idents=None):
        self.bus = CanBus()
        self.chip = chip_model.Mcp2515(self.bus, (real_mhz or crystal_mhz) * 1000000)
        self.peer = Node((peer_kbit or kbit) * 1000)
        if not alone:
            self.bus.attach(self.peer)
        self.notes = Notes()
        self.driver = Mcp2515(
            self.chip, self.chip.cs, self.chip.int_pin, crystal_mhz, kbit, mask, idents or (IDENT, OTHER), self.notes
        )
        self.now = START
        self.parts = []
        self.machine = self.driver
        self.drain = True
        self.events = []
        self.got = []
        self.bus.start(self.now)
        self.chip.start(self.now)
        self.driver.start(self.now)

    def step(self):
        self.bus.poll(self.now)
        self.chip.poll(self.now)
        for part in self.parts:
            part.poll(self.now)
        self.machine.poll(self.now)
        if self.machine is self.driver:
            while self.drain and self.driver.recv():
                self.got.append((self.driver.ident, bytes(self.driver.data)))
            code = self.driver.event()
            while code:
                self.events.append(code)
                code = self.driver.event()

    def due(self):
        due = sooner(sooner(self.bus.due, self.chip.due), self.machine.due)
        for part in self.parts:
            due = sooner(due, part.due)
        return due

    def run(self, ms, asleep_ms=0):
        """`ms` of simulated time, from one due tick to the next; asleep_ms: the firmware looks only
        this often, whatever is due."""
        end = ticks_add(self.now, ms)
        rounds = 0
        while True:
            self.step()
            due = self.due() if not asleep_ms else ticks_add(self.now, asleep_ms)
            if due is None:
                break
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

    def up(self):
        self.run(100)
        eq((self.driver.state, self.events, self.chip.violations), (READY, [UP], 0))
        self.events = []
        return self
