"""Sessions that a car pauses, against the session machine alone: what their tests share."""

from codec.slots import (
    MSG,
    ResponseCode,
)
from firmware.session.states import ENDED
from tests.lib.driver import DC_BPT, DYNAMIC, MODES, PAUSE, SERVICES, STOP
from tests.lib.mtest import eq
from tests.lib.world import World

NAME = "WMIV1234567890ABCDEX"
LEAF = bytes(range(32))  # SHA-256 of its certificate
OTHER = bytes(range(1, 33))
COMBINATIONS = [(service, dynamic) for service in SERVICES for dynamic in MODES]


def world(**changes):
    w = World(**changes)
    w.car = (NAME, LEAF)
    return w


def to_stop(w, service=DC_BPT, dynamic=DYNAMIC):
    """A charge loop, and PowerDelivery(Stop) behind it."""
    eq(w.to_loop(service, dynamic).code, ResponseCode.OK)
    for _ in range(3):
        eq(w.loop(service, dynamic).code, ResponseCode.OK)
    eq(w.power_delivery(STOP).code, ResponseCode.OK)


def paused(service=DC_BPT, dynamic=DYNAMIC, **changes):
    """A world with a session that was paused, its connection gone."""
    w = world(**changes)
    to_stop(w, service, dynamic)
    res = w.stop(PAUSE)
    eq((res.msg, res.code, w.secc.state), (MSG.SessionStopRes, ResponseCode.OK, ENDED))
    w.secc.lost(w.now)
    return w


def come_back(w, sid, service=DC_BPT):
    """The car connects again and offers a session id; returns the response code."""
    w.connect()
    w.sap(service)
    return w.setup(sid).code


def is_new(w, sid, service=DC_BPT):
    """R-SESSION-04: an id that is not joined is answered as a zero one is."""
    joined = len(w.said("joined by"))
    eq(come_back(w, sid, service), ResponseCode.OK_NewSessionEstablished)
    assert w.sid not in (sid, bytes(8))
    eq(len(w.said("joined by")), joined)
    eq(w.authorization_setup().code, ResponseCode.OK)
