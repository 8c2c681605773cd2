"""The file of set-points by the clock, and its command."""

import os

from firmware.app import config
from firmware.app.lease import Lease
from firmware.clock import ticks_add
from firmware.run import schedule_file
from firmware.run.operator import Refused
from firmware.run.schedule_file import ScheduleFile, line
from tests.lib.mtest import eq, raises
from tests.lib.notes import Notes

BARE = "writes files"
START = ticks_add(0, -300)
PATH = "microv2g-schedule-%d.txt" % (ord(os.urandom(1)) << 8 | ord(os.urandom(1)))


class Part:
    pass


class Loop:
    def __init__(self):
        self.trace = Notes()
        self.power = Part()
        self.power.lease = Lease(config.merge({"export": "free"}), self.trace)
        self.busy = ""

    def occupied(self):
        return self.busy


def with_file(text, test):
    """test(loop, file) at 2026-12-01 18:00 UTC. text: None = there is no file."""
    wall = schedule_file.wall
    schedule_file.wall = lambda: (1796083200 + 18 * 3600, True)
    try:
        if text is not None:
            with open(PATH, "w") as f:
                f.write(text)
        loop = Loop()
        test(loop, ScheduleFile(PATH, loop, START))
    finally:
        schedule_file.wall = wall
        for name in (PATH, PATH + ".new"):
            try:
                os.remove(name)
            except OSError:
                pass


def test_it_is_shown_changed_and_done():
    def test(loop, file):
        file.poll(START)
        eq(loop.power.lease.set_w, -8000)
        eq(list(file.do_schedule([], START)), ["06:00 11000", "17:30 -8000", "# now: -8000 W, 43200 s more"])
        file.do_schedule(["set", "17:30", "off"], START)
        file.poll(START)
        eq(loop.power.lease.set_w, 0)
        file.do_schedule(["set", "12:00", "500"], START)
        with open(PATH) as f:
            eq(f.read(), "06:00 11000\n12:00 500\n17:30 off\n")
        loop.busy = "a car is in a session"
        assert "not while a car" in str(raises(Refused, file.do_schedule, ["clear"], START))
        loop.busy = ""
        for bad in (["set", "25:00", "5"], ["set", "12:00", "much"], ["set", "2026-12-01T12:00Z", "5"]):
            raises(Refused, file.do_schedule, bad, START)
        eq(file.do_schedule(["nonsense"], START), False)
        file.do_schedule(["clear"], START)
        eq(list(file.do_schedule([], START)), ["# now: nothing"])

    with_file("06:00 11000\n17:30 -8000\n", test)


def test_a_file_that_is_wrong_or_absent_is_said_and_does_nothing():
    for text, why in (("06:00 11000\nnonsense", "line 2"), (None, "there is no"), ("#" * 5000, "longer than 4096")):

        def test(loop, file, why=why):
            file.poll(START)
            assert len(loop.trace.errors) == 1 and why in loop.trace.errors[0], loop.trace.errors
            eq(loop.power.lease.set_w, 0)

        with_file(text, test)


def test_dates_come_back_as_they_were():
    from firmware.app.schedule import parse

    for text in ("2026-12-01T17:30Z -8000", "2028-02-29T00:00Z off", "2099-12-31T23:59Z 1", "2027-01-01T00:00Z 0"):
        eq(line(parse(text)[0]), text)
