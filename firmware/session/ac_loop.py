"""AC_ChargeLoop in its four kinds (Scheduled and Dynamic, plain and BPT)."""

from codec import rational
from firmware.session import reply
from firmware.session.facts import PeerError
from firmware.session.loop import common, display, target_w
from firmware.session.states import AC_LOOP
from micropython import const

# slots: begin (make gen)
_AC_ChargeLoopReq__BPT_Dynamic_AC_CLReqControlMode = const(3)
_AC_ChargeLoopReq__BPT_Scheduled_AC_CLReqControlMode = const(4)
_AC_ChargeLoopReq__DisplayParameters = const(1)
_AC_ChargeLoopReq__Dynamic_AC_CLReqControlMode = const(6)
_AC_ChargeLoopReq__MeterInfoRequested = const(2)
_AC_ChargeLoopReq__Scheduled_AC_CLReqControlMode = const(7)
_AC_ChargeLoopRes__EVSEStatus = const(2)
_AC_ChargeLoopRes__MeterInfo = const(3)
_BPT_Dynamic_AC_CLReqControlMode__EVMaximumDischargePower = const(16)
_BPT_Dynamic_AC_CLReqControlMode__EVMaximumDischargePower_L2 = const(17)
_BPT_Dynamic_AC_CLReqControlMode__EVMaximumDischargePower_L3 = const(18)
_BPT_Scheduled_AC_CLReqControlMode__EVMaximumDischargePower = const(15)
_BPT_Scheduled_AC_CLReqControlMode__EVMaximumDischargePower_L2 = const(16)
_BPT_Scheduled_AC_CLReqControlMode__EVMaximumDischargePower_L3 = const(17)
_Dynamic_AC_CLReqControlMode__EVMaximumChargePower = const(4)
_Dynamic_AC_CLReqControlMode__EVMaximumChargePower_L2 = const(5)
_Dynamic_AC_CLReqControlMode__EVMaximumChargePower_L3 = const(6)
_Dynamic_AC_CLReqControlMode__EVMinimumEnergyRequest = const(3)
_Dynamic_AC_CLReqControlMode__EVPresentActivePower = const(10)
_Dynamic_AC_CLReqControlMode__EVPresentActivePower_L2 = const(11)
_Dynamic_AC_CLReqControlMode__EVPresentActivePower_L3 = const(12)
_MSG_AC_ChargeLoopRes = const(60)
_Scheduled_AC_CLReqControlMode__EVMaximumChargePower = const(3)
_Scheduled_AC_CLReqControlMode__EVMaximumChargePower_L2 = const(4)
_Scheduled_AC_CLReqControlMode__EVMaximumChargePower_L3 = const(5)
_Scheduled_AC_CLReqControlMode__EVPresentActivePower = const(9)
_Scheduled_AC_CLReqControlMode__EVPresentActivePower_L2 = const(10)
_Scheduled_AC_CLReqControlMode__EVPresentActivePower_L3 = const(11)
_responseCode__FAILED = const(21)
# slots: end


def _selected(f, req):
    """The mode block of the selected kind; any other kind is refused (R-LOOP-01, [V2G20-1600])."""
    if f.dynamic:
        at = (
            _AC_ChargeLoopReq__BPT_Dynamic_AC_CLReqControlMode
            if f.bpt
            else _AC_ChargeLoopReq__Dynamic_AC_CLReqControlMode
        )
    else:
        at = (
            _AC_ChargeLoopReq__BPT_Scheduled_AC_CLReqControlMode
            if f.bpt
            else _AC_ChargeLoopReq__Scheduled_AC_CLReqControlMode
        )
    if req[at] is None:
        raise PeerError(_responseCode__FAILED, "control mode is not the selected one")
    return req[at]


def _sum(block, at, at_l2, at_l3):
    """Sum over the lines in W, or None if the vehicle left it out (R-LOOP-12)."""
    if block[at] is None:
        return None
    w = rational.to_int(block[at])
    for i in (at_l2, at_l3):
        if block[i] is not None:
            w += rational.to_int(block[i])
    return w


def loop(f, req):
    b = _selected(f, req)
    display(f, req[_AC_ChargeLoopReq__DisplayParameters])
    out = None
    if f.dynamic:
        high = _sum(
            b,
            _Dynamic_AC_CLReqControlMode__EVMaximumChargePower,
            _Dynamic_AC_CLReqControlMode__EVMaximumChargePower_L2,
            _Dynamic_AC_CLReqControlMode__EVMaximumChargePower_L3,
        )
        present = _sum(
            b,
            _Dynamic_AC_CLReqControlMode__EVPresentActivePower,
            _Dynamic_AC_CLReqControlMode__EVPresentActivePower_L2,
            _Dynamic_AC_CLReqControlMode__EVPresentActivePower_L3,
        )
        f.ev_min_energy_wh = rational.to_int(b[_Dynamic_AC_CLReqControlMode__EVMinimumEnergyRequest])
        if f.bpt:
            out = _sum(
                b,
                _BPT_Dynamic_AC_CLReqControlMode__EVMaximumDischargePower,
                _BPT_Dynamic_AC_CLReqControlMode__EVMaximumDischargePower_L2,
                _BPT_Dynamic_AC_CLReqControlMode__EVMaximumDischargePower_L3,
            )
    else:
        high = _sum(
            b,
            _Scheduled_AC_CLReqControlMode__EVMaximumChargePower,
            _Scheduled_AC_CLReqControlMode__EVMaximumChargePower_L2,
            _Scheduled_AC_CLReqControlMode__EVMaximumChargePower_L3,
        )
        present = _sum(
            b,
            _Scheduled_AC_CLReqControlMode__EVPresentActivePower,
            _Scheduled_AC_CLReqControlMode__EVPresentActivePower_L2,
            _Scheduled_AC_CLReqControlMode__EVPresentActivePower_L3,
        )
        if f.bpt:
            out = _sum(
                b,
                _BPT_Scheduled_AC_CLReqControlMode__EVMaximumDischargePower,
                _BPT_Scheduled_AC_CLReqControlMode__EVMaximumDischargePower_L2,
                _BPT_Scheduled_AC_CLReqControlMode__EVMaximumDischargePower_L3,
            )
    # An absent value does not overwrite a known one (R-LOOP-11, R-LOOP-12); a new one may only narrow what parameter
    # discovery said (R-LOOP-03).
    if high is not None:
        f.ev_max_charge_w = min(max(high, 0), f.ev_top_charge_w)
    if out is not None:
        f.ev_max_discharge_w = min(abs(out), f.ev_top_discharge_w)
    f.ev_present_w = present
    f.target_w = target_w(f)
    res = reply.ok(f, _MSG_AC_ChargeLoopRes)
    res[_AC_ChargeLoopRes__EVSEStatus], res[_AC_ChargeLoopRes__MeterInfo] = common(
        f, req[_AC_ChargeLoopReq__MeterInfoRequested]
    )
    return res, AC_LOOP
