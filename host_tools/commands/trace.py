"""`microv2g trace`: what a board has recorded, as a file for Wireshark and as text."""

import argparse
import json
import re
import sys
import time

from host_tools.board.port import cli

_YEAR_2025_S = 1735689600


def register(subparsers):
    p = subparsers.add_parser(
        "trace",
        help="get the records of a station, decode them",
        description="A board keeps the newest records of what was said and done in memory; `pull` writes them for Wireshark, `decode` shows them.",
        epilog="examples:\n"
        "  microv2g trace pull session.pcapng        what the station remembers; it forgets nothing by that\n"
        "  microv2g trace pull --fault fault.pcapng  what it saved in flash after a failure\n"
        "  microv2g trace decode session.pcapng\n"
        "  microv2g trace decode session.pcapng --json | jq 'select(.name == \"DC_ChargeLoopRes\")'\n"
        "In Wireshark the messages are TCP segments of port 15118 with the name of the message as comment; pilot, matching and\n"
        "notes are syslog messages. `microv2g replay` plays such a file to the firmware.\n" + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = p.add_subparsers(dest="verb", metavar="pull|decode", required=True)
    pull = verbs.add_parser("pull", help="from the board into a file")
    pull.add_argument("out", metavar="OUT.pcapng", help="- writes the lines themselves to stdout")
    pull.add_argument("--fault", action="store_true", help="what was saved in flash after a failure")
    cli.add_options(pull, json=True)
    decode = verbs.add_parser("decode", help="a file as text or JSON lines")
    decode.add_argument("file", metavar="FILE", help="pcapng, lines of a station, or JSON lines")
    decode.add_argument("--json", action="store_true", help="one JSON object per record")
    p.set_defaults(func=run)


def run(args):
    if args.verb == "decode":
        return decode(args)
    return cli.guarded("trace", lambda: pull(args))


def pull(args):
    from host_tools.board.port import words
    from host_tools.recordings import pcap
    from host_tools.recordings.lines import from_lines

    with cli.connect(args) as station:
        info = words.fields(station.ask("info"))
        now = time.time()
        with _progress(args) as tell:
            lines = station.ask("fault" if args.fault else "trace", 5, on_progress=tell)
        config = {}
        for line in station.ask("config get"):
            key, _, text = line.partition(" ")
            config[key] = json.loads(text)
    if not lines:
        what = "no failure was saved (/fault.trace is not there)" if args.fault else "nothing recorded yet"
        print(f"microv2g trace: {what}", file=sys.stderr)
        return 1
    if args.out == "-":
        print("\n".join(lines))
        return 0
    found = from_lines(lines)
    messages = sum("dir" in r for r in found)
    base_s = _saved_s(found, now) - found[-1]["t_ms"] / 1000 if args.fault else now - info["uptime_s"]
    try:
        n = pcap.write(args.out, found, base_s, config, f"{info['board']}, microv2g {info['version']}")
    except OSError as error:
        print(f"microv2g trace: {args.out}: {error.strerror}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({"file": args.out, "records": len(found), "messages": messages, "packets": n}))
    else:
        print(f"{args.out}: {len(found)} records, {messages} V2G messages, {n} packets")
    return 0


def _saved_s(found, now):
    """Unix time at which /fault.trace was written; `now` if the board had no clock then."""
    stamp = re.search(r"; unix_s (\d+)$", found[0].get("note", ""))
    saved = int(stamp[1]) if stamp else 0
    return saved if _YEAR_2025_S < saved <= now + 86400 else now


class _progress:
    """Counts the lines on a terminal: at 115200 baud a full memory takes some seconds."""

    def __init__(self, args):
        self._on = sys.stderr.isatty() and not args.json

    def __enter__(self):
        return self._tell

    def _tell(self, n):
        if self._on:
            print(f"\r{n} records", end="", file=sys.stderr, flush=True)

    def __exit__(self, *_):
        if self._on:
            print("\r" + " " * 20 + "\r", end="", file=sys.stderr, flush=True)


def decode(args):
    from host_tools.recordings import oneline, records
    from host_tools.recordings.lines import RecordError

    try:
        found, _ = records.read(args.file)
    except OSError as error:
        print(f"microv2g trace: {args.file}: {error.strerror}", file=sys.stderr)
        return 2
    except RecordError as error:
        print(f"microv2g trace: {error}", file=sys.stderr)
        return 1
    for record in found:
        if args.json:
            print(json.dumps(record))
        else:
            oneline.show(record)
    return 0
