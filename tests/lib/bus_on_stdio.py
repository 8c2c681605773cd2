"""The firmware's Modbus master with standard input and output as its UART, for a witness at the
other end: micropython bus_on_stdio.py '[["eastron", 1], ["bender", 3]]'.

Prints one line of JSON on standard error each time that a part begins or ends to be ok, and every
hundredth turn: {part: readings}. Ends when its line does.
"""

import json
import select
import sys

from drivers.acrel import Acrel
from drivers.bender import Bender
from drivers.eastron import Eastron
from drivers.modbus import Bus
from firmware.clock import ticks_diff, ticks_ms

KINDS = {"eastron": Eastron, "acrel": Acrel, "bender": Bender}
READINGS = (
    "ok", "faults", "refused", "mv", "ma", "w", "l_mv", "l_ma", "l_w", "var", "hz_m", "charged_wh", "discharged_wh",
    "ohm", "alarm", "part_name", "firmware", "power_proved", "test_result",
)  # fmt: skip


class Line:
    def __init__(self):
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self.at_end = False

    def any(self):
        for _, what in self._poll.poll(0):
            if what & select.POLLIN:
                return 1
            self.at_end = True
        return 0

    def readinto(self, buf, n):
        octet = sys.stdin.buffer.read(1)  # more would wait for more
        if not octet:
            self.at_end = True
            return 0
        buf[0] = octet[0]
        return 1

    def write(self, buf):
        sys.stdout.buffer.write(buf)
        return len(buf)


def main():
    line = Line()
    bus = Bus(line)
    parts = []
    for kind, address in json.loads(sys.argv[1]):
        part = KINDS[kind](address)
        parts.append((kind, part))
        bus.add(part)
        part.start(ticks_ms())
        if kind == "bender":
            part.want(True, ticks_ms())
    bus.start(ticks_ms())
    told = None
    turns = 0
    wait = select.poll()
    wait.register(sys.stdin, select.POLLIN)
    while not line.at_end:
        now = ticks_ms()
        bus.poll(now)
        for _, part in parts:
            part.poll(now)
        oks = [(part.ok, part.faults) for _, part in parts]
        turns += 1
        if oks != told or turns % 100 == 0:
            told = oks
            record = {}
            for kind, part in parts:
                record[kind] = {name: getattr(part, name) for name in READINGS if hasattr(part, name)}
            record["bus"] = dict(bus.counters())
            sys.stderr.write(json.dumps(record) + "\n")
        wait.poll(max(1, min(20, ticks_diff(bus.due, now))))


main()
