"""Every request in every phase, against the list of requirements: R-SERVICES-02, R-SESSION-06,
R-SCHEDULE-03, R-DC-SAFETY-01, R-POWER-01, R-STOP-02, R-STOP-07, R-STOP-08, R-ERRORS-01,
R-ERRORS-03, R-ERRORS-04, R-ERRORS-06, R-SAP-07, R-V2GTP-04.

What is right stands in tests/lib/legal_order.py, which knows nothing of firmware/session. All of it
runs for AC and DC, plain and bidirectional, Scheduled and Dynamic, new sessions and joined ones.
"""

import sys

from codec.tables import names
from firmware.stage.faults import CONVERTER
from tests.lib import legal_order, words
from tests.lib.driver import AC, AC_BPT, DC, DC_BPT, DYNAMIC, MODES, SCHEDULED, is_dc
from tests.lib.legal_order import (
    AUTH,
    CABLE_CHECK,
    ENDED,
    FAILED,
    HANDSHAKE,
    PHASES,
    REQUESTS,
    SEQUENCE,
    SETUP,
    SILENT,
)
from tests.lib.order_walk import NAMES, Walk

HEAP_KB = 240  # what 64 bits need; 32 bits need less than 200
TIMEOUT_S = 300
SLOW = True
# CPython does all of it; the others each service and each control mode, but not each pair of them
# with new and joined.
HALF = sys.implementation.name == "micropython"

# Known differences: the list says one thing, the station does another: {(phase, request): (code of
# the station, why)}. The station answers exactly that; once it does what the list says, the test
# fails until the line is gone.
KNOWN = {}
# Requests of the side streams: payload type, request. They are answered on the type they came on,
# in every phase (R-V2GTP-08); the station skips them in silence.
SIDE_STREAMS = (
    (0x8101, "ScheduleExchangeReq"),
    (0x8102, "MeteringConfirmationReq"),
    (0x8104, "VehicleCheckInReq"),
    (0x8104, "VehicleCheckOutReq"),
)
EARLY = PHASES[: PHASES.index(legal_order.SELECTION) + 1]  # before a service is selected


def _later(current):
    """The phases from the parameters on."""
    return tuple([phase for phase in PHASES if phase.startswith(current + " ")])


_CODES = words.values("ResponseCode")
_FIRST_CODES = words.values("SAP_responseCode")  # SupportedAppProtocolRes has codes of its own


def _payload_type(name):
    """R-V2GTP-04, in the words of the list."""
    if name.startswith("supportedApp"):
        return 0x8001
    return 0x8003 if name.startswith("AC_") else 0x8004 if name.startswith("DC_") else 0x8002


def _answered(walk, request, at):
    """The name of the code that a request is answered with, on its own payload type and with its
    own response type."""
    name = request.partition(":")[0]
    answer = walk.send(request)
    assert answer is not None, (at, "silence")
    assert answer.msg == words.message(name[:-1] + "s"), (at, "another response type", answer.msg)
    assert walk.w.kind() == _payload_type(name), (at, "payload type", walk.w.kind())
    codes = _FIRST_CODES if name == "supportedAppProtocolReq" else _CODES
    return codes[answer.code], walk.finished(answer)


def _refused(code, name):
    """Whether it is the sequence error; SupportedAppProtocolRes has no code of that name."""
    return code == (SEQUENCE if name != "supportedAppProtocolReq" else "Failed_NoNegotiation")


def _in(walk, phase, at):
    """The station is in that phase, and as dead as the phase asks for."""
    assert walk.w.state == NAMES[phase], (at, walk.w.state, NAMES[phase])
    if phase in legal_order.DEAD:
        assert walk.w.dead, (at, "energised")


def _latched(walk, phase, at):
    """A FAILED answer is final: what was right before it is refused now; one SessionStop is
    answered (R-ERRORS-03, D-15)."""
    for request in REQUESTS:
        if legal_order.rule(phase, request, walk.current)[2] == "OK" and not request.startswith("SessionStop"):
            assert _refused(_answered(walk, request, at)[0], request), (at, "after FAILED", request)
            _in(walk, FAILED, at)
            break
    if phase in (HANDSHAKE, SETUP):
        return
    assert _answered(walk, "SessionStopReq", at)[0] == "OK", at
    _in(walk, ENDED, at)
    assert _answered(walk, "SessionStopReq", at)[0] == SEQUENCE, at


def _check(walk, phase, request):
    """Send one request in a phase; returns whether the phase is the same afterwards."""
    _, _, code, after, source = legal_order.rule(phase, request, walk.current)
    at = "%s, %s (%s, service %d%s%s)" % (
        phase, request, source, walk.service, ", Dynamic" if walk.dynamic else "", ", joined" if walk.joined else ""
    )  # fmt: skip
    got, finished = _answered(walk, request, at)
    known = KNOWN.get((phase, request))
    if known:
        assert got != code, (at, "as the list has it: remove the line from KNOWN")
        code, after = known[0], FAILED
    if code == SILENT and _refused(got, request):
        code, after = SEQUENCE, FAILED
    if code == SILENT:
        assert got == "OK" or got.startswith("WARNING"), (at, got)
    elif code == SEQUENCE:
        assert _refused(got, request), (at, got)
    else:
        assert got == code, (at, got)
    if not finished and code[0] != "F" and not request.startswith("DC_PreChargeReq"):
        after = phase  # Ongoing: the same request again
    _in(walk, after, at)
    if after == FAILED and phase != FAILED:
        if not walk.joined:  # how the session began makes no difference any more
            _latched(walk, phase, at)
        return False
    return after == phase and phase not in (FAILED, ENDED)


def _walk(walk, phases, first_poll=False):
    """Every request in each of the phases; returns how many."""
    sent = 0
    for phase in phases:
        there = False
        for request in REQUESTS:
            if request == "SessionSetupReq:paused" and not walk.joined:
                continue
            if not there:
                walk.to(phase, first_poll)
            there = _check(walk, phase, request)
            sent += 1
    return sent


def _all(service, joined=False):
    current = "dc" if is_dc(service) else "ac"
    for dynamic in MODES:
        if HALF and dynamic == joined:
            continue
        sent = _walk(Walk(service, dynamic, joined), _later(current))
        assert sent >= 6 * len(REQUESTS) - 8


def test_before_a_service_ac():
    _walk(Walk(AC_BPT, DYNAMIC), EARLY + (ENDED, FAILED))


def test_before_a_service_dc():
    _walk(Walk(DC_BPT, SCHEDULED), EARLY + (ENDED, FAILED))


def test_ac():
    _all(AC)


def test_ac_joined():
    _all(AC, joined=True)


def test_ac_bpt():
    _all(AC_BPT)


def test_ac_bpt_joined():
    _all(AC_BPT, joined=True)


def test_dc():
    _all(DC)


def test_dc_joined():
    _all(DC, joined=True)


def test_dc_bpt():
    _all(DC_BPT)


def test_dc_bpt_joined():
    _all(DC_BPT, joined=True)


def test_joined_ends_like_any_other():
    _walk(Walk(DC_BPT, DYNAMIC, joined=True), [SETUP, ENDED, FAILED])


def test_ongoing_leads_nowhere_r_auth_07_r_schedule_03():
    """Behind an answer that says Ongoing the phase is the same one."""
    _walk(Walk(AC_BPT, DYNAMIC, slow=True), [AUTH, legal_order.AC_SCHEDULE], first_poll=True)
    _walk(Walk(DC_BPT, SCHEDULED, slow=True), [legal_order.DC_SCHEDULE, CABLE_CHECK], first_poll=True)


def test_unknown_session_id_r_session_03():
    """In every established phase, what would be right with the own id."""
    for current, service in (("ac", AC_BPT), ("dc", DC_BPT)):
        walk = Walk(service, DYNAMIC)
        for phase in EARLY[2:] + _later(current):
            for request in REQUESTS:
                if legal_order.rule(phase, request, current)[2] == "OK":
                    own = walk.to(phase).w.sid
                    walk.w.sid = bytes([own[0] ^ 1]) + own[1:]
                    assert _answered(walk, request, phase)[0] == "FAILED_UnknownSession", (phase, request)
                    _in(walk, FAILED, phase)
                    break
            else:
                raise AssertionError("nothing is legal in " + phase)


def test_fault_and_lost_pilot_end_the_phase_r_status_07_r_dc_safety_07():
    """Power off at once; the next request of the phase is answered with a failure of its own, not
    as one out of order."""
    for service, phase, request in (
        (AC_BPT, legal_order.AC_LOOP, "AC_ChargeLoopReq"),
        (DC_BPT, CABLE_CHECK, "DC_CableCheckReq"),
        (DC_BPT, legal_order.PRECHARGED, "DC_PreChargeReq"),
        (DC_BPT, legal_order.DC_LOOP, "DC_ChargeLoopReq"),
    ):
        for harm in ("fault", "pilot"):
            walk = Walk(service, DYNAMIC).to(phase, first_poll=phase == CABLE_CHECK)
            w = walk.w
            if harm == "fault":
                w.hw.fault_bits = CONVERTER
            else:
                w.power.permit(False, w.now)
            w.sleep(1)
            assert w.dead, (phase, harm)
            code, _ = _answered(walk, request, phase)
            assert code.startswith("FAILED") and code != SEQUENCE, (phase, harm, code)
            _in(walk, FAILED, phase)
            w.hw.fault_bits = 0
            w.power.clear(w.now)
            w.power.permit(True, w.now)


def test_side_streams_r_v2gtp_08():
    """Known difference: they are skipped in silence, and the session goes on."""
    walk = Walk(DC_BPT, DYNAMIC).to(legal_order.DC_LOOP)
    for kind, request in SIDE_STREAMS:
        assert walk.send(request, kind) is None, ("answered: R-V2GTP-08 is done, write its test", kind)
    walk.to(legal_order.SELECTION)
    for kind, request in SIDE_STREAMS:
        assert walk.send(request, kind) is None, ("answered: R-V2GTP-08 is done, write its test", kind)
    _check(walk, legal_order.SELECTION, "ServiceDetailReq")


def test_the_oracle_has_every_request_and_phase():
    """A message that the codec learns has to be put into the table; a row with a misspelled word
    would never be looked at."""
    known = {request.partition(":")[0] for request in REQUESTS}
    for name in names.MESSAGES:
        assert not name.endswith("Req") or name in known, name
    for phase, request, code, after, source in legal_order.LEGAL:
        assert phase in PHASES and after in PHASES and request in REQUESTS, (phase, request, after)
        assert code == SILENT or code in _CODES or code in _FIRST_CODES, code
        assert source
    for phase, request in KNOWN:
        assert phase in PHASES and request in REQUESTS
    assert sorted(NAMES) == sorted(PHASES)
