"""A CAN driver on the chip model, a bus and one more station, in simulated time, for the tests of
drivers that stand on it."""

from drivers.mcp2515 import READY, UP, Mcp2515
from firmware.clock import sooner, ticks_add, ticks_diff
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from twin import mcp2515 as chip_model
from twin.can_bus import CanBus, Node
from twin.dc_line import DcLine

START = ticks_add(0, -300)
MASK = 0x003FFFFF
IDENT = 0x0023F000  # source 0, destination F0, command 23
OTHER = 0x0024F000


class Bench:
    """parts: more things with poll(now), due of the bus' side. drain: received frames go to `got`."""

    def __init__(self, crystal_mhz=8, kbit=125, real_mhz=None, peer_kbit=None, alone=False, mask=MASK, idents=None):
        self.bus = CanBus(120)
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

    def step(self, awake=True):
        self.bus.poll(self.now)
        self.chip.poll(self.now)
        for part in self.parts:
            part.poll(self.now)
        if awake:
            self.machine.poll(self.now)
        if awake and self.machine is self.driver:
            while self.drain and self.driver.recv():
                self.got.append((self.driver.ident, bytes(self.driver.data)))
            code = self.driver.event()
            while code:
                self.events.append(code)
                code = self.driver.event()

    def due(self, asleep_ms):
        due = sooner(self.bus.due, self.chip.due)
        for part in self.parts:
            due = sooner(due, part.due)
        return sooner(due, self._looks_at if asleep_ms else self.machine.due)

    def run(self, ms, asleep_ms=0):
        """`ms` of simulated time, from one due tick to the next; asleep_ms: the firmware looks only
        this often, whatever is due."""
        end = ticks_add(self.now, ms)
        rounds = 0
        self._looks_at = ticks_add(self.now, asleep_ms)
        while True:
            awake = not asleep_ms or ticks_diff(self.now, self._looks_at) >= 0
            if asleep_ms and awake:
                self._looks_at = ticks_add(self.now, asleep_ms)
            self.step(awake)
            due = self.due(asleep_ms)
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


CFG = {"can_module": 0, "converter_silence_ms": 10000}


class Converter(Bench):
    """A converter of drivers/ on its module's model, behind a closed contact the battery of a car.
    kind: class of the driver; accept: what its CAN lets in; model: class of twin.infypower."""

    def __init__(self, kind, accept, model, cfg=None, contact=True, **more):
        cfg = cfg or CFG
        mask, idents = accept(cfg)
        Bench.__init__(self, mask=mask, idents=idents, alone=True, **more)
        self.line = DcLine()
        self.line.contact = contact
        self.module = model(self.line, 0, 125000)
        self.module.plug(self.bus, self.now)
        self.parts = [self.module]
        self.machine = self.converter = kind(self.driver, cfg, self.notes)
        self.events = None
        self.converter.start(self.now)

    def ready(self):
        self.run(1500)
        c = self.converter
        eq((c.ready, c.on, c.faults, c.live, c.why), (True, False, 0, False, "answers"))
        return self

    def deliver(self, mv, ma, ms=4000):
        """The battery is joined by pre-charge first."""
        c = self.converter
        c.off(self.now)
        assert c.set(self.line.car_mv, 2000, self.now), c.why
        self.run(2500)
        assert self.line.joined, (self.line.mv_in, self.line.on)
        assert c.set(mv, ma, self.now)
        self.run(ms)
        return self

    def writes(self):
        """[(object, value)] that the bus has seen written."""
        out = []
        for _, frame in self.bus.log:
            if frame.ident & 0xFF == 0xF0 and frame.ident >> 16 & 0x3F == 0x24:
                value = 0
                for byte in frame.data[4:]:
                    value = value << 8 | byte
                out.append((frame.data[0] << 8 | frame.data[1], value))
        return out
