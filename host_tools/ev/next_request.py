"""Which request the simulated car sends in which state, with its numbers of this moment. `ev` is
the machine of evcc.py."""

from codec.slots import ChannelSelection, ChargeProgress, ChargingSession, Processing
from host_tools.ev import requests, states


def _car(ev):
    """The numbers of the car now. The minimum energy is negative above the car's own floor."""
    cfg, battery = ev.cfg, ev.battery
    car = ev.numbers
    car.set(
        session_id=ev.session_id, unix_s=ev.wall(), evcc_id=cfg["evcc_id"],
        max_charge_w=cfg["max_charge_w"], max_discharge_w=cfg["max_discharge_w"],
        max_charge_ma=cfg["max_charge_ma"], max_discharge_ma=cfg["max_discharge_ma"], max_mv=cfg["max_mv"], min_mv=cfg["min_mv"],
        departure_s=cfg["departure_s"], soc=battery.soc, min_soc=cfg["min_soc"], target_soc=cfg["target_soc"],
        target_wh=battery.wh_to(cfg["target_soc"]), most_wh=battery.wh_to(100), least_wh=battery.wh_to(cfg["min_soc"]),
        mv=battery.mv, inlet_mv=ev.inlet_mv, present_w=ev.present_w, wish_ma=ev.wish_ma, meter=ev.meter_wanted,
    )  # fmt: skip
    return car


def _protocol(ev):
    return requests.protocol([requests.app_protocol(name, i, i) for i, name in enumerate(ev.namespaces, 1)])


def _start(ev):
    car = _car(ev)
    plan = requests.profile(car, min(ev.planned_w, car.max_charge_w), None if ev.dynamic else ev.tuple_id)
    channel = ChannelSelection.Charge if ev.bpt else None
    return requests.power_delivery(car, ChargeProgress.Start, Processing.Finished, plan, channel)


def _loop(ev):
    car = _car(ev)
    car.set(max_charge_w=ev.charge_w, max_discharge_w=ev.discharge_w)  # what the battery takes and gives now
    return requests.loop(car, ev.service, ev.loop_dynamic)


def _processing(finished):
    return Processing.Finished if finished else Processing.Ongoing


def authorization_setup(ev):
    return requests.authorization_setup(_car(ev))


# state -> function of the machine that returns (message id, value)
NEXT = {
    states.SAP: _protocol,
    states.SETUP: lambda ev: requests.session_setup(_car(ev)),
    states.AUTH_SETUP: authorization_setup,
    states.AUTH: lambda ev: requests.authorization(_car(ev)),
    states.DISCOVERY: lambda ev: requests.service_discovery(_car(ev)),
    states.DETAIL: lambda ev: requests.service_detail(_car(ev), ev.service),
    states.SELECT: lambda ev: requests.service_selection(_car(ev), ev.service, ev.set_id),
    states.PARAMETERS: lambda ev: requests.parameters(_car(ev), ev.service),
    states.SCHEDULE: lambda ev: requests.schedule_exchange(_car(ev), ev.dynamic),
    states.CABLE_CHECK: lambda ev: requests.cable_check(_car(ev)),
    states.PRECHARGE: lambda ev: requests.precharge(_car(ev), _processing(ev.precharged)),
    states.START: _start,
    states.LOOP: _loop,
    states.STOP: lambda ev: requests.power_delivery(_car(ev), ChargeProgress.Stop),
    states.WELDING: lambda ev: requests.welding_detection(_car(ev), _processing(ev.welding_done)),
    states.END: lambda ev: requests.session_stop(
        _car(ev), ChargingSession.Pause if ev.pausing else ChargingSession.Terminate
    ),
}
