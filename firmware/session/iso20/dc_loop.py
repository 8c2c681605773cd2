"""DC_ChargeLoop in its four kinds (Scheduled and Dynamic, plain and BPT)."""

from codec import rational
from codec.slots import (
    MSG,
    BPT_Dynamic_DC_CLReqControlMode,
    BPT_Scheduled_DC_CLReqControlMode,
    DC_ChargeLoopReq,
    DC_ChargeLoopRes,
    Dynamic_DC_CLReqControlMode,
    ResponseCode,
    Scheduled_DC_CLReqControlMode,
)
from firmware.session.facts import PeerError
from firmware.session.iso20 import messages
from firmware.session.iso20.loop import common, display, target_w
from firmware.session.iso20.states import DC_LOOP


def _selected(f, req):
    """The mode block of the selected kind; any other kind is refused (R-LOOP-01, [V2G20-1600])."""
    if f.dynamic:
        at = DC_ChargeLoopReq.BPT_Dynamic_DC_CLReqControlMode if f.bpt else DC_ChargeLoopReq.Dynamic_DC_CLReqControlMode
    else:
        at = (
            DC_ChargeLoopReq.BPT_Scheduled_DC_CLReqControlMode
            if f.bpt
            else DC_ChargeLoopReq.Scheduled_DC_CLReqControlMode
        )
    if req[at] is None:
        raise PeerError(ResponseCode.FAILED, "control mode is not the selected one")
    return req[at]


def _limits(f, w, ma, max_mv, min_mv):
    """Take the vehicle's limits of this request: they narrow those of parameter discovery, never widen them
    (R-LOOP-03); an absent one keeps its last value (R-LOOP-11, R-LOOP-12)."""
    if w is not None:
        f.ev_max_charge_w = min(max(rational.to_int(w), 0), f.ev_top_charge_w)
    if ma is not None:
        f.ev_max_charge_ma = min(max(rational.to_milli(ma), 0), f.ev_top_charge_ma)
    if max_mv is not None:
        f.ev_max_mv = min(rational.to_milli(max_mv), f.ev_top_mv)
    if min_mv is not None:
        f.ev_min_mv = max(rational.to_milli(min_mv), f.ev_floor_mv)


def _discharge_limits(f, w, ma):
    if w is not None:
        f.ev_max_discharge_w = min(abs(rational.to_int(w)), f.ev_top_discharge_w)  # D-02
    if ma is not None:
        f.ev_max_discharge_ma = min(abs(rational.to_milli(ma)), f.ev_top_discharge_ma)


def loop(f, req):
    b = _selected(f, req)
    display(f, req[DC_ChargeLoopReq.DisplayParameters])
    f.ev_present_mv = rational.to_milli(req[DC_ChargeLoopReq.EVPresentVoltage])
    if f.dynamic:
        f.ev_min_energy_wh = rational.to_int(b[Dynamic_DC_CLReqControlMode.EVMinimumEnergyRequest])
        _limits(
            f,
            b[Dynamic_DC_CLReqControlMode.EVMaximumChargePower],
            b[Dynamic_DC_CLReqControlMode.EVMaximumChargeCurrent],
            b[Dynamic_DC_CLReqControlMode.EVMaximumVoltage],
            b[Dynamic_DC_CLReqControlMode.EVMinimumVoltage],
        )
        if f.bpt:
            _discharge_limits(
                f,
                b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargePower],
                b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargeCurrent],
            )
    else:
        # More than allowed is no failure: the power stage clamps (R-LOOP-02, [V2G20-2188]).
        f.ev_target_ma = rational.to_milli(b[Scheduled_DC_CLReqControlMode.EVTargetCurrent])
        target_mv = rational.to_milli(b[Scheduled_DC_CLReqControlMode.EVTargetVoltage])
        if target_mv > 0:  # 0 V with a current: keep the last voltage
            f.ev_target_mv = target_mv
        _limits(
            f,
            b[Scheduled_DC_CLReqControlMode.EVMaximumChargePower],
            b[Scheduled_DC_CLReqControlMode.EVMaximumChargeCurrent],
            b[Scheduled_DC_CLReqControlMode.EVMaximumVoltage],
            b[Scheduled_DC_CLReqControlMode.EVMinimumVoltage],
        )
        if f.bpt:
            _discharge_limits(
                f,
                b[BPT_Scheduled_DC_CLReqControlMode.EVMaximumDischargePower],
                b[BPT_Scheduled_DC_CLReqControlMode.EVMaximumDischargeCurrent],
            )
    f.target_w = target_w(f)
    res = messages.ok(f, MSG.DC_ChargeLoopReq)
    res[DC_ChargeLoopRes.EVSEStatus], res[DC_ChargeLoopRes.MeterInfo] = common(
        f, req[DC_ChargeLoopReq.MeterInfoRequested]
    )
    return res, DC_LOOP
