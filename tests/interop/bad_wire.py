"""A cable that loses, delays, repeats and mixes up frames, as the kernel's netem does where a
kernel has it.

    python -m tests.interop.bad_wire IFACE IFACE loss=20 delay=15 jitter=15 reorder=2 duplicate=2
    seed=1

Frames of either interface come out of the other. Percent and milliseconds; each direction has its
own dice. A frame is late by delay +- jitter, so neighbours overtake each other; `reorder` percent
are not delayed at all. `spare=1` loses the same segment of TCP no more than once: what has a time
limit above it can then be asked to get through always, and not often. Prints READY, and ends when
stdin does.
"""

import heapq
import os
import random
import select
import socket
import struct
import sys

from host_tools.root import import_paths

import_paths()

from firmware.clock import ticks_add, ticks_diff, ticks_ms

_ALL = 3  # ETH_P_ALL
_SOL_PACKET, _ADD_MEMBERSHIP, _PROMISC, _IGNORE_OUTGOING = 263, 1, 1, 23
_MIN = 60
_TCP = 54  # where it begins in an Ethernet frame, behind IPv6 without extensions
_FRAMES = 64  # in one turn
_UNDER_WAY = 1000  # frames, as netem's limit


class Port:
    """The interface behind which a host is."""

    def __init__(self, name):
        self.name = name
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        self.sock.bind((name, 0))
        index = socket.if_nametoindex(name)
        self.sock.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, struct.pack("iHH8s", index, _PROMISC, 0, b""))
        self.sock.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        self.sock.setblocking(False)
        self.frames_in = self.frames_out = self.lost = 0

    def recv(self):
        """The next frame, padded as an Ethernet controller does; None if there is none."""
        try:
            frame = self.sock.recv(2048)
        except BlockingIOError:
            return None
        except OSError:  # the interface is down
            return None
        self.frames_in += 1
        return frame + bytes(max(0, _MIN - len(frame)))

    def send(self, frame):
        try:
            self.sock.send(frame)
            self.frames_out += 1
        except OSError:
            self.lost += 1


def _segment(frame):
    """What tells a TCP segment that its sender repeats until it is acknowledged; None for any other
    frame."""
    if len(frame) < _TCP + 20 or frame[12:14] != b"\x86\xdd" or frame[20] != 6:
        return None
    size = int.from_bytes(frame[18:20], "big") - (frame[_TCP + 12] >> 4) * 4
    syn_or_fin = frame[_TCP + 13] & 3
    return (frame[_TCP : _TCP + 8], size, syn_or_fin) if size or syn_or_fin else None


class BadWire:
    """Frames for any number of receivers. Settings: percent and milliseconds, 0 = a good wire."""

    def __init__(self):
        self._under_way = []  # heap of (milliseconds since _began, number, receiver, frame)
        self._number = 0
        self.frames = self.lost = 0
        self.set(())

    def set(self, words):
        """["loss=5", ...]; what is not named is 0. What is under way arrives at once."""
        settings = dict.fromkeys(("loss", "delay", "jitter", "reorder", "duplicate", "spare"), 0)
        settings["seed"] = None
        for word in words:
            name, value = word.split("=")
            if name not in settings:
                raise ValueError("%s: there are %s" % (word, ", ".join(settings)))
            settings[name] = int(value)
        self._settings = settings
        self._dice = random.Random(settings["seed"])
        self._losses = {}  # segment -> how often it was lost
        self._began = ticks_ms()
        self._under_way = [(0, number, to, frame) for _, number, to, frame in self._under_way]
        heapq.heapify(self._under_way)

    @property
    def due(self):
        return ticks_add(self._began, self._under_way[0][0]) if self._under_way else None

    def put(self, to, frame, now):
        self.frames += 1
        settings = self._settings
        if (self._happens("loss") and self._may_lose(frame)) or len(self._under_way) >= _UNDER_WAY:
            self.lost += 1
            return
        for _ in range(1 + self._happens("duplicate")):
            late_ms = 0
            if not self._happens("reorder"):
                jitter_ms = settings["jitter"]
                late_ms = max(0, settings["delay"] + self._dice.randint(-jitter_ms, jitter_ms))
            self._number += 1
            heapq.heappush(self._under_way, (ticks_diff(now, self._began) + late_ms, self._number, to, frame))

    def take(self, now):
        """(receiver, frame) of all that have arrived."""
        elapsed_ms = ticks_diff(now, self._began)
        while self._under_way and self._under_way[0][0] <= elapsed_ms:
            _, _, to, frame = heapq.heappop(self._under_way)
            yield to, frame

    def _may_lose(self, frame):
        segment = _segment(frame) if self._settings["spare"] else None
        if segment is None:
            return True
        self._losses[segment] = self._losses.get(segment, 0) + 1
        return self._losses[segment] <= self._settings["spare"]

    def _happens(self, name):
        percent = self._settings[name]
        return bool(percent) and self._dice.random() * 100 < percent


def main(one, other, *settings):
    ports = Port(one), Port(other)
    wires = BadWire(), BadWire()
    for number, wire in enumerate(wires):
        wire.set([*settings, "seed=%d" % number] if not any(s.startswith("seed") for s in settings) else settings)
    print("READY", flush=True)
    while True:
        now, wait_s = ticks_ms(), None
        for wire in wires:
            if wire.due is not None:
                due_s = max(0.0, ticks_diff(wire.due, now) / 1000)
                wait_s = due_s if wait_s is None else min(wait_s, due_s)
        readable, _, _ = select.select([ports[0].sock, ports[1].sock, sys.stdin], [], [], wait_s)
        if sys.stdin in readable and not os.read(sys.stdin.fileno(), 100):
            break
        now = ticks_ms()
        for i in range(2):
            for _ in range(_FRAMES):
                frame = ports[i].recv()
                if frame is None:
                    break
                wires[i].put(ports[1 - i], frame, now)
            for to, frame in wires[i].take(now):
                to.send(frame)


if __name__ == "__main__":
    main(*sys.argv[1:])
