"""The console of the RP2040 image on USB: a computer that enumerates the board and opens its serial
port (host_tools/emu/js/usb.mjs).

A station that charges must not wait for a reader (boards/rpi_pico/console.c): the car waits 0.5
s for an answer (R-TIMERS-02).
"""

RUNTIMES = ("cpython",)
TIMEOUT_S = 300

import subprocess
import sys

from host_tools.emu import files
from host_tools.emu.board import EmulatedBoard
from host_tools.emu.bridge import Served
from host_tools.ev import states
from host_tools.lab import LAB
from host_tools.root import ROOT
from tests.lib.emulator import need_image
from tests.lib.mtest import eq
from tests.lib.tool_cases import good

IMAGE = need_image()
CONFIG = {**LAB, "services": ["DC_BPT"], "setpoint_w": 3000, "cable_check_ms": 100, "allow_plain": True}
RUNS = "Ctrl-C stops it."


def test_an_open_console_that_nobody_reads_does_not_stop_a_session():
    """Records of every message are asked for; the computer stops reading in the charge loop for 5
    s, and then reads again."""
    with EmulatedBoard(IMAGE, files.station(CONFIG), usb=True) as board:
        board.until(RUNS, 10000)
        board.type("@1 stream on\r")
        board.until("@1 ok", 2000)
        board.run_ms(1000)
        car = board.world.plug(
            service="DC_BPT", duration_ms=9000, loop_timeout_ms=500, message_timeout_ms=5000, capacity_wh=400
        )
        board.until(lambda: car.evcc.state == states.LOOP, 30000)
        board.until(" tx 8004 ", 5000)
        board.console = ""
        board.world.state.usb_reads = False
        board.run_ms(50)
        board.console = ""
        loops = car.evcc.loops
        board.run_ms(5000)
        eq((board.console, board.world.coil), ("", 1))
        assert car.evcc.loops > loops + 10, (car.evcc.loops, loops)
        board.world.state.usb_reads = True
        board.until(" tx 8004 ", 5000)
        board.until(lambda: car.done, 30000)
        assert car.ok, car.why
        print("NOTE slowest answer %d ms" % car.evcc.worst_ms)
        board.type("@2 status\r")
        assert "@2 ok" in board.until("@2 ok", 3000)


def test_the_tools_by_usb():
    """mpremote and microv2g over the serial port of USB, and Ctrl-C to the prompt."""
    with EmulatedBoard(IMAGE, files.station(CONFIG), usb=True) as board, Served(board) as served:
        served.call(lambda board: board.run_ms(3000))
        assert "pilot" in good("status", "--port", served.path).lower()
        good("setpoint", "--port", served.path, "-2500")
        assert '"setpoint_w": -2500' in good("status", "--port", served.path, "--json")
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", served.path, "exec", "import os; print(os.listdir('/'))"],
            capture_output=True, text=True, timeout=120, cwd=ROOT,
        )  # fmt: skip
        assert "config.json" in done.stdout, done.stdout + done.stderr
        eq(served.call(lambda board: board.world.coil), 0)
