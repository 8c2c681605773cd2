"""firmware/app/basic.py: AC charging without messages. R-POWER-11, and the pilot of R-LINK-04 once
it is nominal."""

from drivers.contactor import Contactor
from drivers.pilot import UNKNOWN, A, B, C, D, E, F, Pilot
from firmware.app.basic import Basic
from firmware.clock import ticks_add, ticks_diff
from tests.lib.mtest import eq
from twin.contactor import ContactorModel
from twin.pilot import PilotCircuit

T0 = ticks_add(0, -300)


def at(ms):
    return ticks_add(T0, ms)


def started(limit_x10=160, state=None, **options):
    b = Basic(limit_x10, **options)
    b.start(T0)
    if state is not None:
        b.pilot(state, T0)
    return b


def run(b, start_ms, end_ms):
    """Poll by `due`; the (ms, duty, close) of every change."""
    log = []
    seen = b.duty, b.close
    while b.due is not None and ticks_diff(b.due, at(end_ms)) <= 0:
        now = b.due if ticks_diff(b.due, at(start_ms)) > 0 else at(start_ms)
        b.poll(now)
        if (b.duty, b.close) != seen:
            seen = b.duty, b.close
            log.append((ticks_diff(now, T0), b.duty, b.close))
    return log


def test_every_state_by_what_it_does():
    for state, duty, close in (
        (UNKNOWN, 1000, False),
        (A, 1000, False),
        (B, 266, False),
        (C, 266, True),
        (D, 266, False),
        (E, 1000, False),
        (F, 1000, False),
    ):
        b = started(state=state)
        eq((state, b.duty, b.close, b.due), (state, duty, close, None))


def test_begins_without_pwm_and_open():
    b = started()
    eq((b.duty, b.close, b.due), (1000, False, None))


def test_a_whole_charge():
    b = started(320, A)
    b.pilot(B, at(1000))
    eq((b.duty, b.close), (533, False))
    b.pilot(C, at(3000))
    eq((b.duty, b.close), (533, True))  # at once; 3 s are allowed
    b.pilot(C, at(60000))
    eq(b.close, True)
    b.pilot(B, at(90000))
    eq((b.duty, b.close), (533, False))
    b.pilot(C, at(91000))
    eq(b.close, True)
    b.pilot(A, at(92000))
    eq((b.duty, b.close, b.due), (1000, False, None))


def test_leaving_c_opens_in_the_same_call_r_power_11():
    for state in (UNKNOWN, A, B, E, F):
        b = started(state=C)
        assert b.close
        b.pilot(state, at(10))
        assert not b.close, state


def test_d_is_refused_unless_ventilated():
    b = started(state=C)
    b.pilot(D, at(10))
    eq((b.duty, b.close), (266, False))
    b.pilot(C, at(20))
    assert b.close
    b = started(state=B, ventilated=True)
    b.pilot(D, at(10))
    assert b.close
    b.pilot(C, at(20))
    assert b.close
    b.pilot(B, at(30))
    assert not b.close


def test_no_pwm_no_closing():
    b = started(50, C)  # 5 A have no duty
    eq((b.duty, b.close), (1000, False))
    eq(run(b, 0, 60000), [])


def test_current_is_cut_to_the_limit_and_the_limit_to_80_a():
    b = started(160, B)
    b.set_amps_x10(320, at(10000))
    eq(run(b, 10000, 30000), [])
    eq(b.duty, 266)
    b.set_amps_x10(-5, at(30000))
    eq(b.duty, 1000)
    eq(started(5000, B).duty, 960)


def test_duty_changes_no_faster_than_every_5_s():
    b = started(320, C)
    eq(b.duty, 533)
    for ms in range(100, 4000, 100):
        b.set_amps_x10(100 + ms // 100, at(ms))
        eq(b.duty, 533)
    b.set_amps_x10(200, at(4500))
    eq(b.due, at(5000))
    eq(run(b, 4500, 20000), [(5000, 333, True)])  # the last wish, once
    b.set_amps_x10(100, at(9999))
    eq(b.duty, 333)
    b.set_amps_x10(100, at(10000))
    eq((b.duty, b.due), (166, None))


def test_a_wish_taken_back_changes_nothing():
    b = started(320, C)
    b.set_amps_x10(100, at(1000))
    b.set_amps_x10(320, at(2000))
    eq((run(b, 2000, 60000), b.duty), ([], 533))


def test_a_stop_is_at_once_and_the_car_opens_r_power_11():
    b = started(160, C)
    b.set_amps_x10(0, at(100))
    eq((b.duty, b.close), (1000, True))  # the car has its time to end the current
    b.pilot(B, at(2000))
    eq((b.duty, b.close), (1000, False))
    eq(run(b, 2000, 60000), [])


def test_a_car_that_draws_on_is_cut_off_under_load_after_6_s():
    for ventilated, state in ((False, C), (True, D)):
        b = started(160, state, ventilated=ventilated)
        b.set_amps_x10(58, at(10000))
        eq((b.duty, b.due), (1000, at(16000)))
        b.pilot(state, at(12000))
        b.set_amps_x10(30, at(13000))
        b.pilot(state, at(15999))
        assert b.close
        eq(run(b, 15999, 60000), [(16000, 1000, False)])
        b.pilot(state, at(61000))
        assert not b.close


def test_back_within_the_6_s():
    b = started(160, C)
    b.set_amps_x10(0, at(10000))
    b.set_amps_x10(100, at(11000))
    eq(run(b, 11000, 60000), [(15000, 166, True)])
    assert b.close and b.due is None


def test_back_after_the_cut_closes_again_only_with_pwm():
    b = started(160, C)
    b.set_amps_x10(0, at(10000))
    run(b, 10000, 20000)
    assert not b.close
    b.set_amps_x10(160, at(30000))
    eq((b.duty, b.close), (266, True))


def test_stop_and_start_do_not_flap():
    b = started(160, B)
    eq(b.duty, 266)
    b.set_amps_x10(0, at(1000))
    eq(b.duty, 1000)
    b.set_amps_x10(160, at(1100))
    eq((b.duty, b.due), (1000, at(6000)))
    b.set_amps_x10(0, at(1200))
    eq(b.due, None)
    b.set_amps_x10(160, at(1300))
    eq(run(b, 1300, 60000), [(6000, 266, False)])


def test_next_car_does_not_wait_for_the_last_one():
    b = started(160, B)
    b.pilot(A, at(100))
    eq(b.duty, 1000)
    b.pilot(B, at(200))
    eq(b.duty, 266)


def test_current_set_before_the_car_comes():
    b = started(320, A)
    b.set_amps_x10(100, at(100))
    eq((b.duty, b.due), (1000, None))
    b.pilot(B, at(200))
    eq(b.duty, 166)


def test_start_again_begins_anew():
    b = started(160, C)
    b.set_amps_x10(0, at(100))
    b.start(at(200))
    eq((b.duty, b.close, b.due), (1000, False, None))
    b.pilot(C, at(300))
    eq((b.duty, b.close), (266, True))
    b.start(at(400))
    eq((b.duty, b.close, b.due), (1000, False, None))


def test_power_is_off_60_ms_after_c_to_b_r_power_11():
    """Pilot, this machine and a contactor that takes 20 ms together: 100 ms are allowed."""
    for phase in range(20):
        circuit = PilotCircuit()
        line = Pilot(circuit)
        model = ContactorModel(40, 20)
        contactor = Contactor(model.drive, model.feedback)
        b = Basic(160)
        for machine in (line, model, contactor, b):
            machine.start(T0)
        circuit.load = C
        off_ms = None
        for ms in range(1000):
            if ms == 500 + phase:
                assert model.closed
                circuit.load = B
            line.poll(at(ms))
            if line.event():
                b.pilot(line.state, at(ms))
            line.set_duty(b.duty, at(ms))
            if b.close:
                contactor.close(at(ms))
            else:
                contactor.open(at(ms))
            model.poll(at(ms))
            contactor.poll(at(ms))
            if ms > 500 and off_ms is None and not model.closed:
                off_ms = ms - 500 - phase
        assert off_ms is not None and 40 <= off_ms <= 60, off_ms
        eq((contactor.fault, circuit.duty), (0, 266))
