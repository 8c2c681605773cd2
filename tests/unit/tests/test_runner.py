"""tests/run.py itself: it must name the failing line, count right, and end what hangs. Host
only."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from host_tools.root import ROOT
from tests import run
from tests.lib import closure, costs, qemu
from tests.lib.mtest import eq, raises, skip

RUNTIMES = ("cpython",)  # starts the others
WAITS = True  # for what hangs


def runner(source, *options):
    """(exit status, output) of the runner over one file with this source, on all runtimes whose
    image is there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test_sample.py"
        path.write_text(source)
        command = [sys.executable, str(ROOT / "tests" / "run.py"), "--no-build", *options, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr


def images():
    for name in ("unix", "mcu32"):
        if not (ROOT / "build" / name / "micropython").exists():
            skip("build/%s is not there" % name)


FAILING = """
from tests.lib.mtest import eq, skip

def test_pass():
    pass

def test_wrong():
    number = 3
    assert number == 4, "three is not four"

def test_helper():
    eq([1], [2])

def test_not_here():
    skip("no such thing here")
"""


def test_failing_line_is_named_on_every_runtime():
    images()
    status, text = runner(FAILING)
    eq(status, 1)
    for runtime in ("cpython", "unix", "unix32"):
        assert "FAIL test_sample [%s] test_wrong" % runtime in text, text
        assert runtime + ": 1 passed, 2 failed, 1 skipped" in text, text
    eq(text.count('test_sample.py:9: assert number == 4, "three is not four"'), 3)
    eq(text.count("AssertionError: three is not four"), 3)
    # A helper's own line helps nobody: the line of the test is shown.
    eq(text.count("test_sample.py:12: eq([1], [2])"), 3)
    eq(text.count("AssertionError: [1] != [2]"), 3)
    eq(text.count("skipped: test_not_here: no such thing here"), 3)
    eq(text.splitlines()[-1], "3 passed, 6 failed, 3 skipped")


def test_all_passed_is_exit_0():
    status, text = runner("def test_a():\n    pass\n", "--runtime", "cpython")
    eq((status, text.splitlines()[-1]), (0, "1 passed, 0 failed, 0 skipped"))


def test_hanging_test_is_ended_and_its_line_named():
    images()
    source = "TIMEOUT_S = 1\ndef test_a():\n    pass\ndef test_b():\n    while True:\n        pass\n"
    status, text = runner(source)
    eq(status, 1)
    eq(text.count("ended after its time of 1 s, in test_b"), 3)
    assert text.count("test_sample.py:5: while True:") + text.count("test_sample.py:6: pass") == 3, text
    eq(text.splitlines()[-1], "3 passed, 3 failed, 0 skipped")


def test_children_of_a_hanging_test_are_ended_too():
    # The child holds the output pipe: waiting for its end would take a minute.
    source = "import subprocess\nTIMEOUT_S = 1\ndef test_a():\n    subprocess.run(['sleep', '60'])\n"
    status, text = runner(source, "--runtime", "cpython")
    eq((status, text.splitlines()[-1]), (1, "0 passed, 1 failed, 0 skipped"))


def test_dead_interpreter_is_a_failure():
    source = "import os\ndef test_a():\n    pass\ndef test_b():\n    os._exit(0)\ndef test_c():\n    pass\n"
    status, text = runner(source, "--runtime", "cpython")
    eq(status, 1)
    assert "the interpreter died, in test_b" in text, text


def test_exit_of_a_test_is_a_failure():
    images()
    status, text = runner("import sys\ndef test_a():\n    sys.exit(0)\n")
    eq((status, text.splitlines()[-1]), (1, "0 passed, 3 failed, 0 skipped"))


def test_broken_file_is_a_failure():
    images()
    for source in ("import no_such_module\n", "def test_a(:\n", "x = 1\n"):
        status, text = runner(source)
        eq((source, status, text.splitlines()[-1]), (source, 1, "0 passed, 3 failed, 0 skipped"))


def test_memory_of_a_microcontroller():
    images()
    source = "def test_a():\n    bytearray(300000)\n"
    status, text = runner(source, "--runtime", "unix32")
    eq(status, 1)
    assert "MemoryError" in text, text
    eq(runner("HEAP_KB = 1000\n" + source, "--runtime", "unix32")[0], 0)


def test_folders_that_a_clone_lacks_are_left_out():
    saved, run.FOLDERS = run.FOLDERS, ("no_such_folder", "golden")
    try:
        names = [module.name for module in run.find([])]
    finally:
        run.FOLDERS = saved
    assert "tests.golden.test_corpus" in names, names
    error = raises(SystemExit, run.find, ["no/such/file.py"])
    assert "no/such/file.py" in str(error), error


def test_every_option_of_the_help_is_read():
    """WAITS was in the help for months and was never looked for: modules that wait kept a core from
    those that compute."""
    told = re.findall(r"^    ([A-Z_]+) = ", run.__doc__, re.M)
    eq(sorted(told), sorted(closure.OPTIONS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test_sample.py"
        path.write_text("".join("%s = 7\n" % name for name in told))
        eq(closure.options(path), dict.fromkeys(told, 7))


def test_modules_that_wait_leave_the_cores_to_the_others():
    """As many modules wait for a file as there are cores; the one that makes it still has its
    turn."""
    with tempfile.TemporaryDirectory() as folder:
        flag = Path(folder) / "flag"
        wait = "import os, time\nWAITS = True\nRUNTIMES = ('cpython',)\ndef test_a():\n    while not os.path.exists(%r):\n        time.sleep(0.01)\n"
        paths = [Path(folder) / ("test_wait%d.py" % number) for number in range(max(run.WAITING, os.cpu_count()))]
        for path in paths:
            path.write_text(wait % str(flag))
        paths.append(Path(folder) / "test_work.py")
        paths[-1].write_text("RUNTIMES = ('cpython',)\ndef test_a():\n    open(%r, 'w').close()\n" % str(flag))
        command = [sys.executable, str(ROOT / "tests" / "run.py"), "--no-build", *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        eq(done.stdout.splitlines()[-1], "%d passed, 0 failed, 0 skipped" % len(paths))


def test_what_costs_most_begins_first():
    table = {"tests.a": {"unix": 50.0}, "tests.b": {"cpython": 3.0, "unix": 9.0}}
    eq(costs.expected(table, "tests.a", "unix", False), 50.0)
    eq(costs.expected(table, "tests.b", "unix32", False), 9.0)  # not known there: as where it takes longest
    assert costs.expected(table, "tests.new", "unix", True) > 50 > costs.expected(table, "tests.new", "unix", False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seconds.json"
        costs.record({("tests.a", "unix"): 7.26, ("tests.a", "cpython"): 0.3, ("tests.gone", "unix"): 9.0}, path)
        costs.record({("tests.b", "unix"): 5.0}, path, ("tests.a", "tests.b"))
        eq(costs.load(path), {"tests.a": {"unix": 7.3}, "tests.b": {"unix": 5.0}})


def test_seconds_of_the_processor_are_those_of_the_work_and_not_of_the_wait():
    source = "import time\ndef test_a():\n    time.sleep(1)\n"
    _, text = runner(source, "--runtime", "cpython")
    cpu_s = float(re.search(r"\((\d+\.\d)\)$", text.splitlines()[0])[1])
    assert cpu_s < 0.9, text  # a second of sleep is not in it


def test_a_hanging_emulated_machine_is_ended_with_the_line_where_it_was():
    if not qemu.IMAGE.exists() or not shutil.which("qemu-system-arm"):
        skip("no image for the emulated Cortex-M3")
    saved, run.SLOWER = run.SLOWER, {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "test_sample.py"
            path.write_text("TIMEOUT_S = 5\ndef test_b():\n    while True:\n        pass\n")
            *_, failed, skipped, text = run.run(run.Module(path), run.BARE, "")
    finally:
        run.SLOWER = saved
    eq((failed, skipped), (1, 0))
    assert "ended after its time of 5 s, in test_b" in text and "KeyboardInterrupt" in text, text


def test_options_of_a_file():
    status, text = runner('RUNTIMES = ("cpython",)\ndef test_a():\n    pass\ndef test_b():\n    pass\n', "-k", "_b")
    eq((status, text.splitlines()[-1]), (0, "1 passed, 0 failed, 0 skipped"))
    status, text = runner("SLOW = True\ndef test_a():\n    pass\n", "--fast", "--runtime", "cpython")
    eq((status, text.splitlines()[-1]), (1, "0 passed, 0 failed, 0 skipped"))  # nothing ran: that is not a success
