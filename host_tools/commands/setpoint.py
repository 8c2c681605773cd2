"""`microv2g setpoint`: power set-point of a station that runs."""

import argparse
import json

from host_tools.board.port import cli


def register(subparsers):
    p = subparsers.add_parser(
        "setpoint",
        help="set the power set-point of a station at a serial port",
        description="Set the power set-point in W: positive charges, negative takes from the car, 0 means none. The next answer in "
        "the charge loop carries it. It is not kept: `microv2g config set setpoint_w W` is for the next start.",
        epilog="examples:\n  microv2g setpoint 7000\n  microv2g setpoint -5000 --port /dev/ttyUSB0\n" + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("watts", type=int, metavar="W")
    cli.add_options(p, json=True)
    p.set_defaults(func=run)


def run(args):
    return cli.guarded("setpoint", lambda: send(args))


def send(args):
    from host_tools.board.port import words

    with cli.connect(args) as station:
        station.ask(f"setpoint {args.watts}")
        status = words.status(station.ask("status"))
    if args.json:
        print(json.dumps({"setpoint_w": status["setpoint_w"], "session": status.get("session", False)}))
    else:
        print(
            f"set-point {status['setpoint_w']} W"
            + ("" if status.get("session") else "; no session is open, it waits for one")
        )
    return 0
