"""How much power may flow now, each way: the ceiling of a session, in every control mode.

Pure functions of the facts, without a word of any protocol. The handlers announce what comes out of
them and app/power.py commands it, also between two requests of the car.

    offered_max_charge_w(f)      what the station is built for: configuration and cable; the envelope
    plan_w(f)                    of these, what station and operator want to give or take now
    bounds_w(f)                  of these, what the vehicle allows too
    target_w(f)                  the set-point inside the bounds, signed: the steering value

The pairs are (charge, discharge) in W over all lines, both as magnitudes.

A signed set-point is a ceiling for its own direction and closes the other one: 5000 allows up to
5 kW of charging and no discharge, -5000 the reverse, 0 nothing (R-SCHEDULE-10, R-LOOP-04).

What is left below the minimum of either side, in W or (DC) in A at the measured voltage, is 0 and
not the minimum: the operator's ceiling is never exceeded for the sake of a minimum, and a vehicle
is never asked for what it cannot do (R-SCHEDULE-12, R-LOOP-19).
"""

from firmware.session.codes import DC


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


def _station_charge_w(f, setpoint_w):
    return max(0, _least(min(setpoint_w, offered_max_charge_w(f)), f.station.can_charge_w))


def _station_discharge_w(f, setpoint_w):
    if not f.session.bpt or not f.station.export:
        return 0
    return max(0, _least(min(setpoint_w, offered_max_discharge_w(f)), f.station.can_discharge_w))


def bounds_w(f):
    """(charge, discharge) that everybody allows now."""
    w = f.station.setpoint_w
    return charge_w(f, w), discharge_w(f, -w)


def room_w(f):
    """The bounds without the set-point: what could be steered to now."""
    return charge_w(f, offered_max_charge_w(f)), discharge_w(f, offered_max_discharge_w(f))


def charge_w(f, setpoint_w):
    """Most charging power, inside `setpoint_w` and both sides' limits."""
    w = min(_station_charge_w(f, setpoint_w), f.car.limits.charge_w)
    return w if w >= least_charge_w(f) else 0


def discharge_w(f, setpoint_w):
    """Most discharging power as a magnitude, inside `setpoint_w`, both sides' limits and all floors
    of the battery (R-LOOP-10)."""
    w = min(_station_discharge_w(f, setpoint_w), f.car.limits.discharge_w)
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
    if f.session.current != DC:
        return max(cfg["ac_min_charge_w"], least.least_charge_w)
    ma = max(cfg["dc_min_charge_ma"], least.least_charge_ma)
    return max(cfg["dc_min_charge_w"], least.least_charge_w, _at_output_w(f, ma))


def least_discharge_w(f):
    """The same the other way."""
    cfg, least = f.cfg, f.car.limits
    if f.session.current != DC:
        return max(cfg["ac_min_discharge_w"], least.least_discharge_w)
    ma = max(cfg["dc_min_discharge_ma"], least.least_discharge_ma)
    return max(cfg["dc_min_discharge_w"], least.least_discharge_w, _at_output_w(f, ma))


def _at_output_w(f, ma):
    """Power of a current at the measured output, in W; small ints up to 3000 A and 1500 V."""
    return ma // 100 * (f.station.mv // 1000) // 10
