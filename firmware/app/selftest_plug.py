"""Steps of the self-test on pilot, proximity, test plug and contactor. Generators, as in
selftest_modem.py."""

from drivers.pilot import FIVE_PERCENT, UNKNOWN, X1, A, B, C, D, diode_missing
from firmware.app import selftest_modem
from firmware.clock import ticks_diff
from micropython import const

_F = const(0)  # permille: steady -12 V

_ZERO_MV = const(1500)  # below: no level at all
_GOOD_MV = const(600)  # 12 V +- 5 % (IEC 61851-1, table A.2)
_LEAST_MV = const(11000)
_MOST_MV = const(13000)
_FREE_MV = const(11000)  # above: nothing loads the positive plateau
_LOADED_MV = const(-10000)  # above: something loads the negative one
_LEVELS_MV = {B: 9000, C: 6000, D: 3000}  # within 1 V (IEC 61851-1, table A.4)

# drivers/proximity.py
_NO_PLUG = const(0)
_SHORTED = const(-1)
_OPEN_OHM = const(1000000)
_PP_MS = const(250)  # four samples of it

_SETTLE_MS = const(300)  # of a contactor
_CLOSE_MS = const(3000)
_HOLD_MS = const(100)
_OPEN_MS = const(1000)


def board(t):
    if not hasattr(t.board, "health"):
        return
    health = t.board.health()
    good = all([least <= value <= most for _, value, _, least, most in health])
    t.report("board-ok" if good else "board-bad", *[reading[:3] for reading in health])
    yield 0


def contactor(t):
    t.off(t.now)
    yield _SETTLE_MS
    relay = t.board.contactor
    if relay.closed:
        t.report("contactor-welded")
    elif relay.fault:
        t.report("contactor-latched", ("fault", relay.fault, ""))
    elif not relay.verified:
        t.report("contactor-blind")
    else:
        t.report("contactor-open")


def _mv(*pairs):
    return [(name, mv, "mV") for name, mv in pairs if mv is not None]


def cp(t):
    up, _ = yield from t.levels(X1)
    down, _ = yield from t.levels(_F)
    high, low = yield from t.levels(FIVE_PERCENT)
    t.board.pilot.set_duty(X1, t.now)
    yield 60
    t.report(_cp_code(up, down, high, low), *_mv(("x1", up), ("f", down), ("high_5", high), ("low_5", low)))


def _cp_code(up, down, high, low):
    if abs(up) < _ZERO_MV and abs(down) < _ZERO_MV:
        return "cp-short"
    if abs(up) < _ZERO_MV:
        return "cp-no-plus"
    if abs(down) < _ZERO_MV:
        return "cp-no-minus"
    if up < -_ZERO_MV and down > _ZERO_MV:
        return "cp-inverted"
    if not (_LEAST_MV <= up <= _MOST_MV and _LEAST_MV <= -down <= _MOST_MV):
        return "cp-level"
    if high < -_ZERO_MV and low < -_ZERO_MV:
        return "cp-phase"
    if low > _ZERO_MV:
        return "cp-pwm"
    if not (_LEAST_MV <= high <= _MOST_MV and _LEAST_MV <= -low <= _MOST_MV):
        return "cp-level"
    worst = max(abs(up - 12000), abs(down + 12000), abs(high - 12000), abs(low + 12000))
    return "cp-ok" if worst <= _GOOD_MV else "cp-scale"


def _rating(t):
    """yield from it: what the plug's resistor says, afresh."""
    t.board.proximity.start(t.now)
    yield _PP_MS
    return t.board.proximity.rating_a


def _ohm(t):
    ohm = t.board.proximity.ohm
    return ("pp", "open", "") if ohm >= _OPEN_OHM else ("pp", ohm, "ohm")


def pp(t):
    if not t.socket:
        t.report("pp-none")
        return
    rating = yield from _rating(t)
    code = "pp-rest" if rating == _NO_PLUG else "pp-short" if rating == _SHORTED else "pp-load"
    t.report(code, _ohm(t))


def plug(t):
    if t.bad("cp"):
        t.report("plug-skip")
        return
    t.free = False
    used = yield from t.ask("do-plug", ("plug", "B", ""))
    if used:
        yield from _plugged(t)
        yield from t.ask("do-unplug", ("plug", "A", ""))
    else:
        t.report("plug-skip")
    up, _ = yield from t.levels(X1)
    rating = (yield from _rating(t)) if t.socket and not t.bad("pp") else _NO_PLUG
    t.free = up >= _FREE_MV and rating == _NO_PLUG
    if not t.free:
        t.report("plug-still", ("x1", up, "mV"), _ohm(t))
    elif used:
        t.report("plug-out", ("x1", up, "mV"))


def _plugged(t):
    up, _ = yield from t.levels(X1)
    high, low = yield from t.levels(FIVE_PERCENT)
    rating = (yield from _rating(t)) if t.socket else None
    code = _b_code(up, high, low)
    if code == "cp-open" and rating == _NO_PLUG:
        code = "plug-absent"
    t.report(code, *_mv(("x1", up), ("high_5", high), ("low_5", low)))
    if t.socket and code != "plug-absent":
        code_pp = "pp-open" if rating == _NO_PLUG else "pp-plug-short" if rating == _SHORTED else "pp-ok"
        t.report(code_pp, _ohm(t), ("rating", max(0, rating or 0), "A"))
    if code == "plug-b":
        for state, question, good in ((C, "do-c", "plug-c"), (D, "do-d", "plug-d")):
            if good[-1].upper() in t.states:
                yield from _state(t, state, question, good)
                if state == C and t.may_close and getattr(t.board, "guarded", False):
                    yield from _close_with_plug(t)


def _in_band(state, mv):
    return abs(mv - _LEVELS_MV[state]) <= 1000


def _b_code(up, high, low):
    if up >= _FREE_MV:
        return "diode-reversed" if low > _LOADED_MV else "cp-open"
    if abs(up) < _ZERO_MV:
        return "plug-short"
    if _in_band(B, up) and _in_band(B, high):
        return "diode-short" if diode_missing(high, low) else "plug-b"
    return "plug-level"


def _state(t, state, question, good):
    if not (yield from t.ask(question, ("plug", good[-1].upper(), ""))):
        t.report("plug-state-skip")
        return
    high, low = yield from t.levels(FIVE_PERCENT)
    t.report(good if _in_band(state, high) else "plug-level", *_mv(("high_5", high), ("low_5", low)))


def _close_with_plug(t):
    """On a board whose hardware wants to see C. That it is no car is known of the person, and of
    the powerline."""
    if t.bad("contactor", "cp", "pp", "plug") or not (yield from t.ask("do-close-plug")):
        t.report("close-skip")
        return
    strangers = yield from selftest_modem.others(t)
    if strangers or strangers is None:
        t.report("close-strange" if strangers else "close-skip")
        return
    yield from t.levels(FIVE_PERCENT)
    if t.board.pilot.state == C:
        yield from _close(t, C)
    else:
        t.report("close-skip")


def close(t):
    if not t.may_close:
        t.report("close-off")
        return
    if getattr(t.board, "guarded", False):
        if not [code for code, _ in t.results if code.startswith("close")]:
            t.report("close-guarded")
        return
    if not t.free or t.bad("contactor", "cp", "pp", "plug") or not (yield from t.ask("do-close")):
        t.report("close-skip")
        return
    up, _ = yield from t.levels(X1)
    rating = (yield from _rating(t)) if t.socket else _NO_PLUG
    if t.board.pilot.state == A and rating == _NO_PLUG:
        yield from _close(t, A)
    else:
        t.report("plug-still", ("x1", up, "mV"))


def _close(t, state):
    """Close for a moment, while the pilot shows `state` in every sample."""
    relay = t.board.contactor
    begun = t.now
    t.closing = state
    if t.board.enable is not None:
        t.board.enable(1)
    if relay.close(t.now):
        while not relay.closed and not relay.fault and ticks_diff(t.now, begun) < _CLOSE_MS:
            yield 10
    if not relay.closed:
        t.off(t.now)
        t.closing = UNKNOWN
        t.report("close-stuck")
        return
    close_ms = ticks_diff(t.now, begun)
    yield _HOLD_MS
    begun = t.now
    t.off(t.now)
    while relay.closed and ticks_diff(t.now, begun) < _OPEN_MS:
        yield 10
    t.closing = UNKNOWN
    values = ("closed_after", close_ms, "ms"), ("opened_after", ticks_diff(t.now, begun), "ms")
    t.report("close-welded" if relay.closed else "close-ok", *values)
