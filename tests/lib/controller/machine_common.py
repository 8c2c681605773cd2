"""What `machine` of MicroPython 1.25 has on every port: arguments and errors as in extmod/ and
py/argcheck.c of its source.

A port makes its module of it: machine_rp2.py, machine_esp32.py. Nothing here is more patient than
the C code: an argument of a wrong type is a TypeError, an unknown keyword too, a pin that the block
does not reach a ValueError.
"""

from tests.lib.controller.place import IN, OPEN_DRAIN, OUT

MSB, LSB = 0, 1


def to_int(value):
    """mp_obj_get_int()."""
    if not isinstance(value, int):
        raise TypeError("can't convert %s to int" % type(value).__name__)
    return int(value)


def given(value, unset=-1):
    """An optional integer: None is not `absent`, it is a wrong type."""
    return unset if value is ABSENT else to_int(value)


ABSENT = object()


class Reset(BaseException):
    """The chip resets itself: watchdog, soft_reset()."""


class PinBase:
    """machine.Pin. The port sets place, GPIOS (numbers that there are) and the numbers of modes,
    pulls and triggers."""

    place = None
    GPIOS = ()
    HARD = False  # irq() knows the argument `hard`
    PULL_MASK_UP = PULL_MASK_DOWN = 0

    def __init__(self, number, *args, **options):
        if isinstance(number, PinBase):
            number = number.number
        elif not isinstance(number, int) or number not in self.GPIOS:
            raise ValueError("invalid pin")
        self.number = number
        self._pad = self.place.pad(number)
        if args or options:
            self.init(*args, **options)

    def init(self, mode=None, pull=ABSENT, *, value=ABSENT):
        pad = self._pad
        pad.owner = None
        if value is not ABSENT and value is not None:
            pad.latch = 1 if value else 0
        if mode is not None:
            modes = {self.IN: IN, self.OUT: OUT, self.OPEN_DRAIN: OPEN_DRAIN}
            mode = to_int(mode)
            if mode not in modes:
                raise ValueError("invalid pin mode")
            pad.mode = modes[mode]
            if pad.mode == OPEN_DRAIN and value is ABSENT:
                pad.latch = 1
        self._set_pull(pull)
        self.place.changed(self.number)

    def _set_pull(self, pull):
        if pull is ABSENT:
            return
        bits = 0 if pull is None else to_int(pull)
        self._pad.pull = 1 if bits & self.PULL_MASK_UP else 0 if bits & self.PULL_MASK_DOWN else None

    def value(self, *level):
        return self(*level)

    def __call__(self, *level):
        if not level:
            return self.place.level(self.number)
        if len(level) > 1:
            raise TypeError("function takes 1 positional arguments")
        self._pad.latch = 1 if level[0] else 0
        self.place.changed(self.number)

    def on(self):
        self(1)

    def off(self):
        self(0)

    def irq(self, handler=None, trigger=3, **options):
        if options and not (self.HARD and list(options) == ["hard"]):
            raise TypeError("unexpected keyword argument")
        to_int(trigger)
        rising = handler is not None and trigger & self.IRQ_RISING
        self._pad.handler = (lambda: handler(self)) if rising else None
        return self


def number_of(pin):
    """mp_hal_get_pin_obj(): a Pin, or its number."""
    if isinstance(pin, PinBase):
        return pin.number
    raise ValueError("invalid pin")


class SpiBase:
    """What machine.SPI and machine.SoftSPI have in common: transfers of buffers."""

    MSB, LSB = MSB, LSB

    def write(self, buf):
        self._transfer(memoryview(buf), None)

    def readinto(self, buf, fill=0):
        view = memoryview(buf)
        self._transfer(bytes((to_int(fill) & 0xFF,)) * len(view), view)

    def read(self, n, fill=0):
        back = bytearray(to_int(n))
        self.readinto(back, fill)
        return bytes(back)

    def write_readinto(self, out, back):
        if len(out) != len(back):
            raise ValueError("buffers must be the same length")
        self._transfer(memoryview(out), memoryview(back))


class SoftSpiBase(SpiBase):
    """machine.SoftSPI: bits by hand, at the pads."""

    place = None

    def __init__(
        self, baudrate=500000, *, polarity=0, phase=0, bits=8, firstbit=MSB, sck=ABSENT, mosi=ABSENT, miso=ABSENT
    ):
        if to_int(bits) != 8:
            raise ValueError("bits must be 8")
        if ABSENT in (sck, mosi, miso):
            raise ValueError("must specify all of sck/mosi/miso")
        self._half_us = max(1, 500000 // to_int(baudrate))
        self._polarity = to_int(polarity)
        self._phase = to_int(phase)
        to_int(firstbit)
        self._sck, self._mosi, self._miso = number_of(sck), number_of(mosi), number_of(miso)
        self._put(self._sck, self._polarity, OUT)
        self._put(self._mosi, 0, OUT)
        pad = self.place.pad(self._miso)
        pad.owner, pad.mode = None, IN

    def _put(self, number, level, mode=None):
        pad = self.place.pad(number)
        pad.owner = None
        pad.latch = level
        if mode is not None:
            pad.mode = mode
        self.place.changed(number)

    def _transfer(self, out, back):
        place = self.place
        first, second = 1 - self._polarity, self._polarity
        for i in range(len(out)):
            got = 0
            for bit in range(7, -1, -1):
                if self._phase:
                    self._put(self._sck, first)
                self._put(self._mosi, out[i] >> bit & 1)
                place.pass_us(self._half_us)
                if not self._phase:
                    self._put(self._sck, first)
                else:
                    self._put(self._sck, second)
                got = got << 1 | place.level(self._miso)
                place.pass_us(self._half_us)
                if not self._phase:
                    self._put(self._sck, second)
            if back is not None:
                back[i] = got


class HardSpi(SpiBase):
    """machine.SPI: a block of the chip. Its bytes reach the modem if it has the modem's pins."""

    place = None

    def _route(self, sck, mosi, miso):
        for number in (sck, mosi, miso):
            if number >= 0:
                self.place.pad(number).owner = self
        self._pins = (sck, mosi, miso)

    def _transfer(self, out, back):
        place, pins = self.place, self.place.pins
        wanted = (pins["MODEM_SCK"], pins["MODEM_MOSI"], pins["MODEM_MISO"])
        can = (pins["CAN_SCK"], pins["CAN_MOSI"], pins["CAN_MISO"])
        if self._pins == can != wanted:
            place.transfer_can(self._hz, self._mode, out, back)
            return
        there = self._pins == wanted and all([place.pad(number).owner is self for number in wanted])
        if not there:
            raise AssertionError("SPI moves bytes, but the modem's pins are not its own")
        place.transfer(self._hz, self._mode, out, back)


class RtcBase:
    set_to = None

    def datetime(self, when=None):
        if when is not None:
            if len(when) != 8:
                raise ValueError("requested length 8 but object has length %d" % len(when))
            RtcBase.set_to = tuple(when)
        return RtcBase.set_to


def soft_reset():
    raise Reset("soft reset")
