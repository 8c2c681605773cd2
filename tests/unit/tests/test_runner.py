"""tests/run.py itself: it must name the failing line, count right, and end what hangs. Host only."""

import subprocess
import sys
import tempfile
from pathlib import Path

from host_tools.root import ROOT
from tests import run
from tests.lib.mtest import eq, raises, skip

RUNTIMES = ("cpython",)  # starts the others


def runner(source, *options):
    """(exit status, output) of the runner over one file with this source, on all runtimes whose image is there."""
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


def test_options_of_a_file():
    status, text = runner('RUNTIMES = ("cpython",)\ndef test_a():\n    pass\ndef test_b():\n    pass\n', "-k", "_b")
    eq((status, text.splitlines()[-1]), (0, "1 passed, 0 failed, 0 skipped"))
    status, text = runner("SLOW = True\ndef test_a():\n    pass\n", "--fast", "--runtime", "cpython")
    eq((status, text.splitlines()[-1]), (1, "0 passed, 0 failed, 0 skipped"))  # nothing ran: that is not a success
