"""A station with a stage of bought parts, in simulated time: an Infypower module on CAN behind the
model of its chip, an Acrel meter at the car's side and a Bender monitor on one Modbus, copper and a
battery behind the station's contactor. Every byte of SPI and RS-485 passes; nothing is said to be a
laboratory."""

from board.sim_stage import Wired
from codec import rational
from firmware.clock import ticks_add, ticks_diff
from mcu import stages
from tests.lib.driver import FINISHED
from tests.lib.world import BEGIN, World

_STEP_MS = 2
_CAR_MV = 400000


class PartsWorld(World):
    """World on these parts. line, module, can (the bus), chip, part (the converter's driver)."""

    def __init__(self, **changes):
        parts = {"stage": "parts", "meter": "acrel", "monitor": "bender", "lab": False, "converter": "beg"}
        parts.update(changes)
        World.__init__(self, **parts)
        self.sleep_alone(6000)  # the monitor's first value

    def stage(self, another=None):
        """another(wired): the module in the place of the model."""
        self.wired = wired = Wired(self.cfg, self.contactor.model)
        stage = stages.make(self.cfg, wired, self.contactor, self.trace)
        if another is not None:
            wired.module = another(wired)
        self.line, self.module, self.can, self.chip = wired.line, wired.module, wired._can, wired._chip
        self.part = stage._converter
        self.line.car_mv = _CAR_MV
        self._moved = BEGIN
        wired.poll(BEGIN)
        poll = stage.poll

        def moved(now):
            """The models go up to each poll of the stage in small steps."""
            while ticks_diff(now, self._moved) > 0:
                self._moved = ticks_add(self._moved, min(_STEP_MS, ticks_diff(now, self._moved)))
                wired.poll(self._moved)
            poll(now)

        stage.poll = moved
        return stage

    def on_to_start(self, service):
        """Real parts need longer than a simulated stage."""
        for _ in range(200):
            answer = self.cable_check()
            if answer.code or answer.EVSEProcessing == FINISHED:
                break
            self.sleep(100)
        for _ in range(70):
            answer = self.precharge()
            if answer.code or abs(rational.to_int(answer.EVSEPresentVoltage) - 400) < 10:
                break
            self.sleep(100)

    def sleep_alone(self, ms):
        """Time without a session."""
        end = ticks_add(self.now, ms)
        while ticks_diff(end, self.now) > 0:
            self.now = ticks_add(self.now, 20)
            self.contactor.poll(self.now)
            self.power.poll(self.now)
