"""The state of a station in words for a person at a terminal of 80 columns."""

from firmware.app import plug_steps as plug
from firmware.app.charger import LETTERS
from firmware.clock import ticks_ms
from firmware.session.dialects import state_name
from firmware.session.states import IDLE
from firmware.slac.evse import STATE_NAMES as SLAC
from firmware.stage.faults import in_words
from micropython import const

_MEANING = (
    "line, car or station broken",
    "no car",
    "car plugged",
    "car ready, energy may flow",
    "car ready, wants ventilation",
    "pilot shorted to earth",
    "station not available",
)
# Codes of the power stage: 1 and 2 are those of drivers/contactor.py, what is above belongs to the
# converter.
_FAULTS = (
    "",
    "contactor stuck open: coil, wire or mirror contact",
    "contactor WELDED: do not touch, repair, then `clear`",
)
_DECISION = ("nobody has said that this car may charge: `authorize` or `deny`", "may charge", "denied")
_X1 = const(1000)
_DIGITAL = const(50)


def status(loop):
    """Lines about a run.frame_loop.FrameLoop."""
    charger, secc, power = loop.charger, loop.safe.secc, loop.power
    pilot = charger.pilot
    session = state_name(secc.state)
    f = secc.facts
    if secc.state != IDLE and f.session.service:
        session += ", service %d %s, %d loops" % (
            f.session.service,
            "Dynamic" if f.session.dynamic else "Scheduled",
            f.session.loops,
        )
    if secc.state != IDLE and f.car.soc >= 0:
        session += ", battery %d %%" % f.car.soc
    left_ms = loop.safe.paused_ms(ticks_ms())
    if left_ms:
        session += ", paused, %d s left" % (left_ms // 1000)
    lines = [
        "pilot      %s  %s: %s" % (LETTERS[pilot.state], _MEANING[pilot.state], levels(pilot)),
        "station    %s%s" % (plug.STATE_NAMES[charger.state], _hint(charger)),
        "matching   %s, modem %s" % (SLAC[charger.slac.state], "up" if charger.modem_up else "DOWN"),
        "session    " + session,
        "decision   " + _DECISION[power.decide.state],
        "set-point  " + loop.orders.setpoint(ticks_ms()),
        "power      %d W, %d.%d V, %s A, contactor %s"
        % (power.hw.w, power.out_mv // 1000, power.out_mv // 100 % 10, tenths(power.hw.ma), contactor(power)),
        "energy     %d Wh into the car, %d Wh out of it" % (power.charged_wh, power.discharged_wh),
        "faults     " + faults(loop),
    ]
    if power.cfg["lab"]:
        lines.append("LAB        `lab` is on: what is simulated or not measured counts as real")
    if loop.heap_mark is not None:
        low, largest, count, us = loop.heap_mark.read()
        lines.append(
            "heap low   %d bytes free, %d in one piece; %d collections, longest %d ms"
            % (low, largest, count, us // 1000)
        )
    return lines


def levels(pilot):
    """Both plateaus in V, and the duty."""
    text = "-" if pilot.high_mv is None else tenths(pilot.high_mv) + " V"
    if pilot.low_mv is not None:
        text += " / " + tenths(pilot.low_mv) + " V"
    if pilot.duty == _X1:
        return text + ", steady"
    if pilot.duty == 0:
        return text + ", F"
    return text + ", duty %s %%%s" % (tenths(pilot.duty * 100), " (digital)" if pilot.duty == _DIGITAL else "")


def tenths(milli):
    """-5960 -> "-5.9": thousandths with one digit, cut off towards zero."""
    return ("-" if milli < 0 else "") + "%d.%d" % (abs(milli) // 1000, abs(milli) // 100 % 10)


def contactor(power):
    return "CLOSED" if power.closed else "open"


def faults(loop):
    found = []
    code = loop.power.fault
    if code:
        found.append(_FAULTS[code] if code < len(_FAULTS) else "; ".join(in_words(loop.power.faults)))
    if loop.charger.fault and not code:
        found.append(loop.charger.fault)
    if loop.safe.faults:
        found.append("%d of the firmware's own, see `trace`" % loop.safe.faults)
    return "; ".join(found) or "none"


def _hint(charger):
    state = charger.state
    if state == plug.WAITING:
        return ": nothing more is tried until the car is plugged anew"
    if state == plug.PAUSED or state == plug.TOGGLING:
        return ": the car sleeps; it wakes up by itself, or by `wake`"
    if state == plug.FAULT:
        return ": no power until the fault is repaired, and cleared by `clear`"
    if state == plug.REPLUG:
        return ": no power until the car has been unplugged"
    return ""
