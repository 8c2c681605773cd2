"""PowerDelivery: the gate to and from the charge loop."""

from codec import rational
from codec.slots import (
    MSG,
    ChargeProgress,
    EVPowerProfile,
    EVPowerProfileEntryList,
    PowerDeliveryReq,
    PowerDeliveryRes,
    PowerScheduleEntry,
    Processing,
    ResponseCode,
    Scheduled_EVPPTControlMode,
)
from firmware.session.codes import ASK_POWER, ASK_STOP, DC, WAIT
from firmware.session.facts import PeerError
from firmware.session.iso20 import messages, reply
from firmware.session.iso20.schedule import TUPLE_ID
from firmware.session.iso20.states import (
    AC_LOOP,
    AC_START,
    CABLE_CHECK,
    DC_LOOP,
    PRECHARGE,
    STOP,
    STOPPING,
    WELDING,
)

# IEC 61851-23: the vehicle closes its contactors within 20 V of its own voltage.
_PRECHARGE_WINDOW_MV = 20_000


def _answer(f, state, code=None):
    res = messages.ok(f, MSG.PowerDeliveryReq)
    if code is not None:
        res[PowerDeliveryRes.ResponseCode] = code
    if f.stop_wish:
        res[PowerDeliveryRes.EVSEStatus] = reply.terminate(f)  # R-STATUS-06
    return res, state


def _to_stop(f, req):
    return _opened(f, STOP, _to_stop)


def _to_stopping(f, req):
    return _opened(f, STOPPING, _to_stopping)


def _to_welding(f, req):
    return _opened(f, WELDING, _to_welding)


def _opened(f, state, again):
    """Power path off before the answer, because the vehicle leaves state C on it (R-POWER-02)."""
    f.wanted.ask = ASK_STOP
    if not f.station.path_off and f.waited_ms < f.cfg["off_timeout_ms"]:
        return WAIT, again
    if f.station.contactor:
        raise PeerError(ResponseCode.FAILED_ContactorError, "contactor still closed after stop")  # R-POWER-07
    return _answer(f, state)


def _waiting(f, req, here):
    """What every PowerDelivery has in common before it may act: an answer that stays `here`, or
    None. A warning changes nothing (R-ERRORS-04)."""
    progress = req[PowerDeliveryReq.ChargeProgress]
    if progress == ChargeProgress.Standby:
        return _answer(f, here, ResponseCode.WARNING_StandbyNotAllowed)  # R-POWER-12, D-20
    if progress == ChargeProgress.ScheduleRenegotiation:
        return _answer(f, here, ResponseCode.WARNING_ScheduleRenegotiationFailed)
    if progress == ChargeProgress.Start and req[PowerDeliveryReq.EVProcessing] != Processing.Finished:
        return _answer(f, here)  # a poll: answer OK, decide nothing (R-POWER-03)
    return None


def _check_profile(f, req):
    """The vehicle's profile against what was offered (R-POWER-08, R-POWER-09)."""
    profile = req[PowerDeliveryReq.EVPowerProfile]
    if f.session.dynamic:
        if profile and profile[EVPowerProfile.Scheduled_EVPPTControlMode] is not None:
            raise PeerError(ResponseCode.FAILED_EVPowerProfileInvalid, "profile of the other control mode")
        return
    if profile is None or profile[EVPowerProfile.Scheduled_EVPPTControlMode] is None:
        raise PeerError(ResponseCode.FAILED_EVPowerProfileInvalid, "no scheduled profile")
    mode = profile[EVPowerProfile.Scheduled_EVPPTControlMode]
    if mode[Scheduled_EVPPTControlMode.SelectedScheduleTupleID] != TUPLE_ID:
        raise PeerError(ResponseCode.FAILED_ScheduleSelectionInvalid, "schedule tuple not offered")
    high_w = f.session.plan_charge_w
    low_w = -f.session.plan_discharge_w
    entries = profile[EVPowerProfile.EVPowerProfileEntries]
    for entry in entries[EVPowerProfileEntryList.EVPowerProfileEntry]:
        w = rational.to_int(entry[PowerScheduleEntry.Power])
        for at in (PowerScheduleEntry.Power_L2, PowerScheduleEntry.Power_L3):
            if entry[at] is not None:
                w += rational.to_int(entry[at])
        if not low_w <= w <= high_w and not f.cfg["lenient_ev_values"]:
            raise PeerError(ResponseCode.FAILED_EVPowerProfileInvalid, "profile outside the offer")


def before_power(f, req):
    """DC may leave out cable check and pre-charge only on the way to a stop (R-DC-SAFETY-01,
    R-POWER-01)."""
    progress = req[PowerDeliveryReq.ChargeProgress]
    if progress == ChargeProgress.Start:
        raise PeerError(ResponseCode.FAILED_SequenceError, "start without cable check and pre-charge")
    return _waiting(f, req, CABLE_CHECK) or _to_stop(f, req)


def _check_precharge(f):
    if not f.session.precharge_finished and f.cfg["strict_precharge_order"]:
        raise PeerError(ResponseCode.FAILED_SequenceError, "pre-charge still ongoing")  # D-04
    if f.cfg["lenient_ev_values"]:
        return
    mv = f.station.mv
    if abs(mv - f.wanted.mv) > _PRECHARGE_WINDOW_MV:
        raise PeerError(ResponseCode.FAILED_PowerDeliveryNotApplied, "output is not at the pre-charge voltage")
    # A target at the edge of a range is reached within the same window (R-DC-SAFETY-12).
    low_mv = max(f.cfg["dc_min_voltage_mv"], f.car.limits.min_mv) - _PRECHARGE_WINDOW_MV
    high_mv = min(f.cfg["dc_max_voltage_mv"], f.car.limits.max_mv) + _PRECHARGE_WINDOW_MV
    if not low_mv <= mv <= high_mv:
        raise PeerError(ResponseCode.FAILED_PowerDeliveryNotApplied, "output outside of what both sides can do")


def start(f, req):
    """PowerDelivery in the phase that waits for Start."""
    dc = f.session.current == DC
    waiting = _waiting(f, req, PRECHARGE if dc else AC_START)
    if waiting:
        return waiting
    if req[PowerDeliveryReq.ChargeProgress] == ChargeProgress.Stop:
        return _to_stop(f, req)  # never on to the loop (R-POWER-01)
    if dc and not f.session.precharges:
        raise PeerError(ResponseCode.FAILED_SequenceError, "start without pre-charge")
    if f.stop_wish:
        return _to_stopping(f, req)  # told here, and nothing closes (R-STATUS-06)
    if f.station.pilot_cut:
        raise PeerError(ResponseCode.FAILED_PowerDeliveryNotApplied, "pilot left state C")
    if dc:
        _check_precharge(f)
    _check_profile(f, req)
    f.wanted.ask = ASK_POWER
    return _closed(f, req)


def _closed(f, req):
    """The answer to Start once the contactor is closed; a wish to stop that comes meanwhile is
    heard (R-POWER-06)."""
    if f.stop_wish:
        return _to_stopping(f, req)
    if f.station.pilot_cut:
        raise PeerError(ResponseCode.FAILED_PowerDeliveryNotApplied, "pilot left state C")
    # The level first, then the edge: it may have closed before (R-POWER-04); what counts is the
    # value (R-POWER-05).
    if not f.station.contactor:
        if f.waited_ms < f.cfg["contactor_timeout_ms"]:
            return WAIT, _closed
        raise PeerError(ResponseCode.FAILED_ContactorError, "contactor did not close")
    return _answer(f, DC_LOOP if f.session.current == DC else AC_LOOP)


def in_loop(f, req):
    """PowerDelivery in the charge loop: Stop, or a wish that is not served; Start is out of order
    here."""
    dc = f.session.current == DC
    here = DC_LOOP if dc else AC_LOOP
    waiting = _waiting(f, req, here)
    if waiting:
        return waiting
    if req[PowerDeliveryReq.ChargeProgress] == ChargeProgress.Start:
        raise PeerError(ResponseCode.FAILED_SequenceError, "start while charging")
    return _to_welding(f, req) if dc else _to_stop(f, req)


def again(f, req):
    """PowerDelivery(Stop) where nothing is energised any more: answered OK once more (R-POWER-01);
    there is no other way back to the loop."""
    if req[PowerDeliveryReq.ChargeProgress] != ChargeProgress.Stop:
        raise PeerError(ResponseCode.FAILED_SequenceError, "start after the stop")
    return _to_stop(f, req)
