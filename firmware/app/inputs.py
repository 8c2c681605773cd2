"""Protective inputs of a station: contacts that say what is wrong, each with its debounce and its bit
in stage/faults.py. The hardware chain (emergency stop, door, residual current ... in series with
ENABLE and the coil) opens by itself; the firmware must notice and name it.

The key `inputs` says where they are: "estop=GP2 door=GP3:high grid=stage". A pin is named as it is
printed on the board; behind it stands the level while all is well, low if nothing is said: a contact
to ground that is closed. The pin is pulled to the other level, so an open wire is a fault. `stage`:
the power stage watches it and reports the same bit; nothing is read here.
"""

from firmware.clock import ticks_add, ticks_diff
from firmware.stage import faults

_SAMPLE_MS = 20
_LEVELS = {"low": 0, "high": 1}

# name: (bit, ms that a level must last, in either direction). 20 ms are two samples: the contact is
# open within 100 ms (R-STATUS-07).
NAMES = {
    "estop": (faults.ESTOP, 20),
    "door": (faults.DOOR, 100),
    "tilt": (faults.DOOR, 500),
    "rcd": (faults.RCD, 20),
    "rdc_dd": (faults.RDC, 20),
    "overvoltage": (faults.OVERVOLT, 20),
    "insulation": (faults.IMD_ALARM, 40),
    "grid": (faults.GRID_LOST, 40),
    "temperature": (faults.HOT, 1000),
    "cooling": (faults.COOLING, 2000),
    "export": (0, 100),  # no fault: the grid's permission for power out of the car (key `export`)
}
STAGE = "stage"


def parse(text):
    """[(name, pin or STAGE, level while all is well)]. ValueError says what is wrong, in words."""
    out = []
    for word in text.split():
        name, _, where = word.partition("=")
        pin, _, level = where.partition(":")
        if name not in NAMES:
            raise ValueError("no input %s; there are: %s" % (name, ", ".join(sorted(NAMES))))
        if not pin or (level or "low") not in _LEVELS or (pin == STAGE and (level or name == "export")):
            raise ValueError(
                "%s: must be like %s=GP2, %s=GP2:high or, reported by the stage, estop=stage" % (word, name, name)
            )
        for other in out:
            if other[0] == name or (other[1] == pin != STAGE):
                raise ValueError("%s: that input or pin comes twice" % word)
        out.append((name, pin, _LEVELS[level or "low"]))
    return out


class Inputs:
    """text: of the key. read(pin, good): of the board, gives what reads a pin, None = no such pin;
    None: a board without inputs. ValueError names a pin that there is not.

    bits        of stage/faults.py that are there now
    export      the level of the input of that name; None: there is none
    """

    def __init__(self, text, read):
        self._pins = []  # [read(), level while all is well, bit, ms, wrong, tick since it is not what is said]
        self.bits = 0
        self.export = None
        self.due = None
        for name, pin, good in parse(text):
            if pin == STAGE:
                continue
            value = read(pin, good) if read is not None else None
            if value is None:
                raise ValueError("inputs: %s: this board has no input %s" % (name, pin))
            bit, ms = NAMES[name]
            if not bit:
                self.export = False
            self._pins.append([value, good, bit, ms, not bit, None])

    def start(self, now):
        """Look at once: what is wrong now counts from the first reading on."""
        for pin in self._pins:
            pin[4] = pin[0]() != pin[1]
            pin[5] = None
        self._sum()
        self.due = ticks_add(now, _SAMPLE_MS)

    def poll(self, now):
        """Read what is due; True when something has changed."""
        if self.due is None or ticks_diff(now, self.due) < 0:
            return False
        self.due = ticks_add(now, _SAMPLE_MS)
        changed = False
        for pin in self._pins:
            if (pin[0]() != pin[1]) == pin[4]:
                pin[5] = None
            elif pin[5] is None:
                pin[5] = now
            elif ticks_diff(now, pin[5]) >= pin[3]:
                pin[4] = not pin[4]
                pin[5] = None
                changed = True
        if changed:
            self._sum()
        return changed

    def _sum(self):
        bits = 0
        for pin in self._pins:
            if not pin[2]:
                self.export = not pin[4]
            elif pin[4]:
                bits |= pin[2]
        self.bits = bits
