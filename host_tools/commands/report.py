"""`microv2g report`: a page about a recorded session."""

import argparse
import sys


def register(subparsers):
    p = subparsers.add_parser(
        "report",
        help="make a page out of a trace",
        description="Summary, plot and every message of a session, as one HTML file, out of a trace.",
        epilog="examples:\n  microv2g secc --iface eth1 --trace session.jsonl\n  microv2g report session.jsonl -o session.html",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("trace", metavar="FILE.jsonl")
    p.add_argument("-o", "--out", default="session.html", metavar="FILE.html")
    p.add_argument("--title", default="microv2g session")
    p.set_defaults(func=run)


def run(args):
    from host_tools.recordings.report import ReportError, build_report

    try:
        facts = build_report(args.trace, args.out, args.title)
    except (OSError, ReportError) as error:
        print(f"microv2g report: {error}", file=sys.stderr)
        return 1
    for note in facts["cut"]:
        print(f"microv2g report: {args.trace}: {note}", file=sys.stderr)
    print(f"{args.out}: {facts['messages']} messages, {facts['result']}")
    return 0
