"""AC_ChargeLoop in its four kinds (Scheduled and Dynamic, plain and BPT)."""

from codec import rational
from codec.slots import (
    MSG,
    AC_ChargeLoopReq,
    AC_ChargeLoopRes,
    BPT_Dynamic_AC_CLReqControlMode,
    BPT_Scheduled_AC_CLReqControlMode,
    Dynamic_AC_CLReqControlMode,
    ResponseCode,
    Scheduled_AC_CLReqControlMode,
)
from firmware.session.facts import PeerError
from firmware.session.iso20 import messages
from firmware.session.iso20.loop import common, display, target_w
from firmware.session.iso20.states import AC_LOOP


def _selected(f, req):
    """The mode block of the selected kind; any other kind is refused (R-LOOP-01, [V2G20-1600])."""
    if f.dynamic:
        at = AC_ChargeLoopReq.BPT_Dynamic_AC_CLReqControlMode if f.bpt else AC_ChargeLoopReq.Dynamic_AC_CLReqControlMode
    else:
        at = (
            AC_ChargeLoopReq.BPT_Scheduled_AC_CLReqControlMode
            if f.bpt
            else AC_ChargeLoopReq.Scheduled_AC_CLReqControlMode
        )
    if req[at] is None:
        raise PeerError(ResponseCode.FAILED, "control mode is not the selected one")
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
    display(f, req[AC_ChargeLoopReq.DisplayParameters])
    out = None
    if f.dynamic:
        high = _sum(
            b,
            Dynamic_AC_CLReqControlMode.EVMaximumChargePower,
            Dynamic_AC_CLReqControlMode.EVMaximumChargePower_L2,
            Dynamic_AC_CLReqControlMode.EVMaximumChargePower_L3,
        )
        present = _sum(
            b,
            Dynamic_AC_CLReqControlMode.EVPresentActivePower,
            Dynamic_AC_CLReqControlMode.EVPresentActivePower_L2,
            Dynamic_AC_CLReqControlMode.EVPresentActivePower_L3,
        )
        f.ev_min_energy_wh = rational.to_int(b[Dynamic_AC_CLReqControlMode.EVMinimumEnergyRequest])
        if f.bpt:
            out = _sum(
                b,
                BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower,
                BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower_L2,
                BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower_L3,
            )
    else:
        high = _sum(
            b,
            Scheduled_AC_CLReqControlMode.EVMaximumChargePower,
            Scheduled_AC_CLReqControlMode.EVMaximumChargePower_L2,
            Scheduled_AC_CLReqControlMode.EVMaximumChargePower_L3,
        )
        present = _sum(
            b,
            Scheduled_AC_CLReqControlMode.EVPresentActivePower,
            Scheduled_AC_CLReqControlMode.EVPresentActivePower_L2,
            Scheduled_AC_CLReqControlMode.EVPresentActivePower_L3,
        )
        if f.bpt:
            out = _sum(
                b,
                BPT_Scheduled_AC_CLReqControlMode.EVMaximumDischargePower,
                BPT_Scheduled_AC_CLReqControlMode.EVMaximumDischargePower_L2,
                BPT_Scheduled_AC_CLReqControlMode.EVMaximumDischargePower_L3,
            )
    # An absent value does not overwrite a known one (R-LOOP-11, R-LOOP-12); a new one may only narrow what parameter
    # discovery said (R-LOOP-03).
    if high is not None:
        f.ev_max_charge_w = min(max(high, 0), f.ev_top_charge_w)
    if out is not None:
        f.ev_max_discharge_w = min(abs(out), f.ev_top_discharge_w)
    f.ev_present_w = present
    f.target_w = target_w(f)
    res = messages.ok(f, MSG.AC_ChargeLoopReq)
    res[AC_ChargeLoopRes.EVSEStatus], res[AC_ChargeLoopRes.MeterInfo] = common(
        f, req[AC_ChargeLoopReq.MeterInfoRequested]
    )
    return res, AC_LOOP
