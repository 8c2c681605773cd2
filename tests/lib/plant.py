"""A whole installation in simulated time: station behind SPI, cable, cars. Nothing in it waits; the
clock jumps to what is due next.

    plant = Plant(services=["DC_BPT"]);  car = plant.plug(loops=5);  plant.run(car);  assert car.ok
"""

# The lowest first: an import inside of an import takes C stack, and the 32-bit image has 40 kB of
# it.
for _leaf in ("session.facts", "session.iso20.limits", "session.dialects", "net.stack", "app.charger"):
    __import__("firmware." + _leaf)

from board.sim_board import SimBoard
from firmware.app import config, station
from firmware.app.power import Power
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.run.frame_loop import FrameLoop
from firmware.run.safe import Safe
from firmware.session.secc import Secc
from host_tools.ev import options
from host_tools.ev.car import Car
from host_tools.lab import lab
from tests.lib.notes import Notes
from tests.lib.poison import poisoned
from tests.lib.world import BEGIN, UNIX_S
from twin import cable as wire


class Random:
    """Numbers from a seed; a failing run is repeated by its number."""

    def __init__(self, seed):
        self._state = seed * 2 + 1 & 0xFFFF or 1

    def __call__(self, n):
        out = bytearray(n)
        for i in range(n):
            x = self._state
            x ^= x << 7 & 0xFFFF
            x ^= x >> 9
            x ^= x << 8 & 0xFFFF
            self._state = x
            out[i] = x >> 4 & 0xFF
        return bytes(out)


class LocalCable:
    """The cable of twin.cable within one process: what board.cable.Cable is over a socket."""

    port = 0
    sock = None

    def __init__(self, delay_ms=1):
        self.load = None
        self.line_rx = None
        self.cars = []
        self.delay_ms = delay_ms
        self.cut = False  # nothing passes on the powerline
        self.filter = None  # filter(data, to_station) -> list of datagrams that pass in its place
        self.far = []  # cables of other places, coupled by crosstalk
        self._flying = []  # (arrival, car or None for the station, datagram)
        self._duty = -1

    def close(self):
        pass

    @property
    def due(self):
        return self._flying[0][0] if self._flying else None

    def poll(self, now):
        while self._flying and ticks_diff(now, self._flying[0][0]) >= 0:
            _, target, data = self._flying.pop(0)
            (self.line_rx if target is None else target.line_rx)(data, now)
        self.load = None
        for car in self.cars:
            if car.load[1] & wire.PLUGGED:
                self.load = car.load
                break

    def tell(self, duty, high_mv):
        if duty != self._duty:
            self._duty = duty

    def show(self, now):
        """The pilot reaches the car that is plugged in."""
        for car in self.cars:
            if car.load[1] & wire.PLUGGED and car.duty != self._duty:
                car.pilot(self._duty, now)
                car.woken = True

    def inject(self, data, now):
        """A datagram of somebody else reaches the station's modem."""
        self._fly(None, data, now)

    def hear(self, data, now):
        """A datagram from another place reaches everybody here."""
        self._fly(None, data, now)
        for car in self.cars:
            self._fly(car, data, now)

    def send(self, modem, data, now):
        """From the station's modem to the cars, or from a car's to the station and the others."""
        if self.cut:
            return
        station = True
        for car in self.cars:
            if car.modem is modem:
                station = False
            else:
                self._fly(car, data, now)
        if not station:
            self._fly(None, data, now)
        for cable in self.far:
            cable.hear(data, now)

    def _fly(self, target, data, now):
        passed = (data,) if self.filter is None else self.filter(data, target is None)
        for one in passed:
            self._flying.append((ticks_add(now, self.delay_ms), target, one))


def _is_due(due, now):
    return due is not None and ticks_diff(due, now) <= 0


class NoReport:
    due = None

    def sample(self, now, session_open):
        pass

    def drain(self):
        return True


class Plant:
    """changes: configuration of the station. place: another number gives it other MACs. begin: its
    first tick. tls_stage: makes its TLS from the trace."""

    def __init__(self, seed=1, place=0, begin=BEGIN, tls_stage=None, **changes):
        self.now = begin
        self.rand = Random(seed)
        self.trace = Notes()
        self.car_trace = Notes()
        changes.setdefault("setpoint_w", 11040)  # or nothing flows at all
        self.cfg = config.merge(lab(changes))
        self.cable = LocalCable()
        self.board = SimBoard(self.cfg, self.rand, self.trace, cable=self.cable)
        self.board.sources = []
        self.board.mac = self.board.mac[:4] + bytes((place, 1))
        self.board.hpgp.mac = self.board.mac[:5] + b"\x02"
        self.power = Power(self.cfg, self.board.stage, self.board.contactor, self.board.enable, self.trace)
        self.safe = Safe(self._secc, self.power, self.trace)
        stage = tls_stage and tls_stage(self.trace)
        self.charger = station.build(self.cfg, self.board, self.power, self.safe, self.rand, self.trace, stage)
        self.loop = FrameLoop(self.board, self.charger, self.safe, self.power, self.trace, NoReport())
        self.most_w = self.least_w = 0
        self._due = self.now  # of the station
        self.script = []  # [(tick, function of the plant)], in the order of time
        self.watch = []  # functions of the plant, called after every step
        self.board.start(self.now)
        self.charger.start(self.now)
        self.power.start(self.now)  # with what it says of the lab
        self.trace.errors.clear()
        self.trace.notes.clear()

    def _secc(self):
        return poisoned(Secc(self.cfg, self.power, self.rand, lambda: UNIX_S, self.trace))

    # -- cars

    def plug(self, number=1, tls=None, **ev):
        """A car with changes to options.DEFAULTS is plugged in now. tls: makes its stage from the
        trace."""
        cfg = dict(options.DEFAULTS)
        cfg.update(ev)
        mac = b"\x02EV\x00\x00" + bytes((2 * number,))
        tls = tls and tls(self.car_trace)
        car = Car(cfg, mac, self.cable, self.rand, lambda: UNIX_S, self.car_trace, tls)
        car.next = self.now  # when it is due
        car.woken = True  # something has come to it that it did not wait for
        self.cable.cars.append(car)
        car.start(self.now)
        return car

    def remove(self, car):
        self.cable.cars.remove(car)

    def after(self, ms, call):
        """call(plant) in so many milliseconds."""
        self.script.append((ticks_add(self.now, ms), call))
        self.script.sort(key=lambda entry: ticks_diff(entry[0], self.now))

    # -- time

    def _wake(self):
        """The test may have done anything to station and cars."""
        self._due = self.now
        for car in self.cable.cars:
            car.woken = True

    def step(self):
        """Everything that is to be done now; then the clock goes to what is due next. Station and
        cars are only called when something is due or has come in, as the loops around them do."""
        now = self.now
        while self.script and ticks_diff(now, self.script[0][0]) >= 0:
            self.script.pop(0)[1](self)
            self._wake()
        board, loop = self.board, self.loop
        board.poll(now)
        if board.chip.irq.fired or _is_due(self._due, now):
            loop.work(now)
            self._due = loop.due
        due = self._due
        self.cable.show(now)
        for car in self.cable.cars:
            if car.modem.waiting or car.woken or _is_due(car.next, now):
                car.poll(now)
                car.next = car.due
                car.woken = False
            due = sooner(due, car.next)
        w = board.stage.w
        if w > self.most_w:
            self.most_w = w
        elif w < self.least_w:
            self.least_w = w
        for call in self.watch:
            call(self)
        due = sooner(due, sooner(board.due, self.cable.due))
        if self.script:
            due = sooner(due, self.script[0][0])
        if due is None or ticks_diff(due, now) > 1000:
            due = ticks_add(now, 1000)
        self.now = due if ticks_diff(due, now) > 0 else ticks_add(now, 1)

    def sleep(self, ms):
        end = ticks_add(self.now, ms)
        self._wake()
        while ticks_diff(self.now, end) < 0:
            self.step()

    def until(self, done, limit_ms):
        """Run until done(plant); AssertionError with what was last said when that takes too
        long."""
        end = ticks_add(self.now, limit_ms)
        self._wake()
        while not done(self):
            if ticks_diff(self.now, end) >= 0:
                raise AssertionError(
                    "not within %d ms: %s %s" % (limit_ms, self.trace.changes[-3:], self.trace.notes[-5:])
                )
            self.step()

    def run(self, car, limit_ms=120000):
        """Until the car is unplugged, and a second more."""
        self.until(lambda plant: car.done, limit_ms)
        self.sleep(1500)
        return car
