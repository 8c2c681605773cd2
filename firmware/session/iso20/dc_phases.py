"""DC CableCheck, PreCharge and WeldingDetection."""

from codec import rational
from codec.slots import (
    MSG,
    DC_CableCheckRes,
    DC_PreChargeReq,
    Processing,
    ResponseCode,
)
from firmware.session.codes import ASK_PRECHARGE, ASK_TEST, TEST_FAILED, TEST_PASSED
from firmware.session.facts import PeerError
from firmware.session.iso20 import messages
from firmware.session.iso20.states import CABLE_CHECK, PRECHARGE, WELDING


def test_voltage_mv(f):
    """Voltage of the insulation test by the vehicle's class (R-DC-SAFETY-04)."""
    station_mv = f.cfg["dc_max_voltage_mv"]
    if f.car.limits.max_mv <= 500_000:
        return min(500_000, f.car.limits.max_mv + 50_000, station_mv)
    return min(station_mv, f.car.limits.max_mv + f.car.limits.max_mv // 10)


def cable_check(f, req):
    """Ongoing while the test runs; a failed one is FAILED and the phase is bounded (R-DC-SAFETY-02,
    -03)."""
    res = messages.ok(f, MSG.DC_CableCheckReq)
    if f.wanted.ask != ASK_TEST:
        f.wanted.ask = ASK_TEST
        f.wanted.mv = test_voltage_mv(f)
    if f.station.insulation == TEST_PASSED:
        return res, PRECHARGE
    if f.station.insulation == TEST_FAILED:
        raise PeerError(ResponseCode.FAILED, "insulation test failed")
    if f.in_state_ms >= f.cfg["cable_check_timeout_ms"]:
        raise PeerError(ResponseCode.FAILED, "insulation test not done in time")
    res[DC_CableCheckRes.EVSEProcessing] = Processing.Ongoing
    return res, CABLE_CHECK


def precharge(f, req):
    """Drive toward the vehicle's target inside both sides' limits; answer with the measured voltage
    (R-DC-SAFETY-08)."""
    if f.in_state_ms >= f.cfg["precharge_timeout_ms"]:
        raise PeerError(ResponseCode.FAILED, "pre-charge not done in time")
    target_mv = rational.to_milli(req[DC_PreChargeReq.EVTargetVoltage])
    # What no battery of this car can have is no target: 0 V would be "pre-charged" at once
    # (R-DC-SAFETY-12).
    low_mv = min(f.cfg["dc_min_voltage_mv"], f.car.limits.min_mv)
    if target_mv <= 0 or (target_mv < low_mv and not f.cfg["lenient_ev_values"]):
        raise PeerError(ResponseCode.FAILED, "pre-charge target below both minima")
    f.wanted.ask = ASK_PRECHARGE
    top_mv = min(f.cfg["dc_max_voltage_mv"], f.car.limits.max_mv)
    f.wanted.mv = min(target_mv, top_mv)
    if target_mv > top_mv and f.cfg["lenient_ev_values"]:
        # A simulated car that wants 20 kV: at the top nothing could flow into its battery.
        f.wanted.mv = (top_mv + max(f.cfg["dc_min_voltage_mv"], f.car.limits.min_mv)) // 2
    f.car.present_mv = rational.to_milli(req[DC_PreChargeReq.EVPresentVoltage])
    f.session.precharges += 1
    f.session.precharge_finished = req[DC_PreChargeReq.EVProcessing] == Processing.Finished
    return messages.ok(f, MSG.DC_PreChargeReq), PRECHARGE


def welding(f, req):
    """Contactors are open since PowerDelivery(Stop), so the measured voltage means something
    (R-DC-SAFETY-09, -10)."""
    return messages.ok(f, MSG.DC_WeldingDetectionReq), WELDING
