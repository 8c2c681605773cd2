"""Hardware of the ESP32-S3 as a charge controller: what mcu/board.py asks for. Wiring:
boards/esp32s3/README.md."""

from time import sleep_us

from machine import ADC, PWM, WDT, Pin, Timer

from board import pins
from drivers.pilot_adc import PeakFrontEnd, Scale
from mcu.identity import mac
from mcu.interrupt import Interrupt
from mcu.modem_spi import ModemSpi
from micropython import const

_SPI = const(1)  # SPI2 of the chip
_CP_HZ = const(1000)
# Both detectors: CP / 10 + 1650 mV at the pin. The ADC is read in uV (it is calibrated so), / 50 to
# stay below 16 bit.
_STEP_UV = const(50)
_RAW_MINUS_12 = const((1650 - 1200) * 1000 // _STEP_UV)
_RAW_PLUS_12 = const((1650 + 1200) * 1000 // _STEP_UV)
_PP_FULL_MV = const(3300)  # what drivers.proximity takes 65536 for

_TICK_MS = const(20)
_LOOP_MS = const(1000)  # no turn of the firmware for that long opens the contactor,
_ASK_MS = const(500)  # nor a look at the pilot for that long; both take ENABLE away
_WATCHDOG_MS = const(3000)
_PATIENCE_MS = const(3600000)  # it cannot be switched off again: this long where no firmware runs
_TIMER = const(0)
_TALK_TIMER = const(1)
_BUFFER = const(512)  # bytes of a UART to be sent: write() does not wait


class _Volts:
    """ADC of one peak detector: read_u16() in steps of 50 uV."""

    def __init__(self, pin):
        self._adc = ADC(Pin(pin), atten=ADC.ATTN_11DB)

    def read_u16(self):
        return self._adc.read_uv() // _STEP_UV


class _Plug:
    """ADC of the proximity line."""

    def __init__(self, pin):
        self._adc = ADC(Pin(pin), atten=ADC.ATTN_11DB)

    def read_u16(self):
        return min(65535, self._adc.read_uv() // 1000 * 65536 // _PP_FULL_MV)


class _Front(PeakFrontEnd):
    """unasked_ms: since the firmware has looked at the pilot."""

    unasked_ms = 0

    def sample(self):
        self.unasked_ms = 0
        super().sample()


class Hardware:
    """The guard of contactor and ENABLE is a timer here: it lets both go when the firmware pauses,
    and feeds the watchdog as long as it runs itself. What stops the timer too ends in a reset 3 s
    later, and the pull-downs open."""

    name = "esp32s3"
    guarded = False  # the timer does not look at the pilot

    def __init__(self):
        self._contactor = Pin(pins.CONTACTOR, Pin.OUT, value=0)  # first of all
        self._enable = Pin(pins.ENABLE, Pin.OUT, value=0)
        self._mirror = Pin(pins.CONTACTOR_MIRROR, Pin.IN, Pin.PULL_UP)
        self.mac = mac()
        self.irq = self.source = Interrupt()
        self._int = Pin(pins.MODEM_INT, Pin.IN, Pin.PULL_DOWN)  # nothing connected reads as no interrupt
        self.reset = Pin(pins.MODEM_RESET, Pin.OPEN_DRAIN, value=1)
        self.bus = ModemSpi(_SPI, pins.MODEM_SCK, pins.MODEM_MOSI, pins.MODEM_MISO, pins.MODEM_CS)
        self._pwm = PWM(Pin(pins.CP_PWM), freq=_CP_HZ, duty_u16=65535)
        scale = Scale(_RAW_MINUS_12, -12000, _RAW_PLUS_12, 12000)
        empty = Pin(pins.CP_EMPTY, Pin.OUT, value=1)
        self.front = _Front(
            self._pwm, _Volts(pins.CP_HIGH_ADC), _Volts(pins.CP_LOW_ADC), scale, scale, empty.value, sleep_us
        )
        self.plug = _Plug(pins.PP_ADC)
        self._timer = Timer(_TIMER)
        self._watchdog = None
        self._silent_ms = 0
        self._running = self._tripped = self._news = False

    def start(self):
        """Pilot X1, contactor open, guard and watchdog on."""
        self._let_go()
        self._tripped = False
        self.front.set_duty(1000)
        self._news = False
        self._int.irq(self.irq.handler, Pin.IRQ_RISING)
        self.irq.fired = bool(self._int.value())
        self.alive()
        self._watchdog = WDT(timeout=_WATCHDOG_MS)
        self._timer.init(period=_TICK_MS, mode=Timer.PERIODIC, callback=self._tick)

    def alive(self):
        self._running = True
        self._silent_ms = 0

    def drive(self, on):
        if not on:
            self._tripped = False
        self.front.unasked_ms = 0
        self._contactor.value(on and not self._tripped)

    def enable(self, on):
        self.front.unasked_ms = 0
        self._enable.value(on and not self._tripped)

    def _let_go(self):
        self._contactor.value(0)
        self._enable.value(0)

    def tripped(self):
        return self._tripped

    def feedback(self):
        """Mirror contact, normally closed to ground: a broken wire reads as welded, never as
        open."""
        return self._mirror.value()

    def notes(self):
        if not self._news:
            return ()
        self._news = False
        return ("the guard opened the contactor: firmware paused",)

    def uart(self, name, baud, parity="none"):
        """Line "stage". ValueError: no such line."""
        if name != "stage":
            raise ValueError(name)
        from mcu.rs485_line import uart  # here: it costs heap

        return uart(2, baud, parity, tx=Pin(pins.STAGE_TX), rx=Pin(pins.STAGE_RX), txbuf=_BUFFER)

    def rs485(self, baud, parity):
        """The bus of meter and insulation monitor."""
        from mcu.rs485_line import Rs485Line, uart

        port = uart(1, baud, parity, tx=Pin(pins.BUS_TX), rx=Pin(pins.BUS_RX), txbuf=_BUFFER)
        return Rs485Line(port, Pin(pins.BUS_DE, Pin.OUT, value=0), Timer(_TALK_TIMER))

    def can_spi(self):
        """(spi, cs, int_pin) of an MCP2515."""
        return self.bus.spi, Pin(pins.CAN_CS, Pin.OUT, value=1), Pin(pins.CAN_INT, Pin.IN, Pin.PULL_UP)

    def input(self, name, good):
        """What reads a protective input, by the name of its pin ("GPIO42"); `good`: its level while
        all is well. Pulled to the other one: a wire that is off is a fault. None: there is no such
        input."""
        for number in pins.INPUTS:
            if name == "GPIO%d" % number:
                return Pin(number, Pin.IN, Pin.PULL_DOWN if good else Pin.PULL_UP)
        return None

    def counters(self):
        return []

    def stop(self):
        self._let_go()
        self._running = False
        self._int.irq(None)
        self._pwm.duty_u16(0)  # F, where no firmware runs
        if self._watchdog:
            WDT(timeout=_PATIENCE_MS)

    def _tick(self, timer):
        """Every 20 ms, between two bytecodes. No memory taken."""
        self._watchdog.feed()
        if self._running:
            front = self.front
            self._silent_ms += _TICK_MS
            front.unasked_ms += _TICK_MS
            paused = self._silent_ms > _LOOP_MS or front.unasked_ms > _ASK_MS
            if paused and (self._contactor.value() or self._enable.value()):
                self._let_go()
                self._tripped = self._news = True
