"""A Modbus part tried with the driver of the firmware: `microv2g stage check --part`."""

import time

from drivers.acrel import Acrel
from drivers.bender import ALARM, WARNING, Bender
from drivers.eastron import Eastron
from drivers.modbus import Bus
from firmware.clock import ticks_diff, ticks_ms

PARTS = ("eastron", "acrel", "bender")


def _make(kind, address, swapped):
    if kind == "bender":
        return Bender(address)
    return (Eastron if kind == "eastron" else Acrel)(address, swapped)


def steps(end, kind, address, baud, parity, seconds, swapped, tell):
    """Yield (name, ok, text); ok None: not to be seen now. tell(text): progress."""
    part = _make(kind, address, swapped)
    bus = Bus(end, None, baud, {"N": "none", "E": "even", "O": "odd"}[parity])
    bus.add(part)
    begin = now = ticks_ms()
    part.start(now)
    bus.start(now)
    if kind == "bender":
        part.want(True, now)
    first, oldest, told = None, 0, -1
    while ticks_diff(now, begin) < seconds * 1000:
        now = ticks_ms()
        bus.poll(now)
        part.poll(now)
        age = part.age_ms(now)
        if age is not None:
            first = ticks_diff(now, begin) if first is None else first
            oldest = max(oldest, age)
        second = ticks_diff(now, begin) // 1000
        if second != told:
            told = second
            tell(f"{second} of {seconds} s: " + (_reading(kind, part) if age is not None else "nothing yet"))
        time.sleep(0.001)
    if first is None:
        faults = part.words() or [("no valid answer", "is it supplied, are A and B exchanged?")]
        text = "; ".join(f"{what}: {remedy}" for what, remedy in faults)
        yield "answers", False, text + f" `microv2g stage find --port {end.name}` tries other speeds and addresses"
        return
    counters = dict(bus.counters())
    lost = counters["bus.timeouts"] + counters["bus.crc"]
    text = f"first reading after {first} ms, oldest {oldest} ms, {counters['bus.requests']} questions, {lost} lost"
    yield "answers", lost * 20 <= counters["bus.requests"], text
    yield "reading", None if not part.ok else True, _reading(kind, part)
    for what, remedy in part.words():
        yield "fault", False, f"{what}: {remedy}"
    if kind != "bender":
        yield from _meter(kind, part)


def _reading(kind, part):
    if kind == "bender":
        alarm = {WARNING: ", WARNING", ALARM: ", ALARM"}.get(part.alarm, "")
        return f"{part.ohm / 1000:g} kohm{alarm}, {part.mv / 1000:g} V between the lines; {part.part_name or 'name not read'}"
    if kind == "eastron":
        lines = ", ".join(
            f"{part.l_mv[i] / 1000:.1f} V {part.l_ma[i] / 1000:+.2f} A {part.l_w[i]:+d} W" for i in range(3)
        )
        return f"{lines}; {part.charged_wh} Wh in, {part.discharged_wh} Wh out"
    return f"{part.mv / 1000:.1f} V, {part.ma / 1000:+.2f} A, {part.w:+d} W"


def _meter(kind, part):
    least = 200 if kind == "eastron" else 500
    if abs(part.w) < least:
        yield (
            "sign",
            None,
            "no power flows: let a car charge (charge first, never discharge first) and check again; W must be +",
        )
    elif part.w > 0:
        yield "sign", True, "power is positive: right, if a car is charging now"
    else:
        yield "sign", False, "power is NEGATIVE: if a car is charging now, set meter_swapped (here: --swapped)"
    if kind == "acrel":
        if part.power_proved:
            yield "units", True, "power is volts times amperes"
        elif not part.words():
            yield "units", None, "power in W or kW? to be seen above 500 W"
        yield (
            "energy", True if part.energy_proved else None,
            "register counts Wh" if part.energy_proved else "register in Wh? to be seen when 200 Wh have flowed",
        )  # fmt: skip
