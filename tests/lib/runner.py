"""Run the tests of one module inside an interpreter: runner.py ROOT FOLDER MODULE NAME-PART, or
run(MODULE, NAME-PART) on an image that has no command line.

Prints `RUN name`, then `PASS name`, `SKIP name: reason` or `FAIL name` with the traceback, and
`END` behind the last; the host part is tests/run.py. On MicroPython the modules of the firmware
come from the image, the tests from the file system, or from the image too.
"""

import gc
import sys

# Modules of an operating system: a test that asks for one is no test of a bare image
# (tests/lib/closure.py HOSTED).
_HOSTED = ("signal", "socket", "ssl", "subprocess", "tempfile", "threading")

_COLLECT = 4000  # bytes


def _paths(root, folder):
    if sys.implementation.name == "micropython":
        sys.path[:] = [".frozen", root, folder]
        return
    sys.path[:1] = [root, folder, root + "/host_tools/shim", root + "/boards/unix", root + "/boards/common"]
    # For `twin`; last, so that nothing else of it is taken for a module of its own.
    sys.path.append(root + "/host_tools")


def show(error):
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, sys.stdout)
    else:
        import traceback

        traceback.print_exception(error, file=sys.stdout)


def _lacks(error):
    """The module of an operating system that a bare image does not have, or None."""
    if sys.platform == "qemu" and isinstance(error, ImportError):
        for name in _HOSTED:
            if str(error) == "no module named '%s'" % name:
                return name
    return None


def _failed(name, error):
    """What a test, or the import of all, ended with."""
    from tests.lib.mtest import Skip

    lack = _lacks(error)
    if isinstance(error, Skip):
        print("SKIP %s: %s" % (name, error))
    elif lack:
        print("SKIP %s: needs %s" % (name, lack))
    else:
        print("FAIL", name)
        show(error)


def run(module, part):
    """Run the tests of `module` whose names contain `part`."""
    gc.collect()
    if hasattr(
        gc, "threshold"
    ):  # collected often while all is imported, a small heap stays in one piece (firmware/main.py)
        gc.threshold(_COLLECT)
    try:
        # Not by a function between: each import inside of an import takes C stack, and the 32-bit
        # image has little.
        __import__(module)
    except (Exception, SystemExit) as error:
        _failed("import", error)
        print("END")
        return
    module = sys.modules[module]
    for name in sorted([name for name in dir(module) if name.startswith("test_") and part in name]):
        gc.collect()  # one test's garbage is not the next one's
        if hasattr(gc, "threshold"):
            gc.threshold(-1)
        print("RUN", name)
        try:
            getattr(module, name)()
        except (Exception, SystemExit) as error:
            _failed(name, error)
        else:
            print("PASS", name)
    print("END")


if __name__ == "__main__":
    _paths(sys.argv[1], sys.argv[2])
    run(sys.argv[3], sys.argv[4])
