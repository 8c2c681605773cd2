"""What AC and DC charge loops share: display parameters in, station status and meter reading out."""

from codec.slots import (
    DisplayParameters,
    MeterInfo,
    ResponseCode,
)
from firmware.session.facts import DC, PeerError, offered_max_charge_w, offered_max_discharge_w
from firmware.session.iso20 import reply

# A vehicle that ignores Terminate gets this long at least before the station ends it itself (R-STATUS-04).
_GRACE_MS = 10_000


def display(f, parameters):
    """Take the state of charge if the vehicle tells it; DisplayParameters may be absent at any time (R-LOOP-12)."""
    if parameters is not None:
        soc = parameters[DisplayParameters.PresentSOC]
        if soc is not None:
            f.ev_soc = soc


def target_w(f):
    """The set-point inside both sides' limits (R-LOOP-11); discharge only where it is allowed (R-LOOP-10)."""
    if not f.dynamic:
        return 0
    w = f.setpoint_w
    dc = f.family == DC
    if w >= 0:
        w = min(w, offered_max_charge_w(f), f.ev_max_charge_w)
        return w if w >= f.cfg["dc_min_charge_w" if dc else "ac_min_charge_w"] else 0
    if not f.bpt or 0 <= f.ev_soc < f.cfg["v2x_min_soc"]:
        return 0
    if f.ev_min_energy_wh > 0 and not f.cfg["lenient_ev_values"]:
        return 0  # the battery is below the car's own minimum
    w = min(-w, offered_max_discharge_w(f), f.ev_max_discharge_w)
    return -w if w >= f.cfg["dc_min_discharge_w" if dc else "ac_min_discharge_w"] else 0


def _meter_info(f):
    m = [None] * MeterInfo.LEN
    m[MeterInfo.MeterID] = f.cfg["meter_id"]
    m[MeterInfo.ChargedEnergyReadingWh] = f.charged_wh
    if f.bpt and f.discharged_wh:
        m[MeterInfo.BPT_DischargedEnergyReadingWh] = f.discharged_wh  # R-METER-04
    m[MeterInfo.MeterTimestamp] = f.unix_s
    return m


def common(f, meter_requested):
    """(EVSEStatus or None, MeterInfo or None) of a loop answer; counts the loop."""
    limit_ms = max(f.cfg["terminate_delay_s"] * 1000, _GRACE_MS)
    if f.stop_wish and f.stop_wish_ms >= limit_ms:
        raise PeerError(ResponseCode.FAILED, "vehicle did not stop")  # R-STATUS-04
    f.loops += 1
    after = f.cfg["stop_after_loops"]
    if after and f.loops >= after:
        f.stop_wish = True
    status = reply.terminate(f) if f.stop_wish else None
    meter = None
    if f.cfg["meter_id"] and (meter_requested or f.loops == 1 or f.cfg["meterinfo_always"]):
        meter = _meter_info(f)  # R-METER-01, R-METER-02
    return status, meter
