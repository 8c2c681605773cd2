"""The file with set-points by the clock (app/schedule.py), and the command that shows and changes it.

    schedule                        what it says, and what counts of it now
    schedule set 17:30 -8000        one entry, in place of what stands at that time; `off` ends
    schedule clear

A change is written beside the file and renamed over it, refused while a car is in a session, and
acts at once. A file that is wrong is not done at all, and that is said.
"""

import os

from firmware.app.schedule import MOST_BYTES, Schedule, ScheduleError, parse
from firmware.clock import unix_s
from firmware.net import cert_time
from firmware.run.operator import Refused


def wall():
    """(Unix seconds, whether the clock was ever set)."""
    return unix_s(), cert_time.judged_at(unix_s(), cert_time.build_s())[1]


class ScheduleFile:
    """path: of the file. loop: run.run_loop.RunLoop."""

    COMMANDS = (("schedule", "schedule | schedule set TIME W|off | schedule clear  set-points by the clock"),)

    def __init__(self, path, loop, now):
        self.path = path
        self._loop = loop
        self._schedule = Schedule((), loop.power.lease, wall, loop.trace)
        try:
            self._schedule.entries = parse(self._text())
        except ScheduleError as why:
            loop.trace.error(now, "schedule: %s is not done: %s" % (path, why))
        except OSError:
            loop.trace.error(now, "schedule: there is no %s" % path)
        self._schedule.start(now)

    @property
    def due(self):
        return self._schedule.due

    def poll(self, now):
        self._schedule.poll(now)

    def do_schedule(self, args, now):
        if not args:
            return iter(self._lines() + [self._now()])
        if args == ["clear"]:
            self._write((), now)
            return None
        if args[0] != "set" or len(args) != 3:
            return False
        try:
            new = parse(" ".join(args[1:]))[0]
            entries = sorted([e for e in self._schedule.entries if e[0] != new[0]] + [new])
            text = "\n".join([line(entry) for entry in entries])
            self._write(parse(text), now)
        except ScheduleError as why:
            raise Refused("schedule: " + str(why))
        return None

    # -- inside

    def _text(self):
        with open(self.path) as f:
            text = f.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ScheduleError("longer than %d bytes" % MOST_BYTES)
        return text

    def _lines(self):
        return [line(entry) for entry in self._schedule.entries]

    def _now(self):
        s, known = wall()
        if not known:
            return "# the clock is not set: nothing is done"
        w, left_s = self._schedule.at(s)
        text = "# now: " + ("nothing" if w is None else "%d W" % w)
        return text if left_s is None else text + ", %d s more" % left_s

    def _write(self, entries, now):
        if self._loop.occupied():
            raise Refused("schedule: not while " + self._loop.occupied())
        try:
            with open(self.path + ".new", "w") as f:
                for entry in entries:
                    f.write(line(entry) + "\n")
            os.rename(self.path + ".new", self.path)
        except OSError as e:
            raise Refused("schedule: cannot write %s: %s" % (self.path, e))
        self._schedule.replace(entries, now)
        self._loop.trace.note(now, "schedule: entries", len(entries))


def line(entry):
    """An entry as it stands in the file."""
    minute, w = entry
    text = "%02d:%02d" % (minute % 1440 // 60, minute % 60)
    if minute >= 1440:
        year, month, day = _date(minute // 1440)
        text = "%04d-%02d-%02dT%sZ" % (year, month, day, text)
    return text + (" off" if w is None else " %d" % w)


def _date(days):
    """(year, month, day) of days since 1970."""
    year = 1970
    while cert_time.date_s(year + 1, 1, 1) // 86400 <= days:
        year += 1
    month = 12
    while cert_time.date_s(year, month, 1) // 86400 > days:
        month -= 1
    return year, month, days - cert_time.date_s(year, month, 1) // 86400 + 1
