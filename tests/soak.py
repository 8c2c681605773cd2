"""python -m tests.soak [PART ...] [--seed N] [--times X] | --list

What is repeated for longer than `make test` has time for: the same test files, with the amounts of
a soak (tests/lib/amount.py). Prints the first seed, a line for each tenth of a file, and how a
failure is repeated. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from tests.run import IMAGES, Module

# part -> (what it is, [(file, runtimes)]). Minutes of each: docs/testing.md.
PARTS = {
    "plug-ins": ("ten thousand plug-ins in one process", [("sim/test_plug_ins_many.py", ("unix32",))]),
    "frames": (
        "mutated frames of a good run, with everything that takes bytes",
        [("fuzz/test_rx_fuzz.py", ("cpython", "unix32")), ("fuzz/test_net_fuzz.py", ("cpython", "unix32"))],
    ),
    "line": (
        "the modem's bus, and the messages of matching",
        [("fuzz/test_qca_fuzz.py", ("unix32",)), ("fuzz/test_slac_fuzz.py", ("unix32",))],
    ),
    "walks": (
        "a hundred thousand actions of cars, operator, grid and failing stages",
        [("sim/test_walks.py", ("cpython",))],
    ),
    "exi": (
        "hostile EXI: every bit of two hundred messages, half a million random inputs",
        [("fuzz/test_exi_hostile.py", ("cpython", "unix", "unix32"))],
    ),
}
_shown = threading.Lock()


def _say(text):
    with _shown:
        print(text, flush=True)


def run(module, runtime, seed, times):
    """(passed, failed, skipped) of one file on one runtime; its lines are shown as they come."""
    title = "%s [%s]" % (module.name.split(".")[-1], runtime)
    begin = time.monotonic()
    env = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONDONTWRITEBYTECODE="1", SEED=str(seed), SOAK_TIMES=str(times))
    process = subprocess.Popen(
        module.command(runtime, ""), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        cwd=ROOT / "build", env=env, text=True, errors="replace",
    )  # fmt: skip
    count = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    test, over = "import", False
    for line in process.stdout:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "RUN":
            test = rest
        elif word == "END":
            over = True
        elif word == "NOTE":
            _say("%5.0f s  %s %s: %s" % (time.monotonic() - begin, title, test, rest))
        elif word in count:
            count[word] += 1
            _say("%5.0f s  %s %s %s" % (time.monotonic() - begin, title, word, rest))
            if word == "FAIL":
                name = module.path.relative_to(ROOT)
                _say(
                    "         again, with the SEED=N of the NOTE above: SOAK_TIMES=%g SEED=N build/venv/bin/python tests/run.py %s"
                    % (times, name)
                )
        else:
            _say("         " + line.rstrip("\n"))  # of a traceback
    status = process.wait()
    if not over:
        _say(
            "%5.0f s  %s FAIL in %s: the interpreter died, status %d" % (time.monotonic() - begin, title, test, status)
        )
        count["FAIL"] += 1
    return count["PASS"], count["FAIL"], count["SKIP"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="%s (default: all)" % ", ".join(PARTS))
    parser.add_argument(
        "--seed",
        type=int,
        default=os.environ.get("SEED") or random.randrange(1, 10**6),
        help="the first (default: any, or SEED)",
    )
    parser.add_argument("--times", type=float, default=1.0, metavar="X", help="so many times as long (default 1)")
    parser.add_argument("--list", action="store_true", help="show the parts")
    args = parser.parse_args()
    unknown = [part for part in args.parts if part not in PARTS]
    if unknown or args.list:
        print("\n".join("%-10s %s" % (part, what) for part, (what, _) in PARTS.items()))
        if unknown:
            print("soak: there is no part %s" % ", ".join(unknown), file=sys.stderr)
        return 2 if unknown else 0
    jobs = [
        (Module(ROOT / "tests" / file), runtime)
        for part in args.parts or PARTS
        for file, runtimes in PARTS[part][1]
        for runtime in runtimes
    ]
    images = sorted({IMAGES[runtime] for _, runtime in jobs if runtime in IMAGES})
    if images and subprocess.run([sys.executable, str(ROOT / "host_tools/building/build.py"), *images]).returncode:
        return 1
    print("first seed %d, %g times the usual length; %d files" % (args.seed, args.times, len(jobs)), flush=True)
    total = [0, 0, 0]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done in as_completed([pool.submit(run, *job, args.seed, args.times) for job in jobs]):
            total = [a + b for a, b in zip(total, done.result())]
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
