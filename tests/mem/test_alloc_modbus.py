"""A Modbus bus with meters and a monitor takes no memory once it runs, whatever comes back, and its
objects stay within their part of the heap."""

RUNTIMES = ("unix32",)

import gc

from drivers.acrel import Acrel
from drivers.bender import Bender
from drivers.eastron import Eastron
from drivers.modbus import Bus
from firmware.clock import ticks_add
from tests.lib.heap import locked
from tests.unit.drivers.modbus_bench import Bench
from twin.acrel import AcrelModel
from twin.bender import BenderModel
from twin.eastron import EastronModel

T0 = ticks_add(0, -300)


class Tape:
    """A UART that plays what the models answered to the same requests before."""

    def __init__(self):
        self.frames = []  # (request, answer)
        self.damage = 0  # this byte of each answer is changed, 0 = none
        self.silent = False
        self._answer = None
        self._at = 0
        self._n = 0
        self.misses = 0

    def any(self):
        return 0 if self._answer is None else self._n - self._at

    def readinto(self, buf, n):
        for i in range(n):
            buf[i] = self._answer[self._at + i]
            if self.damage and self.damage == self._at + i:
                buf[i] ^= 4
        self._at += n
        return n

    def write(self, buf):
        self._answer = None
        if self.silent:
            return len(buf)
        for pair in self.frames:
            if pair[0] == buf:
                self._answer = pair[1]
                self._at = 0
                self._n = len(pair[1])
                return len(buf)
        self.misses += 1
        return len(buf)


def record(bench, ms, frames):
    """Fill {request: its newest answer} with what happens on a bench."""
    for slave in bench.port.slaves:

        def reply(frame, real=slave.reply):
            answer = real(frame)
            if answer:
                frames[bytes(frame)] = answer
            return answer

        slave.reply = reply
    bench.run(ms)


def parts():
    return Eastron(1), Acrel(2), Bender(3)


def play(tape, meter, dc, monitor, ms):
    bus = Bus(tape, None, 19200, "even")
    all_parts = (meter, dc, monitor)
    for part in all_parts:
        bus.add(part)

    def run():  # of more than five names from outside, the call would take memory
        now = T0
        meter, dc, monitor = all_parts
        for part in all_parts:
            part.start(now)
        bus.start(now)
        monitor.want(True, now)
        for i in range(ms // 5):
            now = ticks_add(now, 5)
            bus.poll(now)
            meter.poll(now)
            dc.poll(now)
            monitor.poll(now)
            meter.age_ms(now)
            dc.energy_age_ms(now)
            monitor.mv_age_ms(now)
            assert meter.w is not None and monitor.ok is not None and dc.due
            if i == ms // 10:
                monitor.self_test(now)

    return run


def test_nothing_is_allocated():
    models = EastronModel(1), AcrelModel(2), BenderModel(3)
    models[0].load((-2300, 1150, 4))
    models[1].v, models[1].a = 400.0, -20.0
    bench = Bench(list(parts()), models, 19200, "even")
    bench.parts[2].want(True, bench.now)
    frames = {}
    record(bench, 4000, frames)
    assert bench.parts[2].ok
    normal = dict(frames)
    bench.parts[2].self_test(bench.now)
    bench.run(1000)
    frames.update(normal)
    tape = Tape()
    tape.frames = list(frames.items())
    for damage, silent in ((0, False), (5, False), (1, False), (0, True)):
        tape.damage, tape.silent = damage, silent
        # Setting up the monitor reads its name as text, once: outside of the lock.
        meter, dc, monitor = parts()
        run = play(tape, meter, dc, monitor, 400)
        tape.damage, tape.silent = 0, False
        run()
        tape.damage, tape.silent = damage, silent
        monitor.start = lambda now: None
        run = play(tape, meter, dc, monitor, 20000)
        locked(run)
        if not damage and not silent:
            assert meter.ok and dc.ok and monitor.ok, (meter.faults, dc.faults, monitor.faults)
            assert (meter.w, dc.w, monitor.ohm) == (-1146, -8000, 900000)
        else:
            assert not meter.ok and not monitor.ok


def test_what_they_take():
    """Bus, one meter and the monitor: what a station with such parts has of its heap."""
    gc.collect()
    before = gc.mem_alloc()
    kept = Bus(Tape(), None), Acrel(1), Bender(3)
    kept[0].add(kept[1])
    kept[0].add(kept[2])
    gc.collect()
    took = gc.mem_alloc() - before
    print("NOTE bus, DC meter and monitor: %d bytes" % took)
    assert took < 2000, took
    del kept
