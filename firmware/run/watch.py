"""The state of the station, pushed: for a host that decides over power, and needs no polling.

    watch 2 for 60          two lines a second and one with every change, for a minute
    watch off

    W t seq=17 pilot=C station=Linked session=DC_ChargeLoop ...

A line is the whole state; FIELDS says what is in it. Who renews `watch` in time goes on; who does
not is not written to any more. A line that the output does not take is left out: `seq` counts those
too, and the next one has everything again.
"""

from firmware.app import plug_steps
from firmware.app.lease import NAMES as SOURCES
from firmware.clock import ticks_add, ticks_diff
from firmware.session import ceiling
from firmware.session.dialects import state_name
from micropython import const

_CHANGE_MS = const(50)  # two lines of changes are so far apart at least
_PERIOD_MS = const((1 << 30) - 1)  # t: milliseconds modulo 2**30, as in the trace

# name, meaning. Power is positive into the car.
FIELDS = (
    ("seq", "number of the line; a gap is lines that were left out"),
    ("pilot", "A to F; ? on --link os"),
    ("station", "state of the supervisor (docs/supervisor.md); ? on --link os"),
    ("session", "state of the session (docs/session.md); Idle without one"),
    ("service", "1 AC, 2 DC, 5 AC_BPT, 6 DC_BPT, 0 none yet"),
    ("dynamic", "1: the station's set-point steers; 0: a schedule does, the set-point is a ceiling"),
    ("evccid", "of the car, - if not told"),
    ("soc", "percent, -1 if not told"),
    ("w", "power now"),
    ("mv", "voltage now"),
    ("ma", "current now"),
    ("contactor", "1 = closed"),
    ("charge_w", "most that could be steered into the car now, by everybody's limits"),
    ("discharge_w", "the same out of it; 0 without permission of the grid"),
    ("in_wh", "energy into the car, never falls"),
    ("out_wh", "energy out of it"),
    ("setpoint_w", "that counts now"),
    ("source", "whose it is: config, schedule, host, operator, fallback"),
    ("seconds", "it holds so long; -1: it does not end"),
    ("lease", "its number: that of the last one of yours, if it is yours"),
    ("export", "1: power may flow out of the car"),
    ("decision", "0 nobody has decided, 1 may charge, 2 denied"),
    ("fault", "of the power path, 0 = none"),
    ("faults", "of the firmware itself since the boot"),
)


class Watch:
    """loop: run.run_loop.RunLoop. out: console.StdOut. due: tick of the next line, None = off."""

    def __init__(self, loop, out):
        self._loop = loop
        self._out = out
        self._letters = None
        if hasattr(loop, "charger"):
            from firmware.app.charger import LETTERS

            self._letters = LETTERS
        self._every_ms = 0
        self._until = None
        self._shown = -1  # what the last line has told, of what may change
        self._seq = 0
        self._last = 0
        self.due = None

    def start(self, hz, seconds, now):
        """Lines from now on."""
        self._every_ms = 1000 // hz
        self._until = ticks_add(now, seconds * 1000)
        self._shown = -1
        self._last = ticks_add(now, -_CHANGE_MS)
        self.due = now

    def stop(self):
        self._until = self.due = None

    def poll(self, now):
        """A line if one is due, or something has changed."""
        if self._until is None:
            return
        if ticks_diff(now, self._until) >= 0:
            self.stop()
            return
        shown = self._state()
        if shown != self._shown:  # soon, and not with every turn
            soon = ticks_add(self._last, _CHANGE_MS)
            if ticks_diff(self.due, soon) > 0:
                self.due = soon
        if ticks_diff(now, self.due) < 0:
            return
        self._seq = self._seq + 1 & 0xFFFFFF
        if self._out.flush():
            self._out.offer(self._line(now))
            self._shown = shown
        self._last = now
        self.due = ticks_add(now, self._every_ms)

    def _state(self):
        """All that is told at once, in one small number."""
        loop = self._loop
        power, charger = loop.power, getattr(loop, "charger", None)
        code = 0 if charger is None else charger.pilot.state << 5 | charger.state
        code = code << 6 | getattr(loop.safe.secc, "state", 0) & 63
        code = code << 1 | bool(power.sample()[4])
        code = code << 2 | power.decide.state
        code = code << 3 | power.lease.source
        code = code << 1 | power.lease.export
        return code << 1 | bool(power.fault)

    def _line(self, now):
        loop = self._loop
        power, safe, charger = loop.power, loop.safe, getattr(loop, "charger", None)
        lease, f = power.lease, safe.secc.facts
        open_ = not safe.session_over
        charge_w, discharge_w = ceiling.room_w(f) if open_ and f.session.service else (0, 0)
        setpoint_w, w, mv, ma, contactor, in_wh, out_wh = power.sample()
        left_ms = lease.left_ms(now)
        values = (
            self._seq,
            "?" if charger is None else self._letters[charger.pilot.state],
            "?" if charger is None else plug_steps.STATE_NAMES[charger.state],
            state_name(safe.secc.state),
            f.session.service if open_ else 0,
            f.session.dynamic if open_ else 0,
            _word(f.car.id) if open_ else "-",
            f.car.soc if open_ else -1,
            w,
            mv,
            ma,
            bool(contactor),
            charge_w,
            discharge_w,
            in_wh,
            out_wh,
            setpoint_w,
            SOURCES[lease.source],
            -1 if left_ms is None else left_ms // 1000,
            lease.seq,
            lease.export,
            power.decide.state,
            power.fault,
            safe.faults,
        )
        words = ["W %d" % (ticks_diff(now, loop.trace.start) & _PERIOD_MS)]
        for i, field in enumerate(FIELDS):
            value = values[i]
            words.append(field[0] + "=" + (value if isinstance(value, str) else "%d" % value))
        words[-1] += "\n"
        return " ".join(words).encode()


def _word(text):
    """A text as one word of a line: what a car calls itself may be anything."""
    out = "".join([c if c.isalpha() or c.isdigit() or c in "-_.:*" else "_" for c in text[:64]])
    return out or "-"
