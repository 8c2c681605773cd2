"""Run the tests of one module inside an interpreter: runner.py ROOT FOLDER MODULE NAME-PART.

Prints `RUN name`, then `PASS name`, `SKIP name: reason` or `FAIL name` with the traceback, and `END` behind the last;
the host part is tests/run.py. On MicroPython the modules of the firmware come from the image, the tests from the file
system.
"""

import gc
import sys

ROOT, FOLDER, MODULE, PART = sys.argv[1:]

if sys.implementation.name == "micropython":
    sys.path[:] = [".frozen", ROOT, FOLDER]
else:
    sys.path[:1] = [ROOT, FOLDER, ROOT + "/host_tools/shim", ROOT + "/boards/unix", ROOT + "/boards/common"]
    sys.path.append(
        ROOT + "/host_tools"
    )  # for `twin`; last, so that nothing else of it is taken for a module of its own


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
    except Skip as error:
        print("SKIP %s: %s" % (MODULE, error))
        print("END")
        return
    except (Exception, SystemExit) as error:
        print("FAIL import")
        show(error)
        print("END")
        return
    names = [name for name in dir(module) if name.startswith("test_") and PART in name]
    for name in sorted(names):
        gc.collect()  # one test's garbage is not the next one's
        print("RUN", name)
        try:
            getattr(module, name)()
        except Skip as error:
            print("SKIP %s: %s" % (name, error))
        except (Exception, SystemExit) as error:
            print("FAIL", name)
            show(error)
        else:
            print("PASS", name)
    print("END")


main()
