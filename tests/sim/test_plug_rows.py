"""Every row of the supervisor's table (firmware/app/plug_steps.py) is reached by a whole station
and a whole car in simulated time, pair by pair, or stands in NOT_REACHED with the reason; and no
pair without a row happens (R-LINK-24).

A wrong row is caught by what the scenarios end with: the duties of the pilot, the states, the
contactor.
"""

from drivers.pilot import FIVE_PERCENT, X1
from firmware.app import plug_steps as plug
from firmware.stage.faults import CONVERTER
from host_tools.ev import car as ev
from host_tools.ev.states import LOOP
from tests.lib.mtest import eq
from tests.lib.slac_car import Car as SlacCar
from tests.sim.bench import begin, in_session, prove

HEAP_KB = 1500  # plants, one after the other, and the pairs that were seen
RUNTIMES = ("cpython", "unix")
TIMEOUT_S = 300
NEVER = 10**8

# (state, event): why no scenario gets there. Rows for every state are reached if one of their
# events is, in any state.
NOT_REACHED = {
    (plug.PAUSING, plug.LINK_UP): "a session has no time to be over in the 0.5 s that a link takes to count",
    (plug.PAUSED, plug.LINK_UP): "the same",
    (plug.TOGGLING, plug.LINK_UP): "the same",
    (plug.CALLING, plug.LINK_UP): "two runs of one car, the first without joining, and a key in between",
    (plug.CALLING, plug.LINK_LOST): "the same, and then the modem restarts",
    (plug.WAITING, plug.FAILED): "the modem gives up a key while a run is open",
    (plug.FAULT, plug.PILOT_A): "the station puts out F itself: it is blind for the line",
    (plug.FAULT, plug.PILOT_E): "the same",
    (plug.FAULT, plug.PILOT_F): "the same",
    (plug.FAULT, plug.NO_DIODE): "the same",
    (plug.REPLUG, plug.NO_DIODE): "the diode is only looked at with PWM on",
    (plug.REPLUG, plug.PILOT_F): "no part of the model puts -12 V on a line that the station holds at +12 V",
    (plug.ANY, plug.PILOT_F): "the same",
    (plug.FAULT, plug.LINK_UP): "fault and link within the same 0.5 s",
    (plug.REPLUG, plug.LINK_UP): "the same",
}


class Seen:
    """Stands in place of plug_steps.row_of and keeps which rows were taken, and pairs that have
    none."""

    def __init__(self):
        self.pairs = set()
        self.rows = set()
        self.without = []
        self._row_of = plug.row_of

    def __enter__(self):
        plug.row_of = self
        return self

    def __exit__(self, *error):
        plug.row_of = self._row_of

    def __call__(self, state, event, facts):
        row = self._row_of(state, event, facts)
        if row is not None:
            self.pairs.add((plug.ANY if row[0] == plug.ANY else state, event))
            self.rows.add(plug.ROWS.index(row))
        elif event != plug.NOW:
            self.without.append((plug.STATE_NAMES[state], plug.EVENT_NAMES[event]))
        return row


def at(state):
    return lambda plant: plant.charger.state == state


def until(plant, state, limit_ms=60000):
    plant.until(at(state), limit_ms)


def out(plant, car=None):
    """The plug is pulled, and the station is as at the beginning."""
    plant.board.do_cp(["auto"], plant.now)
    for one in plant.cable.cars:
        one.unplug(plant.now)
    plant.sleep(6000)
    eq((plant.charger.state, plant.board.circuit.duty, plant.board.contact.closed), (plug.UNPLUGGED, X1, False))
    eq(plant.trace.errors, [])


def ways(plant):
    """Names of the states that were passed, in their order."""
    return [plug.STATE_NAMES[new] for _, _, new, _ in plant.trace.changes]


# -- scenarios


def good_session():
    plant, _ = begin(["DC_BPT"], setpoint_w=4000)
    plant.sleep(3000)
    assert not plant.charger.wake(plant.now)
    car = plant.run(plant.plug(loops=3))
    assert car.ok, car.why
    eq(ways(plant), ["Keying", "Calling", "Matching", "Linked", "Unplugged"])
    out(plant)


def plugged_before_the_modem_has_its_key():
    for letter in ("C", "D"):
        plant, _ = begin(["DC_BPT"])
        plant.board.do_cp([letter], plant.now)
        plant.plug(unplug_after_ms=NEVER)
        plant.sleep(60)
        eq((plant.charger.state, plant.board.circuit.duty), (plug.KEYING, X1))
        until(plant, plug.CALLING)
        until(plant, plug.LINKED)
        out(plant)


def modem_without_key():
    """Basic charging without 5 %, first by time, then because the modem is known to take no key,
    and in DC nothing."""
    plant, watch = begin(["AC"])
    plant.board.hpgp.mute = 1000
    plant.plug(service="AC", iso15118=False, duration_ms=1000)
    until(plant, plug.BASIC)
    eq(ways(plant), ["Keying", "Basic"])
    plant.sleep(15000)
    out(plant)
    plant.cable.cars.clear()
    plant.plug(2, service="AC", iso15118=False, duration_ms=1000)
    until(plant, plug.BASIC, 100)
    out(plant)
    assert FIVE_PERCENT not in watch.sequence()
    plant, _ = begin(["DC"])
    plant.board.hpgp.mute = 1000
    plant.sleep(5000)
    plant.plug(unplug_after_ms=NEVER)
    until(plant, plug.WAITING)
    eq(ways(plant), ["Keying", "Waiting"])
    plant.board.hpgp.mute = 0
    until(plant, plug.LINKED, 60000)
    eq(ways(plant), ["Keying", "Waiting", "Calling", "Matching", "Linked"])
    out(plant)


def silent_car():
    """Two pulses, then nominal duty through F (R-LINK-03, R-LINK-04)."""
    plant, watch = begin(["AC"], slac_init_ms=2000, setpoint_w=5000)
    plant.plug(service="AC", iso15118=False, duration_ms=3000)
    until(plant, plug.BASIC)
    eq(watch.sequence()[:10], [X1, FIVE_PERCENT, 0, X1, FIVE_PERCENT, 0, X1, FIVE_PERCENT, 0, X1])
    eq(ways(plant)[-3:], ["LeaveF", "LeaveX1", "Basic"])
    plant.sleep(2000)
    plant.board.do_cp(["E"], plant.now)
    until(plant, plug.REPLUG, 1000)
    out(plant)


def modem_restarts(what):
    """While the car is expected, asks, has the key, or has the link."""
    plant, watch = begin(["AC"], setpoint_w=5000, slac_init_ms=25000, ef_retries=0)
    plant.sleep(3000)
    silent = what == plug.CALLING
    car = plant.plug(
        service="AC", iso15118=not silent, unplug_after_ms=NEVER, slac_fault="no_rsp" if what == plug.FAILED else ""
    )
    if what == plug.LINKED:
        until(plant, plug.LINKED)
    elif silent:
        until(plant, plug.CALLING)
        plant.sleep(1000)
    else:
        wanted = 5 if what == plug.LINK_LOST else 3
        plant.until(lambda plant: plant.charger.slac.state == wanted, 10000)
    if what != plug.FAILED:
        plant.board.chip.reboot(plant.now)
    if what == plug.MODEM_FAULT:
        plant.board.hpgp.mute = 1000
    if silent or what == plug.MODEM_FAULT:
        car.cfg = dict(car.cfg, iso15118=False)
        plant.after(5000, lambda plant: setattr(plant.board.hpgp, "mute", 1000))
        plant.after(5000, lambda plant: plant.board.chip.reboot(plant.now))
    begun = len(ways(plant))
    plant.until(lambda plant: len(ways(plant)) > begun, 60000)
    plant.sleep(28000)
    found = ways(plant)
    out(plant)
    return found, watch.sequence()


def restarts():
    found, duties = modem_restarts(plug.CALLING)
    assert "Calling" in found[2:], found
    assert "Matching" not in found and "Linked" not in found, found
    found, duties = modem_restarts(plug.MODEM_FAULT)
    assert "Step" in found and "Linked" not in found, found
    found, duties = modem_restarts(plug.MATCHING)
    eq(found[2:4], ["Matching", "Calling"])
    found, duties = modem_restarts(plug.LINK_LOST)
    eq(found[2:4], ["Matching", "Keying"])
    found, duties = modem_restarts(plug.LINKED)
    eq(found[2:5], ["Matching", "Linked", "Keying"])
    found, duties = modem_restarts(plug.FAILED)
    eq(found[2:4], ["Matching", "Step"])
    eq(duties[:3], [X1, FIVE_PERCENT, X1])


def key_but_no_network():
    """The car has the key and does not come: another key, and after the time for repetitions the
    matching has failed."""
    plant, _ = begin(["DC"])
    plant.sleep(3000)
    car = plant.plug(unplug_after_ms=NEVER)
    plant.until(lambda plant: plant.charger.slac.state == 5, 10000)
    car.cfg = dict(car.cfg, iso15118=False)
    plant.cable.cut = True
    until(plant, plug.CALLING, 30000)
    until(plant, plug.WAITING, 30000)
    eq(ways(plant), ["Keying", "Calling", "Matching", "Calling", "Waiting"])
    plant.cable.cut = False
    plant.cable.inject(bytes(8) + SlacCar().parm(), plant.now)
    until(plant, plug.MATCHING, 2000)
    out(plant)


def no_session():
    plant, _ = begin(["DC"])
    plant.cable.filter = lambda data, to_station: [data] if len(data) < 22 or data[20] == 0x88 else []
    plant.plug(service="DC", unplug_after_ms=NEVER)
    until(plant, plug.WAITING)
    until(plant, plug.CALLING, 5000)  # a new key, and the car may match again
    eq(ways(plant)[-3:], ["Linked", "Waiting", "Calling"])
    out(plant)


def lost_link_leaves_through_x1():
    """R-LINK-28: matching had begun on this plug-in, so nominal duty comes through X1, also when
    the link is lost since."""
    plant, watch = begin(["AC"], slac_init_ms=2000, ef_retries=1)
    car = plant.plug(service="AC", unplug_after_ms=NEVER)
    until(plant, plug.LINKED)
    car.cfg = dict(car.cfg, iso15118=False)
    plant.cable.cut = True
    until(plant, plug.KEYING)
    until(plant, plug.BASIC)
    eq(ways(plant)[-3:], ["Calling", "Step", "Basic"])
    eq(watch.sequence()[-3:-1], [FIVE_PERCENT, X1])
    out(plant)


def paused(**options):
    plant, watch = begin(["DC_BPT"], setpoint_w=4000)
    prove(plant, "WMIV1234567890ABCDEX")
    options = dict({"pause_ms": NEVER}, **options)
    car = plant.plug(evcc_id="WMIV1234567890ABCDEX", loops=8, pause_loops=4, unplug_after_ms=NEVER, **options)
    until(plant, plug.PAUSING)
    return plant, watch, car


def back_before_it_slept():
    plant, _, car = paused()
    plant.cable.filter = lambda data, to_station: [] if to_station else [data]  # the station does not hear its FIN
    plant.sleep(1000)
    eq((plant.charger.state, plant.board.circuit.duty), (plug.PAUSING, FIVE_PERCENT))
    plant.cable.filter = None
    car._go(ev.CONNECTING, plant.now, 5000)
    car.net.connect()
    until(plant, plug.LINKED, 1000)
    eq(plant.trace.changes[-1][3], "back before it slept")
    out(plant)


def modem_off_while_pausing():
    plant, _, _ = paused()
    plant.cable.filter = lambda data, to_station: [] if to_station else [data]
    plant.board.chip.reboot(plant.now)
    until(plant, plug.KEYING, 5000)
    eq(ways(plant)[-2:], ["Pausing", "Keying"])
    plant.cable.filter = None
    out(plant)


def reboot(plant, car):
    plant.board.chip.reboot(plant.now)


def wake(plant, car):
    assert plant.charger.wake(plant.now)


def discover(plant, car):
    car.net.discover(plant.now)


def connect(plant, car):
    car._go(ev.CONNECTING, plant.now, 5000)
    car.net.connect()


def wake_ups():
    for toggling in (False, True):
        for how, state, why in (
            (wake, plug.LINKED, "woken by the operator"),
            (discover, plug.LINKED, "woken by discovery"),
            (connect, plug.LINKED, "woken by a connection"),
            (reboot, plug.KEYING, "data link lost"),
        ):
            plant, _, car = paused()
            until(plant, plug.PAUSED, 6000)
            eq(plant.board.circuit.duty, X1)
            if toggling:
                plant.board.do_cp(["C"], plant.now)
                plant.sleep(100)
                eq((plant.charger.state, plant.board.circuit.duty), (plug.TOGGLING, X1))
            how(plant, car)
            plant.until(lambda plant, state=state: plant.charger.state == state, 3000)
            assert why in [change[3] for change in plant.trace.changes], plant.trace.changes
            out(plant)


def toggles():
    plant, _, _ = paused()
    until(plant, plug.PAUSED, 6000)
    for letter, state in (
        ("D", plug.TOGGLING),
        ("C", plug.TOGGLING),
        ("D", plug.TOGGLING),
        ("?", plug.PAUSED),
        ("C", plug.TOGGLING),
        ("B", plug.LINKED),
    ):
        if letter == "?":  # a bad contact
            for one in "BABABA":
                plant.board.do_cp([one], plant.now)
                plant.sleep(20)
        else:
            plant.board.do_cp([letter], plant.now)
            plant.sleep(200)
        eq((letter, plug.STATE_NAMES[plant.charger.state]), (letter, plug.STATE_NAMES[state]))
        assert not plant.board.contact.closed
    eq(plant.trace.changes[-1][3], "woken by the pilot")
    plant.sleep(1000)
    out(plant)


def faults():
    # In a session, of the power stage: F, until the operator has cleared it and the plug is out.
    plant, _ = begin(["DC_BPT"], setpoint_w=4000)
    car = plant.plug(unplug_after_ms=NEVER)
    plant.until(in_session(LOOP), 60000)
    plant.sleep(2000)
    plant.board.stage.fault_bits = CONVERTER
    until(plant, plug.FAULT, 100)
    eq(plant.board.circuit.duty, 0)
    plant.charger.clear(plant.now)
    eq(plant.charger.state, plug.FAULT)
    reboot(plant, car)
    plant.sleep(3000)
    plant.board.stage.fault_bits = 0
    plant.charger.clear(plant.now)
    eq((plant.charger.state, plant.charger.fault), (plug.REPLUG, "power stage fault 11"))
    plant.sleep(1000)
    eq((plant.charger.state, plant.board.circuit.duty), (plug.REPLUG, X1))
    # Another one before the plug is out is F again, and does not end by itself.
    plant.board.stage.fault_bits = CONVERTER
    until(plant, plug.FAULT, 100)
    plant.board.stage.fault_bits = 0
    plant.sleep(1000)
    eq((plant.charger.state, plant.board.circuit.duty), (plug.FAULT, 0))
    plant.charger.clear(plant.now)
    eq((plant.charger.state, plant.board.circuit.duty), (plug.REPLUG, X1))
    out(plant)
    eq(plant.charger.fault, "")
    # Without a car, and gone again.
    plant.board.stage.fault_bits = CONVERTER
    until(plant, plug.FAULT, 100)
    plant.board.stage.fault_bits = 0
    plant.charger.clear(plant.now)
    out(plant)
    # One that is not latched goes with its cause.
    plant, _ = begin(["DC_BPT"], inputs="grid=IN1")
    plant.plug(unplug_after_ms=NEVER)
    plant.until(in_session(LOOP), 60000)
    plant.board.do_input(["IN1", "wrong"], plant.now)
    until(plant, plug.FAULT, 200)
    plant.sleep(5000)
    eq(plant.charger.state, plug.FAULT)
    plant.board.do_input(["IN1", "good"], plant.now)
    until(plant, plug.REPLUG, 3000)
    out(plant)
    # While a car matches: what the matching comes to means nothing then.
    for what, state in (("converter", plug.FAULT), ("pilot", plug.REPLUG)):
        plant, _ = begin(["DC_BPT"])
        plant.plug(unplug_after_ms=NEVER, slac_fault="no_rsp", basic=False)
        until(plant, plug.MATCHING)
        if what == "pilot":
            plant.board.do_cp(["E"], plant.now)
        else:
            plant.board.stage.fault_bits = CONVERTER
        plant.sleep(20000)
        eq(plant.charger.state, state)
        plant.cable.inject(bytes(8) + SlacCar().parm(), plant.now)
        plant.sleep(3000)
        plant.board.stage.fault_bits = 0
        plant.charger.clear(plant.now)
        plant.board.do_cp(["B"], plant.now)
        plant.sleep(200)
        plant.board.do_cp(["E"], plant.now)
        plant.sleep(200)
        eq(plant.charger.state, plug.REPLUG)
        out(plant)
    # In a session, of the pilot.
    for what in ("E", "diode"):
        plant, _ = begin(["AC_BPT"], setpoint_w=4000)
        car = plant.plug(service="AC_BPT", unplug_after_ms=NEVER)
        plant.until(in_session(LOOP), 60000)
        plant.sleep(2000)
        plant.board.do_cp([what], plant.now)
        until(plant, plug.REPLUG, 200)
        plant.sleep(60)  # what the contact takes to open
        eq((plant.board.circuit.duty, plant.board.contactor.closed), (X1, False))
        reboot(plant, car)
        plant.sleep(3000)
        eq(plant.charger.state, plug.REPLUG)
        out(plant)


SCENARIOS = (
    good_session, plugged_before_the_modem_has_its_key, modem_without_key, silent_car, restarts, key_but_no_network, no_session,
    lost_link_leaves_through_x1, back_before_it_slept, modem_off_while_pausing, wake_ups, toggles, faults,
)  # fmt: skip


def test_every_row_is_reached():
    with Seen() as seen:
        for scenario in SCENARIOS:
            scenario()
    eq(seen.without, [])
    missing = []
    for number in range(len(plug.ROWS)):
        states, events = [field if isinstance(field, tuple) else (field,) for field in plug.ROWS[number][:2]]
        for state in states:
            for event in events:
                if state == plug.ANY and number in seen.rows:
                    continue
                reached = (state, event) in seen.pairs
                if reached == ((state, event) in NOT_REACHED):
                    name = "every other" if state == plug.ANY else plug.STATE_NAMES[state]
                    missing.append((name, plug.EVENT_NAMES[event], "reached" if reached else "not reached"))
        if number not in seen.rows and not any([(s, e) in NOT_REACHED for s in states for e in events]):
            missing.append(plug.ROWS[number])
    eq(missing, [])


def test_a_lost_link_is_left_through_x1_r_link_04_28():
    lost_link_leaves_through_x1()
