"""What AC and DC charge loops share: display parameters in, station status and meter reading
out."""

from codec import rational
from codec.slots import (
    DisplayParameters,
    MeterInfo,
    ResponseCode,
)
from firmware.session.facts import PeerError
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


def display(f, parameters):
    """Take the state of charge and its floor if the vehicle tells them; DisplayParameters may be
    absent at any time (R-LOOP-12)."""
    if parameters is not None:
        soc = parameters[DisplayParameters.PresentSOC]
        if soc is not None:
            f.car.soc = soc
        floor = parameters[DisplayParameters.MinimumSOC]
        if floor is not None:
            f.car.min_soc = floor


def energies(f, least, least_v2x):
    """What the battery must take first, in Wh: to its own minimum and to the window of discharging;
    below 0 it may give so much. None = not told, the value before holds (R-LOOP-12,
    R-SCHEDULE-11)."""
    if least is not None:
        f.car.min_energy_wh = rational.to_int(least)
    if least_v2x is not None:
        f.car.min_v2x_wh = rational.to_int(least_v2x)


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
    if (
        f.cfg["meter_id"]
        and f.station.meter_ok
        and (meter_requested or f.session.loops == 1 or f.cfg["meterinfo_always"])
    ):
        meter = _meter_info(f)  # R-METER-01, R-METER-02
    return status, meter
