"""firmware/app/inputs.py, socket_lock.py: protective inputs and the lock of a socket (R-DC-SAFETY-05,
R-STATUS-07)."""

from firmware.app import config
from firmware.app.inputs import NAMES, Inputs, parse
from firmware.app.socket_lock import SocketLock
from firmware.clock import ticks_add, ticks_diff
from firmware.stage import faults
from tests.lib.mtest import eq, raises

T0 = ticks_add(0, -300)


class Board:
    """Pins IN1 to IN4: what is on them from outside, None = nothing: then the pull decides."""

    def __init__(self):
        self.wires = {}

    def input(self, name, good):
        if name not in ("IN1", "IN2", "IN3", "IN4"):
            return None
        return lambda: self.wires[name] if name in self.wires else 1 - good


def run(inputs, begin, ms):
    """Poll by `due`; ms from the begin until something changed, None: nothing did."""
    end = ticks_add(begin, ms)
    while ticks_diff(inputs.due, end) <= 0:
        now = inputs.due
        if inputs.poll(now):
            return ticks_diff(now, begin)
    return None


def test_words_of_the_key():
    eq(parse("estop=GP2 door=GP3:high grid=stage"), [("estop", "GP2", 0), ("door", "GP3", 1), ("grid", "stage", 0)])
    for bad in (
        "nothing=GP2", "estop", "estop=", "estop=GP2:on", "estop=GP2 estop=GP3", "estop=GP2 door=GP2", "export=stage", "rcd=stage:low",
    ):  # fmt: skip
        raises(ValueError, parse, bad)
        raises(config.ConfigError, config.merge, {"inputs": bad})
    eq(parse("rcd=stage rdc_dd=stage")[1][1], "stage")
    eq(config.merge({"inputs": "estop=GP2"})["inputs"], "estop=GP2")
    raises(config.ConfigError, config.merge, {"socket_lock": "stage"})


def test_a_pin_that_there_is_not_is_said():
    raises(ValueError, Inputs, "estop=GP9", Board().input)
    raises(ValueError, Inputs, "estop=IN1", None)
    eq(Inputs("grid=stage", None).bits, 0)


def test_every_name_has_its_bit_its_debounce_and_an_open_wire_is_a_fault():
    for name in NAMES:
        bit, ms = NAMES[name]
        if not bit:
            continue
        for good in (0, 1):
            board = Board()
            board.wires["IN1"] = good
            inputs = Inputs("%s=IN1:%s" % (name, "high" if good else "low"), board.input)
            inputs.start(T0)
            eq((name, inputs.bits, run(inputs, T0, 5000)), (name, 0, None))
            del board.wires["IN1"]  # the wire is off
            begin = inputs.due
            took = run(inputs, begin, ms + 100)
            assert took is not None and ms <= took <= ms + 40, (name, took)
            eq((name, inputs.bits), (name, bit))
            board.wires["IN1"] = good
            begin = inputs.due
            took = run(inputs, begin, ms + 100)
            assert took is not None and ms <= took <= ms + 40 and inputs.bits == 0, (name, took)


def test_what_opens_is_seen_in_40_ms_r_status_07():
    """Of 100; the rest is the contactor's."""
    for name in ("estop", "rcd", "rdc_dd", "overvoltage"):
        assert NAMES[name][1] <= 20, name
    for name in NAMES:
        bit, ms = NAMES[name]
        if bit & faults.OPENS:
            assert ms <= 100 or name == "tilt", name


def test_a_bounce_is_no_fault_and_a_wrong_input_at_start_is_one_at_once():
    board = Board()
    board.wires["IN1"] = board.wires["IN2"] = 0
    inputs = Inputs("door=IN1 estop=IN2", board.input)
    inputs.start(T0)
    now = T0
    for i in range(60):
        board.wires["IN1"] = i & 3 == 0
        now = ticks_add(now, 20)
        inputs.poll(now)
        eq(inputs.bits, 0)
    board.wires["IN2"] = 1
    inputs.start(now)
    eq(inputs.bits, faults.ESTOP)


def test_two_names_of_one_bit_are_both_asked():
    board = Board()
    board.wires["IN1"] = board.wires["IN2"] = 1
    inputs = Inputs("door=IN1 tilt=IN2", board.input)
    inputs.start(T0)
    eq(inputs.bits, faults.DOOR)
    board.wires["IN1"] = 0
    run(inputs, T0, 1000)
    eq(inputs.bits, faults.DOOR)
    board.wires["IN2"] = 0
    run(inputs, inputs.due, 1000)
    eq(inputs.bits, 0)


def test_permission_of_the_grid_is_a_level_and_no_fault():
    board = Board()
    inputs = Inputs("export=IN1:high", board.input)
    eq(inputs.export, False)
    inputs.start(T0)
    eq((inputs.export, inputs.bits), (False, 0))
    board.wires["IN1"] = 1
    assert run(inputs, T0, 500) is not None
    eq((inputs.export, inputs.bits), (True, 0))
    eq(Inputs("estop=stage", None).export, None)


# -- the lock


class Stage:
    def __init__(self):
        self.locked = False
        self.stuck = False
        self.told = []

    def lock(self, yes, now):
        self.told.append(yes)
        if not self.stuck:
            self.locked = yes


def test_the_plug_is_held_before_power_and_let_go_behind_it():
    stage, lock = Stage(), SocketLock()
    lock.start(T0)
    lock.poll(stage, True, True, T0)
    assert lock.ready and stage.told == [True]
    lock.poll(stage, False, False, ticks_add(T0, 20))  # the session is over, current flows
    assert lock.ready and stage.told == [True]
    lock.poll(stage, False, True, ticks_add(T0, 40))
    assert not lock.ready and stage.told == [True, False] and lock.bits == 0


def test_a_lock_that_does_not_close_or_lets_go_is_a_fault():
    stage, lock = Stage(), SocketLock()
    lock.start(T0)
    stage.stuck = True
    for ms in range(0, 2000, 20):
        lock.poll(stage, True, True, ticks_add(T0, ms))
        eq((lock.ready, lock.bits), (False, 0))
    lock.poll(stage, True, True, ticks_add(T0, 2000))
    eq(lock.bits, faults.LOCK)
    lock.poll(stage, False, True, ticks_add(T0, 2020))
    eq(lock.bits, 0)
    stage.stuck = False
    lock.poll(stage, True, True, ticks_add(T0, 2040))
    assert lock.ready
    stage.locked = False
    for ms in (2060, 2080, 2100):
        lock.poll(stage, True, False, ticks_add(T0, ms))
        eq((lock.ready, lock.bits), (False, 0))  # not ready: power is off in that call
    lock.poll(stage, True, False, ticks_add(T0, 2120))
    eq(lock.bits, faults.LOCK)
