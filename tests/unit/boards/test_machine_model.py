"""The models of `machine` and `cp_guard` that the tests of the controller boards stand on: no more
patient than the real ones."""

RUNTIMES = ("cpython",)

import sys

from tests.lib.controller.boot import Controller
from tests.lib.controller.machine_common import Reset
from tests.lib.mtest import eq, raises
from tests.lib.world import UNIX_S


def test_an_argument_of_a_wrong_kind_is_an_error():
    for name, block, wires in (("rpi_pico", 0, (18, 19, 16)), ("esp32s3", 1, (12, 11, 13))):
        with Controller(name):
            machine = sys.modules["machine"]
            Pin, SPI = machine.Pin, machine.SPI
            sck, mosi, miso = [Pin(number) for number in wires]
            spi = SPI(block, baudrate=1000000, polarity=1, phase=1, sck=sck, mosi=mosi, miso=miso)
            raises(TypeError, spi.init, baudrate=None)
            raises(TypeError, spi.init, speed=1)
            raises(TypeError, Pin, 5, Pin.OUT, level=1)
            raises(ValueError, Pin, 99)
            raises(ValueError, SPI, 7)
            raises(ValueError, machine.SoftSPI, sck=sck, mosi=mosi)
            assert SPI(block, baudrate=1000000, polarity=1, phase=1, sck=sck, mosi=mosi, miso=miso) is spi


def test_what_only_one_port_knows():
    with Controller("rpi_pico"):
        Pin, SPI = sys.modules["machine"].Pin, sys.modules["machine"].SPI
        raises(ValueError, SPI, 0, sck=Pin(19), mosi=Pin(18), miso=Pin(16))
        raises(TypeError, SPI(0, sck=Pin(18), mosi=Pin(19), miso=Pin(16)).init, sck=Pin(18))
        Pin(20, Pin.IN).irq(lambda pin: None, Pin.IRQ_RISING, hard=True)
        assert not hasattr(sys.modules["machine"], "WDT"), "the guard has it"
    with Controller("esp32s3"):
        machine = sys.modules["machine"]
        Pin, PWM, ADC = machine.Pin, machine.PWM, machine.ADC
        raises(TypeError, Pin(14, Pin.IN).irq, lambda pin: None, Pin.IRQ_RISING, hard=True)
        raises(ValueError, ADC, Pin(21))
        raises(ValueError, ADC, Pin(1), atten=9)
        pwm = PWM(Pin(5), freq=1000, duty_u16=65535)
        raises(ValueError, pwm.duty_u16, 65536)
        raises(ValueError, pwm.duty_ns, 1000001)
        raises(ValueError, pwm.freq, 0)
        raises(ValueError, PWM, Pin(5), duty_u16=1, duty_ns=1)
        raises(ValueError, machine.WDT, timeout=0)


def test_pins_that_soft_spi_has_taken_come_back_by_deinit_alone():
    """As on the ESP32: an SPI made again with what it has already does nothing."""
    with Controller("esp32s3") as controller:
        machine = sys.modules["machine"]
        Pin, place = machine.Pin, controller.place

        def make():
            return machine.SPI(1, baudrate=8000000, polarity=1, phase=1, sck=Pin(12), mosi=Pin(11), miso=Pin(13))

        spi = make()
        cs = Pin(10, Pin.OUT, value=1)

        def signature():
            for _ in range(2):
                cs(0)
                spi.write(b"\xda\x00")
                back = spi.read(2)
                cs(1)
            return back

        eq(signature(), b"\xaa\x55")
        soft = machine.SoftSPI(baudrate=100000, polarity=1, phase=1, sck=Pin(12), mosi=Pin(11), miso=Pin(13))
        cs(0)
        soft.write(b"\xda\x00")
        eq(soft.read(2), b"\xaa\x55")
        cs(1)
        make()
        raises(AssertionError, signature)
        cs(1)
        spi.deinit()
        raises(OSError, signature)
        make()
        cs(1)
        eq(signature(), b"\xaa\x55")
        eq(place.chip.violations, 0)


def test_the_guard_closes_in_c_and_d_alone_and_opens_by_itself():
    with Controller("rpi_pico") as controller:
        place = controller.place
        hw = controller.hardware()
        guard = sys.modules["cp_guard"]

        def coil():
            return place.contactor.coil

        hw.front.set_duty(50)
        for load, closes in ((1, False), (2, False), (3, True), (4, True)):
            place.circuit.load = load
            place.pass_us(50000)
            hw.alive()
            eq((guard.drive(1), coil()), (closes, int(closes)))
            hw.drive(0)
        place.circuit.load = 3
        place.pass_us(50000)
        hw.drive(1)
        place.circuit.load = 2  # and no line of Python runs
        place.pass_us(19000)
        eq(coil(), 1)
        place.pass_us(2000)
        eq((coil(), guard.tripped()), (0, 1))
        place.circuit.load = 3
        place.pass_us(50000)
        eq(guard.drive(1), False)  # tripped: off first
        hw.drive(0)
        hw.drive(1)
        eq(coil(), 1)
        place.pass_us(1010000)  # no alive()
        eq((coil(), guard.tripped()), (0, 2))
        eq(len(hw.notes()), 1)


def test_the_guard_reads_both_plateaus_of_the_circuit():
    with Controller("rpi_pico") as controller:
        circuit, place = controller.place.circuit, controller.place
        hw = controller.hardware()
        hw.front.sample()
        eq((hw.front.high_mv, hw.front.low_mv), (0, None))  # not read yet
        for load in range(1, 5):
            circuit.load = load
            hw.front.set_duty(50)
            place.pass_us(5000)
            hw.front.sample()
            high_mv, low_mv = circuit.plateaus()
            assert abs(hw.front.high_mv - high_mv) < 30 and abs(hw.front.low_mv - low_mv) < 30, load
        hw.front.set_duty(0)
        place.pass_us(5000)
        hw.front.sample()
        assert hw.front.high_mv == hw.front.low_mv and abs(hw.front.high_mv + 12000) < 30
        sys.modules["cp_guard"].stands_still = True
        place.pass_us(30000)
        hw.front.sample()
        eq(hw.front.high_mv, 0)
        raises(Reset, place.pass_us, 3100000)


def test_the_clock_is_set_whatever_year_the_port_counts_from():
    for name in ("rpi_pico", "esp32s3"):
        with Controller(name):
            from firmware.clock import unix_s
            from mcu import clock

            eq(unix_s(), UNIX_S)
            clock.set_unix_s(UNIX_S)
            eq(sys.modules["machine"].RTC().datetime(), (2027, 1, 15, 4, 8, 0, 0, 0))
