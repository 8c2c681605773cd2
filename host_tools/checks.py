"""Checks of the sources, one line each, everything of a failing one: python -m host_tools.checks lint gen-check"""

import subprocess
import sys

CHECKS = {
    "lint": (
        ("ruff", ["-m", "ruff", "check", "."]),
        ("ruff format", ["-m", "ruff", "format", "--check", "--quiet", "."]),
        ("layers", ["-m", "host_tools.lint"]),
    ),
    "gen-check": (
        ("tables and slots", ["-m", "host_tools.exi_gen", "check"]),
        ("state diagram", ["-m", "host_tools.diagram", "--check"]),
    ),
}


def main(names):
    failed = False
    for name in names:
        for title, arguments in CHECKS[name]:
            done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
            print("%-18s %s" % (title, "FAILED" if done.returncode else "ok"), flush=True)
            if done.returncode:
                failed = True
                print((done.stdout + done.stderr).rstrip(), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(CHECKS)))
