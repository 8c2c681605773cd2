"""What a car of Scheduled control takes from the answers of the station: how much power it may
plan, and how much it may draw or give now."""

from codec.rational import to_int
from codec.slots import (
    AC_ChargeLoopRes,
    BPT_Scheduled_DC_CLResControlMode,
    ChargingSchedule,
    DC_ChargeLoopRes,
    PowerSchedule,
    PowerScheduleEntry,
    PowerScheduleEntryList,
    Scheduled_AC_CLResControlMode,
    Scheduled_DC_CLResControlMode,
    Scheduled_SEResControlMode,
    ScheduleExchangeRes,
    ScheduleTuple,
)

_UNTOLD_W = 1_000_000_000


def planned_w(answer):
    """Charging power in W of the first entry of the first schedule in a ScheduleExchangeRes."""
    first = answer[ScheduleExchangeRes.Scheduled_SEResControlMode][Scheduled_SEResControlMode.ScheduleTuple][0]
    power = first[ScheduleTuple.ChargingSchedule][ChargingSchedule.PowerSchedule]
    entries = power[PowerSchedule.PowerScheduleEntries][PowerScheduleEntryList.PowerScheduleEntry]
    return to_int(entries[0][PowerScheduleEntry.Power])


def scheduled_ceiling_w(answer, dc, bpt):
    """(most charging, most discharging) in W, magnitudes, that a ChargeLoopRes leaves to the
    car."""
    if dc:
        b = answer[DC_ChargeLoopRes.BPT_Scheduled_DC_CLResControlMode if bpt
                   else DC_ChargeLoopRes.Scheduled_DC_CLResControlMode]  # fmt: skip
        out = to_int(b[BPT_Scheduled_DC_CLResControlMode.EVSEMaximumDischargePower]) if bpt else 0
        return to_int(b[Scheduled_DC_CLResControlMode.EVSEMaximumChargePower]), abs(out)
    b = answer[AC_ChargeLoopRes.BPT_Scheduled_AC_CLResControlMode if bpt
               else AC_ChargeLoopRes.Scheduled_AC_CLResControlMode]  # fmt: skip
    target = b[Scheduled_AC_CLResControlMode.EVSETargetActivePower]
    if target is None:
        return _UNTOLD_W, _UNTOLD_W
    w = to_int(target)
    return max(w, 0), max(-w, 0)
