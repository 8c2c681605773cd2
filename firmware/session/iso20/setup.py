"""SessionSetup, AuthorizationSetup and Authorization (EIM)."""

from codec.slots import (
    MSG,
    Authorization,
    AuthorizationReq,
    AuthorizationRes,
    MessageHeader,
    Processing,
    ResponseCode,
    SessionSetupReq,
    SessionSetupRes,
)
from firmware.session.codes import DENIED, GRANTED
from firmware.session.iso20 import messages
from firmware.session.iso20.states import AUTH, AUTH_SETUP, DISCOVERY, PARAMETERS


def session(f, req):
    """A session is joined again if it is this car's (R-SESSION-05): authorisation, service and
    parameter set are as they were (R-SESSION-07). Any other id is answered as a zero one is
    (R-SESSION-04)."""
    f.car.id = req[SessionSetupReq.EVCCID]
    if f.secure and f.car.id != f.vehicle_name:
        f.session.note = "the EVCCID is not the name in the vehicle certificate"
    offered = req[SessionSetupReq.Header][MessageHeader.SessionID]
    kept = None if f.station.authorized == DENIED else f.join(offered)
    if kept:
        (
            f.session.id,
            f.session.service,
            f.session.bpt,
            f.session.dynamic,
            f.session.base_charged_wh,
            f.session.base_discharged_wh,
        ) = kept
        res = messages.ok(f, MSG.SessionSetupReq)
        res[SessionSetupRes.ResponseCode] = ResponseCode.OK_OldSessionJoined
        return res, PARAMETERS
    f.session.id = f.draw_id(offered)
    res = messages.ok(f, MSG.SessionSetupReq)
    res[SessionSetupRes.ResponseCode] = ResponseCode.OK_NewSessionEstablished
    return res, AUTH_SETUP


def authorization_setup(f, req):
    """EIM alone is offered, and no installation of certificates (R-AUTH-01, R-AUTH-02)."""
    f.wanted.decision = True
    return messages.ok(f, MSG.AuthorizationSetupReq), AUTH


def authorization(f, req):
    """EIM: Ongoing until somebody decides, in the words for a person or for a machine (R-AUTH-05,
    R-AUTH-17). A no and the end of the wait are a warning with Finished, which ends this attempt
    (D-28, R-AUTH-06); the car may ask again, and a later yes counts (R-AUTH-04, R-AUTH-07)."""
    res = messages.ok(f, MSG.AuthorizationReq)
    if req[AuthorizationReq.SelectedAuthorizationService] != Authorization.EIM:
        res[AuthorizationRes.ResponseCode] = ResponseCode.WARNING_AuthorizationSelectionInvalid
        return res, AUTH
    decision = f.station.authorized
    if decision == GRANTED:
        f.wanted.decision = False
        return res, DISCOVERY
    if f.session.asked_ms < 0:
        f.session.asked_ms = f.in_state_ms
    waited_ms = f.in_state_ms - f.session.asked_ms
    if decision == DENIED or waited_ms >= f.cfg["eim_timeout_ms"]:  # D-17
        f.session.asked_ms = -1
        f.session.note = "not authorised: " + ("denied" if decision == DENIED else "nobody has decided")
        res[AuthorizationRes.ResponseCode] = ResponseCode.WARNING_EIMAuthorizationFailure
        return res, AUTH
    if f.station.person:
        res[AuthorizationRes.EVSEProcessing] = Processing.Ongoing_WaitingForCustomerInteraction
    else:
        res[AuthorizationRes.EVSEProcessing] = Processing.Ongoing
    return res, AUTH
