"""Set-points by the clock, for a station that nobody attends.

A line is a time and a power in W, or `off`; what stands behind # is a remark. Times are UTC, either
of every day or of one, and rise:

    06:00 11000                 2026-12-01T17:30Z -8000
    17:30 -8000                 2026-12-01T20:00Z off
    21:00 off

An entry holds until the next one begins, a day at most. It is a lease of the source `schedule`
(lease.py): operator and host go before it, and below zero it needs the permission of the grid like
any other. Without a clock that was set nothing is done, and that is said. A machine: it is handed
its clock.
"""

from firmware.app.lease import MOST_W, SCHEDULE
from firmware.clock import ticks_add, ticks_diff
from firmware.net.cert_time import date_s
from micropython import const

MOST = const(64)  # entries
MOST_BYTES = const(4096)
_DAY_MIN = const(1440)
_LOOK_MS = const(60000)  # the clock may have been set meanwhile
_OVER_S = const(5)  # an entry outlives the beginning of the next one by so much: no gap between them


class ScheduleError(ValueError):
    """str() says which line, and what is wrong with it."""


def parse(text):
    """[(minute, W or None for off)] of a schedule's text; the minute of the day, or since 1970 where
    lines have a date."""
    out = []
    number = 0
    for line in text.split("\n"):
        number += 1
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            entry = _entry(words)
        except ValueError as why:
            raise ScheduleError("line %d: %s" % (number, str(why) or "not a time and a power"))
        if out and (entry[0] < _DAY_MIN) != (out[0][0] < _DAY_MIN):
            raise ScheduleError("line %d: times with a date and without do not mix" % number)
        if out and entry[0] <= out[-1][0]:
            raise ScheduleError("line %d: not later than the line before" % number)
        if len(out) == MOST:
            raise ScheduleError("line %d: more than %d entries" % (number, MOST))
        out.append(entry)
    return out


def _entry(words):
    if len(words) != 2:
        raise ValueError("a time and a power, as 17:30 -8000")
    w = None
    if words[1] != "off":
        w = _number(words[1])
        if not -MOST_W <= w <= MOST_W:
            raise ValueError("a power is in %d..%d W" % (-MOST_W, MOST_W))
    return _minute(words[0]), w


def _number(word):
    try:
        return int(word)
    except ValueError:
        raise ValueError("a power is a whole number of W, or off: " + word)


def _minute(word):
    date, at = "", word
    if "T" in word:
        date, at = word.split("T", 1)
        if at[-1:] != "Z":
            raise ValueError("a time with a date is UTC and ends in Z: " + word)
        at = at[:-1]
    parts = at.split(":")
    if (
        [len(part) for part in parts] != [2, 2]
        or not (at[:2] + at[3:]).isdigit()
        or int(at[:2]) > 23
        or int(at[3:]) > 59
    ):
        raise ValueError("a time is HH:MM, or as 2026-12-01T17:30Z: " + word)
    minute = int(at[:2]) * 60 + int(at[3:])
    if not date:
        return minute
    ymd = date.split("-")
    if [len(part) for part in ymd] != [4, 2, 2] or not "".join(ymd).isdigit():
        raise ValueError("a date is YYYY-MM-DD: " + word)
    year, month, day = [int(part) for part in ymd]
    if not (2024 <= year <= 2099 and 1 <= month <= 12 and 1 <= day <= 31):
        raise ValueError("there is no such date: " + word)
    return date_s(year, month, day) // 60 + minute


class Schedule:
    """entries: of parse(). lease: app.lease.Lease. clock() -> (Unix seconds, whether they are known)."""

    def __init__(self, entries, lease, clock, trace):
        self.entries = entries
        self._lease = lease
        self._clock = clock
        self._trace = trace
        self._waits = False  # for a clock
        self._why = ""  # the last refusal that was said
        self._on = False
        self.due = None

    def start(self, now):
        self.due = now

    def replace(self, entries, now):
        """Another schedule from now on."""
        self.entries = entries
        self._off(now)
        self.due = now

    def poll(self, now):
        """Do what the clock says."""
        if self.due is None or ticks_diff(now, self.due) < 0:
            return
        self.due = ticks_add(now, _LOOK_MS)
        unix_s, known = self._clock()
        if not known:
            if not self._waits:
                self._trace.error(now, "schedule: the clock is not set, nothing is done: `clock UNIX_S`")
            self._waits = True
            self._off(now)
            return
        if self._waits:
            self._waits = False
            self._trace.note(now, "schedule: the clock is set")
        w, left_s = self.at(unix_s)
        if w is None:
            self._off(now)
        else:
            self._give(now, w, left_s)
        if left_s is not None and left_s * 1000 < _LOOK_MS:
            self.due = ticks_add(now, max(1, left_s) * 1000)

    def at(self, unix_s):
        """(W or None for nothing, seconds until that changes or None) at a time."""
        entries = self.entries
        if not entries:
            return None, None
        daily = entries[0][0] < _DAY_MIN
        second = unix_s % 60
        minute = unix_s // 60
        day = 0
        if daily:
            day = _DAY_MIN
            minute %= _DAY_MIN
        current = later = None
        for entry in entries:
            if entry[0] <= minute:
                current = entry
            elif later is None:
                later = entry[0]
        if daily:
            if current is None:
                current = (entries[-1][0] - day, entries[-1][1])
            if later is None:
                later = entries[0][0] + day
        w, end = None, later
        if current is not None:
            last = current[0] + _DAY_MIN
            if minute < last:
                w = current[1]
                end = last if later is None else min(later, last)
        return w, None if end is None else min((end - minute) * 60 - second, _DAY_MIN * 60)

    # -- inside

    def _give(self, now, w, left_s):
        why = self._lease.give(now, SCHEDULE, w, left_s + _OVER_S)
        self._on = not why
        if why != self._why:
            self._why = why
            if why:
                self._trace.note(now, "schedule: %d W is not done: %s" % (w, why))
        if why:
            self._lease.release(now, SCHEDULE)

    def _off(self, now):
        if self._on:
            self._on = False
            self._lease.release(now, SCHEDULE)
