"""AC_ChargeLoop in its four kinds (Scheduled and Dynamic, plain and BPT)."""

from codec.slots import (
    MSG,
    AC_ChargeLoopReq,
    AC_ChargeLoopRes,
    BPT_Dynamic_AC_CLReqControlMode,
    BPT_Scheduled_AC_CLReqControlMode,
    Dynamic_AC_CLReqControlMode,
    Scheduled_AC_CLReqControlMode,
)
from firmware.session.ceiling import target_w
from firmware.session.iso20 import messages
from firmware.session.iso20.loop import common, display, energies, selected, total_w
from firmware.session.iso20.states import AC_LOOP

_BLOCKS = (
    AC_ChargeLoopReq.Scheduled_AC_CLReqControlMode,
    AC_ChargeLoopReq.BPT_Scheduled_AC_CLReqControlMode,
    AC_ChargeLoopReq.Dynamic_AC_CLReqControlMode,
    AC_ChargeLoopReq.BPT_Dynamic_AC_CLReqControlMode,
)


def loop(f, req):
    """The vehicle's limits and present power come in; set-point, meter and the wish to end go out
    (R-LOOP-07, R-METER-01)."""
    b = selected(f, req, _BLOCKS)
    display(f, req[AC_ChargeLoopReq.DisplayParameters])
    out = out_low = None
    if f.session.dynamic:
        high = total_w(
            b,
            Dynamic_AC_CLReqControlMode.EVMaximumChargePower,
            Dynamic_AC_CLReqControlMode.EVMaximumChargePower_L2,
            Dynamic_AC_CLReqControlMode.EVMaximumChargePower_L3,
        )
        low = total_w(
            b,
            Dynamic_AC_CLReqControlMode.EVMinimumChargePower,
            Dynamic_AC_CLReqControlMode.EVMinimumChargePower_L2,
            Dynamic_AC_CLReqControlMode.EVMinimumChargePower_L3,
        )
        present = total_w(
            b,
            Dynamic_AC_CLReqControlMode.EVPresentActivePower,
            Dynamic_AC_CLReqControlMode.EVPresentActivePower_L2,
            Dynamic_AC_CLReqControlMode.EVPresentActivePower_L3,
        )
        energies(
            f,
            b[Dynamic_AC_CLReqControlMode.EVMinimumEnergyRequest],
            b[BPT_Dynamic_AC_CLReqControlMode.EVMinimumV2XEnergyRequest] if f.session.bpt else None,
        )
        if f.session.bpt:
            out = total_w(
                b,
                BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower,
                BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower_L2,
                BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower_L3,
            )
            out_low = total_w(
                b,
                BPT_Dynamic_AC_CLReqControlMode.EVMinimumDischargePower,
                BPT_Dynamic_AC_CLReqControlMode.EVMinimumDischargePower_L2,
                BPT_Dynamic_AC_CLReqControlMode.EVMinimumDischargePower_L3,
            )
    else:
        high = total_w(
            b,
            Scheduled_AC_CLReqControlMode.EVMaximumChargePower,
            Scheduled_AC_CLReqControlMode.EVMaximumChargePower_L2,
            Scheduled_AC_CLReqControlMode.EVMaximumChargePower_L3,
        )
        low = total_w(
            b,
            Scheduled_AC_CLReqControlMode.EVMinimumChargePower,
            Scheduled_AC_CLReqControlMode.EVMinimumChargePower_L2,
            Scheduled_AC_CLReqControlMode.EVMinimumChargePower_L3,
        )
        present = total_w(
            b,
            Scheduled_AC_CLReqControlMode.EVPresentActivePower,
            Scheduled_AC_CLReqControlMode.EVPresentActivePower_L2,
            Scheduled_AC_CLReqControlMode.EVPresentActivePower_L3,
        )
        energies(f, b[Scheduled_AC_CLReqControlMode.EVMinimumEnergyRequest], None)
        if f.session.bpt:
            out = total_w(
                b,
                BPT_Scheduled_AC_CLReqControlMode.EVMaximumDischargePower,
                BPT_Scheduled_AC_CLReqControlMode.EVMaximumDischargePower_L2,
                BPT_Scheduled_AC_CLReqControlMode.EVMaximumDischargePower_L3,
            )
            out_low = total_w(
                b,
                BPT_Scheduled_AC_CLReqControlMode.EVMinimumDischargePower,
                BPT_Scheduled_AC_CLReqControlMode.EVMinimumDischargePower_L2,
                BPT_Scheduled_AC_CLReqControlMode.EVMinimumDischargePower_L3,
            )
    f.car.limits.narrow(f.car.first, high, None, None, None, out, None, low, out_low)
    f.car.present_w = present
    f.wanted.target_w = target_w(f)
    res = messages.ok(f, MSG.AC_ChargeLoopReq)
    res[AC_ChargeLoopRes.EVSEStatus], res[AC_ChargeLoopRes.MeterInfo] = common(
        f, req[AC_ChargeLoopReq.MeterInfoRequested]
    )
    return res, AC_LOOP
