"""What answers are made of: header and code, the mandatory fields of each answer, and the blocks
that handlers put in.

The functions with (f, r) fill the answer r to the request of their name; `messages.MESSAGES` says
which.
"""

from codec import rational
from codec.slots import (
    Authorization,
    AuthorizationRes,
    AuthorizationSetupRes,
    CertificateChain,
    CertificateInstallationRes,
    ChargingSchedule,
    ContractCertificateChain,
    DC_CableCheckRes,
    DC_PreChargeRes,
    DC_WeldingDetectionRes,
    Dynamic_SEResControlMode,
    EcdhCurve,
    EvseCheckOutStatus,
    EvseNotification,
    EVSEStatus,
    MessageHeader,
    Parameter,
    ParameterSet,
    PowerSchedule,
    PowerScheduleEntry,
    PowerScheduleEntryList,
    PriceLevelSchedule,
    PriceLevelScheduleEntry,
    PriceLevelScheduleEntryList,
    Processing,
    Scheduled_SEResControlMode,
    ScheduleExchangeRes,
    ScheduleTuple,
    Service,
    ServiceDetailRes,
    ServiceDiscoveryRes,
    ServiceList,
    ServiceParameterList,
    SessionSetupRes,
    SignedInstallationData,
    SubCertificates,
    VehicleCheckOutRes,
)
from firmware.session.codes import AC
from micropython import const

# Every -20 response begins with these two slots (V2GResponseType).
_HEADER = const(0)
_CODE = const(1)


def _header(f):
    h = [None] * MessageHeader.LEN
    h[MessageHeader.SessionID] = f.session.id
    h[MessageHeader.TimeStamp] = f.unix_s
    return h


def terminate(f):
    """EVSEStatus with the wish to end (R-STATUS-02); the delay counts down (R-STATUS-03)."""
    s = [None] * EVSEStatus.LEN
    left_s = f.cfg["terminate_delay_s"] - f.stop_wish_ms // 1000
    s[EVSEStatus.NotificationMaxDelay] = left_s if left_s > 0 else 0
    s[EVSEStatus.EVSENotification] = EvseNotification.Terminate
    f.session.told_to_stop = True
    return s


def plain(f, n, code):
    """A list of n slots with header and code: what every answer begins with."""
    r = [None] * n
    r[_HEADER] = _header(f)
    r[_CODE] = code
    return r


def session_setup(f, r):
    r[SessionSetupRes.EVSEID] = f.cfg["evse_id"]


def authorization_setup(f, r):
    r[AuthorizationSetupRes.AuthorizationServices] = [Authorization.EIM]  # R-AUTH-01, -03
    r[AuthorizationSetupRes.CertificateInstallationService] = False
    r[AuthorizationSetupRes.EIM_ASResAuthorizationMode] = []


def authorization(f, r):
    r[AuthorizationRes.EVSEProcessing] = Processing.Finished


def cable_check(f, r):
    r[DC_CableCheckRes.EVSEProcessing] = Processing.Finished


def precharge(f, r):
    r[DC_PreChargeRes.EVSEPresentVoltage] = rational.from_milli(f.station.mv)


def welding(f, r):
    r[DC_WeldingDetectionRes.EVSEPresentVoltage] = rational.from_milli(f.station.mv)


def check_out(f, r):
    r[VehicleCheckOutRes.EVSECheckOutStatus] = EvseCheckOutStatus.Completed


def certificates(f, r):
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


def schedule_exchange(f, r):
    r[ScheduleExchangeRes.EVSEProcessing] = Processing.Finished
    # Exactly one mode block, also in failures and while Ongoing (R-SCHEDULE-01).
    if f.session.dynamic:
        r[ScheduleExchangeRes.Dynamic_SEResControlMode] = [None] * Dynamic_SEResControlMode.LEN  # R-SCHEDULE-08
    else:
        entry = [None] * PowerScheduleEntry.LEN
        entry[PowerScheduleEntry.Duration] = 86400
        entry[PowerScheduleEntry.Power] = 0
        r[ScheduleExchangeRes.Scheduled_SEResControlMode] = scheduled([tuple_of(f, 1, [entry], None)])


def scheduled(tuples):
    """The mode block of Scheduled control in ScheduleExchangeRes."""
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
    # The smallest schedule that meets [V2G20-2176] and the vehicles that refuse a tuple without one
    # (D-06).
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


def service_list(services):
    """ServiceList of service ids; nothing is sold by name, so FreeService is always false."""
    out = []
    for service in services:
        s = [None] * Service.LEN
        s[Service.ServiceID] = service
        s[Service.FreeService] = False
        out.append(s)
    inner = [None] * ServiceList.LEN
    inner[ServiceList.Service] = out
    return inner


def service_discovery(f, r):
    r[ServiceDiscoveryRes.ServiceRenegotiationSupported] = False  # never (R-SERVICES-03)
    r[ServiceDiscoveryRes.EnergyTransferServiceList] = service_list((1,) if f.session.current == AC else (2,))


def parameter(name, value):
    """A parameter of a service with an integer value."""
    p = [None] * Parameter.LEN
    p[Parameter.Name] = name
    p[Parameter.intValue] = value
    return p


def service_detail(f, r):
    r[ServiceDetailRes.ServiceID] = f.session.service
    r[ServiceDetailRes.ServiceParameterList] = parameter_list([(0, [parameter("ControlMode", 1)])])


def parameter_list(sets):
    """sets: list of (parameter set id, list of parameters)."""
    out = []
    for set_id, parameters in sets:
        s = [None] * ParameterSet.LEN
        s[ParameterSet.ParameterSetID] = set_id
        s[ParameterSet.Parameter] = parameters
        out.append(s)
    inner = [None] * ServiceParameterList.LEN
    inner[ServiceParameterList.ParameterSet] = out
    return inner
