"""Sessions that a car pauses, against the session machine alone: what their tests share."""

from codec.slots import (
    MSG,
    ResponseCode,
)
from firmware.session.states import ENDED
from tests.lib.mtest import eq
from tests.lib.world import World

AC = "urn:iso:std:iso:15118:-20:AC"
DC = "urn:iso:std:iso:15118:-20:DC"
PAUSE, TERMINATE = 0, 1
NAME = "WMIV1234567890ABCDEX"
LEAF = bytes(range(32))  # SHA-256 of its certificate
OTHER = bytes(range(1, 33))
STOP, START = 1, 0
COMBINATIONS = [(service, dynamic) for service in (1, 2, 5, 6) for dynamic in (True, False)]


def world(**changes):
    w = World(**changes)
    w.car = (NAME, LEAF)
    return w


def to_stop(w, service=6, dynamic=True):
    """A charge loop, and PowerDelivery(Stop) behind it."""
    eq(w.to_loop(service, dynamic)[1][1], ResponseCode.OK)
    for _ in range(3):
        eq(w.loop(service, dynamic)[1][1], ResponseCode.OK)
    eq(w.power_delivery(STOP)[1][1], ResponseCode.OK)


def paused(service=6, dynamic=True, **changes):
    """A world with a session that was paused, its connection gone."""
    w = world(**changes)
    to_stop(w, service, dynamic)
    res = w.stop(PAUSE)
    eq((res[0], res[1][1], w.secc.state), (MSG.SessionStopRes, ResponseCode.OK, ENDED))
    w.secc.lost(w.now)
    return w


def come_back(w, sid, dc=True):
    """The car connects again and offers a session id; returns the response code."""
    w.connect()
    w.sap([w.protocol(DC if dc else AC)])
    return w.setup(sid)[1][1]


def is_new(w, sid, dc=True):
    """R-SESSION-04: an id that is not joined is answered as a zero one is."""
    joined = len(w.said("joined by"))
    eq(come_back(w, sid, dc), ResponseCode.OK_NewSessionEstablished)
    assert w.sid not in (sid, bytes(8))
    eq(len(w.said("joined by")), joined)
    eq(w.plain(MSG.AuthorizationSetupReq)[1][1], ResponseCode.OK)
