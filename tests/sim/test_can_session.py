"""Whole sessions of DC_BPT over an Infypower module on CAN, a meter and an insulation monitor on
Modbus: no simulated stage, no lab switch. Faults of bus and module while 5 kW flow."""

BARE = "three minutes in an emulator; the drivers are tried there each by itself"

from codec.slots import ResponseCode
from firmware.stage import faults
from tests.lib.driver import DC, DC_BPT, DYNAMIC, STOP
from tests.lib.mtest import eq
from tests.lib.parts_world import PartsWorld

OK = ResponseCode.OK


def loops(w, count, service=DC_BPT):
    """So many charge loops, 100 ms apart; the last answer."""
    for _ in range(count):
        w.sleep(100)
        answer = w.loop(service, DYNAMIC, soc=50, mv=w.line.mv_out or 400000)
        if answer is None or answer.code != OK:
            return answer
    return answer


def charging(service=DC_BPT, **changes):
    w = PartsWorld(setpoint_w=5000, **changes)
    eq((w.to_loop(service, DYNAMIC).code, w.trace.errors), (OK, []))
    eq(loops(w, 50, service).code, OK)
    assert 4700 < w.line.w <= 5000, w.line.w
    return w


def test_charges_and_discharges_by_the_set_point_and_ends_in_order():
    w = charging()
    eq((w.chip.violations, w.part.faults, w.line.sink), (0, 0, False))
    w.setpoint(-5000)
    eq(loops(w, 60).code, OK)
    assert -5000 <= w.line.w < -4700 and w.line.sink, w.line.w
    w.setpoint(3000)
    eq(loops(w, 60).code, OK)
    assert 2700 < w.line.w <= 3000, w.line.w
    eq((w.module.under_current, w.module.refused), (0, 0))
    eq(w.power_delivery(STOP).code, OK)
    eq((w.contactor.closed, w.line.ma), (False, 0))
    eq(w.stop().code, OK)
    w.sleep_alone(2000)
    eq((w.module.running, w.part.ready, w.part.live, w.trace.errors), (False, True, False, []))


def test_reg_charges():
    w = charging(DC, converter="reg", services=["DC"])
    eq(w.power_delivery(STOP).code, OK)
    w.sleep_alone(2000)
    eq((w.module.running, w.part.live), (False, False))


def ends(w, within_ms, bit):
    """The car hears FAILED, the contactor is open within so much time and carries nothing; the
    longest time that 1 A flowed on."""
    flowed_ms = 0
    for at in range(0, 3000, 20):
        if abs(w.line.ma) > 1000:
            flowed_ms = at + 20
        if at % 100 == 0:
            answer = w.loop(DC_BPT, DYNAMIC, soc=50, mv=w.line.mv_out or 400000)
            if answer is None or answer.code != OK:
                break
        w.sleep(20)
    assert answer is not None and answer.code != OK
    assert w.power.faults & bit, (hex(w.power.faults), w.trace.errors)
    w.sleep(300)
    eq((w.contactor.closed, w.line.ma), (False, 0))
    assert flowed_ms <= within_ms, flowed_ms
    return w


def test_bus_off():
    w = charging()
    w.can.shorted = True
    ends(w, 300, faults.COMM)
    eq(w.part.live, True)
    w.can.shorted = False
    w.sleep_alone(8000)
    eq((w.part.ready, w.module.running, w.part.live), (True, False, False))


def test_silent_module():
    w = charging()
    w.module.fault = "silent"
    ends(w, 700, faults.COMM)
    eq(w.part.live, True)


def test_deaf_module_delivers_on_behind_an_open_contactor_and_no_new_start():
    w = charging()
    w.module.fault = "deaf"
    ends(w, 700, faults.COMM)
    eq((w.module.running, w.part.live), (True, True))
    w.sleep_alone(9000)
    eq((w.part.live, w.contactor.closed), (True, False))
    w.sleep_alone(3000)
    eq((w.module.running, w.part.live), (False, False))


def test_overflow():
    w = charging()
    w.module.fault = "babbles"
    w.module.answer_ms = 1
    ends(w, 1000, faults.COMM)
    assert w.chip.overflows


def test_module_fault():
    module_fault("fault", faults.CONVERTER)


def test_module_too_hot():
    module_fault("hot", faults.OVERTEMP)


def test_module_without_its_grid():
    module_fault("grid", faults.GRID_LOST)


def module_fault(fault, bit):
    w = charging()
    w.module.fault = fault
    ends(w, 500, bit)


def test_mode_that_does_not_change():
    w = charging()
    w.module.fault = "stuck mode"
    w.setpoint(-5000)
    for _ in range(80):
        answer = loops(w, 1)
        assert w.line.ma >= 0, w.line.ma
        if answer is None or answer.code != OK:
            break
    assert answer.code != OK and w.power.faults & faults.CONVERTER
    w.sleep(300)
    eq((w.contactor.closed, w.line.ma), (False, 0))


def test_a_module_that_does_not_go_off_is_behind_an_open_contactor():
    w = charging()
    w.module.fault = "stuck on"
    eq(w.power_delivery(STOP).code, OK)
    eq((w.contactor.closed, w.line.ma), (False, 0))
    w.sleep_alone(3000)
    assert w.module.running and w.power.faults & faults.CONVERTER
