"""A Modbus bus in simulated time: driver, wire with its characters, slaves."""

from drivers.modbus import Bus
from firmware.clock import ticks_add, ticks_diff
from tests.lib.notes import Notes
from twin.rtu import Port

T0 = ticks_add(0, -300)


class Bench:
    """parts: of the driver; slaves: of the models. late_ms: so long after `due` each poll comes, as
    a loop that is busy."""

    def __init__(self, parts, slaves, baud=9600, parity="none", switching="auto", echo=False, room=256):
        self.port = Port(baud, parity, switching, echo, room)
        self.bus = Bus(self.port, None if switching == "auto" else self.port.drive, baud, parity)
        self.parts = parts
        self.now = T0
        self.late_ms = 0
        for slave in slaves:
            slave.baud, slave.parity = baud, parity
            self.port.add(slave)
        for part in parts:
            self.bus.add(part)
        self.port.poll(self.now)
        for part in parts:
            part.start(self.now)
        self.bus.start(self.now)

    def step(self, most_ms=20):
        """To the next due, at most so many ms on."""
        wait = most_ms
        for machine in [self.bus] + self.parts:
            if machine.due is not None:
                wait = min(wait, ticks_diff(machine.due, self.now))
        self.now = ticks_add(self.now, max(wait, 1) + self.late_ms)
        self.port.poll(self.now)
        self.bus.poll(self.now)
        for part in self.parts:
            part.poll(self.now)

    def run(self, ms):
        end = ticks_add(self.now, ms)
        while ticks_diff(end, self.now) > 0:
            self.step()

    def until(self, ready, most_ms=60000):
        """ms until ready() says yes, None: it did not."""
        begin = self.now
        while not ready():
            if ticks_diff(self.now, begin) > most_ms:
                return None
            self.step()
        return ticks_diff(self.now, begin)


class Asker:
    """A bus part that asks the same, again and again."""

    def __init__(self, *requests, period_ms=100):
        self.requests = requests
        self.period_ms = period_ms
        self.wish = self.due = None
        self.got = []
        self.lost = []
        self.asked = 0
        self.age_ms = 0  # of the last answer

    def start(self, now):
        self.wish = now

    def poll(self, now):
        pass

    def ask(self, now):
        self.wish = ticks_add(now, self.period_ms)
        self.asked += 1
        return self.requests[(self.asked - 1) % len(self.requests)]

    def answer(self, request, answer, at, now):
        self.age_ms = ticks_diff(now, at)
        self.got.append((request, [answer.u16(i) for i in range(request.count)] if request.frame[1] != 16 else None))

    def failed(self, request, why, now):
        self.lost.append((request, why))


def notes():
    return Notes()
