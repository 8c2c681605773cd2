"""DC_ChargeLoop in its four kinds (Scheduled and Dynamic, plain and BPT)."""

from codec import rational
from codec.slots import (
    MSG,
    BPT_Dynamic_DC_CLReqControlMode,
    BPT_Scheduled_DC_CLReqControlMode,
    DC_ChargeLoopReq,
    DC_ChargeLoopRes,
    Dynamic_DC_CLReqControlMode,
    Scheduled_DC_CLReqControlMode,
)
from firmware.session.ceiling import target_w
from firmware.session.iso20 import messages
from firmware.session.iso20.loop import common, display, energies, selected
from firmware.session.iso20.states import DC_LOOP, STOPPING

_BLOCKS = (
    DC_ChargeLoopReq.Scheduled_DC_CLReqControlMode,
    DC_ChargeLoopReq.BPT_Scheduled_DC_CLReqControlMode,
    DC_ChargeLoopReq.Dynamic_DC_CLReqControlMode,
    DC_ChargeLoopReq.BPT_Dynamic_DC_CLReqControlMode,
)


def _limits(car, w, ma, max_mv, min_mv, out_w, out_ma, least_w, least_out_w):
    car.limits.narrow(
        car.first,
        _int(w),
        _milli(ma),
        _milli(max_mv),
        _milli(min_mv),
        _int(out_w),
        _milli(out_ma),
        _int(least_w),
        _int(least_out_w),
    )


def _int(value):
    return None if value is None else rational.to_int(value)


def _milli(value):
    return None if value is None else rational.to_milli(value)


def loop(f, req):
    """The vehicle's limits and wishes come in; measurements, the limits that hold, meter and the
    wish to end go out (R-LOOP-02, R-LOOP-04, R-METER-01)."""
    b = selected(f, req, _BLOCKS)
    display(f, req[DC_ChargeLoopReq.DisplayParameters])
    f.car.present_mv = rational.to_milli(req[DC_ChargeLoopReq.EVPresentVoltage])
    if f.session.dynamic:
        energies(
            f,
            b[Dynamic_DC_CLReqControlMode.EVMinimumEnergyRequest],
            b[BPT_Dynamic_DC_CLReqControlMode.EVMinimumV2XEnergyRequest] if f.session.bpt else None,
        )
        _limits(
            f.car,
            b[Dynamic_DC_CLReqControlMode.EVMaximumChargePower],
            b[Dynamic_DC_CLReqControlMode.EVMaximumChargeCurrent],
            b[Dynamic_DC_CLReqControlMode.EVMaximumVoltage],
            b[Dynamic_DC_CLReqControlMode.EVMinimumVoltage],
            b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargePower] if f.session.bpt else None,
            b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargeCurrent] if f.session.bpt else None,
            b[Dynamic_DC_CLReqControlMode.EVMinimumChargePower],
            b[BPT_Dynamic_DC_CLReqControlMode.EVMinimumDischargePower] if f.session.bpt else None,
        )
    else:
        energies(f, b[Scheduled_DC_CLReqControlMode.EVMinimumEnergyRequest], None)
        # More than allowed is no failure: the power stage clamps (R-LOOP-02, [V2G20-2188]).
        f.car.target_ma = rational.to_milli(b[Scheduled_DC_CLReqControlMode.EVTargetCurrent])
        target_mv = rational.to_milli(b[Scheduled_DC_CLReqControlMode.EVTargetVoltage])
        if target_mv > 0:  # 0 V with a current: keep the last voltage
            f.car.target_mv = target_mv
        _limits(
            f.car,
            b[Scheduled_DC_CLReqControlMode.EVMaximumChargePower],
            b[Scheduled_DC_CLReqControlMode.EVMaximumChargeCurrent],
            b[Scheduled_DC_CLReqControlMode.EVMaximumVoltage],
            b[Scheduled_DC_CLReqControlMode.EVMinimumVoltage],
            b[BPT_Scheduled_DC_CLReqControlMode.EVMaximumDischargePower] if f.session.bpt else None,
            b[BPT_Scheduled_DC_CLReqControlMode.EVMaximumDischargeCurrent] if f.session.bpt else None,
            b[Scheduled_DC_CLReqControlMode.EVMinimumChargePower],
            b[BPT_Scheduled_DC_CLReqControlMode.EVMinimumDischargePower] if f.session.bpt else None,
        )
    status, meter = common(f, req[DC_ChargeLoopReq.MeterInfoRequested])  # first: a stop lowers the target
    f.wanted.target_w = target_w(f)
    f.steer()  # the flags of the answer are those of what is commanded now (R-LOOP-05)
    res = messages.ok(f, MSG.DC_ChargeLoopReq)
    res[DC_ChargeLoopRes.EVSEStatus] = status
    res[DC_ChargeLoopRes.MeterInfo] = meter
    return res, DC_LOOP


def unpowered(f, req):
    """A vehicle that has not read the Terminate in the answer to its Start goes on with the loop:
    it reads it here. Nothing is energised, the limits are 0 (R-STATUS-06)."""
    return loop(f, req)[0], STOPPING
