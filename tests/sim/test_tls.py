"""Whole station and whole cars in simulated time, from plug-in to unplug, over TLS 1.3 and our own
TCP."""

RUNTIMES = ("unix", "unix32")
HEAP_KB = 1500  # as test_pause
BARE_HEAP_KB = 600  # the same, frozen
TIMEOUT_S = 300

import tls13

from tests.lib.tls_pair import ARENA, NOW_S, station, vehicle

tls13.init(ARENA)  # before everything else: it is one piece of the heap, and imports leave their objects all over it

from firmware.net.sdp import TLS_ALLOWED, TLS_REQUIRED
from firmware.net.tls_stage import TlsStage
from tests.lib.mtest import eq
from tests.sim.bench import begin, served

EVCCID = "WMIV1234567890ABCDEX"


def stage(config, plain=False):
    """Makes a stage from a trace, for a station or a car."""
    return lambda trace: TlsStage(tls13.Conn(config), lambda: (NOW_S, True), trace, 10000, plain)


def bench(plain=False, services=("DC_BPT",)):
    return begin(list(services), tls_stage=stage(station(), plain), allow_plain=plain, setpoint_w=4000)


def test_session_over_tls_from_plug_in_to_unplug():
    plant, watch = bench()
    eq(plant.charger.net.sdp.policy, TLS_REQUIRED)
    car = plant.plug(tls=stage(vehicle()), evcc_id=EVCCID, loops=12)
    served(plant, watch, car)
    eq(car.evcc.loops, 12)
    assert plant.most_w > 3900, plant.most_w
    assert plant.trace.said("tls 1.3, suite 0x1302, vehicle " + EVCCID)
    eq(plant.safe.secc.facts.vehicle_name, EVCCID)
    eq(plant.trace.said("the EVCCID is not"), [])


def test_another_evccid_than_the_certificate_says_is_noted():
    plant, watch = bench()
    served(plant, watch, plant.plug(tls=stage(vehicle()), loops=2))
    eq(len(plant.trace.said("the EVCCID is not the name in the vehicle certificate")), 1)


def test_refused_car_gets_no_power_and_the_next_one_is_served():
    """R-TLS-06, R-TLS-14."""
    plant, watch = bench()
    bad = plant.run(plant.plug(1, tls=stage(vehicle(who=None)), loops=2))
    eq((bad.ok, plant.most_w), (False, 0))
    assert plant.trace.said("tls refused: no vehicle certificate")
    plant.remove(bad)
    served(plant, watch, plant.plug(2, tls=stage(vehicle()), evcc_id=EVCCID, loops=2))


def test_plain_car_needs_the_lab_switch_r_sap_05():
    plant, watch = bench()
    car = plant.run(plant.plug(1, loops=2))
    eq((car.ok, car.why), (False, "the station wants TLS"))
    plant, watch = bench(plain=True)
    eq(plant.charger.net.sdp.policy, TLS_ALLOWED)
    served(plant, watch, plant.plug(1, loops=2))
    eq(plant.safe.secc.facts.vehicle_name, None)
    served(plant, watch, plant.plug(2, tls=stage(vehicle()), evcc_id=EVCCID, loops=2))
    eq(plant.safe.secc.facts.vehicle_name, EVCCID)


def test_link_lost_in_the_middle_of_a_handshake():
    plant, watch = bench()
    car = plant.plug(1, tls=stage(vehicle()), evcc_id=EVCCID, loops=2)
    plant.until(lambda p: p.trace.said("tcp accepted"), 20000)
    plant.cable.cut = True
    plant.run(car)
    eq((car.ok, plant.most_w), (False, 0))
    plant.remove(car)
    plant.cable.cut = False
    served(plant, watch, plant.plug(2, tls=stage(vehicle()), evcc_id=EVCCID, loops=2))
