"""drivers/eastron.py against its model: values both ways, their ages, signs, and energy that
never falls (R-METER-03, R-METER-04)."""

from drivers.eastron import Eastron
from drivers.modbus_part import ENERGY, REFUSES, SIGN, SILENT, STRANGE
from tests.lib.mtest import eq
from tests.unit.drivers.modbus_bench import Bench, notes
from twin.eastron import EastronModel


def bench(swapped=False, **model):
    meter = Eastron(1, swapped, notes())
    slave = EastronModel(1, **model)
    return Bench([meter], [slave]), meter, slave


def near(value, wanted, within):
    assert abs(value - wanted) <= within, (value, wanted)


def test_values_of_three_unequal_lines_both_ways():
    b, meter, slave = bench()
    slave.load((-2300, 1150, 0), 231.5)
    slave.v = [229.4, 231.5, 0.0]
    slave.var = [100.0, -40.0, 0.0]
    assert b.until(lambda: meter.ok) < 700
    b.run(1000)
    eq(meter.l_mv, [229400, 231500, 0])
    eq((meter.l_w, meter.w, meter.var), ([-2300, 1150, 0], -1150, 60))
    near(meter.l_ma[0], -9935, 2)
    near(meter.l_ma[1], 4968, 2)
    eq((meter.mv, meter.ma, meter.hz_m), (229400, meter.l_ma[0], 50000))
    eq((meter.charged_wh, meter.discharged_wh), (12500, 3250))


def test_every_value_is_at_most_a_second_old_on_a_slow_bus():
    for baud in (9600, 4800):
        _, meter, slave = bench()
        b = Bench([meter], [slave], baud)
        b.until(lambda meter=meter: meter.ok)
        worst = worst_energy = 0
        for _ in range(800):
            b.step()
            worst = max(worst, meter.age_ms(b.now))
            worst_energy = max(worst_energy, meter.energy_age_ms(b.now))
        assert worst < 1000 and worst_energy < 2500, (baud, worst, worst_energy)


def test_energy_grows_with_what_flows_and_never_falls():
    b, meter, slave = bench()
    slave.load((3680, 3680, 3680))
    b.run(60000)
    near(meter.charged_wh - 12500, 3 * 3680 // 60, 6)
    eq(meter.discharged_wh, 3250)
    slave.load((-3680, -3680, -3680))
    b.run(60000)
    near(meter.discharged_wh - 3250, 3 * 3680 // 60, 6)
    slave.import_kwh = 1.0  # another meter
    before = (meter.charged_wh, meter.discharged_wh)
    b.run(1500)
    eq((meter.faults & ENERGY, meter.charged_wh, meter.ok), (ENERGY, before[0], False))
    assert meter.clear(b.now)
    b.run(1500)
    assert meter.ok and meter.charged_wh == 1000
    slave.export_kwh = 0.5
    b.run(1500)
    eq(meter.faults, ENERGY)


def test_wired_the_other_way_round_is_found_by_charging_first():
    b, meter, slave = bench()
    slave.reversed = True
    meter.charging_only = True
    b.run(2000)
    assert meter.ok
    slave.load((2000, 2000, 2000))
    took = b.until(lambda: meter.faults)
    eq(meter.faults, SIGN)
    assert took < 2500, took
    assert meter._trace.said("out of the car while only charging")
    assert "meter_swapped" in meter.words()[0][1]
    slave.load((0, 0, 0))
    b.run(3000)
    eq((meter.faults, meter.ok), (SIGN, False))  # it stays
    assert meter.clear(b.now)
    # The commissioning flag:
    b, meter, slave = bench(swapped=True)
    slave.reversed = True
    meter.charging_only = True
    slave.load((2000, 2000, 2000))
    slave.var = [100.0, 0.0, 0.0]
    b.run(5000)
    eq((meter.faults, meter.l_w, meter.w, meter.var), (0, [2000, 2000, 2000], 6000, 100))
    slave.load((-1000, -1000, -1000))
    meter.charging_only = False
    b.run(5000)
    eq((meter.faults, meter.w), (0, -3000))
    # Counted the other way round: import of the meter is what came out of the car.
    near(meter.discharged_wh, 12500 + 4, 2)


def test_no_fault_for_what_may_be():
    b, meter, slave = bench()
    slave.load((-2000, -2000, -2000))
    b.run(3000)  # discharge is allowed
    eq(meter.faults, 0)
    slave.load((-30, -30, -30))
    meter.charging_only = True
    b.run(3000)  # losses and noise
    eq(meter.faults, 0)


def test_silence_and_return():
    b, meter, slave = bench()
    b.run(2000)
    slave.silent = True
    took = b.until(lambda: meter.faults)
    eq((meter.faults, meter.ok, meter.age_ms(b.now)), (SILENT, False, None))
    assert took < 1400, took
    b.run(20000)
    slave.silent = False
    assert b.until(lambda: meter.ok) < 3000
    eq(meter.faults, 0)


def test_never_there():
    b, meter, slave = bench()
    slave.silent = True
    b = Bench([meter], [slave])
    b.run(1500)
    eq((meter.faults, meter.ok, meter.charged_wh), (SILENT, False, None))
    asked = slave.asked
    b.run(20000)
    assert 8 < slave.asked - asked < 45, slave.asked  # it is looked for, and does not fill the bus


def test_faults_of_the_bus_and_of_the_values():
    for field, value, fault in (
        ("bad_crc", True, SILENT),
        ("exception", 2, REFUSES),
        ("swapped_words", True, STRANGE),
        ("not_a_number", True, STRANGE),
        ("hz", 5000.0, STRANGE),
        ("v", [2300.0, 230.0, 230.0], STRANGE),
        ("most_values", 10, REFUSES),
        ("wrong_address", True, SILENT),
    ):
        b, meter, slave = bench()
        b.run(2000)
        assert meter.ok, field
        good = getattr(slave, field)
        setattr(slave, field, value)
        b.run(4000)
        assert meter.faults & fault and not meter.ok, (field, meter.faults)
        assert fault == SILENT or not meter.faults & SILENT, field
        before = len(meter._trace.notes)
        b.run(4000)
        # What stays as it is, is said once.
        eq((field, len(meter._trace.notes)), (field, before))
        setattr(slave, field, good)
        b.run(5000)
        eq((field, meter.faults, meter.ok), (field, 0, True))


def test_a_meter_without_totals_is_not_ok():
    """A block that is refused does not look like a meter that reads."""
    b, meter, slave = bench()
    real = slave.read
    from twin.rtu import Refused

    def read(function, register, count):
        if register == 0x34:
            raise Refused(2)
        return real(function, register, count)

    slave.read = read
    b.run(4000)
    eq((meter.faults, meter.ok, meter.energy_age_ms(b.now)), (REFUSES, False, None))
    assert meter.age_ms(b.now) < 1000
    eq(len(meter._trace.notes), 1)
