"""Whole station and whole cars in simulated time: sessions that the car pauses and joins again,
over TLS 1.3, frames through SPI.

Where there is no module tls13 (CPython) the name and the certificate of the car are handed to the
session instead. The car takes its modem down 2 s after the pause, and wakes the station by B-C-B.
"""

HEAP_KB = 1500  # station, car and one arena of TLS; sources of tests and car make names of slots in it
BARE = "minutes of whole stations with TLS in an emulator; test_session_pause and test_session_join run there"
TIMEOUT_S = 300

import gc
import sys

TLS = sys.implementation.name == "micropython"
if TLS:  # before everything else: the arena is one piece of the heap, and imports leave their objects all over it
    import tls13

    from firmware.net.tls_stage import TlsStage
    from tests.lib.tls_pair import ARENA, NOW_S, station, vehicle

    tls13.init(ARENA)

from drivers.pilot import FIVE_PERCENT, X1
from firmware.app import plug_steps as sup
from firmware.clock import ticks_diff
from firmware.run import words
from firmware.run.operator import Refused
from firmware.stage.faults import CONVERTER
from host_tools.ev import car as ev
from host_tools.ev.states import LOOP, PARAMETERS, WELDING
from tests.lib.mtest import eq, raises
from tests.sim.bench import begin, in_session, prove, served

EVCCID = "WMIV1234567890ABCDEX"
NEVER = 10**8


def stage(config):
    return lambda trace: TlsStage(tls13.Conn(config), lambda: (NOW_S, True), trace, 10000)


def bench(services=("DC_BPT",), **changes):
    gc.collect()  # the plants of the tests before
    if TLS:
        return begin(list(services), tls_stage=stage(station()), allow_plain=False, setpoint_w=4000, **changes)
    plant, watch = begin(list(services), setpoint_w=4000, **changes)
    prove(plant, EVCCID)
    return plant, watch


def plug(plant, **ev_options):
    options = dict(evcc_id=EVCCID, loops=8, pause_loops=4, pause_ms=30000)
    options.update(ev_options)
    return plant.plug(tls=stage(vehicle()) if TLS else None, **options)


def until_paused(plant, car):
    plant.until(lambda p: p.charger.state == sup.PAUSED, 60000)
    eq((car.evcc.ok, car.evcc.why), (True, "paused"))


def asleep(plant, car):
    until_paused(plant, car)
    plant.until(lambda p: car.phase == ev.ASLEEP, 5000)


def state_spans(watch, state):
    return watch.spans(state, watch.states)


def closed_in_a_pause(watch):
    """Was the power contact closed at any time while the supervisor was in Paused?"""
    states = watch.states
    for i in range(len(states)):
        if states[i][1] not in (sup.PAUSED, sup.TOGGLING):
            continue
        end = states[i + 1][0] if i + 1 < len(states) else watch.duties[-1][0]
        before = [closed for at, closed in watch.contact if ticks_diff(at, states[i][0]) <= 0]
        within = [c for at, c in watch.contact if ticks_diff(at, states[i][0]) > 0 and ticks_diff(at, end) < 0]
        if before[-1] or True in within:
            return True
    return False


def one(service, control):
    """Paused for half a minute and joined again, without another matching and with the same key."""
    plant, watch = bench([service])
    car = plug(plant, service=service, control=control)
    asleep(plant, car)
    eq((plant.board.circuit.duty, plant.board.contact.closed, plant.board.stage.w), (X1, False, 0))
    key = bytes(plant.board.hpgp.nmk)
    keys = len(watch.keys)
    session_id = car.evcc.session_id
    loops = car.evcc.loops
    plant.until(in_session(LOOP), 60000)
    assert car.evcc.joined and car.evcc.session_id == session_id
    eq((plant.board.hpgp.nmk, len(watch.keys), car.slac.attempts), (key, keys, 1))
    served(plant, watch, car)
    eq((loops, car.evcc.loops), (4, 8))
    assert plant.trace.said("old session joined by vehicle " + EVCCID)
    assert plant.most_w > 3900, plant.most_w
    # R-LINK-25, R-LINK-23: 5 % to the end of the session, X1 in the pause, 5 % from the wake-up on.
    eq(watch.sequence(), [X1, FIVE_PERCENT, X1, FIVE_PERCENT, X1])
    eq(len(state_spans(watch, sup.PAUSED)), 1)
    assert 29000 < state_spans(watch, sup.PAUSED)[0] < 32000
    assert not closed_in_a_pause(watch)
    eq(plant.power.permitted, False)


def test_dc_bpt_dynamic_r_link_23_r_session_10():
    one("DC_BPT", "dynamic")


def test_dc_scheduled_r_link_23_r_session_10():
    one("DC", "scheduled")


def test_ac_dynamic_r_link_23_r_session_10():
    one("AC", "dynamic")


def test_ac_bpt_scheduled_r_link_23_r_session_10():
    one("AC_BPT", "scheduled")


def test_the_operator_wakes_the_car_r_link_23():
    plant, watch = bench()
    car = plug(plant, pause_ms=NEVER)
    raises(Refused, plant.loop.do_wake, [], plant.now)
    asleep(plant, car)
    plant.sleep(60000)
    eq(plant.charger.state, sup.PAUSED)
    words.ticks_ms = lambda: plant.now
    told = "\n".join(words.status(plant.loop))
    assert "Paused: the car sleeps" in told and "paused, 8633" in told and "s left" in told, told
    assert " paused_s=" in plant.loop._status()
    plant.loop.do_wake([], plant.now)
    eq(plant.charger.state, sup.LINKED)
    served(plant, watch, car)
    assert car.evcc.joined
    eq(car.slac.attempts, 1)


def test_paused_again_at_once_r_session_11():
    """The car looks in and sleeps on: a session of a few messages between two pauses, the same
    network behind both."""
    plant, watch = bench()
    car = plug(plant, pause_ms=NEVER)
    for _ in range(2):
        asleep(plant, car)
        plant.sleep(20000)
        keys, session_id = len(watch.keys), car.evcc.session_id
        plant.charger.wake(plant.now)
        plant.until(in_session(PARAMETERS), 20000)
        car.evcc.pausing = True
        car.evcc.request_stop()
    asleep(plant, car)
    eq((car.evcc.session_id, len(watch.keys), car.slac.attempts), (session_id, keys, 1))
    plant.charger.wake(plant.now)
    served(plant, watch, car)
    assert car.evcc.joined and not closed_in_a_pause(watch)


def test_discovery_wakes_the_station_r_link_23():
    """A car that has not slept and comes back without a toggle."""
    plant, watch = bench()
    car = plug(plant)
    until_paused(plant, car)
    car.net.discover(plant.now)
    served(plant, watch, car)
    assert car.evcc.joined
    assert [reason for _, _, _, reason in plant.trace.changes if reason == "woken by discovery"]


def test_a_connection_wakes_the_station_r_link_23():
    """To the port that the car knows from before, without discovery."""
    plant, watch = bench()
    car = plug(plant)
    until_paused(plant, car)
    car._go(ev.CONNECTING, plant.now, 5000)
    car.net.connect()
    served(plant, watch, car)
    assert car.evcc.joined
    assert [reason for _, _, _, reason in plant.trace.changes if reason == "woken by a connection"]


def test_the_modem_of_the_car_is_off_before_tcp_is_r_link_23_r_stop_03():
    """Some cars take the data link down 2 s after SessionStopRes and leave TCP to the station: no
    link is lost by that."""
    plant, watch = bench()
    car = plug(plant)
    plant.until(lambda p: p.trace.said("session paused;"), 60000)
    began = plant.now
    plant.cable.filter = lambda data, to_station: [] if to_station else [data]  # neither its FIN nor its modem is heard
    plant.sleep(4500)
    eq((plant.charger.state, plant.board.circuit.duty), (sup.PAUSING, FIVE_PERCENT))
    plant.until(lambda p: p.charger.state == sup.PAUSED, 2000)
    assert 4900 < ticks_diff(plant.now, began) < 5200
    eq((len(plant.trace.said("link lost")), car.evcc.paused), (0, True))
    plant.cable.filter = None
    served(plant, watch, car)
    assert car.evcc.joined
    eq(car.slac.attempts, 1)


def test_no_power_whatever_the_pilot_says_in_a_pause_r_stop_09():
    """C and D of a car that does not toggle: no contactor, and no wake-up either."""
    plant, watch = bench(["AC_BPT"])
    car = plug(plant, service="AC_BPT", pause_ms=NEVER)
    asleep(plant, car)
    for load in ("C", "D", "C"):
        plant.board.do_cp([load], plant.now)
        plant.sleep(20000)
        eq((plant.charger.state, plant.board.contact.closed), (sup.TOGGLING, False))
    plant.board.do_cp(["auto"], plant.now)  # B: the second half of a toggle
    plant.sleep(500)
    eq(plant.charger.state, sup.LINKED)
    served(plant, watch, car)
    assert not closed_in_a_pause(watch)
    assert car.evcc.joined


def test_one_way_from_c_to_b_is_no_toggle():
    """The car is still in C when the pause begins: going to B is the end of its session, not a
    wake-up."""
    plant, _ = bench()
    car = plug(plant, pause_ms=NEVER)
    plant.until(in_session(WELDING), 60000)
    plant.board.do_cp(["C"], plant.now)
    until_paused(plant, car)
    plant.sleep(1000)
    plant.board.do_cp(["auto"], plant.now)
    plant.sleep(1000)
    eq(plant.charger.state, sup.PAUSED)
    eq(plant.board.contact.closed, False)


def offers(plant, car, session_id):
    """A car that takes itself for one that has paused session_id."""
    car.evcc.ok = car.evcc.pausing = True
    car.evcc.session_id = session_id
    return car


def test_unplugged_in_a_pause_r_session_08_r_link_20():
    plant, watch = bench()
    car = plug(plant, pause_ms=NEVER)
    asleep(plant, car)
    key = bytes(plant.board.hpgp.nmk)
    session_id = car.evcc.session_id
    plant.after(100, lambda p: car.unplug(p.now))
    plant.run(car)
    eq(plant.charger.state, sup.UNPLUGGED)
    assert plant.trace.said("paused session given up: unplugged")
    assert plant.board.hpgp.nmk != key
    plant.remove(car)
    again = offers(plant, plug(plant, pause_loops=0), session_id)
    served(plant, watch, again)
    assert not again.evcc.joined and again.evcc.session_id != session_id


def test_expired_but_the_network_is_kept_r_session_10():
    plant, watch = bench(pause_max_s=10)
    car = plug(plant, pause_ms=20000)
    asleep(plant, car)
    keys, session_id = len(watch.keys), car.evcc.session_id
    plant.until(in_session(LOOP), 60000)
    assert not car.evcc.joined and car.evcc.session_id != session_id
    eq((len(watch.keys), car.slac.attempts), (keys, 1))
    served(plant, watch, car)


def test_a_car_that_does_not_come_back_within_t_conn_resume_r_link_23():
    """Woken by the operator, the line is dead: power and pilot as after any lost link, with a new
    key."""
    plant, watch = bench(["AC"])
    car = plug(plant, service="AC", pause_ms=NEVER, unplug_after_ms=NEVER)
    asleep(plant, car)
    plant.sleep(2000)
    plant.cable.cut = True
    key = bytes(plant.board.hpgp.nmk)
    plant.charger.wake(plant.now)
    woken = plant.now
    plant.until(lambda p: p.charger.state != sup.LINKED, 10000)
    assert 5900 < ticks_diff(plant.now, woken) < 6300
    assert plant.trace.said("paused session given up: data link lost")
    plant.sleep(3000)
    assert plant.board.hpgp.nmk != key
    plant.sleep(200000)
    eq((plant.charger.state, plant.board.contact.closed), (sup.WAITING, False))  # and not by the pilot alone
    assert not closed_in_a_pause(watch)


def test_awake_but_no_session_r_sdp_08():
    """In the network again, and it says nothing: 18 s, a new key, nothing more is tried."""
    plant, _ = bench(["AC"])
    car = plug(plant, service="AC", pause_ms=5000, unplug_after_ms=NEVER)
    asleep(plant, car)
    car.net.discover = lambda now: None
    keys = bytes(plant.board.hpgp.nmk)
    plant.until(lambda p: p.charger.state == sup.LINKED, 10000)
    woken = plant.now
    plant.until(lambda p: p.charger.state != sup.LINKED, 20000)
    assert 17900 < ticks_diff(plant.now, woken) < 18100
    assert plant.trace.said("paused session given up: no session")
    plant.sleep(200000)
    assert plant.board.hpgp.nmk != keys
    eq(plant.board.contact.closed, False)
    eq(plant.charger.state, sup.WAITING)


def test_the_own_modem_restarts_in_a_pause_r_link_24():
    """Nobody can say which key it has then: a new one, and the car matches anew."""
    plant, watch = bench()
    car = plug(plant, pause_ms=NEVER)
    asleep(plant, car)
    key, session_id = bytes(plant.board.hpgp.nmk), car.evcc.session_id
    plant.board.hpgp.reboot(plant.now)
    served(plant, watch, car)
    assert plant.trace.said("paused session given up: data link lost")
    assert not car.evcc.joined and car.evcc.session_id != session_id
    assert plant.board.hpgp.nmk != key


def test_a_fault_of_the_power_stage_in_a_pause_r_session_08():
    plant, _ = bench()
    car = plug(plant, pause_ms=NEVER)
    asleep(plant, car)
    plant.board.stage.fault_bits = CONVERTER
    plant.sleep(100)
    eq((plant.charger.state, plant.board.circuit.duty), (sup.FAULT, 0))
    eq(plant.safe.paused_ms(plant.now), 0)


def test_a_fault_of_our_own_in_a_pause_r_session_08():
    plant, _ = bench()
    car = plug(plant, pause_ms=NEVER)
    asleep(plant, car)
    assert plant.safe.paused_ms(plant.now) > 0
    poll = plant.charger.slac.poll
    plant.charger.slac.poll = None
    plant.sleep(100)
    plant.charger.slac.poll = poll
    plant.sleep(10000)
    eq((plant.safe.paused_ms(plant.now), plant.board.contact.closed), (0, False))
    assert plant.trace.said("paused session given up: the station begins anew")


def test_plain_tcp_cannot_pause_r_session_05():
    plant, watch = begin(["DC_BPT"], setpoint_w=4000)
    car = plant.run(plant.plug(loops=8, pause_loops=4))
    eq((car.ok, car.why), (False, "SessionStopRes: FAILED_PauseNotAllowed"))
    eq(plant.board.contact.closed, False)
    watch.check()
    eq(state_spans(watch, sup.PAUSED), [])
