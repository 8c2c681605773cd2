"""Parts on a board's RS-485: what the configuration names is made and nothing else; the direction of
the transceiver ends by a timer."""

import sys

from firmware.app import config
from firmware.clock import ticks_add
from mcu import rs485
from tests.lib.mtest import eq, raises
from tests.lib.notes import Notes
from twin.acrel import AcrelModel
from twin.bender import BenderModel
from twin.eastron import EastronModel
from twin.rtu import Port

T0 = ticks_add(0, -300)


class Line:
    def __init__(self, port):
        self.uart = port
        self.direction = port.drive


class Hardware:
    """A board with the bus of the models."""

    def __init__(self, *models):
        self.models = models
        self.opened = []

    def rs485(self, baud, parity):
        self.opened.append((baud, parity))
        self.port = Port(baud, parity, "timer")
        for model in self.models:
            model.baud, model.parity = baud, parity
            self.port.add(model)
        self.port.poll(T0)
        return Line(self.port)


def settings(text):
    return config.load(text)


def test_what_is_configured_is_made_and_works():
    for text, meter_model in (
        ('{"meter": "eastron", "monitor": "bender"}', EastronModel(1)),
        ('{"meter": "acrel", "meter_address": 9, "monitor": "bender"}', AcrelModel(9)),
        ('{"monitor": "bender", "bus_baud": 9600, "bus_parity": "none"}', None),
    ):
        cfg = settings(text)
        hw = Hardware(*([meter_model] if meter_model else []), BenderModel(3))
        bus, meter, monitor = rs485.parts(cfg, hw, Notes())
        eq(hw.opened, [(cfg["bus_baud"], cfg["bus_parity"])])
        assert rs485.wanted(cfg) and (meter is None) == (meter_model is None)
        made = [part for part in (meter, monitor) if part is not None]
        now = T0
        for part in made:
            part.start(now)
        bus.start(now)
        monitor.want(True, now)
        for _ in range(2000):
            now = ticks_add(now, 3)
            hw.port.poll(now)
            bus.poll(now)
            for part in made:
                part.poll(now)
        assert all(part.ok for part in made), [part.faults for part in made]
        eq((hw.models[-1].settings[3005], hw.models[-1].settings[3007]), (500, 100))


def test_nothing_is_configured_at_first():
    assert not rs485.wanted(settings(None))


def test_what_does_not_fit_is_said():
    both = settings('{"meter": "acrel", "meter_address": 3, "monitor": "bender"}')
    raises(ValueError, lambda: rs485.parts(both, Hardware(), None))
    raises(ValueError, lambda: rs485.parts(settings('{"meter": "acrel"}'), object(), None))
    low = settings('{"monitor": "bender", "monitor_r1_kohm": 50, "monitor_r2_kohm": 60}')
    raises(ValueError, lambda: rs485.parts(low, Hardware(), None))


class Pin:
    def __init__(self):
        self.now = None

    def value(self, value):
        self.now = value


class Timer:
    ONE_SHOT = 0

    def __init__(self):
        self.armed = None

    def init(self, mode, period, callback):
        eq(mode, Timer.ONE_SHOT)
        self.armed = (period, callback)

    def deinit(self):
        self.armed = None


def test_the_direction_ends_by_a_timer():
    class Machine:
        UART = dict
        Timer = None

    Machine.Timer = Timer
    before = sys.modules.get("machine")
    sys.modules["machine"] = Machine
    try:
        from mcu.rs485_line import Rs485Line
    finally:
        del sys.modules["machine"]
        if before is not None:
            sys.modules["machine"] = before
    pin, timer = Pin(), Timer()
    line = Rs485Line(None, pin, timer)
    eq(pin.now, 0)
    line.direction(6)
    eq((pin.now, timer.armed[0]), (1, 6))
    timer.armed[1](timer)
    eq(pin.now, 0)
    line.direction(6)
    line.direction(0)
    eq((pin.now, timer.armed), (0, None))
