"""Guard and firmware of the controller boards agree about a pilot that glitches or bounces: it ends a
session at most, never the station (R-POWER-15, R-POWER-07). Over the models of machine and cp_guard.
"""

RUNTIMES = ("cpython",)

import importlib

from host_tools import boardfile
from tests.lib.controller.boot import Controller
from tests.lib.mtest import eq
from tests.lib.notes import Notes

_CFG = {"allow_plain": True, "setpoint_w": 4000, "services": ["DC_BPT"]}
_B_OHM = 2740
_OPEN_MS = 100 - 20 + 40  # the model's contact takes 20; a real one is given 40 more


def at_power(board, load, end_ms, second=True):
    """One car comes to power; `load(ohm, ms since then)` is on the pilot until end_ms, then the plug
    goes out. Another car comes. Returns what was seen."""
    seen = {"open_ms": None, "again": 0}
    with Controller(board) as controller:
        place = controller.place
        notes = Notes()
        state = {"cars": [], "at": None, "gone": None}

        def look(place):
            ms = place.us // 1000
            cars = state["cars"]
            if not cars and ms == 3000:
                cars.append(place.come(notes, service="DC_BPT", loops=400))
            elif len(cars) == 1:
                car = cars[0]
                if state["at"] is None:
                    if place.contactor.closed and car.evcc is not None and car.evcc.loops >= 4:
                        state["at"] = ms
                        place.load = lambda ohm, now: load(ohm, now - ms)
                    return
                if not place.contactor.closed and seen["open_ms"] is None:
                    seen["open_ms"] = ms - state["at"]
                    seen["enabled"] = place.enabled
                elif place.contactor.closed and seen["open_ms"] is not None:
                    seen["again"] += 1
                if ms == state["at"] + end_ms:
                    place.load = None
                    seen["open"] = not place.contactor.closed
                if ms == state["at"] + end_ms + 300:
                    car.unplug(place.now)
                if car.done and state["gone"] is None:
                    state["gone"] = ms
                    place.line.leave(car.modem)
                if state["gone"] is not None and ms == state["gone"] + 3000 and second:
                    cars.append(place.come(notes, service="DC_BPT", loops=3))

        place.watch.append(look)

        def until():
            cars = state["cars"]
            if not second:
                return state["at"] is not None and place.us // 1000 > state["at"] + end_ms + 500
            return len(cars) == 2 and cars[1].done

        link = controller.run(_CFG, until, 200)
        assert link is not None, controller.printed
        seen["fault"] = link.power.fault
        readable = importlib.import_module("firmware.run.readable")
        seen["notes"] = "\n".join(readable.last(link.trace, 200))
        assert not second or state["cars"][1].ok, (state["cars"][1].why, seen)
    return seen


def glitch(ms):
    return lambda ohm, at: _B_OHM if 0 <= at < ms else ohm


def turns(half_ms):
    return lambda ohm, at: _B_OHM if at // half_ms % 2 == 0 else ohm


def test_a_glitch_ends_a_session_at_most_r_power_15():
    for board in boardfile.names("controller"):
        for ms in (5, 15, 25, 40, 60, 120):
            seen = at_power(board, glitch(ms), 400)
            eq((board, ms, seen["fault"]), (board, ms, 0))
            if ms == 5:
                eq((board, ms, seen["open"]), (board, ms, False))
            elif ms >= 25:
                eq((board, ms, seen["open"]), (board, ms, True))
                assert seen["open_ms"] <= _OPEN_MS and not seen["again"], (board, ms, seen["open_ms"])


def test_a_bouncing_pilot_opens_and_stays_open_r_power_15():
    for board in boardfile.names("controller"):
        for half_ms in (10, 14, 20, 30):
            seen = at_power(board, turns(half_ms), 1500, second=False)
            assert seen["open"] and not seen["again"] and seen["fault"] == 0, (board, half_ms, seen)
            assert seen["open_ms"] <= _OPEN_MS - 50, (board, half_ms, seen["open_ms"])


def test_what_the_guard_did_is_said():
    seen = at_power("rpi_pico", glitch(25), 400, second=False)
    assert "the guard opened the contactor: pilot neither C nor D" in seen["notes"], seen["notes"][-1500:]
