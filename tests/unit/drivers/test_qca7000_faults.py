"""drivers/qca7000.py on a chip model with faults: every one leads to DOWN, is counted, and the
driver comes back by itself. R-LINK-21 (a modem that does not answer is a visible fault), R-LINK-24
(a restart ends the link). Times are simulated milliseconds."""

from drivers import qca7000
from drivers.qca7000 import DOWN, FAULT, PAUSE, UP, Qca7000
from drivers.qca_frame import BAD_END, BAD_LENGTH, GARBAGE
from tests.lib.mtest import eq
from tests.unit.drivers.qca_bench import CAR, Bench, mme
from twin import qca7000 as chip_model


def test_transmit_buffer_stuck_for_a_second_resets():
    bench = Bench().up()
    bench.chip.hold = True
    frame = mme(n=1518)
    while bench.driver.send(frame, 1518):
        pass
    begin = bench.ms()
    bench.run(1500)
    bench.chip.hold = False
    bench.run(2000)
    eq(bench.codes(), [DOWN, UP])
    assert 1000 <= bench.events[0][0] - begin <= 1050
    # 1000 ms for the start of the modem, one poll of 50 ms
    assert 1000 <= bench.events[1][0] - bench.events[0][0] <= 1100, bench.events
    eq(bench.driver.resets, 1)
    bench.both_ways()


def test_restart_of_the_modem_is_down_then_up_r_link_24():
    for boot_ms in (5, 300, 1000, 3000):
        for irq in (True, False):
            for enable in (0, 0x40):
                bench = Bench(irq).up()
                bench.modem.boot_ms = boot_ms
                bench.chip.enable_after_boot = enable
                begin = bench.ms()
                bench.chip.reboot(bench.now)
                bench.run(8000)
                eq(bench.codes(), [DOWN, UP])
                assert bench.events[0][0] - begin <= 50
                # Late by the pause in which it came up; with an interrupt for CPU_ON at once.
                late_ms = bench.events[1][0] - begin - boot_ms
                assert late_ms <= (50 if irq and enable else boot_ms + 600), (boot_ms, irq, late_ms)
                eq(bench.driver.resets, 0)
                bench.both_ways()


def test_restart_drops_half_a_frame():
    bench = Bench().up()
    bench.chip.damage(chip_model.SPLIT)
    bench.from_car(mme(sender=CAR, n=400))
    bench.run(2)
    bench.chip.reboot(bench.now)
    bench.run(3000)
    eq(bench.codes(), [DOWN, UP])
    eq(bench.got, [])
    bench.both_ways()
    eq(bench.driver.drops[:4], [0, 0, 0, 0])


def test_errors_of_the_buffers_reset_the_chip():
    for bit in (2, 4, 6):
        bench = Bench().up()
        begin = bench.ms()
        bench.chip.raise_cause(bit)
        bench.run(1500)
        eq(bench.codes(), [DOWN, UP])
        assert bench.events[0][0] == begin
        assert bench.events[1][0] - begin <= 1100
        eq((bench.driver.resets, bench.chip.boots), (1, 1))
        bench.both_ways()


def test_an_address_error_is_counted():
    bench = Bench().up()
    bench.chip.raise_cause(8)
    bench.run(60)
    eq((bench.driver.drops[qca7000.ADDRESS], bench.codes()), (1, []))


def test_a_chip_with_frames_in_its_buffer_at_boot_is_reset():
    """Our own restart: the chip may hold what we left."""
    bench = Bench().up()
    bench.chip.hold = True
    assert bench.driver.send(mme(), 60)
    driver = Qca7000(bench.chip, bench.chip.cs, bench.chip.irq)
    bench.driver = driver
    driver.start(bench.now)
    bench.run(2000)
    eq((bench.codes(), driver.resets), ([UP], 1))
    bench.chip.hold = False
    bench.both_ways()


def test_stuck_bus_for_any_time_and_back():
    """0x0000, 0xFFFF and noise for some transfers and for a long time: DOWN, FAULT when long, and
    UP by itself."""
    for kind in (0x00, 0xFF, "noise"):
        for ms, faults in ((200, 0), (3000, 0), (40000, 1), (200000, 1)):
            bench = Bench().up()
            bench.chip.stuck = kind
            begin = bench.ms()
            bench.run(ms)
            assert not bench.driver.up
            eq(bench.codes(), [DOWN] + [FAULT] * faults)
            bench.chip.stuck = None
            bench.run(31000)
            eq(bench.codes(), [DOWN] + [FAULT] * faults + [UP])
            took_ms = bench.events[-1][0] - begin - ms
            assert took_ms <= min(30000, max(500, ms)), (kind, ms, took_ms)
            bench.both_ways()


def test_back_off_doubles_to_30_s_and_faults_once():
    bench = Bench()
    bench.chip.stuck = 0x00
    tries = []
    errors = 0
    bench.run(50)
    for _ in range(1300):
        if bench.driver.signature_errors != errors:
            errors = bench.driver.signature_errors
            tries.append(bench.ms() - 50)
        bench.run(100)
    eq(tries[:8], [0, 500, 1500, 3500, 7500, 15500, 31500, 61500])
    eq([code for _, code in bench.events], [FAULT])
    eq(bench.events[0][0], 15500)
    eq(bench.notes.notes, ["modem pause"])  # one line, not one per try
    assert bench.chip.transfers < 30  # and the bus is quiet meanwhile


def test_a_stuck_bus_at_the_start():
    bench = Bench()
    bench.chip.stuck = 0xFF
    bench.run(16000)
    eq(bench.codes(), [FAULT])
    bench.chip.stuck = None
    bench.run(16000)
    eq(bench.codes(), [FAULT, UP])


def test_noise_for_every_number_of_transfers():
    for count in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 24):
        for kind in (0x00, 0xFF, "noise"):
            bench = Bench(seed=count)
            bench.run(20)
            bench.chip.stuck_for = count
            bench.chip.stuck = kind
            bench.run(100)
            for _ in range(40):
                if bench.driver.up and not bench.chip.stuck_for:
                    break
                bench.run(10000)
            assert bench.driver.up, (count, kind)
            eq(bench.codes()[-1], UP)
            bench.both_ways()


def test_a_chip_that_always_fails_again_is_slowed_down():
    """Error, reset, up, error: the pauses grow though it comes up each time, and it is a fault."""
    bench = Bench().up()
    for _ in range(600):
        bench.chip.raise_cause(4)
        bench.run(100)
    assert 5 <= bench.driver.resets <= 8, bench.driver.resets  # 0, 1, 2, 4, 8, 16, 30 s apart
    eq(bench.codes().count(FAULT), 1)
    bench.run(41000)
    eq(bench.codes()[-1], UP)
    bench.chip.raise_cause(4)  # after 10 s of peace it is fast again
    begin = bench.ms()
    bench.run(3000)
    eq(bench.codes()[-1], UP)
    assert bench.events[-1][0] - begin <= 1100


def test_an_interrupt_storm_in_a_pause_is_no_try():
    bench = Bench()
    bench.chip.stuck = 0x00
    bench.run(5000)
    errors = bench.driver.signature_errors
    for _ in range(2000):
        bench.chip.irq.fired = True
        bench.run(1)
    eq((bench.driver.signature_errors, bench.codes()), (errors, []))
    bench.chip.stuck = None
    bench.chip.irq.fired = True
    bench.run(1)
    eq(bench.codes(), [UP])


def test_damaged_frames_cost_themselves_only():
    expected = (
        (chip_model.CUT, None),
        (chip_model.OVERSIZE, BAD_LENGTH),
        (chip_model.GARBAGE, GARBAGE),
        (chip_model.LENGTHS, BAD_LENGTH),
        (chip_model.NO_END, BAD_END),
        (chip_model.NO_START, GARBAGE),
    )
    for kind, reason in expected:
        for together in (True, False):
            bench = Bench().up()
            wanted = [1, 2, 3] if kind == chip_model.GARBAGE else [1, 3]
            bench.chip.damage(None)
            bench.chip.damage(kind)
            for mark in (1, 2, 3):
                bench.from_car(mme(sender=CAR, n=200, mark=mark))
                if not together:
                    bench.run(20)
            bench.run(100)
            eq((kind, together, [frame[30] for frame in bench.got]), (kind, together, wanted))
            eq(sum(bench.driver.drops), 1)
            if reason is not None:
                eq(bench.driver.drops[reason], 1)
            eq(bench.codes(), [])


def test_events_are_not_lost_and_not_stale():
    """Nobody asks for events: an UP that is over is not told, a DOWN is."""
    bench = Bench().up()
    bench.driver.event = lambda: 0
    bench.chip.reboot(bench.now)
    bench.run(3000)
    bench.chip.reboot(bench.now)
    bench.run(100)
    del bench.driver.event
    bench.step()
    eq(bench.codes(), [DOWN])
    bench.run(3000)
    eq(bench.codes(), [DOWN, UP])


def test_start_again_is_down_and_up():
    bench = Bench().up()
    bench.driver.start(bench.now)
    eq(bench.driver.state, PAUSE)
    bench.run(100)
    eq(bench.codes(), [DOWN, UP])


def test_a_caller_that_tries_again_all_the_time_does_not_put_off_the_reset():
    bench = Bench().up()
    bench.chip.hold = True
    frame = mme(n=1518)
    for _ in range(300):
        bench.driver.send(frame, 1518)
        bench.run(5)
    eq(bench.driver.resets, 1)


def test_restarts_in_a_row_that_are_not_ours_are_no_fault():
    """Every new key restarts the modem: the pause is the shortest one each time."""
    bench = Bench().up()
    bench.modem.boot_ms = 3000
    for _ in range(6):
        bench.chip.enable_after_boot = 0
        bench.chip.reboot(bench.now)
        begin = bench.ms()
        bench.run(4500)
        eq(bench.codes(), [DOWN, UP])
        assert bench.events[1][0] - begin <= 3600
        bench.events = []


def test_an_edge_ends_a_pause():
    """CPU_ON between two checks, which are 1 s apart: it is up at once."""
    bench = Bench().up()
    bench.modem.boot_ms = 580
    begin = bench.ms()
    bench.chip.reboot(bench.now)
    bench.run(2000)
    eq(bench.codes(), [DOWN, UP])
    eq([at - begin for at, _ in bench.events], [50, 580])


def test_a_fault_that_is_over_is_not_told():
    bench = Bench()
    bench.driver.event = lambda: 0
    bench.chip.stuck = 0
    bench.run(20000)
    bench.chip.stuck = None
    bench.run(20000)
    del bench.driver.event
    bench.step()
    eq(bench.codes(), [UP])


def test_an_up_that_was_not_told_needs_no_down():
    bench = Bench()
    bench.driver.event = lambda: 0
    bench.run(20)
    bench.chip.reboot(bench.now)
    bench.run(200)
    del bench.driver.event
    assert not bench.driver.up
    bench.run(3000)
    eq(bench.codes(), [UP])
