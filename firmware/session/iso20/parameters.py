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
from firmware.session.ceiling import lines, offered_line_w, offered_max_charge_w, offered_max_discharge_w
from firmware.session.codes import AC, DC
from firmware.session.facts import CHARGE, DISCHARGE, LEAST_CHARGE, PeerError
from firmware.session.iso20 import messages
from firmware.session.iso20.lines import discover
from firmware.session.iso20.states import SCHEDULE


def _wrong(note):
    raise PeerError(ResponseCode.FAILED_WrongChargeParameter, note)


def _block(f, plain, bpt, family):
    """The mode element must fit the selected service in both directions of error (R-CPD-01,
    [V2G20-1619])."""
    if f.session.current != family:
        raise PeerError(ResponseCode.FAILED_SequenceError, "parameters of the other current")
    block, other = (bpt, plain) if f.session.bpt else (plain, bpt)
    if block is None or other is not None:
        _wrong("mode element does not fit the service")
    return block


def _range(f, low, high, name):
    """Refuse a contradiction (R-CPD-03, R-CPD-12)."""
    if low > high and not f.cfg["lenient_ev_values"]:
        _wrong(name)


def least_of(f, side):
    """The station's minimum over the lines that the vehicle uses, in W."""
    n = 0
    for i in range(3):
        n += lines(f) >> i & 1
    return offered_line_w(f, side + LEAST_CHARGE) * (n or f.cfg["ac_phases"])


def ac(f, req):
    """The limits of an AC vehicle, in W over all lines; contradictions are refused (R-CPD-01,
    R-CPD-03)."""
    b = _block(
        f,
        req[AC_ChargeParameterDiscoveryReq.AC_CPDReqEnergyTransferMode],
        req[AC_ChargeParameterDiscoveryReq.BPT_AC_CPDReqEnergyTransferMode],
        AC,
    )
    bpt = f.session.bpt
    discover(
        f,
        b,
        AC_CPDReqEnergyTransferMode.EVMaximumChargePower,
        AC_CPDReqEnergyTransferMode.EVMinimumChargePower,
        BPT_AC_CPDReqEnergyTransferMode.EVMaximumDischargePower if bpt else None,
        BPT_AC_CPDReqEnergyTransferMode.EVMinimumDischargePower if bpt else None,
    )
    first = f.car.first
    _range(f, first.least_charge_w, first.charge_w, "EVMinimumChargePower above EVMaximumChargePower")
    _range(
        f, first.least_charge_w, offered_max_charge_w(f), "EVMinimumChargePower above the station's maximum"
    )  # R-CPD-03
    _range(f, first.least_discharge_w, first.discharge_w, "EVMinimumDischargePower above EVMaximumDischargePower")
    _range(f, 1, max(first.charge_w, first.discharge_w), "no power either way")  # R-CPD-12
    if first.charge_w:
        _range(f, least_of(f, CHARGE), first.charge_w, "EVMaximumChargePower below the station's minimum")
    if first.discharge_w:
        _range(f, least_of(f, DISCHARGE), first.discharge_w, "EVMaximumDischargePower below the station's minimum")
        most_w = offered_max_discharge_w(f)
        _range(f, first.least_discharge_w, most_w, "EVMinimumDischargePower above the station's maximum")
    for i in range(3):
        if lines(f) & 1 << i:
            for side in (CHARGE, DISCHARGE):
                _range(
                    f,
                    first.line_w[side + LEAST_CHARGE + i],
                    first.line_w[side + i],
                    "minimum of a line above its maximum",
                )
    return messages.ok(f, MSG.AC_ChargeParameterDiscoveryReq), SCHEDULE


def dc(f, req):
    """The limits of a DC vehicle: power, current and voltage; contradictions are refused (R-CPD-01,
    R-CPD-03)."""
    b = _block(
        f,
        req[DC_ChargeParameterDiscoveryReq.DC_CPDReqEnergyTransferMode],
        req[DC_ChargeParameterDiscoveryReq.BPT_DC_CPDReqEnergyTransferMode],
        DC,
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
    if high_w > 0:  # else it may still give (R-CPD-12)
        _range(f, cfg["dc_min_charge_w"], high_w, "EVMaximumChargePower below the station's minimum")
        _range(f, max(1, cfg["dc_min_charge_ma"]), high_ma, "EVMaximumChargeCurrent below the station's minimum")
    out_w = out_ma = least_w = least_ma = 0
    if f.session.bpt:
        out_w = rational.to_int(b[BPT_DC_CPDReqEnergyTransferMode.EVMaximumDischargePower])
        least_w = rational.to_int(b[BPT_DC_CPDReqEnergyTransferMode.EVMinimumDischargePower])
        _range(f, abs(least_w), abs(out_w), "EVMinimumDischargePower above EVMaximumDischargePower")
        out_ma = rational.to_milli(b[BPT_DC_CPDReqEnergyTransferMode.EVMaximumDischargeCurrent])
        least_ma = rational.to_milli(b[BPT_DC_CPDReqEnergyTransferMode.EVMinimumDischargeCurrent])
        _range(f, abs(least_ma), abs(out_ma), "EVMinimumDischargeCurrent above EVMaximumDischargeCurrent")
        if out_w:
            _range(f, cfg["dc_min_discharge_w"], abs(out_w), "EVMaximumDischargePower below the station's minimum")
            least = max(1, cfg["dc_min_discharge_ma"])
            _range(f, least, abs(out_ma), "EVMaximumDischargeCurrent below the station's minimum")
            _range(f, abs(least_w), cfg["dc_max_discharge_w"], "EVMinimumDischargePower above the station's maximum")
            most = cfg["dc_max_discharge_ma"]
            _range(f, abs(least_ma), most, "EVMinimumDischargeCurrent above the station's maximum")
    _range(f, 1, max(high_w, abs(out_w)), "no power either way")
    for limits in (f.car.first, f.car.limits):
        limits.set(high_w, high_ma, high_mv, low_mv, out_w, out_ma, low_w, least_w, low_ma, least_ma)
    return messages.ok(f, MSG.DC_ChargeParameterDiscoveryReq), SCHEDULE
