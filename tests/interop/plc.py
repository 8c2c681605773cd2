"""Both modems and the powerline between them, for hosts that think they have a HomePlug modem at
their interface.

    python -m tests.interop.plc --evse IFACE|sim:PORT --car IFACE --car-mac MAC [--boot-ms N]

Each side is a modem of host_tools/twin: it answers its own host, passes management messages to the
line, measures sounds on the station's side, and lets everything else pass only while both hold the
same key. `sim:PORT` in place of the station's interface: the station's modem is the chip model
inside `microv2g secc --link sim:PORT`, reached over its simulated powerline; it must run in this
network namespace.

The far sides are virtual cables: frames of the other end come out here, offloads must be off there.

Lines on stdin: `match` (the car's side of matching is done here, with the car's MAC, for cars that
have none of their own), `leave` (the car's modem takes another key), `bad SETTINGS` (of
bad_wire.py, for the car's cable; without: a good one again), `key`, `count`, `quit`; its end is
`quit`. Lines on stdout: READY, then `LINKED` or `FAILED why` after `match`, `KEY digest` (salted:
it only tells keys of one run apart), `COUNT {json}`.
"""

import argparse
import hashlib
import json
import os
import select
import sys

from host_tools.root import import_paths

import_paths()

from firmware.clock import sooner, ticks_diff, ticks_ms
from firmware.slac.evse import FAILED, LINK_UP
from host_tools.ev.cable import Cable
from host_tools.ev.slac import OFF, EvSlac
from tests.interop.bad_wire import BadWire, Port
from tests.lib.notes import Printed
from twin import cable as wire
from twin.line import Line
from twin.modem import EVSE, PEV, Modem, mme_type

_MIN = 60
_FRAMES = 64  # in one turn
_STATION_MODEM, _CAR_MODEM = b"\x02PLC\x00\x01", b"\x02PLC\x00\x02"


class Seat:
    """What the simulated cable wants to know of a car: only its powerline is connected, the pilot
    is driven elsewhere."""

    load = (wire.OPEN, 0, 0)

    def __init__(self, modem):
        self.line_rx = modem.line_rx

    def pilot(self, duty_permille, now):
        pass


class Plc:
    """The stand-in. ports: [(Port, Modem)], the car last."""

    def __init__(self, evse, car, car_mac, boot_ms):
        self.cable = None
        self.line = Line()
        self.ports = []
        if evse.startswith("sim:"):
            self.cable = Cable(int(evse[4:]))
        else:
            self._join(Port(evse), Modem(_STATION_MODEM, EVSE, self.line, os.urandom))
        self._join(Port(car), Modem(_CAR_MODEM, PEV, self.cable or self.line, os.urandom))
        self.car = self.ports[-1][1]
        self.wire = BadWire()
        self.seat = Seat(self.car)
        for _, modem in self.ports:
            modem.boot_ms = boot_ms
        self.mac = car_mac
        self.slac = EvSlac({}, car_mac, os.urandom, Printed(sys.stderr))
        self._salt = os.urandom(16)
        self._buf = bytearray(1522)

    def _join(self, port, modem):
        self.ports.append((port, modem))
        self.line.join(modem)

    def start(self, now):
        for _, modem in self.ports:
            modem.start(now)

    @property
    def sources(self):
        return [port.sock for port, _ in self.ports] + ([self.cable.sock] if self.cable else [])

    @property
    def due(self):
        due = sooner(sooner(self.line.due, self.slac.due), self.wire.due)
        for _, modem in self.ports:
            due = sooner(due, modem.due)
        return due

    def turn(self, now):
        """One turn; what the car's side of matching has to tell, or None."""
        if self.cable:
            self.cable.poll(self.seat, now)
        wire = self.wire
        for port, modem in self.ports:
            modem.poll(now)
            for _ in range(_FRAMES):
                frame = port.recv()
                if frame is None:
                    break
                if modem is self.car:
                    wire.put(modem, frame, now)
                else:
                    modem.host_rx(frame, len(frame), now)
        self._arrive(now)
        told = self._match(now)
        self.line.poll(now)
        for port, modem in self.ports:
            frame = modem.host_next()
            while frame is not None:
                if modem is not self.car:
                    port.send(frame)
                else:
                    wire.put(port, frame, now)
                    if self.slac.state != OFF and mme_type(frame) >= 0:
                        self.slac.rx(frame, len(frame), now)
                frame = modem.host_next()
        self._arrive(now)
        return told

    def _arrive(self, now):
        """At both ends of the car's cable."""
        for to, frame in self.wire.take(now):
            if to is self.car:
                to.host_rx(frame, len(frame), now)
            else:
                to.send(frame)

    def _match(self, now):
        slac, told = self.slac, None
        if slac.state == OFF:
            return None
        slac.poll(now)
        event = slac.event()
        while event:
            if event == LINK_UP:
                told = "LINKED"
            elif event == FAILED:
                told = "FAILED no match"
            event = slac.event()
        n = slac.tx(self._buf)
        while n:
            size = max(n, _MIN)
            self._buf[n:size] = bytes(size - n)
            self.car.host_rx(self._buf, size, now)
            n = slac.tx(self._buf)
        return told

    def command(self, line, now):
        """The answer to a line of stdin, or None."""
        word, *settings = line.split()
        if word == "bad":
            self.wire.set(settings)
        elif word == "match":
            self.slac = EvSlac({}, self.mac, os.urandom, Printed(sys.stderr))
            self.slac.start(now)
        elif word == "leave":
            self.slac = EvSlac({}, self.mac, os.urandom, Printed(sys.stderr))
            self.car._use(os.urandom(16))
        elif word == "key":
            return "KEY " + hashlib.sha256(self._salt + self.ports[0][1].nmk).hexdigest()[:16]
        elif word == "count":
            return "COUNT " + json.dumps(self.counters())
        return None

    def counters(self):
        found = {"bad": {"frames": self.wire.frames, "lost": self.wire.lost}}
        for port, modem in self.ports:
            found[port.name] = {
                "in": port.frames_in, "out": port.frames_out, "lost": port.lost, "boots": modem.boots,
                "drops": modem.drops, "linked": modem.link,
            }  # fmt: skip
        return found


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.interop.plc", description=__doc__.splitlines()[0])
    parser.add_argument("--evse", required=True, metavar="IFACE|sim:PORT")
    parser.add_argument("--car", required=True, metavar="IFACE")
    parser.add_argument("--car-mac", default="02:00:00:00:00:10", metavar="MAC", help="of the car's host, for `match`")
    parser.add_argument("--boot-ms", type=int, default=300, help="restart of a modem after a new key")
    args = parser.parse_args()
    plc = Plc(args.evse, args.car, bytes.fromhex(args.car_mac.replace(":", "")), args.boot_ms)
    if not os.geteuid():
        os.nice(-10)  # a modem has a processor of its own, and hosts are strict about how soon it answers
    plc.start(ticks_ms())
    print("READY", flush=True)
    pending = b""
    while True:
        due = plc.due
        wait_s = 0.1 if due is None else min(0.1, max(0.0, ticks_diff(due, ticks_ms()) / 1000))
        readable, _, _ = select.select([*plc.sources, sys.stdin], [], [], wait_s)
        now = ticks_ms()
        if sys.stdin in readable:
            data = os.read(sys.stdin.fileno(), 4096)
            *lines, pending = (pending + data).split(b"\n")
            if not data or b"quit" in lines:
                break
            for line in filter(None, lines):
                answer = plc.command(line.decode().strip(), now)
                if answer:
                    print(answer, flush=True)
        told = plc.turn(now)
        if told:
            print(told, flush=True)
    print("COUNT " + json.dumps(plc.counters()), flush=True)


if __name__ == "__main__":
    main()
