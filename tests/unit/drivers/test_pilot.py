"""drivers/pilot.py: R-LINK-04 (history), R-LINK-18 (toggles), R-LINK-25, R-DC-SAFETY-07, R-POWER-11
(C to B)."""

from drivers.pilot import CHANGED, DIODE, UNKNOWN, A, B, C, E, F, Pilot
from firmware.clock import ticks_add, ticks_diff
from tests.lib.mtest import eq, raises

T0 = ticks_add(0, -300)  # ms: the tick wraps in every test


class Front:
    """Hands out what it is told; keeps every duty."""

    sampling = "sync"

    def __init__(self, high_mv=12000, low_mv=-12000):
        self.high_mv, self.low_mv = high_mv, low_mv
        self.duties = []
        self.samples = 0

    def set_duty(self, permille):
        self.duties.append(permille)

    def sample(self):
        self.samples += 1


class Line:
    """A pilot that is run by its `due`."""

    def __init__(self, high_mv=12000, low_mv=-12000, sample_ms=20, live_ms=None):
        self.front = Front(high_mv, low_mv)
        self.pilot = Pilot(self.front, sample_ms, live_ms=live_ms)
        self.now = T0
        self.pilot.start(T0)
        self.events = []

    def at(self, ms):
        """Run until `ms` after T0."""
        until = ticks_add(T0, ms)
        while ticks_diff(self.pilot.due, until) <= 0:
            self.now = self.pilot.due
            self.pilot.poll(self.now)
            while True:
                code = self.pilot.event()
                if not code:
                    break
                self.events.append(code)
        self.now = until
        return self

    def set(self, high_mv, low_mv=-12000):
        self.front.high_mv, self.front.low_mv = high_mv, low_mv
        return self

    def ms(self):
        return ticks_diff(self.now, T0)


def settled(high_mv, low_mv=-12000, duty=50, sample_ms=20, live_ms=None):
    line = Line(high_mv, low_mv, sample_ms, live_ms)
    line.pilot.set_duty(duty, T0)
    line.at(100)
    return line


# What may be on the line in C and D, and what may not; in the gap of 6 to 9 V last state lives on.
_GOOD = ((6000, -12000), (3000, -12000))
_BAD = ((9000, -12000), (12000, -12000), (0, -12000), (-5000, -12000), (-12000, -12000), (14000, -12000), (6000, -6000))
_OPEN_MS = 50  # of 100 ms; the rest is the contactor's


def energised(good, live_ms=10):
    line = settled(*good, live_ms=live_ms)
    line.at(200)
    assert line.pilot.ready
    return line


def bounce(line, good, stretches, begin, end_ms):
    """From `begin` on the line goes through stretches (ms, (high, low)) again and again until
    end_ms; returns (ms from the first bad one until it was not ready or None, was ready again)."""
    took, again, at, i = None, False, begin, 0
    first = None
    while at < end_ms:
        ms, level = stretches[i % len(stretches)]
        line.set(*level)
        if level not in _GOOD and first is None:
            first = at
        for _ in range(ms):
            line.at(at)
            at += 1
            if first is not None and not line.pilot.ready:
                took = at - 1 - first if took is None else took
            elif took is not None:
                again = True
        i += 1
    line.set(*good).at(at)
    return took, again


# -- debouncing


def test_start_puts_out_x1_and_knows_nothing():
    line = Line()
    eq(line.front.duties, [1000])
    eq(line.pilot.state, UNKNOWN)
    eq(line.pilot.due, T0)
    line.at(0)
    eq(line.pilot.state, UNKNOWN)
    line.at(20)
    eq((line.pilot.state, line.events, line.pilot.changed_at), (A, [CHANGED], ticks_add(T0, 20)))


def test_c_to_b_is_seen_in_40_ms_whatever_the_phase_r_power_11():
    for phase in range(20):
        line = settled(6000)
        eq(line.pilot.state, C)
        line.at(100 + phase).set(9000)
        while line.pilot.state != B:
            line.at(line.ms() + 1)
        took = line.ms() - 100 - phase
        assert 20 <= took <= 40, took


def test_car_leaves_c_or_d_r_dc_safety_07():
    for before in (6000, 3000):
        for after, state in ((9000, B), (12000, A), (0, E), (-12000, F), (-5000, UNKNOWN)):
            line = settled(before)
            line.at(101).set(after, min(after, -5000))
            line.at(141)
            eq(line.pilot.state, state)
            eq(line.events[-1], CHANGED)


def test_one_outlier_is_no_state():
    for outlier in (14000, 12000, 9000, 3000, 0, -5000, -12000):
        line = settled(6000)
        for at in range(120, 1000, 40):
            line.at(at - 1).set(outlier)
            line.at(at).set(6000)
            eq(line.pilot.state, C)
            line.at(at + 20)
            eq((line.pilot.state, line.pilot.raw), (C, C))
        eq(line.events, [CHANGED])


def test_samples_that_never_agree_do_not_keep_c():
    line = settled(6000)
    for i in range(4):
        eq((i, line.pilot.state), (i, C))
        line.set(12000 if i & 1 else 9000).at(120 + 20 * i)
    eq(line.pilot.state, UNKNOWN)
    eq(line.events, [CHANGED, CHANGED])
    line.set(9000).at(300)
    eq(line.pilot.state, B)


def test_samples_are_sample_ms_apart_and_a_late_poll_does_not_catch_up():
    line = Line()
    line.at(200)
    eq(line.front.samples, 11)
    late = ticks_add(T0, 1000)
    line.pilot.poll(late)
    line.pilot.poll(late)
    eq(line.front.samples, 12)
    eq(line.pilot.due, ticks_add(late, 20))


def test_other_sample_time_and_debounce():
    front = Front(9000)
    p = Pilot(front, sample_ms=5, debounce=4)
    p.start(T0)
    for ms in range(15):
        p.poll(ticks_add(T0, ms))
        eq(p.state, UNKNOWN)
    p.poll(ticks_add(T0, 15))
    eq((p.state, front.samples), (B, 4))


def test_not_started_does_nothing():
    front = Front()
    p = Pilot(front)
    p.poll(T0)
    eq((front.samples, front.duties, p.due, p.event()), (0, [], None, 0))


def test_start_again_forgets():
    line = settled(9000, -9000)
    line.pilot.count_toggles(line.now)
    assert not line.pilot.diode_ok
    line.pilot.start(line.now)
    p = line.pilot
    eq((p.state, p.diode_ok, p.duty, p.counting, p.event()), (UNKNOWN, True, 1000, False, 0))
    eq(line.front.duties[-1], 1000)


# -- ready


def test_a_step_ends_readiness_in_20_ms_r_power_11():
    for good in _GOOD:
        for bad in _BAD:
            for phase in range(10):
                took, again = bounce(energised(good), good, ((300, bad),), 200 + phase, 500)
                assert took is not None and took <= 20 and not again, (good, bad, phase, took)


def test_a_pilot_that_bounces_ends_readiness_in_50_ms_r_power_15():
    """Every period of 20 to 60 ms at half time, every pair, every phase: also where C comes back
    every other sample."""
    for good in _GOOD:
        for bad in _BAD:
            for half_ms in (10, 11, 13, 15, 17, 20, 23, 25, 27, 30):
                for phase in range(0, 10, 3):
                    stretches = ((half_ms, bad), (half_ms, good))
                    took, again = bounce(energised(good), good, stretches, 200 + phase, 800)
                    assert took is not None and took <= _OPEN_MS and not again, (good, bad, half_ms, phase, took, again)


def test_bad_samples_of_any_kind_count_together_r_power_15():
    for one in _BAD:
        for other in _BAD:
            for ms in (5, 10, 20):
                for phase in (0, 4, 9):
                    stretches = ((ms, one), (ms, (6000, -12000)), (ms, other), (ms, (3000, -12000)))
                    took, again = bounce(energised(_GOOD[0]), _GOOD[0], stretches, 200 + phase, 700)
                    if ms > 5:  # shorter than a sample: seen by luck alone
                        assert took is not None and took <= _OPEN_MS and not again, (one, other, ms, phase, took)


def test_one_short_glitch_is_noise_and_bad_ones_apart_are_too():
    for bad in _BAD:
        line = energised(_GOOD[0])
        for begin in range(201, 2000, 150):
            bounce(line, _GOOD[0], ((9, bad),), begin, begin + 9)
            line.at(begin + 140)
            assert line.pilot.ready and line.pilot.diode_ok, (bad, begin)


def test_ready_comes_back_with_100_clean_ms_r_power_15():
    for bad in _BAD[:5]:
        line = energised(_GOOD[0])
        bounce(line, _GOOD[0], ((20, bad), (20, _GOOD[0])), 200, 400)
        last = 370  # sample
        line.at(last + 95)
        assert not line.pilot.ready
        line.at(last + 125)
        assert line.pilot.ready
    line = settled(9000, live_ms=10)
    line.at(200).set(6000).at(280)
    eq((line.pilot.state, line.pilot.ready), (C, False))
    line.at(320)
    assert line.pilot.ready


def test_a_pause_of_the_firmware_is_not_clean_r_power_15():
    """Samples 110 ms apart that are bad each other time: the good ones do not clear the bad."""
    line = energised(_GOOD[0])
    p, now = line.pilot, line.now
    for i in range(6):
        line.set(9000 if i & 1 else 6000)
        now = ticks_add(now, 110)
        p.poll(now)
    eq(p.ready, False)


def test_samples_are_closer_in_c_and_d_alone():
    for high_mv, apart in ((12000, 20), (9000, 20), (6000, 10), (3000, 10)):
        line = settled(high_mv, live_ms=10)
        line.at(200)
        eq((high_mv, ticks_diff(line.pilot.due, line.pilot.sampled_at)), (high_mv, apart))


def test_own_f_is_not_ready():
    line = energised(_GOOD[0])
    line.pilot.set_duty(0, line.now)
    line.set(-12000).at(260)
    eq((line.pilot.state, line.pilot.ready), (C, False))


# -- duty


def test_history_of_the_duty_r_link_04():
    line = Line()
    p = line.pilot
    p.set_duty(50, ticks_add(T0, 10))
    eq((p.duty, p.duty_before, p.duty_since), (50, 1000, ticks_add(T0, 10)))
    p.set_duty(50, ticks_add(T0, 500))
    eq((p.duty, p.duty_before, p.duty_since), (50, 1000, ticks_add(T0, 10)))
    p.set_duty(0, ticks_add(T0, 600))
    eq((p.duty, p.duty_before, p.duty_since), (0, 50, ticks_add(T0, 600)))
    eq(line.front.duties, [1000, 50, 0])


def test_only_set_duty_changes_the_duty_r_link_25():
    line = settled(9000)
    for ms, mv in enumerate((6000, 9000, 3000, 12000, 0, -5000, 9000)):
        line.set(mv, -9000).at(200 + 100 * ms)
    eq(line.front.duties, [1000, 50])


def test_duty_out_of_range():
    line = Line()
    for permille in (-1, 1001, 65535):
        raises(ValueError, line.pilot.set_duty, permille, T0)
    eq(line.front.duties, [1000])


def test_own_f_is_no_state_of_the_car():
    line = settled(9000)
    line.pilot.set_duty(0, line.now)
    line.set(-12000).at(4200)
    eq((line.pilot.state, line.pilot.raw, line.pilot.blind, line.events), (B, F, True, [CHANGED]))
    line.pilot.set_duty(50, line.now)
    line.set(9000).at(4220)
    eq((line.pilot.state, line.pilot.blind), (B, True))
    line.at(4240)
    eq((line.pilot.state, line.pilot.blind, line.events), (B, False, [CHANGED]))


def test_car_that_left_during_own_f():
    line = settled(6000)
    line.pilot.set_duty(0, line.now)
    line.set(-12000).at(4200)
    line.pilot.set_duty(50, line.now)
    line.set(12000).at(4240)
    eq((line.pilot.state, line.pilot.blind, line.events), (A, False, [CHANGED, CHANGED]))


def test_f_that_is_not_ours_is_a_state():
    line = settled(9000)
    line.set(-12000).at(140)
    eq((line.pilot.state, line.pilot.blind), (F, False))


# -- diode


def test_missing_diode_is_latched_until_a():
    line = settled(9000)
    assert line.pilot.diode_ok and line.pilot.diode_seen
    line.set(9000, -9000).at(120)
    assert line.pilot.diode_ok
    line.at(140)
    assert not line.pilot.diode_ok
    eq(line.events, [CHANGED, DIODE])
    line.set(6000, -12000).at(1000)
    assert not line.pilot.diode_ok
    eq(line.events, [CHANGED, DIODE, CHANGED])
    line.set(12000).at(1100)
    assert line.pilot.diode_ok and not line.pilot.diode_seen
    line.set(9000, -9000).at(1200)
    eq(line.events[-2:], [DIODE, CHANGED])
    assert not line.pilot.diode_ok


def test_one_mirrored_sample_is_no_missing_diode():
    line = settled(9000)
    for at in range(120, 1000, 40):
        line.set(9000, -9000).at(at)
        line.set(9000).at(at + 20)
    assert line.pilot.diode_ok


def test_diode_is_not_judged_without_pwm_without_a_car_or_without_a_plateau():
    for high_mv, low_mv, duty in (
        (9000, -9000, 1000),
        (12000, -12000, 50),
        (0, 0, 50),
        (9000, None, 50),
        (-9000, -9000, 0),
    ):
        line = settled(high_mv, low_mv, duty)
        line.at(1000)
        assert line.pilot.diode_ok and not line.pilot.diode_seen, (high_mv, low_mv, duty)


# -- toggles


def toggle(line, *halves):
    """Go through halves in ms, C first, B after it and so on; end in B."""
    line.pilot.count_toggles(line.now)
    at = line.ms()
    for i, ms in enumerate(halves):
        line.set(9000 if i & 1 else 6000)
        at += ms
        line.at(at)
    line.set(9000).at(at + 100)
    return line.pilot.toggles


def test_toggles_in_and_out_of_limits_r_link_18():
    for halves, wanted in (
        ((), 0),
        ((300,), 1),
        ((200, 200, 200), 2),
        ((400, 400, 400, 400, 400), 3),
        ((160,), 1),
        ((440,), 1),
        ((140,), 0),
        ((460,), 0),
        ((60,), 0),
        ((1000,), 0),
        ((300, 140, 300), 1),
        ((300, 460, 300), 1),
        ((300, 2000, 300), 1),
        ((300, 300, 140, 300, 300), 2),
        ((1000, 900, 300), 1),
    ):
        eq((halves, toggle(settled(9000), *halves)), (halves, wanted))


def test_toggle_limits_to_the_sample():
    for half_ms, wanted in ((140, 0), (150, 1), (450, 1), (460, 0)):
        eq((half_ms, toggle(settled(9000, sample_ms=10), half_ms)), (half_ms, wanted))
        eq((half_ms, toggle(settled(9000, sample_ms=10), 300, half_ms, 300)), (half_ms, 1 + wanted))


def test_b_before_the_first_toggle_is_free():
    for before in (0, 20, 3000):
        line = settled(9000)
        line.pilot.count_toggles(line.now)
        line.at(100 + before).set(6000)
        line.at(400 + before).set(9000)
        line.at(500 + before)
        eq(line.pilot.toggles, 1)


def test_window_of_toggles_r_link_18():
    for before, wanted, counting in ((3340, 1, False), (3380, 0, False), (3000, 1, True)):
        line = settled(9000)
        line.pilot.count_toggles(line.now)
        assert line.pilot.counting
        line.at(100 + before).set(6000)
        line.at(400 + before).set(9000)
        line.at(500 + before)
        eq((before, line.pilot.toggles, line.pilot.counting), (before, wanted, counting))


def test_no_toggle_before_counting_from_another_state_or_of_half_a_toggle():
    line = settled(9000)
    line.set(6000).at(400).set(9000).at(700)
    eq(line.pilot.toggles, 0)
    line.set(6000).at(1000)
    line.pilot.count_toggles(line.now)
    line.set(9000).at(1300)
    eq(line.pilot.toggles, 0)  # C began before
    line.set(3000).at(1600).set(6000).at(1900).set(9000).at(2200)
    eq(line.pilot.toggles, 0)  # C came from D
    line.set(6000).at(2500).set(12000).at(2600)
    eq(line.pilot.toggles, 0)  # C ended in A


def test_counting_again_begins_at_zero():
    line = settled(9000)
    eq(toggle(line, 300, 300, 300), 2)
    line.at(line.ms() + 5000)
    eq(line.pilot.toggles, 2)
    assert not line.pilot.counting
    eq(toggle(line, 300), 1)


def test_an_outlier_does_not_break_a_toggle():
    line = settled(9000)
    line.pilot.count_toggles(line.now)
    line.set(6000).at(219).set(12000).at(220).set(6000).at(400).set(9000).at(500)
    eq(line.pilot.toggles, 1)
