"""DC_ChargeLoop in its four kinds (Scheduled and Dynamic, plain and BPT)."""

from codec import rational
from firmware.session import reply
from firmware.session.facts import PeerError
from firmware.session.loop import common, display, target_w
from firmware.session.states import DC_LOOP
from micropython import const

# slots: begin (make gen)
_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargeCurrent = const(11)
_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargePower = const(9)
_BPT_Scheduled_DC_CLReqControlMode__EVMaximumDischargeCurrent = const(12)
_BPT_Scheduled_DC_CLReqControlMode__EVMaximumDischargePower = const(10)
_DC_ChargeLoopReq__BPT_Dynamic_DC_CLReqControlMode = const(4)
_DC_ChargeLoopReq__BPT_Scheduled_DC_CLReqControlMode = const(5)
_DC_ChargeLoopReq__DisplayParameters = const(1)
_DC_ChargeLoopReq__Dynamic_DC_CLReqControlMode = const(7)
_DC_ChargeLoopReq__EVPresentVoltage = const(3)
_DC_ChargeLoopReq__MeterInfoRequested = const(2)
_DC_ChargeLoopReq__Scheduled_DC_CLReqControlMode = const(8)
_DC_ChargeLoopRes__EVSEStatus = const(2)
_DC_ChargeLoopRes__MeterInfo = const(3)
_Dynamic_DC_CLReqControlMode__EVMaximumChargeCurrent = const(6)
_Dynamic_DC_CLReqControlMode__EVMaximumChargePower = const(4)
_Dynamic_DC_CLReqControlMode__EVMaximumVoltage = const(7)
_Dynamic_DC_CLReqControlMode__EVMinimumEnergyRequest = const(3)
_Dynamic_DC_CLReqControlMode__EVMinimumVoltage = const(8)
_MSG_DC_ChargeLoopRes = const(84)
_Scheduled_DC_CLReqControlMode__EVMaximumChargeCurrent = const(7)
_Scheduled_DC_CLReqControlMode__EVMaximumChargePower = const(5)
_Scheduled_DC_CLReqControlMode__EVMaximumVoltage = const(8)
_Scheduled_DC_CLReqControlMode__EVMinimumVoltage = const(9)
_Scheduled_DC_CLReqControlMode__EVTargetCurrent = const(3)
_Scheduled_DC_CLReqControlMode__EVTargetVoltage = const(4)
_responseCode__FAILED = const(21)
# slots: end


def _selected(f, req):
    """The mode block of the selected kind; any other kind is refused (R-LOOP-01, [V2G20-1600])."""
    if f.dynamic:
        at = (
            _DC_ChargeLoopReq__BPT_Dynamic_DC_CLReqControlMode
            if f.bpt
            else _DC_ChargeLoopReq__Dynamic_DC_CLReqControlMode
        )
    else:
        at = (
            _DC_ChargeLoopReq__BPT_Scheduled_DC_CLReqControlMode
            if f.bpt
            else _DC_ChargeLoopReq__Scheduled_DC_CLReqControlMode
        )
    if req[at] is None:
        raise PeerError(_responseCode__FAILED, "control mode is not the selected one")
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
    display(f, req[_DC_ChargeLoopReq__DisplayParameters])
    f.ev_present_mv = rational.to_milli(req[_DC_ChargeLoopReq__EVPresentVoltage])
    if f.dynamic:
        f.ev_min_energy_wh = rational.to_int(b[_Dynamic_DC_CLReqControlMode__EVMinimumEnergyRequest])
        _limits(
            f,
            b[_Dynamic_DC_CLReqControlMode__EVMaximumChargePower],
            b[_Dynamic_DC_CLReqControlMode__EVMaximumChargeCurrent],
            b[_Dynamic_DC_CLReqControlMode__EVMaximumVoltage],
            b[_Dynamic_DC_CLReqControlMode__EVMinimumVoltage],
        )
        if f.bpt:
            _discharge_limits(
                f,
                b[_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargePower],
                b[_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargeCurrent],
            )
    else:
        # More than allowed is no failure: the power stage clamps (R-LOOP-02, [V2G20-2188]).
        f.ev_target_ma = rational.to_milli(b[_Scheduled_DC_CLReqControlMode__EVTargetCurrent])
        target_mv = rational.to_milli(b[_Scheduled_DC_CLReqControlMode__EVTargetVoltage])
        if target_mv > 0:  # 0 V with a current: keep the last voltage
            f.ev_target_mv = target_mv
        _limits(
            f,
            b[_Scheduled_DC_CLReqControlMode__EVMaximumChargePower],
            b[_Scheduled_DC_CLReqControlMode__EVMaximumChargeCurrent],
            b[_Scheduled_DC_CLReqControlMode__EVMaximumVoltage],
            b[_Scheduled_DC_CLReqControlMode__EVMinimumVoltage],
        )
        if f.bpt:
            _discharge_limits(
                f,
                b[_BPT_Scheduled_DC_CLReqControlMode__EVMaximumDischargePower],
                b[_BPT_Scheduled_DC_CLReqControlMode__EVMaximumDischargeCurrent],
            )
    f.target_w = target_w(f)
    res = reply.ok(f, _MSG_DC_ChargeLoopRes)
    res[_DC_ChargeLoopRes__EVSEStatus], res[_DC_ChargeLoopRes__MeterInfo] = common(
        f, req[_DC_ChargeLoopReq__MeterInfoRequested]
    )
    return res, DC_LOOP
