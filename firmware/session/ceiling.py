"""How much power may flow now, each way: the ceiling of a session, in every control mode.

Pure functions of the facts, without a word of any protocol. The handlers announce what comes out of
them and app/power.py commands it, also between two requests of the car.

    offered_max_charge_w(f)      what the station is built for: configuration and cable; the envelope
    plan_w(f)                    of these, what station and operator want to give or take now
    bounds_w(f)                  of these, what the vehicle allows too
    target_w(f)                  the set-point inside the bounds, signed: the steering value
    share(f, w, out)             a power line by line (AC)

The pairs are (charge, discharge) in W over all lines, both as magnitudes.

A signed set-point is a ceiling for its own direction and closes the other one: 5000 allows up to
5 kW of charging and no discharge, -5000 the reverse, 0 nothing (R-SCHEDULE-10, R-LOOP-04). Where
the station wants to end the session the bounds are 0: the power goes down while the vehicle reads
of it (R-STATUS-08).

What is left below the minimum of either side, in W or (DC) in A at the measured voltage, is 0 and
not the minimum: the operator's ceiling is never exceeded for the sake of a minimum, and a vehicle
is never asked for what it cannot do (R-SCHEDULE-12, R-LOOP-19).
"""

from firmware.session.codes import DC
from firmware.session.facts import CHARGE, DISCHARGE, LEAST_CHARGE, LEAST_DISCHARGE


def offered_max_charge_w(f):
    """Most power towards the vehicle that the station offers, in W; in AC no more than the cable
    carries."""
    if f.session.current == DC:
        return f.cfg["dc_max_charge_w"]
    return _carried_w(f, f.cfg["ac_max_charge_w"])


def offered_max_discharge_w(f):
    """The same the other way, as a magnitude."""
    if f.session.current == DC:
        return f.cfg["dc_max_discharge_w"]
    return _carried_w(f, f.cfg["ac_max_discharge_w"])


def _carried_w(f, w):
    return _least(w, f.station.cable_w)


def _least(w, bound_w):
    """The lower of both; a bound of None bounds nothing."""
    return w if bound_w is None or w < bound_w else bound_w


def plan_w(f):
    """(charge, discharge) that the station wants and can, whatever the vehicle says: set-point,
    derating of the power stage, permission of the grid (R-SCHEDULE-10)."""
    w = f.station.setpoint_w
    return _station_charge_w(f, w), _station_discharge_w(f, -w)


def _station_charge_w(f, most_w):
    return max(0, _least(min(most_w, offered_max_charge_w(f)), f.station.can_charge_w))


def _station_discharge_w(f, most_w):
    if not f.session.bpt or not f.station.export:
        return 0
    return max(0, _least(min(most_w, offered_max_discharge_w(f)), f.station.can_discharge_w))


def bounds_w(f):
    """(charge, discharge) that everybody allows now."""
    w = f.station.setpoint_w
    return charge_w(f, w), discharge_w(f, -w)


def room_w(f):
    """The bounds without the set-point: what could be steered to now."""
    return charge_w(f, offered_max_charge_w(f)), discharge_w(f, offered_max_discharge_w(f))


def charge_w(f, most_w):
    """Most charging power, inside `most_w` and both sides' limits."""
    if f.stop_wish:
        return 0
    w = min(_station_charge_w(f, most_w), f.car.limits.charge_w)
    if lines(f):
        w = min(w, _sum_w(f, CHARGE))
    return w if w >= least_charge_w(f) else 0


def discharge_w(f, most_w):
    """Most discharging power as a magnitude, inside `most_w`, both sides' limits and all floors
    of the battery (R-LOOP-10)."""
    if f.stop_wish:
        return 0
    w = min(_station_discharge_w(f, most_w), f.car.limits.discharge_w)
    if lines(f):
        w = min(w, _sum_w(f, DISCHARGE))
    return w if w >= least_discharge_w(f) and _above_floors(f) else 0


def target_w(f):
    """The set-point inside the bounds, discharge negative (R-LOOP-11)."""
    w = f.station.setpoint_w
    return charge_w(f, w) if w >= 0 else -discharge_w(f, -w)


def _above_floors(f):
    """The battery may give something. What the station's floor and the vehicle's are asked of must
    be known: a state of charge that was never told is not full (R-SCHEDULE-11)."""
    car = f.car
    if car.soc < f.cfg["v2x_min_soc"] > 0:  # -1 = not told
        return False
    if f.cfg["lenient_ev_values"]:
        return True
    if car.soc < car.min_soc > 0:
        return False
    # Above 0 it must first be charged so much: to its own minimum, and to the V2X window. Above
    # that window, where the maximum is negative, it may give what leads into it.
    return car.min_energy_wh <= 0 and car.min_v2x_wh <= 0


def least_charge_w(f):
    """The higher of both sides' minima of charging, in W; 0 = any power will do."""
    cfg, least = f.cfg, f.car.limits
    if cfg["lenient_ev_values"]:
        return cfg["dc_min_charge_w" if f.session.current == DC else "ac_min_charge_w"]
    if lines(f):
        return _sum_w(f, LEAST_CHARGE)
    if f.session.current != DC:
        return max(cfg["ac_min_charge_w"], least.least_charge_w)
    ma = max(cfg["dc_min_charge_ma"], least.least_charge_ma)
    return max(cfg["dc_min_charge_w"], least.least_charge_w, _at_output_w(f, ma))


def least_discharge_w(f):
    """The same the other way."""
    cfg, least = f.cfg, f.car.limits
    if cfg["lenient_ev_values"]:
        return cfg["dc_min_discharge_w" if f.session.current == DC else "ac_min_discharge_w"]
    if lines(f):
        return _sum_w(f, LEAST_DISCHARGE)
    if f.session.current != DC:
        return max(cfg["ac_min_discharge_w"], least.least_discharge_w)
    ma = max(cfg["dc_min_discharge_ma"], least.least_discharge_ma)
    return max(cfg["dc_min_discharge_w"], least.least_discharge_w, _at_output_w(f, ma))


def _at_output_w(f, ma):
    """Power of a current at the measured output, in W; small ints up to 3000 A and 1500 V."""
    return ma // 100 * (f.station.mv // 1000) // 10


# -- AC, line by line


def lines(f):
    """The lines that count one by one: those that the vehicle has named and the station has, as
    bits 1, 2, 4 for L1, L2, L3; 0 = only the sum counts (R-CPD-04, R-CPD-11)."""
    return 0 if f.session.current == DC else f.car.lines & (7 if f.cfg["ac_phases"] == 3 else 1)


def offered_line_w(f, side):
    """What the station was built for on one line, in W. side: CHARGE or another of facts.py."""
    if side == CHARGE:
        w = offered_max_charge_w(f)
    elif side == DISCHARGE:
        w = offered_max_discharge_w(f)
    elif side == LEAST_CHARGE:
        w = min(f.cfg["ac_min_charge_w"], offered_max_charge_w(f))
    else:
        w = min(f.cfg["ac_min_discharge_w"], offered_max_discharge_w(f))
    return w // f.cfg["ac_phases"]


def _line_w(f, side, i):
    """What both sides allow or need at least on line i, in W; nothing on a line that may carry
    nothing."""
    station_w, car_w = offered_line_w(f, side), f.car.limits.line_w[side + i]
    if side < LEAST_CHARGE:
        return min(station_w, car_w)
    return max(station_w, car_w) if _line_w(f, side - LEAST_CHARGE, i) else 0


def _sum_w(f, side):
    w = 0
    for i in range(3):
        if lines(f) & 1 << i:
            w += _line_w(f, side, i)
    return w


def share(f, w, out):
    """Share w (signed, inside the bounds) out over the lines that count: out[0..2] in W, signed. As
    even as both sides' limits of each line allow; the sum is w, on no line is more than its limit
    or less than its minimum, and a line that nobody named has 0 (R-CPD-11)."""
    side = CHARGE if w >= 0 else DISCHARGE
    left = abs(w)
    open_lines = n = 0
    for i in range(3):
        out[i] = 0
        if lines(f) & 1 << i and _line_w(f, side, i):
            out[i] = _line_w(f, side + LEAST_CHARGE, i) if w else 0
            left -= out[i]
            open_lines |= 1 << i
            n += 1
    while n:  # the line with the least room first: what it cannot take is for the others
        at, least = 0, -1
        for i in range(3):
            if open_lines & 1 << i:
                room = _line_w(f, side, i) - out[i]
                if least < 0 or room < least:
                    at, least = i, room
        give = max(0, min(least, left // n))
        out[at] += give
        left -= give
        open_lines &= ~(1 << at)
        n -= 1
    if w < 0:
        for i in range(3):
            out[i] = -out[i]


def even(f, w, out):
    """A measured sum (signed) as if every line that counts had the same; L1 has the rest."""
    n = 0
    for i in range(3):
        out[i] = 0
        n += lines(f) >> i & 1
    for i in range(1, 3):
        if lines(f) & 1 << i:
            out[i] = w // n if w >= 0 else -(-w // n)
    out[0] = w - out[1] - out[2]
