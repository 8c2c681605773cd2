"""What stands around the chip of a controller board, in simulated time: pads, modem, pilot circuit,
contactor, powerline, a car. All models are those of twin and host_tools/ev; this file wires them to
the pads by boards/<board>/pins.csv.

Time is microseconds and moves only by pass_us(): the firmware sleeps, waits in a poll, or moves
bytes over SPI. Every millisecond on the way is one step of the models, and of what interrupts the
chip (tick).
"""

from firmware.clock import ticks_add, ticks_diff
from host_tools.ev import options
from host_tools.ev.car import Car
from tests.lib.plant import Random
from tests.lib.world import BEGIN, UNIX_S
from twin import cable
from twin.contactor import ContactorModel
from twin.line import Line
from twin.modem import EVSE, Modem
from twin.pilot import PilotCircuit, PlugResistor
from twin.qca7000 import QcaSpi
from twin.wiring import ABSENT, SWAPPED, Wires

IN = "in"
OUT = "out"
OPEN_DRAIN = "od"
_SUPPLY_MV = 3300


class Pad:
    """One GPIO: mode, its output latch, the pull (1 up, 0 down, None), and `owner`, the peripheral
    that has the pad instead of the GPIO block."""

    def __init__(self):
        self.mode = IN
        self.latch = 0
        self.pull = None
        self.owner = None
        self.handler = None  # of its rising edge


class Edge:
    """What the chip model sets at a rising edge of INT: here it is the edge itself."""

    def __init__(self, place):
        self._place = place

    @property
    def fired(self):
        return False

    @fired.setter
    def fired(self, yes):
        if yes:
            self._place.int_edge()


class Car_(Car):
    """A car that notes when it is due."""

    next = None
    woken = True


class Place:
    """pins: {name: GPIO} of the board. divider, offset_mv: the pilot is CP / divider + offset at
    the ADC's pin. seed: of everything random. Settings: wires (faults), circuit, plug, contactor,
    modem: the models."""

    def __init__(self, pins, divider, offset_mv, seed=1):
        self.pins = pins
        self.us = 0
        self.rand = Random(seed)
        self.pads = {}
        self.line = Line(self.rand, delay_ms=1)
        self.modem = Modem(b"\x02MV2\x00\x02", EVSE, self.line, self.rand)
        self.chip = QcaSpi(self.modem, self.rand)
        self.chip.irq = Edge(self)
        self.wires = Wires(self.chip, self.rand)
        self.circuit = PilotCircuit(self.rand)
        self.plug = PlugResistor()
        self.contactor = ContactorModel()
        self.enabled = 0  # the ENABLE line of the power stage
        self.car = None
        self.lines = {}  # "stage", "bus": what is at the other end, see lines.py
        self.uarts = {}  # the machine.UART of each
        self.uart0_free = False  # the console has left it
        self.can = None  # twin.mcp2515.Mcp2515
        self.models = []  # of these: polled each millisecond
        self.outside = {}  # GPIO: level of a wire from outside
        self.load = None  # function of the car's resistance and ms -> what is on the pilot in its place
        self.tick = []  # called with the place every millisecond: interrupts of the chip
        self.watch = []  # the same, for tests
        self._divider = divider
        self._offset_mv = offset_mv
        self._selected = False
        self._by_hand = _Bits(self.chip)
        self.on_change = {}  # GPIO: call(), for what a port has at it
        self.line.join(self.modem)
        self.contactor.start(self.now)
        self.chip.start(self.now)

    @property
    def now(self):
        """The tick of ticks_ms()."""
        return ticks_add(BEGIN, self.us // 1000)

    # -- time

    def pass_us(self, us):
        end = self.us + us
        while self.us // 1000 < end // 1000:
            self.us = (self.us // 1000 + 1) * 1000
            self._step()
        self.us = max(self.us, end)

    def _step(self):
        now = self.now
        self.line.poll(now)
        self.chip.poll(now)
        self.contactor.poll(now)
        for model in self.models:
            model.poll(now)
        self._car(now)
        if self.load is not None:
            self.circuit.ohms = self.load(self.car.load[0], self.us // 1000)
        for call in self.tick:
            call(self)
        for call in self.watch:
            call(self)

    # -- the car

    def come(self, trace, **ev):
        """A car with changes to options.DEFAULTS is plugged in now."""
        cfg = dict(options.DEFAULTS)
        cfg.update(ev)
        car = self.car = Car_(cfg, b"\x02EV\x00\x00\x02", self.line, self.rand, lambda: UNIX_S, trace)
        self.line.join(car.modem)
        car.start(self.now)
        return car

    def _car(self, now):
        car = self.car
        if car is None or car.done:
            return
        plugged = car.load[1] & cable.PLUGGED
        if plugged and self.circuit.car_duty >= 0 and car.duty != self.circuit.duty:
            car.pilot(self.circuit.duty, now)
            car.woken = True
        if not (car.woken or car.modem.waiting or (car.next is not None and ticks_diff(car.next, now) <= 0)):
            return
        car.woken = False
        car.poll(now)
        car.next = car.due
        ohm, flags, pp_ohm = car.load
        plugged = flags & cable.PLUGGED
        self.circuit.ohms = ohm if plugged and ohm != cable.OPEN else None
        self.plug.ohm = pp_ohm if plugged else None

    # -- pads

    def pad(self, number):
        if number not in self.pads:
            self.pads[number] = Pad()
        return self.pads[number]

    def level(self, number):
        """What the input of the pad reads."""
        pad = self.pad(number)
        if pad.owner is None and (pad.mode == OUT or (pad.mode == OPEN_DRAIN and not pad.latch)):
            return pad.latch
        outside = self._outside(number)
        if outside is None:
            outside = 1 if pad.mode == OPEN_DRAIN else pad.pull
        return outside or 0

    def _outside(self, number):
        """Level that somebody else gives to a pad; None: nobody."""
        pins, fault = self.pins, self.wires.fault
        if number == pins["CONTACTOR_MIRROR"]:
            return None if self.contactor.closed or self.contactor.feedback_broken else 0  # closed to ground while open
        if number in self.outside:
            return self.outside[number]
        if number == pins["CAN_INT"] and self.can is not None:
            return self.can.int_pin()
        if number == pins["MODEM_INT"]:
            return None if fault == ABSENT or self.wires.int_open else int(self.chip.int_level)
        data_out = pins["MODEM_MOSI"] if fault == SWAPPED else pins["MODEM_MISO"]
        if number == data_out and fault != ABSENT and self._selected:
            return self._by_hand.out
        return None

    def driven(self, number):
        """Level that the chip gives to the wire at a pad; None: it does not drive it."""
        pad = self.pad(number)
        if pad.owner is not None:
            return None
        if pad.mode == OUT:
            return pad.latch
        return 0 if pad.mode == OPEN_DRAIN and not pad.latch else None

    def changed(self, number):
        """The chip has done something to a pad."""
        pins = self.pins
        if number == pins["CONTACTOR"]:
            self.contactor.drive(self.driven(number) or 0)  # pulled down at the driver
        elif number == pins["ENABLE"]:
            self.enabled = self.driven(number) or 0
        elif number == pins["BUS_DE"] and "bus" in self.lines:
            self.lines["bus"].drive(self.driven(number) or 0)
        elif number == pins["CAN_CS"] and self.can is not None:
            self.can.cs(0 if self.driven(number) == 0 else 1)
        elif number == pins["MODEM_CS"]:
            self._select(self.driven(number) == 0)
        elif number == pins["MODEM_RESET"]:
            if self.driven(number) == 0:
                self.chip.reboot(self.now)
        elif number == pins["MODEM_SCK"] and self._selected and self.wires.fault != ABSENT:
            clock = self.driven(number)
            if clock is not None:
                swapped = self.wires.fault == SWAPPED
                data_in = self.driven(pins["MODEM_MISO"] if swapped else pins["MODEM_MOSI"])
                self._by_hand.clock(clock, 1 if data_in is None else data_in)

        elif number in self.on_change:
            self.on_change[number]()

    def _select(self, yes):
        if yes != self._selected:
            self._selected = yes
            self._by_hand.begin()
            self.wires.cs(0 if yes else 1)

    def int_edge(self):
        if self.wires.fault != ABSENT:
            handler = self.pad(self.pins["MODEM_INT"]).handler
            if handler is not None:
                handler()

    # -- what the ADC sees, in mV at its pin

    def pilot_mv(self, level_mv):
        """At the pin, of a level at the contact."""
        return max(0, min(_SUPPLY_MV, level_mv // self._divider + self._offset_mv))

    def pp_mv(self):
        return self.plug.read_u16() * _SUPPLY_MV >> 16

    def set_duty(self, permille):
        """The share of time that the pin of the pilot's PWM is high."""
        self.circuit.set_duty(permille)

    # -- SPI of the chip's own block

    def transfer_can(self, hz, mode, out, back):
        """The same at the MCP2515's."""
        if hz > 10000000 or mode not in (0, 3):
            raise AssertionError("the MCP2515 takes mode 0 or 3 and 10 MHz")
        if self.can is None:
            if back is not None:
                back[:] = bytes((0xFF,)) * len(back)
        elif back is None:
            self.can.write(out)
        else:
            self.can.write_readinto(out, back)

    def transfer(self, hz, mode, out, back):
        """Bytes of machine.SPI at the modem's pins: out or back may be None."""
        wires = self.wires
        if self.can is not None and self.driven(self.pins["CAN_CS"]) == 0:
            self.transfer_can(hz, mode, out, back)
            return
        if mode != 3:
            raise AssertionError("the modem speaks SPI mode 3")
        if hz != wires.hz:
            wires.hz = hz
            wires.connect()
        if not self._selected or wires.fault == ABSENT:
            if back is not None:
                for i in range(len(back)):
                    back[i] = wires.floats
        elif back is None:
            for i in range(len(out)):
                wires.write(out[i : i + 1])
        else:
            one = bytearray(1)
            for i in range(len(back)):
                wires.readinto(one, 0 if out is None else out[i])
                back[i] = one[0]
        self.pass_us(1 + 8 * len(out if back is None else back) * 1000000 // hz)


class _Bits:
    """The chip's shift registers, for a master that moves bits by hand: SPI mode 3, out at the
    falling edge, in at the rising one."""

    def __init__(self, chip):
        self._chip = chip
        self.begin()

    def begin(self):
        self.out = 1
        self._level = 1
        self._n = self._in = self._next = 0

    def clock(self, level, data_in):
        if level == self._level:
            return
        self._level = level
        if not level:
            if not self._n:
                literal, _, fill = self._chip.ahead()
                self._next = literal[0] if literal else fill
            self.out = self._next >> (7 - self._n) & 1
            return
        self._in = (self._in << 1 | data_in) & 0xFF
        self._n += 1
        if self._n == 8:
            self._n = 0
            self._chip.write(bytes((self._in,)))
