"""A whole matching, link polling and hostile frames with the heap locked: nothing on rx, poll and
tx allocates.

The key of a session is made outside: SHA-256 allocates, once per session.
"""

import gc

from firmware.app.config import merge
from firmware.clock import ticks_add
from firmware.slac.evse import LINK_LOST, LINK_UP, MATCHED, STARTED, Slac
from tests.lib.fake_modem import MODEM_MAC, derive, pad
from tests.lib.heap import locked
from tests.lib.mtest import eq
from tests.lib.slac_car import ALL, HOST, Car

RUNTIMES = ("unix32",)
_LINK = HOST + MODEM_MAC + b"\x88\xe1\x00\xb9\xa0\x00\xb0\x52\x00"
KEY = bytes(range(16))


class Silent:
    """Trace without memory: what a real one does with texts is its own business."""

    def note(self, now, text, value=None):
        pass

    def attenuation(self, now, mac, sounds, groups):
        pass


class Script:
    """Frames made before the lock, played at their times."""

    def __init__(self, machine, steps):
        self.machine = machine
        self.steps = steps  # (ms, frame or None)
        self.out = bytearray(1518)
        self.sent = bytearray(256)  # low byte of each type that went out
        self.count = 0
        self.events = bytearray(32)
        self.told = 0

    def play(self):
        machine = self.machine
        now = ticks_add(0, -300)
        for ms, frame in self.steps:
            while ms > 0:
                now = ticks_add(now, 5)
                ms -= 5
                machine.due  # noqa: B018 - a property that must not allocate either
                machine.poll(now)
                self.drain()
            if frame is not None:
                machine.rx(frame, len(frame), now)
            self.drain()

    def drain(self):
        while True:
            n = self.machine.tx(self.out)
            if not n:
                break
            self.sent[self.count & 0xFF] = self.out[15]
            self.count += 1
        while True:
            code = self.machine.event()
            if not code:
                break
            self.events[self.told] = code
            self.told += 1


def ready(cfg=None):
    machine = Slac(merge(cfg or {}), HOST, lambda n: KEY[:n], Silent())
    now = ticks_add(0, -5000)
    machine.start(now)
    machine.plugged(True, now)
    out = bytearray(1518)
    head = HOST + MODEM_MAC + b"\x88\xe1\x01"
    for frame in (pad(head + b"\x09\x60\x00\x00\x01"), pad(head + b"\x0d\x60\x00\x00" + bytes(10) + derive(KEY))):
        while machine.tx(out):
            pass
        machine.rx(frame, len(frame), now)
        now = ticks_add(now, 500)
        machine.poll(now)
    eq(machine.event(), 1)
    return machine


def matching(car, other):
    """Steps of a matching with a second car and foreign frames between."""
    steps = [(0, car.parm()), (5, other.parm()), (20, car.start()), (5, other.start()), (20, car.start())]
    for i in range(10):
        steps += [(20, car.sound(9 - i)), (0, car.profile()), (0, other.profile(40)), (0, other.match())]
    steps += [
        (60, None),
        (5, car.rsp()),
        (300, other.rsp()),
        (5, car.validate()),
        (5, car.amp_map()),
        (800, car.match()),
    ]
    return steps + [(0, car.match())]


def test_matching_and_link_allocate_nothing():
    car, other = Car(), Car(b"\x02\xca\x00\x00\x00\x0b", b"TESLA EV")
    steps = matching(car, other)
    for _ in range(10):
        steps.append((100, pad(_LINK + b"\x00")))
    for _ in range(50):
        steps.append((100, pad(_LINK + b"\x01")))
    script = Script(ready(), steps)
    locked(script.play)
    eq(list(script.events[: script.told]), [STARTED, MATCHED, LINK_UP])
    for kind in (0x65, 0x6E, 0x79, 0x1D, 0x7D, 0xB8):
        assert bytes([kind]) in bytes(script.sent), kind


def test_counted_validation_allocates_nothing():
    car = Car()
    steps = [(0, car.parm()), (20, car.start()), (5, car.profile()), (700, None), (5, car.rsp())]
    steps += [(5, car.validate()), (50, car.validate(timer=5)), (1500, None)]
    script = Script(ready({"slac_validate": "count"}), steps)
    locked(script.play)
    eq(script.sent[: script.count].count(b"\x79"), 2)


def test_failed_runs_allocate_nothing():
    """Runs of seven cars that fail, to the end of the attempts and on."""
    steps = []
    for k in range(6):
        for i in range(7):
            steps.append((5, Car(bytes([2, 0xCA, 0, 0, 1, i]), bytes([k] * 8)).parm()))
        steps.append((1000, None))
    script = Script(ready(), steps)
    locked(script.play)
    assert script.told > 2
    assert script.machine.drops[7] and script.machine.drops[8] == 0


def test_hostile_frames_allocate_nothing():
    car = Car()
    good = [car.parm(), car.start(), car.sound(), car.profile(), car.rsp(), car.match(), car.validate(), car.amp_map()]
    steps = []
    for frame in good:
        for i in range(len(frame)):
            data = bytearray(frame)
            data[i] ^= 0xFF
            steps.append((0, data))
        steps.append((0, frame[:20]))
        gc.collect()
    steps.append((0, pad(ALL)))
    locked(Script(ready(), steps).play)


def test_lost_link_allocates_only_its_new_key():
    """The loss makes a key: that is the one allocation. Up to there nothing allocates."""
    car = Car()
    steps = matching(car, Car(b"\x02\xca\x00\x00\x00\x0b", b"TESLA EV"))
    steps += [(100, pad(_LINK + b"\x01"))] * 20
    script = Script(ready(), steps)
    locked(script.play)
    script.steps = [(0, pad(_LINK + b"\x00"))]
    locked(script.play)
    machine = script.machine
    frame = pad(_LINK + b"\x00")
    machine.rx(frame, len(frame), ticks_add(0, 5000))
    eq(machine.event(), LINK_LOST)


def test_size_of_the_machine():
    """Bytes of heap of a station's matching, five runs and all."""
    cfg = merge({})
    gc.collect()
    before = gc.mem_free()
    machine = Slac(cfg, HOST, lambda n: KEY[:n], Silent())
    gc.collect()
    used = before - gc.mem_free()
    assert machine.state == 0
    print("slac machine: %d bytes" % used)
    assert used < 6000
