"""What every power stage must do (docs/power_stage.md), as cases for any of them. What flows is told
by the copper (twin.dc_line), never by the stage that is tried.

A rig has: stage; line; now; contact(closed); silence() and bad_insulation() and broken(), which make
its parts fail, and repair(); step_ms; and what the parts below are able to: settle_ms (from a
command to its effect), off_ms (from off() to a dead converter), test_ms. CASES are functions of a
maker of rigs; failures() runs them.
"""

from firmware.clock import ticks_add, ticks_diff
from firmware.stage.words import (
    CURRENT,
    DC,
    ENERGY,
    FAULT,
    IN,
    INSULATION,
    LINES,
    OFF,
    OUT,
    PRECHARGE,
    READY,
    RUN,
    STOPPING,
    TESTING,
)
from tests.lib.mtest import Skip, eq, skip

SOURCES = (OUT, IN, CURRENT, INSULATION, ENERGY, LINES)
SAFE_MV = 60000
MV = 366000  # battery of twin.dc_line
TOP_MV = 420000
LOW_MV = 300000


class Rig:
    """Of a stage and the copper; who has more makes a class of it."""

    step_ms = 5
    settle_ms = 300
    off_ms = 60
    test_ms = 3000

    def __init__(self, stage, line, begin):
        self.stage = stage
        self.line = line
        self.now = begin
        self.most_ma = self.least_ma = 0  # what flowed, since the last look
        self.most_mv = 0

    def models(self):
        """Move what is behind the stage to `now`."""

    def run(self, ms, command=None):
        """Let time pass; the stage is polled each 20 ms, with the command before."""
        end = ticks_add(self.now, ms)
        next_poll = self.now
        while ticks_diff(end, self.now) > 0:
            self.now = ticks_add(self.now, self.step_ms)
            self.models()
            self._look()
            if ticks_diff(self.now, next_poll) >= 0:
                next_poll = ticks_add(self.now, 20)
                if command:
                    command()
                self.stage.poll(self.now)
        return self

    def until(self, ms, what, command=None):
        """Run until what() is true; False when it was not within ms."""
        end = ticks_add(self.now, ms)
        while ticks_diff(end, self.now) > 0:
            self.run(20, command)
            if what():
                return True
        return False

    def _look(self):
        line = self.line
        self.most_ma = max(self.most_ma, line.ma)
        self.least_ma = min(self.least_ma, line.ma)
        self.most_mv = max(self.most_mv, line.mv_in)

    def forget(self):
        self.most_ma = self.least_ma = self.most_mv = 0

    # -- stretches

    def precharge(self, mv=MV, ma=2000):
        self.contact(True)
        self.run(self.settle_ms + 600, lambda: self.stage.precharge(mv, ma, self.now))
        return self

    def closed(self):
        self.precharge()
        self.run(self.settle_ms, lambda: self.stage.close(self.now))
        return self

    def dc(self, ms, mv, ma, w):
        self.run(ms, lambda: self.stage.dc(mv, ma, w, self.now))
        return self

    def charging(self, ma=20000):
        self.closed()
        return self.dc(2 * self.settle_ms + 500, TOP_MV, ma, 22000)

    def discharging(self, ma=-10000):
        if not self.stage.caps.bidirectional:
            skip("one direction only")
        self.closed()
        return self.dc(4 * self.settle_ms + 500, LOW_MV, ma, 22000)

    @property
    def dead(self):
        """No current, no voltage that the converter makes."""
        return self.line.ma == 0 and not self.line.on

    def dies(self):
        """The converter is blocked within off_ms, and the output below 60 V soon after."""
        if not self.until(self.off_ms, lambda: self.dead):
            return False
        self.contact(False)
        return self.until(2000, lambda: self.line.mv_in < SAFE_MV)


# -- begin


def begins_off(make):
    rig = make()
    assert rig.stage.state in (OFF, READY), rig.stage.state
    eq(rig.stage.faults, 0)
    assert rig.dead and rig.stage.due is not None


def caps_are_whole(make):
    caps = make().stage.caps
    eq(caps.kind, DC)
    assert 0 <= caps.min_mv < caps.max_mv <= 1500000
    assert caps.max_charge_ma > 0 and caps.max_charge_w > 0
    assert bool(caps.bidirectional) == bool(caps.max_discharge_ma) == bool(caps.max_discharge_w)
    assert isinstance(caps.meter_id, str)


def caps_say_what_is_measured(make):
    rig = make()
    caps = rig.stage.caps
    age = rig.stage.age_ms
    for source, has in ((OUT, caps.has_out), (INSULATION, caps.has_monitor), (ENERGY, caps.has_meter), (LINES, False)):
        eq(age(source, rig.now) is not None, bool(has))
    assert age(IN, rig.now) is not None and age(CURRENT, rig.now) is not None
    for source in SOURCES:
        if age(source, rig.now) is not None:
            assert caps.limit_ms[source] > 0, source


def readings_are_numbers(make):
    rig = make().charging()
    s = rig.stage
    for name in ("state", "test_result", "insulation_ohm", "mv_out", "mv_in", "ma", "w", "var", "can_charge_w",
                 "can_discharge_w", "charged_wh", "discharged_wh", "faults"):  # fmt: skip
        assert isinstance(getattr(s, name), int), name
    for name in ("l_mv", "l_ma", "l_w"):
        eq(len(getattr(s, name)), 3)
    assert s.closed in (None, True, False)


# -- off


def off_is_off(make):
    rig = make().charging()
    assert rig.line.ma > 10000, rig.line.ma
    rig.stage.off(rig.now)
    assert rig.dies()
    rig.run(500)
    assert rig.dead and rig.stage.state in (OFF, READY)


def off_from_discharging(make):
    rig = make().discharging()
    assert rig.line.ma < -5000, rig.line.ma
    rig.stage.off(rig.now)
    assert rig.dies()


def off_from_a_test(make):
    rig = make()
    rig.contact(True)
    assert rig.until(rig.test_ms, lambda: rig.line.mv_in > 400000, lambda: rig.stage.test(500000, 1000, rig.now))
    rig.stage.off(rig.now)
    assert rig.dies()


def off_from_precharge(make):
    rig = make().precharge()
    assert rig.line.mv_in > MV - 20000
    rig.stage.off(rig.now)
    assert rig.dies()


def off_from_close(make):
    rig = make().closed()
    rig.stage.off(rig.now)
    assert rig.dies()


def off_from_stop(make):
    rig = make().charging()
    rig.stage.stop(rig.now)
    rig.run(40)
    rig.stage.off(rig.now)
    assert rig.dies()


def off_again_and_again(make):
    rig = make().charging()
    rig.run(300, lambda: rig.stage.off(rig.now))
    assert rig.dead
    eq(rig.stage.faults, 0)
    rig.precharge()
    assert rig.line.mv_in > MV - 20000  # and it works again


def off_before_the_first_poll(make):
    rig = make(settled=False)
    rig.stage.off(rig.now)
    rig.run(500)
    assert rig.dead


# -- stop


def stop_ramps_to_nothing(make):
    rig = make().charging()
    rig.stage.stop(rig.now)
    rig.forget()
    assert rig.until(500 + rig.settle_ms, lambda: abs(rig.line.ma) < 1000, lambda: rig.stage.beat(rig.now))
    assert rig.least_ma >= 0  # and not beyond it
    assert rig.until(1000, lambda: rig.stage.state in (READY, OFF), lambda: rig.stage.beat(rig.now))


def stop_of_discharge(make):
    rig = make().discharging()
    rig.stage.stop(rig.now)
    rig.forget()
    assert rig.until(500 + rig.settle_ms, lambda: abs(rig.line.ma) < 1000, lambda: rig.stage.beat(rig.now))
    assert rig.most_ma <= 1000


def stop_of_nothing(make):
    rig = make()
    rig.stage.stop(rig.now)
    rig.run(300)
    assert rig.dead and rig.stage.state in (OFF, READY, STOPPING)


# -- test


def test_passes_and_comes_down(make):
    rig = make()
    s = rig.stage
    rig.contact(True)
    rig.forget()
    assert rig.until(rig.test_ms, lambda: s.test_result, lambda: s.test(500000, 1000, rig.now))
    eq(s.test_result, 1)
    assert rig.most_mv >= 475000, rig.most_mv
    assert rig.line.mv_in < SAFE_MV and rig.most_ma <= 1000
    eq(s.state, TESTING)
    assert s.insulation_ohm >= 100 * 500


def test_of_bad_insulation_fails(make):
    rig = make()
    rig.contact(True)
    rig.bad_insulation()
    rig.until(rig.test_ms, lambda: rig.stage.test_result, lambda: rig.stage.test(500000, 1000, rig.now))
    assert rig.stage.test_result != 1 and (rig.stage.test_result == 2 or rig.stage.faults)


def test_result_is_of_this_test(make):
    rig = make()
    s = rig.stage
    rig.contact(True)
    rig.until(rig.test_ms, lambda: s.test_result, lambda: s.test(500000, 1000, rig.now))
    eq(s.test_result, 1)
    s.off(rig.now)
    rig.run(300)
    rig.bad_insulation()
    s.test(500000, 1000, rig.now)
    eq(s.test_result, 0)
    rig.run(100, lambda: s.test(500000, 1000, rig.now))
    eq(s.test_result, 0)
    rig.until(rig.test_ms, lambda: s.test_result or s.faults, lambda: s.test(500000, 1000, rig.now))
    assert s.test_result != 1


def test_that_cannot_rise_never_passes(make):
    rig = make()
    rig.contact(True)
    rig.broken()
    rig.run(rig.test_ms, lambda: rig.stage.test(500000, 1000, rig.now))
    assert rig.stage.test_result != 1


def test_below_the_lowest_voltage_is_refused(make):
    rig = make()
    if rig.stage.caps.min_mv <= SAFE_MV:
        skip("it can have any voltage")
    rig.contact(True)
    rig.run(1000, lambda: rig.stage.precharge(rig.stage.caps.min_mv - 30000, 1000, rig.now))
    assert rig.line.mv_in < rig.stage.caps.min_mv, rig.line.mv_in
    rig.stage.off(rig.now)
    rig.run(300)
    rig.run(500, lambda: rig.stage.test(rig.stage.caps.min_mv - 30000, 1000, rig.now))
    assert rig.stage.test_result != 1


# -- pre-charge, close


def precharge_follows(make):
    rig = make().precharge()
    eq(rig.stage.state, PRECHARGE)
    assert abs(rig.line.mv_in - MV) <= 20000, rig.line.mv_in
    assert abs(rig.stage.mv_in - rig.line.mv_in) <= 5000
    rig.forget()
    rig.stage.off(rig.now)


def precharge_is_not_above_its_current(make):
    rig = make()
    rig.contact(True)
    rig.line.car_mv = 340000
    rig.forget()
    rig.run(2000, lambda: rig.stage.precharge(350000, 2000, rig.now))
    assert rig.most_ma <= 2000, rig.most_ma


def close_lets_nothing_flow(make):
    rig = make().closed()
    rig.forget()
    rig.run(1000, lambda: rig.stage.close(rig.now))
    assert rig.most_ma <= 100 and rig.least_ma >= -100, (rig.most_ma, rig.least_ma)
    eq(rig.stage.state, RUN)


# -- run


def charging_is_positive(make):
    rig = make().charging()
    assert 18000 <= rig.line.ma <= 20100, rig.line.ma
    rig.run(1200, lambda: rig.stage.beat(rig.now))
    assert abs(rig.stage.ma - rig.line.ma) <= 1000 and rig.stage.ma > 0 and rig.stage.w > 0
    eq(rig.stage.state, RUN)


def discharging_is_negative(make):
    rig = make().discharging()
    assert -10100 <= rig.line.ma <= -9000, rig.line.ma
    rig.run(1200, lambda: rig.stage.beat(rig.now))
    assert abs(rig.stage.ma - rig.line.ma) <= 1000 and rig.stage.ma < 0 and rig.stage.w < 0


def one_way_stays_one_way(make):
    rig = make()
    if rig.stage.caps.bidirectional:
        skip("both directions")
    rig.closed().forget()
    rig.dc(1500, LOW_MV, -10000, 22000)
    assert rig.least_ma >= 0


def there_and_back(make):
    rig = make().charging()
    if not rig.stage.caps.bidirectional:
        skip("one direction only")
    rig.dc(6 * rig.settle_ms + 500, LOW_MV, -10000, 22000)
    assert rig.line.ma < -9000, rig.line.ma
    rig.dc(6 * rig.settle_ms + 500, TOP_MV, 10000, 22000)
    assert rig.line.ma > 9000, rig.line.ma
    eq(rig.stage.faults, 0)


def current_is_bounded(make):
    rig = make().closed()
    rig.forget()
    rig.dc(2000, TOP_MV, 5000, 22000)
    assert 4000 < rig.most_ma <= 5100, rig.most_ma


def voltage_is_held_when_charging(make):
    rig = make().closed()
    rig.forget()
    rig.dc(2000, MV + 1200, 70000, 22000)  # 1.2 V over 60 mohm: 20 A
    assert 15000 < rig.most_ma <= 21000, rig.most_ma
    assert rig.line.mv_out <= MV + 1300


def voltage_is_held_when_discharging(make):
    rig = make()
    if not rig.stage.caps.bidirectional:
        skip("one direction only")
    rig.closed().forget()
    rig.dc(3000, MV - 600, -70000, 22000)
    assert -11000 <= rig.least_ma < -8000, rig.least_ma


def power_is_held(make):
    rig = make().charging(50000)
    rig.dc(2 * rig.settle_ms + 500, TOP_MV, 50000, 5000)
    rig.forget()
    rig.dc(1000, TOP_MV, 50000, 5000)
    assert rig.most_ma * (rig.line.mv_out // 1000) <= 5300000, rig.most_ma
    assert rig.line.w >= 4200, rig.line.w


def caps_bound_what_is_asked(make):
    rig = make().closed()
    rig.forget()
    rig.dc(2000, 1 << 29, 1 << 29, 1 << 29)
    caps = rig.stage.caps
    assert rig.most_ma <= caps.max_charge_ma + 500 and rig.most_mv <= caps.max_mv + 1000, rig.most_ma


def zero_is_zero(make):
    rig = make().charging()
    rig.dc(rig.settle_ms + 500, TOP_MV, 0, 0)
    assert abs(rig.line.ma) < 1000, rig.line.ma
    eq(rig.stage.state, RUN)


# -- lease


def beats_keep_it_going(make):
    rig = make().charging()
    rig.run(2000, lambda: rig.stage.beat(rig.now))
    assert rig.line.ma > 15000 and rig.stage.state == RUN


def lease_ends_without_a_word(make):
    """Power hangs: nothing but poll() is called."""
    rig = make().charging()
    rig.run(250)
    assert rig.line.ma > 15000, rig.line.ma
    assert rig.until(350 + rig.settle_ms + rig.off_ms, lambda: rig.dead)


def lease_that_ended_needs_off(make):
    rig = make().charging()
    rig.run(700 + rig.settle_ms)
    assert rig.dead and rig.stage.faults
    rig.dc(500, TOP_MV, 20000, 22000)
    assert rig.dead
    rig.stage.off(rig.now)
    rig.run(300)
    eq(rig.stage.faults, 0)
    rig.precharge()
    assert rig.line.mv_in > MV - 20000


# -- silence, faults


def ages_stay_within_their_limits(make):
    rig = make().charging()
    worst = [0] * len(SOURCES)

    def look():
        rig.stage.dc(TOP_MV, 20000, 22000, rig.now)
        for source in SOURCES:
            age = rig.stage.age_ms(source, rig.now)
            if source != ENERGY or rig.stage.meter_ok:  # registers may not count yet
                worst[source] = max(worst[source], age or 0)

    rig.run(5000, look)
    for source in SOURCES:
        assert worst[source] <= rig.stage.caps.limit_ms[source], (source, worst[source])


def ages_grow_when_it_is_silent(make):
    rig = make().charging()
    rig.silence()
    rig.run(3000, lambda: rig.stage.dc(TOP_MV, 20000, 22000, rig.now))
    for source in SOURCES:
        age = rig.stage.age_ms(source, rig.now)
        assert age is None or age > rig.stage.caps.limit_ms[source], (source, age)
    assert rig.stage.faults and rig.stage.state == FAULT
    rig.stage.off(rig.now)  # does not raise either


def silence_ends_and_it_goes_on(make):
    rig = make().charging()
    rig.silence()
    rig.run(3000, lambda: rig.stage.dc(TOP_MV, 20000, 22000, rig.now))
    rig.repair()
    rig.run(3000, lambda: rig.stage.dc(TOP_MV, 20000, 22000, rig.now))
    assert rig.dead  # not by itself
    rig.stage.off(rig.now)
    rig.stage.clear(rig.now)
    rig.contact(False)
    assert rig.until(15000, lambda: not rig.stage.faults)
    rig.precharge()
    assert rig.line.mv_in > MV - 20000


def a_fault_of_the_converter_is_said(make):
    rig = make().charging()
    rig.broken()
    assert rig.until(2000, lambda: rig.stage.faults, lambda: rig.stage.dc(TOP_MV, 20000, 22000, rig.now))
    assert rig.until(2000, lambda: rig.line.ma == 0)
    rig.stage.off(rig.now)
    rig.repair()
    rig.run(1500)
    rig.stage.clear(rig.now)
    assert rig.until(15000, lambda: not rig.stage.faults)


def insulation_under_load_is_said(make):
    rig = make().charging()
    rig.bad_insulation()
    assert rig.until(3000, lambda: rig.stage.faults, lambda: rig.stage.dc(TOP_MV, 20000, 22000, rig.now))


# -- energy


def registers_never_fall(make):
    rig = make()
    s = rig.stage
    if not s.caps.has_meter:
        skip("no meter")
    rig.charging()
    seen = [s.charged_wh, s.discharged_wh]

    def look():
        s.dc(TOP_MV, 60000, 22000, rig.now)
        assert s.charged_wh >= seen[0] and s.discharged_wh >= seen[1]
        seen[0], seen[1] = s.charged_wh, s.discharged_wh

    first = s.charged_wh
    rig.run(8000, look)
    if seen[0] or first:
        assert seen[0] > first, (first, seen)
    s.off(rig.now)
    rig.run(2500)
    assert s.charged_wh >= seen[0] and s.discharged_wh >= seen[1]


# -- calls


def is_polled_often_enough(make):
    rig = make().charging()
    for _ in range(50):
        rig.run(20, lambda: rig.stage.beat(rig.now))
        assert ticks_diff(rig.stage.due, rig.now) <= 50, ticks_diff(rig.stage.due, rig.now)


def no_call_raises(make):
    rig = make()
    s = rig.stage
    for value in (0, 1, -1, 1 << 29, -(1 << 29)):
        for call in (
            lambda v: s.dc(v, v, v, rig.now), lambda v: s.test(v, v, rig.now), lambda v: s.precharge(v, v, rig.now),
            lambda v: s.ac(v, v, v, v, rig.now), lambda v: s.lock(v, rig.now), lambda v: s.close(rig.now),
            lambda v: s.stop(rig.now), lambda v: s.clear(rig.now), lambda v: s.beat(rig.now), lambda v: s.off(rig.now),
        ):  # fmt: skip
            call(value)
            rig.run(20)
    s.off(rig.now)
    rig.run(2000)
    assert rig.dead


CASES = (
    begins_off, caps_are_whole, caps_say_what_is_measured, readings_are_numbers, off_is_off, off_from_discharging,
    off_from_a_test, off_from_precharge, off_from_close, off_from_stop, off_again_and_again, off_before_the_first_poll,
    stop_ramps_to_nothing, stop_of_discharge, stop_of_nothing, test_passes_and_comes_down, test_of_bad_insulation_fails,
    test_result_is_of_this_test, test_that_cannot_rise_never_passes, test_below_the_lowest_voltage_is_refused,
    precharge_follows, precharge_is_not_above_its_current, close_lets_nothing_flow, charging_is_positive,
    discharging_is_negative, one_way_stays_one_way, there_and_back, current_is_bounded, voltage_is_held_when_charging,
    voltage_is_held_when_discharging, power_is_held, caps_bound_what_is_asked, zero_is_zero, beats_keep_it_going,
    lease_ends_without_a_word, lease_that_ended_needs_off, ages_stay_within_their_limits, ages_grow_when_it_is_silent,
    silence_ends_and_it_goes_on, a_fault_of_the_converter_is_said, insulation_under_load_is_said, registers_never_fall,
    is_polled_often_enough, no_call_raises,
)  # fmt: skip


def failures(make, cases=CASES):
    """[(name, what)] of the cases that a stage does not keep; an empty list is good."""
    out = []
    for case in cases:
        try:
            case(make)
        except Skip:
            pass
        except Exception as error:  # a raise is one too
            out.append((case.__name__, "%s: %s" % (type(error).__name__, error)))
    return out
