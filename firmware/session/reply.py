"""Answers with every mandatory field filled (R-ERRORS-02, [V2G20-736]).

`blank()` makes the neutral answer of any response type; a handler changes what it knows better, and a refusal sends
it as it is. At least one vehicle model loops for ever on an answer that lacks mandatory fields.
"""

from codec import rational
from firmware.session import facts as _f
from firmware.session import limits
from micropython import const

# slots: begin (make gen)
_AuthorizationRes__EVSEProcessing = const(2)
_AuthorizationSetupRes__AuthorizationServices = const(2)
_AuthorizationSetupRes__CertificateInstallationService = const(3)
_AuthorizationSetupRes__EIM_ASResAuthorizationMode = const(4)
_CertificateChain__Certificate = const(0)
_CertificateInstallationRes__CPSCertificateChain = const(3)
_CertificateInstallationRes__EVSEProcessing = const(2)
_CertificateInstallationRes__RemainingContractCertificateChains = const(5)
_CertificateInstallationRes__SignedInstallationData = const(4)
_ChargingSchedule__PowerSchedule = const(0)
_ChargingSchedule__PriceLevelSchedule = const(2)
_ContractCertificateChain__Certificate = const(0)
_ContractCertificateChain__SubCertificates = const(1)
_DC_CableCheckRes__EVSEProcessing = const(2)
_DC_PreChargeRes__EVSEPresentVoltage = const(2)
_DC_WeldingDetectionRes__EVSEPresentVoltage = const(2)
_EVSEStatus__EVSENotification = const(1)
_EVSEStatus__NotificationMaxDelay = const(0)
_LEN_AC_ChargeLoopRes = const(11)
_LEN_AC_ChargeParameterDiscoveryRes = const(4)
_LEN_AuthorizationRes = const(3)
_LEN_AuthorizationSetupRes = const(6)
_LEN_CertificateChain = const(2)
_LEN_CertificateInstallationRes = const(6)
_LEN_ChargingSchedule = const(3)
_LEN_ContractCertificateChain = const(2)
_LEN_DC_CableCheckRes = const(3)
_LEN_DC_ChargeLoopRes = const(15)
_LEN_DC_ChargeParameterDiscoveryRes = const(4)
_LEN_DC_PreChargeRes = const(3)
_LEN_DC_WeldingDetectionRes = const(3)
_LEN_Dynamic_SEResControlMode = const(5)
_LEN_EVSEStatus = const(2)
_LEN_MessageHeader = const(3)
_LEN_MeteringConfirmationRes = const(2)
_LEN_Parameter = const(7)
_LEN_ParameterSet = const(2)
_LEN_PowerDeliveryRes = const(3)
_LEN_PowerSchedule = const(4)
_LEN_PowerScheduleEntry = const(4)
_LEN_PowerScheduleEntryList = const(1)
_LEN_PriceLevelSchedule = const(6)
_LEN_PriceLevelScheduleEntry = const(2)
_LEN_PriceLevelScheduleEntryList = const(1)
_LEN_ScheduleExchangeRes = const(6)
_LEN_ScheduleTuple = const(3)
_LEN_Scheduled_SEResControlMode = const(1)
_LEN_Service = const(2)
_LEN_ServiceDetailRes = const(4)
_LEN_ServiceDiscoveryRes = const(5)
_LEN_ServiceList = const(1)
_LEN_ServiceParameterList = const(1)
_LEN_ServiceSelectionRes = const(2)
_LEN_SessionSetupRes = const(3)
_LEN_SessionStopRes = const(2)
_LEN_SignedInstallationData = const(7)
_LEN_SubCertificates = const(1)
_LEN_VehicleCheckInRes = const(5)
_LEN_VehicleCheckOutRes = const(3)
_LEN_supportedAppProtocolRes = const(2)
_MSG_AC_ChargeLoopReq = const(59)
_MSG_AC_ChargeLoopRes = const(60)
_MSG_AC_ChargeParameterDiscoveryReq = const(61)
_MSG_AC_ChargeParameterDiscoveryRes = const(62)
_MSG_AuthorizationReq = const(3)
_MSG_AuthorizationRes = const(4)
_MSG_AuthorizationSetupReq = const(5)
_MSG_AuthorizationSetupRes = const(6)
_MSG_CertificateInstallationReq = const(10)
_MSG_CertificateInstallationRes = const(11)
_MSG_DC_CableCheckReq = const(81)
_MSG_DC_CableCheckRes = const(82)
_MSG_DC_ChargeLoopReq = const(83)
_MSG_DC_ChargeLoopRes = const(84)
_MSG_DC_ChargeParameterDiscoveryReq = const(85)
_MSG_DC_ChargeParameterDiscoveryRes = const(86)
_MSG_DC_PreChargeReq = const(87)
_MSG_DC_PreChargeRes = const(88)
_MSG_DC_WeldingDetectionReq = const(89)
_MSG_DC_WeldingDetectionRes = const(90)
_MSG_MeteringConfirmationReq = const(19)
_MSG_MeteringConfirmationRes = const(20)
_MSG_PowerDeliveryReq = const(24)
_MSG_PowerDeliveryRes = const(25)
_MSG_ScheduleExchangeReq = const(30)
_MSG_ScheduleExchangeRes = const(31)
_MSG_ServiceDetailReq = const(32)
_MSG_ServiceDetailRes = const(33)
_MSG_ServiceDiscoveryReq = const(34)
_MSG_ServiceDiscoveryRes = const(35)
_MSG_ServiceSelectionReq = const(36)
_MSG_ServiceSelectionRes = const(37)
_MSG_SessionSetupReq = const(38)
_MSG_SessionSetupRes = const(39)
_MSG_SessionStopReq = const(40)
_MSG_SessionStopRes = const(41)
_MSG_VehicleCheckInReq = const(52)
_MSG_VehicleCheckInRes = const(53)
_MSG_VehicleCheckOutReq = const(54)
_MSG_VehicleCheckOutRes = const(55)
_MSG_supportedAppProtocolReq = const(1)
_MSG_supportedAppProtocolRes = const(2)
_MessageHeader__SessionID = const(0)
_MessageHeader__TimeStamp = const(1)
_ParameterSet__Parameter = const(1)
_ParameterSet__ParameterSetID = const(0)
_Parameter__Name = const(0)
_Parameter__intValue = const(4)
_PowerScheduleEntryList__PowerScheduleEntry = const(0)
_PowerScheduleEntry__Duration = const(0)
_PowerScheduleEntry__Power = const(1)
_PowerSchedule__PowerScheduleEntries = const(3)
_PowerSchedule__TimeAnchor = const(0)
_PriceLevelScheduleEntryList__PriceLevelScheduleEntry = const(0)
_PriceLevelScheduleEntry__Duration = const(0)
_PriceLevelScheduleEntry__PriceLevel = const(1)
_PriceLevelSchedule__NumberOfPriceLevels = const(4)
_PriceLevelSchedule__PriceLevelScheduleEntries = const(5)
_PriceLevelSchedule__PriceScheduleID = const(2)
_PriceLevelSchedule__TimeAnchor = const(1)
_SAP_responseCode__Failed_NoNegotiation = const(2)
_ScheduleExchangeRes__Dynamic_SEResControlMode = const(4)
_ScheduleExchangeRes__EVSEProcessing = const(2)
_ScheduleExchangeRes__Scheduled_SEResControlMode = const(5)
_ScheduleTuple__ChargingSchedule = const(1)
_ScheduleTuple__DischargingSchedule = const(2)
_ScheduleTuple__ScheduleTupleID = const(0)
_Scheduled_SEResControlMode__ScheduleTuple = const(0)
_ServiceDetailRes__ServiceID = const(2)
_ServiceDetailRes__ServiceParameterList = const(3)
_ServiceDiscoveryRes__EnergyTransferServiceList = const(3)
_ServiceDiscoveryRes__ServiceRenegotiationSupported = const(2)
_ServiceList__Service = const(0)
_ServiceParameterList__ParameterSet = const(0)
_Service__FreeService = const(1)
_Service__ServiceID = const(0)
_SessionSetupRes__EVSEID = const(2)
_SignedInstallationData__ContractCertificateChain = const(1)
_SignedInstallationData__DHPublicKey = const(3)
_SignedInstallationData__ECDHCurve = const(2)
_SignedInstallationData__Id = const(0)
_SignedInstallationData__SECP521_EncryptedPrivateKey = const(4)
_SubCertificates__Certificate = const(0)
_VehicleCheckOutRes__EVSECheckOutStatus = const(2)
_authorization__EIM = const(0)
_ecdhCurve__SECP521 = const(0)
_evseCheckOutStatus__Completed = const(1)
_evseNotification__Terminate = const(2)
_processing__Finished = const(0)
_responseCode__OK = const(0)
_supportedAppProtocolRes__ResponseCode = const(0)
_supportedAppProtocolRes__SchemaID = const(1)
# slots: end

# Every -20 response begins with these two slots (V2GResponseType).
_HEADER = const(0)
_CODE = const(1)

RESPONSE_OF = {
    _MSG_supportedAppProtocolReq: _MSG_supportedAppProtocolRes,
    _MSG_SessionSetupReq: _MSG_SessionSetupRes,
    _MSG_AuthorizationSetupReq: _MSG_AuthorizationSetupRes,
    _MSG_AuthorizationReq: _MSG_AuthorizationRes,
    _MSG_CertificateInstallationReq: _MSG_CertificateInstallationRes,
    _MSG_ServiceDiscoveryReq: _MSG_ServiceDiscoveryRes,
    _MSG_ServiceDetailReq: _MSG_ServiceDetailRes,
    _MSG_ServiceSelectionReq: _MSG_ServiceSelectionRes,
    _MSG_ScheduleExchangeReq: _MSG_ScheduleExchangeRes,
    _MSG_PowerDeliveryReq: _MSG_PowerDeliveryRes,
    _MSG_MeteringConfirmationReq: _MSG_MeteringConfirmationRes,
    _MSG_SessionStopReq: _MSG_SessionStopRes,
    _MSG_VehicleCheckInReq: _MSG_VehicleCheckInRes,
    _MSG_VehicleCheckOutReq: _MSG_VehicleCheckOutRes,
    _MSG_AC_ChargeParameterDiscoveryReq: _MSG_AC_ChargeParameterDiscoveryRes,
    _MSG_AC_ChargeLoopReq: _MSG_AC_ChargeLoopRes,
    _MSG_DC_ChargeParameterDiscoveryReq: _MSG_DC_ChargeParameterDiscoveryRes,
    _MSG_DC_CableCheckReq: _MSG_DC_CableCheckRes,
    _MSG_DC_PreChargeReq: _MSG_DC_PreChargeRes,
    _MSG_DC_ChargeLoopReq: _MSG_DC_ChargeLoopRes,
    _MSG_DC_WeldingDetectionReq: _MSG_DC_WeldingDetectionRes,
}


def _header(f):
    h = [None] * _LEN_MessageHeader
    h[_MessageHeader__SessionID] = f.session_id
    h[_MessageHeader__TimeStamp] = f.unix_s
    return h


def terminate(f):
    """EVSEStatus with the wish to end (R-STATUS-02); the delay counts down (R-STATUS-03)."""
    s = [None] * _LEN_EVSEStatus
    left_s = f.cfg["terminate_delay_s"] - f.stop_wish_ms // 1000
    s[_EVSEStatus__NotificationMaxDelay] = left_s if left_s > 0 else 0
    s[_EVSEStatus__EVSENotification] = _evseNotification__Terminate
    f.notify = True
    return s


def _plain(f, n, code):
    r = [None] * n
    r[_HEADER] = _header(f)
    r[_CODE] = code
    return r


def _certificate_installation(f, code):
    r = _plain(f, _LEN_CertificateInstallationRes, code)
    r[_CertificateInstallationRes__EVSEProcessing] = _processing__Finished
    # Neutral content: one zero octet where the schema wants a certificate or a key (R-ERRORS-05).
    chain = [None] * _LEN_CertificateChain
    chain[_CertificateChain__Certificate] = b"\x00"
    r[_CertificateInstallationRes__CPSCertificateChain] = chain
    subs = [None] * _LEN_SubCertificates
    subs[_SubCertificates__Certificate] = [b"\x00"]
    contract = [None] * _LEN_ContractCertificateChain
    contract[_ContractCertificateChain__Certificate] = b"\x00"
    contract[_ContractCertificateChain__SubCertificates] = subs
    data = [None] * _LEN_SignedInstallationData
    data[_SignedInstallationData__Id] = "none"
    data[_SignedInstallationData__ContractCertificateChain] = contract
    data[_SignedInstallationData__ECDHCurve] = _ecdhCurve__SECP521
    data[_SignedInstallationData__DHPublicKey] = bytes(133)
    data[_SignedInstallationData__SECP521_EncryptedPrivateKey] = bytes(94)
    r[_CertificateInstallationRes__SignedInstallationData] = data
    r[_CertificateInstallationRes__RemainingContractCertificateChains] = 0
    return r


def _schedule_exchange(f, code):
    r = _plain(f, _LEN_ScheduleExchangeRes, code)
    r[_ScheduleExchangeRes__EVSEProcessing] = _processing__Finished
    # Exactly one mode block, also in failures and while Ongoing (R-SCHEDULE-01).
    if f.dynamic:
        r[_ScheduleExchangeRes__Dynamic_SEResControlMode] = [None] * _LEN_Dynamic_SEResControlMode
    else:
        entry = [None] * _LEN_PowerScheduleEntry
        entry[_PowerScheduleEntry__Duration] = 86400
        entry[_PowerScheduleEntry__Power] = 0
        r[_ScheduleExchangeRes__Scheduled_SEResControlMode] = scheduled([tuple_of(f, 1, [entry], None)])
    return r


def scheduled(tuples):
    mode = [None] * _LEN_Scheduled_SEResControlMode
    mode[_Scheduled_SEResControlMode__ScheduleTuple] = tuples
    return mode


def _charging_schedule(f, entries):
    power = [None] * _LEN_PowerSchedule
    power[_PowerSchedule__TimeAnchor] = f.unix_s
    inner = [None] * _LEN_PowerScheduleEntryList
    inner[_PowerScheduleEntryList__PowerScheduleEntry] = entries
    power[_PowerSchedule__PowerScheduleEntries] = inner
    c = [None] * _LEN_ChargingSchedule
    c[_ChargingSchedule__PowerSchedule] = power
    if f.cfg["send_price_schedule"] == "minimal":
        c[_ChargingSchedule__PriceLevelSchedule] = _price_levels(f, entries)
    return c


def _price_levels(f, entries):
    # The smallest schedule that meets [V2G20-2176] and the vehicles that refuse a tuple without one (D-06).
    p = [None] * _LEN_PriceLevelSchedule
    p[_PriceLevelSchedule__TimeAnchor] = f.unix_s
    p[_PriceLevelSchedule__PriceScheduleID] = 1
    p[_PriceLevelSchedule__NumberOfPriceLevels] = 1
    levels = []
    for e in entries:
        level = [None] * _LEN_PriceLevelScheduleEntry
        level[_PriceLevelScheduleEntry__Duration] = e[_PowerScheduleEntry__Duration]
        level[_PriceLevelScheduleEntry__PriceLevel] = 1
        levels.append(level)
    inner = [None] * _LEN_PriceLevelScheduleEntryList
    inner[_PriceLevelScheduleEntryList__PriceLevelScheduleEntry] = levels
    p[_PriceLevelSchedule__PriceLevelScheduleEntries] = inner
    return p


def tuple_of(f, tuple_id, charging, discharging):
    """ScheduleTuple of power entries; discharging may be None (unidirectional)."""
    t = [None] * _LEN_ScheduleTuple
    t[_ScheduleTuple__ScheduleTupleID] = tuple_id
    t[_ScheduleTuple__ChargingSchedule] = _charging_schedule(f, charging)
    if discharging:
        t[_ScheduleTuple__DischargingSchedule] = _charging_schedule(f, discharging)
    return t


def _service_list(services):
    out = []
    for service in services:
        s = [None] * _LEN_Service
        s[_Service__ServiceID] = service
        s[_Service__FreeService] = False
        out.append(s)
    inner = [None] * _LEN_ServiceList
    inner[_ServiceList__Service] = out
    return inner


def service_discovery(f, code, services):
    r = _plain(f, _LEN_ServiceDiscoveryRes, code)
    r[_ServiceDiscoveryRes__ServiceRenegotiationSupported] = False
    r[_ServiceDiscoveryRes__EnergyTransferServiceList] = _service_list(services)
    return r


def parameter(name, value):
    p = [None] * _LEN_Parameter
    p[_Parameter__Name] = name
    p[_Parameter__intValue] = value
    return p


def service_detail(f, code, service, sets):
    """sets: list of (parameter set id, list of parameters)."""
    r = _plain(f, _LEN_ServiceDetailRes, code)
    r[_ServiceDetailRes__ServiceID] = service
    out = []
    for set_id, parameters in sets:
        s = [None] * _LEN_ParameterSet
        s[_ParameterSet__ParameterSetID] = set_id
        s[_ParameterSet__Parameter] = parameters
        out.append(s)
    inner = [None] * _LEN_ServiceParameterList
    inner[_ServiceParameterList__ParameterSet] = out
    r[_ServiceDetailRes__ServiceParameterList] = inner
    return r


def protocol(code, schema_id):
    """SupportedAppProtocolRes has no header; schema_id None = left out (R-SAP-04)."""
    r = [None] * _LEN_supportedAppProtocolRes
    r[_supportedAppProtocolRes__ResponseCode] = code
    r[_supportedAppProtocolRes__SchemaID] = schema_id
    return r


def blank(f, msg, code):
    """The neutral answer of response type `msg` with response code `code`."""
    if msg == _MSG_supportedAppProtocolRes:
        return protocol(_SAP_responseCode__Failed_NoNegotiation, None)
    if msg == _MSG_SessionSetupRes:
        r = _plain(f, _LEN_SessionSetupRes, code)
        r[_SessionSetupRes__EVSEID] = f.cfg["evse_id"]
    elif msg == _MSG_AuthorizationSetupRes:
        r = _plain(f, _LEN_AuthorizationSetupRes, code)
        r[_AuthorizationSetupRes__AuthorizationServices] = [_authorization__EIM]
        r[_AuthorizationSetupRes__CertificateInstallationService] = False
        r[_AuthorizationSetupRes__EIM_ASResAuthorizationMode] = []
    elif msg == _MSG_AuthorizationRes:
        r = _plain(f, _LEN_AuthorizationRes, code)
        r[_AuthorizationRes__EVSEProcessing] = _processing__Finished
    elif msg == _MSG_CertificateInstallationRes:
        r = _certificate_installation(f, code)
    elif msg == _MSG_ServiceDiscoveryRes:
        r = service_discovery(f, code, (1,) if f.family == _f.AC else (2,))
    elif msg == _MSG_ServiceDetailRes:
        r = service_detail(f, code, f.service, [(0, [parameter("ControlMode", 1)])])
    elif msg == _MSG_ScheduleExchangeRes:
        r = _schedule_exchange(f, code)
    elif msg == _MSG_VehicleCheckOutRes:
        r = _plain(f, _LEN_VehicleCheckOutRes, code)
        r[_VehicleCheckOutRes__EVSECheckOutStatus] = _evseCheckOutStatus__Completed
    elif msg == _MSG_AC_ChargeParameterDiscoveryRes:
        r = limits.ac_parameters(f, _plain(f, _LEN_AC_ChargeParameterDiscoveryRes, code))
    elif msg == _MSG_DC_ChargeParameterDiscoveryRes:
        r = limits.dc_parameters(f, _plain(f, _LEN_DC_ChargeParameterDiscoveryRes, code))
    elif msg == _MSG_AC_ChargeLoopRes:
        r = limits.ac_loop(f, _plain(f, _LEN_AC_ChargeLoopRes, code))
    elif msg == _MSG_DC_ChargeLoopRes:
        r = limits.dc_loop(f, _plain(f, _LEN_DC_ChargeLoopRes, code))
    elif msg == _MSG_DC_CableCheckRes:
        r = _plain(f, _LEN_DC_CableCheckRes, code)
        r[_DC_CableCheckRes__EVSEProcessing] = _processing__Finished
    elif msg == _MSG_DC_PreChargeRes:
        r = _plain(f, _LEN_DC_PreChargeRes, code)
        r[_DC_PreChargeRes__EVSEPresentVoltage] = rational.from_milli(f.present_mv)
    elif msg == _MSG_DC_WeldingDetectionRes:
        r = _plain(f, _LEN_DC_WeldingDetectionRes, code)
        r[_DC_WeldingDetectionRes__EVSEPresentVoltage] = rational.from_milli(f.present_mv)
    elif msg == _MSG_ServiceSelectionRes:
        r = _plain(f, _LEN_ServiceSelectionRes, code)
    elif msg == _MSG_PowerDeliveryRes:
        r = _plain(f, _LEN_PowerDeliveryRes, code)
    elif msg == _MSG_SessionStopRes:
        r = _plain(f, _LEN_SessionStopRes, code)
    elif msg == _MSG_MeteringConfirmationRes:
        r = _plain(f, _LEN_MeteringConfirmationRes, code)
    elif msg == _MSG_VehicleCheckInRes:
        r = _plain(f, _LEN_VehicleCheckInRes, code)
    else:
        raise ValueError(msg)
    return r


def ok(f, msg):
    """`blank` with the code OK."""
    return blank(f, msg, _responseCode__OK)
