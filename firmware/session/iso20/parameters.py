"""AC and DC ChargeParameterDiscovery: the vehicle's limits come in, the station's go out."""

from codec import rational
from codec.slots import (
    MSG,
    AC_ChargeParameterDiscoveryReq,
    AC_CPDReqEnergyTransferMode,
    BPT_AC_CPDReqEnergyTransferMode,
    BPT_DC_CPDReqEnergyTransferMode,
    DC_ChargeParameterDiscoveryReq,
    DC_CPDReqEnergyTransferMode,
    ResponseCode,
)
from firmware.session import facts as _f
from firmware.session.facts import PeerError, offered_max_charge_w
from firmware.session.iso20 import messages
from firmware.session.iso20.states import SCHEDULE


def _wrong(note):
    raise PeerError(ResponseCode.FAILED_WrongChargeParameter, note)


def _block(f, plain, bpt, family):
    """The mode element must fit the selected service in both directions of error (R-CPD-01, [V2G20-1619])."""
    if f.family != family:
        raise PeerError(ResponseCode.FAILED_SequenceError, "parameters of the other current")
    block, other = (bpt, plain) if f.bpt else (plain, bpt)
    if block is None or other is not None:
        _wrong("mode element does not fit the service")
    return block


def _range(f, low, high, name):
    if low > high and not f.cfg["lenient_ev_values"]:
        _wrong(name)


def _sum(block, at, at_l2, at_l3):
    """Power in W over all lines; the unsuffixed field is the sum, or L1 once suffixes are there (R-CPD-05)."""
    w = rational.to_int(block[at])
    for i in (at_l2, at_l3):
        if block[i] is not None:
            w += rational.to_int(block[i])
    return w


def ac(f, req):
    b = _block(
        f,
        req[AC_ChargeParameterDiscoveryReq.AC_CPDReqEnergyTransferMode],
        req[AC_ChargeParameterDiscoveryReq.BPT_AC_CPDReqEnergyTransferMode],
        _f.AC,
    )
    f.per_phase = (
        b[AC_CPDReqEnergyTransferMode.EVMaximumChargePower_L2] is not None
        or b[AC_CPDReqEnergyTransferMode.EVMaximumChargePower_L3] is not None
    )
    high = _sum(
        b,
        AC_CPDReqEnergyTransferMode.EVMaximumChargePower,
        AC_CPDReqEnergyTransferMode.EVMaximumChargePower_L2,
        AC_CPDReqEnergyTransferMode.EVMaximumChargePower_L3,
    )
    low = _sum(
        b,
        AC_CPDReqEnergyTransferMode.EVMinimumChargePower,
        AC_CPDReqEnergyTransferMode.EVMinimumChargePower_L2,
        AC_CPDReqEnergyTransferMode.EVMinimumChargePower_L3,
    )
    _range(f, low, high, "EVMinimumChargePower above EVMaximumChargePower")
    _range(f, low, offered_max_charge_w(f), "EVMinimumChargePower above the station's maximum")  # R-CPD-03
    f.ev_max_charge_w = f.ev_top_charge_w = max(high, 0)
    if f.bpt:
        # Limits are magnitudes; some vehicles send them negative (D-02).
        out = abs(
            _sum(
                b,
                BPT_AC_CPDReqEnergyTransferMode.EVMaximumDischargePower,
                BPT_AC_CPDReqEnergyTransferMode.EVMaximumDischargePower_L2,
                BPT_AC_CPDReqEnergyTransferMode.EVMaximumDischargePower_L3,
            )
        )
        low = abs(
            _sum(
                b,
                BPT_AC_CPDReqEnergyTransferMode.EVMinimumDischargePower,
                BPT_AC_CPDReqEnergyTransferMode.EVMinimumDischargePower_L2,
                BPT_AC_CPDReqEnergyTransferMode.EVMinimumDischargePower_L3,
            )
        )
        _range(f, low, out, "EVMinimumDischargePower above EVMaximumDischargePower")
        f.ev_max_discharge_w = f.ev_top_discharge_w = out
    return messages.ok(f, MSG.AC_ChargeParameterDiscoveryReq), SCHEDULE


def dc(f, req):
    b = _block(
        f,
        req[DC_ChargeParameterDiscoveryReq.DC_CPDReqEnergyTransferMode],
        req[DC_ChargeParameterDiscoveryReq.BPT_DC_CPDReqEnergyTransferMode],
        _f.DC,
    )
    cfg = f.cfg
    high_w = rational.to_int(b[DC_CPDReqEnergyTransferMode.EVMaximumChargePower])
    low_w = rational.to_int(b[DC_CPDReqEnergyTransferMode.EVMinimumChargePower])
    high_ma = rational.to_milli(b[DC_CPDReqEnergyTransferMode.EVMaximumChargeCurrent])
    low_ma = rational.to_milli(b[DC_CPDReqEnergyTransferMode.EVMinimumChargeCurrent])
    high_mv = rational.to_milli(b[DC_CPDReqEnergyTransferMode.EVMaximumVoltage])
    low_mv = rational.to_milli(b[DC_CPDReqEnergyTransferMode.EVMinimumVoltage])
    _range(f, low_w, high_w, "EVMinimumChargePower above EVMaximumChargePower")
    _range(f, low_ma, high_ma, "EVMinimumChargeCurrent above EVMaximumChargeCurrent")
    _range(f, low_mv, high_mv, "EVMinimumVoltage above EVMaximumVoltage")
    _range(f, low_w, cfg["dc_max_charge_w"], "EVMinimumChargePower above the station's maximum")  # R-CPD-03
    _range(f, low_ma, cfg["dc_max_charge_ma"], "EVMinimumChargeCurrent above the station's maximum")
    _range(f, cfg["dc_min_voltage_mv"], high_mv, "EVMaximumVoltage below the station's minimum")
    _range(f, low_mv, cfg["dc_max_voltage_mv"], "EVMinimumVoltage above the station's maximum")
    f.ev_max_charge_w = f.ev_top_charge_w = max(high_w, 0)
    f.ev_max_charge_ma = f.ev_top_charge_ma = max(high_ma, 0)
    f.ev_max_mv = f.ev_top_mv = max(high_mv, 0)
    f.ev_min_mv = f.ev_floor_mv = max(low_mv, 0)
    if f.bpt:
        out_w = abs(rational.to_int(b[BPT_DC_CPDReqEnergyTransferMode.EVMaximumDischargePower]))
        low_w = abs(rational.to_int(b[BPT_DC_CPDReqEnergyTransferMode.EVMinimumDischargePower]))
        _range(f, low_w, out_w, "EVMinimumDischargePower above EVMaximumDischargePower")
        f.ev_max_discharge_w = f.ev_top_discharge_w = out_w
        f.ev_max_discharge_ma = f.ev_top_discharge_ma = abs(
            rational.to_milli(b[BPT_DC_CPDReqEnergyTransferMode.EVMaximumDischargeCurrent])
        )
    return messages.ok(f, MSG.DC_ChargeParameterDiscoveryReq), SCHEDULE
