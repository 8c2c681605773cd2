"""What else a controller board has at its pins: UARTs, RS-485, CAN, protective inputs, over the models
of machine. Devices are those of twin."""

RUNTIMES = ("cpython",)

from drivers.eastron import Eastron
from drivers.mcp2515 import Mcp2515
from drivers.modbus import Bus
from host_tools import boardfile
from tests.lib.controller.boot import Controller
from tests.lib.mtest import eq, raises
from twin import can_bus, mcp2515
from twin.eastron import EastronModel
from twin.rtu import Port

BOARDS = boardfile.names("controller")
INPUTS = {"rpi_pico": ("GP2", "GP3", "GP22", "GP28"), "esp32s3": ("GPIO42", "GPIO47", "GPIO48")}


class Rig:
    """A board's hardware with a meter on its bus. `drives`: (us, level) of the transceiver's pin."""

    def __init__(self, controller, baud, parity):
        self.place = place = controller.place
        self.port = place.lines["bus"] = Port(switching="call")
        self.slave = self.port.add(EastronModel(7, baud, parity))
        self.slave.load((-2000, -2000, -1000))
        place.models.append(self.port)
        self.drives = []
        drive = self.port.drive
        self.port.drive = lambda on: (self.drives.append((place.us, on)), drive(on))
        self.hw = controller.hardware()
        self.hw.start()
        self.line = self.hw.rs485(baud, parity)
        self.bus = Bus(self.line.uart, self.line.direction, baud, parity)
        self.meter = Eastron(7, swapped=False)
        self.bus.add(self.meter)
        self.meter.start(place.now)
        self.bus.start(place.now)

    def run(self, ms, turn_ms=1):
        for _ in range(ms // turn_ms):
            self.place.pass_us(1000 * turn_ms)
            self.hw.front.sample()
            self.hw.alive()
            self.bus.poll(self.place.now)
            self.meter.poll(self.place.now)


def test_a_meter_is_read_at_its_speed_and_parity():
    for name in BOARDS:
        for baud, parity in ((9600, "none"), (19200, "even"), (9600, "odd")):
            with Controller(name) as controller:
                rig = Rig(controller, baud, parity)
                rig.run(4000)
                eq((name, parity, rig.meter.ok, rig.meter.w), (name, parity, True, -5000))
                eq((rig.port.collisions, rig.bus.timeouts), (0, 0))


def test_the_line_is_let_go_though_the_firmware_is_busy():
    """The slave answers 10 ms behind the request; the firmware looks every 100 ms."""
    for name in BOARDS:
        with Controller(name) as controller:
            rig = Rig(controller, 9600, "none")
            rig.run(6000, turn_ms=100)
            assert rig.meter.ok and rig.port.collisions == 0, (name, rig.port.collisions, rig.bus.counters())
            talks = [(us, on) for us, on in rig.drives]
            begun = None
            for us, on in talks:
                if on:
                    begun = us
                elif begun is not None:
                    assert 8000 < us - begun < 14000, (name, us - begun)
                    begun = None


def test_wrong_speed_or_parity_reads_nothing():
    with Controller("rpi_pico") as controller:
        rig = Rig(controller, 9600, "none")
        rig.slave.parity = "even"
        rig.run(3000)
        assert not rig.meter.ok and rig.bus.timeouts > 2


def test_a_can_controller_joins_and_talks():
    for name in BOARDS:
        with Controller(name) as controller:
            place = controller.place
            bus = can_bus.CanBus()
            place.can = chip = mcp2515.Mcp2515(bus, 16000000)
            other = Listener(125000)
            bus.attach(other)
            bus.start(place.now)
            chip.start(place.now)
            place.models += [bus, chip]
            hw = controller.hardware()
            hw.start()
            spi, cs, int_pin = hw.can_spi()
            driver = Mcp2515(spi, cs, int_pin, 16, 125, 0x1FFFFFFF, (0x0A3F,))
            driver.start(place.now)
            for ms in range(1500):
                place.pass_us(1000)
                hw.front.sample()
                hw.alive()
                driver.poll(place.now)
                if ms == 700:
                    assert driver.up, name
                    assert driver.send(0x2A3F0, b"\1\2\3\4\5\6\7\x08", place.now)
            assert driver.up and len(other.got) == 1 and other.got[0].data == b"\1\2\3\4\5\6\7\x08", (name, other.got)
            eq(place.chip.violations, 0)


class Listener(can_bus.Node):
    def __init__(self, bit_rate):
        can_bus.Node.__init__(self, bit_rate)
        self.got = []

    def received(self, frame):
        self.got.append(frame)


def test_an_open_wire_of_an_input_is_a_fault():
    for name in BOARDS:
        with Controller(name) as controller:
            hw = controller.hardware()
            place = controller.place
            for pin in INPUTS[name]:
                number = int(pin.strip("GPIO"))
                for good in (0, 1):
                    read = hw.input(pin, good)
                    eq((pin, good, read()), (pin, good, 1 - good))
                    place.outside[number] = good
                    eq(read(), good)
                    del place.outside[number]
            eq(hw.input("GP99", 0), None)


def test_the_console_leaves_uart0_for_a_stage():
    with Controller("rpi_pico") as controller:
        hw = controller.hardware()
        raises(ValueError, hw.uart, "nothing", 9600)
        assert hw.uart("stage", 115200).baud == 115200 and controller.place.uart0_free


def test_direction_of_a_station_that_rests_is_low():
    """No interrupt lets go then: the transceiver listens."""
    with Controller("rpi_pico") as controller:
        rig = Rig(controller, 9600, "none")
        rig.line.direction(500)
        eq(rig.drives[-1][1], 1)
        rig.hw.stop()
        eq(rig.drives[-1][1], 0)
