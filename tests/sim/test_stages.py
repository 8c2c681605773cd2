"""Whole sessions with each power stage in the place of the simulation: firmware from SPI to the
session, models of power board, converter, meters and monitor byte by byte. Without the lab switch."""

RUNTIMES = ("cpython", "unix")

from firmware.app.lease import OPERATOR
from tests.lib.mtest import eq
from tests.lib.plant import Plant

PARTS = {"stage": "parts", "meter": "acrel", "monitor": "bender"}
AC = {"stage": "parts", "meter": "eastron"}


def both_ways(service, watts, **more):
    """A car that charges and then is asked for power; (plant, car, contactor model)."""
    plant = Plant(services=[service], setpoint_w=watts, lab=False, export="free", **more)
    car = plant.plug(service=service, loops=160, loop_ms=100)

    def turn(plant):
        if plant.power.hw.w > watts // 2:
            plant.watch.remove(turn)
            plant.after(4000, lambda plant: eq(plant.power.lease.give(plant.now, OPERATOR, -watts // 2, 600), ""))

    plant.watch.append(turn)
    plant.run(car)
    assert car.ok, (car.why, plant.trace.errors[-5:], plant.trace.notes[-8:])
    assert not plant.board.contact.closed and plant.power.hw.ma == 0
    return plant


def test_a_power_board_at_a_serial_line_r_meter_04():
    plant = both_ways("DC_BPT", 20000, stage="serial")
    line = plant.board.contactor.wired.line
    assert plant.most_w > 18000 and plant.least_w < -8000, (plant.most_w, plant.least_w)
    eq((line.on, line.ma), (False, 0))
    assert plant.power.hw.charged_wh > 4711 and plant.power.hw.discharged_wh > 815


def test_a_converter_on_can_with_meter_and_monitor_on_modbus():
    plant = both_ways("DC_BPT", 16000, **PARTS)
    wired = plant.board.contactor.wired
    assert plant.most_w > 14000 and plant.least_w < -6000, (plant.most_w, plant.least_w)
    eq((wired.module.under_current, wired.line.ma), (0, 0))  # the mode changed at no current


def test_an_ac_meter_on_modbus():
    plant = both_ways("AC_BPT", 9000, **AC)
    assert plant.most_w > 8000 and plant.least_w < -4000, (plant.most_w, plant.least_w)


def test_a_converter_that_only_charges():
    plant = Plant(services=["DC_BPT", "DC"], setpoint_w=8000, lab=False, converter="reg", **PARTS)
    car = plant.plug(service="DC", loops=60, loop_ms=100)
    plant.run(car)
    assert car.ok and plant.most_w > 7000, (car.why, plant.most_w, plant.trace.errors)


def test_without_a_measurement_at_the_car_dc_is_refused_r_dc_safety_12():
    plant = Plant(services=["DC_BPT"], setpoint_w=8000, lab=False, meter_place="station", **PARTS)
    car = plant.plug(service="DC_BPT", loops=20)
    plant.run(car)
    assert not car.ok and plant.most_w == 0
    eq(plant.board.contact.closings, 0)


def fails(fault, **more):
    """A fault while 15 kW flow: ms until the contact is open, and the plant."""
    plant = Plant(services=["DC_BPT"], setpoint_w=15000, lab=False, **more)
    car = plant.plug(service="DC_BPT", loops=2000, loop_ms=100)
    plant.until(lambda plant: plant.power.hw.w > 12000, 60000)
    begun = plant.now
    fault(plant.board.contactor.wired)
    plant.until(lambda plant: not plant.board.contact.closed, 5000)
    plant.run(car)
    assert not car.ok
    return plant.now - begun, plant


def test_faults_of_the_power_board_open_r_power_14():
    for name in ("silent", "deaf", "crc", "imd", "converter", "estop", "grid", "frozen", "restart", "old"):

        def plant_it(wired, name=name):
            wired.board.fault = name

        _, plant = fails(plant_it, stage="serial")
        eq((plant.board.contact.closed, plant.board.contactor.wired.line.ma), (False, 0))


def test_a_board_that_says_off_and_delivers_does_not_keep_power_on_r_power_14():
    plant = Plant(services=["DC_BPT"], setpoint_w=15000, lab=False, stage="serial")
    car = plant.plug(service="DC_BPT", loops=2000, loop_ms=100)
    plant.until(lambda plant: plant.power.hw.w > 12000, 60000)
    wired = plant.board.contactor.wired
    wired.board.fault = "liar"
    plant.safe.request_stop(plant.now)
    plant.until(lambda plant: not plant.board.contact.closed, 40000)
    plant.run(car)
    eq(wired.line.ma, 0)  # by the contactor: the converter is still on
    assert wired.line.on and not plant.board.contact.closed


def test_faults_of_parts_open_r_power_14():
    def silent(wired):
        wired.module.fault = "silent"

    def cut(wired):
        wired._port.cut = True

    def leak(wired):
        wired.line.insulation_ohm = 20000

    def broken(wired):
        wired.module.fault = "fault"

    for fault in (silent, cut, leak, broken):
        _, plant = fails(fault, **PARTS)
        eq((plant.board.contact.closed, plant.board.contactor.wired.line.ma), (False, 0))
