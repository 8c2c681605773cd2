"""SupportedAppProtocol, SessionSetup, AuthorizationSetup and Authorization (EIM)."""

from firmware.session import facts as _f
from firmware.session import reply
from firmware.session.states import AUTH, AUTH_SETUP, DISCOVERY, ENDED, PARAMETERS, SETUP
from micropython import const

# slots: begin (make gen)
_AppProtocol__Priority = const(4)
_AppProtocol__ProtocolNamespace = const(0)
_AppProtocol__SchemaID = const(3)
_AppProtocol__VersionNumberMajor = const(1)
_AppProtocol__VersionNumberMinor = const(2)
_AuthorizationReq__SelectedAuthorizationService = const(1)
_AuthorizationRes__EVSEProcessing = const(2)
_AuthorizationRes__ResponseCode = const(1)
_MSG_AuthorizationRes = const(4)
_MSG_AuthorizationSetupRes = const(6)
_MSG_SessionSetupRes = const(39)
_SAP_responseCode__Failed_NoNegotiation = const(2)
_SAP_responseCode__OK_SuccessfulNegotiation = const(0)
_SAP_responseCode__OK_SuccessfulNegotiationWithMinorDeviation = const(1)
_SessionSetupReq__EVCCID = const(1)
_SessionSetupRes__ResponseCode = const(1)
_authorization__EIM = const(0)
_processing__Ongoing = const(1)
_responseCode__OK_NewSessionEstablished = const(2)
_responseCode__OK_OldSessionJoined = const(3)
_responseCode__WARNING_AuthorizationSelectionInvalid = const(5)
_responseCode__WARNING_EIMAuthorizationFailure = const(11)
_supportedAppProtocolReq__AppProtocol = const(0)
# slots: end

# The full strings; no substring match, and CommonMessages is not a selectable protocol (R-SAP-06).
_NS_AC = "urn:iso:std:iso:15118:-20:AC"
_NS_DC = "urn:iso:std:iso:15118:-20:DC"
_MAJOR = const(1)
_MINOR = const(0)


def _family(f, entry):
    """AC, DC or None: whether the station supports this entry for a service that it really offers (R-SAP-01)."""
    if entry[_AppProtocol__VersionNumberMajor] != _MAJOR:
        return None
    namespace = entry[_AppProtocol__ProtocolNamespace]
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
        for entry in req[_supportedAppProtocolReq__AppProtocol]:
            if _family(f, entry) is None:
                continue
            if best is None or entry[_AppProtocol__Priority] < best[_AppProtocol__Priority]:
                best = entry
    if best is None:
        return reply.protocol(_SAP_responseCode__Failed_NoNegotiation, None), ENDED
    f.family = _family(f, best)
    code = _SAP_responseCode__OK_SuccessfulNegotiation
    if best[_AppProtocol__VersionNumberMinor] != _MINOR:
        code = _SAP_responseCode__OK_SuccessfulNegotiationWithMinorDeviation
    return reply.protocol(code, best[_AppProtocol__SchemaID]), SETUP


def session(f, req):
    """A session is joined again if it is this car's (R-SESSION-05): authorisation, service and parameter set are as they were
    (R-SESSION-07). Any other id is answered as a zero one is (R-SESSION-04)."""
    f.ev_id = req[_SessionSetupReq__EVCCID]
    if f.old:
        f.session_id, f.service, f.bpt, f.dynamic, f.base_charged_wh, f.base_discharged_wh = f.old
        res = reply.ok(f, _MSG_SessionSetupRes)
        res[_SessionSetupRes__ResponseCode] = _responseCode__OK_OldSessionJoined
        return res, PARAMETERS
    f.session_id = f.new_id
    res = reply.ok(f, _MSG_SessionSetupRes)
    res[_SessionSetupRes__ResponseCode] = _responseCode__OK_NewSessionEstablished
    return res, AUTH_SETUP


def authorization_setup(f, req):
    return reply.ok(f, _MSG_AuthorizationSetupRes), AUTH


def authorization(f, req):
    """EIM: Ongoing until the station decides; a warning keeps the phase (R-AUTH-04..07)."""
    res = reply.ok(f, _MSG_AuthorizationRes)
    if req[_AuthorizationReq__SelectedAuthorizationService] != _authorization__EIM:
        res[_AuthorizationRes__ResponseCode] = _responseCode__WARNING_AuthorizationSelectionInvalid
        return res, AUTH
    if f.in_state_ms >= f.cfg["eim_delay_ms"]:
        return res, DISCOVERY
    if f.in_state_ms >= f.cfg["eim_timeout_ms"]:
        # D-28: the end of the wait is a warning with Finished, not Ongoing for ever (R-AUTH-06).
        res[_AuthorizationRes__ResponseCode] = _responseCode__WARNING_EIMAuthorizationFailure
        return res, AUTH
    res[_AuthorizationRes__EVSEProcessing] = _processing__Ongoing
    return res, AUTH
