"""The modem restarts by itself while a car is matched, and the car does not come back (R-LINK-03,
R-LINK-24)."""

from firmware.app import plug_steps as sup
from firmware.slac import evse as slac
from host_tools.ev import car as ev
from host_tools.ev.slac import EvSlac
from tests.lib.mtest import eq
from tests.lib.plant import Plant

HEAP_KB = 600  # station and car in one process
BARE_HEAP_KB = 600  # the same, frozen


def silent(car):
    """The car forgets about ISO 15118 and waits for a nominal duty."""
    car.cfg = dict(car.cfg, iso15118=False)
    car.phase = ev.WAITING
    car.slac = EvSlac({}, car.slac.mac, None, car._trace)


def test_wait_for_the_car_begins_anew():
    """In every stage of the matching: within slac_init_ms, pulse and X1 of the restart the station
    charges by the pilot."""
    for stage in (slac.MATCHING, slac.JOINING):
        plant = Plant(services=["AC"], slac_init_ms=3000, ef_retries=0)
        car = plant.plug(service="AC", duration_ms=2000)
        plant.until(lambda plant, stage=stage: plant.charger.slac.state == stage, 10000)
        silent(car)
        plant.board.chip.reboot(plant.now)
        plant.until(lambda plant: plant.charger.state == sup.BASIC, 15000)
        plant.run(car)
        eq((car.ok, plant.board.contact.closings), (True, 1))
