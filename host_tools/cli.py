"""The command line `microv2g`. Each subcommand is a module of commands/ with
register(subparsers)."""

import argparse
import importlib
import os
import sys

from host_tools.root import CHECKOUT, import_paths

COMMANDS = (
    "demo", "secc", "ev", "exi", "report", "pki", "bench", "size", "emu",
    "flash", "deploy", "selftest", "repl", "monitor", "status", "authorize", "setpoint", "schedule", "config", "clock", "log", "trace",
    "replay", "stage",
)  # fmt: skip

# Commands that build or measure images -> what they need of a checkout.
OF_A_CHECKOUT = {
    "bench": "it measures the images that make bench builds",
    "size": "it measures the images that make firmware builds, against the budget committed there",
    "emu": "it runs the image of make firmware BOARD=rpi_pico in the emulator that make emu installs",
}
BROKEN = {}  # command -> the exception of its import

_EPILOG = """examples:
  microv2g demo                                    simulated car and station over loopback, with a report
  microv2g secc --iface veth0 --setpoint 5000      run the station firmware on a network interface
  microv2g ev --iface veth1 --service DC_BPT       run the simulated car against any station
  echo 0x8002 8008042624ae4790371b4d8d8908ad8062 | microv2g exi decode      look into a captured message

`microv2g COMMAND --help` tells more of each."""


def parser():
    top = argparse.ArgumentParser(
        prog="microv2g",
        description="Host tools of microv2g, the ISO 15118-20 bidirectional charging firmware.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        try:
            importlib.import_module("host_tools.commands." + name).register(subparsers)
        except Exception as error:  # the others work
            BROKEN[name] = error
            if name not in subparsers.choices:
                subparsers.add_parser(name, help="CANNOT BE LOADED: " + _said(error).replace("%", "%%"))
    return top


def _said(error):
    return "%s: %s" % (type(error).__name__, error)


def main(argv=None):
    import_paths()
    argv = sys.argv[1:] if argv is None else argv
    top = parser()
    if argv and argv[0] in BROKEN:
        error = BROKEN[argv[0]]
        if os.environ.get("MICROV2G_DEBUG"):
            raise error
        print(
            "microv2g %s: cannot be loaded: %s (MICROV2G_DEBUG=1 shows where)" % (argv[0], _said(error)),
            file=sys.stderr,
        )
        return 1
    args = top.parse_args(argv)
    if not CHECKOUT and args.command in OF_A_CHECKOUT:
        why = OF_A_CHECKOUT[args.command]
        print("microv2g %s: needs a checkout of microv2g: %s" % (args.command, why), file=sys.stderr)
        return 2
    try:
        return args.func(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        if os.environ.get("MICROV2G_DEBUG"):
            raise
        print("microv2g: %s (MICROV2G_DEBUG=1 shows where)" % _said(error), file=sys.stderr)
        return 1
