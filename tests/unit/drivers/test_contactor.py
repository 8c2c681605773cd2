"""drivers/contactor.py with twin.contactor: R-POWER-04, -05, -06, -07, -11."""

from drivers.contactor import CLOSED, FAULT, OK, OPENED, STUCK_OPEN, WELDED, Contactor
from firmware.clock import sooner, ticks_add, ticks_diff
from tests.lib.mtest import eq
from twin.contactor import ContactorModel

T0 = ticks_add(0, -300)


class Bench:
    """A contactor and its model in simulated time; `log` has (ms, event)."""

    def __init__(self, takes_ms=40, opens_ms=20, feedback=True, **options):
        self.model = ContactorModel(takes_ms, opens_ms)
        self.model.start(T0)
        self.contactor = Contactor(self.model.drive, self.model.feedback if feedback else None, **options)
        self.ms = 0
        self.log = []

    def start(self):
        self.contactor.start(self.now())
        return self

    def now(self):
        return ticks_add(T0, self.ms)

    def run(self, ms):
        """Poll by `due` for ms."""
        end = ticks_add(self.now(), ms)
        while True:
            due = sooner(self.contactor.due, self.model.due)
            if due is None or ticks_diff(due, end) > 0:
                break
            self.ms = max(self.ms, ticks_diff(due, T0))
            self.model.poll(self.now())
            self.contactor.poll(self.now())
            self.take()
        self.ms = ticks_diff(end, T0)
        return self

    def take(self):
        while True:
            code = self.contactor.event()
            if not code:
                break
            self.log.append((self.ms, code))

    def close(self):
        return self.contactor.close(self.now())

    def open(self):
        self.contactor.open(self.now())


def closed_bench(**options):
    bench = Bench(**options).start()
    assert bench.close()
    bench.run(500)
    assert bench.contactor.closed and bench.model.closed
    del bench.log[:]
    return bench


def test_closes_and_opens():
    bench = Bench().start()
    c = bench.contactor
    eq((c.closed, c.wanted, c.driven, c.verified, c.fault), (False, False, False, True, OK))
    assert bench.close()
    eq((bench.model.coil, c.wanted, c.closed, c.verified), (1, True, False, False))
    bench.run(500)
    eq((c.closed, c.verified, c.fault), (True, True, OK))
    bench.open()
    bench.run(500)
    eq((c.closed, c.wanted, c.verified, c.fault), (False, False, True, OK))
    eq([code for _, code in bench.log], [CLOSED, OPENED])
    assert 40 <= bench.log[0][0] <= 60 and 520 <= bench.log[1][0] <= 540, bench.log


def test_level_is_there_before_the_event_is_fetched_r_power_04():
    bench = closed_bench()
    assert bench.contactor.closed  # nothing waits for an edge
    assert bench.close()  # asking again is no movement
    bench.run(100)
    eq((bench.model.closings, bench.log), (1, []))


def test_closes_as_late_as_allowed_r_power_04():
    for allowed_ms, takes_ms in ((200, 180), (1400, 1000)):
        bench = Bench(takes_ms, 20, close_ms=allowed_ms).start()
        bench.close()
        bench.run(2000)
        eq((bench.contactor.closed, bench.contactor.fault), (True, OK))


def test_opens_in_the_call_r_power_11():
    bench = closed_bench()
    bench.open()
    eq(bench.model.coil, 0)


def test_opens_the_coil_also_when_it_thinks_it_is_open_r_power_11():
    calls = []
    c = Contactor(calls.append, None)
    c.open(T0)
    eq(calls, [0])
    c.start(T0)
    c.open(T0)
    c.open(ticks_add(T0, 1))
    eq(calls, [0, 0, 0, 0])


def test_open_while_closing_leaves_nothing_behind_r_power_06():
    bench = Bench().start()
    bench.close()
    bench.run(10)
    bench.open()
    bench.run(5000)
    eq((bench.contactor.fault, bench.model.closed, bench.log), (OK, False, []))


def test_stuck_open_is_a_fault_and_the_coil_goes_off_r_power_05():
    bench = Bench()
    bench.model.stuck_open = True
    bench.start()
    bench.close()
    bench.run(199)
    eq((bench.contactor.fault, bench.model.coil), (OK, 1))
    bench.run(1)
    c = bench.contactor
    eq((c.fault, c.wanted, c.driven, c.closed, bench.model.coil), (STUCK_OPEN, False, False, False, 0))
    eq(bench.log, [(200, FAULT)])


def test_broken_feedback_is_not_closed_r_power_05():
    bench = Bench()
    bench.model.feedback_broken = True
    bench.start()
    bench.close()
    bench.run(500)
    eq((bench.contactor.fault, bench.contactor.closed, bench.model.closed), (STUCK_OPEN, False, False))


def test_falls_open_by_itself():
    bench = closed_bench()
    bench.model.stuck_open = True
    bench.run(219)
    eq((bench.contactor.closed, bench.contactor.verified), (False, False))
    eq([code for _, code in bench.log], [OPENED])
    bench.run(20)
    eq((bench.contactor.fault, bench.model.coil), (STUCK_OPEN, 0))


def test_short_loss_of_feedback_is_no_fault():
    bench = closed_bench()
    bench.model.feedback_broken = True
    bench.run(100)
    bench.model.feedback_broken = False
    bench.run(1000)
    eq((bench.contactor.fault, bench.contactor.closed, bench.model.closings), (OK, True, 1))


def test_welded_after_opening_r_power_07():
    bench = closed_bench()
    bench.model.welded = True
    bench.open()
    bench.run(99)
    eq(bench.contactor.fault, OK)
    bench.run(1)
    eq((bench.contactor.fault, bench.contactor.closed), (WELDED, True))
    eq(bench.log, [(600, FAULT)])
    bench.run(5000)
    eq(bench.log, [(600, FAULT)])  # said once


def test_opening_again_and_again_does_not_put_off_the_fault_r_power_07():
    bench = closed_bench()
    bench.model.welded = True
    bench.open()
    for _ in range(10):
        bench.run(10)
        bench.open()
    eq(bench.contactor.fault, WELDED)


def test_one_late_poll_is_enough_for_a_fault():
    closed = [1]
    c = Contactor(lambda on: None, lambda: closed[0])
    c.start(T0)
    eq((c.closed, c.due), (True, ticks_add(T0, 20)))
    c.poll(ticks_add(T0, 100))
    eq(c.fault, WELDED)
    c = Contactor(lambda on: None, lambda: 0)
    c.start(T0)
    c.close(T0)
    c.poll(ticks_add(T0, 200))
    eq(c.fault, STUCK_OPEN)


def test_fault_comes_at_its_time_between_two_samples():
    bench = closed_bench(open_ms=90)
    bench.model.welded = True
    bench.open()
    bench.run(200)
    eq(bench.log, [(590, FAULT)])


def test_pause_after_a_contactor_that_stuck_open():
    bench = Bench()
    bench.model.stuck_open = True
    bench.start()
    bench.close()
    bench.run(300)
    bench.model.stuck_open = False
    assert bench.contactor.clear(bench.now()) and bench.close()
    bench.run(899)
    eq(bench.model.coil, 0)
    bench.run(1)
    eq(bench.model.coil, 1)


def test_welded_without_having_been_driven_r_power_07():
    bench = Bench()
    bench.model.welded = True
    bench.start().run(99)
    eq(bench.contactor.fault, OK)
    bench.run(1)
    eq(bench.contactor.fault, WELDED)
    eq(bench.model.closings, 0)


def test_nothing_closes_with_a_fault_r_power_07():
    for fault in ("welded", "stuck_open"):
        bench = Bench().start()
        setattr(bench.model, fault, True)
        if fault == "stuck_open":
            bench.close()
        bench.run(2000)
        assert bench.contactor.fault != OK
        setattr(bench.model, fault, False)
        closings = bench.model.closings
        for _ in range(5):
            assert not bench.close()
            bench.run(2000)
        eq((bench.model.closings, bench.contactor.wanted, bench.model.coil), (closings, False, 0))


def test_starting_does_not_forget_a_fault_r_power_07():
    bench = closed_bench()
    bench.model.welded = True
    bench.open()
    bench.run(200)
    bench.start()
    eq((bench.contactor.fault, bench.close()), (WELDED, False))


def test_clear_needs_an_open_contact():
    bench = closed_bench()
    bench.model.welded = True
    bench.open()
    bench.run(200)
    assert not bench.contactor.clear(bench.now())
    eq(bench.contactor.fault, WELDED)
    bench.model.welded = False
    bench.run(100)
    eq(bench.contactor.fault, WELDED)
    bench.model.welded = True
    bench.run(20)
    bench.model.welded = False
    assert bench.contactor.closed and bench.contactor.clear(bench.now())
    eq((bench.contactor.fault, bench.contactor.closed), (OK, False))
    bench.run(1000)
    assert bench.close()
    bench.run(500)
    eq((bench.contactor.closed, bench.contactor.fault), (True, OK))


def test_clear_without_a_fault():
    bench = Bench().start()
    assert bench.contactor.clear(bench.now())


def test_stuck_open_becomes_welded_when_it_closes_after_all():
    bench = Bench()
    bench.model.stuck_open = True
    bench.start()
    bench.close()
    bench.run(300)
    eq(bench.contactor.fault, STUCK_OPEN)
    bench.model.stuck_open = False
    bench.model.welded = True
    bench.run(300)
    eq(bench.contactor.fault, WELDED)
    eq([code for _, code in bench.log], [FAULT, CLOSED, FAULT])


def test_does_not_close_again_within_the_pause():
    bench = closed_bench()
    bench.open()
    for _ in range(10):
        bench.run(99)
        assert bench.close()
        eq(bench.model.coil, 0)
    eq((bench.contactor.wanted, bench.contactor.driven, bench.model.closings), (True, False, 1))
    bench.run(9)
    eq(bench.model.coil, 0)
    bench.run(1)
    eq(bench.model.coil, 1)
    bench.run(500)
    eq((bench.contactor.closed, bench.contactor.fault), (True, OK))


def test_opening_within_the_pause_takes_the_wish_back_and_does_not_prolong_it():
    bench = closed_bench()
    bench.open()
    bench.run(500)
    bench.close()
    bench.open()
    bench.run(5000)
    eq((bench.model.closings, bench.model.closed), (1, False))
    bench.close()
    eq(bench.model.coil, 1)


def test_pause_of_the_constructor():
    bench = closed_bench(pause_ms=300)
    bench.open()
    bench.close()
    bench.run(299)
    eq(bench.model.coil, 0)
    bench.run(1)
    eq(bench.model.coil, 1)


def test_first_closing_needs_no_pause():
    bench = Bench().start()
    bench.close()
    eq(bench.model.coil, 1)


def test_welded_while_waiting_for_the_pause_takes_the_wish_back():
    bench = closed_bench()
    bench.model.welded = True
    bench.open()
    bench.close()
    bench.run(3000)
    eq((bench.contactor.fault, bench.contactor.wanted, bench.model.closings), (WELDED, False, 1))


def test_without_feedback_it_follows_the_coil_and_is_never_verified():
    bench = Bench(feedback=False).start()
    c = bench.contactor
    bench.run(100)
    assert not c.verified
    bench.close()
    bench.run(199)
    eq((c.closed, c.verified), (False, False))
    bench.run(1)
    eq((c.closed, c.verified), (True, False))
    bench.run(1000)
    bench.open()
    bench.run(99)
    eq(c.closed, True)
    bench.run(1)
    eq((c.closed, c.verified, c.fault), (False, False, OK))
    eq(bench.log, [(300, CLOSED), (1400, OPENED)])


def test_not_started_closes_nothing():
    bench = Bench()
    assert not bench.close()
    eq((bench.model.coil, bench.contactor.due, bench.contactor.verified), (0, None, False))


# -- the model


def test_model_moves_after_its_delays():
    model = ContactorModel(40, 20)
    model.start(T0)
    eq((model.closed, model.due), (False, None))
    model.drive(1)
    eq(model.due, T0)
    model.poll(T0)
    eq(model.due, ticks_add(T0, 40))
    model.poll(ticks_add(T0, 39))
    eq((model.closed, model.feedback()), (False, 0))
    model.poll(ticks_add(T0, 40))
    eq((model.closed, model.feedback(), model.due), (True, 1, None))
    model.poll(ticks_add(T0, 90))
    model.drive(0)
    eq(model.due, ticks_add(T0, 90))
    model.poll(ticks_add(T0, 100))
    model.poll(ticks_add(T0, 119))
    assert model.closed
    model.poll(ticks_add(T0, 120))
    assert not model.closed


def test_model_faults():
    model = ContactorModel(0, 0)
    model.start(T0)
    model.welded = True
    eq((model.closed, model.feedback()), (True, 1))
    model.feedback_broken = True
    eq((model.closed, model.feedback()), (True, 0))
    model.welded = model.feedback_broken = False
    model.stuck_open = True
    model.drive(1)
    model.poll(T0)
    eq((model.closed, model.feedback(), model.closings), (False, 0, 1))
