"""Run the tests of one module inside an interpreter: runner.py ROOT MODULE [NAME-PART].

Prints `PASS name`, `SKIP name reason` or `FAIL name` with the traceback; the host part is tests/run.py. On MicroPython
the modules of the firmware come from the image, the tests from the file system.
"""

import gc
import sys

ROOT, MODULE = sys.argv[1], sys.argv[2]
PART = sys.argv[3] if len(sys.argv) > 3 else ""

if sys.implementation.name == "micropython":
    sys.path[:] = [".frozen", ROOT]
else:
    sys.path[:0] = [ROOT, ROOT + "/host_tools/shim", ROOT + "/boards/unix"]


def show(error):
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, sys.stdout)
    else:
        import traceback

        traceback.print_exception(error, file=sys.stdout)


def main():
    from tests.lib.mtest import Skip

    try:
        __import__(MODULE)
        module = sys.modules[MODULE]
    except Exception as error:
        print("FAIL import")
        show(error)
        return
    names = [name for name in dir(module) if name.startswith("test_") and PART in name]
    for name in sorted(names):
        gc.collect()  # one test's garbage is not the next one's
        try:
            getattr(module, name)()
        except Skip as error:
            print("SKIP", name, error)
        except Exception as error:
            print("FAIL", name)
            show(error)
        else:
            print("PASS", name)
    print("END")


main()
