"""DC modules of Infypower on a CAN bus: BEG1K075G (both directions) and REG (charging only).

Written from the published facts about their frames, with numbers of its own: the drivers must not
be checked against themselves. What nobody publishes is a setting here: how long a start takes,
after which silence a module ends, whether writes are answered, what it does when the mode changes
under current (it protects itself).

A module needs a `line` with on, sink, set_mv, set_ma to set and mv_in, ma to read: twin/dc_line.py.
"""

import struct

from firmware.clock import sooner, ticks_add, ticks_diff
from twin.can_bus import Frame, Node

# name, what it does
FAULTS = (
    ("none", "repaired"),
    ("silent", "hears and obeys, and does not answer"),
    ("deaf", "hears nothing: its own silence time-out ends it"),
    ("fault", "module fault: delivers nothing"),
    ("hot", "over-temperature: delivers nothing"),
    ("grid", "a phase of its input is lost: delivers nothing"),
    ("limited", "can do a quarter of its power"),
    ("refuses", "refuses every write"),
    ("starting", "answers everything with: starting"),
    ("stuck on", "does not go off"),
    ("dead", "says on and delivers nothing"),
    ("never on", "does not go on"),
    ("stuck mode", "its mode does not change"),
    ("babbles", "sends its answers ten times"),
)
_HOST = 0xF0


class Module(Node):
    """line: what its terminals are wired to. Settings: start_ms, silence_ms, answer_ms, echo
    (accepted writes are answered). State: running (delivers), broken (protected itself until it is
    switched off). Counters: heard, refused, under_current (mode changes under current)."""

    def __init__(self, line, address=0, bit_rate=125000):
        Node.__init__(self, bit_rate)
        self.line = line
        self.address = address
        self.fault = "none"
        self.start_ms = 800
        self.silence_ms = 10000
        self.answer_ms = 3
        self.echo = True
        self.running = False
        self.broken = False
        self.set_mv = 0
        self.set_ma = 0
        self.inverter = False
        self.heard = self.refused = self.under_current = 0
        self._starts_at = None
        self._heard_at = None
        self._answers = []  # (tick, frame)
        self._now = None
        self.bus = None

    def plug(self, bus, now):
        self.bus = bus
        self._now = self._heard_at = now
        bus.attach(self)

    @property
    def due(self):
        due = ticks_add(self._now, 20)
        if self.got:
            return self._now
        for at, _ in self._answers:
            due = sooner(due, at)
        return due

    def poll(self, now):
        self._now = now
        for frame in self.got:
            self._hear(frame, now)
        self.got = []
        while self._answers and ticks_diff(now, self._answers[0][0]) >= 0:
            self.tx.append(self._answers.pop(0)[1])
            self.bus.wake()
        if self._starts_at is not None and ticks_diff(now, self._starts_at) >= 0:
            self._starts_at = None
            self.running = True
        if self.fault in ("fault", "hot", "grid"):
            self.broken = True
        if self.broken or ticks_diff(now, self._heard_at) >= self.silence_ms:
            self._switch(False, force=True)
        line = self.line
        line.on = self.running and self.fault != "dead"
        line.sink = self.inverter
        line.set_mv = self.set_mv
        line.set_ma = self.set_ma
        if self.fault == "limited":
            line.set_ma = min(self.set_ma, self.rated_w // 4 * 1000 // max(1, line.mv_in // 1000))
        line.poll(now)

    def _switch(self, on, force=False):
        if not on:
            if self.fault != "stuck on" or force:
                self.running = False
                self._starts_at = None
            if not force:
                self.broken = False  # a fault that is still there breaks it again
        elif not self.running and self._starts_at is None and not self.broken and self.fault != "never on":
            self._starts_at = ticks_add(self._now, self.start_ms)

    # -- frames

    def _hear(self, frame, now):
        ident = frame.ident
        to, command, device = ident >> 8 & 0xFF, ident >> 16 & 0x3F, ident >> 22 & 0x0F
        mine = (device == 0x0A and to in (self.address, 0x3F)) or (device == 0x0B and to in (0, 0x3F))
        if not frame.extended or self.fault == "deaf" or not mine or len(frame.data) != 8:
            return
        if not _HOST <= ident & 0xFF <= 0xF8:
            return
        self.heard += 1
        self._heard_at = now
        if self.fault == "starting":
            error, data = 7, frame.data
        else:
            error, data = self._obey(command, frame.data)
        if error:
            self.refused += 1
        if data is None or self.fault == "silent":
            return
        answer = self.frame(command, data, error, device, ident & 0xFF)
        at = ticks_add(now, self.answer_ms)
        self._answers += [(at, answer)] * (10 if self.fault == "babbles" else 1)

    def frame(self, command, data, error=0, device=0x0A, to=_HOST):
        return Frame(self.address | to << 8 | command << 16 | device << 22 | error << 26, data)

    def _status(self):
        """The bytes 5, 6, 7 of the status."""
        low, mid, high = 0, 0, 0
        if not self.running:
            mid |= 1 << 0
        if self.fault == "fault":
            mid |= 1 << 1
        if self.broken and self.fault not in ("fault", "hot", "grid"):
            mid |= 1 << 2
        if self.fault == "hot":
            mid |= 1 << 4
        if self.fault == "grid":
            low |= 1 << 3 | 1 << 7
        if self.fault == "limited":
            low |= 1 << 0
        return bytes((low, mid, high))


class Beg(Module):
    """BEG1K075G: 200 to 1000 V, 73.3 A and 22 kW each way."""

    rated_w = 22000

    def _obey(self, command, data):
        what = data[0] << 8 | data[1]
        value = struct.unpack(">I", data[4:8])[0]
        if command == 0x23:
            back = self._read(what)
            return (0, data[:4] + back) if back is not None else (3, data)
        if command != 0x24:
            return 2, data
        if self.fault == "refuses" or not self._write(what, value):
            return 3, data
        return 0, data if self.echo else None

    def _read(self, what):
        line = self.line
        if what == 0x1110:
            return b"\0" + self._status()
        if what == 0x1111:
            return bytes((0, 0, 0, 1 if self.inverter else 0))
        values = {
            0x1001: line.mv_in,
            0x1002: abs(line.ma),
            0x1010: 1,
            0x1106: 25000,
            0x1130: 1000000,
            0x1131: 200000,
            0x1132: 73300,
            0x1133: self.rated_w * 1000,
        }
        return struct.pack(">I", values[what]) if what in values else None

    def _write(self, what, value):
        if what == 0x1001:
            if not 200000 <= value <= 1000000:
                return False
            self.set_mv = value
        elif what == 0x1002:
            if value > 73300:
                return False
            self.set_ma = value
        elif what == 0x1110:
            if value not in (0xA0, 0xA1):
                return False
            self._switch(value == 0xA0)
        elif what == 0x2110:
            if value not in (0xA0, 0xA1):
                return False
            inverter = value == 0xA1
            if inverter != self.inverter and self.fault != "stuck mode":
                if abs(self.line.ma) > 2000:
                    self.under_current += 1
                    self.broken = True
                self.inverter = inverter
        elif what == 0x2105:
            return value <= 1000
        elif what == 0x1122:
            return value in (0xA0, 0xA1)
        elif what == 0x1126:
            return value in (0xA0, 0xA1, 0xA2)
        else:
            return False
        return True


class Reg(Module):
    """A charging module of protocol V1.13: 150 to 1000 V, 50 A, 20 kW."""

    rated_w = 20000

    def __init__(self, line, address=0, bit_rate=125000):
        Module.__init__(self, line, address, bit_rate)
        self.echo = False
        self.min_v, self.max_v, self.max_da = 150, 1000, 500

    def _obey(self, command, data):
        line = self.line
        if command == 0x02:
            return 0, b"\0\0\1" + bytes(5)
        if command == 0x03:
            return 0, struct.pack(">ff", line.mv_in / 1000, line.ma / 1000)
        if command == 0x04:
            return 0, bytes(5) + self._status()
        if command == 0x0A:
            return 0, struct.pack(">HHHH", self.max_v, self.min_v, self.max_da, self.rated_w // 10)
        if command == 0x0C:
            w = self.rated_w // 4 if self.fault == "limited" else self.rated_w
            volts = max(self.min_v, line.mv_in // 1000)
            return 0, struct.pack(">HHHH", line.mv_in // 100, min(self.max_da, w * 10 // volts), 0, 0)
        if command == 0x1A:
            if self.fault == "refuses" or data[0] > 1:
                return 3, data
            self._switch(data[0] == 0)
            return 0, data if self.echo else None
        if command == 0x1C:
            mv, ma = struct.unpack(">II", data)
            if self.fault == "refuses" or not self.min_v * 1000 <= mv <= self.max_v * 1000 or ma > self.max_da * 100:
                return 3, data
            self.set_mv, self.set_ma = mv, ma
            return 0, data if self.echo else None
        return 2, data
