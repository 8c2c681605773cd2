"""Every request of the simulated car, with all mandatory fields, as slot lists. `ev` is the machine of evcc.py."""

from codec.rational import from_int, from_milli
from micropython import const

# slots: begin (make gen)
_AC_CPDReqEnergyTransferMode__EVMaximumChargePower = const(0)
_AC_CPDReqEnergyTransferMode__EVMinimumChargePower = const(3)
_AC_ChargeLoopReq__BPT_Dynamic_AC_CLReqControlMode = const(3)
_AC_ChargeLoopReq__BPT_Scheduled_AC_CLReqControlMode = const(4)
_AC_ChargeLoopReq__DisplayParameters = const(1)
_AC_ChargeLoopReq__Dynamic_AC_CLReqControlMode = const(6)
_AC_ChargeLoopReq__MeterInfoRequested = const(2)
_AC_ChargeLoopReq__Scheduled_AC_CLReqControlMode = const(7)
_AC_ChargeParameterDiscoveryReq__AC_CPDReqEnergyTransferMode = const(1)
_AC_ChargeParameterDiscoveryReq__BPT_AC_CPDReqEnergyTransferMode = const(2)
_AppProtocol__Priority = const(4)
_AppProtocol__ProtocolNamespace = const(0)
_AppProtocol__SchemaID = const(3)
_AppProtocol__VersionNumberMajor = const(1)
_AppProtocol__VersionNumberMinor = const(2)
_AuthorizationReq__EIM_AReqAuthorizationMode = const(2)
_AuthorizationReq__SelectedAuthorizationService = const(1)
_BPT_AC_CPDReqEnergyTransferMode__EVMaximumDischargePower = const(6)
_BPT_AC_CPDReqEnergyTransferMode__EVMinimumDischargePower = const(9)
_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargeCurrent = const(9)
_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargePower = const(7)
_BPT_DC_CPDReqEnergyTransferMode__EVMinimumDischargeCurrent = const(10)
_BPT_DC_CPDReqEnergyTransferMode__EVMinimumDischargePower = const(8)
_BPT_Dynamic_AC_CLReqControlMode__EVMaximumDischargePower = const(16)
_BPT_Dynamic_AC_CLReqControlMode__EVMinimumDischargePower = const(19)
_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargeCurrent = const(11)
_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargePower = const(9)
_BPT_Dynamic_DC_CLReqControlMode__EVMinimumDischargePower = const(10)
_DC_CPDReqEnergyTransferMode__EVMaximumChargeCurrent = const(2)
_DC_CPDReqEnergyTransferMode__EVMaximumChargePower = const(0)
_DC_CPDReqEnergyTransferMode__EVMaximumVoltage = const(4)
_DC_CPDReqEnergyTransferMode__EVMinimumChargeCurrent = const(3)
_DC_CPDReqEnergyTransferMode__EVMinimumChargePower = const(1)
_DC_CPDReqEnergyTransferMode__EVMinimumVoltage = const(5)
_DC_CPDReqEnergyTransferMode__TargetSOC = const(6)
_DC_ChargeLoopReq__BPT_Dynamic_DC_CLReqControlMode = const(4)
_DC_ChargeLoopReq__BPT_Scheduled_DC_CLReqControlMode = const(5)
_DC_ChargeLoopReq__DisplayParameters = const(1)
_DC_ChargeLoopReq__Dynamic_DC_CLReqControlMode = const(7)
_DC_ChargeLoopReq__EVPresentVoltage = const(3)
_DC_ChargeLoopReq__MeterInfoRequested = const(2)
_DC_ChargeLoopReq__Scheduled_DC_CLReqControlMode = const(8)
_DC_ChargeParameterDiscoveryReq__BPT_DC_CPDReqEnergyTransferMode = const(1)
_DC_ChargeParameterDiscoveryReq__DC_CPDReqEnergyTransferMode = const(2)
_DC_PreChargeReq__EVPresentVoltage = const(2)
_DC_PreChargeReq__EVProcessing = const(1)
_DC_PreChargeReq__EVTargetVoltage = const(3)
_DC_WeldingDetectionReq__EVProcessing = const(1)
_DisplayParameters__ChargingComplete = const(7)
_DisplayParameters__MinimumSOC = const(1)
_DisplayParameters__PresentSOC = const(0)
_DisplayParameters__TargetSOC = const(2)
_Dynamic_AC_CLReqControlMode__EVMaximumChargePower = const(4)
_Dynamic_AC_CLReqControlMode__EVMinimumChargePower = const(7)
_Dynamic_AC_CLReqControlMode__EVPresentActivePower = const(10)
_Dynamic_AC_CLReqControlMode__EVPresentReactivePower = const(13)
_Dynamic_DC_CLReqControlMode__DepartureTime = const(0)
_Dynamic_DC_CLReqControlMode__EVMaximumChargeCurrent = const(6)
_Dynamic_DC_CLReqControlMode__EVMaximumChargePower = const(4)
_Dynamic_DC_CLReqControlMode__EVMaximumEnergyRequest = const(2)
_Dynamic_DC_CLReqControlMode__EVMaximumVoltage = const(7)
_Dynamic_DC_CLReqControlMode__EVMinimumChargePower = const(5)
_Dynamic_DC_CLReqControlMode__EVMinimumEnergyRequest = const(3)
_Dynamic_DC_CLReqControlMode__EVMinimumVoltage = const(8)
_Dynamic_DC_CLReqControlMode__EVTargetEnergyRequest = const(1)
_Dynamic_SEReqControlMode__DepartureTime = const(0)
_Dynamic_SEReqControlMode__EVMaximumEnergyRequest = const(4)
_Dynamic_SEReqControlMode__EVMinimumEnergyRequest = const(5)
_Dynamic_SEReqControlMode__EVTargetEnergyRequest = const(3)
_Dynamic_SEReqControlMode__MinimumSOC = const(1)
_Dynamic_SEReqControlMode__TargetSOC = const(2)
_EVPowerProfileEntryList__EVPowerProfileEntry = const(0)
_EVPowerProfile__Dynamic_EVPPTControlMode = const(1)
_EVPowerProfile__EVPowerProfileEntries = const(3)
_EVPowerProfile__Scheduled_EVPPTControlMode = const(2)
_EVPowerProfile__TimeAnchor = const(0)
_LEN_AC_CPDReqEnergyTransferMode = const(6)
_LEN_AC_ChargeLoopReq = const(8)
_LEN_AC_ChargeParameterDiscoveryReq = const(3)
_LEN_AppProtocol = const(5)
_LEN_AuthorizationReq = const(4)
_LEN_AuthorizationSetupReq = const(1)
_LEN_BPT_AC_CPDReqEnergyTransferMode = const(12)
_LEN_BPT_DC_CPDReqEnergyTransferMode = const(11)
_LEN_BPT_Dynamic_AC_CLReqControlMode = const(24)
_LEN_BPT_Dynamic_DC_CLReqControlMode = const(14)
_LEN_BPT_Scheduled_AC_CLReqControlMode = const(21)
_LEN_BPT_Scheduled_DC_CLReqControlMode = const(13)
_LEN_DC_CPDReqEnergyTransferMode = const(7)
_LEN_DC_CableCheckReq = const(1)
_LEN_DC_ChargeLoopReq = const(9)
_LEN_DC_ChargeParameterDiscoveryReq = const(3)
_LEN_DC_PreChargeReq = const(4)
_LEN_DC_WeldingDetectionReq = const(2)
_LEN_DisplayParameters = const(10)
_LEN_Dynamic_AC_CLReqControlMode = const(16)
_LEN_Dynamic_DC_CLReqControlMode = const(9)
_LEN_Dynamic_SEReqControlMode = const(8)
_LEN_EVPowerProfile = const(4)
_LEN_EVPowerProfileEntryList = const(1)
_LEN_MessageHeader = const(3)
_LEN_PowerDeliveryReq = const(5)
_LEN_PowerScheduleEntry = const(4)
_LEN_ScheduleExchangeReq = const(4)
_LEN_Scheduled_AC_CLReqControlMode = const(15)
_LEN_Scheduled_DC_CLReqControlMode = const(10)
_LEN_Scheduled_EVPPTControlMode = const(2)
_LEN_Scheduled_SEReqControlMode = const(5)
_LEN_SelectedService = const(2)
_LEN_ServiceDetailReq = const(2)
_LEN_ServiceDiscoveryReq = const(2)
_LEN_ServiceSelectionReq = const(3)
_LEN_SessionSetupReq = const(2)
_LEN_SessionStopReq = const(4)
_LEN_supportedAppProtocolReq = const(1)
_MSG_AC_ChargeLoopReq = const(59)
_MSG_AC_ChargeParameterDiscoveryReq = const(61)
_MSG_AuthorizationReq = const(3)
_MSG_AuthorizationSetupReq = const(5)
_MSG_DC_CableCheckReq = const(81)
_MSG_DC_ChargeLoopReq = const(83)
_MSG_DC_ChargeParameterDiscoveryReq = const(85)
_MSG_DC_PreChargeReq = const(87)
_MSG_DC_WeldingDetectionReq = const(89)
_MSG_PowerDeliveryReq = const(24)
_MSG_ScheduleExchangeReq = const(30)
_MSG_ServiceDetailReq = const(32)
_MSG_ServiceDiscoveryReq = const(34)
_MSG_ServiceSelectionReq = const(36)
_MSG_SessionSetupReq = const(38)
_MSG_SessionStopReq = const(40)
_MSG_supportedAppProtocolReq = const(1)
_MessageHeader__SessionID = const(0)
_MessageHeader__TimeStamp = const(1)
_PowerDeliveryReq__BPT_ChannelSelection = const(4)
_PowerDeliveryReq__ChargeProgress = const(2)
_PowerDeliveryReq__EVPowerProfile = const(3)
_PowerDeliveryReq__EVProcessing = const(1)
_PowerScheduleEntry__Duration = const(0)
_PowerScheduleEntry__Power = const(1)
_ScheduleExchangeReq__Dynamic_SEReqControlMode = const(2)
_ScheduleExchangeReq__MaximumSupportingPoints = const(1)
_ScheduleExchangeReq__Scheduled_SEReqControlMode = const(3)
_Scheduled_AC_CLReqControlMode__EVPresentActivePower = const(9)
_Scheduled_DC_CLReqControlMode__EVTargetCurrent = const(3)
_Scheduled_DC_CLReqControlMode__EVTargetVoltage = const(4)
_Scheduled_EVPPTControlMode__SelectedScheduleTupleID = const(0)
_Scheduled_SEReqControlMode__DepartureTime = const(0)
_Scheduled_SEReqControlMode__EVTargetEnergyRequest = const(1)
_SelectedService__ParameterSetID = const(1)
_SelectedService__ServiceID = const(0)
_ServiceDetailReq__ServiceID = const(1)
_ServiceSelectionReq__SelectedEnergyTransferService = const(1)
_SessionSetupReq__EVCCID = const(1)
_SessionStopReq__ChargingSession = const(1)
_authorization__EIM = const(0)
_channelSelection__Charge = const(0)
_chargeProgress__Start = const(0)
_chargeProgress__Stop = const(1)
_chargingSession__Pause = const(0)
_chargingSession__Terminate = const(1)
_processing__Finished = const(0)
_processing__Ongoing = const(1)
_supportedAppProtocolReq__AppProtocol = const(0)
# slots: end


def _new(ev, n):
    header = [None] * _LEN_MessageHeader
    header[_MessageHeader__SessionID] = ev.session_id
    header[_MessageHeader__TimeStamp] = ev.wall()
    r = [None] * n
    r[0] = header
    return r


def protocol(ev):
    entries = []
    for i, namespace in enumerate(ev.namespaces):
        p = [None] * _LEN_AppProtocol
        p[_AppProtocol__ProtocolNamespace] = namespace
        p[_AppProtocol__VersionNumberMajor] = 1
        p[_AppProtocol__VersionNumberMinor] = 0
        p[_AppProtocol__SchemaID] = i + 1
        p[_AppProtocol__Priority] = i + 1
        entries.append(p)
    r = [None] * _LEN_supportedAppProtocolReq
    r[_supportedAppProtocolReq__AppProtocol] = entries
    return _MSG_supportedAppProtocolReq, r


def session_setup(ev):
    r = _new(ev, _LEN_SessionSetupReq)
    r[_SessionSetupReq__EVCCID] = ev.cfg["evcc_id"]
    return _MSG_SessionSetupReq, r


def authorization_setup(ev):
    return _MSG_AuthorizationSetupReq, _new(ev, _LEN_AuthorizationSetupReq)


def authorization(ev):
    r = _new(ev, _LEN_AuthorizationReq)
    r[_AuthorizationReq__SelectedAuthorizationService] = _authorization__EIM
    r[_AuthorizationReq__EIM_AReqAuthorizationMode] = []
    return _MSG_AuthorizationReq, r


def service_discovery(ev):
    return _MSG_ServiceDiscoveryReq, _new(ev, _LEN_ServiceDiscoveryReq)


def service_detail(ev):
    r = _new(ev, _LEN_ServiceDetailReq)
    r[_ServiceDetailReq__ServiceID] = ev.service
    return _MSG_ServiceDetailReq, r


def service_selection(ev):
    s = [None] * _LEN_SelectedService
    s[_SelectedService__ServiceID] = ev.service
    s[_SelectedService__ParameterSetID] = ev.set_id
    r = _new(ev, _LEN_ServiceSelectionReq)
    r[_ServiceSelectionReq__SelectedEnergyTransferService] = s
    return _MSG_ServiceSelectionReq, r


def parameters(ev):
    return _dc_parameters(ev) if ev.dc else _ac_parameters(ev)


def _ac_parameters(ev):
    cfg = ev.cfg
    b = [None] * (_LEN_BPT_AC_CPDReqEnergyTransferMode if ev.bpt else _LEN_AC_CPDReqEnergyTransferMode)
    b[_AC_CPDReqEnergyTransferMode__EVMaximumChargePower] = from_int(cfg["max_charge_w"])
    b[_AC_CPDReqEnergyTransferMode__EVMinimumChargePower] = from_int(0)
    r = _new(ev, _LEN_AC_ChargeParameterDiscoveryReq)
    if ev.bpt:
        b[_BPT_AC_CPDReqEnergyTransferMode__EVMaximumDischargePower] = from_int(cfg["max_discharge_w"])
        b[_BPT_AC_CPDReqEnergyTransferMode__EVMinimumDischargePower] = from_int(0)
        r[_AC_ChargeParameterDiscoveryReq__BPT_AC_CPDReqEnergyTransferMode] = b
    else:
        r[_AC_ChargeParameterDiscoveryReq__AC_CPDReqEnergyTransferMode] = b
    return _MSG_AC_ChargeParameterDiscoveryReq, r


def _dc_parameters(ev):
    cfg = ev.cfg
    b = [None] * (_LEN_BPT_DC_CPDReqEnergyTransferMode if ev.bpt else _LEN_DC_CPDReqEnergyTransferMode)
    b[_DC_CPDReqEnergyTransferMode__EVMaximumChargePower] = from_int(cfg["max_charge_w"])
    b[_DC_CPDReqEnergyTransferMode__EVMinimumChargePower] = from_int(0)
    b[_DC_CPDReqEnergyTransferMode__EVMaximumChargeCurrent] = from_milli(cfg["max_charge_ma"])
    b[_DC_CPDReqEnergyTransferMode__EVMinimumChargeCurrent] = from_int(0)
    b[_DC_CPDReqEnergyTransferMode__EVMaximumVoltage] = from_milli(cfg["max_mv"])
    b[_DC_CPDReqEnergyTransferMode__EVMinimumVoltage] = from_milli(cfg["min_mv"])
    b[_DC_CPDReqEnergyTransferMode__TargetSOC] = cfg["target_soc"]
    r = _new(ev, _LEN_DC_ChargeParameterDiscoveryReq)
    if ev.bpt:
        b[_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargePower] = from_int(cfg["max_discharge_w"])
        b[_BPT_DC_CPDReqEnergyTransferMode__EVMinimumDischargePower] = from_int(0)
        b[_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargeCurrent] = from_milli(cfg["max_discharge_ma"])
        b[_BPT_DC_CPDReqEnergyTransferMode__EVMinimumDischargeCurrent] = from_int(0)
        r[_DC_ChargeParameterDiscoveryReq__BPT_DC_CPDReqEnergyTransferMode] = b
    else:
        r[_DC_ChargeParameterDiscoveryReq__DC_CPDReqEnergyTransferMode] = b
    return _MSG_DC_ChargeParameterDiscoveryReq, r


def _energies(ev):
    """(target, maximum, minimum) energy request in Wh; the minimum is negative above the car's own floor."""
    battery = ev.battery
    return battery.wh_to(ev.cfg["target_soc"]), battery.wh_to(100), battery.wh_to(ev.cfg["min_soc"])


def schedule_exchange(ev):
    r = _new(ev, _LEN_ScheduleExchangeReq)
    r[_ScheduleExchangeReq__MaximumSupportingPoints] = 1024
    target, most, least = _energies(ev)
    if ev.dynamic:
        b = [None] * _LEN_Dynamic_SEReqControlMode
        b[_Dynamic_SEReqControlMode__DepartureTime] = ev.cfg["departure_s"]
        b[_Dynamic_SEReqControlMode__MinimumSOC] = ev.cfg["min_soc"]
        b[_Dynamic_SEReqControlMode__TargetSOC] = ev.cfg["target_soc"]
        b[_Dynamic_SEReqControlMode__EVTargetEnergyRequest] = from_int(target)
        b[_Dynamic_SEReqControlMode__EVMaximumEnergyRequest] = from_int(most)
        b[_Dynamic_SEReqControlMode__EVMinimumEnergyRequest] = from_int(least)
        r[_ScheduleExchangeReq__Dynamic_SEReqControlMode] = b
    else:
        b = [None] * _LEN_Scheduled_SEReqControlMode
        b[_Scheduled_SEReqControlMode__DepartureTime] = ev.cfg["departure_s"]
        b[_Scheduled_SEReqControlMode__EVTargetEnergyRequest] = from_int(target)
        r[_ScheduleExchangeReq__Scheduled_SEReqControlMode] = b
    return _MSG_ScheduleExchangeReq, r


def cable_check(ev):
    return _MSG_DC_CableCheckReq, _new(ev, _LEN_DC_CableCheckReq)


def precharge(ev):
    r = _new(ev, _LEN_DC_PreChargeReq)
    r[_DC_PreChargeReq__EVProcessing] = _processing__Finished if ev.precharged else _processing__Ongoing
    r[_DC_PreChargeReq__EVPresentVoltage] = from_milli(ev.inlet_mv)
    r[_DC_PreChargeReq__EVTargetVoltage] = from_milli(ev.battery.mv)
    return _MSG_DC_PreChargeReq, r


def power_start(ev):
    r = _new(ev, _LEN_PowerDeliveryReq)
    r[_PowerDeliveryReq__EVProcessing] = _processing__Finished
    r[_PowerDeliveryReq__ChargeProgress] = _chargeProgress__Start
    entry = [None] * _LEN_PowerScheduleEntry
    entry[_PowerScheduleEntry__Duration] = 3600
    entry[_PowerScheduleEntry__Power] = from_int(min(ev.offered_w, ev.cfg["max_charge_w"]))
    entries = [None] * _LEN_EVPowerProfileEntryList
    entries[_EVPowerProfileEntryList__EVPowerProfileEntry] = [entry]
    p = [None] * _LEN_EVPowerProfile
    p[_EVPowerProfile__TimeAnchor] = ev.wall()
    p[_EVPowerProfile__EVPowerProfileEntries] = entries
    if ev.dynamic:
        p[_EVPowerProfile__Dynamic_EVPPTControlMode] = []
    else:
        m = [None] * _LEN_Scheduled_EVPPTControlMode
        m[_Scheduled_EVPPTControlMode__SelectedScheduleTupleID] = ev.tuple_id
        p[_EVPowerProfile__Scheduled_EVPPTControlMode] = m
    r[_PowerDeliveryReq__EVPowerProfile] = p
    if ev.bpt:
        r[_PowerDeliveryReq__BPT_ChannelSelection] = _channelSelection__Charge
    return _MSG_PowerDeliveryReq, r


def power_stop(ev):
    r = _new(ev, _LEN_PowerDeliveryReq)
    r[_PowerDeliveryReq__EVProcessing] = _processing__Finished
    r[_PowerDeliveryReq__ChargeProgress] = _chargeProgress__Stop
    return _MSG_PowerDeliveryReq, r


def _display(ev):
    d = [None] * _LEN_DisplayParameters
    d[_DisplayParameters__PresentSOC] = ev.battery.soc
    d[_DisplayParameters__MinimumSOC] = ev.cfg["min_soc"]
    d[_DisplayParameters__TargetSOC] = ev.cfg["target_soc"]
    d[_DisplayParameters__ChargingComplete] = ev.battery.soc >= ev.cfg["target_soc"]
    return d


def loop(ev):
    return _dc_loop(ev) if ev.dc else _ac_loop(ev)


def _dynamic(ev, block):
    """The first fields of every Dynamic block: the AC and DC types share their base type."""
    target, most, least = _energies(ev)
    block[_Dynamic_DC_CLReqControlMode__DepartureTime] = ev.cfg["departure_s"]
    block[_Dynamic_DC_CLReqControlMode__EVTargetEnergyRequest] = from_int(target)
    block[_Dynamic_DC_CLReqControlMode__EVMaximumEnergyRequest] = from_int(most)
    block[_Dynamic_DC_CLReqControlMode__EVMinimumEnergyRequest] = from_int(least)


def _ac_loop(ev):
    r = _new(ev, _LEN_AC_ChargeLoopReq)
    r[_AC_ChargeLoopReq__DisplayParameters] = _display(ev)
    r[_AC_ChargeLoopReq__MeterInfoRequested] = ev.meter_wanted
    if ev.loop_dynamic:
        b = [None] * (_LEN_BPT_Dynamic_AC_CLReqControlMode if ev.bpt else _LEN_Dynamic_AC_CLReqControlMode)
        _dynamic(ev, b)
        b[_Dynamic_AC_CLReqControlMode__EVMaximumChargePower] = from_int(ev.charge_w)
        b[_Dynamic_AC_CLReqControlMode__EVMinimumChargePower] = from_int(0)
        b[_Dynamic_AC_CLReqControlMode__EVPresentActivePower] = from_int(ev.present_w)
        b[_Dynamic_AC_CLReqControlMode__EVPresentReactivePower] = from_int(0)
        if ev.bpt:
            b[_BPT_Dynamic_AC_CLReqControlMode__EVMaximumDischargePower] = from_int(ev.discharge_w)
            b[_BPT_Dynamic_AC_CLReqControlMode__EVMinimumDischargePower] = from_int(0)
            r[_AC_ChargeLoopReq__BPT_Dynamic_AC_CLReqControlMode] = b
        else:
            r[_AC_ChargeLoopReq__Dynamic_AC_CLReqControlMode] = b
        return _MSG_AC_ChargeLoopReq, r
    b = [None] * (_LEN_BPT_Scheduled_AC_CLReqControlMode if ev.bpt else _LEN_Scheduled_AC_CLReqControlMode)
    b[_Scheduled_AC_CLReqControlMode__EVPresentActivePower] = from_int(ev.present_w)
    if ev.bpt:
        r[_AC_ChargeLoopReq__BPT_Scheduled_AC_CLReqControlMode] = b
    else:
        r[_AC_ChargeLoopReq__Scheduled_AC_CLReqControlMode] = b
    return _MSG_AC_ChargeLoopReq, r


def _dc_loop(ev):
    cfg = ev.cfg
    r = _new(ev, _LEN_DC_ChargeLoopReq)
    r[_DC_ChargeLoopReq__DisplayParameters] = _display(ev)
    r[_DC_ChargeLoopReq__MeterInfoRequested] = ev.meter_wanted
    r[_DC_ChargeLoopReq__EVPresentVoltage] = from_milli(ev.battery.mv)
    if ev.loop_dynamic:
        b = [None] * (_LEN_BPT_Dynamic_DC_CLReqControlMode if ev.bpt else _LEN_Dynamic_DC_CLReqControlMode)
        _dynamic(ev, b)
        b[_Dynamic_DC_CLReqControlMode__EVMaximumChargePower] = from_int(ev.charge_w)
        b[_Dynamic_DC_CLReqControlMode__EVMinimumChargePower] = from_int(0)
        b[_Dynamic_DC_CLReqControlMode__EVMaximumChargeCurrent] = from_milli(cfg["max_charge_ma"])
        b[_Dynamic_DC_CLReqControlMode__EVMaximumVoltage] = from_milli(cfg["max_mv"])
        b[_Dynamic_DC_CLReqControlMode__EVMinimumVoltage] = from_milli(cfg["min_mv"])
        if ev.bpt:
            b[_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargePower] = from_int(ev.discharge_w)
            b[_BPT_Dynamic_DC_CLReqControlMode__EVMinimumDischargePower] = from_int(0)
            b[_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargeCurrent] = from_milli(cfg["max_discharge_ma"])
            r[_DC_ChargeLoopReq__BPT_Dynamic_DC_CLReqControlMode] = b
        else:
            r[_DC_ChargeLoopReq__Dynamic_DC_CLReqControlMode] = b
        return _MSG_DC_ChargeLoopReq, r
    b = [None] * (_LEN_BPT_Scheduled_DC_CLReqControlMode if ev.bpt else _LEN_Scheduled_DC_CLReqControlMode)
    b[_Scheduled_DC_CLReqControlMode__EVTargetCurrent] = from_milli(ev.wish_ma)
    b[_Scheduled_DC_CLReqControlMode__EVTargetVoltage] = from_milli(ev.battery.mv)
    if ev.bpt:
        r[_DC_ChargeLoopReq__BPT_Scheduled_DC_CLReqControlMode] = b
    else:
        r[_DC_ChargeLoopReq__Scheduled_DC_CLReqControlMode] = b
    return _MSG_DC_ChargeLoopReq, r


def welding_detection(ev):
    r = _new(ev, _LEN_DC_WeldingDetectionReq)
    r[_DC_WeldingDetectionReq__EVProcessing] = _processing__Finished if ev.welding_done else _processing__Ongoing
    return _MSG_DC_WeldingDetectionReq, r


def session_stop(ev):
    r = _new(ev, _LEN_SessionStopReq)
    r[_SessionStopReq__ChargingSession] = _chargingSession__Pause if ev.pausing else _chargingSession__Terminate
    return _MSG_SessionStopReq, r
