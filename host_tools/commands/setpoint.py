"""`microv2g setpoint`: power set-point of a station that runs."""

import argparse
import json

from host_tools.board.port import cli


def register(subparsers):
    p = subparsers.add_parser(
        "setpoint",
        help="set the power set-point of a station at a serial port",
        description="Set the power set-point in W: positive charges, negative takes from the car, `off` takes back what was set. It acts at "
        "once and holds for --for S seconds, else for `setpoint_valid_s` of the configuration; then a set-point of the host, of the schedule "
        "or `setpoint_fallback_w` counts. What it sets is the operator's, and goes before what a host sets. Below zero it needs an end, and "
        "the permission that `export` names. It is not kept: `microv2g config set setpoint_w W` is for the next start.",
        epilog="examples:\n  microv2g setpoint 7000\n  microv2g setpoint -5000 --for 300\n"
        "  microv2g setpoint 3600,2300,0 --for 60      line by line\n  microv2g setpoint off\n" + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("watts", type=_watts, metavar="W", help="W, L1,L2,L3 in W, L1,L2,L3mA, or off")
    p.add_argument("--for", dest="seconds", type=int, metavar="S", help="it holds so many seconds")
    cli.add_options(p, json=True)
    p.set_defaults(func=run)


def _watts(text):
    parts = text.removesuffix("mA").split(",")
    if text != "off":
        for part in parts:
            int(part)
    return text


def run(args):
    return cli.guarded("setpoint", lambda: send(args))


def send(args):
    from host_tools.board.port import words

    with cli.connect(args) as station:
        valid = "" if args.seconds is None or args.watts == "off" else f" for {args.seconds}"
        station.ask(f"setpoint {args.watts}{valid} as operator")
        said = station.ask("setpoint")[0]
        status = words.status(station.ask("status"))
    if args.json:
        print(
            json.dumps({"setpoint_w": status["setpoint_w"], "session": status.get("session", False), "setpoint": said})
        )
    else:
        print(f"set-point {said}" + ("" if status.get("session") else "; no session is open, it waits for one"))
    return 0
