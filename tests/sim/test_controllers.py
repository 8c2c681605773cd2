"""Whole sessions on each controller board's own Hardware, over a model of its port's modules: from
power-on by main.py to Ctrl-C, in simulated time (R-LINK-25)."""

RUNTIMES = ("cpython",)

from host_tools import boardfile
from tests.lib.controller.boot import Controller
from tests.lib.mtest import eq
from tests.lib.notes import Notes

_CFG = {"allow_plain": True, "setpoint_w": 4000}


def session(board, service, **ev):
    with Controller(board) as controller:
        place = controller.place
        notes = Notes()
        contact, duties = [], []

        def look(place):
            if not contact or contact[-1] != place.contactor.closed:
                contact.append(place.contactor.closed)
            if not duties or duties[-1] != place.circuit.duty:
                duties.append(place.circuit.duty)
            if place.us == 3000000:
                place.come(notes, service=service, loops=12, **ev)

        place.watch.append(look)
        over = []

        def until():
            if place.car is not None and place.car.done:
                over.append(place.us)
            return over and place.us - over[0] > 1500000

        link = controller.run(dict(_CFG, services=[service]), until, 120)
        car = place.car
        assert link is not None, controller.printed
        assert car.ok, (car.why, notes.notes[-8:], controller.serial.text()[-2000:])
        eq(car.evcc.loops, 12)
        eq(contact, [False, True, False])
        eq(duties, [1000, 50, 1000])
        eq((place.circuit.duty, place.contactor.coil), (0, 0))
        eq(place.chip.violations, 0)
        assert "contactor open" in controller.printed, controller.printed


def test_a_dc_bpt_session_on_every_board():
    assert {"rpi_pico", "esp32s3"} <= set(boardfile.names("controller"))
    for board in boardfile.names("controller"):
        session(board, "DC_BPT")


def test_an_ac_session_on_every_board():
    for board in boardfile.names("controller"):
        session(board, "AC")


def test_a_board_with_a_power_stage_of_its_own():
    """Hardware.stage makes it; nothing outside of the board's folder names it."""
    with Controller("rpi_pico") as controller:
        from board.hardware import Hardware
        from firmware.stage.bench import BenchStage

        called = []

        class Stage(BenchStage):
            def __init__(self, cfg, contact):
                BenchStage.__init__(self, cfg, contact)
                self.caps.simulated = False

            def test(self, mv, ma, now):
                called.append("test")
                BenchStage.test(self, mv, ma, now)

            def dc(self, mv, ma, w, now):
                called.append("dc")
                BenchStage.dc(self, mv, ma, w, now)

        def stage(self, cfg, contactor):
            return Stage(cfg, contactor)

        Hardware.stage = stage
        place, notes = controller.place, Notes()

        def look(place):
            if place.us == 3000000:
                place.come(notes, service="DC_BPT", loops=5)

        place.watch.append(look)
        link = controller.run(dict(_CFG, services=["DC_BPT"]), lambda: place.car is not None and place.car.done, 120)
        assert link is not None and place.car.ok, (controller.printed, notes.notes[-8:])
        assert type(link.board.stage) is Stage and "test" in called and "dc" in called, called
        assert "simulated" not in controller.serial.text(), controller.serial.text()
