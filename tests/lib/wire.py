"""Two network stacks and a wire between them that loses, doubles, delays and so reorders frames, in
simulated time."""

from firmware.clock import ticks_add, ticks_diff
from firmware.net.stack import ADDRESS, DISCOVERED, Stack
from host_tools.ev.stack import STATION, CarStack
from tests.lib.notes import Notes

STATION_MAC = b"\x02\x53\x45\x43\x43\x01"
CAR_MAC = b"\x02\x45\x56\x43\x43\x02"


def dice(seed):
    """Small generator of numbers 0..65535, the same on every runtime."""
    state = seed * 7919 + 17
    while True:
        state = (state * 1103 + 12345) % 1048573
        yield state >> 4


class Rand:
    """rand(n) with a seed; `fixed` is given out first."""

    def __init__(self, seed, fixed=b""):
        self._rolls = dice(seed)
        self.fixed = fixed

    def __call__(self, n):
        out = self.fixed[:n]
        self.fixed = self.fixed[n:]
        return out + bytes([next(self._rolls) & 0xFF for _ in range(n - len(out))])


class Wire:
    """loss, double: percent. delay_ms: (least, most). The clock starts 300 ms before the wrap of
    the tick.

    filter(frame, from_car) -> bool may drop frames as well; frames is the log of what was sent, if
    `log` is set.
    """

    def __init__(self, seed=1, loss=0, double=0, delay_ms=(0, 0), station=None, car=None):
        self.base = ticks_add(0, -300)
        self.t = 0
        self.trace = Notes()
        self.station = station or Stack(STATION_MAC, Rand(seed + 1), self.trace)
        self.car = car or CarStack(CAR_MAC, Rand(seed + 2), Notes())
        self.loss = loss
        self.double = double
        self.delay_ms = delay_ms
        self.filter = None
        self.log = False
        self.frames = []
        self.sent = 0
        self.events = ([], [])  # of the station, of the car: (code, connection)
        self._rolls = dice(seed)
        self._flying = []  # (t, number, to the station, frame)
        self._number = 0
        self._out = bytearray(1514)
        self._wake = None

    @property
    def now(self):
        return ticks_add(self.base, self.t)

    def wake(self, ms):
        """Let the application have its turn again in ms."""
        if self._wake is None or self._wake > self.t + ms:
            self._wake = self.t + ms

    def start(self):
        self.station.start(self.now)
        self.car.start(self.now)

    def ready(self):
        """Both addresses proved, station found, connected, whatever the wire is."""
        kept = self.loss, self.double, self.delay_ms
        self.loss, self.double, self.delay_ms = 0, 0, (0, 0)
        self.start()
        self.run(1500)
        assert [e[0] for e in self.events[0] + self.events[1]] == [ADDRESS, ADDRESS], self.events
        self.car.discover(self.now)
        self.run(10)
        assert self.events[1].pop()[0] == STATION and self.events[0].pop()[0] == DISCOVERED, self.events
        self.car.connect()
        self.run(30)
        assert self.events[0].pop()[0] == 3 and self.events[1].pop()[0] == 3, self.events
        self.loss, self.double, self.delay_ms = kept
        return self.station.conns[self.station.which], self.car.conns[0]

    def run(self, limit_ms, app=None):
        """Up to limit_ms of simulated time, or until app() returns True. Return whether it did."""
        end = self.t + limit_ms
        spins = 0
        while True:
            if self._wake is not None and self._wake <= self.t:
                self._wake = None
            self._deliver()
            now = self.now
            self.station.poll(now)
            self.car.poll(now)
            self._collect()
            if app and app():
                self._send()
                return True
            self._send()
            at = self._next()
            if at is None or at > end:
                self.t = end
                return False
            spins = spins + 1 if at <= self.t else 0
            assert spins < 2000, "time stands still"
            if at > self.t:
                self.t = at

    def inject(self, frame, to_station=True, delay=0):
        self._number += 1
        self._flying.append((self.t + delay, self._number, to_station, bytes(frame)))

    def _next(self):
        found = min([f[0] for f in self._flying]) if self._flying else None
        for due in (self.station.due, self.car.due):
            if due is not None:
                at = self.t + ticks_diff(due, self.now)
                found = at if found is None or at < found else found
        if self._wake is not None and (found is None or self._wake < found):
            found = self._wake
        return found

    def _deliver(self):
        here = [f for f in self._flying if f[0] <= self.t]
        self._flying = [f for f in self._flying if f[0] > self.t]
        here.sort()
        for _, _, to_station, frame in here:
            side = self.station if to_station else self.car
            side.rx(frame, len(frame), self.now)

    def _collect(self):
        for i, side in enumerate((self.station, self.car)):
            while True:
                code = side.event()
                if not code:
                    break
                self.events[i].append((code, side.which))

    def _send(self):
        for side in (self.station, self.car):
            while True:
                n = side.tx(self._out)
                if not n:
                    break
                assert 60 <= n <= 1514
                self._fly(bytes(self._out[:n]), side is self.car)

    def _fly(self, frame, from_car):
        self.sent += 1
        if self.log:
            self.frames.append((self.t, from_car, frame))
        if self.filter and not self.filter(frame, from_car):
            return
        low, high = self.delay_ms
        for _ in range(2 if next(self._rolls) % 100 < self.double else 1):
            if next(self._rolls) % 100 >= self.loss:
                self.inject(frame, from_car, low + (next(self._rolls) % (high - low + 1) if high > low else 0))
