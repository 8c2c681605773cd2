"""Faults of our own, exceptions where none should be: contactor open, pilot F, a new beginning
(R-ERRORS-09; docs/design.md, the run loop)."""

from firmware.clock import ticks_diff
from host_tools.ev.states import LOOP
from tests.lib.mtest import eq
from tests.sim.bench import begin, in_session, served

HEAP_KB = 1000  # as in test_plug_in.py
BARE_HEAP_KB = 600  # the same, frozen


class Bomb:
    """The next calls raise; then it is as it was."""

    def __init__(self, owner, name, calls=1):
        self.owner = owner
        self.name = name
        self.calls = calls
        self.call = getattr(owner, name)
        setattr(owner, name, self)

    def __call__(self, *args):
        self.calls -= 1
        if not self.calls:
            setattr(self.owner, self.name, self.call)
        raise ValueError("bomb in " + self.name)


def test_fault_of_our_own_begins_anew_r_sdp_03_r_errors_09():
    for part, name in (
        ("charger", "poll"), ("charger", "tx"), ("slac", "poll"), ("net", "rx"), ("net", "poll"), ("pilot", "poll"),
    ):  # fmt: skip
        plant, watch = begin(["DC_BPT"], setpoint_w=4000)
        charger = plant.charger
        car = plant.plug()
        plant.until(in_session(LOOP), 60000)
        plant.sleep(2000)
        assert plant.board.contact.closed
        fault = plant.now
        Bomb(charger if part == "charger" else getattr(charger, part), name)
        plant.until(lambda plant: plant.trace.errors, 1000)
        eq((plant.board.contact.coil, plant.board.circuit.duty), (0, 0))
        plant.until(lambda plant: not plant.board.contact.closed, 100)
        watch.clear()
        plant.until(lambda plant: plant.board.circuit.duty, 6000)
        assert ticks_diff(plant.now, fault) >= 5000, (part, name)
        eq((len(plant.trace.errors), plant.safe.faults), (1, 1))
        plant.run(car)
        plant.remove(car)
        plant.trace.clear()
        watch.check()
        served(plant, watch, plant.plug(2, loops=3))


def test_faults_of_our_own_while_nothing_is_plugged():
    plant, watch = begin(["DC_BPT"])
    for part, name in (("slac", "poll"), ("net", "tx"), ("slac", "start")):
        Bomb(getattr(plant.charger, part), name)
        plant.sleep(7000)
    plant.trace.clear()
    served(plant, watch, plant.plug(loops=3))


def test_start_that_fails_is_tried_again():
    plant, watch = begin(["DC_BPT"])
    charger = plant.charger
    Bomb(charger, "poll")
    plant.sleep(100)
    Bomb(charger.slac, "start")
    plant.sleep(12000)
    eq(len(plant.trace.errors), 2)
    plant.trace.clear()
    served(plant, watch, plant.plug(loops=3))


def test_modem_driver_that_raises_for_a_while():
    """As machine.SPI may; each pause tries again, and nothing floods the trace."""
    plant, watch = begin(["DC_BPT"], setpoint_w=4000)
    car = plant.plug()
    plant.until(in_session(LOOP), 60000)
    plant.sleep(2000)
    bomb = Bomb(plant.board.modem, "poll", 1000)
    plant.sleep(30000)
    assert 5 < 1000 - bomb.calls < 300, bomb.calls
    eq((plant.board.contact.closed, plant.board.circuit.duty), (False, 0))
    bomb.calls = 1
    plant.sleep(12000)
    assert car.done
    plant.remove(car)
    plant.trace.clear()
    served(plant, watch, plant.plug(2, loops=3))
