"""`microv2g config`: the configuration of a board, or a file of it."""

import argparse
import json
import sys

from host_tools import userfile
from host_tools.board.port import cli


def register(subparsers):
    p = subparsers.add_parser(
        "config",
        help="configuration of a station at a serial port",
        description="Read, change and check the configuration (/config.json) of a board. A change is checked with all the rest, written as a "
        "whole, refused while a car charges, and takes effect at the next start.",
        epilog="examples:\n"
        "  microv2g config get                       every key with its value\n"
        "  microv2g config get services --json\n"
        "  microv2g config set setpoint_w -5000\n"
        '  microv2g config set services \'["DC_BPT", "DC"]\'\n'
        "  microv2g config reset setpoint_w          back to its default; `reset all`\n"
        "  microv2g config validate                  what is on the board\n"
        "  microv2g config validate station.json     a file on this machine, without a board\n"
        "Keys and their meaning: microv2g secc --print-config\n" + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = p.add_subparsers(dest="verb", metavar="get|set|reset|validate", required=True)
    get = verbs.add_parser("get", help="one value, or all")
    get.add_argument("key", nargs="?", metavar="KEY")
    change = verbs.add_parser("set", help="change one key for the next start")
    change.add_argument("key", metavar="KEY")
    change.add_argument("value", metavar="VALUE", help="JSON; a bare word is a text")
    reset = verbs.add_parser("reset", help="back to the default")
    reset.add_argument("key", metavar="KEY", help="or: all")
    check = verbs.add_parser("validate", help="check the board's configuration, or a file")
    check.add_argument("file", nargs="?", metavar="FILE.json", help="a file on this machine; no board is needed")
    for verb in (get, change, reset, check):
        cli.add_options(verb, json=True)
    p.set_defaults(func=run)


def run(args):
    if args.verb == "validate" and args.file:
        return validate(args)
    return cli.guarded("config", lambda: ask(args))


def validate(args):
    from firmware.app import config

    try:
        changes = config.parse(userfile.read(args.file))
        config.merge(changes)
    except OSError as error:
        print(f"microv2g config: {args.file}: {error.strerror}", file=sys.stderr)
        return 2
    except (config.ConfigError, userfile.TextError) as error:
        if args.json:
            print(json.dumps({"valid": False, "why": str(error)}))
        else:
            print(f"{args.file}: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps({"valid": True, "changed": sorted(changes)}))
    else:
        print(f"{args.file} is valid, {len(changes)} keys differ from their defaults")
    return 0


def ask(args):
    with cli.connect(args, start=True) as station:
        if args.verb == "get":
            return _get(args, station)
        if args.verb == "set":
            lines = station.ask(f"config set {args.key} {' '.join(args.value.split())}")
        elif args.verb == "reset":
            lines = station.ask(f"config reset {args.key}")
        else:
            lines = station.ask("config check")
    if args.json:
        print(json.dumps({"ok": True, "said": " ".join(lines)}))
    else:
        print("\n".join(lines))
    return 0


def _get(args, station):
    if args.key:
        text = station.ask(f"config get {args.key}")[0]
        print(text if args.json else _plain(json.loads(text)))
        return 0
    found = {}
    for line in station.ask("config get"):
        key, _, text = line.partition(" ")
        found[key] = json.loads(text)
    if args.json:
        print(json.dumps(found))
    else:
        for key, value in found.items():
            print(f"{key:<26} {json.dumps(value)}")
    return 0


def _plain(value):
    return value if isinstance(value, str) else json.dumps(value)
