"""Facts of a session: in hands, made anew for each connection, and limits that only narrow."""

from codec.slots import (
    ResponseCode,
)
from firmware.app import config
from firmware.session.facts import Facts, Limits
from tests.lib.driver import DC_BPT, SCHEDULED, STOP
from tests.lib.mtest import eq
from tests.lib.paused import world

HEAP_KB = 200
HANDS = ("car", "session", "station", "wanted")


def names(thing):
    """Attributes that an object has of its own; the methods of its class are in no instance."""
    known = dir(type(thing))
    return [name for name in dir(thing) if name not in known and name[0] != "_"]


def values(f):
    """{"car.soc": -1, ...} of all facts; limits as their numbers."""
    out = {}
    for hand in ("",) + HANDS:
        owner = getattr(f, hand) if hand else f
        for name in names(owner):
            value = getattr(owner, name)
            if isinstance(value, Limits):
                value = [getattr(value, n) for n in names(value)]
            if name not in HANDS and name not in ("cfg", "draw_id", "join", "steer"):
                out[hand + "." + name] = value
    return out


def whole_session():
    w = world(stop_after_loops=3)
    w.power.cable_a = 32
    eq(w.to_loop(DC_BPT, SCHEDULED).code, ResponseCode.OK)
    for _ in range(4):
        w.loop(DC_BPT, SCHEDULED, soc=50)
        w.sleep(200)
    w.power_delivery(STOP)
    w.welding()
    w.stop()
    return w


def test_no_fact_survives_r_session_11():
    """After a session in which as many facts as can be have changed, a new connection has those of
    a fresh start."""
    w = whole_session()
    old, fresh = w.secc.facts, values(Facts(config.defaults()))
    before = values(old)
    changed = [name for name in fresh if before[name] != fresh[name]]
    assert len(changed) > 22, changed
    w.secc.lost(w.now)
    w.car = (None, None)
    w.power.cable_a = None
    w.connect()
    now = values(w.secc.facts)
    eq({name: now[name] for name in now if now[name] != fresh[name]}, {})
    assert w.secc.facts is not old
    for hand in HANDS:
        assert getattr(w.secc.facts, hand) is not getattr(old, hand), hand


def test_nobody_adds_a_fact():
    """A misspelled name that is written would be a fact of its own; after a whole session there are
    those of facts.py."""
    eq(sorted(values(whole_session().secc.facts)), sorted(values(Facts(config.defaults()))))


def test_limits_only_narrow_r_loop_03():
    first, now = Limits(), Limits()
    for limits in (first, now):
        limits.set(50_000, 125_000, 450_000, 300_000, -20_000, -60_000)
    eq((now.discharge_w, now.discharge_ma), (20_000, 60_000))
    now.narrow(first, 60_000, 130_000, 460_000, 290_000, 30_000, 70_000)
    eq([getattr(now, n) for n in names(now)], [getattr(first, n) for n in names(first)])
    now.narrow(first, 40_000, 100_000, 440_000, 310_000, -10_000, -50_000)
    narrowed = (40_000, 100_000, 440_000, 310_000, 10_000, 50_000)
    eq((now.charge_w, now.charge_ma, now.max_mv, now.min_mv, now.discharge_w, now.discharge_ma), narrowed)
    now.narrow(first, None, None, None, None, None, None)
    eq((now.charge_w, now.charge_ma, now.max_mv, now.min_mv, now.discharge_w, now.discharge_ma), narrowed)
    now.narrow(first, 45_000, None, None, None, None, None)
    eq(now.charge_w, 45_000)  # wider than the last request, inside parameter discovery
    now.narrow(first, -5, None, None, None, None, None)
    eq(now.charge_w, 0)
