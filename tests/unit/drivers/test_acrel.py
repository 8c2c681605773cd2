"""drivers/acrel.py against its model: decimal points, both directions, units that must be
proved, energy that never falls (R-METER-03, R-METER-04)."""

from drivers.acrel import Acrel
from drivers.modbus_part import ENERGY, SIGN, SILENT, STRANGE, UNITS
from tests.lib.mtest import eq
from tests.unit.drivers.modbus_bench import Bench, notes
from twin.acrel import AcrelModel, scaled


def bench(swapped=False, baud=9600):
    meter = Acrel(1, swapped, notes())
    slave = AcrelModel(1)
    return Bench([meter], [slave], baud), meter, slave


def near(value, wanted, within):
    assert abs(value - wanted) <= within, (value, wanted)


def test_the_model_moves_the_point():
    eq(scaled(60.0, False), (60000, 0))
    eq(scaled(400.0, False), (40000, 1))
    eq(scaled(920.0, False), (9200, 2))
    eq(scaled(-125.0, True), (-12500, 1))
    eq(scaled(50000.0, True), (5000, 4))


def test_ranges_move_and_values_stay():
    b, meter, slave = bench()
    for volts in (0.0, 12.3, 59.9, 400.0, 655.35, 655.4, 1000.0):
        slave.v = volts
        b.run(1000)
        near(meter.mv, round(volts * 1000), 60)
    slave.v = 400.0
    for amperes in (0.0, 3.2, -3.2, 32.7, 125.0, -125.0, 300.0):
        slave.a = amperes
        b.run(1000)
        near(meter.ma, round(amperes * 1000), 60)
        near(meter.w, round(400 * amperes), 10)
        eq((meter.faults, meter.ok), (0, True))


def test_age_is_within_a_second():
    b, meter, _ = bench(baud=4800)
    b.until(lambda: meter.ok)
    worst = 0
    for _ in range(500):
        b.step()
        worst = max(worst, meter.age_ms(b.now))
    assert worst < 500, worst


def test_a_power_that_is_1000_off_is_refused_in_words():
    for unit in (1000.0, 0.001, 10.0, -1.0):
        b, meter, slave = bench()
        slave.power_unit = unit
        slave.v = 400.0
        b.run(2000)
        eq((meter.faults, meter.ok, meter.power_proved), (0, True, False))
        slave.a = 20.0
        took = b.until(lambda meter=meter: meter.faults)
        eq((unit, meter.faults, meter.ok), (unit, UNITS, False))
        assert took < 3000, took
        assert meter._trace.said("not the product")
        near(meter.w, 8000, 10)  # volts times amperes, until the other is proved
        slave.a = 0.0
        b.run(2000)
        eq(meter.faults, UNITS)  # it stays
        slave.power_unit = 1.0
        assert meter.clear(b.now)
        slave.a = 20.0
        b.run(3000)
        eq((meter.faults, meter.power_proved), (0, True))


def test_steps_of_the_current_prove_nothing_wrong():
    b, meter, slave = bench()
    slave.v = 400.0
    slave.power_lags = True
    for i in range(100):
        slave.a = (120.0, 2.0, -60.0)[i % 3]
        b.run(330)
    eq((meter.faults, meter.power_proved), (0, True))


def test_energy_is_told_when_its_unit_is_proved():
    for sign in (1, -1):
        b, meter, slave = bench()
        slave.v, slave.a = 400.0, 50.0 * sign
        b.run(20000)
        eq((meter.charged_wh, meter.energy_age_ms(b.now), meter.energy_proved), (None, None, False))
        took = b.until(lambda meter=meter: meter.energy_proved)
        assert took < 20000, took
        near(meter.charged_wh, slave.forward_wh, 4)
        near(meter.discharged_wh, slave.reverse_wh, 4)
        before = (meter.charged_wh, meter.discharged_wh)
        b.run(36000)
        grown = (meter.charged_wh - before[0], meter.discharged_wh - before[1])
        near(grown[0 if sign > 0 else 1], 200, 6)
        eq((grown[1 if sign > 0 else 0], meter.faults), (0, 0))


def test_energy_of_another_unit_is_refused():
    for unit in (1000.0, 10.0, 0.001):
        b, meter, slave = bench()
        slave.energy_unit = unit
        slave.v, slave.a = 400.0, 50.0
        took = b.until(lambda meter=meter: meter.faults)
        eq((unit, meter.faults, meter.charged_wh), (unit, UNITS, None))
        assert took < 45000, took


def test_wrong_sign_and_the_flag():
    b, meter, slave = bench()
    slave.reversed = True
    meter.charging_only = True
    slave.v, slave.a = 400.0, 10.0
    b.run(3000)
    eq((meter.faults, meter.ma), (SIGN, -10000))
    b, meter, slave = bench(swapped=True)
    slave.reversed = True
    meter.charging_only = True
    slave.v, slave.a = 400.0, 50.0
    b.run(60000)
    eq((meter.faults, meter.w), (0, 20000))
    near(meter.charged_wh, slave.reverse_wh, 4)
    near(meter.discharged_wh, slave.forward_wh, 4)


def test_registers_that_fall():
    b, meter, slave = bench()
    slave.v, slave.a = 400.0, 50.0
    b.until(lambda meter=meter: meter.energy_proved)
    told = meter.charged_wh
    slave.forward_wh = 0.0
    b.run(1000)
    assert meter.faults == ENERGY and meter.charged_wh >= told
    assert meter.clear(b.now)
    b.run(50000)
    eq(meter.faults, 0)
    near(meter.charged_wh, slave.forward_wh, 4)


def test_nonsense_and_silence():
    b, meter, slave = bench()
    b.run(1000)
    slave.odd_point = 9
    b.run(1000)
    eq((meter.faults, meter.ok), (STRANGE, False))
    slave.odd_point = 4  # 400 V would be 4 MV
    slave.fixed_point = 1
    slave.v = 400.0
    b.run(1000)
    eq(meter.faults, STRANGE)
    slave.odd_point = slave.fixed_point = None
    b.run(1000)
    eq((meter.faults, meter.ok), (0, True))
    slave.silent = True
    b.run(1600)
    eq((meter.faults, meter.age_ms(b.now)), (SILENT, None))


def test_large_registers():
    """From 2**30 on, a number of 32 bits is one all the same."""
    b, meter, slave = bench()
    slave.base_wh = 3000000000
    slave.v, slave.a = 400.0, 50.0
    b.run(60000)
    near(meter.charged_wh - slave.base_wh, int(slave.forward_wh), 4)
