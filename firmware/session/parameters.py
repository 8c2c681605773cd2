"""AC and DC ChargeParameterDiscovery: the vehicle's limits come in, the station's go out."""

from codec import rational
from firmware.session import facts as _f
from firmware.session import reply
from firmware.session.facts import PeerError, offered_max_charge_w
from firmware.session.states import SCHEDULE
from micropython import const

# slots: begin (make gen)
_AC_CPDReqEnergyTransferMode__EVMaximumChargePower = const(0)
_AC_CPDReqEnergyTransferMode__EVMaximumChargePower_L2 = const(1)
_AC_CPDReqEnergyTransferMode__EVMaximumChargePower_L3 = const(2)
_AC_CPDReqEnergyTransferMode__EVMinimumChargePower = const(3)
_AC_CPDReqEnergyTransferMode__EVMinimumChargePower_L2 = const(4)
_AC_CPDReqEnergyTransferMode__EVMinimumChargePower_L3 = const(5)
_AC_ChargeParameterDiscoveryReq__AC_CPDReqEnergyTransferMode = const(1)
_AC_ChargeParameterDiscoveryReq__BPT_AC_CPDReqEnergyTransferMode = const(2)
_BPT_AC_CPDReqEnergyTransferMode__EVMaximumDischargePower = const(6)
_BPT_AC_CPDReqEnergyTransferMode__EVMaximumDischargePower_L2 = const(7)
_BPT_AC_CPDReqEnergyTransferMode__EVMaximumDischargePower_L3 = const(8)
_BPT_AC_CPDReqEnergyTransferMode__EVMinimumDischargePower = const(9)
_BPT_AC_CPDReqEnergyTransferMode__EVMinimumDischargePower_L2 = const(10)
_BPT_AC_CPDReqEnergyTransferMode__EVMinimumDischargePower_L3 = const(11)
_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargeCurrent = const(9)
_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargePower = const(7)
_BPT_DC_CPDReqEnergyTransferMode__EVMinimumDischargePower = const(8)
_DC_CPDReqEnergyTransferMode__EVMaximumChargeCurrent = const(2)
_DC_CPDReqEnergyTransferMode__EVMaximumChargePower = const(0)
_DC_CPDReqEnergyTransferMode__EVMaximumVoltage = const(4)
_DC_CPDReqEnergyTransferMode__EVMinimumChargeCurrent = const(3)
_DC_CPDReqEnergyTransferMode__EVMinimumChargePower = const(1)
_DC_CPDReqEnergyTransferMode__EVMinimumVoltage = const(5)
_DC_ChargeParameterDiscoveryReq__BPT_DC_CPDReqEnergyTransferMode = const(1)
_DC_ChargeParameterDiscoveryReq__DC_CPDReqEnergyTransferMode = const(2)
_MSG_AC_ChargeParameterDiscoveryRes = const(62)
_MSG_DC_ChargeParameterDiscoveryRes = const(86)
_responseCode__FAILED_SequenceError = const(34)
_responseCode__FAILED_WrongChargeParameter = const(39)
# slots: end


def _wrong(note):
    raise PeerError(_responseCode__FAILED_WrongChargeParameter, note)


def _block(f, plain, bpt, family):
    """The mode element must fit the selected service in both directions of error (R-CPD-01, [V2G20-1619])."""
    if f.family != family:
        raise PeerError(_responseCode__FAILED_SequenceError, "parameters of the other current")
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
        req[_AC_ChargeParameterDiscoveryReq__AC_CPDReqEnergyTransferMode],
        req[_AC_ChargeParameterDiscoveryReq__BPT_AC_CPDReqEnergyTransferMode],
        _f.AC,
    )
    f.per_phase = (
        b[_AC_CPDReqEnergyTransferMode__EVMaximumChargePower_L2] is not None
        or b[_AC_CPDReqEnergyTransferMode__EVMaximumChargePower_L3] is not None
    )
    high = _sum(
        b,
        _AC_CPDReqEnergyTransferMode__EVMaximumChargePower,
        _AC_CPDReqEnergyTransferMode__EVMaximumChargePower_L2,
        _AC_CPDReqEnergyTransferMode__EVMaximumChargePower_L3,
    )
    low = _sum(
        b,
        _AC_CPDReqEnergyTransferMode__EVMinimumChargePower,
        _AC_CPDReqEnergyTransferMode__EVMinimumChargePower_L2,
        _AC_CPDReqEnergyTransferMode__EVMinimumChargePower_L3,
    )
    _range(f, low, high, "EVMinimumChargePower above EVMaximumChargePower")
    _range(f, low, offered_max_charge_w(f), "EVMinimumChargePower above the station's maximum")  # R-CPD-03
    f.ev_max_charge_w = f.ev_top_charge_w = max(high, 0)
    if f.bpt:
        # Limits are magnitudes; some vehicles send them negative (D-02).
        out = abs(
            _sum(
                b,
                _BPT_AC_CPDReqEnergyTransferMode__EVMaximumDischargePower,
                _BPT_AC_CPDReqEnergyTransferMode__EVMaximumDischargePower_L2,
                _BPT_AC_CPDReqEnergyTransferMode__EVMaximumDischargePower_L3,
            )
        )
        low = abs(
            _sum(
                b,
                _BPT_AC_CPDReqEnergyTransferMode__EVMinimumDischargePower,
                _BPT_AC_CPDReqEnergyTransferMode__EVMinimumDischargePower_L2,
                _BPT_AC_CPDReqEnergyTransferMode__EVMinimumDischargePower_L3,
            )
        )
        _range(f, low, out, "EVMinimumDischargePower above EVMaximumDischargePower")
        f.ev_max_discharge_w = f.ev_top_discharge_w = out
    return reply.ok(f, _MSG_AC_ChargeParameterDiscoveryRes), SCHEDULE


def dc(f, req):
    b = _block(
        f,
        req[_DC_ChargeParameterDiscoveryReq__DC_CPDReqEnergyTransferMode],
        req[_DC_ChargeParameterDiscoveryReq__BPT_DC_CPDReqEnergyTransferMode],
        _f.DC,
    )
    cfg = f.cfg
    high_w = rational.to_int(b[_DC_CPDReqEnergyTransferMode__EVMaximumChargePower])
    low_w = rational.to_int(b[_DC_CPDReqEnergyTransferMode__EVMinimumChargePower])
    high_ma = rational.to_milli(b[_DC_CPDReqEnergyTransferMode__EVMaximumChargeCurrent])
    low_ma = rational.to_milli(b[_DC_CPDReqEnergyTransferMode__EVMinimumChargeCurrent])
    high_mv = rational.to_milli(b[_DC_CPDReqEnergyTransferMode__EVMaximumVoltage])
    low_mv = rational.to_milli(b[_DC_CPDReqEnergyTransferMode__EVMinimumVoltage])
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
        out_w = abs(rational.to_int(b[_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargePower]))
        low_w = abs(rational.to_int(b[_BPT_DC_CPDReqEnergyTransferMode__EVMinimumDischargePower]))
        _range(f, low_w, out_w, "EVMinimumDischargePower above EVMaximumDischargePower")
        f.ev_max_discharge_w = f.ev_top_discharge_w = out_w
        f.ev_max_discharge_ma = f.ev_top_discharge_ma = abs(
            rational.to_milli(b[_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargeCurrent])
        )
    return reply.ok(f, _MSG_DC_ChargeParameterDiscoveryRes), SCHEDULE
