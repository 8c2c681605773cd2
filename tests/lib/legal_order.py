"""The legal order of an ISO 15118-20 session as the requirement list has it: the oracle of the
sequence tests.

Written from docs/requirements.md and nothing else: it imports no part of the station, and its
phases are words of its own. Where it and the station disagree, one of them is wrong; that is what
it is for. So a row changes when the list changes, never because a test fails.

A row is (phase, request, code of the answer, phase it leads to, source). A request is the name of
its message, and what matters in it behind a colon: the same message in another phase, or with
another value, may be another row. What has no row is the sequence error with the request's own
response type (R-ERRORS-01, [V2G20-459]).

    rule("ac loop", "PowerDeliveryReq:Stop")   the row, or the one of the sequence error
    route("ac loop", joined)                   requests that lead there from the beginning of a connection
"""

# -- phases. A session of AC is in "ac ...", one of DC in "dc ..."; the others are in both.

HANDSHAKE = "handshake"  # the connection is open, nothing was said
SETUP = "setup"  # the protocol is chosen
AUTH_SETUP = "authorization setup"  # the session has its id: from here on it is established
AUTH = "authorization"
DISCOVERY = "discovery"  # authorised
SELECTION = "selection"  # services are told
AC_PARAMETERS = "ac parameters"  # a service is selected
AC_SCHEDULE = "ac schedule"
AC_START = "ac start"  # PowerDelivery(Start) is due
AC_LOOP = "ac loop"
AC_END = "ac end"  # PowerDelivery(Stop) ended the loop
AC_NO_POWER = "ac no power"  # the vehicle stopped before the loop
AC_UNWANTED = "ac unwanted"  # its Start was answered with Terminate
DC_PARAMETERS = "dc parameters"
DC_SCHEDULE = "dc schedule"
CABLE_CHECK = "dc cable check"
PRECHARGE = "dc pre-charge"  # the insulation is good, nothing was pre-charged
PRECHARGED = "dc pre-charged"  # at least one PreCharge, the voltages match
DC_LOOP = "dc loop"
WELDING = "dc welding"  # PowerDelivery(Stop) ended the loop
DC_NO_POWER = "dc no power"  # the vehicle stopped before the loop
DC_UNWANTED = "dc unwanted"  # its Start was answered with Terminate
ENDED = "ended"  # SessionStop is answered OK
FAILED = "failed"  # an answer was FAILED

PHASES = (
    HANDSHAKE, SETUP, AUTH_SETUP, AUTH, DISCOVERY, SELECTION, AC_PARAMETERS, AC_SCHEDULE, AC_START, AC_LOOP, AC_END, AC_NO_POWER,
    AC_UNWANTED, DC_PARAMETERS, DC_SCHEDULE, CABLE_CHECK, PRECHARGE, PRECHARGED, DC_LOOP, WELDING, DC_NO_POWER, DC_UNWANTED,
    ENDED, FAILED,
)  # fmt: skip
# Nothing may be energised in them (R-POWER-11, R-DC-SAFETY-09, R-STOP-02, R-ERRORS-03).
DEAD = (
    HANDSHAKE, SETUP, AUTH_SETUP, AUTH, DISCOVERY, SELECTION, AC_PARAMETERS, AC_SCHEDULE, AC_START, AC_END, AC_NO_POWER,
    AC_UNWANTED, DC_PARAMETERS, DC_SCHEDULE, WELDING, DC_NO_POWER, DC_UNWANTED, ENDED, FAILED,
)  # fmt: skip

# -- requests

REQUESTS = (
    "supportedAppProtocolReq",
    "SessionSetupReq",  # with the id that the vehicle has, or zeros
    "SessionSetupReq:paused",  # with the id of the session that it paused
    "AuthorizationSetupReq",
    "AuthorizationReq",  # EIM, which is offered
    "AuthorizationReq:PnC",  # which is not
    "CertificateInstallationReq",  # not announced
    "ServiceDiscoveryReq",
    "ServiceDetailReq",
    "ServiceDetailReq:not offered",
    "ServiceSelectionReq",
    "ServiceSelectionReq:foreign set",  # a parameter set of another service
    "AC_ChargeParameterDiscoveryReq",  # of the selected kind, plain or BPT
    "AC_ChargeParameterDiscoveryReq:other kind",
    "DC_ChargeParameterDiscoveryReq",
    "DC_ChargeParameterDiscoveryReq:other kind",
    "ScheduleExchangeReq",  # in the selected control mode
    "ScheduleExchangeReq:other mode",
    "DC_CableCheckReq",
    "DC_PreChargeReq",  # EVProcessing Ongoing
    "DC_PreChargeReq:Finished",
    "PowerDeliveryReq:Start",
    "PowerDeliveryReq:unwanted",  # Start, while the station wants to end the session
    "PowerDeliveryReq:poll",  # Start, EVProcessing Ongoing
    "PowerDeliveryReq:Stop",
    "PowerDeliveryReq:Standby",  # not offered
    "PowerDeliveryReq:ScheduleRenegotiation",  # not offered
    "AC_ChargeLoopReq",
    "AC_ChargeLoopReq:other kind",
    "AC_ChargeLoopReq:other mode",
    "DC_ChargeLoopReq",
    "DC_ChargeLoopReq:other kind",
    "DC_ChargeLoopReq:other mode",
    "MeteringConfirmationReq",  # nobody asked for it
    "DC_WeldingDetectionReq",  # EVProcessing Ongoing
    "DC_WeldingDetectionReq:Finished",
    "SessionStopReq",  # Terminate
    "SessionStopReq:Pause",  # of a vehicle that has shown its certificate, at a station that allows it
    "SessionStopReq:ServiceRenegotiation",  # announced as not supported
    "VehicleCheckInReq",
    "VehicleCheckOutReq",
)

# -- codes that are no names of the schema

SEQUENCE = "FAILED_SequenceError"
# The list is silent: OK or a warning that changes nothing, or the sequence error; nothing else, and
# never the loop.
SILENT = "silent"

_NOTHING = "R-ERRORS-01 [V2G20-459]"

# An answer with EVSEProcessing Ongoing never leads on, whatever the row says (R-AUTH-07,
# R-SCHEDULE-03).
LEGAL = (
    (HANDSHAKE, "supportedAppProtocolReq", "OK_SuccessfulNegotiation", SETUP, "R-SAP-01 R-SAP-03"),
    (SETUP, "SessionSetupReq", "OK_NewSessionEstablished", AUTH_SETUP, "R-SESSION-04 [V2G20-2626]"),
    (SETUP, "SessionSetupReq:paused", "OK_OldSessionJoined", AC_PARAMETERS, "R-SESSION-05 R-SESSION-06 [V2G20-1843]"),
    (SETUP, "SessionSetupReq:paused", "OK_OldSessionJoined", DC_PARAMETERS, "R-SESSION-05 R-SESSION-06 [V2G20-1843]"),
    (AUTH_SETUP, "AuthorizationSetupReq", "OK", AUTH, "R-AUTH-01"),
    (AUTH, "AuthorizationReq", "OK", DISCOVERY, "R-AUTH-05 R-AUTH-07 [V2G20-1200]"),
    (AUTH, "AuthorizationReq:PnC", "WARNING_AuthorizationSelectionInvalid", AUTH, "R-AUTH-04 R-AUTH-07 R-ERRORS-04"),
    (DISCOVERY, "ServiceDiscoveryReq", "OK", SELECTION, "R-SERVICES-02 [V2G20-1980]"),
    (SELECTION, "ServiceDetailReq", "OK", SELECTION, "R-SERVICES-02 [V2G20-1981]"),
    (SELECTION, "ServiceDetailReq:not offered", "FAILED_ServiceIDInvalid", FAILED, "R-SERVICES-05 [V2G20-464]"),
    (SELECTION, "ServiceSelectionReq", "OK", AC_PARAMETERS, "R-SERVICES-02 D-13 [V2G20-1983]"),
    (SELECTION, "ServiceSelectionReq", "OK", DC_PARAMETERS, "R-SERVICES-02 D-13 [V2G20-1983]"),
    (
        SELECTION,
        "ServiceSelectionReq:foreign set",
        "FAILED_ServiceSelectionInvalid",
        FAILED,
        "R-SERVICES-06 [V2G20-467]",
    ),
    # AC
    (AC_PARAMETERS, "AC_ChargeParameterDiscoveryReq", "OK", AC_SCHEDULE, "R-SESSION-06 R-CPD-01"),
    (AC_PARAMETERS, "AC_ChargeParameterDiscoveryReq:other kind", "FAILED_WrongChargeParameter", FAILED, "R-CPD-01"),
    (AC_SCHEDULE, "ScheduleExchangeReq", "OK", AC_START, "R-SCHEDULE-03 [V2G20-1989]"),
    (AC_SCHEDULE, "ScheduleExchangeReq:other mode", "FAILED", FAILED, "R-SCHEDULE-02 [V2G20-1600]"),
    (AC_START, "PowerDeliveryReq:Start", "OK", AC_LOOP, "R-POWER-04 R-POWER-11"),
    (AC_START, "PowerDeliveryReq:unwanted", "OK", AC_UNWANTED, "R-STATUS-06"),
    (AC_START, "PowerDeliveryReq:poll", "OK", AC_START, "R-POWER-03"),
    (AC_START, "PowerDeliveryReq:Stop", "OK", AC_NO_POWER, "R-POWER-01"),
    (AC_START, "PowerDeliveryReq:Standby", "WARNING_StandbyNotAllowed", AC_START, "R-POWER-12 D-20 [V2G20-1386]"),
    (AC_START, "PowerDeliveryReq:ScheduleRenegotiation", SILENT, AC_START, "R-ERRORS-04"),
    (AC_LOOP, "AC_ChargeLoopReq", "OK", AC_LOOP, "R-LOOP-01"),
    (AC_LOOP, "AC_ChargeLoopReq:other kind", "FAILED", FAILED, "R-LOOP-01 [V2G20-1600]"),
    (AC_LOOP, "AC_ChargeLoopReq:other mode", "FAILED", FAILED, "R-LOOP-01 [V2G20-1600]"),
    (AC_LOOP, "PowerDeliveryReq:Stop", "OK", AC_END, "R-POWER-02"),
    (AC_LOOP, "PowerDeliveryReq:poll", SILENT, AC_LOOP, "R-POWER-03"),
    (AC_LOOP, "PowerDeliveryReq:Standby", "WARNING_StandbyNotAllowed", AC_LOOP, "R-POWER-12 D-20 [V2G20-1386]"),
    (AC_LOOP, "PowerDeliveryReq:ScheduleRenegotiation", "WARNING_ScheduleRenegotiationFailed", AC_LOOP, "R-ERRORS-04"),
    (AC_END, "PowerDeliveryReq:Stop", SILENT, AC_END, "R-POWER-01"),
    (AC_NO_POWER, "PowerDeliveryReq:Stop", "OK", AC_NO_POWER, "R-POWER-01"),
    # The vehicle goes on as after its own Stop; one that does not look into PowerDeliveryRes begins the
    # loop and is told there (R-STATUS-02).
    (AC_UNWANTED, "PowerDeliveryReq:Stop", "OK", AC_NO_POWER, "R-STATUS-06 R-POWER-01"),
    (AC_UNWANTED, "AC_ChargeLoopReq", "OK", AC_UNWANTED, "R-STATUS-06 R-STATUS-02"),
    (AC_UNWANTED, "AC_ChargeLoopReq:other kind", "FAILED", FAILED, "R-LOOP-01 [V2G20-1600]"),
    (AC_UNWANTED, "AC_ChargeLoopReq:other mode", "FAILED", FAILED, "R-LOOP-01 [V2G20-1600]"),
    # DC
    (DC_PARAMETERS, "DC_ChargeParameterDiscoveryReq", "OK", DC_SCHEDULE, "R-SESSION-06 R-CPD-01"),
    (DC_PARAMETERS, "DC_ChargeParameterDiscoveryReq:other kind", "FAILED_WrongChargeParameter", FAILED, "R-CPD-01"),
    (DC_SCHEDULE, "ScheduleExchangeReq", "OK", CABLE_CHECK, "R-SCHEDULE-03 [V2G20-1989]"),
    (DC_SCHEDULE, "ScheduleExchangeReq:other mode", "FAILED", FAILED, "R-SCHEDULE-02 [V2G20-1600]"),
    (CABLE_CHECK, "DC_CableCheckReq", "OK", PRECHARGE, "R-DC-SAFETY-03"),
    (CABLE_CHECK, "PowerDeliveryReq:poll", SILENT, CABLE_CHECK, "R-DC-SAFETY-01 R-POWER-03"),
    (CABLE_CHECK, "PowerDeliveryReq:Stop", "OK", DC_NO_POWER, "R-POWER-01 R-DC-SAFETY-01 [V2G20-2122]"),
    (
        CABLE_CHECK,
        "PowerDeliveryReq:Standby",
        "WARNING_StandbyNotAllowed",
        CABLE_CHECK,
        "R-DC-SAFETY-01 R-POWER-12 D-20",
    ),
    (CABLE_CHECK, "PowerDeliveryReq:ScheduleRenegotiation", SILENT, CABLE_CHECK, "R-ERRORS-04"),
    (PRECHARGE, "DC_PreChargeReq", "OK", PRECHARGED, "R-DC-SAFETY-08 [V2G20-2005]"),
    (PRECHARGE, "DC_PreChargeReq:Finished", "OK", PRECHARGED, "R-DC-SAFETY-08 [V2G20-2005]"),
    (PRECHARGE, "PowerDeliveryReq:poll", SILENT, PRECHARGE, "R-DC-SAFETY-01 R-POWER-03"),
    (PRECHARGE, "PowerDeliveryReq:Stop", "OK", DC_NO_POWER, "R-POWER-01"),
    (PRECHARGE, "PowerDeliveryReq:Standby", "WARNING_StandbyNotAllowed", PRECHARGE, "R-DC-SAFETY-01 R-POWER-12 D-20"),
    (PRECHARGE, "PowerDeliveryReq:ScheduleRenegotiation", SILENT, PRECHARGE, "R-ERRORS-04"),
    (PRECHARGED, "DC_PreChargeReq", "OK", PRECHARGED, "R-DC-SAFETY-08 D-04"),
    (PRECHARGED, "DC_PreChargeReq:Finished", "OK", PRECHARGED, "R-DC-SAFETY-08 D-04"),
    (PRECHARGED, "PowerDeliveryReq:Start", "OK", DC_LOOP, "R-DC-SAFETY-12 D-04 [V2G20-2006]"),
    (PRECHARGED, "PowerDeliveryReq:unwanted", "OK", DC_UNWANTED, "R-STATUS-06"),
    (PRECHARGED, "PowerDeliveryReq:poll", "OK", PRECHARGED, "R-POWER-03"),
    (PRECHARGED, "PowerDeliveryReq:Stop", "OK", DC_NO_POWER, "R-POWER-01"),
    (PRECHARGED, "PowerDeliveryReq:Standby", "WARNING_StandbyNotAllowed", PRECHARGED, "R-POWER-12 D-20 [V2G20-1386]"),
    (PRECHARGED, "PowerDeliveryReq:ScheduleRenegotiation", SILENT, PRECHARGED, "R-ERRORS-04"),
    (DC_LOOP, "DC_ChargeLoopReq", "OK", DC_LOOP, "R-LOOP-01"),
    (DC_LOOP, "DC_ChargeLoopReq:other kind", "FAILED", FAILED, "R-LOOP-01 [V2G20-1600]"),
    (DC_LOOP, "DC_ChargeLoopReq:other mode", "FAILED", FAILED, "R-LOOP-01 [V2G20-1600]"),
    (DC_LOOP, "PowerDeliveryReq:Stop", "OK", WELDING, "R-POWER-02 R-DC-SAFETY-09"),
    (DC_LOOP, "PowerDeliveryReq:poll", SILENT, DC_LOOP, "R-POWER-03"),
    (DC_LOOP, "PowerDeliveryReq:Standby", "WARNING_StandbyNotAllowed", DC_LOOP, "R-POWER-12 D-20 [V2G20-1386]"),
    (DC_LOOP, "PowerDeliveryReq:ScheduleRenegotiation", "WARNING_ScheduleRenegotiationFailed", DC_LOOP, "R-ERRORS-04"),
    (WELDING, "DC_WeldingDetectionReq", "OK", WELDING, "R-DC-SAFETY-10"),
    (WELDING, "DC_WeldingDetectionReq:Finished", "OK", WELDING, "R-DC-SAFETY-10"),
    (DC_NO_POWER, "DC_WeldingDetectionReq", "OK", WELDING, "R-POWER-01"),
    (DC_NO_POWER, "DC_WeldingDetectionReq:Finished", "OK", WELDING, "R-POWER-01"),
    (DC_NO_POWER, "PowerDeliveryReq:Stop", "OK", DC_NO_POWER, "R-POWER-01"),
    (DC_UNWANTED, "PowerDeliveryReq:Stop", "OK", DC_NO_POWER, "R-STATUS-06 R-POWER-01"),
    (DC_UNWANTED, "DC_WeldingDetectionReq", "OK", WELDING, "R-STATUS-06 R-POWER-01"),
    (DC_UNWANTED, "DC_WeldingDetectionReq:Finished", "OK", WELDING, "R-STATUS-06 R-POWER-01"),
    (DC_UNWANTED, "DC_ChargeLoopReq", "OK", DC_UNWANTED, "R-STATUS-06 R-STATUS-02"),
    (DC_UNWANTED, "DC_ChargeLoopReq:other kind", "FAILED", FAILED, "R-LOOP-01 [V2G20-1600]"),
    (DC_UNWANTED, "DC_ChargeLoopReq:other mode", "FAILED", FAILED, "R-LOOP-01 [V2G20-1600]"),
)

# -- SessionStop

# A service is selected and the cable is dead: there is something to join again (R-SESSION-06,
# R-SESSION-07).
_PAUSABLE = (
    AC_PARAMETERS,
    AC_SCHEDULE,
    AC_START,
    AC_END,
    AC_NO_POWER,
    DC_PARAMETERS,
    DC_SCHEDULE,
    WELDING,
    DC_NO_POWER,
)
_ESTABLISHED = tuple(phase for phase in PHASES if phase not in (HANDSHAKE, SETUP, ENDED))


def _stop(phase, request):
    if phase not in _ESTABLISHED:
        return None
    if request == "SessionStopReq":
        return "OK", ENDED, "D-15" if phase == FAILED else "R-STOP-02 R-STOP-11 D-05"
    if request == "SessionStopReq:ServiceRenegotiation":
        return "FAILED_NoServiceRenegotiationSupported", FAILED, "R-STOP-05 R-STOP-07 [V2G20-1956]"
    if phase in _PAUSABLE:
        return "OK", ENDED, "R-STOP-08 R-STOP-09 D-26"
    return "FAILED_PauseNotAllowed", FAILED, "R-STOP-08 D-05"


def rule(phase, request, current):
    """The row for a request in a phase of an AC or a DC session ("ac", "dc"); that of the sequence
    error if there is none."""
    if request.startswith("SessionStopReq"):
        found = _stop(phase, request)
        if found:
            return (phase, request) + found
    other = "dc" if current == "ac" else "ac"
    for row in LEGAL:
        if row[0] == phase and row[1] == request and not row[3].startswith(other):
            return row
    return phase, request, SEQUENCE, ENDED if phase == ENDED else FAILED, _NOTHING


def route(phase, joined, current):
    """[(phase, request), ...] that leads to a phase from HANDSHAKE: the way of the first rows of
    the table that lead there."""
    way = []
    while phase != HANDSHAKE:
        before, request = _before(phase, joined, current)
        way.insert(0, (before, request))
        phase = before
    return way


def _before(phase, joined, current):
    if phase == ENDED:
        return current + " parameters", "SessionStopReq"
    if phase == FAILED:
        return current + " parameters", "AuthorizationReq"
    for before, request, _code, after, _source in LEGAL:
        if after != phase or before == phase:
            continue
        if not joined if request == "SessionSetupReq:paused" else joined and before == SELECTION:
            continue  # the other way to the parameters
        return before, request
    raise ValueError(phase)
