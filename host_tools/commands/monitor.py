"""`microv2g monitor`: a station at a serial port, live."""

import argparse
import json
import sys
import time

from host_tools.board.port import cli
from host_tools.recordings.live_view import View

_HZ = 2  # of the pushed state: set-point, lease and faults also change without a record


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
        self._now = {}

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

    def state(self, found):
        """The pushed state (firmware/run/watch.py)."""
        with self._lock:
            self._now = found
            self._station, self.pilot, self._state = found["station"], found["pilot"], found["session"]
            self._power = {
                "power_w": found["w"],
                "setpoint_w": found["setpoint_w"],
                "voltage_mv": found["mv"],
                "current_ma": found["ma"],
                "contactor": found["contactor"],
                "energy_charged_wh": found["in_wh"],
                "energy_discharged_wh": found["out_wh"],
            }
        self.refresh()

    def more(self):
        from rich.text import Text

        now = self._now
        if now:
            left = "" if now["seconds"] < 0 else f", {now['seconds']} s left"
            yield "lease", f"{now['source']}{left}"
            yield "limits", f"{now['charge_w']} W in, {now['discharge_w']} W out"
            yield "decision", ("nobody has decided", "may charge", "denied")[now["decision"]]
        faults = now.get("faults", 0) or self._status.get("faults", 0)
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
        with view:
            for line in station.stream(lambda: end is not None and time.monotonic() > end, watch_hz=_HZ):
                if line is not None and not line.startswith("READY"):
                    record = decoder.record(line)
                    if args.json:
                        print(json.dumps(record), flush=True)
                    elif "state" in record and "dir" not in record:
                        view.state(record["state"])
                    else:
                        view.record(record)
                if line is None and not args.json:
                    view.refresh()
    return 0
