"""`machine` of MicroPython 1.25 on the RP2040, as far as a board uses it (ports/rp2 of its source), and `cp_guard` beside
it."""

from tests.lib.controller import machine_common as common
from tests.lib.controller.lines import UartBase
from tests.lib.controller.machine_common import ABSENT, MSB, given, number_of, to_int

_PERIPHERAL_HZ = 125000000
UNIQUE_ID = b"\xe6\x60\x58\x38\x83\x12\x34\x56"
EPOCH_S = 0  # time.time() counts from 1970 here


def modules(place):
    """{name: object} that stands in sys.modules on this chip."""

    class Pin(common.PinBase):
        GPIOS = range(30)
        IN, OUT, OPEN_DRAIN, ALT = 0, 1, 2, 3
        PULL_UP, PULL_DOWN = 1, 2
        PULL_MASK_UP, PULL_MASK_DOWN = 1, 2
        IRQ_FALLING, IRQ_RISING = 4, 8
        HARD = True

        def _set_pull(self, pull):
            # Here None means none, whether it was said or not.
            common.PinBase._set_pull(self, None if pull is ABSENT else pull)

        def irq(self, handler=None, trigger=12, **options):
            return common.PinBase.irq(self, handler, trigger, **options)

    Pin.place = place

    class SPI(common.HardSpi):
        blocks = {}  # the port has one object for each block

        def __new__(cls, number=0, *args, **options):
            number = to_int(number)
            if number not in (0, 1):
                raise ValueError("SPI(%d) doesn't exist" % number)
            if number not in cls.blocks:
                cls.blocks[number] = object.__new__(cls)
            return cls.blocks[number]

        def __init__(
            self, number=0, baudrate=1000000, *, polarity=0, phase=0, bits=8, firstbit=MSB, sck=None, mosi=None, miso=-1
        ):
            pins = [None if pin is None or pin == -1 else number_of(pin) for pin in (sck, mosi, miso)]
            for pin, rest, name in zip(pins, (2, 3, 0), ("SCK", "MOSI", "MISO")):
                if pin is not None and (pin & 3 != rest or pin >> 3 & 1 != number):
                    raise ValueError("bad %s pin" % name)
            if None in pins:
                raise AssertionError("the default pins of the block are no modem's")
            if firstbit != MSB:
                raise NotImplementedError("LSB")
            to_int(bits)
            self._mode = to_int(polarity) << 1 | to_int(phase)
            self._hz = _divided(to_int(baudrate))
            self._route(*pins)

        def init(self, *, baudrate=ABSENT, polarity=ABSENT, phase=ABSENT, bits=ABSENT, firstbit=ABSENT):
            if given(baudrate) != -1:
                self._hz = _divided(to_int(baudrate))
            if given(polarity) != -1:
                self._mode = self._mode & 1 | to_int(polarity) << 1
            if given(phase) != -1:
                self._mode = self._mode & 2 | to_int(phase)
            given(bits)
            if given(firstbit) == common.LSB:
                raise NotImplementedError("LSB")

        def deinit(self):
            pass  # the port has none

    SPI.place = place

    class SoftSPI(common.SoftSpiBase):
        pass

    SoftSPI.place = place

    class UART(UartBase):
        BLOCKS = (0, 1)

        def reaches(self, block, tx, rx):
            return tx & 3 == 0 and rx & 3 == 1 and (tx + 4 >> 3 & 1, rx + 4 >> 3 & 1) == (block, block)

    UART.place = place

    class machine:
        pass

    machine.UART = UART
    machine.Pin, machine.SPI, machine.SoftSPI = Pin, SPI, SoftSPI
    machine.RTC = common.RtcBase
    machine.unique_id = lambda: UNIQUE_ID
    machine.soft_reset = common.soft_reset

    from tests.lib.controller.cp_guard import Guard

    return {"machine": machine, "cp_guard": Guard(place)}


def _divided(hz):
    """spi_set_baudrate(): the fastest clock that is not above hz."""
    if hz <= 0:
        raise ValueError("baudrate")
    for prescale in range(2, 255, 2):
        if (prescale + 2) * 256 * hz > _PERIPHERAL_HZ:
            break
    for post in range(256, 0, -1):
        if _PERIPHERAL_HZ // (prescale * (post - 1) if post > 1 else 1) > hz:
            break
    return _PERIPHERAL_HZ // (prescale * post)
