"""ScheduleExchange: one tuple of one entry, as high as station and operator allow at this moment
(Scheduled; R-SCHEDULE-04, -06, -10), or the empty frame of Dynamic control."""

from codec import rational
from codec.slots import (
    MSG,
    Dynamic_SEReqControlMode,
    PowerScheduleEntry,
    Processing,
    ResponseCode,
    Scheduled_SEReqControlMode,
    ScheduleExchangeReq,
    ScheduleExchangeRes,
)
from firmware.session.ceiling import plan_w
from firmware.session.codes import DC
from firmware.session.facts import PeerError
from firmware.session.iso20 import messages, reply
from firmware.session.iso20.loop import energies
from firmware.session.iso20.states import AC_START, CABLE_CHECK, SCHEDULE

TUPLE_ID = 1
_DAY_S = 86400


def _entry(duration_s, w):
    e = [None] * PowerScheduleEntry.LEN
    e[PowerScheduleEntry.Duration] = duration_s
    e[PowerScheduleEntry.Power] = rational.from_int(w)
    return e


def exchange(f, req):
    """Answer in the mode that was selected; the other one is refused (R-SCHEDULE-02,
    [V2G20-1600])."""
    dynamic = req[ScheduleExchangeReq.Dynamic_SEReqControlMode]
    scheduled = req[ScheduleExchangeReq.Scheduled_SEReqControlMode]
    if (dynamic is None) == f.session.dynamic:
        raise PeerError(ResponseCode.FAILED, "control mode is not the selected one")
    res = messages.ok(f, MSG.ScheduleExchangeReq)
    if f.in_state_ms < f.cfg["schedule_delay_ms"]:
        if f.in_state_ms >= f.cfg["ongoing_timeout_ms"]:
            raise PeerError(ResponseCode.FAILED, "no schedule in time")  # R-TIMERS-08
        res[ScheduleExchangeRes.EVSEProcessing] = Processing.Ongoing
        return res, SCHEDULE
    if f.session.dynamic:
        energies(
            f,
            dynamic[Dynamic_SEReqControlMode.EVMinimumEnergyRequest],
            dynamic[Dynamic_SEReqControlMode.EVMinimumV2XEnergyRequest],
        )
        floor = dynamic[Dynamic_SEReqControlMode.MinimumSOC]
        if floor is not None:
            f.car.min_soc = floor
    else:
        energies(f, scheduled[Scheduled_SEReqControlMode.EVMinimumEnergyRequest], None)
        # At least 24 h without a departure time; with one the plan reaches it (R-SCHEDULE-05,
        # [V2G20-1563]).
        duration_s = max(_DAY_S, scheduled[Scheduled_SEReqControlMode.DepartureTime] or 0)
        f.session.plan_charge_w, w = plan_w(f)
        f.session.plan_discharge_w = w
        charging = [_entry(duration_s, f.session.plan_charge_w)]
        discharging = None
        if f.session.bpt:  # R-SCHEDULE-09; its sign follows that of the limits (D-02)
            discharging = [_entry(duration_s, -w if f.cfg["negative_discharge_limits"] else w)]
        tuples = [reply.tuple_of(f, TUPLE_ID, charging, discharging)]
        res[ScheduleExchangeRes.Scheduled_SEResControlMode] = reply.scheduled(tuples)
    return res, CABLE_CHECK if f.session.current == DC else AC_START
