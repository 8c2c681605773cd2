"""Run test modules on CPython and on the MicroPython images.

    python tests/run.py [--runtime cpython|unix|unix32|all] [--fast] [-k PART] [FILE ...]

A test file is a plain module with `def test_…()` functions and asserts. It may set, at its top level:

    RUNTIMES = ("cpython", "unix")   where it can run (default: all three)
    SLOW = True                      leave it out of --fast
    HEAP_KB = 2000                   heap on MicroPython (default: 200 on unix32, as a microcontroller has; 2000 on unix)
    TIMEOUT_S = 300                  it is ended after that (default 120)
"""

import argparse
import ast
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("unit", "golden", "fuzz", "sim", "mem")
RUNTIMES = ("cpython", "unix", "unix32")
BINARIES = {"unix": "build/unix/micropython", "unix32": "build/mcu32/micropython"}
HEAP_KB = {"unix": 2000, "unix32": 200}
RUNNER = "tests/lib/runner.py"


class Module:
    """A test file and what it says of itself."""

    def __init__(self, path):
        self.path = path
        self.name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        self.options = {}
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name in ("RUNTIMES", "SLOW", "HEAP_KB", "TIMEOUT_S"):
                    self.options[name] = ast.literal_eval(node.value)

    def command(self, runtime, part):
        tail = [str(ROOT / RUNNER), str(ROOT), self.name, *([part] if part else [])]
        if runtime == "cpython":
            return [sys.executable, *tail]
        heap = self.options.get("HEAP_KB", HEAP_KB[runtime])
        return [str(ROOT / BINARIES[runtime]), "-X", "heapsize=%dk" % heap, *tail]


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def line(self):
        return "%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped)


def where(trace):
    """`file:line: source` of the innermost frame of a traceback that lies in the project."""
    found = ""
    for path, number in re.findall(r'File "([^"]+)", line (\d+)', trace):
        file = Path(path) if os.path.isabs(path) else ROOT / path
        if file.is_file() and ROOT in file.parents and file.name != "runner.py":
            lines = file.read_text().splitlines()
            if int(number) <= len(lines):
                found = "%s:%s: %s" % (file.relative_to(ROOT), number, lines[int(number) - 1].strip())
    return found


def run(module, runtime, part):
    """(seconds, passed, failed, skipped, text to show) of one module on one runtime."""
    begin = time.monotonic()
    limit = module.options.get("TIMEOUT_S", 120)
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    hung = ""
    try:
        done = subprocess.run(
            module.command(runtime, part), capture_output=True, timeout=limit, cwd=ROOT / "build", env=env,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        out = (done.stdout + done.stderr).decode(errors="replace")
    except subprocess.TimeoutExpired as expired:
        out = (expired.stdout or b"").decode(errors="replace")
        hung = "ended after %d s" % limit
    passed, skipped = len(re.findall("^PASS ", out, re.M)), len(re.findall("^SKIP ", out, re.M))
    failures = re.split("^FAIL ", out, flags=re.M)[1:]
    shown = []
    for text in failures:
        text = re.split("^(?:PASS|SKIP|END)", text, flags=re.M)[0]
        name, _, trace = text.partition("\n")
        shown.append("  FAIL %s [%s] %s\n    %s\n%s" % (module.name, runtime, name, where(trace), _indent(trace)))
    failed = len(failures)
    if "\nEND" not in out and not out.startswith("END") and not (failures and failures[0].startswith("import")):
        failed += 1
        last = re.findall("^(?:PASS|SKIP) (\\S+)", out, re.M)
        shown.append(
            "  FAIL %s [%s] died behind %s %s\n%s"
            % (module.name, runtime, last[-1] if last else "its start", hung, _indent(out[-1500:]))
        )
    return time.monotonic() - begin, passed, failed, skipped, "\n".join(shown)


def _indent(text):
    return "\n".join("      " + line for line in text.rstrip().splitlines())


def find(paths):
    files = [Path(p).resolve() for p in paths]
    if not files:
        for folder in FOLDERS:
            files += sorted((ROOT / "tests" / folder).glob("test_*.py"))
    return [Module(path) for path in files]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="FILE")
    parser.add_argument("--runtime", choices=(*RUNTIMES, "all"), default="all")
    parser.add_argument("--fast", action="store_true", help="CPython and the 64-bit image, without slow modules")
    parser.add_argument("-k", default="", metavar="PART", help="only tests whose name contains PART")
    args = parser.parse_args()
    runtimes = RUNTIMES if args.runtime == "all" else (args.runtime,)
    if args.fast and args.runtime == "all":
        runtimes = ("cpython", "unix")
    for runtime in runtimes:
        if runtime in BINARIES and not (ROOT / BINARIES[runtime]).exists():
            sys.exit("%s is missing: run `make firmware-unix`" % BINARIES[runtime])
    (ROOT / "build").mkdir(exist_ok=True)
    jobs = []
    for module in find(args.paths):
        if args.fast and module.options.get("SLOW"):
            continue
        jobs += [(module, r) for r in runtimes if r in module.options.get("RUNTIMES", RUNTIMES)]
    total = Count()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = [(job, pool.submit(run, *job, args.k)) for job in jobs]
        for (module, runtime), result in results:
            seconds, passed, failed, skipped, shown = result.result()
            total.passed += passed
            total.failed += failed
            total.skipped += skipped
            if passed + failed + skipped or not args.k:
                mark = "FAILED" if failed else "ok"
                print("%-44s %-8s %4d %s %.1f s" % (module.name, runtime, passed, mark, seconds), flush=True)
            if shown:
                print(shown, flush=True)
    print(total.line())
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
