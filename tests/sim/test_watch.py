"""The pushed state of a station: whole, at its pace and with every change, and never in the way."""

from firmware.app import plug_steps as plug
from firmware.clock import ticks_add, ticks_diff
from firmware.run.watch import FIELDS
from host_tools.ev.states import LOOP
from tests.lib.fake_secc import Output
from tests.lib.mtest import eq
from tests.sim.bench import begin, in_session

HEAP_KB = 1000  # as in test_plug_in.py
BARE_HEAP_KB = 600  # the same, frozen


def fields(line):
    assert line.startswith("W ") and line.endswith("\n") and line.count("\n") == 1, line
    words = line.split()
    out = dict([word.split("=") for word in words[2:]])
    eq([word.split("=")[0] for word in words[2:]], [field[0] for field in FIELDS])
    return out


def watched(**changes):
    """A plant whose loop pushes its state."""
    plant, _ = begin(["DC_BPT"], **changes)
    out = plant.loop._stdout = Output()

    def push(plant):
        if plant.loop._watch is not None:
            plant.loop._watch.poll(plant.now)

    plant.watch.append(push)
    plant.sleep(3000)
    return plant, out


def say(plant, line):
    return plant.loop.operator.attempt(line, plant.now)


def test_at_its_pace_until_the_lease_of_the_reader_ends():
    plant, out = watched()
    for bad in ("watch", "watch 0", "watch 5", "watch x", "watch 2 for 0", "watch 2 2"):
        assert say(plant, bad), bad
    plant.sleep(2000)
    eq(out.lines, [])
    eq(say(plant, "watch 4 for 10"), None)
    due = plant.loop._watch.due
    while due is not None and ticks_diff(due, plant.now) < 20000:  # nothing else is due in an idle plant
        plant.sleep(max(1, ticks_diff(due, plant.now)))
        due = plant.loop._watch.due
    assert 38 <= len(out.lines) <= 42, len(out.lines)
    eq([int(fields(line)["seq"]) for line in out.lines], list(range(1, len(out.lines) + 1)))
    first = fields(out.lines[0])
    eq((first["pilot"], first["session"], first["soc"], first["evccid"]), ("A", "Idle", "-1", "-"))
    n = len(out.lines)
    say(plant, "watch 1 for 100")
    plant.sleep(1500)
    say(plant, "watch off")
    plant.sleep(3000)
    assert n < len(out.lines) <= n + 3


def test_a_session_as_a_host_sees_it():
    plant, out = watched(export="host", authorization="operator", setpoint_w=0)
    say(plant, "watch 1 for 1000")
    plant.sleep(1000)
    out.lines = []
    plant.plug(loops=5000, unplug_after_ms=10000000, soc=55)
    plugged = plant.now
    plant.until(lambda plant: plant.charger.state != plug.UNPLUGGED, 2000)
    plant.sleep(100)
    assert fields(out.lines[-1])["pilot"] == "B", out.lines[-1]
    assert ticks_diff(plant.now, plugged) < 1000  # told with the change
    plant.until(lambda plant: plant.safe.established, 60000)
    plant.sleep(1200)
    now = fields(out.lines[-1])
    eq((now["decision"], now["session"], now["evccid"]), ("0", "Authorization", "MV2SIM0000000001"))
    say(plant, "authorize")
    plant.until(in_session(LOOP), 60000)
    plant.sleep(2500)
    now = fields(out.lines[-1])
    eq(
        (now["service"], now["session"], now["decision"], now["contactor"], now["discharge_w"]),
        ("6", "DC_ChargeLoop", "1", "1", "0"),
    )
    assert int(now["charge_w"]) > 10000 and 50 <= int(now["soc"]) <= 60, now
    say(plant, "setpoint 8000 for 100")
    plant.sleep(3000)
    now = fields(out.lines[-1])
    assert 7900 <= int(now["w"]) <= 8000 and int(now["in_wh"]) >= 2, now
    eq((now["setpoint_w"], now["source"]), ("8000", "operator"))
    assert 95 <= int(now["seconds"]) <= 98
    say(plant, "grid yes for 50")
    say(plant, "setpoint -6000 for 40")
    plant.sleep(4000)
    now = fields(out.lines[-1])
    assert -6000 <= int(now["w"]) <= -5900 and int(now["discharge_w"]) >= 6000 and int(now["ma"]) < 0, now
    n = len(out.lines)
    say(plant, "grid no")
    plant.sleep(100)
    now = fields(out.lines[-1])
    eq((now["export"], now["setpoint_w"]), ("0", "0"))
    eq(len(out.lines), n + 1)


def test_a_slow_reader_loses_lines_and_gets_the_newest():
    plant, out = watched()
    say(plant, "watch 4 for 100")
    plant.sleep(1000)
    taken = len(out.lines)
    out.slow = True
    plant.sleep(5000)
    eq(len(out.lines), taken)
    out.slow = False
    plant.sleep(1100)
    seq = [int(fields(line)["seq"]) for line in out.lines]
    assert seq[taken] - seq[taken - 1] > 4, seq
    assert len(plant.trace.errors) == 0 and ticks_diff(plant.now, ticks_add(plant.now, -1)) == 1


def test_what_a_car_calls_itself_cannot_break_a_line():
    plant, out = watched()
    plant.plug(loops=5000, unplug_after_ms=10000000, evcc_id="A B=C\nW 1 x")
    plant.until(lambda plant: plant.safe.established, 60000)
    say(plant, "watch 4")
    plant.sleep(1000)
    eq(fields(out.lines[-1])["evccid"], "A_B_C_W_1_x")
