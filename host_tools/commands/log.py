"""`microv2g log`: notes, errors and transitions of a station."""

import argparse
import json
import re
import sys

from host_tools.board.port import cli

_UNITS = {"s": 1, "m": 60, "h": 3600, "": 1}


def since(text):
    """ "90", "90s", "10m", "2h" or "all" -> seconds, None for all."""
    if text == "all":
        return None
    found = re.fullmatch(r"(\d+)([smh]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r}: write 90s, 10m, 2h or all")
    return int(found[1]) * _UNITS[found[2]]


def register(subparsers):
    p = subparsers.add_parser(
        "log",
        help="follow notes and errors of a station at a serial port",
        description="What the station notes: errors, transitions, connections, matching. First what it has kept, then what comes, until Ctrl-C.",
        epilog="examples:\n  microv2g log\n  microv2g log --since 10m --no-follow\n  microv2g log --since 0s --json >> station.jsonl\n"
        + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "--since",
        type=since,
        default=None,
        metavar="TIME",
        help="of what is kept, the last 90s, 10m, 2h (default: all)",
    )
    p.add_argument("--no-follow", action="store_true", help="end after what is kept")
    p.add_argument("--errors", action="store_true", help="errors only")
    cli.add_options(p, json=True)
    p.set_defaults(func=run)


def run(args):
    return cli.guarded("log", lambda: follow(args))


def follow(args, stop=lambda: False):
    from host_tools.board.port import words
    from host_tools.recordings import oneline
    from host_tools.station.process import Decoder

    def show(line):
        record = decoder.record(line)
        if "error" not in record and (args.errors or not {"note", "change"} & set(record)):
            return
        if args.since is not None and record["t_ms"] < first_ms:
            return
        if args.json:
            print(json.dumps(record), flush=True)
        else:
            text = "ERROR " + record["error"] if "error" in record else oneline.event(record)
            print(f"{record['t_ms'] / 1000:10.3f}  {text}", flush=True)

    decoder = Decoder()
    with cli.connect(args) as station:
        now_ms = words.fields(station.ask("info"))["uptime_s"] * 1000
        first_ms = now_ms - (args.since or 0) * 1000
        for line in station.ask("trace", 5):
            show(line)
        if args.no_follow:
            return 0
        print("-- from here on as it happens; Ctrl-C ends", file=sys.stderr, flush=True)
        for line in station.stream(stop):
            if line and not line.startswith("READY"):
                show(line)
    return 0
