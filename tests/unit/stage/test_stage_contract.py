"""Every power stage keeps the contract; liars do not."""

from firmware.clock import ticks_add
from firmware.stage.serial import SerialStage
from tests.lib import stage_contract
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from tests.lib.stage_contract import Rig, failures
from twin.dc_line import DcLine
from twin.power_board import PowerBoard

T0 = ticks_add(0, -300)


class SerialRig(Rig):
    def __init__(self, settled=True, **board):
        line = DcLine()
        line.contact = False
        self.board = PowerBoard(line, own_contact=False, **board)
        Rig.__init__(self, SerialStage({}, self.board, Notes()), line, T0)
        self.board.poll(T0)
        self.stage.start(T0)
        if settled:
            self.run(300)

    def models(self):
        self.board.poll(self.now)

    def contact(self, closed):
        self.line.contact = closed

    def silence(self):
        self.board.fault = "silent"

    def bad_insulation(self):
        self.board.fault = "imd"

    def broken(self):
        self.board.fault = "converter"

    def repair(self):
        self.board.fault = "none"


def test_the_serial_stage():
    eq(failures(SerialRig), [])


def test_the_serial_stage_one_way():
    eq(failures(lambda settled=True: SerialRig(settled, bidirectional=False)), [])


def test_the_serial_stage_without_the_car_s_side():
    eq(failures(lambda settled=True: SerialRig(settled, has_out=False)), [])


# -- what must be caught


def caught(plant):
    """Names of the cases that fail when plant(rig) was done to each rig."""

    def make(settled=True):
        rig = SerialRig(settled)
        plant(rig)
        return rig

    return [name for name, _ in failures(make)]


def test_one_that_says_off_and_delivers_is_caught():
    def plant(rig):
        rig.board.fault = "liar"

    names = caught(plant)
    assert {"off_is_off", "off_from_precharge", "off_from_close", "lease_ends_without_a_word"} <= set(names), names


def test_one_that_never_answers_is_caught():
    def plant(rig):
        rig.board.fault = "silent"

    names = caught(plant)
    assert {"test_passes_and_comes_down", "charging_is_positive", "off_is_off"} <= set(names), names


def test_one_that_raises_is_caught():
    def plant(rig):
        def off(now):
            raise OSError(5)

        rig.stage.off = off

    names = caught(plant)
    assert {"off_is_off", "no_call_raises", "off_again_and_again"} <= set(names), names


def test_each_of_these_is_caught():
    """One thing wrong in the stage, and the case that says so."""

    def ignores(name):
        def plant(rig):
            setattr(rig.stage, name, lambda *args: None)

        return plant

    def sign(rig):
        dc = rig.stage.dc
        rig.stage.dc = lambda mv, ma, w, now: dc(mv, -ma, w, now)

    def power(rig):
        dc = rig.stage.dc
        rig.stage.dc = lambda mv, ma, w, now: dc(mv, ma, 50000, now)

    def voltage(rig):
        dc = rig.stage.dc
        rig.stage.dc = lambda mv, ma, w, now: dc(800000 if ma > 0 else 100000, ma, w, now)

    def fresh(rig):
        rig.stage.age_ms = lambda source, now: 0

    def passes(rig):
        test = rig.stage.test

        def quick(mv, ma, now):
            test(mv, ma, now)
            rig.stage.test_result = 1

        rig.stage.test = quick

    def beats(rig):
        poll = rig.stage.poll

        def itself(now):
            rig.stage.beat(now)
            poll(now)

        rig.stage.poll = itself

    for plant, name in (
        (ignores("off"), "off_is_off"),
        (ignores("stop"), "stop_ramps_to_nothing"),
        (ignores("beat"), "beats_keep_it_going"),
        (sign, "charging_is_positive"),
        (power, "power_is_held"),
        (voltage, "voltage_is_held_when_charging"),
        (voltage, "voltage_is_held_when_discharging"),
        (fresh, "ages_grow_when_it_is_silent"),
        (passes, "test_of_bad_insulation_fails"),
        (passes, "test_result_is_of_this_test"),
        (beats, "lease_ends_without_a_word"),
    ):
        case = [case for case in stage_contract.CASES if case.__name__ == name]
        make = SerialRig

        def planted(settled=True, plant=plant, make=make):
            rig = make(settled)
            plant(rig)
            return rig

        eq([one for one, _ in failures(planted, case)], [name])
