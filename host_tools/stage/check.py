"""What a power board at a serial line does, tried from the station's side with the firmware's own
stage: the steps of `microv2g stage check`.

Nothing of it needs an output but the step that is asked for by its voltage. Each step gives
(name, ok, text); ok None: not tried.
"""

import time

from firmware.clock import ticks_add, ticks_diff, ticks_ms
from firmware.stage import serial_frame as wire
from firmware.stage import words
from firmware.stage.faults import COMM
from firmware.stage.serial import MAJOR, MINOR, SerialStage

_STATES = ("OFF", "READY", "TESTING", "PRECHARGE", "RUN", "STOPPING", "FAULT")


class _Silent:
    def note(self, now, text, value=None):
        pass

    error = note


class Raw:
    """Single frames, beside the stage: what it never sends."""

    def __init__(self, end):
        self.end = end
        self.cut = wire.Cutter()

    def ask(self, kind, payload, seq, wait_ms, spoil=False):
        """Send one frame; (ms, type, payload) of the first answer to it, or None."""
        buf = wire.frame(kind, len(payload))
        buf[3] = seq
        buf[4:-2] = payload
        wire.seal(buf)
        if spoil:
            buf[-1] ^= 0x55
        begun = time.monotonic()
        self.end.write(buf)
        while True:
            data = self.end.read()
            self.cut.feed(data, len(data))
            while self.cut.take():
                cut = self.cut
                if cut.seq == seq and cut.kind != wire.FAULT:
                    return (time.monotonic() - begun) * 1000, cut.kind, bytes([cut.u8(i) for i in range(cut.n)])
            if (time.monotonic() - begun) * 1000 > wait_ms:
                return None
            time.sleep(0.0005)

    def drain(self, ms):
        end = time.monotonic() + ms / 1000
        while time.monotonic() < end:
            self.end.read()
            time.sleep(0.005)


def _cmd(op, mv=0, ma=0, w=0):
    buf = bytearray(14)
    buf[0] = op
    for at, value in ((2, mv), (6, ma), (10, w)):
        wire.put32(buf, at, value)
    return bytes(buf)


def _u16(data, at):
    return data[at] | data[at + 1] << 8


def _amount(value, unit):
    return f"{value / 1000:g} {unit}"


def steps(end, output_mv=0):
    """Yield (name, ok, text) of each step. output_mv: pre-charge to this voltage, with nothing at
    the output, and time the way to off; 0: not tried."""
    raw = Raw(end)
    raw.drain(100)
    got = raw.ask(wire.HELLO, bytes((MAJOR, MINOR)), 1, 500)
    if got is None:
        yield (
            "hello", False,
            "no answer. Is it powered; TX and RX crossed; the speed that of the board (--baud); CRC and length as in "
            "docs/power_stage.md (one example frame is there)?",
        )  # fmt: skip
        return
    ms, kind, hello = got
    if kind != wire.HELLO_RES or len(hello) < 60:
        yield "hello", False, f"answered by type {kind:02X} with {len(hello)} bytes; it must be type 81 with 60"
        return
    if hello[0] != MAJOR:
        yield "hello", False, f"version {hello[0]}.{hello[1]}; this firmware speaks {MAJOR}.x: update one of them"
        return
    yield "hello", True, f"version {hello[0]}.{hello[1]}, after {ms:.1f} ms"
    yield _caps(hello)
    yield _answers(raw)
    got = raw.ask(wire.CMD, _cmd(0), 90, 300, spoil=True)
    yield (
        "crc",
        got is None,
        "a frame with a wrong CRC is not answered" if got is None else "it ANSWERS frames with a wrong CRC",
    )
    yield _lease(raw, hello)
    yield _restart(raw)
    yield from _stage(end, output_mv)
    raw.ask(wire.CMD, _cmd(0), 99, 300)


def _caps(hello):
    def u32(at):
        return _u16(hello, at) | _u16(hello, at + 2) << 16

    flags, wrong = _u16(hello, 4), []
    names = ("simulated", "bidirectional", "measures the car's side", "insulation monitor", "meter", "lock", "grid guard",
             "own contactors")  # fmt: skip
    has = [name for i, name in enumerate(names) if flags >> i & 1]
    text = "%s, %s to %s, %s / %s, %s / %s (charge / discharge), meter %s; %s" % (
        {1: "DC", 2: "AC"}.get(hello[2], "kind %d" % hello[2]),
        _amount(u32(12), "V"), _amount(u32(8), "V"), _amount(u32(16), "A"), _amount(u32(20), "A"),
        _amount(u32(24), "kW"), _amount(u32(28), "kW"), hello[40:60].rstrip(b"\0").decode("ascii", "replace") or "-",
        ", ".join(has),
    )  # fmt: skip
    if hello[2] not in (1, 2):
        wrong.append("kind must be 1 (DC) or 2 (AC)")
    if hello[2] == 1 and not 0 < u32(8) <= 1500000:
        wrong.append("highest voltage must be 1..1500000 mV: is it in volts?")
    if u32(12) > u32(8):
        wrong.append("lowest voltage is above the highest")
    if (u32(20) or u32(28)) and not flags & 2:
        wrong.append("it has discharge limits, and does not say bidirectional")
    if flags & 2 and not (u32(20) and u32(28)):
        wrong.append("it says bidirectional, and a discharge limit is 0")
    if hello[6] * 10 > 300:
        wrong.append(f"a lease of {hello[6] * 10} ms is longer than 300 ms")
    if hello[2] == 1 and not flags & 4:
        text += ". DC is REFUSED without a measurement on the car's side (but for the lab switch)"
    return "caps", not wrong, "; ".join(wrong) or text


def _answers(raw):
    times, lost = [], 0
    for i in range(40):
        got = raw.ask(wire.CMD, _cmd(0), 10 + i, 50)
        if got is None or got[1] != wire.STATUS:
            lost += 1
        else:
            times.append(got[0])
            time.sleep(max(0, 0.02 - got[0] / 1000))
    if not times:
        return "answers", False, "no STATUS at all"
    times.sort()
    late = sum(1 for ms in times if ms > 20)
    text = f"{len(times)} of 40, half within {times[len(times) // 2]:.1f} ms, slowest {times[-1]:.1f} ms"
    if lost:
        return "answers", False, text + "; lost ones: is the line long, or the board busy?"
    return (
        "answers",
        late <= 4,
        text + (f"; {late} took over 20 ms (10 ms and the line's own time are the rule)" if late else ""),
    )


def _lease(raw, hello):
    """STOP needs a lease as every operation but off, and lets nothing flow."""
    raw.ask(wire.CMD, _cmd(1), 60, 100)
    time.sleep(hello[6] / 100 + 0.2 + 0.15)
    got = raw.ask(wire.CMD, _cmd(1), 61, 200)
    if got is None or got[1] != wire.STATUS:
        return "lease", False, "no answer behind a silence"
    ended = _u16(got[2], 2) >> 14 & 1
    if not (ended and got[2][0] == 6):
        return (
            "lease",
            False,
            "it was left alone for %d ms and did not end: FAULT and bit 14 were due" % (hello[6] * 10 + 350),
        )
    got = raw.ask(wire.CMD, _cmd(0), 62, 200)
    back = got is not None and not _u16(got[2], 2) >> 14 & 1
    return (
        "lease",
        back,
        "ended by itself; off forgets it" if back else "ended by itself, and off does not clear bit 14",
    )


def _restart(raw):
    got = raw.ask(wire.HELLO, bytes((MAJOR, MINOR)), 70, 200)
    again = raw.ask(wire.CMD, _cmd(0), 71, 200)
    ok = got is not None and again is not None and again[2][0] == 0
    return "hello again", ok, "it is off behind it" if ok else "it must answer, and be OFF behind it"


def _stage(end, output_mv):
    """With the firmware's stage: state, readings, and the way to off."""
    stage = SerialStage({}, end, _Silent())
    now = ticks_ms()
    stage.start(now)

    def run(ms, until=None, command=None):
        stop = ticks_add(ticks_ms(), ms)
        while ticks_diff(stop, ticks_ms()) > 0:
            if command:
                command(ticks_ms())
            stage.poll(ticks_ms())
            if until and until():
                return True
            time.sleep(0.001)
        return until is None

    run(400)
    stage.off(ticks_ms())
    run(100)
    ok = not stage.faults and stage.state in (words.OFF, words.READY)
    yield (
        "readings", ok,
        f"{_STATES[stage.state]}, {_amount(stage.mv_out, 'V')} at the car, {_amount(stage.mv_in, 'V')} inside, "
        f"{_amount(stage.ma, 'A')}, insulation {stage.insulation_ohm // 1000} kohm, faults {stage.faults:04x}",
    )  # fmt: skip
    if not output_mv:
        yield "off", None, "not tried: --output V pre-charges the open output to V and times the way to off"
        return
    if output_mv < stage.caps.min_mv or output_mv > stage.caps.max_mv:
        yield "off", None, "not tried: the output cannot have %s" % _amount(output_mv, "V")
        return
    reached = run(5000, lambda: abs(stage.mv_in - output_mv) <= 20000, lambda now: stage.precharge(output_mv, 100, now))
    if not reached:
        stage.off(ticks_ms())
        yield (
            "off",
            False,
            f"the output stayed at {_amount(stage.mv_in, 'V')}; pre-charge to {_amount(output_mv, 'V')} was asked",
        )
        return
    begun = time.monotonic()
    stage.off(ticks_ms())
    off = run(2000, lambda: stage.state == words.OFF)
    off_ms = (time.monotonic() - begun) * 1000
    dead = off and run(5000, lambda: stage.mv_in < 60000)
    dead_ms = (time.monotonic() - begun) * 1000
    ok = bool(off and dead and off_ms < 100)
    yield (
        "off", ok,
        f"OFF after {off_ms:.0f} ms, below 60 V after {dead_ms:.0f} ms" if dead else f"still {_amount(stage.mv_in, 'V')}",
    )  # fmt: skip
    if stage.faults & COMM:
        yield "line", False, "answers were lost meanwhile"
