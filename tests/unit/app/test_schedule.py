"""Set-points by the clock."""

from firmware.app import config
from firmware.app.lease import HOST, NAMES, Lease
from firmware.app.schedule import MOST, Schedule, ScheduleError, parse
from firmware.clock import ticks_add, ticks_diff
from tests.lib.mtest import eq
from tests.lib.notes import Notes

BEGIN = ticks_add(0, -300)
MIDNIGHT = 1796083200  # 2026-12-01 00:00 UTC
DAY = "06:00 11000\n17:30 -8000  # dear\n\n21:00 off\n"


def test_what_may_stand_in_a_schedule():
    eq(parse(DAY), [(360, 11000), (1050, -8000), (1260, None)])
    eq(parse("2026-12-01T00:01Z 5"), [(MIDNIGHT // 60 + 1, 5)])
    eq(parse("# nothing\n\n"), [])
    for text, why in (
        ("06:00 1\n05:00 2", "line 2: not later"),
        ("06:00 1\n06:00 2", "line 2: not later"),
        ("06:00", "line 1: a time and a power"),
        ("6:00 1", "HH:MM"),
        ("24:00 1", "HH:MM"),
        ("06:60 1", "HH:MM"),
        ("0x:00 1", "HH:MM"),
        ("06:00 1.5", "whole number"),
        ("06:00 1000001", "-1000000..1000000"),
        ("2026-12-01T06:00 1", "ends in Z"),
        ("2026-13-01T06:00Z 1", "no such date"),
        ("26-12-01T06:00Z 1", "YYYY-MM-DD"),
        ("06:00 1\n2026-12-01T06:00Z 1", "line 2: times with a date"),
        ("\n".join(["%02d:%02d 1" % (n // 60, n % 60) for n in range(MOST + 1)]), "line %d: more than" % (MOST + 1)),
    ):
        try:
            parse(text)
        except ScheduleError as error:
            assert why in str(error), (text, error)
        else:
            raise AssertionError(text)


class Bench:
    """A lease and a schedule; the wall clock is set to `s` behind MIDNIGHT."""

    def __init__(self, text, s=0, known=True, **changes):
        self.trace = Notes()
        self.lease = Lease(config.merge(changes), self.trace)
        self.s = MIDNIGHT + s
        self.known = known
        self.now = BEGIN
        self.schedule = Schedule(parse(text), self.lease, lambda: (self.s, self.known), self.trace)
        self.schedule.start(self.now)

    def go(self, seconds):
        """Let time pass, polling at what is due; (W, source) at the end."""
        end = ticks_add(self.now, seconds * 1000)
        base = self.s, self.now
        while True:
            self.s = base[0] + ticks_diff(self.now, base[1]) // 1000
            self.schedule.poll(self.now)
            self.lease.poll(self.now)
            dues = [due for due in (self.schedule.due, self.lease.due) if due is not None]
            nearest = min([ticks_diff(due, self.now) for due in dues] + [ticks_diff(end, self.now)])
            if ticks_diff(end, self.now) <= 0:
                break
            self.now = ticks_add(self.now, max(1, nearest))
        return self.lease.w(self.now), NAMES[self.lease.source]


def test_a_day_goes_on_and_on_and_leaves_no_gap():
    b = Bench(DAY, export="free")
    eq(b.go(10), (0, "config"))  # off since yesterday
    eq(b.go(6 * 3600 - 11), (0, "config"))
    for _ in range(2):
        eq(b.go(1), (11000, "schedule"))
        eq(b.go(11 * 3600 + 1799), (11000, "schedule"))
        eq(b.go(1), (-8000, "schedule"))
        eq(b.go(12599), (-8000, "schedule"))
        eq(b.go(1), (0, "config"))
        eq(b.go(9 * 3600 - 1), (0, "config"))
    eq(
        [note for note in b.trace.notes if note.startswith("setpoint_w")][:3],
        ["setpoint_w 11000", "setpoint_w -8000", "setpoint_w 0"],
    )
    eq([note for note in b.trace.notes if "run out" in note], [])


def test_one_entry_a_day_holds_all_day():
    b = Bench("12:00 3000", 13 * 3600)
    for _ in range(48):
        eq(b.go(3600), (3000, "schedule"))


def test_with_dates_each_entry_holds_a_day_at_most():
    b = Bench("2026-12-01T01:00Z 4000\n2026-12-01T02:00Z 5000")
    eq(b.go(3599), (0, "config"))
    eq(b.go(1), (4000, "schedule"))
    eq(b.go(3600), (5000, "schedule"))
    eq(b.go(86400 - 10), (5000, "schedule"))
    eq(b.go(20)[0], 0)
    eq(b.go(86400)[0], 0)


def test_without_a_clock_nothing_is_done_and_that_is_said():
    b = Bench("00:00 7000", known=False)
    eq(b.go(600), (0, "config"))
    eq(b.trace.errors, ["schedule: the clock is not set, nothing is done: `clock UNIX_S`"])
    b.known = True
    eq(b.go(61), (7000, "schedule"))
    eq(b.trace.notes[0], "schedule: the clock is set")


def test_a_clock_that_is_set_meanwhile_counts_within_a_minute():
    b = Bench(DAY, 7 * 3600, export="free")
    eq(b.go(100), (11000, "schedule"))
    b.s += 11 * 3600
    eq(b.go(61), (-8000, "schedule"))


def test_below_zero_it_needs_the_grid_and_tries_again_r_loop_10():
    b = Bench("00:00 -5000", export="host")
    eq(b.go(300), (0, "config"))
    eq(len([note for note in b.trace.notes if "is not done" in note]), 1)
    eq(b.lease.grid(b.now, True, 300), "")
    eq(b.go(61), (-5000, "schedule"))
    eq(b.go(300)[0], 0)  # the permission has run out


def test_operator_and_host_go_before_it_and_it_says_so_once():
    b = Bench("00:00 5000")
    eq(b.go(1), (5000, "schedule"))
    b.lease.give(b.now, HOST, 2000, 600)
    eq(b.go(500), (2000, "host"))
    eq(b.go(200), (5000, "schedule"))
    eq([note for note in b.trace.notes if "waits" in note], [])
    b.schedule.replace(parse("00:00 off"), b.now)
    eq(b.go(1), (0, "config"))
