"""`microv2g clock`: the clock of a station, which judges certificates."""

import argparse
import json
import time

from host_tools.board.port import cli


def register(subparsers):
    p = subparsers.add_parser(
        "clock",
        help="show or set the clock of a station at a serial port",
        description="How far the clock of a board is off; --set sets it from this computer. A board without a battery forgets it at "
        "power-on; until it is set, no certificate counts as not valid yet (docs/tls.md).",
        epilog="examples:\n  microv2g clock\n  microv2g clock --set --port /dev/ttyUSB0\n" + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--set", action="store_true", help="set it from the clock of this computer")
    cli.add_options(p, json=True)
    p.set_defaults(func=run)


def run(args):
    return cli.guarded("clock", lambda: ask(args))


def ask(args):
    with cli.connect(args, start=True) as station:
        if args.set:
            station.ask("clock %d" % time.time())
        at = int(station.ask("clock")[-1].split("=")[1])
    off_s = at - int(time.time())
    if args.json:
        print(json.dumps({"unix_s": at, "off_s": off_s}))
    else:
        print(
            time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at)) + ("" if abs(off_s) < 3 else f", {off_s:+d} s off")
        )
    return 0
