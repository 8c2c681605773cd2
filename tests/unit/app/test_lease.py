"""Set-points as leases (R-LOOP-17), and the permission of the grid (R-LOOP-10)."""

from firmware.app import config
from firmware.app.lease import CONFIG, FALLBACK, HOST, MOST_S, NAMES, OPERATOR, SCHEDULE, Lease
from firmware.clock import ticks_add
from host_tools.lab import lab
from tests.lib.mtest import eq
from tests.lib.notes import Notes

BEGIN = ticks_add(0, -300)  # the tick wraps in every test


class Bench:
    def __init__(self, **changes):
        self.trace = Notes()
        self.lease = Lease(config.merge(changes), self.trace)
        self.now = BEGIN

    def w(self, ms=0):
        self.now = ticks_add(self.now, ms)
        return self.lease.w(self.now)

    def give(self, *args, **more):
        return self.lease.give(self.now, *args, **more)

    def grid(self, yes, s=None):
        return self.lease.grid(self.now, yes, s)

    @property
    def source(self):
        return NAMES[self.lease.source]


def test_a_set_point_ends_to_the_millisecond_and_the_fallback_counts_r_loop_17():
    b = Bench(setpoint_w=1000, setpoint_fallback_w=700)
    eq((b.w(), b.source, b.lease.due), (1000, "config", None))
    eq(b.give(HOST, 5000, 30), "")
    eq(b.lease.due, ticks_add(BEGIN, 30000))
    eq((b.w(29999), b.source), (5000, "host"))
    eq((b.w(1), b.source, b.lease.due), (700, "fallback", None))
    eq(b.trace.notes, ["setpoint_w 5000", "set-point of the host has run out", "setpoint_w 700"])
    eq(b.give(HOST, 2000, 5), "")
    eq(b.w(), 2000)


def test_without_a_word_of_its_end_the_configured_time_counts_r_loop_17():
    b = Bench(setpoint_valid_s=20)
    b.give(HOST, 5000)
    eq((b.w(19999), b.w(1)), (5000, 0))
    b = Bench(setpoint_valid_s=0)
    b.give(HOST, 5000)
    eq((b.w(500000000), b.lease.due), (5000, None))
    eq(Bench().lease._cfg["setpoint_valid_s"], 60)


def test_renewed_by_its_source_it_goes_on_and_says_nothing_r_loop_17():
    b = Bench()
    for _ in range(100):
        eq(b.give(HOST, 4000, 2), "")
        eq(b.w(1000), 4000)
    eq(b.trace.notes, ["setpoint_w 4000"])
    eq(b.lease.seq, 100)
    eq((b.w(1000), b.source), (0, "fallback"))


def test_the_operator_goes_before_host_schedule_and_configuration_r_loop_17():
    b = Bench(setpoint_w=1, setpoint_fallback_w=9)
    for source, w, s in ((SCHEDULE, 2, 100), (OPERATOR, 4, 10), (HOST, 3, 20)):
        eq(b.give(source, w, s), "")
    eq((b.w(), b.source), (4, "operator"))
    eq([note for note in b.trace.notes if "waits" in note], ["set-point of the host waits: the operator has one"])
    eq((b.w(10000), b.source), (3, "host"))
    eq((b.w(10000), b.source), (2, "schedule"))
    eq((b.w(80000), b.source), (9, "fallback"))


def test_what_was_taken_back_is_as_if_it_had_never_been():
    b = Bench(setpoint_w=1)
    b.give(HOST, 3, 100)
    b.give(OPERATOR, 4, 100)
    assert b.lease.release(b.now, OPERATOR) and b.w() == 3
    assert b.lease.release(b.now, HOST) and (b.w(), b.source) == (1, "config")
    assert not b.lease.release(b.now, HOST)
    b.give(HOST, 3, 1)
    eq((b.w(1000), b.source), (0, "fallback"))
    assert b.lease.release(b.now, HOST) and (b.w(), b.lease.source) == (1, CONFIG)


def test_below_zero_needs_an_end_and_the_grid_r_loop_10():
    b = Bench(export="free")
    assert "needs an end" in b.give(HOST, -5000, 0) and b.w() == 0
    eq((b.give(HOST, -5000, 10), b.w()), ("", -5000))
    eq((b.w(9999), b.w(1)), (-5000, 0))
    assert "needs an end" in Bench(export="free", setpoint_valid_s=0).give(HOST, -1)
    b = Bench()
    assert "`export` is no" in b.give(OPERATOR, -5000, 10) and "`export` is no" in b.grid(True, 10)
    b.lease.input(b.now, True)
    assert b.give(OPERATOR, -1, 10) and not b.lease.export
    for key in ("setpoint_w", "setpoint_fallback_w"):
        try:
            config.merge({key: -1})
            raise AssertionError(key)
        except config.ConfigError as why:
            assert key in str(why)
    b = Bench(**lab({"setpoint_w": -3000}))
    eq(b.w(), -3000)


def test_the_host_allows_for_a_time_and_its_no_is_at_once_r_loop_10():
    b = Bench(export="host")
    assert "nobody has said" in b.give(HOST, -5000, 100)
    assert "needs an end" in Bench(export="host", setpoint_valid_s=0).grid(True)
    eq((b.grid(True, 30), b.give(HOST, -5000, 100), b.w()), ("", "", -5000))
    eq((b.grid(False), b.w(), b.lease.export), ("", 0, False))
    eq(b.trace.notes[-1], "set-point below zero is not done: no power out of the car: the grid says no")
    eq((b.grid(True, 20), b.w()), ("", -5000))  # the lease is still there
    eq((b.w(19999), b.lease.export), (-5000, True))
    eq((b.w(1), b.lease.export), (0, False))
    assert "nobody has said" in b.lease.why_no_export()
    b.grid(True)
    eq(b.lease.due, ticks_add(b.now, 60000))


def test_an_input_allows_while_it_is_on_and_the_host_can_only_forbid_r_loop_10():
    b = Bench(export="input", inputs="export=GP2")
    b.grid(True, 100)
    assert not b.lease.export and "input" in b.give(HOST, -5000, 100)
    b.lease.input(b.now, True)
    eq((b.give(HOST, -5000, 100), b.w()), ("", -5000))
    b.lease.input(b.now, False)
    eq(b.w(), 0)
    b.lease.input(b.now, True)
    eq(b.w(), -5000)
    b.grid(False, 10)
    eq((b.w(9999), b.w(1)), (0, -5000))


def test_line_by_line_and_reactive():
    b = Bench(export="free")
    eq(b.give(HOST, 0, 10, (3000, 2000, 0), 500), "")
    eq((b.w(), list(b.lease.l_w), b.lease.per_line, b.lease.var), (5000, [3000, 2000, 0], True, 500))
    assert "same way" in b.give(HOST, 0, 10, (3000, -1, 0))
    eq(b.w(), 5000)
    eq(b.give(HOST, 0, 10, (-3000, -1, 0)), "")
    eq((b.w(), list(b.lease.l_w)), (-3001, [-3000, -1, 0]))
    b.grid(False)
    eq((b.w(), b.lease.per_line, b.lease.var), (0, False, 0))
    eq(b.give(HOST, 4, 10), "")
    eq((b.w(), b.lease.per_line), (4, False))
    assert "one line" in Bench(ac_phases=1).give(HOST, 0, 10, (1, 1, 0))
    eq(Bench(ac_phases=1).give(HOST, 0, 10, (1, 0, 0)), "")


def test_what_is_out_of_range_changes_nothing():
    b = Bench()
    b.give(HOST, 77, 10)
    for w, s in ((1000001, 1), (-1000001, 1), (5, -1), (5, MOST_S + 1)):
        assert b.give(HOST, w, s), (w, s)
    for s in (0, -1, MOST_S + 1):
        assert b.grid(False, s), s
    eq((b.w(), b.lease.seq), (77, 1))
    eq(b.give(OPERATOR, 5, MOST_S), "")
    eq(b.lease.left_ms(b.now), MOST_S * 1000)
    assert b.lease.source != FALLBACK


def test_a_schedule_that_is_silent_does_not_lift_the_fallback_r_loop_17():
    """The host has died at its last word. That a schedule has nothing to say, or is refused, is no
    new word."""
    lease = Lease(config.merge({"setpoint_w": 11000, "setpoint_fallback_w": 0}))
    assert lease.give(BEGIN, HOST, 7000, 10) == ""
    eq(lease.w(ticks_add(BEGIN, 10_000)), 0)
    lease.release(ticks_add(BEGIN, 11_000), SCHEDULE)
    eq((lease.set_w, lease.source), (0, FALLBACK))
    lease.release(ticks_add(BEGIN, 12_000), OPERATOR)  # somebody has said so
    eq(lease.set_w, 11000)
