"""The command line `microv2g`. Each subcommand is a module of commands/ with register(subparsers)."""

import argparse
import importlib
import importlib.util
import os
import sys

from host_tools.root import ROOT

COMMANDS = (
    "demo", "secc", "ev", "exi", "report", "pki", "bench", "size", "emu",
    "flash", "deploy", "selftest", "repl", "monitor", "status", "setpoint", "config", "clock", "log", "trace",
    "replay",
)  # fmt: skip

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
        if importlib.util.find_spec(
            "host_tools.commands." + name
        ):  # a command that is not there must not break the others
            importlib.import_module("host_tools.commands." + name).register(subparsers)
    return top


def _paths():
    """The firmware's modules import `micropython`, `board` and `twin`; on CPython these stand in for them."""
    root = str(ROOT)
    boards = os.path.join(root, "boards")
    for path in (
        os.path.join(boards, "common"), os.path.join(boards, "unix"), os.path.join(root, "host_tools", "shim"), root,
    ):  # fmt: skip
        if path not in sys.path:
            sys.path.insert(0, path)
    tools = os.path.join(root, "host_tools")  # `twin`; last, so that no tool is taken for a library
    if tools not in sys.path:
        sys.path.append(tools)


def main(argv=None):
    _paths()
    args = parser().parse_args(argv)
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
        print("microv2g: %s: %s (MICROV2G_DEBUG=1 shows where)" % (type(error).__name__, error), file=sys.stderr)
        return 1
