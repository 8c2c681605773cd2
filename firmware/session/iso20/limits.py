"""What the station announces: limits of parameter discovery and the mode blocks of the charge
loops.

Loop maxima never exceed those of parameter discovery (R-LOOP-03, [V2G20-2654][2655]): both come
from the same configuration, and in the loop firmware/session/ceiling.py narrows it. Minima are the
same in both, unless nothing may flow: then both are 0 (R-LOOP-19).
"""

from codec import rational
from codec.slots import (
    AC_ChargeLoopRes,
    AC_ChargeParameterDiscoveryRes,
    AC_CPDResEnergyTransferMode,
    BPT_AC_CPDResEnergyTransferMode,
    BPT_DC_CPDResEnergyTransferMode,
    BPT_Dynamic_DC_CLResControlMode,
    BPT_Scheduled_DC_CLResControlMode,
    DC_ChargeLoopRes,
    DC_ChargeParameterDiscoveryRes,
    DC_CPDResEnergyTransferMode,
    Dynamic_AC_CLResControlMode,
    Dynamic_DC_CLResControlMode,
    Scheduled_AC_CLResControlMode,
    Scheduled_DC_CLResControlMode,
)
from firmware.session.ceiling import (
    bounds_w,
    even,
    lines,
    offered_line_w,
    offered_max_charge_w,
    offered_max_discharge_w,
    room_w,
)
from firmware.session.codes import ASK_POWER
from firmware.session.facts import CHARGE, DISCHARGE, LEAST_CHARGE, LEAST_DISCHARGE
from firmware.session.iso20.lines import put


def _out(f, w):
    """A discharge limit on the wire: a positive magnitude unless the dialect says otherwise
    (D-02)."""
    return rational.from_int(-w if f.cfg["negative_discharge_limits"] else w)


def _out_ma(f, ma):
    return rational.from_milli(-ma if f.cfg["negative_discharge_limits"] else ma)


def _put_offer(f, block, at, side, w, sign=1):
    """w is what the station is built for over all lines; line by line it is the same on each."""
    line_w = sign * offered_line_w(f, side)
    put(f, block, at, sign * w, (line_w, line_w, line_w))


def _put_present(f, block, at):
    """The measured power; without a measurement of each line as if all had the same (R-LOOP-08)."""
    line_w = f.station.line_w
    if line_w is None and lines(f):
        line_w = [0, 0, 0]
        even(f, f.station.w, line_w)
    put(f, block, at, f.station.w, line_w)


def ac_parameters(f, r):
    """Fill the mode block of AC_ChargeParameterDiscoveryRes for the selected service.

    No asymmetry is named (R-CPD-06)."""
    cfg = f.cfg
    b = [None] * (BPT_AC_CPDResEnergyTransferMode.LEN if f.session.bpt else AC_CPDResEnergyTransferMode.LEN)
    # The BPT type extends the plain one, so the charge part has the same slots in both.
    most_w = offered_max_charge_w(f)
    _put_offer(f, b, AC_CPDResEnergyTransferMode.EVSEMaximumChargePower, CHARGE, most_w)
    least_w = min(cfg["ac_min_charge_w"], most_w)
    _put_offer(f, b, AC_CPDResEnergyTransferMode.EVSEMinimumChargePower, LEAST_CHARGE, least_w)
    b[AC_CPDResEnergyTransferMode.EVSENominalFrequency] = rational.from_milli(cfg["ac_frequency_mhz"])  # R-CPD-07
    if f.session.bpt:
        sign = -1 if cfg["negative_discharge_limits"] else 1
        most_w = offered_max_discharge_w(f)
        _put_offer(f, b, BPT_AC_CPDResEnergyTransferMode.EVSEMaximumDischargePower, DISCHARGE, most_w, sign)
        least_w = min(cfg["ac_min_discharge_w"], most_w)
        _put_offer(f, b, BPT_AC_CPDResEnergyTransferMode.EVSEMinimumDischargePower, LEAST_DISCHARGE, least_w, sign)
        r[AC_ChargeParameterDiscoveryRes.BPT_AC_CPDResEnergyTransferMode] = b
    else:
        r[AC_ChargeParameterDiscoveryRes.AC_CPDResEnergyTransferMode] = b


def dc_parameters(f, r):
    """Fill the mode block of DC_ChargeParameterDiscoveryRes for the selected service."""
    cfg = f.cfg
    b = [None] * (BPT_DC_CPDResEnergyTransferMode.LEN if f.session.bpt else DC_CPDResEnergyTransferMode.LEN)
    b[DC_CPDResEnergyTransferMode.EVSEMaximumChargePower] = rational.from_int(cfg["dc_max_charge_w"])
    b[DC_CPDResEnergyTransferMode.EVSEMinimumChargePower] = rational.from_int(cfg["dc_min_charge_w"])
    b[DC_CPDResEnergyTransferMode.EVSEMaximumChargeCurrent] = rational.from_milli(cfg["dc_max_charge_ma"])
    b[DC_CPDResEnergyTransferMode.EVSEMinimumChargeCurrent] = rational.from_milli(cfg["dc_min_charge_ma"])
    b[DC_CPDResEnergyTransferMode.EVSEMaximumVoltage] = rational.from_milli(cfg["dc_max_voltage_mv"])
    b[DC_CPDResEnergyTransferMode.EVSEMinimumVoltage] = rational.from_milli(cfg["dc_min_voltage_mv"])
    if f.session.bpt:
        b[BPT_DC_CPDResEnergyTransferMode.EVSEMaximumDischargePower] = _out(f, cfg["dc_max_discharge_w"])
        b[BPT_DC_CPDResEnergyTransferMode.EVSEMinimumDischargePower] = _out(f, cfg["dc_min_discharge_w"])
        b[BPT_DC_CPDResEnergyTransferMode.EVSEMaximumDischargeCurrent] = _out_ma(f, cfg["dc_max_discharge_ma"])
        b[BPT_DC_CPDResEnergyTransferMode.EVSEMinimumDischargeCurrent] = _out_ma(f, cfg["dc_min_discharge_ma"])
        r[DC_ChargeParameterDiscoveryRes.BPT_DC_CPDResEnergyTransferMode] = b
    else:
        r[DC_ChargeParameterDiscoveryRes.DC_CPDResEnergyTransferMode] = b


def ac_loop(f, r):
    """Fill the mode block of AC_ChargeLoopRes: answered in the kind that was selected
    (R-LOOP-01)."""
    if f.session.dynamic:
        b = [None] * Dynamic_AC_CLResControlMode.LEN
        # The steering value: always there, charge positive, discharge negative, pause 0
        # (R-LOOP-07).
        put(f, b, Dynamic_AC_CLResControlMode.EVSETargetActivePower, f.wanted.target_w, f.wanted.line_w)
        _put_present(f, b, Dynamic_AC_CLResControlMode.EVSEPresentActivePower)
        if f.session.bpt:
            r[AC_ChargeLoopRes.BPT_Dynamic_AC_CLResControlMode] = b
        else:
            r[AC_ChargeLoopRes.Dynamic_AC_CLResControlMode] = b
        return
    b = [None] * Scheduled_AC_CLResControlMode.LEN
    # Here the car decides; the value is the most that it may, as AC has no limits in the loop
    # (R-SCHEDULE-10).
    put(f, b, Scheduled_AC_CLResControlMode.EVSETargetActivePower, f.wanted.target_w, f.wanted.line_w)
    _put_present(f, b, Scheduled_AC_CLResControlMode.EVSEPresentActivePower)
    if f.session.bpt:
        r[AC_ChargeLoopRes.BPT_Scheduled_AC_CLResControlMode] = b
    else:
        r[AC_ChargeLoopRes.Scheduled_AC_CLResControlMode] = b


def dc_loop(f, r):
    """Fill measurements, the three LimitAchieved flags and the mode block of DC_ChargeLoopRes."""
    cfg = f.cfg
    r[DC_ChargeLoopRes.EVSEPresentCurrent] = rational.from_milli(f.station.ma)
    r[DC_ChargeLoopRes.EVSEPresentVoltage] = rational.from_milli(f.station.mv)
    live = f.wanted.ask == ASK_POWER  # else there is no output that a limit could bound
    r[DC_ChargeLoopRes.EVSEPowerLimitAchieved] = live and f.station.limit_power
    r[DC_ChargeLoopRes.EVSECurrentLimitAchieved] = live and f.station.limit_current
    r[DC_ChargeLoopRes.EVSEVoltageLimitAchieved] = live and f.station.limit_voltage
    charge_w, discharge_w = bounds_w(f)
    if f.session.dynamic:
        # DC has no set-point field: the limit in the direction of flow carries it (R-LOOP-04,
        # R-LOOP-09). The station alone steers, so the other limit says what it could be.
        if f.station.setpoint_w >= 0:
            discharge_w = room_w(f)[1]
        else:
            charge_w = room_w(f)[0]
    min_charge_w = rational.from_int(min(cfg["dc_min_charge_w"], charge_w))
    min_discharge_w = min(cfg["dc_min_discharge_w"], discharge_w)
    charge_w = rational.from_int(charge_w)
    charge_ma = rational.from_milli(cfg["dc_max_charge_ma"])
    max_mv = rational.from_milli(cfg["dc_max_voltage_mv"])
    min_mv = rational.from_milli(cfg["dc_min_voltage_mv"])
    if f.session.dynamic:
        b = [None] * (BPT_Dynamic_DC_CLResControlMode.LEN if f.session.bpt else Dynamic_DC_CLResControlMode.LEN)
        b[Dynamic_DC_CLResControlMode.EVSEMaximumChargePower] = charge_w
        b[Dynamic_DC_CLResControlMode.EVSEMinimumChargePower] = min_charge_w
        b[Dynamic_DC_CLResControlMode.EVSEMaximumChargeCurrent] = charge_ma
        b[Dynamic_DC_CLResControlMode.EVSEMaximumVoltage] = max_mv
        if f.session.bpt:
            b[BPT_Dynamic_DC_CLResControlMode.EVSEMaximumDischargePower] = _out(f, discharge_w)
            b[BPT_Dynamic_DC_CLResControlMode.EVSEMinimumDischargePower] = _out(f, min_discharge_w)
            b[BPT_Dynamic_DC_CLResControlMode.EVSEMaximumDischargeCurrent] = _out_ma(f, cfg["dc_max_discharge_ma"])
            b[BPT_Dynamic_DC_CLResControlMode.EVSEMinimumVoltage] = min_mv
            r[DC_ChargeLoopRes.BPT_Dynamic_DC_CLResControlMode] = b
        else:
            r[DC_ChargeLoopRes.Dynamic_DC_CLResControlMode] = b
        return
    b = [None] * (BPT_Scheduled_DC_CLResControlMode.LEN if f.session.bpt else Scheduled_DC_CLResControlMode.LEN)
    b[Scheduled_DC_CLResControlMode.EVSEMaximumChargePower] = charge_w
    b[Scheduled_DC_CLResControlMode.EVSEMinimumChargePower] = min_charge_w
    b[Scheduled_DC_CLResControlMode.EVSEMaximumChargeCurrent] = charge_ma
    b[Scheduled_DC_CLResControlMode.EVSEMaximumVoltage] = max_mv
    if f.session.bpt:
        b[BPT_Scheduled_DC_CLResControlMode.EVSEMaximumDischargePower] = _out(f, discharge_w)
        b[BPT_Scheduled_DC_CLResControlMode.EVSEMinimumDischargePower] = _out(f, min_discharge_w)
        b[BPT_Scheduled_DC_CLResControlMode.EVSEMaximumDischargeCurrent] = _out_ma(f, cfg["dc_max_discharge_ma"])
        b[BPT_Scheduled_DC_CLResControlMode.EVSEMinimumVoltage] = min_mv
        r[DC_ChargeLoopRes.BPT_Scheduled_DC_CLResControlMode] = b
    else:
        r[DC_ChargeLoopRes.Scheduled_DC_CLResControlMode] = b
