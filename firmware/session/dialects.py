"""The protocols that the station speaks. This is the one place that names them.

A dialect is a module (or an object) with

    FIRST                       the state after SupportedAppProtocol; the session is established when it is left
    STATES                      ((number, name), ...) of its own states; numbers that no other dialect has
    PAYLOADS                    the V2GTP payload types that it takes, SupportedAppProtocol's 0x8001 among them
    STEPS                       its law, see below
    FAILED, OUT_OF_ORDER        its response codes for a fault of the station and for the sequence error
    supports(f, entry)          does the station serve this AppProtocol entry of SupportedAppProtocolReq?
    begin(f, entry)             the entry is chosen; returns the code for SupportedAppProtocolRes
    decode(payload, buf, at, n) (message id, value) of buf[at:at+n], or ExiError
    answers(msg)                message id of the answer to a request, None = not a request of this dialect
    payload_of(msg)             V2GTP payload type of a message
    check(f, msg, req)          what holds for every request, as the session id; PeerError if not
    blank(f, msg, code)         the neutral answer to a request with every mandatory field
    name(payload, head)         name of the message that begins with the bytes `head`, None = not one of this dialect

The law is a table. What is in none of its rows is refused as out of order.

    (states, request, handler, guards, states it may lead to, timer)

A row holds for each of its `states`. handler(facts, request) returns (answer, next state). While it
must wait for the power path it returns (WAIT, again): the machine calls again(facts, request) in
place of the handler 20 ms later, behind the same guards. Each of `guards` is called with the facts
before the handler and raises PeerError to refuse the request. A next state that the row does not
have is a fault of ours. `timer` is the key of the configuration with the time that the car has for
its next request, counted from the answer.
"""

from firmware.session.states import ENDED, FAILED, IDLE, SAP

# The lowest first: an import inside of an import takes C stack, which the 32-bit image has too
# little of for the whole depth.
for _leaf in ("messages", "loop", "schedule", "steps"):
    __import__("firmware.session.iso20." + _leaf)
from firmware.session.iso20 import dialect as iso20

DIALECTS = (iso20,)
# The states that every session has.
_STATES = ((SAP, "SupportedAppProtocol"), (ENDED, "Ended"), (FAILED, "Failed"), (IDLE, "Idle"))


def state_name(number):
    """The name of a state as traces and diagrams show it; "?" for a number that nobody has."""
    for known, name in _STATES:
        if known == number:
            return name
    for dialect in DIALECTS:
        for known, name in dialect.STATES:
            if known == number:
                return name
    return "?"
