"""A protocol of its own, made up for the tests: two messages over V2GTP's 0x8001, as the editions
before -20 have it.

It stands here for what a new protocol needs: this one module, and its place in `dialects.DIALECTS`.
"""

from codec import exi, v2gtp
from codec.slots import (
    MSG,
    AppProtocol,
    ChargingSession,
    MessageHeader,
    ResponseCode,
    SAP_responseCode,
    SessionSetupReq,
    SessionSetupRes,
    SessionStopReq,
    SessionStopRes,
)
from firmware.session.codes import ASK_OFF, WAIT
from firmware.session.facts import PeerError
from firmware.session.states import ENDED

NAMESPACE = "urn:test:second"
HELLO, WORK = 40, 41
FIRST = HELLO
STATES = ((HELLO, "Hello"), (WORK, "Work"))
PAYLOADS = (v2gtp.SAP,)
FAILED = ResponseCode.FAILED
OUT_OF_ORDER = ResponseCode.FAILED_SequenceError
_SLOTS = {MSG.SessionSetupReq: SessionSetupRes.LEN, MSG.SessionStopReq: SessionStopRes.LEN}
_NAMES = {MSG.SessionSetupReq: "Hello", MSG.SessionStopReq: "Bye"}


def hello(f, req):
    f.car.id = req[SessionSetupReq.EVCCID]
    f.session.id = f.draw_id(req[0][MessageHeader.SessionID])
    return blank(f, MSG.SessionSetupReq, ResponseCode.OK), WORK


def bye(f, req):
    if req[SessionStopReq.ChargingSession] == ChargingSession.Pause:
        return WAIT, again
    f.wanted.ask = ASK_OFF
    return blank(f, MSG.SessionStopReq, ResponseCode.OK), ENDED


def again(f, req):
    return (WAIT, again) if f.waited_ms < 200 else (blank(f, MSG.SessionStopReq, ResponseCode.OK), ENDED)


def no_fault(f):
    if f.station.fault:
        raise PeerError(ResponseCode.FAILED_ContactorError, "fault")


STEPS = (
    ((HELLO,), MSG.SessionSetupReq, hello, (), (WORK,), "sequence_timeout_ms"),
    ((WORK,), MSG.SessionStopReq, bye, (no_fault,), (ENDED,), "tcp_hold_ms"),
)


def supports(f, entry):
    return entry[AppProtocol.ProtocolNamespace] == NAMESPACE


def begin(f, entry):
    return SAP_responseCode.OK_SuccessfulNegotiation


def decode(payload, buf, at, n):
    return exi.decode(exi.CM, buf, at, n)


def answers(msg):
    return msg + 1 if msg in _SLOTS else None


def payload_of(msg):
    return v2gtp.SAP


def check(f, msg, req):
    if msg != MSG.SessionSetupReq and bytes(req[0][MessageHeader.SessionID]) != bytes(f.session.id):
        raise PeerError(ResponseCode.FAILED_UnknownSession, "unknown session id")


def blank(f, msg, code):
    r = [None] * _SLOTS[msg]
    r[0] = h = [None] * MessageHeader.LEN
    h[MessageHeader.SessionID] = f.session.id
    h[MessageHeader.TimeStamp] = f.unix_s
    r[1] = code
    if msg == MSG.SessionSetupReq:
        r[SessionSetupRes.EVSEID] = "SECOND"
    return r


def name(payload, head):
    root = exi.root_of(exi.CM, head)
    for msg in _NAMES:
        if root in (msg, msg + 1):
            return _NAMES[msg] + ("Req" if root == msg else "Res")
    return None
