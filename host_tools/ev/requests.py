"""Every request of the simulated car, with all mandatory fields, as slot lists. `ev` is the machine of evcc.py."""

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
    ChannelSelection,
    ChargeProgress,
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
    ServiceSelectionReq,
    SessionSetupReq,
    SessionStopReq,
    supportedAppProtocolReq,
)


def _new(ev, n):
    header = [None] * MessageHeader.LEN
    header[MessageHeader.SessionID] = ev.session_id
    header[MessageHeader.TimeStamp] = ev.wall()
    r = [None] * n
    r[0] = header
    return r


def protocol(ev):
    entries = []
    for i, namespace in enumerate(ev.namespaces):
        p = [None] * AppProtocol.LEN
        p[AppProtocol.ProtocolNamespace] = namespace
        p[AppProtocol.VersionNumberMajor] = 1
        p[AppProtocol.VersionNumberMinor] = 0
        p[AppProtocol.SchemaID] = i + 1
        p[AppProtocol.Priority] = i + 1
        entries.append(p)
    r = [None] * supportedAppProtocolReq.LEN
    r[supportedAppProtocolReq.AppProtocol] = entries
    return MSG.supportedAppProtocolReq, r


def session_setup(ev):
    r = _new(ev, SessionSetupReq.LEN)
    r[SessionSetupReq.EVCCID] = ev.cfg["evcc_id"]
    return MSG.SessionSetupReq, r


def authorization_setup(ev):
    return MSG.AuthorizationSetupReq, _new(ev, AuthorizationSetupReq.LEN)


def authorization(ev):
    r = _new(ev, AuthorizationReq.LEN)
    r[AuthorizationReq.SelectedAuthorizationService] = Authorization.EIM
    r[AuthorizationReq.EIM_AReqAuthorizationMode] = []
    return MSG.AuthorizationReq, r


def service_discovery(ev):
    return MSG.ServiceDiscoveryReq, _new(ev, ServiceDiscoveryReq.LEN)


def service_detail(ev):
    r = _new(ev, ServiceDetailReq.LEN)
    r[ServiceDetailReq.ServiceID] = ev.service
    return MSG.ServiceDetailReq, r


def service_selection(ev):
    s = [None] * SelectedService.LEN
    s[SelectedService.ServiceID] = ev.service
    s[SelectedService.ParameterSetID] = ev.set_id
    r = _new(ev, ServiceSelectionReq.LEN)
    r[ServiceSelectionReq.SelectedEnergyTransferService] = s
    return MSG.ServiceSelectionReq, r


def parameters(ev):
    return _dc_parameters(ev) if ev.dc else _ac_parameters(ev)


def _ac_parameters(ev):
    cfg = ev.cfg
    b = [None] * (BPT_AC_CPDReqEnergyTransferMode.LEN if ev.bpt else AC_CPDReqEnergyTransferMode.LEN)
    b[AC_CPDReqEnergyTransferMode.EVMaximumChargePower] = from_int(cfg["max_charge_w"])
    b[AC_CPDReqEnergyTransferMode.EVMinimumChargePower] = from_int(0)
    r = _new(ev, AC_ChargeParameterDiscoveryReq.LEN)
    if ev.bpt:
        b[BPT_AC_CPDReqEnergyTransferMode.EVMaximumDischargePower] = from_int(cfg["max_discharge_w"])
        b[BPT_AC_CPDReqEnergyTransferMode.EVMinimumDischargePower] = from_int(0)
        r[AC_ChargeParameterDiscoveryReq.BPT_AC_CPDReqEnergyTransferMode] = b
    else:
        r[AC_ChargeParameterDiscoveryReq.AC_CPDReqEnergyTransferMode] = b
    return MSG.AC_ChargeParameterDiscoveryReq, r


def _dc_parameters(ev):
    cfg = ev.cfg
    b = [None] * (BPT_DC_CPDReqEnergyTransferMode.LEN if ev.bpt else DC_CPDReqEnergyTransferMode.LEN)
    b[DC_CPDReqEnergyTransferMode.EVMaximumChargePower] = from_int(cfg["max_charge_w"])
    b[DC_CPDReqEnergyTransferMode.EVMinimumChargePower] = from_int(0)
    b[DC_CPDReqEnergyTransferMode.EVMaximumChargeCurrent] = from_milli(cfg["max_charge_ma"])
    b[DC_CPDReqEnergyTransferMode.EVMinimumChargeCurrent] = from_int(0)
    b[DC_CPDReqEnergyTransferMode.EVMaximumVoltage] = from_milli(cfg["max_mv"])
    b[DC_CPDReqEnergyTransferMode.EVMinimumVoltage] = from_milli(cfg["min_mv"])
    b[DC_CPDReqEnergyTransferMode.TargetSOC] = cfg["target_soc"]
    r = _new(ev, DC_ChargeParameterDiscoveryReq.LEN)
    if ev.bpt:
        b[BPT_DC_CPDReqEnergyTransferMode.EVMaximumDischargePower] = from_int(cfg["max_discharge_w"])
        b[BPT_DC_CPDReqEnergyTransferMode.EVMinimumDischargePower] = from_int(0)
        b[BPT_DC_CPDReqEnergyTransferMode.EVMaximumDischargeCurrent] = from_milli(cfg["max_discharge_ma"])
        b[BPT_DC_CPDReqEnergyTransferMode.EVMinimumDischargeCurrent] = from_int(0)
        r[DC_ChargeParameterDiscoveryReq.BPT_DC_CPDReqEnergyTransferMode] = b
    else:
        r[DC_ChargeParameterDiscoveryReq.DC_CPDReqEnergyTransferMode] = b
    return MSG.DC_ChargeParameterDiscoveryReq, r


def _energies(ev):
    """(target, maximum, minimum) energy request in Wh; the minimum is negative above the car's own floor."""
    battery = ev.battery
    return battery.wh_to(ev.cfg["target_soc"]), battery.wh_to(100), battery.wh_to(ev.cfg["min_soc"])


def schedule_exchange(ev):
    r = _new(ev, ScheduleExchangeReq.LEN)
    r[ScheduleExchangeReq.MaximumSupportingPoints] = 1024
    target, most, least = _energies(ev)
    if ev.dynamic:
        b = [None] * Dynamic_SEReqControlMode.LEN
        b[Dynamic_SEReqControlMode.DepartureTime] = ev.cfg["departure_s"]
        b[Dynamic_SEReqControlMode.MinimumSOC] = ev.cfg["min_soc"]
        b[Dynamic_SEReqControlMode.TargetSOC] = ev.cfg["target_soc"]
        b[Dynamic_SEReqControlMode.EVTargetEnergyRequest] = from_int(target)
        b[Dynamic_SEReqControlMode.EVMaximumEnergyRequest] = from_int(most)
        b[Dynamic_SEReqControlMode.EVMinimumEnergyRequest] = from_int(least)
        r[ScheduleExchangeReq.Dynamic_SEReqControlMode] = b
    else:
        b = [None] * Scheduled_SEReqControlMode.LEN
        b[Scheduled_SEReqControlMode.DepartureTime] = ev.cfg["departure_s"]
        b[Scheduled_SEReqControlMode.EVTargetEnergyRequest] = from_int(target)
        r[ScheduleExchangeReq.Scheduled_SEReqControlMode] = b
    return MSG.ScheduleExchangeReq, r


def cable_check(ev):
    return MSG.DC_CableCheckReq, _new(ev, DC_CableCheckReq.LEN)


def precharge(ev):
    r = _new(ev, DC_PreChargeReq.LEN)
    r[DC_PreChargeReq.EVProcessing] = Processing.Finished if ev.precharged else Processing.Ongoing
    r[DC_PreChargeReq.EVPresentVoltage] = from_milli(ev.inlet_mv)
    r[DC_PreChargeReq.EVTargetVoltage] = from_milli(ev.battery.mv)
    return MSG.DC_PreChargeReq, r


def power_start(ev):
    r = _new(ev, PowerDeliveryReq.LEN)
    r[PowerDeliveryReq.EVProcessing] = Processing.Finished
    r[PowerDeliveryReq.ChargeProgress] = ChargeProgress.Start
    entry = [None] * PowerScheduleEntry.LEN
    entry[PowerScheduleEntry.Duration] = 3600
    entry[PowerScheduleEntry.Power] = from_int(min(ev.offered_w, ev.cfg["max_charge_w"]))
    entries = [None] * EVPowerProfileEntryList.LEN
    entries[EVPowerProfileEntryList.EVPowerProfileEntry] = [entry]
    p = [None] * EVPowerProfile.LEN
    p[EVPowerProfile.TimeAnchor] = ev.wall()
    p[EVPowerProfile.EVPowerProfileEntries] = entries
    if ev.dynamic:
        p[EVPowerProfile.Dynamic_EVPPTControlMode] = []
    else:
        m = [None] * Scheduled_EVPPTControlMode.LEN
        m[Scheduled_EVPPTControlMode.SelectedScheduleTupleID] = ev.tuple_id
        p[EVPowerProfile.Scheduled_EVPPTControlMode] = m
    r[PowerDeliveryReq.EVPowerProfile] = p
    if ev.bpt:
        r[PowerDeliveryReq.BPT_ChannelSelection] = ChannelSelection.Charge
    return MSG.PowerDeliveryReq, r


def power_stop(ev):
    r = _new(ev, PowerDeliveryReq.LEN)
    r[PowerDeliveryReq.EVProcessing] = Processing.Finished
    r[PowerDeliveryReq.ChargeProgress] = ChargeProgress.Stop
    return MSG.PowerDeliveryReq, r


def _display(ev):
    d = [None] * DisplayParameters.LEN
    d[DisplayParameters.PresentSOC] = ev.battery.soc
    d[DisplayParameters.MinimumSOC] = ev.cfg["min_soc"]
    d[DisplayParameters.TargetSOC] = ev.cfg["target_soc"]
    d[DisplayParameters.ChargingComplete] = ev.battery.soc >= ev.cfg["target_soc"]
    return d


def loop(ev):
    return _dc_loop(ev) if ev.dc else _ac_loop(ev)


def _dynamic(ev, block):
    """The first fields of every Dynamic block: the AC and DC types share their base type."""
    target, most, least = _energies(ev)
    block[Dynamic_DC_CLReqControlMode.DepartureTime] = ev.cfg["departure_s"]
    block[Dynamic_DC_CLReqControlMode.EVTargetEnergyRequest] = from_int(target)
    block[Dynamic_DC_CLReqControlMode.EVMaximumEnergyRequest] = from_int(most)
    block[Dynamic_DC_CLReqControlMode.EVMinimumEnergyRequest] = from_int(least)


def _ac_loop(ev):
    r = _new(ev, AC_ChargeLoopReq.LEN)
    r[AC_ChargeLoopReq.DisplayParameters] = _display(ev)
    r[AC_ChargeLoopReq.MeterInfoRequested] = ev.meter_wanted
    if ev.loop_dynamic:
        b = [None] * (BPT_Dynamic_AC_CLReqControlMode.LEN if ev.bpt else Dynamic_AC_CLReqControlMode.LEN)
        _dynamic(ev, b)
        b[Dynamic_AC_CLReqControlMode.EVMaximumChargePower] = from_int(ev.charge_w)
        b[Dynamic_AC_CLReqControlMode.EVMinimumChargePower] = from_int(0)
        b[Dynamic_AC_CLReqControlMode.EVPresentActivePower] = from_int(ev.present_w)
        b[Dynamic_AC_CLReqControlMode.EVPresentReactivePower] = from_int(0)
        if ev.bpt:
            b[BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower] = from_int(ev.discharge_w)
            b[BPT_Dynamic_AC_CLReqControlMode.EVMinimumDischargePower] = from_int(0)
            r[AC_ChargeLoopReq.BPT_Dynamic_AC_CLReqControlMode] = b
        else:
            r[AC_ChargeLoopReq.Dynamic_AC_CLReqControlMode] = b
        return MSG.AC_ChargeLoopReq, r
    b = [None] * (BPT_Scheduled_AC_CLReqControlMode.LEN if ev.bpt else Scheduled_AC_CLReqControlMode.LEN)
    b[Scheduled_AC_CLReqControlMode.EVPresentActivePower] = from_int(ev.present_w)
    if ev.bpt:
        r[AC_ChargeLoopReq.BPT_Scheduled_AC_CLReqControlMode] = b
    else:
        r[AC_ChargeLoopReq.Scheduled_AC_CLReqControlMode] = b
    return MSG.AC_ChargeLoopReq, r


def _dc_loop(ev):
    cfg = ev.cfg
    r = _new(ev, DC_ChargeLoopReq.LEN)
    r[DC_ChargeLoopReq.DisplayParameters] = _display(ev)
    r[DC_ChargeLoopReq.MeterInfoRequested] = ev.meter_wanted
    r[DC_ChargeLoopReq.EVPresentVoltage] = from_milli(ev.battery.mv)
    if ev.loop_dynamic:
        b = [None] * (BPT_Dynamic_DC_CLReqControlMode.LEN if ev.bpt else Dynamic_DC_CLReqControlMode.LEN)
        _dynamic(ev, b)
        b[Dynamic_DC_CLReqControlMode.EVMaximumChargePower] = from_int(ev.charge_w)
        b[Dynamic_DC_CLReqControlMode.EVMinimumChargePower] = from_int(0)
        b[Dynamic_DC_CLReqControlMode.EVMaximumChargeCurrent] = from_milli(cfg["max_charge_ma"])
        b[Dynamic_DC_CLReqControlMode.EVMaximumVoltage] = from_milli(cfg["max_mv"])
        b[Dynamic_DC_CLReqControlMode.EVMinimumVoltage] = from_milli(cfg["min_mv"])
        if ev.bpt:
            b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargePower] = from_int(ev.discharge_w)
            b[BPT_Dynamic_DC_CLReqControlMode.EVMinimumDischargePower] = from_int(0)
            b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargeCurrent] = from_milli(cfg["max_discharge_ma"])
            r[DC_ChargeLoopReq.BPT_Dynamic_DC_CLReqControlMode] = b
        else:
            r[DC_ChargeLoopReq.Dynamic_DC_CLReqControlMode] = b
        return MSG.DC_ChargeLoopReq, r
    b = [None] * (BPT_Scheduled_DC_CLReqControlMode.LEN if ev.bpt else Scheduled_DC_CLReqControlMode.LEN)
    b[Scheduled_DC_CLReqControlMode.EVTargetCurrent] = from_milli(ev.wish_ma)
    b[Scheduled_DC_CLReqControlMode.EVTargetVoltage] = from_milli(ev.battery.mv)
    if ev.bpt:
        r[DC_ChargeLoopReq.BPT_Scheduled_DC_CLReqControlMode] = b
    else:
        r[DC_ChargeLoopReq.Scheduled_DC_CLReqControlMode] = b
    return MSG.DC_ChargeLoopReq, r


def welding_detection(ev):
    r = _new(ev, DC_WeldingDetectionReq.LEN)
    r[DC_WeldingDetectionReq.EVProcessing] = Processing.Finished if ev.welding_done else Processing.Ongoing
    return MSG.DC_WeldingDetectionReq, r


def session_stop(ev):
    r = _new(ev, SessionStopReq.LEN)
    r[SessionStopReq.ChargingSession] = ChargingSession.Pause if ev.pausing else ChargingSession.Terminate
    return MSG.SessionStopReq, r
