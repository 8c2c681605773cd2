"""The image with an MCP2515 on its second SPI, an Infypower module on the bus, and a battery: the
frozen drivers, byte by byte through the SPI of the emulated RP2040."""

from host_tools.emu import files
from host_tools.emu.board import EmulatedBoard
from host_tools.emu.can import CanSide
from tests.lib.emulator import need_image

RUNTIMES = ("cpython",)
TIMEOUT_S = 300
SLOW = True

_SETUP = """
import time
from machine import SPI, Pin
from drivers.mcp2515 import Mcp2515
from drivers.infypower_beg import Beg1k075g, accept
cfg = {"can_module": 0, "converter_silence_ms": 10000}
spi = SPI(1, baudrate=8000000, polarity=0, phase=0, sck=Pin(10), mosi=Pin(11), miso=Pin(12))
mask, idents = accept(cfg)
can = Mcp2515(spi, Pin(9, Pin.OUT, value=1), Pin(8, Pin.IN, Pin.PULL_UP), 8, 125, mask, idents)
c = Beg1k075g(can, cfg)
c.start(time.ticks_ms())
def run(ms):
    end = time.ticks_add(time.ticks_ms(), ms)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        c.poll(time.ticks_ms())
        time.sleep_ms(5)
    print(c.ready, c.on, c.faults, c.mv, c.ma, can.overflows, can.bad, can.unsent)
"""


def test_charges_discharges_and_goes_off():
    with EmulatedBoard(need_image(), files.image({})) as b:
        world = b.world
        side = world.can = CanSide(None, world._tick())
        b.until(">>> ", 5000)
        assert b.exec(_SETUP) == ("", "")

        def run(order, ms):
            out, error = b.exec("now = time.ticks_ms()\n%s\nrun(%d)" % (order, ms))
            assert not error, error
            return out.split()

        assert run("pass", 1500)[:3] == ["True", "False", "0"]
        side.line.contact = True
        run("c.off(now)\nc.set(366000, 2000, now)", 2500)
        assert side.line.joined
        state = run("c.set(400000, 20000, now)", 1000)
        assert state[1:3] == ["True", "0"] and state[4:] == ["20000", "0", "0", "0"], state
        state = run("c.set(300000, -15000, now)", 2000)
        assert state[4] == "-15000" and side.line.ma == -15000, state
        side.module.fault = "silent"
        assert run("pass", 800)[2] == "1"
        assert not side.module.running
        side.module.fault = "none"
        assert run("c.off(now)", 1500)[:3] == ["True", "False", "0"]
        assert side.chip.violations == 0 and side.bytes > 5000, side.bytes


def test_no_chip_on_the_second_spi():
    with EmulatedBoard(need_image(), files.image({})) as b:
        b.until(">>> ", 5000)
        assert b.exec(_SETUP) == ("", "")
        out, error = b.exec("run(2000)")
        assert not error and out.split()[0] == "False" and int(out.split()[6]) > 1, out
