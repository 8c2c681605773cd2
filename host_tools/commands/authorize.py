"""`microv2g authorize`: the car at the plug of a station may charge, or not."""

import argparse

from host_tools.board.port import cli


def register(subparsers):
    p = subparsers.add_parser(
        "authorize",
        help="say that the car at a station's plug may charge, or not",
        description="The car at the plug may charge, or the next one that comes within a minute. The decision ends with the unplug. "
        "--deny: it may not, and a charge that runs is ended in order.",
        epilog="examples:\n  microv2g authorize\n  microv2g authorize 04A1B2C3    a token, where `authorization` is list\n"
        "  microv2g authorize --deny\n" + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("token", nargs="?", metavar="TOKEN")
    p.add_argument("--deny", action="store_true", help="no")
    cli.add_options(p)
    p.set_defaults(func=run)


def run(args):
    return cli.guarded("authorize", lambda: send(args))


def send(args):
    with cli.connect(args) as station:
        station.ask("deny" if args.deny else "authorize" + (f" {args.token}" if args.token else ""))
    print("denied" if args.deny else "authorised, until the unplug")
    return 0
