"""The fuzz of everything that takes bytes, for as long as one likes: on CPython and on the 32-bit image at once.

    python -m tests.fuzz.long --minutes 10 [--seed N]

The minutes are CPU of both together, as far as the machine is free. Exit status 1 if anything failed.
"""

import argparse
import os
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RUNTIMES = ("cpython", "unix32")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1, 10**6), help="the first; default: any")
    args = parser.parse_args()
    print("first seed %d" % args.seed, flush=True)
    seconds = args.minutes * 60 / len(RUNTIMES)
    env = dict(os.environ, FUZZ_SECONDS=str(seconds), FUZZ_SEED=str(args.seed))
    command = [sys.executable, str(ROOT / "tests" / "run.py"), str(ROOT / "tests" / "fuzz" / "test_rx_fuzz.py")]
    subprocess.run([sys.executable, str(ROOT / "host_tools" / "building" / "build.py"), "mcu32"], check=True)
    runs = [subprocess.Popen([*command, "--no-build", "--runtime", runtime], env=env) for runtime in RUNTIMES]
    return 1 if any([run.wait() for run in runs]) else 0


if __name__ == "__main__":
    sys.exit(main())
