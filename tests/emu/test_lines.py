"""The image at its serial lines: a meter on the RS-485 of UART1, a power board at UART0 with the console
on USB. The board's own Hardware and the frozen drivers, character by character."""

from host_tools.emu import files
from host_tools.emu.board import EmulatedBoard
from host_tools.emu.rs485 import Rs485
from tests.lib.emulator import need_image
from tests.lib.mtest import eq
from twin.dc_line import DcLine
from twin.eastron import EastronModel
from twin.power_board import PowerBoard, pack

RUNTIMES = ("cpython",)
TIMEOUT_S = 300

_METER = """
import time
from board.hardware import Hardware
from drivers.modbus import Bus
from drivers.eastron import Eastron
hw = Hardware()
def open_bus(baud, parity):
    global bus, meter
    line = hw.rs485(baud, parity)
    bus = Bus(line.uart, line.direction, baud, parity)
    meter = Eastron(7)
    bus.add(meter)
    now = time.ticks_ms()
    meter.start(now)
    bus.start(now)
def run(ms, turn_ms):
    end = time.ticks_add(time.ticks_ms(), ms)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        now = time.ticks_ms()
        hw.alive()
        bus.poll(now)
        meter.poll(now)
        time.sleep_ms(turn_ms)
    print(meter.ok, meter.w, bus.timeouts, bus.requests, bus.answer.bad_crc)
"""


def test_a_meter_on_uart1_at_its_speed_and_parity():
    """Also with a loop that looks every 90 ms only: the guard's interrupt lets the line go."""
    for baud, parity, turn_ms in ((9600, "none", 5), (19200, "even", 5), (9600, "odd", 90)):
        with EmulatedBoard(need_image(), files.image({})) as b:
            slave = EastronModel(7, baud, parity)
            slave.load((-2000, -2000, -1000))
            side = b.world.rs485 = Rs485(slave)
            b.until(">>> ", 5000)
            eq(b.exec(_METER), ("", ""))
            out, error = b.exec("open_bus(%d, %r)\nrun(3000, %d)" % (baud, parity, turn_ms))
            ok, watts, timeouts, requests, crc = out.split()
            eq((baud, parity, ok, watts, timeouts, crc, error), (baud, parity, "True", "-5000", "0", "0", ""))
            assert int(requests) >= 6 and not side.collisions and not side.mute, (requests, side.collisions, side.mute)
            slave.parity = "even" if parity != "even" else "none"
            out, _ = b.exec("run(2500, 5)")
            assert out.split()[0] == "False" and side.other_speed > 2, (out, side.other_speed)


def test_the_console_leaves_uart0_for_a_power_board():
    """HELLO is asked and answered; what is printed meanwhile goes to USB alone. A soft reset gives the
    console its line back, and a second one is no panic."""
    with EmulatedBoard(need_image(), files.image({}), usb=True) as b:
        b.until(">>> ", 5000)
        board = b.world.stage = PowerBoard(DcLine())
        heard = []
        rx = board.rx
        board.rx = lambda data, now: (heard.append(bytes(data)), rx(data, now))
        hello = pack(1, 1, bytes((1, 0)))
        for _ in range(2):
            out, error = b.exec(
                "import time\nfrom board.hardware import Hardware\nhw = Hardware()\nu = hw.uart('stage', 115200)\n"
                "time.sleep_ms(5)\nprint('this is for USB')\nu.write(%r)\ntime.sleep_ms(60)\nprint(u.any() > 10)\nhw.stop()"
                % hello
            )
            eq(error, "")
            assert out.split("\r\n")[-2] == "True", out
            eq(b"".join(heard)[-len(hello) :], hello)
            assert b"for USB" not in b"".join(heard), heard
            del heard[:]
            b.type("\x04")
            b.run_ms(1500)
            assert b"MicroPython" in b"".join(heard) or b"MPY" in b"".join(heard), heard
            del heard[:]
            b.console = ""
