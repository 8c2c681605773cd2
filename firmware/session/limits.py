"""What the station announces: limits of parameter discovery and the mode blocks of the charge loops.

Loop maxima never exceed and minima never fall below those of parameter discovery (R-LOOP-03, [V2G20-2654][2655]):
both are written here from the same configuration.
"""

from codec import rational
from firmware.session.facts import offered_max_charge_w, offered_max_discharge_w
from micropython import const

# slots: begin (make gen)
_AC_CPDResEnergyTransferMode__EVSEMaximumChargePower = const(0)
_AC_CPDResEnergyTransferMode__EVSEMaximumChargePower_L2 = const(1)
_AC_CPDResEnergyTransferMode__EVSEMaximumChargePower_L3 = const(2)
_AC_CPDResEnergyTransferMode__EVSEMinimumChargePower = const(3)
_AC_CPDResEnergyTransferMode__EVSEMinimumChargePower_L2 = const(4)
_AC_CPDResEnergyTransferMode__EVSEMinimumChargePower_L3 = const(5)
_AC_CPDResEnergyTransferMode__EVSENominalFrequency = const(6)
_AC_ChargeLoopRes__BPT_Dynamic_AC_CLResControlMode = const(6)
_AC_ChargeLoopRes__BPT_Scheduled_AC_CLResControlMode = const(7)
_AC_ChargeLoopRes__Dynamic_AC_CLResControlMode = const(9)
_AC_ChargeLoopRes__Scheduled_AC_CLResControlMode = const(10)
_AC_ChargeParameterDiscoveryRes__AC_CPDResEnergyTransferMode = const(2)
_AC_ChargeParameterDiscoveryRes__BPT_AC_CPDResEnergyTransferMode = const(3)
_BPT_AC_CPDResEnergyTransferMode__EVSEMaximumDischargePower = const(12)
_BPT_AC_CPDResEnergyTransferMode__EVSEMaximumDischargePower_L2 = const(13)
_BPT_AC_CPDResEnergyTransferMode__EVSEMaximumDischargePower_L3 = const(14)
_BPT_AC_CPDResEnergyTransferMode__EVSEMinimumDischargePower = const(15)
_BPT_AC_CPDResEnergyTransferMode__EVSEMinimumDischargePower_L2 = const(16)
_BPT_AC_CPDResEnergyTransferMode__EVSEMinimumDischargePower_L3 = const(17)
_BPT_DC_CPDResEnergyTransferMode__EVSEMaximumDischargeCurrent = const(9)
_BPT_DC_CPDResEnergyTransferMode__EVSEMaximumDischargePower = const(7)
_BPT_DC_CPDResEnergyTransferMode__EVSEMinimumDischargeCurrent = const(10)
_BPT_DC_CPDResEnergyTransferMode__EVSEMinimumDischargePower = const(8)
_BPT_Dynamic_DC_CLResControlMode__EVSEMaximumDischargeCurrent = const(10)
_BPT_Dynamic_DC_CLResControlMode__EVSEMaximumDischargePower = const(8)
_BPT_Dynamic_DC_CLResControlMode__EVSEMinimumDischargePower = const(9)
_BPT_Dynamic_DC_CLResControlMode__EVSEMinimumVoltage = const(11)
_BPT_Scheduled_DC_CLResControlMode__EVSEMaximumDischargeCurrent = const(6)
_BPT_Scheduled_DC_CLResControlMode__EVSEMaximumDischargePower = const(4)
_BPT_Scheduled_DC_CLResControlMode__EVSEMinimumDischargePower = const(5)
_BPT_Scheduled_DC_CLResControlMode__EVSEMinimumVoltage = const(7)
_DC_CPDResEnergyTransferMode__EVSEMaximumChargeCurrent = const(2)
_DC_CPDResEnergyTransferMode__EVSEMaximumChargePower = const(0)
_DC_CPDResEnergyTransferMode__EVSEMaximumVoltage = const(4)
_DC_CPDResEnergyTransferMode__EVSEMinimumChargeCurrent = const(3)
_DC_CPDResEnergyTransferMode__EVSEMinimumChargePower = const(1)
_DC_CPDResEnergyTransferMode__EVSEMinimumVoltage = const(5)
_DC_ChargeLoopRes__BPT_Dynamic_DC_CLResControlMode = const(10)
_DC_ChargeLoopRes__BPT_Scheduled_DC_CLResControlMode = const(11)
_DC_ChargeLoopRes__Dynamic_DC_CLResControlMode = const(13)
_DC_ChargeLoopRes__EVSECurrentLimitAchieved = const(8)
_DC_ChargeLoopRes__EVSEPowerLimitAchieved = const(7)
_DC_ChargeLoopRes__EVSEPresentCurrent = const(5)
_DC_ChargeLoopRes__EVSEPresentVoltage = const(6)
_DC_ChargeLoopRes__EVSEVoltageLimitAchieved = const(9)
_DC_ChargeLoopRes__Scheduled_DC_CLResControlMode = const(14)
_DC_ChargeParameterDiscoveryRes__BPT_DC_CPDResEnergyTransferMode = const(2)
_DC_ChargeParameterDiscoveryRes__DC_CPDResEnergyTransferMode = const(3)
_Dynamic_AC_CLResControlMode__EVSEPresentActivePower = const(10)
_Dynamic_AC_CLResControlMode__EVSEPresentActivePower_L2 = const(11)
_Dynamic_AC_CLResControlMode__EVSEPresentActivePower_L3 = const(12)
_Dynamic_AC_CLResControlMode__EVSETargetActivePower = const(4)
_Dynamic_AC_CLResControlMode__EVSETargetActivePower_L2 = const(5)
_Dynamic_AC_CLResControlMode__EVSETargetActivePower_L3 = const(6)
_Dynamic_DC_CLResControlMode__EVSEMaximumChargeCurrent = const(6)
_Dynamic_DC_CLResControlMode__EVSEMaximumChargePower = const(4)
_Dynamic_DC_CLResControlMode__EVSEMaximumVoltage = const(7)
_Dynamic_DC_CLResControlMode__EVSEMinimumChargePower = const(5)
_LEN_AC_CPDResEnergyTransferMode = const(12)
_LEN_BPT_AC_CPDResEnergyTransferMode = const(18)
_LEN_BPT_DC_CPDResEnergyTransferMode = const(11)
_LEN_BPT_Dynamic_DC_CLResControlMode = const(12)
_LEN_BPT_Scheduled_DC_CLResControlMode = const(8)
_LEN_DC_CPDResEnergyTransferMode = const(7)
_LEN_Dynamic_AC_CLResControlMode = const(13)
_LEN_Dynamic_DC_CLResControlMode = const(8)
_LEN_Scheduled_AC_CLResControlMode = const(9)
_LEN_Scheduled_DC_CLResControlMode = const(4)
_Scheduled_AC_CLResControlMode__EVSEPresentActivePower = const(6)
_Scheduled_AC_CLResControlMode__EVSEPresentActivePower_L2 = const(7)
_Scheduled_AC_CLResControlMode__EVSEPresentActivePower_L3 = const(8)
_Scheduled_DC_CLResControlMode__EVSEMaximumChargeCurrent = const(2)
_Scheduled_DC_CLResControlMode__EVSEMaximumChargePower = const(0)
_Scheduled_DC_CLResControlMode__EVSEMaximumVoltage = const(3)
_Scheduled_DC_CLResControlMode__EVSEMinimumChargePower = const(1)
# slots: end


def _out(f, w):
    """A discharge limit on the wire: a positive magnitude unless the dialect says otherwise (D-02)."""
    return rational.from_int(-w if f.cfg["negative_discharge_limits"] else w)


def _out_ma(f, ma):
    return rational.from_milli(-ma if f.cfg["negative_discharge_limits"] else ma)


def _phases(f, w):
    """(unsuffixed, L2, L3) of a power: the sum alone, or one value per line once the vehicle speaks per line
    (R-CPD-04, R-CPD-05)."""
    if f.per_phase and f.cfg["ac_phases"] == 3:
        third = w // 3 if w >= 0 else -(-w // 3)
        return w - 2 * third, third, third
    return w, None, None


def _put_phases(block, at, at_l2, at_l3, f, w, sign=1):
    base, l2, l3 = _phases(f, sign * w)
    block[at] = rational.from_int(base)
    if l2 is not None:
        block[at_l2] = rational.from_int(l2)
        block[at_l3] = rational.from_int(l3)


def ac_parameters(f, r):
    """Fill the mode block of AC_ChargeParameterDiscoveryRes for the selected service."""
    cfg = f.cfg
    b = [None] * (_LEN_BPT_AC_CPDResEnergyTransferMode if f.bpt else _LEN_AC_CPDResEnergyTransferMode)
    # The BPT type extends the plain one, so the charge part has the same slots in both.
    _put_phases(
        b,
        _AC_CPDResEnergyTransferMode__EVSEMaximumChargePower,
        _AC_CPDResEnergyTransferMode__EVSEMaximumChargePower_L2,
        _AC_CPDResEnergyTransferMode__EVSEMaximumChargePower_L3,
        f,
        offered_max_charge_w(f),
    )
    _put_phases(
        b,
        _AC_CPDResEnergyTransferMode__EVSEMinimumChargePower,
        _AC_CPDResEnergyTransferMode__EVSEMinimumChargePower_L2,
        _AC_CPDResEnergyTransferMode__EVSEMinimumChargePower_L3,
        f,
        min(cfg["ac_min_charge_w"], offered_max_charge_w(f)),
    )
    b[_AC_CPDResEnergyTransferMode__EVSENominalFrequency] = rational.from_milli(cfg["ac_frequency_mhz"])
    if f.bpt:
        sign = -1 if cfg["negative_discharge_limits"] else 1
        _put_phases(
            b,
            _BPT_AC_CPDResEnergyTransferMode__EVSEMaximumDischargePower,
            _BPT_AC_CPDResEnergyTransferMode__EVSEMaximumDischargePower_L2,
            _BPT_AC_CPDResEnergyTransferMode__EVSEMaximumDischargePower_L3,
            f,
            offered_max_discharge_w(f),
            sign,
        )
        _put_phases(
            b,
            _BPT_AC_CPDResEnergyTransferMode__EVSEMinimumDischargePower,
            _BPT_AC_CPDResEnergyTransferMode__EVSEMinimumDischargePower_L2,
            _BPT_AC_CPDResEnergyTransferMode__EVSEMinimumDischargePower_L3,
            f,
            min(cfg["ac_min_discharge_w"], offered_max_discharge_w(f)),
            sign,
        )
        r[_AC_ChargeParameterDiscoveryRes__BPT_AC_CPDResEnergyTransferMode] = b
    else:
        r[_AC_ChargeParameterDiscoveryRes__AC_CPDResEnergyTransferMode] = b
    return r


def dc_parameters(f, r):
    """Fill the mode block of DC_ChargeParameterDiscoveryRes for the selected service."""
    cfg = f.cfg
    b = [None] * (_LEN_BPT_DC_CPDResEnergyTransferMode if f.bpt else _LEN_DC_CPDResEnergyTransferMode)
    b[_DC_CPDResEnergyTransferMode__EVSEMaximumChargePower] = rational.from_int(cfg["dc_max_charge_w"])
    b[_DC_CPDResEnergyTransferMode__EVSEMinimumChargePower] = rational.from_int(cfg["dc_min_charge_w"])
    b[_DC_CPDResEnergyTransferMode__EVSEMaximumChargeCurrent] = rational.from_milli(cfg["dc_max_charge_ma"])
    b[_DC_CPDResEnergyTransferMode__EVSEMinimumChargeCurrent] = rational.from_milli(cfg["dc_min_charge_ma"])
    b[_DC_CPDResEnergyTransferMode__EVSEMaximumVoltage] = rational.from_milli(cfg["dc_max_voltage_mv"])
    b[_DC_CPDResEnergyTransferMode__EVSEMinimumVoltage] = rational.from_milli(cfg["dc_min_voltage_mv"])
    if f.bpt:
        b[_BPT_DC_CPDResEnergyTransferMode__EVSEMaximumDischargePower] = _out(f, cfg["dc_max_discharge_w"])
        b[_BPT_DC_CPDResEnergyTransferMode__EVSEMinimumDischargePower] = _out(f, cfg["dc_min_discharge_w"])
        b[_BPT_DC_CPDResEnergyTransferMode__EVSEMaximumDischargeCurrent] = _out_ma(f, cfg["dc_max_discharge_ma"])
        b[_BPT_DC_CPDResEnergyTransferMode__EVSEMinimumDischargeCurrent] = _out_ma(f, cfg["dc_min_discharge_ma"])
        r[_DC_ChargeParameterDiscoveryRes__BPT_DC_CPDResEnergyTransferMode] = b
    else:
        r[_DC_ChargeParameterDiscoveryRes__DC_CPDResEnergyTransferMode] = b
    return r


def ac_loop(f, r):
    """Fill the mode block of AC_ChargeLoopRes: answered in the kind that was selected (R-LOOP-01)."""
    if f.dynamic:
        b = [None] * _LEN_Dynamic_AC_CLResControlMode
        # The steering value: always there, charge positive, discharge negative, pause 0 (R-LOOP-07).
        _put_phases(
            b,
            _Dynamic_AC_CLResControlMode__EVSETargetActivePower,
            _Dynamic_AC_CLResControlMode__EVSETargetActivePower_L2,
            _Dynamic_AC_CLResControlMode__EVSETargetActivePower_L3,
            f,
            f.target_w,
        )
        _put_phases(
            b,
            _Dynamic_AC_CLResControlMode__EVSEPresentActivePower,
            _Dynamic_AC_CLResControlMode__EVSEPresentActivePower_L2,
            _Dynamic_AC_CLResControlMode__EVSEPresentActivePower_L3,
            f,
            f.present_w,
        )
        if f.bpt:
            r[_AC_ChargeLoopRes__BPT_Dynamic_AC_CLResControlMode] = b
        else:
            r[_AC_ChargeLoopRes__Dynamic_AC_CLResControlMode] = b
        return r
    b = [None] * _LEN_Scheduled_AC_CLResControlMode
    _put_phases(
        b,
        _Scheduled_AC_CLResControlMode__EVSEPresentActivePower,
        _Scheduled_AC_CLResControlMode__EVSEPresentActivePower_L2,
        _Scheduled_AC_CLResControlMode__EVSEPresentActivePower_L3,
        f,
        f.present_w,
    )
    if f.bpt:
        r[_AC_ChargeLoopRes__BPT_Scheduled_AC_CLResControlMode] = b
    else:
        r[_AC_ChargeLoopRes__Scheduled_AC_CLResControlMode] = b
    return r


def dc_loop(f, r):
    """Fill measurements, the three LimitAchieved flags and the mode block of DC_ChargeLoopRes."""
    cfg = f.cfg
    r[_DC_ChargeLoopRes__EVSEPresentCurrent] = rational.from_milli(f.present_ma)
    r[_DC_ChargeLoopRes__EVSEPresentVoltage] = rational.from_milli(f.present_mv)
    r[_DC_ChargeLoopRes__EVSEPowerLimitAchieved] = f.limit_power
    r[_DC_ChargeLoopRes__EVSECurrentLimitAchieved] = f.limit_current
    r[_DC_ChargeLoopRes__EVSEVoltageLimitAchieved] = f.limit_voltage
    charge_w = cfg["dc_max_charge_w"]
    discharge_w = cfg["dc_max_discharge_w"]
    if f.dynamic:
        # DC has no set-point field: the limit in the direction of flow carries it (R-LOOP-04, R-LOOP-09).
        if f.target_w >= 0:
            charge_w = min(charge_w, f.target_w)
        else:
            discharge_w = min(discharge_w, -f.target_w)
    charge_w = rational.from_int(charge_w)
    min_charge_w = rational.from_int(cfg["dc_min_charge_w"])
    charge_ma = rational.from_milli(cfg["dc_max_charge_ma"])
    max_mv = rational.from_milli(cfg["dc_max_voltage_mv"])
    min_mv = rational.from_milli(cfg["dc_min_voltage_mv"])
    if f.dynamic:
        b = [None] * (_LEN_BPT_Dynamic_DC_CLResControlMode if f.bpt else _LEN_Dynamic_DC_CLResControlMode)
        b[_Dynamic_DC_CLResControlMode__EVSEMaximumChargePower] = charge_w
        b[_Dynamic_DC_CLResControlMode__EVSEMinimumChargePower] = min_charge_w
        b[_Dynamic_DC_CLResControlMode__EVSEMaximumChargeCurrent] = charge_ma
        b[_Dynamic_DC_CLResControlMode__EVSEMaximumVoltage] = max_mv
        if f.bpt:
            b[_BPT_Dynamic_DC_CLResControlMode__EVSEMaximumDischargePower] = _out(f, discharge_w)
            b[_BPT_Dynamic_DC_CLResControlMode__EVSEMinimumDischargePower] = _out(f, cfg["dc_min_discharge_w"])
            b[_BPT_Dynamic_DC_CLResControlMode__EVSEMaximumDischargeCurrent] = _out_ma(f, cfg["dc_max_discharge_ma"])
            b[_BPT_Dynamic_DC_CLResControlMode__EVSEMinimumVoltage] = min_mv
            r[_DC_ChargeLoopRes__BPT_Dynamic_DC_CLResControlMode] = b
        else:
            r[_DC_ChargeLoopRes__Dynamic_DC_CLResControlMode] = b
        return r
    b = [None] * (_LEN_BPT_Scheduled_DC_CLResControlMode if f.bpt else _LEN_Scheduled_DC_CLResControlMode)
    b[_Scheduled_DC_CLResControlMode__EVSEMaximumChargePower] = charge_w
    b[_Scheduled_DC_CLResControlMode__EVSEMinimumChargePower] = min_charge_w
    b[_Scheduled_DC_CLResControlMode__EVSEMaximumChargeCurrent] = charge_ma
    b[_Scheduled_DC_CLResControlMode__EVSEMaximumVoltage] = max_mv
    if f.bpt:
        b[_BPT_Scheduled_DC_CLResControlMode__EVSEMaximumDischargePower] = _out(f, discharge_w)
        b[_BPT_Scheduled_DC_CLResControlMode__EVSEMinimumDischargePower] = _out(f, cfg["dc_min_discharge_w"])
        b[_BPT_Scheduled_DC_CLResControlMode__EVSEMaximumDischargeCurrent] = _out_ma(f, cfg["dc_max_discharge_ma"])
        b[_BPT_Scheduled_DC_CLResControlMode__EVSEMinimumVoltage] = min_mv
        r[_DC_ChargeLoopRes__BPT_Scheduled_DC_CLResControlMode] = b
    else:
        r[_DC_ChargeLoopRes__Scheduled_DC_CLResControlMode] = b
    return r
