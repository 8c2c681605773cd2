"""Pins and hardware of the Raspberry Pi Pico as a charge controller. Wiring:
boards/rpi_pico/README.md.

The numbers below are the only place that names pins.
"""

import cp_guard
from machine import SPI, Pin

from drivers.pilot_adc import Scale
from mcu.identity import mac
from mcu.interrupt import Interrupt
from mcu.modem_spi import ModemSpi
from micropython import const

_STAGE_TX = const(0)  # UART0: a power stage; the console has it otherwise
_STAGE_RX = const(1)
_INPUTS = (2, 3, 22, 28)
_BUS_TX = const(4)  # UART1: RS-485
_BUS_RX = const(5)
_BUS_DE = const(6)
_ENABLE = const(7)
_CAN_INT = const(8)
_CAN_CS = const(9)
_CAN_SCK = const(10)
_CAN_MOSI = const(11)
_CAN_MISO = const(12)
_CONTACTOR_MIRROR = const(13)
_CONTACTOR = const(14)
_CP_PWM = const(15)
_MODEM_MISO = const(16)
_MODEM_CS = const(17)
_MODEM_SCK = const(18)
_MODEM_MOSI = const(19)
_MODEM_INT = const(20)
_MODEM_RESET = const(21)
_CP_ADC = const(26)
_PP_ADC = const(27)

_FULL_MV = const(3300)
# The divider puts -12 V to 150 mV and +12 V to 3150 mV at the pin: CP / 8 + 1650 mV.
_RAW_MINUS_12 = const(150 * 65536 // 3300)
_RAW_PLUS_12 = const(3150 * 65536 // 3300)
# What the guard lets pass as C or D: a little wider than the bands of drivers/pilot.py, which
# decide first.
_WINDOW_LOW_MV = const(1500)
_WINDOW_HIGH_MV = const(8500)

_PARITIES = {"none": None, "even": 0, "odd": 1}
_BUFFER = const(512)  # bytes, of a UART and either way: 40 ms of 115200 baud
_CAN_HZ = const(8000000)  # the MCP2515 allows 10 MHz

_TRIPS = (
    None,
    "the guard opened the contactor: pilot neither C nor D",
    "the guard opened the contactor: firmware paused",
)


def _raw(mv):
    return (1650 + mv // 8) * 65536 // _FULL_MV


class _Front:
    """Front end of the pilot (drivers/pilot.py): the guard's interrupt samples, this puts volts to
    it."""

    sampling = "sync"

    def __init__(self):
        self._scale = Scale(_RAW_MINUS_12, -12000, _RAW_PLUS_12, 12000)
        self._duty = 1000
        self.high_mv = 0
        self.low_mv = None

    def set_duty(self, permille):
        self._duty = permille
        cp_guard.set_duty(permille)

    def sample(self):
        high = cp_guard.high()
        self.high_mv = self._scale.mv(high) if high >= 0 else 0
        low = cp_guard.low()
        if self._duty == 0:
            self.low_mv = self.high_mv
        else:
            self.low_mv = self._scale.mv(low) if low >= 0 and self._duty <= 970 else None


class _Plug:
    """ADC of the proximity line."""

    def read_u16(self):
        return cp_guard.pp()


def _uart(block, baud, parity, tx, rx):
    from machine import UART  # here: it costs heap

    return UART(
        block, baudrate=baud, bits=8, parity=_PARITIES[parity], stop=1, tx=Pin(tx), rx=Pin(rx), txbuf=_BUFFER,
        rxbuf=_BUFFER,
    )  # fmt: skip


class _Bus:
    """RS-485. The guard's interrupt ends the driving, whatever the interpreter does: a slave answers
    2 ms behind the request."""

    def __init__(self, baud, parity):
        self.direction(0)
        self.uart = _uart(1, baud, parity, _BUS_TX, _BUS_RX)

    def direction(self, ms):
        cp_guard.talk(_BUS_DE, ms)


class Hardware:
    """What mcu/board.py asks for."""

    name = "rpi_pico"
    guarded = True  # cp_guard: the contactor closes in C and D alone

    def __init__(self):
        self.mac = mac()
        self.irq = self.source = Interrupt()
        self._int = Pin(_MODEM_INT, Pin.IN, Pin.PULL_DOWN)  # nothing connected reads as no interrupt
        self.reset = Pin(_MODEM_RESET, Pin.OPEN_DRAIN, value=1)
        self.bus = ModemSpi(0, _MODEM_SCK, _MODEM_MOSI, _MODEM_MISO, _MODEM_CS)
        self._mirror = Pin(_CONTACTOR_MIRROR, Pin.IN, Pin.PULL_UP)
        self.front = _Front()
        self.plug = _Plug()
        self._why = 0  # of the trip that was seen last
        self._news = None
        self.start()

    def start(self):
        """Pilot X1, contactor open, ENABLE low, guard and watchdog on."""
        cp_guard.init(_CP_PWM, _CP_ADC, _PP_ADC, _CONTACTOR, _ENABLE, _raw(_WINDOW_LOW_MV), _raw(_WINDOW_HIGH_MV))
        self._int.irq(self.irq.handler, Pin.IRQ_RISING, hard=True)
        self.irq.fired = bool(self._int.value())

    def alive(self):
        cp_guard.alive()

    def drive(self, on):
        if not on:
            self.tripped()  # drive(0) forgets it, notes() must not
            self._why = 0
        cp_guard.drive(on)

    def feedback(self):
        """Mirror contact, normally closed to ground: a broken wire reads as welded, never as
        open."""
        return self._mirror.value()

    def enable(self, on):
        cp_guard.enable(on)

    def tripped(self):
        why = cp_guard.tripped()
        if why and why != self._why:
            self._why = why
            self._news = _TRIPS[why]
        return why != 0

    def notes(self):
        self.tripped()
        news = self._news
        if news is None:
            return ()
        self._news = None
        return (news,)

    def uart(self, name, baud, parity="none"):
        """Line "stage": UART0, which the console leaves for it; it stays on USB. ValueError: no such
        line."""
        if name != "stage":
            raise ValueError(name)
        cp_guard.free_uart0()
        return _uart(0, baud, parity, _STAGE_TX, _STAGE_RX)

    def rs485(self, baud, parity):
        """The bus of meter and insulation monitor, on UART1."""
        return _Bus(baud, parity)

    def can_spi(self):
        """(spi, cs, int_pin) of an MCP2515."""
        wires = {"sck": Pin(_CAN_SCK), "mosi": Pin(_CAN_MOSI), "miso": Pin(_CAN_MISO)}
        spi = SPI(1, baudrate=_CAN_HZ, polarity=0, phase=0, bits=8, firstbit=SPI.MSB, **wires)
        return spi, Pin(_CAN_CS, Pin.OUT, value=1), Pin(_CAN_INT, Pin.IN, Pin.PULL_UP)

    def input(self, name, good):
        """What reads a protective input, by the name that is printed at its pin ("GP2"); `good`: its
        level while all is well. Pulled to the other one: a wire that is off is a fault. None: there
        is no such input."""
        for number in _INPUTS:
            if name == "GP%d" % number:
                return Pin(number, Pin.IN, Pin.PULL_DOWN if good else Pin.PULL_UP)
        return None

    def counters(self):
        return [("pilot.gap_us", cp_guard.gap_us()), ("pilot.late", cp_guard.late())]

    def stop(self):
        self._int.irq(None)
        cp_guard.stop()
