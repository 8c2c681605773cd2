"""ServiceDiscovery, ServiceDetail and ServiceSelection: what is offered, and with which parameter
sets."""

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
from firmware.session.codes import AC, DC
from firmware.session.facts import PeerError
from firmware.session.iso20 import messages, reply
from firmware.session.iso20.states import PARAMETERS, SELECT
from micropython import const

# (name in the configuration, service id of the standard, current, bidirectional).
SERVICES = (("AC", 1, AC, False), ("DC", 2, DC, False), ("AC_BPT", 5, AC, True), ("DC_BPT", 6, DC, True))
_ENERGY_IDS = const(
    (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
)  # the standard's energy transfer services, offered by us or not
_CONNECTOR_DC_EXTENDED = const(2)  # CCS2
_SCHEDULED = const(1)
_DYNAMIC = const(2)


def offered(f):
    """Service ids on offer for the protocol that was settled, in the configured order
    (R-SERVICES-12). Where nobody may ever allow power out of the car, a BPT service is offered as
    the one that only charges (R-LOOP-10)."""
    ids = []
    for name in f.cfg["services"]:
        if f.cfg["export"] == "no" and name.endswith("_BPT"):
            name = name[:-4]
        for row in SERVICES:
            if row[0] == name and row[2] == f.session.current and row[1] not in ids:
                ids.append(row[1])
    return ids


def _row(service):
    """(place in SERVICES, its row) of a service id."""
    for at in range(len(SERVICES)):
        if SERVICES[at][1] == service:
            return at, SERVICES[at]
    raise ValueError(service)


def parameter_sets(f, service):
    """[(set id, control mode, parameters)]: one set for each control mode, in the configured order
    because several vehicles take the first (R-SERVICES-09, R-SERVICES-11)."""
    cfg = f.cfg
    at, (_, _, current, bpt) = _row(service)
    dc = current == DC
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
        if bpt:
            p.append(reply.parameter("BPTChannel", cfg["bpt_channel"]))
            p.append(reply.parameter("GeneratorMode", cfg["generator_mode"]))
            if not dc:
                p.append(reply.parameter(cfg["islanding_param_name"], cfg["islanding_method"]))
        # Unique over all services of the session, so that a wrong pair can be told (D-08,
        # R-SERVICES-06).
        sets.append((cfg["param_set_id_base"] + 2 * at + k, mode, p))
    return sets


def discovery(f, req):
    """The energy list is filtered by SupportedServiceIDs only while something remains (D-25,
    R-SERVICES-01); it does not grow (R-SERVICES-04)."""
    services = offered(f)
    wanted = req[ServiceDiscoveryReq.SupportedServiceIDs]
    if wanted:
        some = [s for s in services if s in wanted[ServiceIDList.ServiceID]]
        services = some or services
    res = messages.ok(f, MSG.ServiceDiscoveryReq)
    res[ServiceDiscoveryRes.EnergyTransferServiceList] = reply.service_list(services)
    return res, SELECT


def detail(f, req):
    """The parameter sets of a service on offer (R-SERVICES-05)."""
    service = req[ServiceDetailReq.ServiceID]
    if service not in offered(f):
        raise PeerError(ResponseCode.FAILED_ServiceIDInvalid, "service not offered")  # R-SERVICES-05
    res = messages.ok(f, MSG.ServiceDetailReq)
    res[ServiceDetailRes.ServiceID] = service
    sets = [(set_id, parameters) for set_id, _, parameters in parameter_sets(f, service)]
    res[ServiceDetailRes.ServiceParameterList] = reply.parameter_list(sets)
    return res, SELECT


def selection(f, req):
    """The pair (service, parameter set) must have been on offer (R-SERVICES-06). ServiceDetail may
    have been left out (D-13). A refused selection changes nothing (R-SERVICES-08)."""
    energy = req[ServiceSelectionReq.SelectedEnergyTransferService]
    service = energy[SelectedService.ServiceID]
    if service not in offered(f):
        if service not in _ENERGY_IDS:
            raise PeerError(ResponseCode.FAILED_NoEnergyTransferServiceSelected, "no energy service")  # R-SERVICES-07
        raise PeerError(ResponseCode.FAILED_ServiceSelectionInvalid, "service not offered")  # D-14
    if req[ServiceSelectionReq.SelectedVASList]:
        raise PeerError(ResponseCode.FAILED_ServiceSelectionInvalid, "no value-added service offered")
    for set_id, mode, _ in parameter_sets(f, service):
        if set_id == energy[SelectedService.ParameterSetID]:
            f.session.service = service
            f.session.bpt = _row(service)[1][3]
            f.session.dynamic = mode == _DYNAMIC
            return messages.ok(f, MSG.ServiceSelectionReq), PARAMETERS
    raise PeerError(ResponseCode.FAILED_ServiceSelectionInvalid, "parameter set not offered")
