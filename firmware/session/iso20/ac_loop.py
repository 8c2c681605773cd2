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
from firmware.session.ceiling import share, target_w
from firmware.session.iso20 import messages
from firmware.session.iso20.lines import narrow, total_w
from firmware.session.iso20.loop import common, display, energies, selected
from firmware.session.iso20.states import AC_LOOP, STOPPING

_BLOCKS = (
    AC_ChargeLoopReq.Scheduled_AC_CLReqControlMode,
    AC_ChargeLoopReq.BPT_Scheduled_AC_CLReqControlMode,
    AC_ChargeLoopReq.Dynamic_AC_CLReqControlMode,
    AC_ChargeLoopReq.BPT_Dynamic_AC_CLReqControlMode,
)


def _dynamic(f, b):
    bpt = f.session.bpt
    energies(
        f,
        b[Dynamic_AC_CLReqControlMode.EVMinimumEnergyRequest],
        b[BPT_Dynamic_AC_CLReqControlMode.EVMinimumV2XEnergyRequest] if bpt else None,
    )
    narrow(
        f,
        b,
        Dynamic_AC_CLReqControlMode.EVMaximumChargePower,
        Dynamic_AC_CLReqControlMode.EVMinimumChargePower,
        BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower if bpt else None,
        BPT_Dynamic_AC_CLReqControlMode.EVMinimumDischargePower if bpt else None,
    )
    f.car.present_w = total_w(f, b, Dynamic_AC_CLReqControlMode.EVPresentActivePower)


def _scheduled(f, b):
    bpt = f.session.bpt
    energies(f, b[Scheduled_AC_CLReqControlMode.EVMinimumEnergyRequest], None)
    narrow(
        f,
        b,
        Scheduled_AC_CLReqControlMode.EVMaximumChargePower,
        Scheduled_AC_CLReqControlMode.EVMinimumChargePower,
        BPT_Scheduled_AC_CLReqControlMode.EVMaximumDischargePower if bpt else None,
        BPT_Scheduled_AC_CLReqControlMode.EVMinimumDischargePower if bpt else None,
    )
    f.car.present_w = total_w(f, b, Scheduled_AC_CLReqControlMode.EVPresentActivePower)


def loop(f, req):
    """The vehicle's limits and present power come in; set-point, meter and the wish to end go out
    (R-LOOP-07, R-METER-01)."""
    b = selected(f, req, _BLOCKS)
    display(f, req[AC_ChargeLoopReq.DisplayParameters])
    (_dynamic if f.session.dynamic else _scheduled)(f, b)
    status, meter = common(f, req[AC_ChargeLoopReq.MeterInfoRequested])  # first: a stop lowers the target
    f.wanted.target_w = target_w(f)
    share(f, f.wanted.target_w, f.wanted.line_w)
    res = messages.ok(f, MSG.AC_ChargeLoopReq)
    res[AC_ChargeLoopRes.EVSEStatus] = status
    res[AC_ChargeLoopRes.MeterInfo] = meter
    return res, AC_LOOP


def unpowered(f, req):
    """A vehicle that has not read the Terminate in the answer to its Start goes on with the loop:
    it reads it here. Nothing is energised, the limits are 0 (R-STATUS-06)."""
    return loop(f, req)[0], STOPPING
