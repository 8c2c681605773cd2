"""ServiceDiscovery, ServiceDetail and ServiceSelection: what is offered, and with which parameter sets."""

from codec.slots import (
    MSG,
    ResponseCode,
    SelectedService,
    ServiceDetailReq,
    ServiceDetailRes,
    ServiceDiscoveryReq,
    ServiceDiscoveryRes,
    ServiceIDList,
    ServiceSelectionReq,
)
from firmware.session import facts as _f
from firmware.session.facts import PeerError
from firmware.session.iso20 import messages, reply
from firmware.session.iso20.states import PARAMETERS, SELECT

# Service ids of the standard.
_IDS = {"AC": 1, "DC": 2, "AC_BPT": 5, "DC_BPT": 6}
_CONNECTOR_DC_EXTENDED = 2  # CCS2
_SCHEDULED = 1
_DYNAMIC = 2


def offered(f):
    """Service ids on offer for the protocol that was settled, in the configured order."""
    prefix = "DC" if f.family == _f.DC else "AC"
    return [_IDS[name] for name in f.cfg["services"] if name.startswith(prefix)]


def is_bpt(service):
    return service >= 5


def _set_id(f, service, k):
    # Unique over all services of the session, so that a wrong pair can be told (D-08, R-SERVICES-06).
    return f.cfg["param_set_id_base"] + 2 * (1, 2, 5, 6).index(service) + k


def parameter_sets(f, service):
    """[(set id, control mode, parameters)]: one set for each control mode, in the configured order because several
    vehicles take the first (R-SERVICES-09, R-SERVICES-11)."""
    cfg = f.cfg
    dc = service in (2, 6)
    sets = []
    for k, name in enumerate(cfg["control"]):
        mode = _DYNAMIC if name == "dynamic" else _SCHEDULED
        p = []
        if dc:
            p.append(reply.parameter("Connector", _CONNECTOR_DC_EXTENDED))
        else:
            p.append(reply.parameter("Connector", 1 if cfg["ac_phases"] == 1 else cfg["ac_connector_three_phase"]))
        p.append(reply.parameter("ControlMode", mode))
        if not dc:
            p.append(reply.parameter("EVSENominalVoltage", cfg["ac_nominal_voltage_v"]))
        p.append(reply.parameter("MobilityNeedsMode", 1))  # 2 would need Dynamic and needs of our own (R-SERVICES-10)
        priced = mode == _SCHEDULED and cfg["send_price_schedule"] == "minimal"
        p.append(reply.parameter("Pricing", 2 if priced else 0))
        if is_bpt(service):
            p.append(reply.parameter("BPTChannel", cfg["bpt_channel"]))
            p.append(reply.parameter("GeneratorMode", cfg["generator_mode"]))
            if not dc:
                p.append(reply.parameter(cfg["islanding_param_name"], cfg["islanding_method"]))
        sets.append((_set_id(f, service, k), mode, p))
    return sets


def discovery(f, req):
    """The energy list is filtered by SupportedServiceIDs only while something remains (D-25, R-SERVICES-01)."""
    services = offered(f)
    wanted = req[ServiceDiscoveryReq.SupportedServiceIDs]
    if wanted:
        some = [s for s in services if s in wanted[ServiceIDList.ServiceID]]
        services = some or services
    res = messages.ok(f, MSG.ServiceDiscoveryReq)
    res[ServiceDiscoveryRes.EnergyTransferServiceList] = reply.service_list(services)
    return res, SELECT


def detail(f, req):
    service = req[ServiceDetailReq.ServiceID]
    if service not in offered(f):
        raise PeerError(ResponseCode.FAILED_ServiceIDInvalid, "service not offered")  # R-SERVICES-05
    res = messages.ok(f, MSG.ServiceDetailReq)
    res[ServiceDetailRes.ServiceID] = service
    sets = [(set_id, parameters) for set_id, _, parameters in parameter_sets(f, service)]
    res[ServiceDetailRes.ServiceParameterList] = reply.parameter_list(sets)
    return res, SELECT


def selection(f, req):
    """The pair (service, parameter set) must have been on offer (R-SERVICES-06). ServiceDetail may have been left
    out (D-13). A refused selection changes nothing (R-SERVICES-08)."""
    energy = req[ServiceSelectionReq.SelectedEnergyTransferService]
    service = energy[SelectedService.ServiceID]
    if service not in offered(f):
        if service not in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11):
            raise PeerError(ResponseCode.FAILED_NoEnergyTransferServiceSelected, "no energy service")
        raise PeerError(ResponseCode.FAILED_ServiceSelectionInvalid, "service not offered")  # D-14
    if req[ServiceSelectionReq.SelectedVASList]:
        raise PeerError(ResponseCode.FAILED_ServiceSelectionInvalid, "no value-added service offered")
    for set_id, mode, _ in parameter_sets(f, service):
        if set_id == energy[SelectedService.ParameterSetID]:
            f.service = service
            f.bpt = is_bpt(service)
            f.dynamic = mode == _DYNAMIC
            return messages.ok(f, MSG.ServiceSelectionReq), PARAMETERS
    raise PeerError(ResponseCode.FAILED_ServiceSelectionInvalid, "parameter set not offered")
