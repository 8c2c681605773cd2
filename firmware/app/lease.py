"""Set-points are leases: who wants which power, and for how long (R-LOOP-17).

Each source holds one lease at most. The highest source whose lease lives counts: the operator above
the host (a program at the console), above the schedule, above `setpoint_w` of the configuration,
which holds from the start. A lease that was released is as if it had never been; when one has run
out and none is left, `setpoint_fallback_w` counts until the next one. So a site whose controller has
died does not stay at its last word.

Power that flows out of the car needs more: a lease that ends, and the permission of the grid, which
the key `export` gives to nobody, an input of the station, the host, or everybody. Without it nothing
below zero counts, from the same call on.

Positive power flows into the car. A machine: no clock of its own.
"""

from firmware.clock import sooner, ticks_add, ticks_diff
from micropython import const

CONFIG = const(0)
SCHEDULE = const(1)
HOST = const(2)
OPERATOR = const(3)
FALLBACK = const(4)
NAMES = ("config", "schedule", "host", "operator", "fallback")

MOST_W = const(1000000)
MOST_S = const(432000)  # five days: half a period of the tick is 6.2
_MOST_MA = const(1000000)
_UNSAID = const(0)
_YES = const(1)
_NO = const(2)

# What one source wants: places in its part of one list, which takes less heap than objects.
_LIVE = const(0)
_UNTIL = const(1)  # tick; None = it does not end
_W = const(2)
_L1 = const(3)  # and L2, L3 behind it
_PER_LINE = const(6)
_VAR = const(7)
_SEQ = const(8)
_SIZE = const(9)


class Lease:
    """cfg: dict of app/config. trace: note(now, text, value), or None.

    source      whose set-point counts, a number of NAMES
    set_w       that set-point in W, all lines together; below 0 only while it may flow out of the car
    per_line    it was given line by line: l_w has W of L1, L2, L3
    var         reactive power in var that goes with it
    seq         its number; counts all that was ever accepted
    export      may power flow out of the car now?
    """

    def __init__(self, cfg, trace=None):
        self._cfg = cfg
        self._trace = trace
        self._orders = [0] * (_SIZE * (OPERATOR + 1))
        self._orders[_W] = cfg["setpoint_w"]  # of the source CONFIG, which has no end
        self._ran_out = False
        self._grid = _UNSAID
        self._grid_until = None
        self._input = False
        self._mode = cfg["export"]
        self._seq = 0
        self.source = CONFIG
        self.set_w = 0
        self.per_line = False
        self.l_w = [0, 0, 0]
        self.var = 0
        self.seq = 0
        self.export = self._mode == "free"
        self._blocked = False
        self._choose(None)

    # -- the machine contract

    def poll(self, now):
        """End what has run out."""
        changed = False
        for source in (OPERATOR, HOST, SCHEDULE):
            at = source * _SIZE
            until = self._orders[at + _UNTIL]
            if self._orders[at + _LIVE] and until is not None and ticks_diff(now, until) >= 0:
                self._orders[at + _LIVE] = 0
                self._ran_out = changed = True
                self._say(now, "set-point of the %s has run out" % NAMES[source])
        if self._grid_until is not None and ticks_diff(now, self._grid_until) >= 0:
            was = self._grid
            self._grid = _UNSAID
            self._grid_until = None
            self._say(now, "grid %s has run out" % ("yes" if was == _YES else "no"))
            changed = True
        if changed:
            self._choose(now)

    @property
    def due(self):
        """Tick of the next poll, or None."""
        due = self._grid_until
        for at in (SCHEDULE * _SIZE, HOST * _SIZE, OPERATOR * _SIZE):
            if self._orders[at + _LIVE]:
                due = sooner(due, self._orders[at + _UNTIL])
        return due

    # -- what counts

    def w(self, now):
        """The set-point in W that counts at `now`, all lines together."""
        self.poll(now)
        return self.set_w

    def left_ms(self, now):
        """Milliseconds until the set-point that counts ends; None: it does not."""
        if self.source == FALLBACK or self.source == CONFIG:
            return None
        until = self._orders[self.source * _SIZE + _UNTIL]
        return None if until is None else max(0, ticks_diff(until, now))

    # -- what is told

    def give(self, now, source, w, valid_s=None, lines=None, var=0):
        """A new lease. w: all lines together. lines: (L1, L2, L3) in W in its place. valid_s: None =
        `setpoint_valid_s`; 0 = it does not end. Return "", or in words why it is refused; nothing
        has changed then."""
        if lines is not None:
            w = lines[0] + lines[1] + lines[2]
            if min(lines) < 0 < max(lines):
                return "all lines go the same way"
            if self._cfg["ac_phases"] == 1 and (lines[1] or lines[2]):
                return "this station has one line, L1"
        if not -MOST_W <= w <= MOST_W or not -MOST_W <= var <= MOST_W:
            return "a set-point is in %d..%d W" % (-MOST_W, MOST_W)
        if valid_s is None:
            valid_s = self._cfg["setpoint_valid_s"]
        if not 0 <= valid_s <= MOST_S:
            return "a set-point is valid for 1..%d s" % MOST_S
        self.poll(now)
        if w < 0:
            if not valid_s:
                return "below zero a set-point needs an end: setpoint %d for SECONDS" % w
            if not self.export:
                return self.why_no_export()
        orders = self._orders
        at = source * _SIZE
        again = orders[at + _LIVE] and orders[at + _W] == w
        orders[at + _LIVE] = 1
        orders[at + _UNTIL] = ticks_add(now, valid_s * 1000) if valid_s else None
        orders[at + _W] = w
        orders[at + _PER_LINE] = lines is not None
        for i in range(3):
            orders[at + _L1 + i] = lines[i] if lines is not None else 0
        orders[at + _VAR] = var
        self._seq = orders[at + _SEQ] = self._seq + 1 & 0xFFFFFF
        if source < self.source != FALLBACK and not again:
            self._say(now, "set-point of the %s waits: the %s has one" % (NAMES[source], NAMES[self.source]))
        self._ran_out = False
        self._choose(now)
        return ""

    def release(self, now, source):
        """The source wants nothing any more, as if it had never said anything. True if it had. Who
        says so ends the fallback too; a schedule says nothing, it only has no entry."""
        ran_out = self._ran_out and source != SCHEDULE
        was = self._orders[source * _SIZE + _LIVE] or ran_out
        self._orders[source * _SIZE + _LIVE] = 0
        if ran_out:
            self._ran_out = False
        self._choose(now)
        return bool(was)

    def grid(self, now, yes, valid_s=None):
        """The host allows power out of the car, for a time, or forbids it, for a time or until it
        says otherwise. Return "", or in words why it is refused."""
        if valid_s is not None and not 0 < valid_s <= MOST_S:
            return "grid: valid for 1..%d s" % MOST_S
        if yes:
            if self._mode == "no":
                return self.why_no_export()
            if valid_s is None:
                valid_s = self._cfg["setpoint_valid_s"]
            if not valid_s:
                return "grid yes needs an end: grid yes for SECONDS"
        self._grid = _YES if yes else _NO
        self._grid_until = None if valid_s is None else ticks_add(now, valid_s * 1000)
        self._choose(now)
        return ""

    def input(self, now, yes):
        """What the station's input for the permission of the grid says."""
        if yes != self._input:
            self._input = yes
            self._choose(now)

    def why_no_export(self):
        """Why nothing may flow out of the car now, in words."""
        if self._mode == "no":
            return "no power out of the car: `export` is no in the configuration"
        if self._grid == _NO:
            return "no power out of the car: the grid says no"
        if self._mode == "input":
            return "no power out of the car: the input of the grid's permission is off"
        return "no power out of the car: nobody has said `grid yes`"

    # -- inside

    def _choose(self, now):
        """The one writer of what counts."""
        mode = self._mode
        self.export = self._grid != _NO and (
            mode == "free" or (mode == "host" and self._grid == _YES) or (mode == "input" and self._input)
        )
        orders = self._orders
        source = CONFIG
        for candidate in (OPERATOR, HOST, SCHEDULE):
            if orders[candidate * _SIZE + _LIVE]:
                source = candidate
                break
        at = source * _SIZE
        w = orders[at + _W]
        if source == CONFIG and self._ran_out:
            source = FALLBACK
            w = self._cfg["setpoint_fallback_w"]
        self.source = source
        self.seq = orders[at + _SEQ]
        blocked = w < 0 and not self.export
        if blocked:
            w = 0
        self.per_line = bool(orders[at + _PER_LINE]) and not blocked
        for i in range(3):
            self.l_w[i] = orders[at + _L1 + i] if self.per_line else 0
        self.var = 0 if blocked else orders[at + _VAR]
        if w != self.set_w:
            self.set_w = w
            self._say(now, "setpoint_w", w)
        if blocked and not self._blocked:
            self._say(now, "set-point below zero is not done: " + self.why_no_export())
        self._blocked = blocked

    def _say(self, now, text, value=None):
        if self._trace is not None and now is not None:
            self._trace.note(now, text, value)
