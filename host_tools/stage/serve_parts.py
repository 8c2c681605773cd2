"""Modelled Modbus parts that answer on a real line: to try the tools and a station against."""

import struct
import termios
import time

from twin.acrel import AcrelModel
from twin.bender import BenderModel
from twin.eastron import EastronModel
from twin.rtu import Refused

FAULTS = (
    ("none", "all repaired"),
    ("silent", "no answers"),
    ("crc", "answers with a wrong CRC"),
    ("reversed", "meters wired the other way round"),
    ("kilo", "the DC meter counts kW where W are expected"),
    ("exception", "every question is refused"),
    ("error", "the monitor has a device error"),
)
_SPEEDS = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name[0] == "B" and name[1:].isdigit()}
_QUIET_S = 0.004


def help_text():
    rows = "\n".join("    %-13s  %s" % row for row in FAULTS)
    return (
        f"  FAULT            one of these\n{rows}\n"
        "  v N | a N        volts and amperes of the DC line; negative amperes come out of the car\n"
        "  w N              watts on each line of the AC meter\n"
        "  ohm N            insulation\n"
        "  status | quit    (also Ctrl-D and Ctrl-C)\n"
    )


class PartsResponder:
    """One bus with the named parts, each as delivered but for address, baud and parity given.

    On a pseudo terminal the speed that the other side has set is looked at, and a wrong one is not
    understood, as on a wire; a parity it does not have."""

    def __init__(self, end, tell, kinds, baud, parity):
        self.end = end
        self._tell = tell
        self._got = b""
        self._since = self._moved = time.monotonic()
        parity = {"N": "none", "E": "even", "O": "odd"}[parity]
        self.slaves = {}
        for kind in kinds:
            model, address = {"acrel": (AcrelModel, 1), "eastron": (SettableEastron, 2), "bender": (BenderModel, 3)}[
                kind
            ]
            self.slaves[kind] = model(address, baud, parity)
        if "acrel" in self.slaves:
            self.slaves["acrel"].v = 400.0

    def status(self):
        rows = [f"{kind} address {slave.address} ({slave.asked} questions)" for kind, slave in self.slaves.items()]
        return ", ".join(rows) + f"; {next(iter(self.slaves.values())).baud} baud"

    def command(self, text):
        words = text.split()
        if not words:
            return True
        if words[0] in ("quit", "exit"):
            return False
        if words[0] == "status":
            self._tell(self.status())
        elif words[0] == "help":
            self._tell(help_text().rstrip())
        elif len(words) == 1 and words[0] in [name for name, _ in FAULTS]:
            self._plant(words[0])
        elif len(words) == 2 and words[0] in ("v", "a", "w", "ohm") and _number(words[1]) is not None:
            self._set(words[0], _number(words[1]))
        else:
            self._tell(f"{text.strip()!r} is no command; type help")
        return True

    def _plant(self, fault):
        for kind, slave in self.slaves.items():
            slave.silent, slave.bad_crc = fault == "silent", fault == "crc"
            slave.exception = 2 if fault == "exception" else 0
            if kind == "bender":
                slave.error = fault == "error"
            else:
                slave.reversed = fault == "reversed"
            if kind == "acrel":
                slave.power_unit = 1000.0 if fault == "kilo" else 1.0
        self._tell(f"planted: {fault}")

    def _set(self, word, value):
        for kind, slave in self.slaves.items():
            if word == "w" and kind == "eastron":
                slave.load([value] * 3)
            elif word == "ohm" and kind == "bender":
                slave.r_ohm = value
            elif word in "va" and kind == "acrel":
                setattr(slave, word, value)
            elif word == "v" and kind == "bender":
                slave.u_n = value

    def turn(self, now):
        at = time.monotonic()
        ms = int((at - self._moved) * 1000)
        if ms:
            self._moved += ms / 1000
            for slave in self.slaves.values():
                slave.advance(ms)
        data = self.end.read()
        if data:
            self._got += data
            self._since = at
        if self._got and at - self._since >= _QUIET_S:
            frame, self._got = self._got, b""
            for slave in self.slaves.values():
                if self._understood(slave):
                    answer = slave.reply(frame)
                    if answer:
                        self.end.write(answer)

    def _understood(self, slave):
        try:
            _, _, _, _, speed, _, _ = termios.tcgetattr(self.end.fd)
        except termios.error:
            return True
        return _SPEEDS.get(speed) == slave.baud


class SettableEastron(EastronModel):
    """With the settings that its maker's manual lists: 0x12 parity, 0x14 address, 0x1C speed. They
    hold when the answer has gone out."""

    _new = None

    def reply(self, frame):
        answer = super().reply(frame)
        if self._new:
            name, value = self._new
            setattr(self, name, value)
            self._new = None
        return answer

    def write(self, register, words):
        value = int(struct.unpack(">f", struct.pack(">HH", *words))[0]) if len(words) == 2 else -1
        if register == 0x14 and 1 <= value <= 247:
            self._new = "address", value
        elif register == 0x12 and 0 <= value <= 2:
            self._new = "parity", ("none", "even", "odd")[value]
        elif register == 0x1C and 0 <= value <= 4:
            self._new = "baud", (2400, 4800, 9600, 19200, 38400)[value]
        else:
            raise Refused(2)


def _number(text):
    try:
        return float(text)
    except ValueError:
        return None
