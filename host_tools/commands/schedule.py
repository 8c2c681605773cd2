"""`microv2g schedule`: set-points by the clock of a station."""

import argparse
import sys

from host_tools.board.port import cli


def register(subparsers):
    p = subparsers.add_parser(
        "schedule",
        help="set-points by the clock of a station at a serial port",
        description="Show, check and change the schedule of a station: lines `HH:MM W` of every day, or `2026-12-01T17:30Z W`, in UTC, "
        "rising; `off` in place of W ends what was before. The station needs `schedule` in its configuration, and a clock that is set.",
        epilog="examples:\n  microv2g config set schedule /schedule.txt     once, then a restart\n  microv2g schedule check evening.txt\n"
        "  microv2g schedule put evening.txt\n  microv2g schedule\n" + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("verb", nargs="?", choices=("show", "check", "put", "clear"), default="show")
    p.add_argument("file", nargs="?", metavar="FILE", help="of check (no station is needed) and put")
    cli.add_options(p)
    p.set_defaults(func=run)


def run(args):
    if args.verb not in ("check", "put"):
        return cli.guarded("schedule", lambda: send(args, []))
    from firmware.app.schedule import ScheduleError, parse
    from firmware.run.schedule_file import line

    if not args.file:
        print(f"microv2g schedule: {args.verb} needs a file", file=sys.stderr)
        return 2
    try:
        with open(args.file, encoding="utf-8") as f:
            entries = parse(f.read())
    except OSError as error:
        print(f"microv2g schedule: {args.file}: {error.strerror}", file=sys.stderr)
        return 2
    except (ScheduleError, UnicodeDecodeError) as error:
        print(f"{args.file}: {error}", file=sys.stderr)
        return 1
    if args.verb == "check":
        print(f"{args.file} is valid, {len(entries)} entries")
        return 0
    return cli.guarded("schedule", lambda: send(args, [line(entry) for entry in entries]))


def send(args, lines):
    with cli.connect(args) as station:
        if args.verb != "show":
            station.ask("schedule clear")
            for text in lines:
                station.ask(f"schedule set {text}")
        print("\n".join(station.ask("schedule")))
    return 0
