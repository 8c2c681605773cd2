"""SupportedAppProtocol: the car offers protocols, the station takes one of them, or none."""

from codec import exi, v2gtp
from codec.slots import (
    MSG,
    AppProtocol,
    SAP_responseCode,
    supportedAppProtocolReq,
    supportedAppProtocolRes,
)
from firmware.session import dialects
from firmware.session.states import SAP

# Names for the session machine, which knows no messages.
REQUEST = MSG.supportedAppProtocolReq
ANSWER = MSG.supportedAppProtocolRes


def answer(code, schema_id):
    """SupportedAppProtocolRes has no header; schema_id None = left out (R-SAP-04)."""
    r = [None] * supportedAppProtocolRes.LEN
    r[supportedAppProtocolRes.ResponseCode] = code
    r[supportedAppProtocolRes.SchemaID] = schema_id
    return r


def refused():
    """The answer when no protocol is common to both sides."""
    return answer(SAP_responseCode.Failed_NoNegotiation, None)


def choose(f, req):
    """(answer, dialect or None). First drop what is not supported, then take the best priority; the
    car's order breaks ties (R-SAP-01, [V2G20-167]). The answer names the SchemaID of the car's
    entry (R-SAP-02)."""
    best = chosen = None
    for entry in req[supportedAppProtocolReq.AppProtocol]:
        if best is None or entry[AppProtocol.Priority] < best[AppProtocol.Priority]:
            for dialect in dialects.DIALECTS:
                if dialect.supports(f, entry):
                    best, chosen = entry, dialect
                    break
    if best is None:
        return refused(), None
    return answer(chosen.begin(f, best), best[AppProtocol.SchemaID]), chosen


def name(state, payload, head):
    """The name of a message of any protocol, from a trace: state of the session, V2GTP payload
    type, first bytes. In later states a dialect may use SupportedAppProtocol's payload type for its
    own messages. An unknown one is its payload type."""
    if payload != v2gtp.SAP or state != SAP:
        for dialect in dialects.DIALECTS:
            known = dialect.name(payload, head)
            if known:
                return known
    if payload == v2gtp.SAP:
        root = exi.root_of(exi.SAP, head)
        if root == REQUEST:
            return "supportedAppProtocolReq"
        if root == ANSWER:
            return "supportedAppProtocolRes"
    return "%04x" % payload
