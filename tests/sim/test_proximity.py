"""A station with an AC socket: the proximity resistor of the plug limits the current (IEC 61851-1,
annex B), with and without a session. Simulated time; the resistor is read for 150 ms before it
counts."""

from drivers.pilot import X1
from firmware.app import plug_steps as sup
from tests.lib.mtest import eq
from tests.lib.plant import Plant

HEAP_KB = 600  # station and car in one process
BARE_HEAP_KB = 600  # the same, frozen


def closings(plant):
    return plant.board.contact.closings


def test_session_offers_what_the_cable_carries():
    for pp_ohm, amps in ((220, 32), (680, 20), (1500, 13)):
        plant = Plant(services=["AC_BPT"], ac_socket=True, ac_max_charge_w=22080, ac_max_discharge_w=22080)
        car = plant.plug(service="AC_BPT", pp_ohm=pp_ohm, loops=3)
        plant.run(car)
        assert car.ok, car.why
        eq(plant.power.cable_a, 0)  # unplugged again
        watts = amps * 230 * 3
        eq((car.evcc.offered_w, car.evcc.offered_out_w), (min(watts, 22080), min(watts, 22080)))


def test_charging_by_the_pilot_alone_offers_what_the_cable_carries():
    """R-LINK-03 and the duty of table A.7: 13 A is 21.6 %."""
    plant = Plant(services=["AC"], ac_socket=True, slac_init_ms=1000, ef_retries=0)
    car = plant.plug(iso15118=False, pp_ohm=1500, duration_ms=2000)
    plant.run(car)
    assert car.ok and closings(plant) == 1, car.why
    assert 216 in [pilot[2] for pilot in plant.trace.pilots] and 266 not in [pilot[2] for pilot in plant.trace.pilots]


def test_no_coding_no_power():
    """No resistor, a shorted one, or one that vanishes: nothing flows, and what flowed stops within
    250 ms."""
    for pp_ohm in (65535, 10):
        plant = Plant(services=["AC"], ac_socket=True, slac_init_ms=1000, ef_retries=0)
        car = plant.plug(iso15118=False, pp_ohm=pp_ohm)
        plant.sleep(20000)
        eq((closings(plant), plant.charger.state, plant.board.pilot.duty), (0, sup.BASIC, X1))
        car.unplug(plant.now)
    plant = Plant(services=["AC"], ac_socket=True, slac_init_ms=1000, ef_retries=0)
    plant.plug(iso15118=False, duration_ms=60000)
    plant.until(lambda plant: plant.board.contactor.closed, 20000)
    plant.board.do_pp(["0"], plant.now)
    plant.until(lambda plant: not plant.board.contact.closed, 250)


def test_captive_cable_needs_no_coding():
    plant = Plant(services=["AC"], slac_init_ms=1000, ef_retries=0)
    car = plant.plug(iso15118=False, pp_ohm=65535, duration_ms=1000)
    plant.run(car)
    assert car.ok and closings(plant) == 1, car.why
