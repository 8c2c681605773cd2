"""SupportedAppProtocol, SessionSetup, AuthorizationSetup and Authorization (EIM)."""

from codec.slots import (
    MSG,
    AppProtocol,
    Authorization,
    AuthorizationReq,
    AuthorizationRes,
    Processing,
    ResponseCode,
    SAP_responseCode,
    SessionSetupReq,
    SessionSetupRes,
    supportedAppProtocolReq,
)
from firmware.session import facts as _f
from firmware.session import reply
from firmware.session.states import AUTH, AUTH_SETUP, DISCOVERY, ENDED, PARAMETERS, SETUP
from micropython import const

# The full strings; no substring match, and CommonMessages is not a selectable protocol (R-SAP-06).
_NS_AC = "urn:iso:std:iso:15118:-20:AC"
_NS_DC = "urn:iso:std:iso:15118:-20:DC"
_MAJOR = const(1)
_MINOR = const(0)


def _family(f, entry):
    """AC, DC or None: whether the station supports this entry for a service that it really offers (R-SAP-01)."""
    if entry[AppProtocol.VersionNumberMajor] != _MAJOR:
        return None
    namespace = entry[AppProtocol.ProtocolNamespace]
    if namespace == _NS_AC:
        family, prefix = _f.AC, "AC"
    elif namespace == _NS_DC:
        family, prefix = _f.DC, "DC"
    else:
        return None
    if f.cfg["sap_filter_by_service"]:
        for name in f.cfg["services"]:
            if name.startswith(prefix):
                return family
        return None
    return family


def protocol(f, req):
    """First drop what is not supported, then take the best priority; order breaks ties (R-SAP-01, [V2G20-167])."""
    best = None
    # -20 exists only over TLS 1.3; plain TCP is a lab switch (R-SAP-05, [V2G20-2356]).
    if f.secure or f.cfg["allow_plain"]:
        for entry in req[supportedAppProtocolReq.AppProtocol]:
            if _family(f, entry) is None:
                continue
            if best is None or entry[AppProtocol.Priority] < best[AppProtocol.Priority]:
                best = entry
    if best is None:
        return reply.protocol(SAP_responseCode.Failed_NoNegotiation, None), ENDED
    f.family = _family(f, best)
    code = SAP_responseCode.OK_SuccessfulNegotiation
    if best[AppProtocol.VersionNumberMinor] != _MINOR:
        code = SAP_responseCode.OK_SuccessfulNegotiationWithMinorDeviation
    return reply.protocol(code, best[AppProtocol.SchemaID]), SETUP


def session(f, req):
    """A session is joined again if it is this car's (R-SESSION-05): authorisation, service and parameter set are as they were
    (R-SESSION-07). Any other id is answered as a zero one is (R-SESSION-04)."""
    f.ev_id = req[SessionSetupReq.EVCCID]
    if f.old:
        f.session_id, f.service, f.bpt, f.dynamic, f.base_charged_wh, f.base_discharged_wh = f.old
        res = reply.ok(f, MSG.SessionSetupRes)
        res[SessionSetupRes.ResponseCode] = ResponseCode.OK_OldSessionJoined
        return res, PARAMETERS
    f.session_id = f.new_id
    res = reply.ok(f, MSG.SessionSetupRes)
    res[SessionSetupRes.ResponseCode] = ResponseCode.OK_NewSessionEstablished
    return res, AUTH_SETUP


def authorization_setup(f, req):
    return reply.ok(f, MSG.AuthorizationSetupRes), AUTH


def authorization(f, req):
    """EIM: Ongoing until the station decides; a warning keeps the phase (R-AUTH-04..07)."""
    res = reply.ok(f, MSG.AuthorizationRes)
    if req[AuthorizationReq.SelectedAuthorizationService] != Authorization.EIM:
        res[AuthorizationRes.ResponseCode] = ResponseCode.WARNING_AuthorizationSelectionInvalid
        return res, AUTH
    if f.in_state_ms >= f.cfg["eim_delay_ms"]:
        return res, DISCOVERY
    if f.in_state_ms >= f.cfg["eim_timeout_ms"]:
        # D-28: the end of the wait is a warning with Finished, not Ongoing for ever (R-AUTH-06).
        res[AuthorizationRes.ResponseCode] = ResponseCode.WARNING_EIMAuthorizationFailure
        return res, AUTH
    res[AuthorizationRes.EVSEProcessing] = Processing.Ongoing
    return res, AUTH
