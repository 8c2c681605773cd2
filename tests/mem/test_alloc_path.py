"""The way of a frame allocates nothing: SPI, driver, demultiplexer, matching and TCP, with pilot,
timers and session polled as the pump does it. The station stands where a plant brought it, then its
heap is locked and recorded frames are played.

What may allocate: a message of the session (EXI), a new key, the answer to discovery, a trace
record.
"""

import gc

import micropython
from drivers.qca7000 import READY, Qca7000
from firmware.app import plug_steps as sup
from firmware.clock import ticks_add
from host_tools.ev import car as ev
from host_tools.ev.states import AUTH
from tests.lib.fake_modem import profile
from tests.lib.heap import locked
from tests.lib.mtest import eq
from tests.lib.plant import Plant
from tests.lib.slac_car import Car as SlacCar
from tests.mem.test_alloc_qca import FixedChip, framed
from tests.unit.drivers.data_spi import Irq

RUNTIMES = ("unix32",)
BARE_HEAP_KB = 900  # as on the unix images
HEAP_KB = (
    900  # a whole car is in the process, to bring the station where it is measured, and the bursts that are played
)


class Recorder(FixedChip):
    """Keeps what is written to the frame buffer, behind each other."""

    def __init__(self):
        FixedChip.__init__(self, b"")
        self.log = bytearray(20000)
        self.n = 0

    def write(self, buf):
        FixedChip.write(self, buf)
        if self._command == 0:
            log, n = self.log, self.n
            for i in range(len(buf)):
                log[n + i] = buf[i]
            self.n = n + len(buf)

    def frames(self):
        """What was written since the last call."""
        out = []
        at = 0
        while at < self.n:
            n = self.log[at + 6] | self.log[at + 7] << 8
            out.append(bytes(self.log[at + 10 : at + 10 + n]))
            at += 12 + n
        self.n = 0
        return out


class Player:
    """The station of a plant with its modem exchanged for one that plays frames: turns of the pump
    every `step_ms`."""

    def __init__(self, plant):
        self.plant = plant
        self.now = plant.now
        self.chip = Recorder()
        self.irq = Irq()
        plant.board.modem = Qca7000(self.chip, self.chip.cs, self.irq)
        plant.board.modem.start(self.now)
        plant.board.modem.poll(self.now)
        eq(plant.board.modem.state, READY)
        plant.board.modem.event()
        self.link = plant.loop
        self.bursts = []
        self.step_ms = 5
        self.turns = 1

    def load(self, frames):
        """Each frame, or list of frames, is there at one turn."""
        self.bursts = [framed(f) if isinstance(f, bytes) else b"".join([framed(one) for one in f]) for f in frames]

    def play(self):
        chip, link = self.chip, self.link
        for burst in self.bursts:
            chip.data = burst
            chip.waiting = len(burst)
            chip.cause = 1
            self.irq.fired = True
            for _ in range(self.turns):
                link.work(self.now)
                link.due  # noqa: B018 - a property that must not allocate either
                self.now = ticks_add(self.now, self.step_ms)

    def idle(self):
        for _ in range(self.turns):
            self.link.work(self.now)
            self.link.due  # noqa: B018
            self.now = ticks_add(self.now, self.step_ms)


def frames_of(car, now):
    """What the car's network has to say."""
    out = bytearray(1522)
    frames = []
    car.net.poll(now)
    while True:
        n = car.net.tx(out)
        if not n:
            return frames
        frames.append(bytes(out[: n if n > 60 else 60]))


def in_session(deaf=True):
    """A station in a session that is quiet: no request is under way, and the next need not come for
    a minute."""
    plant = Plant(services=["DC_BPT"], authorization="operator")
    car = plant.plug()
    plant.until(lambda plant: car.phase == ev.SESSION and car.evcc.state == AUTH and car.evcc._deadline is None, 60000)
    plant.sleep(40)  # the last acknowledgments are through, the next request is 60 ms away
    taken = [0]

    def take(buf, n, now):
        taken[0] += n

    if deaf:
        plant.safe.rx = take  # what the session does with its bytes is its own business
    return plant, car, taken


def test_turns_without_frames():
    plant = Plant(services=["DC_BPT"])
    plant.sleep(3000)
    player = Player(plant)
    player.turns = 400
    locked(player.idle)
    eq(plant.trace.errors, [])


def test_tcp_data_and_acknowledgment():
    plant, car, taken = in_session()
    conn = car.net.conns[0]
    player = Player(plant)
    charger = plant.charger
    eq(charger.state, sup.LINKED)
    total = 0
    room = conn.room()
    for size in (9, 1, 77, 600, 713, 60, 61, 64, 1400):
        assert conn.write(bytes(1400), 0, size) == size
        total += size
        frames = frames_of(car, player.now)
        assert frames
        player.turns = 8  # the delayed ACK goes out in one of them
        player.load(frames)
        locked(player.play)
        for frame in player.chip.frames():
            car.net.rx(frame, len(frame), player.now)
        eq(conn.room(), room)
    eq(plant.trace.errors, [])
    eq(taken[0], total)


def test_foreign_and_broken_frames():
    plant, car, _ = in_session()
    player = Player(plant)
    car.net.conns[0].write(bytes(200), 0, 200)
    good = frames_of(car, player.now)[0]
    frames = []
    for at in range(0, len(good), 3):
        bad = bytearray(good)
        bad[at] ^= 0x55
        frames.append([bytes(bad), bytes(60), b"\xff" * 1500])
    player.load(frames)
    before = sum(plant.charger.net.drops)
    locked(player.play)
    assert sum(plant.charger.net.drops) > before + len(frames) // 2
    eq(plant.trace.errors, [])


def test_sounds_are_counted_while_the_pilot_is_polled():
    plant = Plant(services=["DC_BPT"])
    plant.plug(iso15118=False)
    plant.until(lambda plant: plant.charger.state == sup.CALLING and plant.charger.slac.ready, 20000)
    plant.sleep(100)
    station = bytes(plant.charger.slac.mac)
    car = SlacCar()
    player = Player(plant)
    for frame in (car.parm(), car.start()):
        player.load([frame])
        player.play()
    samples = plant.board.circuit.samples
    steps = []
    for i in range(10):
        steps.append(car.sound(9 - i))
        steps.append(profile(car.mac, 20 + i, station, plant.board.hpgp.mac))
    player.load(steps)
    player.turns = 6
    locked(player.play)
    run = plant.charger.slac.runs.newest(car.sound(), 6)
    eq(run.sounds, 10)
    assert plant.board.circuit.samples - samples >= 25, plant.board.circuit.samples - samples
    eq(plant.trace.errors, [])


def test_fault_for_want_of_memory():
    """No memory at all for a while: contactor open, pilot F, and the station begins anew when there
    is some."""
    plant, car, _ = in_session(deaf=False)
    link = plant.loop

    def hungry(now):
        return [0] * 10

    poll = plant.charger.slac.poll
    plant.charger.slac.poll = hungry
    gc.collect()
    micropython.heap_lock()
    try:
        link.work(plant.now)
    finally:
        micropython.heap_unlock()
    eq((plant.safe.faults > 0, plant.board.circuit.duty, plant.board.contact.coil), (True, 0, 0))
    plant.charger.slac.poll = poll
    plant.run(car)
    plant.remove(car)
    eq(plant.trace.errors[-1], "frames")  # as much as could be said
    plant.sleep(6000)
    plant.power.decide.authorize(plant.now, None, "the operator")
    car = plant.plug(2, loops=2)
    plant.run(car)
    assert car.ok, car.why
