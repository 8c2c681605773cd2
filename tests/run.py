"""Run test modules on CPython and on the MicroPython images, which are brought up to date first.

    python tests/run.py [--runtime cpython|unix|unix32|m3|all] [--fast] [-k PART] [FILE or FOLDER
    ...]

A test file is a plain module with `def test_…()` functions and asserts. What it prints as `NOTE
text` is shown. It may set, at its top level:

    RUNTIMES = ("cpython", "unix")   where it can run (default: everywhere)
    SLOW = True                      leave it out of --fast
    HEAP_KB = 2000                   heap on MicroPython (default: 200 on unix32, as a microcontroller has; 2000 on unix)
    WAITS = True                     it waits for the clock and hardly computes: runs beside the others
    TIMEOUT_S = 300                  it is ended after that (default 600)
    BARE = "why not"                 leave it out of m3 for this reason; True: it is SLOW, and yet runs there
    BARE_HEAP_KB = 400               heap on m3 (default 200): tests are frozen there, so they need less than HEAP_KB
    BARE_STACK_KB = 8                stack on m3 (default 16)

`all` is cpython, unix and unix32. m3 is an emulated Cortex-M3 without an operating system (boards/qemu_m3, tests/lib/qemu.py):
what runs on unix32 runs there too, but for modules that import one of an operating system's, and slow ones. They are listed
with the reason. What is repeated thousands of times elsewhere is repeated less there (tests/lib/amount.py).

Each line shows seconds by the clock, and in brackets those of the processor: these are the same on
a busy machine. The modules that cost most begin first (tests/seconds.json, written by --record).

The last line is `N passed, N failed, N skipped`; the exit status is 1 if anything failed or nothing
ran.
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from tests.lib import closure, costs, qemu

FOLDERS = ("unit", "golden", "fuzz", "mem", "sim")
RUNTIMES = ("cpython", "unix", "unix32")
BARE = "m3"
IMAGES = {
    "unix": "unix",
    "unix32": "mcu32",
    BARE: "qemu_m3",
}  # runtime -> step of host_tools/building/build.py, folder below build/
HEAP_KB = {"unix": 2000, "unix32": 200}
TIMEOUT_S = 600  # a guard against hanging: a machine with a load of ten must not reach it
WAITING = 3  # modules that wait, side by side; the others leave them the processor
SLOWER = {BARE: 10}  # times TIMEOUT_S: the machine is emulated
FILES = ROOT / "build" / "test32-files"
RUNNER = ROOT / "tests" / "lib" / "runner.py"


_NICE = ["nice"] if shutil.which("nice") else []


class Module:
    """A test file and what it says of itself."""

    def __init__(self, path):
        self.folder = ROOT if ROOT in path.parents else path.parent
        self.name = ".".join(path.relative_to(self.folder).with_suffix("").parts)
        self.path = path
        self.options = closure.options(path)

    def left_out(self, runtime):
        """Why it does not run there, or None. What says so by its RUNTIMES needs no word where the
        others run."""
        if runtime != BARE:
            return None if runtime in self.options.get("RUNTIMES", RUNTIMES) else ""
        return closure.verdict(self.path, self.name, self.folder)

    def command(self, runtime, part):
        tail = [str(RUNNER), str(ROOT), str(self.folder), self.name, part]
        if runtime == "cpython":
            return [*([] if self.options.get("WAITS") else _NICE), sys.executable, *tail]
        if runtime == BARE:
            strange = [] if self.folder == ROOT else [self.path]
            files = qemu.write_files(FILES / (self.path.stem + ".romfs"), strange) if strange else FILES / "tests.romfs"
            heap = self.options.get("BARE_HEAP_KB", qemu.HEAP_KB)
            return qemu.command((self.name, part), files, heap, self.options.get("BARE_STACK_KB", qemu.STACK_KB))
        heap = self.options.get("HEAP_KB", HEAP_KB[runtime])
        return [*_NICE, str(ROOT / "build" / IMAGES[runtime] / "micropython"), "-X", "heapsize=%dk" % heap, *tail]


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def line(self):
        return "%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped)


# -- what a failure shows


def _source(path, number):
    """(path as shown, source line) of a frame of a traceback, or None. Frozen files have names
    relative to the root."""
    for base in (ROOT, ROOT / "boards" / "unix", ROOT / "boards" / "common", ROOT / "host_tools"):
        file = base / path
        if file.is_file():
            lines = file.read_text(errors="replace").splitlines()
            shown = file.relative_to(ROOT) if ROOT in file.parents else file
            return str(shown), lines[number - 1].strip() if number <= len(lines) else ""
    return None


def explain(trace):
    """(`file:line: source` of the failing line of the test, the traceback with its source lines).

    MicroPython's tracebacks come without source. Frames of the runner and of the helpers say
    nothing: left out.
    """
    where, out, dull = "", [], False
    lines = trace.rstrip().splitlines()
    for line, after in zip(lines, [*lines[1:], ""]):
        frame = re.match(r'  File "([^"]+)", line (\d+)', line)
        if frame:
            dull = frame[1].endswith(("tests/lib/runner.py", "tests/lib/mtest.py")) or frame[1].startswith("<frozen ")
            if dull:
                continue
            found = _source(frame[1], int(frame[2]))
            if found and Path(frame[1]).name.startswith("test_"):
                where = "%s:%s: %s" % (found[0], frame[2], found[1])
            out.append(line)
            if found and not after.startswith("    "):
                out.append("    " + found[1])
        elif not (dull and line.startswith("    ")):
            out.append(line)
    return where, "\n".join(out)


def _indent(text):
    return "\n".join("      " + line for line in text.rstrip().splitlines())


# -- running


class _Limit(threading.Thread):
    """Ends a process at its time, and on a busy machine as much later as the processor has more to
    do than it can: interrupted first, for a traceback that shows where it was (the emulator has its
    Ctrl-C on the serial line), then killed with its children. `late` says that it came to that."""

    def __init__(self, process, limit_s, emulated):
        super().__init__(daemon=True)
        self.late = False
        self._process = process
        self._limit_s = limit_s
        self._emulated = emulated
        self.over = threading.Event()  # nobody writes to its output any more

    def run(self):
        if self.over.wait(self._limit_s):
            return
        busy = os.getloadavg()[0] / (os.cpu_count() or 1)
        if busy > 1 and self.over.wait(self._limit_s * (busy - 1)):
            return
        self.late = True
        with contextlib.suppress(OSError):
            if self._emulated:
                self._process.stdin.write(b"\x03")
                self._process.stdin.flush()
            else:
                os.kill(self._process.pid, signal.SIGINT)
        self.over.wait(1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _execute(command, limit_s):
    """(output, ended for its time, seconds of processor) of a process and of the children that it
    has waited for."""
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    emulated = command[0].startswith("qemu")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT / "build", env=env, start_new_session=True,
        stdin=subprocess.PIPE if emulated else subprocess.DEVNULL,
    )  # fmt: skip
    limit = _Limit(process, limit_s, emulated)
    limit.start()
    out = process.stdout.read()
    process.stdout.close()
    limit.over.set()
    limit.join()
    # Not process.wait(): that does not say what the process has used.
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if emulated:
        with contextlib.suppress(OSError):
            process.stdin.close()
    return out.decode(errors="replace"), limit.late, used.ru_utime + used.ru_stime


def run(module, runtime, part):
    """(seconds, of the processor, passed, failed, skipped, text to show) of one module on one
    runtime."""
    begin = time.monotonic()
    limit = module.options.get("TIMEOUT_S", TIMEOUT_S) * SLOWER.get(runtime, 1)
    out, hung, cpu_s = _execute(module.command(runtime, part), limit)
    out = out.replace("\r\n", "\n").replace('"/modules/', '"%s/' % module.folder)
    passed, skips = re.findall("^PASS (.*)", out, re.M), re.findall("^SKIP (.*)", out, re.M)
    shown = ["  skipped: " + text for text in skips] + ["  " + text for text in re.findall("^NOTE (.*)", out, re.M)]
    failures = re.split("^FAIL ", out, flags=re.M)[1:]
    title = "  FAIL %s [%s] " % (module.name, runtime)
    for text in failures:
        name, _, trace = re.split("^(?:PASS|SKIP|RUN|END)", text, flags=re.M)[0].partition("\n")
        where, trace = explain(trace)
        shown.append("%s%s\n    %s\n%s" % (title, name, where, _indent(trace)))
    failed = len(failures)
    if not re.search("^END", out, re.M):
        failed += 1
        during = re.findall("^RUN (.*)", out, re.M)
        why = "ended after its time of %d s" % limit if hung else "the interpreter died"
        said = [line for line in out.splitlines() if not line.startswith(("RUN ", "PASS ", "SKIP "))]
        where, last = explain("\n".join(said[-25:]))
        shown.append("%s%s, in %s\n    %s\n%s" % (title, why, during[-1] if during else "import", where, _indent(last)))
    elif not (passed or failed or skips or part):
        failed = 1
        shown.append(title + "holds no test")
    return time.monotonic() - begin, cpu_s, len(passed), failed, len(skips), "\n".join(shown)


def find(paths):
    files = []
    folders = [ROOT / "tests" / folder for folder in FOLDERS]
    for path in [Path(p).resolve() for p in paths] or [folder for folder in folders if folder.is_dir()]:
        if not path.exists():
            sys.exit("no such test file: %s" % path)
        files += sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
    return [Module(path) for path in files]


def left_out(reasons):
    """Print what could have run but for its reason: {(module, runtime): reason or None}."""
    for (module, runtime), reason in reasons.items():
        if reason:
            print("%-44s %-8s left out: %s" % (module.name, runtime, reason))


def _checks(total):
    from host_tools.checks import suite

    for title, ok, text, seconds in suite.results(suite.CHECKS):
        total.add(ok, not ok, 0)
        print("%-58s %-4s %.1f s" % (title, "ok" if ok else "FAILED", seconds), flush=True)
        if text:
            print(_indent(text), flush=True)


def _certificates():
    """Certificates of the TLS tests, made once for a state of the script that makes them; none is
    ever committed."""
    from host_tools.building import step

    script, name = ROOT / "tests" / "lib" / "certificates.sh", "test-certs"
    stamp = step.stamp_of(script)
    if shutil.which("openssl") and not step.fresh(name, stamp):
        shutil.rmtree(ROOT / "build" / name, ignore_errors=True)
        subprocess.run(["sh", str(script), str(ROOT / "build" / name)], check=True)
        step.done(name, stamp)


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="FILE")
    parser.add_argument("--runtime", choices=(*RUNTIMES, BARE, "all"), default="all")
    parser.add_argument("--fast", action="store_true", help="CPython and the 64-bit image, without slow modules")
    parser.add_argument("-k", default="", metavar="PART", help="only tests whose name contains PART")
    parser.add_argument("--checks", action="store_true", help="lint and gen-check first; each counts as a test")
    parser.add_argument("--no-build", action="store_true", help="take the images as they are")
    parser.add_argument("--record", action="store_true", help="write what the modules cost into tests/seconds.json")
    return parser.parse_args()


def main():
    # Started in the background by a shell, this process and all below it would ignore what tests
    # send to others.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    args = _arguments()
    runtimes = RUNTIMES if args.runtime == "all" else (args.runtime,)
    if args.fast and args.runtime == "all":
        runtimes = ("cpython", "unix")
    modules = [m for m in find(args.paths) if not (args.fast and m.options.get("SLOW"))]
    reasons = {(m, r): m.left_out(r) for m in modules for r in runtimes}
    jobs = [job for job, reason in reasons.items() if reason is None]
    # The long ones first: nobody waits for the last one alone.
    table = costs.load()
    jobs.sort(key=lambda job: -costs.expected(table, job[0].name, job[1], job[0].options.get("SLOW")))
    images = sorted({IMAGES[r] for _, r in jobs if r in IMAGES})
    if images and not args.no_build:
        # The frozen modules are tested: an old image would test old code.
        built = subprocess.run([sys.executable, str(ROOT / "host_tools" / "building" / "build.py"), *images])
        if built.returncode:
            return built.returncode
    (ROOT / "build").mkdir(exist_ok=True)
    _certificates()
    if BARE in runtimes:
        qemu.write_files(FILES / "tests.romfs")
        left_out(reasons)
    totals = {r: Count() for r in runtimes}
    total = Count()
    if args.checks:
        _checks(total)
    pool, waiting = ThreadPoolExecutor(os.cpu_count() or 1), ThreadPoolExecutor(WAITING)
    running = {(waiting if job[0].options.get("WAITS") else pool).submit(run, *job, args.k): job for job in jobs}
    measured = {}
    try:
        for done in as_completed(running):
            module, runtime = running[done]
            clock_s, cpu_s, passed, failed, skipped, shown = done.result()
            measured[module.name, runtime] = clock_s if module.options.get("WAITS") else cpu_s
            totals[runtime].add(passed, failed, skipped)
            total.add(passed, failed, skipped)
            if passed + failed + skipped:
                mark = "FAILED" if failed else "ok"
                print(
                    "%-44s %-8s %4d %-6s %5.1f s (%.1f)" % (module.name, runtime, passed, mark, clock_s, cpu_s),
                    flush=True,
                )
            if shown:
                print(shown, flush=True)
    except KeyboardInterrupt:
        print("stopped; what is running comes to its end", file=sys.stderr)
        pool.shutdown(wait=False, cancel_futures=True)
        waiting.shutdown(cancel_futures=True)
        pool.shutdown()
        return 130
    if args.record:
        names = [closure.name_of(path) for path in closure.test_files((*FOLDERS, "emu"))]
        costs.record(measured, there=names)
    for runtime in runtimes:
        print("%s: %s" % (runtime, totals[runtime].line()))
    print(total.line())
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
