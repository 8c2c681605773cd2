"""A whole DC_BPT session of a station with bought parts, whose DC module is another program: runs on
the unix port, in simulated time.

    micropython can_session.py ROOT

Whenever the driver has sent something, and each 10 ms, a line goes out: `F mv ma | frame ...`, what
is at the module's terminals and what it hears; and one comes in: `on inverter mv ma | frame ...`,
what the module is set to and what it says. Frames as in can_hex.py. `= name value` are results.
"""

import sys

sys.path[:] = [".frozen", sys.argv[1]]

from codec.slots import ResponseCode
from firmware.clock import ticks_add, ticks_diff
from tests.lib.can_hex import frame_of, hexed
from tests.lib.driver import DC_BPT, DYNAMIC, STOP
from tests.lib.parts_world import PartsWorld
from twin.can_bus import Node

_TURN_MS = 10


class Elsewhere(Node):
    """The module that the other program plays, in the place of a model of twin.infypower."""

    running = False
    under_current = refused = 0

    def __init__(self, line):
        Node.__init__(self, 125000)
        self.line = line
        self.bus = self.due = None

    def plug(self, bus, now):
        self.bus = bus
        self.due = now
        bus.attach(self)

    def poll(self, now):
        line = self.line
        if self.got or ticks_diff(now, self.due) >= 0:
            self.due = ticks_add(now, _TURN_MS)
            print("F %d %d |" % (line.mv_in, line.ma), *[hexed(f) for f in self.got])
            self.got = []
            left, right = sys.stdin.readline().split("|")
            on, line.sink, line.set_mv, line.set_ma = (int(word) for word in left.split())
            line.on = bool(on)
            for word in right.split():
                self.tx.append(frame_of(word))
                self.bus.wake()
        line.poll(now)


class Bridged(PartsWorld):
    def stage(self):
        return PartsWorld.stage(self, lambda wired: Elsewhere(wired.line))


def loops(w, count):
    for _ in range(count):
        w.sleep(100)
        answer = w.loop(DC_BPT, DYNAMIC, soc=50, mv=w.line.mv_out or 400000)
        assert answer.code == ResponseCode.OK, answer.code


def main():
    w = Bridged(setpoint_w=5000)
    print("= loop", w.to_loop(DC_BPT, DYNAMIC).code)
    loops(w, 50)
    print("= charge_w", w.line.w)
    w.setpoint(-5000)
    loops(w, 60)
    print("= discharge_w", w.line.w)
    print("= stop", w.power_delivery(STOP).code)
    w.sleep_alone(1500)
    print("= closed", int(w.contactor.closed))
    print("= ready", int(w.part.ready))
    print("= faults", w.power.faults)
    print("= errors", len(w.trace.errors))
    print("end")


main()
