"""Two stations whose powerlines couple: each car finds its own (R-LINK-07), though both ask at the
same moment."""

from firmware.clock import ticks_add, ticks_diff
from host_tools.ev import car as ev
from tests.lib.mtest import eq
from tests.sim.bench import begin
from twin.modem import GROUPS

HEAP_KB = 1000  # as in test_plug_in.py
BARE_HEAP_KB = 600  # the same, frozen

NEAR_DB, FAR_DB = 12, 34


def measure(plant):
    """The modem of this place hears its own cars well, and those of the other place worse."""
    modem = plant.board.hpgp
    profile_of = modem._profile_of

    def profile(pev_mac):
        near = [car for car in plant.cable.cars if car.slac.mac == bytes(pev_mac)]
        modem.profile = bytes([NEAR_DB if near else FAR_DB] * GROUPS)
        return profile_of(pev_mac)

    modem._profile_of = profile


def places():
    a, watch_a = begin(["DC_BPT"], seed=1, place=0, setpoint_w=4000)
    b, watch_b = begin(["DC_BPT"], seed=2, place=5, setpoint_w=4000)
    a.cable.far.append(b.cable)
    b.cable.far.append(a.cable)
    for plant in (a, b):
        measure(plant)
    return (a, b), (watch_a, watch_b)


def until(plants, done, limit_ms):
    """Time goes on where it is earliest; what comes over from the other place brings it forward."""
    end = ticks_add(plants[0].now, limit_ms)
    while not done():
        first = plants[0]
        for plant in plants:
            due = plant.cable.due
            if due is not None and ticks_diff(due, plant.now) < 0:
                plant.now = due
            if ticks_diff(plant.now, first.now) < 0:
                first = plant
        assert ticks_diff(first.now, end) < 0, [plant.trace.changes[-3:] for plant in plants]
        first.step()


def test_each_car_finds_its_own_station_r_link_07():
    plants, watches = places()
    cars = [plants[i].plug(3 * i + 1, loops=10) for i in range(2)]
    until(plants, lambda: all([car.phase == ev.SESSION for car in cars]), 60000)
    for plant, car in zip(plants, cars):
        eq(len(car.slac.stations), 2)  # it heard both,
        eq(car.slac.evse_mac, bytes(plant.charger.slac.mac))  # and chose its own
        eq(bytes(plant.charger.slac.ev_mac), car.slac.mac)
        assert plant.trace.said("another MAC")
    assert cars[0].slac.nmk != cars[1].slac.nmk
    until(plants, lambda: all([car.done for car in cars]), 60000)
    eq([car.ok for car in cars], [True, True])
    for watch in watches:
        watch.check()


def test_a_second_car_next_door_does_not_disturb_a_session_r_link_07():
    plants, watches = places()
    first = plants[0].plug(1, loops=40)
    until(plants, lambda: first.phase == ev.SESSION and first.evcc.loops > 2, 60000)
    second = plants[1].plug(4, loops=5)
    until(plants, lambda: first.done and second.done, 60000)
    eq([first.ok, second.ok], [True, True])
    for watch in watches:
        watch.check()
