"""A power board at a serial line, as docs/power_stage.md describes the wire: for simulated time, for
the unix board, and behind `microv2g stage serve`. Written from that page; it has no code of the
firmware's.

Faults to switch on are FAULTS; see `plant`. `liar` says that it is off and goes on delivering, which
no frame shows: only a measurement of somebody else does.
"""

import struct

from firmware.clock import ticks_add, ticks_diff
from micropython import const

FAULTS = (
    ("none", "all repaired"),
    ("silent", "hears, and does not answer"),
    ("deaf", "hears nothing: its lease ends"),
    ("crc", "every frame of it has a wrong CRC"),
    ("noise", "bytes of nonsense between its frames"),
    ("old", "answers name the command before the last ten"),
    ("slow", "answers after 120 ms"),
    ("liar", "says off and goes on delivering"),
    ("stuck", "an insulation test never ends"),
    ("imd", "insulation of 20 kohm: alarm"),
    ("converter", "the module reports a fault and delivers nothing"),
    ("overtemp", "95 degrees: it can do less, and says so"),
    ("overvoltage", "100 V more than it was told"),
    ("estop", "emergency stop pressed"),
    ("grid", "the grid is lost"),
    ("meter", "the meter does not read"),
    ("frozen", "measured values stand still and grow old"),
    ("version", "speaks version 2 of the protocol"),
    ("restart", "restarts once"),
)

_OFF, _STOP, _TEST, _PRECHARGE, _CLOSE, _RUN, _CLEAR = range(7)
_S_OFF, _S_READY, _S_TESTING, _S_PRECHARGE, _S_RUN, _S_STOPPING, _S_FAULT = range(7)
_F_CONVERTER = const(1 << 0)
_F_OVERVOLT = const(1 << 1)
_F_OVERTEMP = const(1 << 3)
_F_IMD = const(1 << 4)
_F_ESTOP = const(1 << 6)
_F_GRID = const(1 << 9)
_F_LEASE = const(1 << 14)
_F_METER = const(1 << 15)
_SOFT = _F_OVERTEMP | _F_METER | 1 << 5
_LEASE_MS = const(300)
_MEASURE_MS = const(500)
_ANSWER_MS = const(4)
_MWMS_PER_WH = const(3600000000)


def checksum(data):
    """CRC-16 of the page, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def pack(kind, seq, payload):
    body = bytes((len(payload), kind, seq)) + payload
    return b"\xa5" + body + struct.pack("<H", checksum(body))


def unpack(data):
    """([(type, seq, payload)], rest) of what has arrived; what is no frame is skipped."""
    out = []
    while True:
        begin = data.find(b"\xa5")
        if begin < 0:
            return out, b""
        data = data[begin:]
        if len(data) < 2 or (data[1] <= 64 and len(data) < data[1] + 6):
            return out, data
        end = data[1] + 4
        if data[1] > 64 or checksum(data[1:end]) != struct.unpack("<H", data[end : end + 2])[0]:
            data = data[1:]
            continue
        out.append((data[2], data[3], data[4:end]))
        data = data[end + 2 :]


class PowerBoard:
    """line: twin.dc_line.DcLine. The firmware's end of the wire: any(), readinto(), write();
    another process: rx(data, now), tx()."""

    def __init__(self, line, own_contact=True, has_out=True, simulated=False, bidirectional=True):
        self.line = line
        self.own_contact = own_contact
        self.has_out = has_out
        self.simulated = simulated
        self.bidirectional = bidirectional
        self.fault = "none"
        self.max_mv, self.min_mv = 1000000, 150000
        self.max_ma = 125000
        self.max_w = 50000
        self.minor = 0
        self.heard = self.answered = 0
        self.op = _OFF
        self.state = _S_FAULT
        self.faults = 0
        self.new = True
        self.lease_ended = False
        self.locked = False
        self.test = 0
        self.kohm = 20000
        self.charged_wh, self.discharged_wh = 4711, 815
        self._in = b""
        self._out = []  # (tick, bytes)
        self._ready = b""
        self._heard_at = None
        self._test_at = None
        self._commanded = (0, 0, 0)
        self._seqs = []
        self._measured = None
        self._energy_at = None
        self._told = 0
        self._now = None

    # -- the firmware's end, in one process

    def any(self):
        return len(self._ready)

    def readinto(self, buf, n=None):
        n = min(len(self._ready), len(buf) if n is None else n)
        buf[:n] = self._ready[:n]
        self._ready = self._ready[n:]
        return n or None

    def write(self, buf):
        if self._now is None:
            self._in += bytes(buf)  # nobody has told the time yet
        else:
            self.rx(bytes(buf), self._now)
        return len(buf)

    # -- bytes

    def rx(self, data, now):
        self._now = now
        if self.fault == "deaf":
            return
        frames, self._in = unpack(self._in + data)
        for kind, seq, payload in frames:
            self._frame(kind, seq, payload, now)

    def tx(self):
        data, self._ready = self._ready, b""
        return data

    @property
    def due(self):
        return ticks_add(self._now, 5)

    def poll(self, now):
        """Move the model to `now`."""
        if self._now is None and self._in:
            self.rx(b"", now)
        self._now = now
        line = self.line
        line.poll(now)
        self._mind(now)
        self._work(now)
        whs = line.in_mwms // _MWMS_PER_WH, line.out_mwms // _MWMS_PER_WH
        self.charged_wh += whs[0]
        self.discharged_wh += whs[1]
        line.in_mwms -= whs[0] * _MWMS_PER_WH
        line.out_mwms -= whs[1] * _MWMS_PER_WH
        if self.fault != "frozen" or self._measured is None:
            self._measured = (line.mv_out, line.mv_in, line.ma, line.w, now)
        while self._out and ticks_diff(now, self._out[0][0]) >= 0:
            self._ready += self._out.pop(0)[1]

    # -- what is heard

    def _frame(self, kind, seq, payload, now):
        self.heard += 1
        if kind == 1 and len(payload) >= 2:
            self.new = False
            self.op = _OFF
            self._heard_at = now
            self._say(0x81, seq, self._hello(), now)
            return
        if self.new and kind in (2, 3):
            self._status(seq, now)
            return
        if kind == 2 and len(payload) >= 14:
            op, flags, mv, ma, w = struct.unpack("<BBIiI", payload[:14])
            self._command(op, flags, (mv, ma, w), now)
        elif kind == 3 and len(payload) >= 18:
            op, flags = payload[0], payload[1]
            self._command(op, flags, (0, 0, 0), now)
        else:
            return
        self._status(seq, now)

    def _command(self, op, flags, limits, now):
        self._heard_at = now
        self.locked = bool(flags & 1)
        if op in (_OFF, _CLEAR):
            self.lease_ended = False
            self.faults &= ~_F_LEASE
            op = _OFF
        elif self.lease_ended or (self.faults & ~_SOFT and op != _STOP):
            op = _OFF
        if op == _TEST and self.op != _TEST:
            self.test = 0
            self._test_at = None
        self.op = op
        self._commanded = limits
        self._work(now)

    # -- what it does by itself

    def _mind(self, now):
        bits = 0
        f = self.fault
        if f == "imd":
            bits |= _F_IMD
        elif f == "converter":
            bits |= _F_CONVERTER
        elif f == "overtemp":
            bits |= _F_OVERTEMP
        elif f == "estop":
            bits |= _F_ESTOP
        elif f == "grid":
            bits |= _F_GRID
        elif f == "meter":
            bits |= _F_METER
        self.line.over_mv = 100000 if f == "overvoltage" else 0
        over = self.line.mv_in > self._commanded[0] + 50000 and self.op in (_PRECHARGE, _RUN)
        if over if f == "overvoltage" else self.faults & _F_OVERVOLT and self.op != _OFF:
            bits |= _F_OVERVOLT
        if f == "restart":
            self.fault = "none"
            self.new, self.op, self.lease_ended = True, _OFF, False
        if self._heard_at is not None and self.op != _OFF:
            silent = ticks_diff(now, self._heard_at)
            if silent >= _LEASE_MS + 200:
                self.op = _OFF
                self.lease_ended = True
            elif silent >= _LEASE_MS:
                self.op = _STOP
                self.lease_ended = True
        if self.lease_ended:
            bits |= _F_LEASE
        self.faults = bits
        if bits & ~_SOFT & ~_F_LEASE:
            self.op = _OFF
        if bits & ~self._told and f not in ("silent", "deaf"):
            self._say(0x84, 0, struct.pack("<BBH", _S_FAULT, 0, bits), now)
        self._told = bits

    def _work(self, now):
        line = self.line
        mv, ma, w = self._commanded
        op = self.op
        line.insulation_ohm = 20000 if self.fault == "imd" else 20000000
        if self.fault == "liar" and op in (_OFF, _STOP) and line.on:
            self.state = _S_OFF
            return  # it says so, and the converter runs on
        if op == _OFF:
            line.on = False
            line.set_ma = 0
            if self.own_contact:
                line.contact = False
            self.state = _S_FAULT if self.new or self.faults & ~_SOFT else _S_OFF
            return
        if self.own_contact:
            line.contact = True
        if op == _STOP:
            line.set_ma = 0
            self.state = _S_READY if line.ma == 0 else _S_STOPPING
            if line.ma == 0 and not line.joined:
                line.on = False
            return
        line.sink = ma < 0
        if op == _TEST:
            self._insulation(mv, ma, now)
            self.state = _S_TESTING
        elif op == _PRECHARGE:
            line.on, line.set_mv, line.set_ma = True, mv, abs(ma)
            self.state = _S_PRECHARGE
        elif op == _CLOSE:
            line.on, line.set_ma = True, 0
            line.sink = False
            if not line.joined:
                line.set_mv = line.set_mv or line.mv_in
            self.state = _S_RUN
        elif op == _RUN:
            volts = max(1, line.mv_out // 1000)
            most = min(abs(ma), self._can_w() * 1000 // volts, w * 1000 // volts, self.max_ma)
            line.on, line.set_mv, line.set_ma = True, mv, most
            self.state = _S_RUN

    def _insulation(self, mv, ma, now):
        line = self.line
        line.set_mv, line.set_ma, line.sink = mv, abs(ma), False
        if self.test:
            line.on = False
            return
        line.on = True
        if line.mv_in * 100 >= mv * 95 and self._test_at is None:
            self._test_at = now
        if self._test_at is None or ticks_diff(now, self._test_at) < _MEASURE_MS or self.fault == "stuck":
            return
        self.kohm = line.insulation_ohm // 1000
        line.on = False
        if line.mv_in < 60000:
            self.test = 2 if self.kohm < 100 else 1

    def _can_w(self):
        return self.max_w // 4 if self.fault == "overtemp" else self.max_w

    # -- what is said

    def _hello(self):
        flags = self.simulated | self.bidirectional << 1 | self.has_out << 2 | 1 << 3 | 1 << 4 | self.own_contact << 7
        back = self.bidirectional
        return struct.pack(
            "<BBBBHBBIIIIIIHH4s20s",
            2 if self.fault == "version" else 1, self.minor, 1, 3, flags, 30, 10, self.max_mv, self.min_mv, self.max_ma,
            self.max_ma * back, self.max_w, self.max_w * back, 2000, 2500, bytes(4), b"TWIN-0001",
        )  # fmt: skip

    def _status(self, seq, now):
        line = self.line
        mv_out, mv_in, ma, w, at = self._measured or (line.mv_out, line.mv_in, line.ma, line.w, now)
        if self.fault == "liar" and self.state == _S_OFF:
            ma = w = 0
        dead = mv_in < 60000 and mv_out < 60000 and ma == 0
        meter = self.fault != "meter"
        contact = (line.closed() if line.closed else line.contact) if self.own_contact else False
        flags = contact | dead << 1 | self.locked << 2 | meter << 3 | self.test << 4 | self.new << 7
        can = self._can_w() // 10 if not self.faults & ~_SOFT else 0
        temp = 950 if self.fault == "overtemp" else 320
        data = struct.pack(
            "<BBHIIiiHhHHBB",
            self.state, flags, self.faults, mv_out if self.has_out else 0, mv_in, ma, w,
            min(0xFFFF, line.insulation_ohm // 1000), temp, can, can * self.bidirectional, min(255, ticks_diff(now, at)), 10,
        )  # fmt: skip
        if self.fault == "old":
            seq = seq - 10 & 255
        self._say(0x82, seq, data, now)
        if self._energy_at is None or ticks_diff(now, self._energy_at) >= 1000:
            self._energy_at = now
            self._say(0x83, seq, struct.pack("<II", self.charged_wh, self.discharged_wh), now)

    def _say(self, kind, seq, payload, now):
        if self.fault == "silent":
            return
        data = pack(kind, seq, payload)
        if self.fault == "crc":
            data = data[:-1] + bytes((data[-1] ^ 0x55,))
        elif self.fault == "noise":
            data = b"\xa5\x03\x00\xff\xa5" + data
        self.answered += 1
        self._out.append((ticks_add(now, 120 if self.fault == "slow" else _ANSWER_MS), data))
