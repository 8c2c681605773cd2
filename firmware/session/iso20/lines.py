"""Power line by line on the wire: three slots one behind the other, without a suffix, _L2 and _L3.

The one without a suffix is the sum, or L1 once a suffix is there (R-CPD-05). The station answers
for exactly the lines that the vehicle has named, and only those that it has itself (R-CPD-04,
R-CPD-11, R-LOOP-08).
"""

from codec import rational
from firmware.session.ceiling import lines
from firmware.session.facts import CHARGE, DISCHARGE, LEAST_CHARGE, LEAST_DISCHARGE
from micropython import const

_MAX_W = const(1_000_000_000)  # more than that is no limit


def _named(block, at):
    """The lines that a power is told for: bits 1, 2 and 4 for L1, L2 and L3; 0 = the sum only, or
    nothing."""
    bits = (2 if block[at + 1] is not None else 0) + (4 if block[at + 2] is not None else 0)
    return bits + 1 if bits else 0


def total_w(f, block, at):
    """Power in W over all lines, None if the vehicle left it out (R-LOOP-12). At a single-phase
    station L1 is all there is."""
    if block[at] is None:
        return None
    w = rational.to_int(block[at])
    if f.cfg["ac_phases"] == 3:
        for i in (at + 1, at + 2):
            if block[i] is not None:
                w += rational.to_int(block[i])
    return w


def discover(f, b, most, least, out, out_least):
    """The vehicle's limits of parameter discovery, sum and lines. most, least, out, out_least:
    slots of charging and discharging power, the latter None without BPT."""
    discharge = out is not None
    w, least_w = total_w(f, b, most), total_w(f, b, least)
    out_w, out_least_w = (total_w(f, b, out), total_w(f, b, out_least)) if discharge else (0, 0)
    for limits in (f.car.first, f.car.limits):
        limits.set(w, 0, 0, 0, out_w, 0, least_w, out_least_w)
        f.car.lines = _take(b, most, limits, None, CHARGE) | _take(b, least, limits, None, LEAST_CHARGE)
        if discharge:
            f.car.lines |= _take(b, out, limits, None, DISCHARGE)
            f.car.lines |= _take(b, out_least, limits, None, LEAST_DISCHARGE)


def narrow(f, b, most, least, out, out_least):
    """The same of a loop request, which may only narrow (R-LOOP-03). The lines of this request
    count; one that names none changes nothing of that (R-CPD-04, R-LOOP-12)."""
    first, limits = f.car.first, f.car.limits
    discharge = out is not None
    out_w, out_least_w = (total_w(f, b, out), total_w(f, b, out_least)) if discharge else (None, None)
    limits.narrow(first, total_w(f, b, most), None, None, None, out_w, None, total_w(f, b, least), out_least_w)
    bits = _take(b, most, limits, first, CHARGE) | _take(b, least, limits, first, LEAST_CHARGE)
    if discharge:
        bits |= _take(b, out, limits, first, DISCHARGE)
        bits |= _take(b, out_least, limits, first, LEAST_DISCHARGE)
    if bits:
        f.car.lines = bits


def _take(block, at, limits, first, side):
    """Power of one kind line by line into limits.line_w; which lines it names."""
    if block[at] is None:
        return 0  # not told: the value before holds (R-LOOP-12)
    minimum = side >= LEAST_CHARGE
    bits = _named(block, at)
    for i in range(3):
        told = block[at + i if bits else at]
        if told is None or (minimum and not bits):
            w = 0  # a line that is not used; a minimum of the sum is none of a line
        else:
            w = rational.to_int(told)
            # Discharge limits are magnitudes; some vehicles send them negative (D-02).
            w = min(abs(w) if side in (DISCHARGE, LEAST_DISCHARGE) else max(w, 0), _MAX_W)
        if first is not None:
            known = first.line_w[side + i]
            w = max(w, known) if minimum else min(w, known)
        limits.line_w[side + i] = w
    return bits


def put(f, block, at, w, line_w):
    """Into three slots: the sum w, or line_w[i] for each line of both sides."""
    bits = lines(f)
    block[at] = rational.from_int(line_w[0] if bits else w)
    for i in (1, 2):
        if bits & 1 << i:
            block[at + i] = rational.from_int(line_w[i])
