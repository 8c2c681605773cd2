"""Answers with every mandatory field filled (R-ERRORS-02, [V2G20-736]).

`blank()` makes the neutral answer of any response type; a handler changes what it knows better, and a refusal sends
it as it is. At least one vehicle model loops for ever on an answer that lacks mandatory fields.
"""

from codec import rational
from codec.slots import (
    MSG,
    AC_ChargeLoopRes,
    AC_ChargeParameterDiscoveryRes,
    Authorization,
    AuthorizationRes,
    AuthorizationSetupRes,
    CertificateChain,
    CertificateInstallationRes,
    ChargingSchedule,
    ContractCertificateChain,
    DC_CableCheckRes,
    DC_ChargeLoopRes,
    DC_ChargeParameterDiscoveryRes,
    DC_PreChargeRes,
    DC_WeldingDetectionRes,
    Dynamic_SEResControlMode,
    EcdhCurve,
    EvseCheckOutStatus,
    EvseNotification,
    EVSEStatus,
    MessageHeader,
    MeteringConfirmationRes,
    Parameter,
    ParameterSet,
    PowerDeliveryRes,
    PowerSchedule,
    PowerScheduleEntry,
    PowerScheduleEntryList,
    PriceLevelSchedule,
    PriceLevelScheduleEntry,
    PriceLevelScheduleEntryList,
    Processing,
    ResponseCode,
    SAP_responseCode,
    Scheduled_SEResControlMode,
    ScheduleExchangeRes,
    ScheduleTuple,
    Service,
    ServiceDetailRes,
    ServiceDiscoveryRes,
    ServiceList,
    ServiceParameterList,
    ServiceSelectionRes,
    SessionSetupRes,
    SessionStopRes,
    SignedInstallationData,
    SubCertificates,
    VehicleCheckInRes,
    VehicleCheckOutRes,
    supportedAppProtocolRes,
)
from firmware.session import facts as _f
from firmware.session import limits
from micropython import const

# Every -20 response begins with these two slots (V2GResponseType).
_HEADER = const(0)
_CODE = const(1)

RESPONSE_OF = {
    MSG.supportedAppProtocolReq: MSG.supportedAppProtocolRes,
    MSG.SessionSetupReq: MSG.SessionSetupRes,
    MSG.AuthorizationSetupReq: MSG.AuthorizationSetupRes,
    MSG.AuthorizationReq: MSG.AuthorizationRes,
    MSG.CertificateInstallationReq: MSG.CertificateInstallationRes,
    MSG.ServiceDiscoveryReq: MSG.ServiceDiscoveryRes,
    MSG.ServiceDetailReq: MSG.ServiceDetailRes,
    MSG.ServiceSelectionReq: MSG.ServiceSelectionRes,
    MSG.ScheduleExchangeReq: MSG.ScheduleExchangeRes,
    MSG.PowerDeliveryReq: MSG.PowerDeliveryRes,
    MSG.MeteringConfirmationReq: MSG.MeteringConfirmationRes,
    MSG.SessionStopReq: MSG.SessionStopRes,
    MSG.VehicleCheckInReq: MSG.VehicleCheckInRes,
    MSG.VehicleCheckOutReq: MSG.VehicleCheckOutRes,
    MSG.AC_ChargeParameterDiscoveryReq: MSG.AC_ChargeParameterDiscoveryRes,
    MSG.AC_ChargeLoopReq: MSG.AC_ChargeLoopRes,
    MSG.DC_ChargeParameterDiscoveryReq: MSG.DC_ChargeParameterDiscoveryRes,
    MSG.DC_CableCheckReq: MSG.DC_CableCheckRes,
    MSG.DC_PreChargeReq: MSG.DC_PreChargeRes,
    MSG.DC_ChargeLoopReq: MSG.DC_ChargeLoopRes,
    MSG.DC_WeldingDetectionReq: MSG.DC_WeldingDetectionRes,
}


def _header(f):
    h = [None] * MessageHeader.LEN
    h[MessageHeader.SessionID] = f.session_id
    h[MessageHeader.TimeStamp] = f.unix_s
    return h


def terminate(f):
    """EVSEStatus with the wish to end (R-STATUS-02); the delay counts down (R-STATUS-03)."""
    s = [None] * EVSEStatus.LEN
    left_s = f.cfg["terminate_delay_s"] - f.stop_wish_ms // 1000
    s[EVSEStatus.NotificationMaxDelay] = left_s if left_s > 0 else 0
    s[EVSEStatus.EVSENotification] = EvseNotification.Terminate
    f.notify = True
    return s


def _plain(f, n, code):
    r = [None] * n
    r[_HEADER] = _header(f)
    r[_CODE] = code
    return r


def _certificate_installation(f, code):
    r = _plain(f, CertificateInstallationRes.LEN, code)
    r[CertificateInstallationRes.EVSEProcessing] = Processing.Finished
    # Neutral content: one zero octet where the schema wants a certificate or a key (R-ERRORS-05).
    chain = [None] * CertificateChain.LEN
    chain[CertificateChain.Certificate] = b"\x00"
    r[CertificateInstallationRes.CPSCertificateChain] = chain
    subs = [None] * SubCertificates.LEN
    subs[SubCertificates.Certificate] = [b"\x00"]
    contract = [None] * ContractCertificateChain.LEN
    contract[ContractCertificateChain.Certificate] = b"\x00"
    contract[ContractCertificateChain.SubCertificates] = subs
    data = [None] * SignedInstallationData.LEN
    data[SignedInstallationData.Id] = "none"
    data[SignedInstallationData.ContractCertificateChain] = contract
    data[SignedInstallationData.ECDHCurve] = EcdhCurve.SECP521
    data[SignedInstallationData.DHPublicKey] = bytes(133)
    data[SignedInstallationData.SECP521_EncryptedPrivateKey] = bytes(94)
    r[CertificateInstallationRes.SignedInstallationData] = data
    r[CertificateInstallationRes.RemainingContractCertificateChains] = 0
    return r


def _schedule_exchange(f, code):
    r = _plain(f, ScheduleExchangeRes.LEN, code)
    r[ScheduleExchangeRes.EVSEProcessing] = Processing.Finished
    # Exactly one mode block, also in failures and while Ongoing (R-SCHEDULE-01).
    if f.dynamic:
        r[ScheduleExchangeRes.Dynamic_SEResControlMode] = [None] * Dynamic_SEResControlMode.LEN
    else:
        entry = [None] * PowerScheduleEntry.LEN
        entry[PowerScheduleEntry.Duration] = 86400
        entry[PowerScheduleEntry.Power] = 0
        r[ScheduleExchangeRes.Scheduled_SEResControlMode] = scheduled([tuple_of(f, 1, [entry], None)])
    return r


def scheduled(tuples):
    mode = [None] * Scheduled_SEResControlMode.LEN
    mode[Scheduled_SEResControlMode.ScheduleTuple] = tuples
    return mode


def _charging_schedule(f, entries):
    power = [None] * PowerSchedule.LEN
    power[PowerSchedule.TimeAnchor] = f.unix_s
    inner = [None] * PowerScheduleEntryList.LEN
    inner[PowerScheduleEntryList.PowerScheduleEntry] = entries
    power[PowerSchedule.PowerScheduleEntries] = inner
    c = [None] * ChargingSchedule.LEN
    c[ChargingSchedule.PowerSchedule] = power
    if f.cfg["send_price_schedule"] == "minimal":
        c[ChargingSchedule.PriceLevelSchedule] = _price_levels(f, entries)
    return c


def _price_levels(f, entries):
    # The smallest schedule that meets [V2G20-2176] and the vehicles that refuse a tuple without one (D-06).
    p = [None] * PriceLevelSchedule.LEN
    p[PriceLevelSchedule.TimeAnchor] = f.unix_s
    p[PriceLevelSchedule.PriceScheduleID] = 1
    p[PriceLevelSchedule.NumberOfPriceLevels] = 1
    levels = []
    for e in entries:
        level = [None] * PriceLevelScheduleEntry.LEN
        level[PriceLevelScheduleEntry.Duration] = e[PowerScheduleEntry.Duration]
        level[PriceLevelScheduleEntry.PriceLevel] = 1
        levels.append(level)
    inner = [None] * PriceLevelScheduleEntryList.LEN
    inner[PriceLevelScheduleEntryList.PriceLevelScheduleEntry] = levels
    p[PriceLevelSchedule.PriceLevelScheduleEntries] = inner
    return p


def tuple_of(f, tuple_id, charging, discharging):
    """ScheduleTuple of power entries; discharging may be None (unidirectional)."""
    t = [None] * ScheduleTuple.LEN
    t[ScheduleTuple.ScheduleTupleID] = tuple_id
    t[ScheduleTuple.ChargingSchedule] = _charging_schedule(f, charging)
    if discharging:
        t[ScheduleTuple.DischargingSchedule] = _charging_schedule(f, discharging)
    return t


def _service_list(services):
    out = []
    for service in services:
        s = [None] * Service.LEN
        s[Service.ServiceID] = service
        s[Service.FreeService] = False
        out.append(s)
    inner = [None] * ServiceList.LEN
    inner[ServiceList.Service] = out
    return inner


def service_discovery(f, code, services):
    r = _plain(f, ServiceDiscoveryRes.LEN, code)
    r[ServiceDiscoveryRes.ServiceRenegotiationSupported] = False
    r[ServiceDiscoveryRes.EnergyTransferServiceList] = _service_list(services)
    return r


def parameter(name, value):
    p = [None] * Parameter.LEN
    p[Parameter.Name] = name
    p[Parameter.intValue] = value
    return p


def service_detail(f, code, service, sets):
    """sets: list of (parameter set id, list of parameters)."""
    r = _plain(f, ServiceDetailRes.LEN, code)
    r[ServiceDetailRes.ServiceID] = service
    out = []
    for set_id, parameters in sets:
        s = [None] * ParameterSet.LEN
        s[ParameterSet.ParameterSetID] = set_id
        s[ParameterSet.Parameter] = parameters
        out.append(s)
    inner = [None] * ServiceParameterList.LEN
    inner[ServiceParameterList.ParameterSet] = out
    r[ServiceDetailRes.ServiceParameterList] = inner
    return r


def protocol(code, schema_id):
    """SupportedAppProtocolRes has no header; schema_id None = left out (R-SAP-04)."""
    r = [None] * supportedAppProtocolRes.LEN
    r[supportedAppProtocolRes.ResponseCode] = code
    r[supportedAppProtocolRes.SchemaID] = schema_id
    return r


def blank(f, msg, code):
    """The neutral answer of response type `msg` with response code `code`."""
    if msg == MSG.supportedAppProtocolRes:
        return protocol(SAP_responseCode.Failed_NoNegotiation, None)
    if msg == MSG.SessionSetupRes:
        r = _plain(f, SessionSetupRes.LEN, code)
        r[SessionSetupRes.EVSEID] = f.cfg["evse_id"]
    elif msg == MSG.AuthorizationSetupRes:
        r = _plain(f, AuthorizationSetupRes.LEN, code)
        r[AuthorizationSetupRes.AuthorizationServices] = [Authorization.EIM]
        r[AuthorizationSetupRes.CertificateInstallationService] = False
        r[AuthorizationSetupRes.EIM_ASResAuthorizationMode] = []
    elif msg == MSG.AuthorizationRes:
        r = _plain(f, AuthorizationRes.LEN, code)
        r[AuthorizationRes.EVSEProcessing] = Processing.Finished
    elif msg == MSG.CertificateInstallationRes:
        r = _certificate_installation(f, code)
    elif msg == MSG.ServiceDiscoveryRes:
        r = service_discovery(f, code, (1,) if f.family == _f.AC else (2,))
    elif msg == MSG.ServiceDetailRes:
        r = service_detail(f, code, f.service, [(0, [parameter("ControlMode", 1)])])
    elif msg == MSG.ScheduleExchangeRes:
        r = _schedule_exchange(f, code)
    elif msg == MSG.VehicleCheckOutRes:
        r = _plain(f, VehicleCheckOutRes.LEN, code)
        r[VehicleCheckOutRes.EVSECheckOutStatus] = EvseCheckOutStatus.Completed
    elif msg == MSG.AC_ChargeParameterDiscoveryRes:
        r = limits.ac_parameters(f, _plain(f, AC_ChargeParameterDiscoveryRes.LEN, code))
    elif msg == MSG.DC_ChargeParameterDiscoveryRes:
        r = limits.dc_parameters(f, _plain(f, DC_ChargeParameterDiscoveryRes.LEN, code))
    elif msg == MSG.AC_ChargeLoopRes:
        r = limits.ac_loop(f, _plain(f, AC_ChargeLoopRes.LEN, code))
    elif msg == MSG.DC_ChargeLoopRes:
        r = limits.dc_loop(f, _plain(f, DC_ChargeLoopRes.LEN, code))
    elif msg == MSG.DC_CableCheckRes:
        r = _plain(f, DC_CableCheckRes.LEN, code)
        r[DC_CableCheckRes.EVSEProcessing] = Processing.Finished
    elif msg == MSG.DC_PreChargeRes:
        r = _plain(f, DC_PreChargeRes.LEN, code)
        r[DC_PreChargeRes.EVSEPresentVoltage] = rational.from_milli(f.present_mv)
    elif msg == MSG.DC_WeldingDetectionRes:
        r = _plain(f, DC_WeldingDetectionRes.LEN, code)
        r[DC_WeldingDetectionRes.EVSEPresentVoltage] = rational.from_milli(f.present_mv)
    elif msg == MSG.ServiceSelectionRes:
        r = _plain(f, ServiceSelectionRes.LEN, code)
    elif msg == MSG.PowerDeliveryRes:
        r = _plain(f, PowerDeliveryRes.LEN, code)
    elif msg == MSG.SessionStopRes:
        r = _plain(f, SessionStopRes.LEN, code)
    elif msg == MSG.MeteringConfirmationRes:
        r = _plain(f, MeteringConfirmationRes.LEN, code)
    elif msg == MSG.VehicleCheckInRes:
        r = _plain(f, VehicleCheckInRes.LEN, code)
    else:
        raise ValueError(msg)
    return r


def ok(f, msg):
    """`blank` with the code OK."""
    return blank(f, msg, ResponseCode.OK)
