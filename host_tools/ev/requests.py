"""Every request of a car with all mandatory fields, as slot lists: one builder for the simulated
car and for the tests.

    car = Car(soc=40, present_w=3000)
    msg, value = loop(car, AC_BPT, DYNAMIC)      what codec.exi.encode takes

A request is made from the numbers of a car and from what belongs to this request alone. Every
function returns (message id, value).
"""

from codec.rational import from_int, from_milli
from codec.slots import (
    MSG,
    AC_ChargeLoopReq,
    AC_ChargeParameterDiscoveryReq,
    AC_CPDReqEnergyTransferMode,
    AppProtocol,
    Authorization,
    AuthorizationReq,
    AuthorizationSetupReq,
    BPT_AC_CPDReqEnergyTransferMode,
    BPT_DC_CPDReqEnergyTransferMode,
    BPT_Dynamic_AC_CLReqControlMode,
    BPT_Dynamic_DC_CLReqControlMode,
    BPT_Scheduled_AC_CLReqControlMode,
    BPT_Scheduled_DC_CLReqControlMode,
    ChargingSession,
    DC_CableCheckReq,
    DC_ChargeLoopReq,
    DC_ChargeParameterDiscoveryReq,
    DC_CPDReqEnergyTransferMode,
    DC_PreChargeReq,
    DC_WeldingDetectionReq,
    DisplayParameters,
    Dynamic_AC_CLReqControlMode,
    Dynamic_DC_CLReqControlMode,
    Dynamic_SEReqControlMode,
    EVPowerProfile,
    EVPowerProfileEntryList,
    MessageHeader,
    PowerDeliveryReq,
    PowerScheduleEntry,
    Processing,
    Scheduled_AC_CLReqControlMode,
    Scheduled_DC_CLReqControlMode,
    Scheduled_EVPPTControlMode,
    Scheduled_SEReqControlMode,
    ScheduleExchangeReq,
    SelectedService,
    ServiceDetailReq,
    ServiceDiscoveryReq,
    ServiceIDList,
    ServiceSelectionReq,
    SessionSetupReq,
    SessionStopReq,
    supportedAppProtocolReq,
)

# Ids of the energy services.
AC, DC, AC_BPT, DC_BPT = 1, 2, 5, 6
# Control modes, as `dynamic` everywhere.
SCHEDULED, DYNAMIC = False, True


def is_dc(service):
    return service in (DC, DC_BPT)


def is_bpt(service):
    return service in (AC_BPT, DC_BPT)


class Car:
    """What a car says of itself. Power, current and voltage of limits are positive in both
    directions; None is left out where the schema allows it."""

    def __init__(self, **numbers):
        self.session_id = bytes(8)
        self.unix_s = 0
        self.evcc_id = "WMIV1234567890ABCDEX"
        self.max_charge_w = 50_000
        self.max_discharge_w = 20_000
        self.max_charge_ma = 200_000
        self.max_discharge_ma = 100_000
        self.max_mv = 450_000
        self.min_mv = 300_000
        # AC: (L1, L2, L3) in place of the sums; None in them = no such line. L1 is always said.
        self.lines_w = None
        self.least_lines_w = None
        self.out_lines_w = None
        self.departure_s = 7200
        self.target_wh = 10_000  # what it wants to take, can take, and must take; below 0 it may give
        self.most_wh = 20_000
        self.least_wh = -20_000
        self.v2x_wh = None  # Dynamic, BPT: (least, most) in Wh to the window in which it discharges
        self.scheduled_least_wh = None  # least_wh, where Scheduled control may leave it out
        self.least_charge_w = 0  # less than that it cannot take or give
        self.least_discharge_w = 0
        self.soc = None  # percent
        self.min_soc = None
        self.target_soc = None
        self.mv = 400_000  # of the battery
        self.inlet_mv = 0
        self.present_w = 0  # AC: what it takes
        self.wish_ma = 20_000  # DC, Scheduled
        self.wish_mv = None  # None: as far as it may be charged
        self.meter = False  # it wants to see the meter
        self.points = 1024  # entries of a schedule that it can take
        self.set(**numbers)

    def set(self, **numbers):
        for name, value in numbers.items():
            if not hasattr(self, name):
                raise AttributeError(name)
            setattr(self, name, value)


def new(car, slots):
    """A request of that many slots with its header."""
    header = [None] * MessageHeader.LEN
    header[MessageHeader.SessionID] = car.session_id
    header[MessageHeader.TimeStamp] = car.unix_s
    r = [None] * slots
    r[0] = header
    return r


def app_protocol(namespace, priority=1, schema_id=1, major=1, minor=0):
    """An entry for protocol()."""
    p = [None] * AppProtocol.LEN
    p[AppProtocol.ProtocolNamespace] = namespace
    p[AppProtocol.VersionNumberMajor] = major
    p[AppProtocol.VersionNumberMinor] = minor
    p[AppProtocol.SchemaID] = schema_id
    p[AppProtocol.Priority] = priority
    return p


def protocol(entries):
    r = [None] * supportedAppProtocolReq.LEN
    r[supportedAppProtocolReq.AppProtocol] = entries
    return MSG.supportedAppProtocolReq, r


def session_setup(car):
    r = new(car, SessionSetupReq.LEN)
    r[SessionSetupReq.EVCCID] = car.evcc_id
    return MSG.SessionSetupReq, r


def authorization_setup(car):
    return MSG.AuthorizationSetupReq, new(car, AuthorizationSetupReq.LEN)


def authorization(car, service=Authorization.EIM):
    """The block is that of EIM, whatever `service` says."""
    r = new(car, AuthorizationReq.LEN)
    r[AuthorizationReq.SelectedAuthorizationService] = service
    r[AuthorizationReq.EIM_AReqAuthorizationMode] = []
    return MSG.AuthorizationReq, r


def service_discovery(car, ids=None):
    """ids: services that the car supports; None: it does not say."""
    r = new(car, ServiceDiscoveryReq.LEN)
    if ids:
        supported = [None] * ServiceIDList.LEN
        supported[ServiceIDList.ServiceID] = ids
        r[ServiceDiscoveryReq.SupportedServiceIDs] = supported
    return MSG.ServiceDiscoveryReq, r


def service_detail(car, service):
    r = new(car, ServiceDetailReq.LEN)
    r[ServiceDetailReq.ServiceID] = service
    return MSG.ServiceDetailReq, r


def service_selection(car, service, set_id):
    s = [None] * SelectedService.LEN
    s[SelectedService.ServiceID] = service
    s[SelectedService.ParameterSetID] = set_id
    r = new(car, ServiceSelectionReq.LEN)
    r[ServiceSelectionReq.SelectedEnergyTransferService] = s
    return MSG.ServiceSelectionReq, r


def parameters(car, service):
    """ChargeParameterDiscovery."""
    return (_dc_parameters if is_dc(service) else _ac_parameters)(car, is_bpt(service))


def _lines(block, at, w, lines_w):
    """A power of AC into its three slots: the sum, or line by line."""
    for i, line_w in enumerate(lines_w or (w, None, None)):
        block[at + i] = None if line_w is None else from_int(line_w)


def _ac_parameters(car, bpt):
    b = [None] * (BPT_AC_CPDReqEnergyTransferMode.LEN if bpt else AC_CPDReqEnergyTransferMode.LEN)
    _lines(b, AC_CPDReqEnergyTransferMode.EVMaximumChargePower, car.max_charge_w, car.lines_w)
    _lines(b, AC_CPDReqEnergyTransferMode.EVMinimumChargePower, car.least_charge_w, car.least_lines_w)
    r = new(car, AC_ChargeParameterDiscoveryReq.LEN)
    if bpt:
        _lines(b, BPT_AC_CPDReqEnergyTransferMode.EVMaximumDischargePower, car.max_discharge_w, car.out_lines_w)
        b[BPT_AC_CPDReqEnergyTransferMode.EVMinimumDischargePower] = from_int(car.least_discharge_w)
        r[AC_ChargeParameterDiscoveryReq.BPT_AC_CPDReqEnergyTransferMode] = b
    else:
        r[AC_ChargeParameterDiscoveryReq.AC_CPDReqEnergyTransferMode] = b
    return MSG.AC_ChargeParameterDiscoveryReq, r


def _dc_parameters(car, bpt):
    b = [None] * (BPT_DC_CPDReqEnergyTransferMode.LEN if bpt else DC_CPDReqEnergyTransferMode.LEN)
    b[DC_CPDReqEnergyTransferMode.EVMaximumChargePower] = from_int(car.max_charge_w)
    b[DC_CPDReqEnergyTransferMode.EVMinimumChargePower] = from_int(car.least_charge_w)
    b[DC_CPDReqEnergyTransferMode.EVMaximumChargeCurrent] = from_milli(car.max_charge_ma)
    b[DC_CPDReqEnergyTransferMode.EVMinimumChargeCurrent] = from_int(0)
    b[DC_CPDReqEnergyTransferMode.EVMaximumVoltage] = from_milli(car.max_mv)
    b[DC_CPDReqEnergyTransferMode.EVMinimumVoltage] = from_milli(car.min_mv)
    b[DC_CPDReqEnergyTransferMode.TargetSOC] = car.target_soc
    r = new(car, DC_ChargeParameterDiscoveryReq.LEN)
    if bpt:
        b[BPT_DC_CPDReqEnergyTransferMode.EVMaximumDischargePower] = from_int(car.max_discharge_w)
        b[BPT_DC_CPDReqEnergyTransferMode.EVMinimumDischargePower] = from_int(car.least_discharge_w)
        b[BPT_DC_CPDReqEnergyTransferMode.EVMaximumDischargeCurrent] = from_milli(car.max_discharge_ma)
        b[BPT_DC_CPDReqEnergyTransferMode.EVMinimumDischargeCurrent] = from_int(0)
        r[DC_ChargeParameterDiscoveryReq.BPT_DC_CPDReqEnergyTransferMode] = b
    else:
        r[DC_ChargeParameterDiscoveryReq.DC_CPDReqEnergyTransferMode] = b
    return MSG.DC_ChargeParameterDiscoveryReq, r


def schedule_exchange(car, dynamic):
    r = new(car, ScheduleExchangeReq.LEN)
    r[ScheduleExchangeReq.MaximumSupportingPoints] = car.points
    if dynamic:
        b = [None] * Dynamic_SEReqControlMode.LEN
        b[Dynamic_SEReqControlMode.DepartureTime] = car.departure_s
        b[Dynamic_SEReqControlMode.MinimumSOC] = car.min_soc
        b[Dynamic_SEReqControlMode.TargetSOC] = car.target_soc
        b[Dynamic_SEReqControlMode.EVTargetEnergyRequest] = from_int(car.target_wh)
        b[Dynamic_SEReqControlMode.EVMaximumEnergyRequest] = from_int(car.most_wh)
        b[Dynamic_SEReqControlMode.EVMinimumEnergyRequest] = from_int(car.least_wh)
        r[ScheduleExchangeReq.Dynamic_SEReqControlMode] = b
    else:
        b = [None] * Scheduled_SEReqControlMode.LEN
        b[Scheduled_SEReqControlMode.DepartureTime] = car.departure_s
        b[Scheduled_SEReqControlMode.EVTargetEnergyRequest] = from_int(car.target_wh)
        r[ScheduleExchangeReq.Scheduled_SEReqControlMode] = b
    return MSG.ScheduleExchangeReq, r


def cable_check(car):
    return MSG.DC_CableCheckReq, new(car, DC_CableCheckReq.LEN)


def precharge(car, processing):
    r = new(car, DC_PreChargeReq.LEN)
    r[DC_PreChargeReq.EVProcessing] = processing
    r[DC_PreChargeReq.EVPresentVoltage] = from_milli(car.inlet_mv)
    r[DC_PreChargeReq.EVTargetVoltage] = from_milli(car.mv)
    return MSG.DC_PreChargeReq, r


def profile(car, w, tuple_id=None):
    """EVPowerProfile of one hour at w; tuple_id: of the schedule that the car takes, None in
    Dynamic control."""
    entry = [None] * PowerScheduleEntry.LEN
    entry[PowerScheduleEntry.Duration] = 3600
    entry[PowerScheduleEntry.Power] = from_int(w)
    entries = [None] * EVPowerProfileEntryList.LEN
    entries[EVPowerProfileEntryList.EVPowerProfileEntry] = [entry]
    p = [None] * EVPowerProfile.LEN
    p[EVPowerProfile.TimeAnchor] = car.unix_s
    p[EVPowerProfile.EVPowerProfileEntries] = entries
    if tuple_id is None:
        p[EVPowerProfile.Dynamic_EVPPTControlMode] = []
    else:
        m = [None] * Scheduled_EVPPTControlMode.LEN
        m[Scheduled_EVPPTControlMode.SelectedScheduleTupleID] = tuple_id
        p[EVPowerProfile.Scheduled_EVPPTControlMode] = m
    return p


def power_delivery(car, progress, processing=Processing.Finished, plan=None, channel=None):
    """plan: of profile(). channel: BPT_ChannelSelection."""
    r = new(car, PowerDeliveryReq.LEN)
    r[PowerDeliveryReq.EVProcessing] = processing
    r[PowerDeliveryReq.ChargeProgress] = progress
    r[PowerDeliveryReq.EVPowerProfile] = plan
    r[PowerDeliveryReq.BPT_ChannelSelection] = channel
    return MSG.PowerDeliveryReq, r


def loop(car, service, dynamic):
    """ChargeLoop."""
    return (_dc_loop if is_dc(service) else _ac_loop)(car, is_bpt(service), dynamic)


def _display(car):
    if car.soc is None:
        return None
    d = [None] * DisplayParameters.LEN
    d[DisplayParameters.PresentSOC] = car.soc
    d[DisplayParameters.MinimumSOC] = car.min_soc
    d[DisplayParameters.TargetSOC] = car.target_soc
    if car.target_soc is not None:
        d[DisplayParameters.ChargingComplete] = car.soc >= car.target_soc
    return d


def _dynamic(car, block):
    """The first fields of every Dynamic block: the AC and DC types share their base type."""
    block[Dynamic_DC_CLReqControlMode.DepartureTime] = car.departure_s
    block[Dynamic_DC_CLReqControlMode.EVTargetEnergyRequest] = from_int(car.target_wh)
    block[Dynamic_DC_CLReqControlMode.EVMaximumEnergyRequest] = from_int(car.most_wh)
    block[Dynamic_DC_CLReqControlMode.EVMinimumEnergyRequest] = from_int(car.least_wh)
    return block


def _v2x(car, at):
    return None if car.v2x_wh is None else from_int(car.v2x_wh[at])


def _ac_loop(car, bpt, dynamic):
    r = new(car, AC_ChargeLoopReq.LEN)
    r[AC_ChargeLoopReq.DisplayParameters] = _display(car)
    r[AC_ChargeLoopReq.MeterInfoRequested] = car.meter
    if dynamic:
        b = _dynamic(car, [None] * (BPT_Dynamic_AC_CLReqControlMode.LEN if bpt else Dynamic_AC_CLReqControlMode.LEN))
        _lines(b, Dynamic_AC_CLReqControlMode.EVMaximumChargePower, car.max_charge_w, car.lines_w)
        _lines(b, Dynamic_AC_CLReqControlMode.EVMinimumChargePower, car.least_charge_w, car.least_lines_w)
        b[Dynamic_AC_CLReqControlMode.EVPresentActivePower] = from_int(car.present_w)
        b[Dynamic_AC_CLReqControlMode.EVPresentReactivePower] = from_int(0)
        if bpt:
            _lines(b, BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower, car.max_discharge_w, car.out_lines_w)
            b[BPT_Dynamic_AC_CLReqControlMode.EVMinimumDischargePower] = from_int(car.least_discharge_w)
            b[BPT_Dynamic_AC_CLReqControlMode.EVMinimumV2XEnergyRequest] = _v2x(car, 0)
            b[BPT_Dynamic_AC_CLReqControlMode.EVMaximumV2XEnergyRequest] = _v2x(car, 1)
            r[AC_ChargeLoopReq.BPT_Dynamic_AC_CLReqControlMode] = b
        else:
            r[AC_ChargeLoopReq.Dynamic_AC_CLReqControlMode] = b
        return MSG.AC_ChargeLoopReq, r
    b = [None] * (BPT_Scheduled_AC_CLReqControlMode.LEN if bpt else Scheduled_AC_CLReqControlMode.LEN)
    b[Scheduled_AC_CLReqControlMode.EVPresentActivePower] = from_int(car.present_w)
    if car.scheduled_least_wh is not None:
        b[Scheduled_AC_CLReqControlMode.EVMinimumEnergyRequest] = from_int(car.scheduled_least_wh)
    if bpt:
        r[AC_ChargeLoopReq.BPT_Scheduled_AC_CLReqControlMode] = b
    else:
        r[AC_ChargeLoopReq.Scheduled_AC_CLReqControlMode] = b
    return MSG.AC_ChargeLoopReq, r


def _dc_loop(car, bpt, dynamic):
    r = new(car, DC_ChargeLoopReq.LEN)
    r[DC_ChargeLoopReq.DisplayParameters] = _display(car)
    r[DC_ChargeLoopReq.MeterInfoRequested] = car.meter
    r[DC_ChargeLoopReq.EVPresentVoltage] = from_milli(car.mv)
    if dynamic:
        b = _dynamic(car, [None] * (BPT_Dynamic_DC_CLReqControlMode.LEN if bpt else Dynamic_DC_CLReqControlMode.LEN))
        b[Dynamic_DC_CLReqControlMode.EVMaximumChargePower] = from_int(car.max_charge_w)
        b[Dynamic_DC_CLReqControlMode.EVMinimumChargePower] = from_int(car.least_charge_w)
        b[Dynamic_DC_CLReqControlMode.EVMaximumChargeCurrent] = from_milli(car.max_charge_ma)
        b[Dynamic_DC_CLReqControlMode.EVMaximumVoltage] = from_milli(car.max_mv)
        b[Dynamic_DC_CLReqControlMode.EVMinimumVoltage] = from_milli(car.min_mv)
        if bpt:
            b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargePower] = from_int(car.max_discharge_w)
            b[BPT_Dynamic_DC_CLReqControlMode.EVMinimumDischargePower] = from_int(car.least_discharge_w)
            b[BPT_Dynamic_DC_CLReqControlMode.EVMinimumV2XEnergyRequest] = _v2x(car, 0)
            b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumV2XEnergyRequest] = _v2x(car, 1)
            b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargeCurrent] = from_milli(car.max_discharge_ma)
            r[DC_ChargeLoopReq.BPT_Dynamic_DC_CLReqControlMode] = b
        else:
            r[DC_ChargeLoopReq.Dynamic_DC_CLReqControlMode] = b
        return MSG.DC_ChargeLoopReq, r
    b = [None] * (BPT_Scheduled_DC_CLReqControlMode.LEN if bpt else Scheduled_DC_CLReqControlMode.LEN)
    if car.scheduled_least_wh is not None:
        b[Scheduled_DC_CLReqControlMode.EVMinimumEnergyRequest] = from_int(car.scheduled_least_wh)
    b[Scheduled_DC_CLReqControlMode.EVTargetCurrent] = from_milli(car.wish_ma)
    b[Scheduled_DC_CLReqControlMode.EVTargetVoltage] = from_milli(car.max_mv if car.wish_mv is None else car.wish_mv)
    if bpt:
        r[DC_ChargeLoopReq.BPT_Scheduled_DC_CLReqControlMode] = b
    else:
        r[DC_ChargeLoopReq.Scheduled_DC_CLReqControlMode] = b
    return MSG.DC_ChargeLoopReq, r


def welding_detection(car, processing):
    r = new(car, DC_WeldingDetectionReq.LEN)
    r[DC_WeldingDetectionReq.EVProcessing] = processing
    return MSG.DC_WeldingDetectionReq, r


def session_stop(car, kind=ChargingSession.Terminate):
    r = new(car, SessionStopReq.LEN)
    r[SessionStopReq.ChargingSession] = kind
    return MSG.SessionStopReq, r
