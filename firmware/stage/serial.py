"""A power stage at a serial line (docs/power_stage.md): any power board that speaks the protocol of
that page.

Every 50 ms a command goes out, which is also the heartbeat; the stage answers each one with its
readings. What counts is an answer that names one of the last commands, by its sequence number: its
readings are as old as that command, so what waited in a buffer is not taken for fresh. The stage
goes off by itself when commands stay away; here three commands without an answer are COMM.
"""

from array import array

from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.stage import serial_frame as wire
from firmware.stage.faults import (
    COMM,
    CONVERTER,
    DOOR,
    ESTOP,
    GRID_LIMIT,
    GRID_LOST,
    IMD_ALARM,
    IMD_WARN,
    LOCK,
    METER,
    OVERCURRENT,
    OVERTEMP,
    OVERVOLT,
    RCD,
    STUCK_OPEN,
    WELDED,
)
from firmware.stage.words import AC, CURRENT, DC, ENERGY, IN, INSULATION, LINES, OUT, READY, TESTING, Caps
from firmware.stage.words import FAULT as IS_FAULT
from firmware.stage.words import OFF as IS_OFF
from micropython import const

MAJOR = const(1)
MINOR = const(0)

# Operations of a command.
OFF = const(0)
STOP = const(1)
TEST = const(2)
PRECHARGE = const(3)
CLOSE = const(4)
RUN = const(5)
CLEAR = const(6)

_PERIOD_MS = const(50)
_SOON_MS = const(20)  # a changed set-point waits this long at most
_ANSWER_MS = const(12)
_GAP_MS = const(20)  # no frame has a pause of this length
_LEASE_MS = const(300)  # of Power's commands and beats: then stop, and _LEASE_OFF_MS later off
_LEASE_OFF_MS = const(200)
_LOST = const(3)  # commands without an answer, the first of them so long ago: COMM
_SILENT_MS = const(150)
_KEPT = const(8)  # commands that an answer may name are looked up in so many
_LATE_MS = const(200)
_LIMIT_MS = const(250)  # age of a reading: the third command was lost by then
_NEVER = const(1 << 29)
_IDLE_MS = const(200)
_STEP_WH = const(1000000)  # no meter counts more between two readings
_CHUNK = const(64)


class SerialStage:
    """The contract `power stage` over a UART (any readinto write).

    trace is told what the stage is, and why it is refused. late: answers that named no command of
    the last 200 ms; lost: periods without an answer.
    """

    def __init__(self, cfg, uart, trace):
        self.caps = caps = Caps()  # nothing can be offered before HELLO
        caps.max_mv = caps.max_charge_ma = caps.max_discharge_ma = caps.max_charge_w = caps.max_discharge_w = 0
        self.due = None
        self.state = IS_OFF
        self.closed = None
        self.test_result = 0
        self.insulation_ohm = 0
        self.mv_out = self.mv_in = self.ma = self.w = self.var = 0
        self.l_mv = array("i", (0, 0, 0))
        self.l_ma = array("i", (0, 0, 0))
        self.l_w = array("i", (0, 0, 0))
        self.can_charge_w = self.can_discharge_w = 0
        self.charged_wh = self.discharged_wh = 0
        self.temp_c10 = 0
        self.meter_ok = self.locked = False
        self.faults = 0
        self.late = self.lost = 0
        self.refused = ""  # why this stage is not taken, in words
        self._uart = uart
        self._trace = trace
        self._cut = wire.Cutter()
        self._chunk = bytearray(_CHUNK)
        self._hello = wire.frame(wire.HELLO, 2)
        self._hello[4] = MAJOR
        self._hello[5] = MINOR
        self._cmd = wire.frame(wire.CMD, 14)
        self._ac = wire.frame(wire.CMD_AC, 18)
        self._seq = 0
        self._sent = [-1] * _KEPT
        self._known = False  # HELLO was answered, and nothing was lost since
        self._barred = False  # it has ended by itself: nothing is asked of it before off()
        self._own = 0  # faults that this side has found
        self._next = self._heard = self._fed = self._begun = 0
        self._waiting = self._since = 0  # commands without an answer; tick of the first
        self._last = 0  # the newest command that was answered
        self._op = OFF
        self._mv = self._ma = self._w = 0
        self._lines = array("i", (0, 0, 0, 0))
        self._test_seq = -1  # first command of a test that is not answered yet
        self._read = [-1] * 6  # tick of each source; -1: never
        self._in_wh = self._out_wh = -1  # what the registers showed last

    # -- commands

    def start(self, now):
        self._op = OFF
        self._known = False
        self._waiting = 0
        self._heard = self._next = now
        self.due = now
        self.poll(now)

    def beat(self, now):
        self._fed = now

    def off(self, now):
        self._op = OFF
        self._barred = False
        if self._known:
            self._own = 0
        self._set(0, 0, 0)
        self._send(now)

    def stop(self, now):
        if self._op != OFF:
            self._do(STOP, 0, 0, 0, now)

    def test(self, mv, ma, now):
        if self._op != TEST:
            self.test_result = 0
            self._test_seq = self._seq + 1 & 0xFF
        self._do(TEST, max(0, min(mv, self.caps.max_mv)), max(0, ma), 0, now)

    def precharge(self, mv, ma, now):
        self._do(PRECHARGE, max(0, min(mv, self.caps.max_mv)), max(0, ma), 0, now)

    def close(self, now):
        self._do(CLOSE, 0, 0, 0, now)

    def dc(self, mv, ma, w, now):
        caps = self.caps
        ma = max(-caps.max_discharge_ma, min(ma, caps.max_charge_ma))
        w = max(0, min(w, caps.max_discharge_w if ma < 0 else caps.max_charge_w))
        self._do(RUN, max(0, min(mv, caps.max_mv)), ma, w, now)

    def ac(self, l1_ma, l2_ma, l3_ma, var, now):
        had = self._lines
        if l1_ma != had[0] or l2_ma != had[1] or l3_ma != had[2] or var != had[3]:
            had[0] = l1_ma
            had[1] = l2_ma
            had[2] = l3_ma
            had[3] = var
            for i in range(4):
                wire.put32(self._ac, 6 + 4 * i, had[i])
            self._soon(now)
        self._do(RUN, 0, 0, 0, now)

    def lock(self, yes, now):
        self._cmd[5] = self._ac[5] = 1 if yes else 0

    def clear(self, now):
        if self._op == OFF:
            self._op = CLEAR  # for one command
            self._send(now)
            self._op = OFF

    def _do(self, op, mv, ma, w, now):
        self._fed = now
        if self._barred or not self._known:
            return
        if op != self._op:
            self._op = op
            self._begun = self._next = now
        if self._set(mv, ma, w):
            self._soon(now)
        self.due = sooner(self.due, self._next)

    def _soon(self, now):
        """Something new: the next command does not wait for its turn."""
        self._next = sooner(self._next, ticks_add(self._sent[self._seq & _KEPT - 1], _SOON_MS))
        self.due = sooner(self.due, self._next)

    def _set(self, mv, ma, w):
        """Set-points into the next command; True if one is new."""
        if self._mv == mv and self._ma == ma and self._w == w:
            return False
        self._mv = mv
        self._ma = ma
        self._w = w
        buf = self._cmd
        wire.put32(buf, 6, mv)
        wire.put32(buf, 10, ma)
        wire.put32(buf, 14, w)
        return True

    # -- time

    def poll(self, now):
        self._receive(now)
        if ticks_diff(now, self._next) >= 0:
            self._period(now)
        self.due = self._next
        if self._waiting:
            soon = ticks_add(self._sent[self._seq & _KEPT - 1], _ANSWER_MS)
            if ticks_diff(soon, now) <= 0:
                soon = ticks_add(now, _ANSWER_MS)
            self.due = sooner(self.due, soon)

    def _period(self, now):
        """Count what was lost, mind the lease, send the next command."""
        if self._waiting:
            self.lost += 1
            if self._waiting >= _LOST and ticks_diff(now, self._since) >= _SILENT_MS and not self._own:
                self._trace.error(now, "power stage: three commands without an answer")
                self._gone()
        idle_ms = ticks_diff(now, self._fed)
        if self._op >= TEST and idle_ms >= _LEASE_MS:
            self._op = STOP
            self._set(0, 0, 0)
            self._barred = True
            self._own = COMM
            self.faults |= COMM
        if self._barred and self._op == STOP and idle_ms >= _LEASE_MS + _LEASE_OFF_MS:
            self._op = OFF
        self._send(now)
        if not self._known:
            self._write(self._hello, now)

    def _gone(self):
        """Whatever the stage does now, it is not asked for power any more, and its readings only
        grow older. It is asked for its HELLO until it answers."""
        self._known = False
        self._barred = True
        self._last = self._seq
        self._op = OFF
        self._set(0, 0, 0)
        self._own = COMM
        self.faults |= COMM
        self.state = IS_FAULT

    def _send(self, now):
        """The command that stands, at once."""
        buf = self._ac if self._op == RUN and self.caps.kind == AC else self._cmd
        buf[4] = self._op
        self._write(buf, now)
        self._next = ticks_add(now, _PERIOD_MS)
        self.due = sooner(self.due, self._next)

    def _write(self, buf, now):
        self._seq = seq = self._seq + 1 & 0xFF
        buf[3] = seq
        wire.seal(buf)
        self._sent[seq & _KEPT - 1] = now
        if not self._waiting:
            self._since = now
        self._waiting += 1
        self._uart.write(buf)

    # -- what comes back

    def _receive(self, now):
        uart, chunk, cut = self._uart, self._chunk, self._cut
        for _ in range(8):
            n = uart.any()
            if not n:
                break
            n = uart.readinto(chunk, min(n, _CHUNK))
            if not n:
                break
            self._heard = now
            cut.feed(chunk, n)
            while cut.take():
                self._frame(now)
        if cut.waiting and ticks_diff(now, self._heard) >= _GAP_MS:
            cut.quiet()
            self._heard = now
            while cut.take():
                self._frame(now)

    def _frame(self, now):
        cut = self._cut
        kind, n = cut.kind, cut.n
        if kind == wire.FAULT and n >= 4:
            # Unasked, so it may be old: it only adds. The next answer tells what is so.
            self.faults |= self._bits(cut.u16(2))
            return
        sent = self._named(now)
        if sent < 0:
            return
        if kind == wire.STATUS and n >= 30:
            self._status(sent, now)
        elif kind == wire.ENERGY and n >= 8:
            self._registers(sent)
        elif kind == wire.LINES and n >= 40:
            self._three(sent)
        elif kind == wire.HELLO_RES and n >= 60:
            self._introduced(now)

    def _named(self, now):
        """Tick of the command that the frame answers; -1: none that still counts."""
        seq = self._cut.seq
        sent = self._sent[seq & _KEPT - 1]
        if (
            self._seq - seq & 0xFF >= _KEPT
            or seq - self._last & 0xFF >= 0x80
            or sent < 0
            or ticks_diff(now, sent) > _LATE_MS
        ):
            self.late += 1
            return -1
        self._last = seq
        return sent

    def _status(self, sent, now):
        cut = self._cut
        self._waiting = 0
        flags = cut.u8(1)
        self.mv_out = cut.s32(4)
        self.mv_in = cut.s32(8)
        self.ma = cut.s32(12)
        self.w = cut.s32(16)
        at = ticks_add(sent, -cut.u8(28))
        self._read[OUT] = self._read[IN] = self._read[CURRENT] = at
        age = cut.u8(29)
        self._read[INSULATION] = -1 if age == 255 else ticks_add(sent, -20 * age)
        self.insulation_ohm = cut.u16(20) * 1000
        self.temp_c10 = cut.s16(22)
        self.can_charge_w = cut.u16(24) * 10
        self.can_discharge_w = cut.u16(26) * 10
        self.closed = bool(flags & 1) if self.caps.contactors else None
        self.locked = bool(flags & 4)
        self.meter_ok = bool(flags & 8)
        if not self._known:
            return
        if flags & 0x80:
            self._trace.error(now, "power stage: it has restarted")
            self._gone()
            return
        self.state = state = cut.u8(0)
        if self._test_seq >= 0 and cut.seq - self._test_seq & 0xFF < 0x80:
            self._test_seq = -1
        if self._test_seq < 0 and self._op == TEST and state == TESTING:
            self.test_result = min(flags >> 4 & 3, 2)  # else it is of a test before
        self.faults = self._bits(cut.u16(2)) | self._own
        if state > IS_FAULT:
            self.state = IS_FAULT
            self.faults |= CONVERTER
        if self._op >= TEST and state <= READY and ticks_diff(now, self._begun) > _IDLE_MS:
            # It was told to work, has had the time, says no fault, and does not.
            self.faults |= CONVERTER

    def _bits(self, told):
        """Faults of the wire as those of firmware/stage/faults.py. No table: a number above 2**12 in
        a frozen tuple is an object, and what is computed with it another one."""
        bits = 0
        if not told:
            return 0
        if told & 0x0001:
            bits |= CONVERTER
        if told & 0x0002:
            bits |= OVERVOLT
        if told & 0x0004:
            bits |= OVERCURRENT
        if told & 0x0008:
            bits |= OVERTEMP
        if told & 0x0010:
            bits |= IMD_ALARM
        if told & 0x0020:
            bits |= IMD_WARN
        if told & 0x0040:
            bits |= ESTOP
        if told & 0x0080:
            bits |= DOOR
        if told & 0x0100:
            bits |= RCD
        if told & 0x0200:
            bits |= GRID_LOST
        if told & 0x0400:
            bits |= GRID_LIMIT
        if told & 0x0800:
            bits |= WELDED
        if told & 0x1000:
            bits |= STUCK_OPEN
        if told & 0x2000:
            bits |= LOCK
        if told & 0x4000:
            bits |= COMM
        if told & 0x8000:
            bits |= METER
        return bits

    def _registers(self, sent):
        """Two registers that never fall here, whatever those of the stage do. Below 2**30 they are
        those of the stage; one that has fallen, or jumped, counts on from where it is."""
        cut = self._cut
        seen_in = (cut.u16(2) & 0x3FFF) << 16 | cut.u16(0)
        seen_out = (cut.u16(6) & 0x3FFF) << 16 | cut.u16(4)
        if self._in_wh < 0:
            self.charged_wh, self.discharged_wh = seen_in, seen_out
        else:
            more_in = seen_in - self._in_wh & 0x3FFFFFFF
            more_out = seen_out - self._out_wh & 0x3FFFFFFF
            if more_in <= _STEP_WH and more_out <= _STEP_WH:
                self.charged_wh += more_in
                self.discharged_wh += more_out
        self._in_wh = seen_in
        self._out_wh = seen_out
        self._read[ENERGY] = sent

    def _three(self, sent):
        cut = self._cut
        for i in range(3):
            self.l_mv[i] = cut.s32(4 * i)
            self.l_ma[i] = cut.s32(12 + 4 * i)
            self.l_w[i] = cut.s32(24 + 4 * i)
        self.var = cut.s32(36)
        self._read[LINES] = sent

    def _introduced(self, now):
        """HELLO was answered: what the stage is and can."""
        cut = self._cut
        if cut.u8(0) != MAJOR:
            text = "power stage: it speaks version %d of the protocol, this firmware speaks %d; update one of them"
            self._refuse(now, text % (cut.u8(0), MAJOR))
            return
        flags = cut.u16(4)
        caps = self.caps
        caps.seq += 1
        caps.kind = AC if cut.u8(2) == 2 else DC
        caps.phases = cut.u8(3)
        caps.simulated = bool(flags & 1)
        caps.bidirectional = bool(flags & 2)
        caps.has_out = bool(flags & 4)
        caps.has_monitor = bool(flags & 8)
        caps.has_meter = bool(flags & 16)
        caps.has_lock = bool(flags & 32)
        caps.has_grid_guard = bool(flags & 64)
        caps.contactors = bool(flags & 128)
        caps.max_mv = cut.s32(8)
        caps.min_mv = cut.s32(12)
        caps.max_charge_ma = cut.s32(16)
        caps.max_discharge_ma = cut.s32(20)
        caps.max_charge_w = cut.s32(24)
        caps.max_discharge_w = cut.s32(28)
        for source in (OUT, IN, CURRENT, LINES):
            caps.limit_ms[source] = _LIMIT_MS
        caps.limit_ms[INSULATION] = cut.u16(32)
        caps.limit_ms[ENERGY] = cut.u16(34)
        caps.meter_id = self._text(40, 20)
        self.refused = ""
        self._known = True
        self._own = 0
        self.faults = 0
        self.state = IS_OFF
        self._trace.note(
            now, "power stage: %s" % ("AC" if caps.kind == AC else "DC") + ", meter " + (caps.meter_id or "none")
        )

    def _text(self, at, n):
        """ASCII of the payload, up to the first 0."""
        out = ""
        for i in range(at, at + n):
            byte = self._cut.u8(i)
            if not byte:
                break
            out += chr(byte) if 32 <= byte < 127 else "?"
        return out

    def _refuse(self, now, text):
        if not self.refused:
            self._trace.error(now, text)
        self.refused = text
        self._own = COMM
        self.faults |= COMM
        self.state = IS_FAULT

    # -- readings

    def age_ms(self, source, now):
        """Age in ms; None: there is no such source."""
        caps = self.caps
        if source == LINES:
            there = caps.kind == AC
        elif source == OUT:
            there = caps.has_out
        elif source == INSULATION:
            there = caps.has_monitor
        elif source == ENERGY:
            there = caps.has_meter
        else:
            there = True
        if not there:
            return None
        at = self._read[source]
        return _NEVER if at < 0 else max(0, ticks_diff(now, at))
