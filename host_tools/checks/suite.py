"""Checks of the sources, one line each, everything of a failing one: python -m host_tools.checks
lint gen-check"""

import subprocess
import sys
import time

CHECKS = {
    "lint": (
        ("ruff", ["-m", "ruff", "check", "."]),
        ("ruff format", ["-m", "ruff", "format", "--check", "--quiet", "."]),
        ("layers", ["-m", "host_tools.checks.layers"]),
        ("names of slots", ["-m", "host_tools.building.fold"]),
        ("wings of host_tools", ["-m", "host_tools.checks.wings"]),
        ("clock in tests", ["-m", "host_tools.checks.host_clock"]),
        ("contracts", ["-m", "host_tools.checks.contracts"]),
        ("configuration", ["-m", "host_tools.checks.config_keys"]),
        ("hands of facts", ["-m", "host_tools.checks.hands"]),
        ("private names", ["-m", "host_tools.checks.privates"]),
    ),
    "gen-check": (
        ("tables", ["-m", "host_tools.gen.exi", "check"]),
        ("state diagram", ["-m", "host_tools.gen.diagram", "--check"]),
        ("supervisor", ["-m", "host_tools.gen.supervisor", "--check"]),
        ("requirements", ["-m", "host_tools.gen.requirements", "--check"]),
        ("ledger of memory", ["-m", "host_tools.gen.memory", "--check"]),
        ("faults of the power path", ["-m", "host_tools.gen.fault_bits", "--check"]),
        ("references", ["-m", "host_tools.checks.references"]),
    ),
}


def results(names):
    """(title, passed, text to show, seconds) of each check; of one that passed only the warnings
    are shown."""
    for name in names:
        for title, arguments in CHECKS[name]:
            begin = time.monotonic()
            done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
            lines = (done.stdout + done.stderr).rstrip().splitlines()
            if not done.returncode:
                lines = [line for line in lines if line.startswith("warning: ")]
            yield title, not done.returncode, "\n".join(lines), time.monotonic() - begin


def main(names):
    failed = False
    for title, passed, text, seconds in results(names):
        print("%-18s %-6s %.1f s" % (title, "ok" if passed else "FAILED", seconds), flush=True)
        if text:
            print(text, flush=True)
        failed = failed or not passed
    return 1 if failed else 0
