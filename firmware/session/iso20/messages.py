"""The messages of ISO 15118-20, one row for each request and its answer, and the neutral answer to
any of them.

At least one vehicle model loops for ever on an answer that lacks mandatory fields, so every answer
begins as `blank()` (R-ERRORS-02, R-CPD-02, [V2G20-736]), made anew each time (R-ERRORS-08): a
handler changes what it knows better, and a refusal sends it as it is. Requests that no step has are
here too (R-ERRORS-06).
"""

from codec.slots import (
    MSG,
    AC_ChargeLoopRes,
    AC_ChargeParameterDiscoveryRes,
    AuthorizationRes,
    AuthorizationSetupRes,
    CertificateInstallationRes,
    DC_CableCheckRes,
    DC_ChargeLoopRes,
    DC_ChargeParameterDiscoveryRes,
    DC_PreChargeRes,
    DC_WeldingDetectionRes,
    MeteringConfirmationRes,
    PowerDeliveryRes,
    ResponseCode,
    ScheduleExchangeRes,
    ServiceDetailRes,
    ServiceDiscoveryRes,
    ServiceSelectionRes,
    SessionSetupRes,
    SessionStopRes,
    VehicleCheckInRes,
    VehicleCheckOutRes,
)
from firmware.session.iso20 import limits, reply

# ((request, its name without Req, slots of the answer), what fills the mandatory fields of the
# answer behind header and code). The id of an answer is that of its request + 1 (a test proves it
# for every row).
MESSAGES = (
    ((MSG.SessionSetupReq, "SessionSetup", SessionSetupRes.LEN), reply.session_setup),
    ((MSG.AuthorizationSetupReq, "AuthorizationSetup", AuthorizationSetupRes.LEN), reply.authorization_setup),
    ((MSG.AuthorizationReq, "Authorization", AuthorizationRes.LEN), reply.authorization),
    ((MSG.CertificateInstallationReq, "CertificateInstallation", CertificateInstallationRes.LEN), reply.certificates),
    ((MSG.ServiceDiscoveryReq, "ServiceDiscovery", ServiceDiscoveryRes.LEN), reply.service_discovery),
    ((MSG.ServiceDetailReq, "ServiceDetail", ServiceDetailRes.LEN), reply.service_detail),
    ((MSG.ServiceSelectionReq, "ServiceSelection", ServiceSelectionRes.LEN), None),
    ((MSG.ScheduleExchangeReq, "ScheduleExchange", ScheduleExchangeRes.LEN), reply.schedule_exchange),
    ((MSG.PowerDeliveryReq, "PowerDelivery", PowerDeliveryRes.LEN), None),
    ((MSG.MeteringConfirmationReq, "MeteringConfirmation", MeteringConfirmationRes.LEN), None),
    ((MSG.SessionStopReq, "SessionStop", SessionStopRes.LEN), None),
    ((MSG.VehicleCheckInReq, "VehicleCheckIn", VehicleCheckInRes.LEN), None),
    ((MSG.VehicleCheckOutReq, "VehicleCheckOut", VehicleCheckOutRes.LEN), reply.check_out),
    (
        (MSG.AC_ChargeParameterDiscoveryReq, "AC_ChargeParameterDiscovery", AC_ChargeParameterDiscoveryRes.LEN),
        limits.ac_parameters,
    ),
    ((MSG.AC_ChargeLoopReq, "AC_ChargeLoop", AC_ChargeLoopRes.LEN), limits.ac_loop),
    (
        (MSG.DC_ChargeParameterDiscoveryReq, "DC_ChargeParameterDiscovery", DC_ChargeParameterDiscoveryRes.LEN),
        limits.dc_parameters,
    ),
    ((MSG.DC_CableCheckReq, "DC_CableCheck", DC_CableCheckRes.LEN), reply.cable_check),
    ((MSG.DC_PreChargeReq, "DC_PreCharge", DC_PreChargeRes.LEN), reply.precharge),
    ((MSG.DC_ChargeLoopReq, "DC_ChargeLoop", DC_ChargeLoopRes.LEN), limits.dc_loop),
    ((MSG.DC_WeldingDetectionReq, "DC_WeldingDetection", DC_WeldingDetectionRes.LEN), reply.welding),
)


def find(request):
    """The row of a request (message id), or None."""
    for row in MESSAGES:
        if row[0][0] == request:
            return row
    return None


def name(msg):
    """The name of a request or an answer as "DC_ChargeLoopReq", or None."""
    if msg is None:
        return None
    for (request, word, _), _ in MESSAGES:
        if request == msg:
            return word + "Req"
        if request + 1 == msg:
            return word + "Res"
    return None


def blank(f, request, code):
    """The neutral answer to `request` (message id) with a response code."""
    (_, _, slots), fill = find(request)
    r = reply.plain(f, slots, code)
    if fill is not None:
        fill(f, r)
    return r


def ok(f, request):
    """`blank` with the code OK."""
    return blank(f, request, ResponseCode.OK)
