"""`machine` of MicroPython 1.25 on the ESP32-S3, as far as a board uses it (ports/esp32 of its source), and the peak
detectors in front of its ADC (boards/esp32s3/README.md)."""

from tests.lib.controller import machine_common as common
from tests.lib.controller.lines import UartBase
from tests.lib.controller.machine_common import ABSENT, MSB, given, number_of, to_int

UNIQUE_ID = b"\x24\x6f\x28\x11\x22\x33"
EPOCH_S = 946684800  # time.time() counts from 2000 here
_LEDC_BITS = 14  # of a duty, on this chip at 1 kHz
_ADC_PINS = range(1, 21)
_ADC_TOP_MV = 3100  # at 11 dB


def modules(place):
    """{name: object} that stands in sys.modules on this chip."""
    peaks = Peaks(place)

    class Pin(common.PinBase):
        GPIOS = tuple([n for n in range(49) if not 22 <= n <= 25])
        IN, OUT, OPEN_DRAIN = 1, 3, 7
        PULL_DOWN, PULL_UP = 1, 2
        PULL_MASK_DOWN, PULL_MASK_UP = 1, 2
        IRQ_RISING, IRQ_FALLING = 1, 2

        def init(self, mode=None, pull=-1, *, value=ABSENT, drive=ABSENT, hold=ABSENT):
            # -1 leaves the pull as it is, None takes it away; an open drain keeps the latch that it
            # had.
            if value is ABSENT and mode == self.OPEN_DRAIN:
                value = self._pad.latch
            pull = ABSENT if pull == -1 else pull
            if value is ABSENT:
                common.PinBase.init(self, mode, pull)
            else:
                common.PinBase.init(self, mode, pull, value=1 if value else 0)

    Pin.place = place

    class SPI(common.HardSpi):
        blocks = {}  # the port has one object for each block

        def __new__(cls, number, *args, **options):
            number = to_int(number)
            if not 1 <= number <= 2:
                raise ValueError("SPI(%d) doesn't exist" % number)
            if number not in cls.blocks:
                cls.blocks[number] = block = object.__new__(cls)
                block._state = None
            return cls.blocks[number]

        def __init__(
            self, number, baudrate=ABSENT, *, polarity=ABSENT, phase=ABSENT, bits=ABSENT, firstbit=ABSENT,
            sck=ABSENT, mosi=ABSENT, miso=ABSENT,
        ):  # fmt: skip
            def default(value, usual):
                return usual if given(value) == -1 else to_int(value)

            pins = [usual if pin is ABSENT else _pin(pin) for pin, usual in zip((sck, mosi, miso), (12, 11, 13))]
            self._configure(
                default(baudrate, 500000), default(polarity, 0), default(phase, 0), default(bits, 8),
                default(firstbit, MSB), pins,
            )  # fmt: skip

        def init(
            self, baudrate=ABSENT, *, polarity=ABSENT, phase=ABSENT, bits=ABSENT, firstbit=ABSENT,
            sck=ABSENT, mosi=ABSENT, miso=ABSENT,
        ):  # fmt: skip
            old = self._state or (500000, 0, 0, 8, MSB, (12, 11, 13))
            new = [before if given(value) == -1 else to_int(value)
                   for value, before in zip((baudrate, polarity, phase, bits, firstbit), old)]  # fmt: skip
            pins = [before if pin is ABSENT else _pin(pin) for pin, before in zip((sck, mosi, miso), old[5])]
            self._configure(*new, pins)

        def _configure(self, hz, polarity, phase, bits, firstbit, pins):
            if bits <= 0:
                raise ValueError("invalid bits")
            if hz <= 0:
                raise OSError("invalid configuration")
            state = (hz, polarity, phase, bits, firstbit, tuple(pins))
            if state == self._state:
                return  # as the C code: nothing has changed, so the pins are not touched
            if self._state is not None:
                self.deinit()
            self._state = state
            self._hz = 80000000 // -(-80000000 // hz)
            self._mode = phase | polarity << 1
            self._route(*pins)

        def deinit(self):
            if self._state is not None:
                for number in self._state[5]:
                    pad = place.pad(number)
                    if pad.owner is self:
                        pad.owner, pad.mode = None, "in"
                self._state = None

        def _transfer(self, out, back):
            if self._state is None:
                raise OSError("transfer on deinitialized SPI")
            if not len(out):
                raise ValueError("buffer too short")
            common.HardSpi._transfer(self, out, back)

    SPI.place = place

    class SoftSPI(common.SoftSpiBase):
        pass

    SoftSPI.place = place

    class ADC:
        ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3

        def __init__(self, pin, *, atten=ABSENT):
            self._number = number_of(pin)
            if self._number not in _ADC_PINS:
                raise ValueError("invalid pin")
            self._atten = 0
            self.init(atten=atten)

        def init(self, *, atten=ABSENT):
            if given(atten) != -1:
                if not 0 <= to_int(atten) <= 3:
                    raise ValueError("invalid atten")
                self._atten = to_int(atten)

        def _mv(self):
            top_mv = (950, 1250, 1750, _ADC_TOP_MV)[self._atten]
            return min(top_mv, peaks.mv(self._number)), top_mv

        def read_uv(self):
            return self._mv()[0] * 1000  # whole millivolts: the calibration of the SDK gives no more

        def read_u16(self):
            mv, top_mv = self._mv()
            raw = min(4095, mv * 4095 // top_mv)
            return raw << 4 | raw >> 8

        def block(self):
            raise AssertionError("ADC.block() is an object of the whole unit: no board needs it")

    class PWM:
        def __init__(self, pin, freq=ABSENT, *, duty=ABSENT, duty_u16=ABSENT, duty_ns=ABSENT):
            self._number = number_of(pin)
            self._freq = 5000
            self._u16 = 32768
            self._active = False
            place.pad(self._number).owner = self
            self.init(freq, duty=duty, duty_u16=duty_u16, duty_ns=duty_ns)

        def init(self, freq=ABSENT, *, duty=ABSENT, duty_u16=ABSENT, duty_ns=ABSENT):
            if [given(value) != -1 for value in (duty, duty_u16, duty_ns)].count(True) > 1:
                raise ValueError("only one of parameters 'duty', 'duty_u16' or 'duty_ns' is allowed")
            if given(freq) != -1:
                if not 0 < to_int(freq) <= 40000000:
                    raise ValueError("frequency must be from 1Hz to 40MHz")
                self._freq = to_int(freq)
            self._active = True
            if given(duty_u16) != -1:
                self._u16 = to_int(duty_u16)
            elif given(duty_ns) != -1:
                self.duty_ns(duty_ns)
            elif given(duty) != -1:
                self._u16 = to_int(duty) << 6
            self.duty_u16(self._u16)

        def freq(self, *freq):
            if not freq:
                return self._freq
            self.init(freq[0])

        def duty_u16(self, *duty):
            if not self._active:
                raise RuntimeError("PWM inactive")
            if not duty:
                return self._u16
            u16 = to_int(duty[0])
            if not 0 <= u16 <= 65535:
                raise ValueError("duty_u16 must be from 0 to 65535")
            self._u16 = u16
            self._tell()

        def duty_ns(self, *ns):
            whole_ns = 1000000000 // self._freq
            if not ns:
                return self._u16 * whole_ns // 65535
            if not 0 <= to_int(ns[0]) <= whole_ns:
                raise ValueError("duty_ns must be from 0 to %d ns" % whole_ns)
            self.duty_u16(to_int(ns[0]) * 65535 // whole_ns)

        def deinit(self):
            self._active = False
            place.pad(self._number).owner = None
            self._tell()

        def _tell(self):
            if self._number == place.pins["CP_PWM"]:
                if self._freq != 1000:
                    raise AssertionError("the pilot has 1 kHz")
                counts = self._u16 >> 16 - _LEDC_BITS
                # 16383 of 16384 counts is the most that this port can do: 61 ns of low, which no
                # driver follows.
                place.set_duty((counts * 1000 + (1 << _LEDC_BITS - 1)) >> _LEDC_BITS if self._active else 0)

    class Timer:
        ONE_SHOT, PERIODIC = 0, 1
        running = {}

        def __init__(self, number, **options):
            if not 0 <= to_int(number) < 4:
                raise ValueError("invalid Timer number")
            self._number = number
            if options:
                self.init(**options)

        def init(self, *, mode=1, callback=None, period=-1, tick_hz=1000, freq=None):
            ms = to_int(period) * 1000 // to_int(tick_hz) if freq is None else int(1000 / freq)
            if ms <= 0:
                raise ValueError("period")
            self.running[self._number] = [ms, ms, to_int(mode), callback, self]

        def deinit(self):
            self.running.pop(self._number, None)

    def timers(place):
        for number, entry in list(Timer.running.items()):
            entry[0] -= 1
            if not entry[0]:
                entry[0] = entry[1]
                if not entry[2]:
                    Timer.running.pop(number)
                entry[3](entry[4])

    class WDT:
        """One for the chip: made again, it has another timeout and goes on."""

        left_ms = None
        timeout_ms = None

        def __init__(self, id=0, timeout=5000):
            if to_int(id) != 0:
                raise ValueError("")
            if to_int(timeout) <= 0:
                raise ValueError("WDT timeout too short")
            WDT.timeout_ms = WDT.left_ms = timeout

        def feed(self):
            WDT.left_ms = WDT.timeout_ms

    def bite(place):
        if WDT.left_ms is not None:
            WDT.left_ms -= 1
            if WDT.left_ms <= 0:
                raise common.Reset("watchdog")

    place.tick.append(timers)
    place.tick.append(bite)

    class UART(UartBase):
        BLOCKS = (0, 1, 2)

        def reaches(self, block, tx, rx):
            return True  # the GPIO matrix

    UART.place = place

    class machine:
        pass

    machine.UART = UART

    machine.Pin, machine.SPI, machine.SoftSPI, machine.ADC = Pin, SPI, SoftSPI, ADC
    machine.PWM, machine.Timer, machine.WDT, machine.RTC = PWM, Timer, WDT, common.RtcBase
    machine.unique_id = lambda: UNIQUE_ID
    machine.soft_reset = common.soft_reset
    return {"machine": machine}


def _pin(pin):
    return -1 if pin is None else number_of(pin)


class Peaks:
    """The two peak detectors of the pilot. CP_EMPTY discharges both to 0 V at CP; else the positive
    one keeps the highest level since then, the negative one the lowest."""

    def __init__(self, place):
        self._place = place
        self._at_us = 0
        self._high_mv = self._low_mv = 0
        self._empty = False
        place.on_change[place.pins["CP_EMPTY"]] = self._changed

    def _changed(self):
        self._follow()
        self._empty = bool(self._place.driven(self._place.pins["CP_EMPTY"]))

    def _follow(self):
        """Up to now, with the circuit as it is."""
        place = self._place
        us, self._at_us = self._at_us, place.us
        if self._empty:
            self._high_mv = self._low_mv = 0
            return
        level_mv = place.circuit.level_mv
        for at in range(us, min(place.us, us + 1000) + 1, 25):
            mv = level_mv(at)
            self._high_mv = max(self._high_mv, mv)
            self._low_mv = min(self._low_mv, mv)

    def mv(self, number):
        """At an ADC pin."""
        place = self._place
        pins = place.pins
        if number == pins["CP_HIGH"]:
            self._follow()
            return place.pilot_mv(self._high_mv)
        if number == pins["CP_LOW"]:
            self._follow()
            return place.pilot_mv(self._low_mv)
        if number == pins["PP"]:
            return place.pp_mv()
        raise AssertionError("nothing is connected to this ADC pin")
