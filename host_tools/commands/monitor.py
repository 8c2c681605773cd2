"""`microv2g monitor`: a station at a serial port, live."""

import argparse
import json
import sys
import time

from host_tools.board.port import cli
from host_tools.recordings.live_view import View

_ASK_S = 5  # between two looks at the status: set-point and faults also change without a record


def register(subparsers):
    p = subparsers.add_parser(
        "monitor",
        help="live view of a station at a serial port",
        description="Pilot with its voltages, matching, messages by name, set-point, power and faults, live. In a terminal as a screen, else one "
        "line per event; --json: one record per line.",
        epilog="examples:\n  microv2g monitor\n  microv2g monitor --plain | tee session.log\n  microv2g monitor --json > session.jsonl   (for "
        "`microv2g report` and `replay`)\n" + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--plain", action="store_true", help="lines also in a terminal")
    p.add_argument("--seconds", type=float, metavar="S", help="end by itself")
    cli.add_options(p, json=True)
    p.set_defaults(func=run)


def run(args):
    return cli.guarded("monitor", lambda: watch(args))


class _Screen(View):
    """The view of the demo, for any station: starts with what `status` says, and shows faults."""

    def __init__(self, plain, title):
        super().__init__(plain, title)
        self._status = {}

    def status(self, found):
        first = not self._status
        self._status = found
        with self._lock:
            self._station = found.get("station", self._station)
            self.pilot = found.get("pilot", self.pilot)
            self._state = found.get("session_state", self._state)
            if self._power is not None:
                self._power = {**self._power, "setpoint_w": found["setpoint_w"]}
        if first and self.plain:
            words = " ".join(f"{key}={value}" for key, value in found.items())
            print(f"now     =  {words}", flush=True)
        self.refresh()

    def more(self):
        from rich.text import Text

        faults = self._status.get("faults", 0)
        rest = "none" if not faults else f"{faults} of the firmware: microv2g log --errors"
        if self._station == "Fault":
            rest = "station in Fault: microv2g log"
        yield "matching", f"{self._status.get('matching', '-')}, modem {'up' if self._status.get('modem') else 'down'}"
        yield "faults", Text(rest, "bold red" if rest != "none" else "green")


def watch(args):
    from host_tools.board.port import words
    from host_tools.station.process import Decoder

    end = None if args.seconds is None else time.monotonic() + args.seconds
    with cli.connect(args) as station:
        info = words.fields(station.ask("info"))
        view = _Screen(
            args.plain or args.json or not sys.stdout.isatty(), f"{info['board']} at {station.name}, Ctrl-C ends"
        )
        decoder = Decoder()
        if args.json:
            print(
                json.dumps({"t_ms": info["uptime_s"] * 1000, "status": words.status(station.ask("status"))}), flush=True
            )
        else:
            view.status(words.status(station.ask("status")))
        asked = time.monotonic()
        with view:
            for line in station.stream(lambda: end is not None and time.monotonic() > end):
                if line is not None and not line.startswith("READY"):
                    record = decoder.record(line)
                    if args.json:
                        print(json.dumps(record), flush=True)
                    else:
                        view.record(record)
                if line is None and not args.json:
                    if time.monotonic() - asked > _ASK_S:
                        asked = time.monotonic()
                        view.status(words.status(station.ask("status")))
                    view.refresh()
    return 0
