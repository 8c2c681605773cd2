"""drivers/bender.py against its model: setting up, alarms, validity, tests, loss of settings; what
R-DC-SAFETY-05 and -13 are read from."""

from drivers.bender import ALARM, FAILED, NO_ALARM, PASSED, RUNNING, WARNING, Bender
from drivers.modbus_part import DEVICE, INVALID, REFUSES, SETTINGS, SILENT, STRANGE
from tests.lib.mtest import eq, raises
from tests.unit.drivers.modbus_bench import Bench, notes
from twin.bender import BenderModel
from twin.rtu import Refused


def bench(wanted=True, r1=300, r2=100, **model):
    monitor = Bender(3, r1, r2, notes())
    slave = BenderModel(3, **model)
    b = Bench([monitor], [slave], 19200, "even")
    monitor.want(wanted, b.now)
    return b, monitor, slave


def written(slave):
    return [(entry[1], entry[2][0]) for entry in slave.log if entry[0] == 16]


def test_set_up_and_first_value():
    b, monitor, slave = bench()
    took = b.until(lambda: monitor.ok)
    assert took < 4000, took
    eq((monitor.part_name, monitor.firmware), ("isoCHA425HV-D4", 512))
    eq((slave.settings[3005], slave.settings[3007], slave.settings[3021], slave.settings[3026]), (300, 100, 3, 1))
    eq((slave.settings[3025], slave.settings[3023]), (0, 0))
    eq((monitor.ohm, monitor.alarm, monitor.faults), (900000, NO_ALARM, 0))


def test_old_firmware_is_not_asked_for_what_it_does_not_have():
    b, monitor, slave = bench(firmware=500)
    assert b.until(lambda: monitor.ok) < 4000
    assert 3021 not in [register for register, _ in written(slave)]


def test_another_device_is_not_written_to():
    b, monitor, slave = bench(name="RN5893")
    b.run(5000)
    eq((monitor.faults, monitor.ok, written(slave)), (STRANGE, False, []))
    assert monitor._trace.said("not those of the configured part")
    slave.name = "isoEV425"
    assert b.until(lambda: monitor.ok) < 5000


def test_gaps_and_one_round_a_second():
    """The model does not hear what comes within 15 ms of its answer, and two values a second are
    read."""
    b, _, slave = bench()
    b.run(10000)
    eq(b.bus.timeouts, 0)
    del slave.log[:]
    b.run(10000)
    reads = [entry[1] for entry in slave.log]
    assert 9 <= reads.count(1000) <= 11 and 9 <= reads.count(1008) <= 11, reads
    assert len(reads) <= 26, len(reads)


def test_thresholds_below_the_old_ones():
    """R1 may not be at or below R2, so the order of writing matters."""
    b, monitor, slave = bench(r1=60, r2=30)
    assert b.until(lambda: monitor.ok) < 5000
    eq((slave.settings[3005], slave.settings[3007], monitor.faults), (60, 30, 0))
    for r1, r2 in ((100, 100), (700, 100), (100, 10)):
        raises(ValueError, lambda r1=r1, r2=r2: Bender(3, r1, r2))


def test_alarms_are_told_within_limits():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    for ohm, alarm in ((250000.0, WARNING), (90000.0, ALARM), (900000.0, NO_ALARM)):
        slave.r_ohm = ohm
        took = b.until(lambda alarm=alarm: monitor.alarm == alarm)
        assert took <= slave.measure_ms + 1200, took
        eq((monitor.ohm, monitor.ok), (int(ohm), True))


def test_smaller_is_bad_news_and_bigger_is_good_news():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    slave.r_ohm = 200.0
    b.run(4000)
    eq((monitor.ohm, monitor.alarm, monitor.ok), (0, ALARM, True))
    slave.r_ohm = 50000000.0
    b.run(4000)
    eq((monitor.ohm, monitor.alarm, monitor.ok), (1000000, NO_ALARM, True))


def test_invalid_is_a_fault_at_once_but_not_while_it_settles():
    b, monitor, slave = bench(wanted=False)
    b.run(3000)
    eq((monitor.ready, monitor.ok, slave.settings[3026]), (True, False, 0))
    monitor.want(True, b.now)
    b.run(1200)
    eq((monitor.faults, monitor.ok), (0, False))
    assert b.until(lambda: monitor.ok) < 3000
    slave.invalid = True
    b.run(1200)
    eq((monitor.faults, monitor.ok), (INVALID, False))
    slave.invalid = False
    b.run(1200)
    eq((monitor.faults, monitor.ok), (0, True))


def test_never_valid():
    b, monitor, slave = bench()
    slave.invalid = True
    b.run(14000)
    eq((monitor.faults, monitor.ok), (INVALID, False))


def test_off_and_on():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    monitor.want(False, b.now)
    b.run(200)
    eq((slave.settings[3026], monitor.ok, monitor.faults), (0, False, 0))
    b.run(15000)
    eq((monitor.faults, monitor.ready), (0, True))
    slave.r_ohm = 90000.0
    monitor.want(True, b.now)
    b.run(300)
    eq((slave.settings[3026], monitor.ok), (1, False))  # a value of before is no value
    b.until(lambda: monitor.ok)
    eq((monitor.ohm, monitor.alarm), (90000, ALARM))


def test_self_test():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    monitor.self_test(b.now)
    eq(monitor.test_result, RUNNING)
    b.run(3000)
    eq((monitor.test_result, monitor.testing, monitor.ok, monitor.faults), (RUNNING, True, False, 0))
    old = monitor.age_ms(b.now)
    b.run(1000)
    assert monitor.age_ms(b.now) > old  # it measures nothing now
    took = b.until(lambda: monitor.test_result)
    eq(monitor.test_result, PASSED)
    assert 15000 < took < 19000, took
    b.run(2000)
    eq((monitor.ok, monitor.testing), (True, False))
    assert (8005, 0x5445) in written(slave)


def test_self_test_that_fails_hangs_or_is_never_seen():
    for prepare, most_ms, text in (
        ({"test_finds_error": True}, 25000, "found an error"),
        ({"test_ms": 60000}, 30500, "not over in time"),
        ({"test_ms": 100}, 30500, "not over in time"),
        ({"locked": True}, 1000, "refused"),
    ):
        b, monitor, slave = bench()
        b.until(lambda monitor=monitor: monitor.ok)
        for name in prepare:
            setattr(slave, name, prepare[name])
        monitor.self_test(b.now)
        took = b.until(lambda monitor=monitor: monitor.test_result)
        eq((prepare, monitor.test_result), (prepare, FAILED))
        assert took < most_ms, (prepare, took)
        assert monitor._trace.said(text)


def test_self_test_of_a_monitor_that_is_off():
    b, monitor, slave = bench(wanted=False)
    b.run(3000)
    monitor.self_test(b.now)
    b.until(lambda: monitor.test_result)
    eq(monitor.test_result, PASSED)
    b.run(1500)
    eq(slave.settings[3026], 0)


def test_a_test_of_its_own_is_no_measurement():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    slave.odd_while_testing = True
    slave.own_test()
    b.run(5000)
    eq((monitor.testing, monitor.ok, monitor.faults, monitor.test_result), (True, False, 0, None))
    assert monitor.age_ms(b.now) > 2000


def test_device_error():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    slave.error = True
    b.run(1200)
    eq((monitor.faults, monitor.ok), (DEVICE, False))
    slave.error = False
    b.run(1200)
    eq((monitor.faults, monitor.ok), (0, True))


def test_lost_settings_are_found_and_written_again():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    slave.restart()
    assert slave.settings[3005] != 300
    took = b.until(lambda: slave.settings[3005] == 300)
    assert took < 13000, took
    b.run(4000)
    eq((monitor.ok, monitor.lost, slave.settings[3007]), (True, 1, 100))


def test_a_power_cut_of_some_seconds():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    slave.silent = True
    took = b.until(lambda: monitor.faults)
    eq((monitor.faults, monitor.age_ms(b.now)), (SILENT, None))
    assert took < 3000, took
    slave.restart()
    slave.silent = False
    assert b.until(lambda: monitor.ok) < 6000
    eq((slave.settings[3005], slave.settings[3007]), (300, 100))


def test_locked_settings_are_a_fault():
    b, monitor, slave = bench()
    slave.locked = True
    b.run(6000)
    eq((monitor.faults & SETTINGS, monitor.ok, monitor.ready), (SETTINGS, False, False))
    slave.locked = False
    b.run(6000)
    eq((monitor.faults, monitor.ok), (0, True))


def test_a_monitor_that_cannot_be_looked_at():
    """No source says that settings can be read back."""
    b, monitor, slave = bench()
    slave.no_look = True
    b.run(30000)
    eq((monitor.ok, monitor.faults), (True, 0))


def test_thresholds_below_the_old_ones_that_cannot_be_looked_at():
    b, monitor, slave = bench(r1=60, r2=30)
    slave.no_look = True
    b.run(5000)
    eq((slave.settings[3005], slave.settings[3007], monitor.ok), (60, 30, True))


def test_a_monitor_that_refuses_its_voltage():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    real = slave.read

    def read(function, register, count):
        if register == 1008:
            raise Refused(2)
        return real(function, register, count)

    slave.read = read
    b.run(5000)
    eq((monitor.faults, monitor.ok), (REFUSES, False))
    assert monitor.age_ms(b.now) < 2000  # the other value is read all the same


def test_answers_of_another_value_are_not_taken():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    slave.u_n = 400.0
    slave.answers_other = True
    b.run(1100)
    age = monitor.age_ms(b.now)
    b.run(1500)
    assert monitor.mixed > 0 and monitor.ohm == 900000
    assert monitor.age_ms(b.now) > age  # the value grows old, and its limit finds it


def test_voltage_and_its_age():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    slave.u_n = 412.5
    b.run(1500)
    eq(monitor.mv, 412500)
    worst = worst_mv = 0
    for _ in range(600):
        b.step()
        worst = max(worst, monitor.age_ms(b.now))
        worst_mv = max(worst_mv, monitor.mv_age_ms(b.now))
    assert worst < 2000 and worst_mv < 2000, (worst, worst_mv)


def test_exceptions_while_reading():
    b, monitor, slave = bench()
    b.until(lambda: monitor.ok)
    slave.exception = 4
    b.run(2500)
    assert monitor.faults & REFUSES and not monitor.ok
    slave.exception = 0
    b.run(4000)
    eq((monitor.faults, monitor.ok), (0, True))
