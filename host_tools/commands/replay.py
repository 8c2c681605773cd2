"""`microv2g replay`: a recorded session as a test of the firmware."""

import argparse
import json
import sys

from host_tools import userfile
from host_tools.root import RUNTIME

_EPILOG = """\
examples:
  microv2g trace pull session.pcapng && microv2g replay session.pcapng
  microv2g replay build/demo/trace.jsonl
  microv2g replay session.jsonl --config station.json --runtime unix32 --json

The requests of the car are fed to the session machine at their recorded times, in simulated time. What it measures, its clock
and its session id come from the recording. Every answer is compared field by field; free to differ are session id, time
stamps, challenge and meter (--also-free NAME adds one). The configuration is that of the recording, if it has one.

Exit status: 0 the same answers, 1 differences or the replay failed, 2 wrong arguments or no recording.
"""


def register(subparsers):
    p = subparsers.add_parser(
        "replay",
        help="play a recorded session to the firmware and compare its answers",
        description="Play a recorded session to the firmware in unix-port MicroPython and compare its answers with the recorded ones.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "file", metavar="FILE", help="pcapng of `trace pull`, lines of a station, or JSON lines of demo, secc, monitor"
    )
    p.add_argument(
        "--config",
        metavar="FILE.json",
        help="configuration of the station (default: that of the recording, or defaults)",
    )
    p.add_argument(
        "--runtime",
        choices=("unix", "unix32", "cpython"),
        default=RUNTIME,
        help="where the firmware runs (default: %(default)s)",
    )
    p.add_argument("--also-free", action="append", default=[], metavar="NAME", help="a field that may differ")
    p.add_argument("--json", action="store_true", help="the result as JSON")
    p.set_defaults(func=run)


def _fail(why, status=1):
    print(f"microv2g replay: {why}", file=sys.stderr)
    return status


def run(args):
    from firmware.app import config as rules
    from host_tools.recordings import records
    from host_tools.recordings.replay import compare, plan
    from host_tools.recordings.replay.run import ReplayError, SeccError, replay

    try:
        found, config = records.read(args.file)
        if args.config:
            config = rules.parse(userfile.read(args.config))
        rules.merge(config or {})
        result = replay(found, _usable(config or {}), args.runtime, (*compare.FREE, *args.also_free))
    except OSError as error:
        return _fail(f"{error.filename or args.file}: {error.strerror}", 2)
    except (records.RecordError, plan.PlanError, rules.ConfigError, userfile.TextError) as error:
        return _fail(error, 2)
    except (ReplayError, SeccError) as error:
        return _fail(error)
    if args.json:
        print(json.dumps(result))
    else:
        _show(result, config is None)
    return 1 if result["differences"] else 0


def _usable(config):
    """TLS is below the session machine, and its files are not here."""
    return {key: value for key, value in config.items() if key not in ("tls", "tls_dir", "tls_key_log")}


def _show(result, defaults):
    for warning in result["warnings"]:
        print("note: " + warning)
    if defaults:
        print("note: the recording has no configuration: the defaults are used (--config FILE)")
    for d in result["differences"]:
        print(f"{d['t_ms'] / 1000:10.3f}  {d['request']} -> {d['answer']}  {d['path'] or 'the answer itself'}")
        print(f"{'':12}recorded {json.dumps(d['recorded'])}, now {json.dumps(d['replayed'])}")
        for text in d.get("notes", ()):
            print(f"{'':12}the firmware notes: {text}")
    n = len(result["differences"])
    print(
        f"{result['sessions']} sessions, {result['requests']} requests, {result['compared']} answers compared, {n} differences"
    )
