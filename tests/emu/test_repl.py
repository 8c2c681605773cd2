"""The REPL of the emulated board: Ctrl-C in a charging session, module evse, mpremote, deploy, and
the flash read back."""

RUNTIMES = ("cpython",)
TIMEOUT_S = 600

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from host_tools.emu import files
from host_tools.emu.board import EmulatedBoard
from host_tools.emu.bridge import Served
from host_tools.ev import states
from host_tools.lab import LAB
from host_tools.root import ROOT
from tests.lib.emulator import need_image
from tests.lib.mtest import eq
from tests.lib.patience import LIMIT_S, until
from tests.lib.tool_cases import good, tool

IMAGE = need_image()
CONFIG = {**LAB, "services": ["DC_BPT"], "setpoint_w": 3000, "cable_check_ms": 100, "allow_plain": True}
RUNS = "Ctrl-C stops it."


def test_ctrl_c_opens_the_contactor_and_the_station_runs_again():
    """In the charge loop; then evse at the prompt, in words; then the next car is served."""
    with EmulatedBoard(IMAGE, files.station(CONFIG)) as board:
        board.until(RUNS, 10000)
        board.run_ms(1500)
        car = board.world.plug(service="DC_BPT", duration_ms=60000, message_timeout_ms=5000, capacity_wh=400)
        board.until(lambda: car.evcc.state == states.LOOP, 30000)
        board.run_ms(1500)
        eq((board.world.coil, board.world.duty), (1, 50))
        # Python in the middle of the session, between two turns
        board.type("evse.link.power.lease.set_w + 1\r")
        assert "3001" in board.until("\n3001", 2000)
        begin = board.ms
        board.type("\x03\x03")  # mpremote sends two
        board.until(lambda: not board.world.coil, 1000)
        took = board.ms - begin
        print("NOTE Ctrl-C to contactor off: %.0f ms" % took)
        assert took < 150, took
        assert "contactor open" in board.until(">>> ", 3000)
        eq(board.world.duty, 0)  # F: no firmware runs
        assert not board.world.contactor.closed
        board.type("evse.status()\r")
        said = board.until(">>> ", 3000)
        assert "stopped" in said and "pilot" in said.lower(), said
        board.type("evse.trace(5)\r")
        assert "DC_ChargeLoop" in board.until(">>> ", 3000)
        board.type("evse.setpoint(-5000)\r")
        assert "evse.run()" in board.until(">>> ", 3000)
        board.until(lambda: car.done, 60000)
        board.type("evse.run()\r")
        board.until(RUNS, 10000)
        board.run_ms(2500)
        car = board.world.plug(service="DC_BPT", duration_ms=2000, message_timeout_ms=5000, capacity_wh=400)
        board.until(lambda: car.done, 60000)
        assert car.ok, car.why


def test_mpremote_deploy_and_flash_read_back():
    with Served(EmulatedBoard(IMAGE, files.station(CONFIG))) as line:
        port = line.path
        until(lambda: line.call(lambda board: board.ms) >= 3000)
        status, out, err = tool("deploy", "--dry-run", "--json", port=port)
        assert status == 1 and "has our modules already" in json.loads(out)["error"], (out, err)
        facts = json.loads(good("deploy", "--only", "drivers", "--no-reset", "--json", port=port))
        assert "/drivers/pilot.mpy" in facts["copy"], facts
        again = json.loads(good("deploy", "--only", "drivers", "--no-reset", "--json", port=port))
        eq(again["copy"], [])
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", port, "resume", "exec", "import os; print('drivers' in os.listdir())"],
            capture_output=True, text=True, timeout=LIMIT_S,
        )  # fmt: skip
        eq((done.returncode, done.stdout.strip()), (0, "True"))
        good("deploy", "--remove", "--json", port=port)
        facts = json.loads(good("flash", str(IMAGE), "--verify-only", "--json", port=port))
        assert facts["verified"] if "verified" in facts else facts["ok"], facts


def test_the_board_on_a_terminal_keeps_its_flash_at_ctrl_c():
    """`microv2g emu --pty --flash FILE`, ended by SIGINT in the middle of whatever it does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "board.bin"
        command = [sys.executable, "-m", "host_tools", "emu", "--pty", "--flash", str(path)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            good("config", "set", "setpoint_w", "1234", port=process.stdout.readline().strip())
            process.send_signal(signal.SIGINT)
            eq(process.wait(LIMIT_S), 0)
        finally:
            process.kill()
            process.stdout.close()
        eq(json.loads(files.content(path.read_bytes())["/config.json"]), {"setpoint_w": 1234})
