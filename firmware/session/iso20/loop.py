"""What AC and DC charge loops share: display parameters in, station status and meter reading
out."""

from codec import rational
from codec.slots import (
    DisplayParameters,
    MeterInfo,
    ResponseCode,
)
from firmware.session.codes import DC
from firmware.session.facts import PeerError, offered_max_charge_w, offered_max_discharge_w
from firmware.session.iso20 import reply

# A vehicle that ignores Terminate gets this long at least before the station ends it itself
# (R-STATUS-04).
_GRACE_MS = 10_000


def selected(f, req, blocks):
    """The mode block of the selected kind; any other kind is refused (R-LOOP-01, [V2G20-1600]).
    blocks: the slots of the request for Scheduled, Scheduled BPT, Dynamic, Dynamic BPT."""
    block = req[blocks[(2 if f.session.dynamic else 0) + (1 if f.session.bpt else 0)]]
    if block is None:
        raise PeerError(ResponseCode.FAILED, "control mode is not the selected one")
    return block


def total_w(block, at, at_l2, at_l3):
    """Power in W over all lines, None if the vehicle left it out (R-LOOP-12); the unsuffixed field
    is the sum, or L1 once suffixes are there (R-CPD-05)."""
    if block[at] is None:
        return None
    w = rational.to_int(block[at])
    for i in (at_l2, at_l3):
        if block[i] is not None:
            w += rational.to_int(block[i])
    return w


def display(f, parameters):
    """Take the state of charge if the vehicle tells it; DisplayParameters may be absent at any time
    (R-LOOP-12)."""
    if parameters is not None:
        soc = parameters[DisplayParameters.PresentSOC]
        if soc is not None:
            f.car.soc = soc


def target_w(f):
    """The set-point inside both sides' limits (R-LOOP-11); discharge only where it is allowed
    (R-LOOP-10)."""
    if not f.session.dynamic:
        return 0
    w = f.station.setpoint_w
    dc = f.session.current == DC
    if w >= 0:
        w = min(w, offered_max_charge_w(f), f.car.limits.charge_w)
        return w if w >= f.cfg["dc_min_charge_w" if dc else "ac_min_charge_w"] else 0
    if not f.session.bpt or not f.station.export or 0 <= f.car.soc < f.cfg["v2x_min_soc"]:
        return 0
    if f.car.min_energy_wh > 0 and not f.cfg["lenient_ev_values"]:
        return 0  # the battery is below the car's own minimum
    w = min(-w, offered_max_discharge_w(f), f.car.limits.discharge_w)
    return -w if w >= f.cfg["dc_min_discharge_w" if dc else "ac_min_discharge_w"] else 0


def _meter_info(f):
    m = [None] * MeterInfo.LEN
    m[MeterInfo.MeterID] = f.cfg["meter_id"]
    m[MeterInfo.ChargedEnergyReadingWh] = f.station.charged_wh
    if f.session.bpt and f.station.discharged_wh:
        m[MeterInfo.BPT_DischargedEnergyReadingWh] = f.station.discharged_wh  # R-METER-04
    m[MeterInfo.MeterTimestamp] = f.unix_s
    return m


def common(f, meter_requested):
    """(EVSEStatus or None (R-STATUS-01), MeterInfo or None) of a loop answer; counts the loop."""
    limit_ms = max(f.cfg["terminate_delay_s"] * 1000, _GRACE_MS)
    if f.stop_wish and f.stop_wish_ms >= limit_ms:
        raise PeerError(ResponseCode.FAILED, "vehicle did not stop")  # R-STATUS-04
    f.session.loops += 1
    after = f.cfg["stop_after_loops"]
    if after and f.session.loops >= after:
        f.session.enough = True
    status = reply.terminate(f) if f.stop_wish else None
    meter = None
    if f.cfg["meter_id"] and (meter_requested or f.session.loops == 1 or f.cfg["meterinfo_always"]):
        meter = _meter_info(f)  # R-METER-01, R-METER-02
    return status, meter
