"""The emulator's processor against the one of rp2040js: the same state and cycles behind random
instructions."""

import json
import subprocess

from host_tools.emu.process import MAIN
from tests.lib.emulator import environment, need_emulator

RUNTIMES = ("cpython",)


def test_random_instructions_leave_the_same_state():
    need_emulator()
    command = ["node", str(MAIN.parent / "selfcheck.mjs"), "20261", "60000"]
    run = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["count"] == 60000 and result["bad"] == [], result["bad"]
