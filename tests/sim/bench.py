"""What the tests of the whole station have in common."""

from drivers.pilot import X1
from firmware.app import plug_steps as sup
from host_tools.ev import car as ev
from tests.lib.mtest import eq
from tests.lib.plant import Plant
from tests.sim.watch import Watch


def begin(services, **changes):
    plant = Plant(services=services, **changes)
    return plant, Watch(plant)


def prove(plant, name):
    """Cars of this plant are taken for one that has shown a certificate with this name, without the
    work of TLS."""
    link = plant.charger.link
    serve = link._serve
    link._serve = lambda conn, now: serve(conn, now, name, bytes(32))


def in_session(state):
    """For until(): the only car is in this state of its session."""
    return lambda plant: plant.cable.cars[0].phase == ev.SESSION and plant.cable.cars[0].evcc.state == state


def served(plant, watch, car, unplug=True):
    """A session from plug to unplug went well, and everything is as before it."""
    plant.run(car)
    assert car.ok, (car.why, plant.trace.changes, plant.trace.notes[-8:])
    eq(plant.trace.errors, [])
    watch.check()
    eq(plant.charger.state, sup.UNPLUGGED)
    eq((plant.board.circuit.duty, plant.board.contact.closed, plant.board.stage.w), (X1, False, 0))
    plant.remove(car)
