"""The self-test on a controller board's glue (mcu/board.py), with the models in place of its hardware: a board that closes its
contactor in C and D alone."""

BARE_HEAP_KB = 600

import firmware.net.tcp  # noqa: F401 - the lowest first: an import inside of an import takes C stack
from firmware.app import config
from firmware.app.selftest import SelfTest, line
from firmware.app.selftest_codes import CODES, FAIL
from firmware.clock import ticks_add, ticks_diff
from mcu.board import Board
from tests.lib.mtest import eq
from tests.lib.plant import Notes, Random
from tests.lib.world import START
from twin.contactor import ContactorModel
from twin.line import Line
from twin.modem import EVSE, Modem
from twin.pilot import PilotCircuit, PlugResistor
from twin.qca7000 import QcaSpi
from twin.wiring import SWAPPED, Wires

HEAP_KB = 600


class Hardware:
    """What mcu/board.py asks for, of models. The guard opens the contactor unless the pilot is C or D."""

    name = "model"
    guarded = True
    source = None

    def __init__(self):
        rand = Random(1)
        self.mac = b"\x02MV2\x00\x01"
        self.chip = QcaSpi(Modem(b"\x02MV2\x00\x02", EVSE, Line(), rand), rand)
        self.wires = self.spi = Wires(self.chip, rand)
        self.cs = self.wires.cs
        self.irq = self.chip.irq
        self.front = PilotCircuit(rand)
        self.plug = PlugResistor()
        self.contactor = ContactorModel()
        self.feedback = self.contactor.feedback
        self.trips = 0

    def drive(self, on):
        level_mv = self.front.level_mv(25)
        if on and not 1500 < level_mv < 8500:
            self.trips += 1
            on = 0
        self.contactor.drive(on)

    def spi_hz(self, hz=None):
        self.wires.hz = hz or 8000000
        self.wires.connect()
        return self.wires.hz

    def exchanged(self, command, n):
        return self.wires.exchanged(command, n)

    def start(self):
        pass

    alive = stop = start

    def notes(self):
        return ()


def run(hw, **options):
    """The results of a whole test; the plug is turned as it is asked for."""
    board = Board(config.defaults(), Notes(), hw)
    now = START
    hw.chip.start(now)
    hw.contactor.start(now)
    board.start(now)
    test = SelfTest(board, **options)
    test.start(now)
    while test.active:
        assert ticks_diff(now, START) < 60000, [line(result) for result in test.results]
        hw.chip.poll(now)
        hw.contactor.poll(now)
        board.poll(now)
        test.poll(now)
        if test.asking:
            for name, value, _ in test.results[-1][1]:
                if name == "plug":
                    hw.front.load = " ABCD".index(value)
                    hw.plug.ohm = None if value == "A" else 220
            test.next(now)
        now = ticks_add(now, 1)
    eq(hw.contactor.coil, 0)
    return [code for code, _ in test.results]


def test_a_sound_board_passes_and_closes_on_the_test_plug():
    hw = Hardware()
    codes = run(hw, close=True)
    eq([code for code in codes if CODES[code][1] == FAIL], [])
    assert "close-ok" in codes and "int-ok" in codes and "role-evse" in codes and "pp-ok" in codes
    eq((hw.contactor.closings, hw.trips), (1, 0))


def test_swapped_wires_are_found_by_its_hardware():
    hw = Hardware()
    hw.wires.fault = SWAPPED
    eq(next(code for code in run(hw) if CODES[code][1] == FAIL), "spi-swapped")


def test_without_c_it_does_not_try_to_close():
    hw = Hardware()
    codes = run(hw, close=True, states="B")
    assert "close-guarded" in codes
    eq((hw.contactor.closings, hw.trips), (0, 0))
