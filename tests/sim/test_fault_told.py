"""A fault of the station in the loop of a whole station, from SPI bytes up: the power goes first,
and the car reads in its next answer why, before the connection ends (R-STATUS-04, R-STATUS-07)."""

from firmware.app import plug_steps as sup
from tests.lib.mtest import eq
from tests.sim import faults
from tests.sim.bench import begin

HEAP_KB = 1000
BARE_HEAP_KB = 600
TIMEOUT_S = 300


def told(service, fault):
    """The car's words for the end of its session."""
    plant, _ = begin([service], setpoint_w=5000)
    car = plant.plug(service=service, loops=0)
    plant.until(lambda plant: faults.in_loop(plant, car), 60_000)
    fault(plant, car)
    plant.until(lambda plant: car.evcc.why, 10_000)
    plant.sleep(100)
    eq((plant.board.contact.coil, plant.board.stage.w, plant.charger.state), (0, 0, sup.FAULT))
    return car.evcc.why


def test_the_car_reads_a_fault_of_the_converter_r_status_07():
    for service in ("DC_BPT", "AC_BPT"):
        eq(told(service, faults.converter), service[:2] + "_ChargeLoopRes: FAILED")


def test_the_car_reads_a_fault_of_the_contactor_r_status_07():
    for service in ("DC_BPT", "AC_BPT"):
        eq(told(service, faults.contact_falls), service[:2] + "_ChargeLoopRes: FAILED_ContactorError")


def test_a_car_that_draws_too_much_ends_its_session_and_no_more_r_loop_16():
    """Warned, ended, and the station serves the next car without an operator."""
    plant, _ = begin(["AC_BPT"], setpoint_w=3000)
    car = plant.plug(service="AC_BPT", loops=0)
    plant.until(lambda plant: faults.in_loop(plant, car), 60_000)
    plant.board.stage.load_w = 8000
    plant.until(lambda plant: car.evcc.why, 10_000)
    plant.sleep(100)
    eq((plant.board.contact.coil, plant.charger.state), (0, sup.FAULT))
    plant.board.stage.load_w = None
    plant.sleep(3000)
    assert plant.charger.state in (sup.REPLUG, sup.UNPLUGGED) and not plant.power.fault
    plant.until(lambda plant: car.done, 60_000)
    plant.sleep(1500)
    after = plant.plug(9, service="AC_BPT", loops=3)
    plant.run(after)
    assert after.ok, after.why
