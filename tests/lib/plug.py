"""Car and station in one process, joined by two byte queues, in simulated time."""

from firmware.clock import ticks_add, ticks_diff
from host_tools.ev import evcc, options
from tests.lib.driver import UNIX_S
from tests.lib.notes import Notes
from tests.lib.world import World


class Plug:
    """ev: changes to options.DEFAULTS; station: changes to the station's configuration. delay_ms of
    the line each way; trace: of the car."""

    def __init__(self, ev, station, delay_ms=2, trace=None):
        self.world = World(**station)
        cfg = dict(options.DEFAULTS)
        cfg.update(ev)
        self.car = evcc.Evcc(cfg, lambda: UNIX_S, trace or Notes(messages=60))
        self.delay_ms = delay_ms
        self.buf = bytearray(4096)
        self.most_w = self.least_w = 0  # power of the station over the session
        self.script = []  # [(milliseconds, function of the plug)]

    def run(self, limit_ms=120000):
        """A whole session; returns the car."""
        w, car = self.world, self.car
        secc = w.secc
        begin = now = w.now
        secc.start(now)
        car.start(now)
        flying = []  # (arrival, to the station, bytes)
        up = True
        while ticks_diff(now, begin) < limit_ms:
            while flying and ticks_diff(now, flying[0][0]) >= 0:
                _, to_station, data = flying.pop(0)
                machine = secc if to_station else car
                if data is None:
                    machine.lost(now)  # the other end closed
                elif up or not to_station:
                    machine.rx(data, len(data), now)
            while self.script and ticks_diff(now, begin) >= self.script[0][0]:
                self.script.pop(0)[1](self)
            car.poll(now)
            secc.poll(now)
            for machine, to_station in ((car, True), (secc, False)):
                n = machine.tx(self.buf)
                if n:
                    flying.append((ticks_add(now, self.delay_ms), to_station, bytes(self.buf[:n])))
            self.most_w = max(self.most_w, w.hw.w)
            self.least_w = min(self.least_w, w.hw.w)
            for machine, to_station in ((car, True), (secc, False)):
                if machine.event() and up:
                    up = False
                    flying.append((ticks_add(now, self.delay_ms), to_station, None))
                    if machine is secc:
                        secc.lost(now)
            if not up and car.due is None and secc.due is None and not flying:
                break
            now = self._next(now, [car.due, secc.due] + [f[0] for f in flying[:1]])
        w.now = now
        return car

    def _next(self, now, dues):
        """The earliest tick after now at which something is due."""
        best = ticks_add(now, 1000)
        for due in dues:
            if due is not None and ticks_diff(due, best) < 0:
                best = due
        return best if ticks_diff(best, now) > 0 else ticks_add(now, 1)
