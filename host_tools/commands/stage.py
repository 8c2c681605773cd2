"""`microv2g stage`: power boards and bought parts at a serial line: play one, try one."""

import argparse
import sys

_EPILOG = """\
examples:
  microv2g stage serve --pty                             a modelled power board; it prints the port for the other side
  microv2g stage serve --port /dev/ttyUSB0               the same at a serial adapter, for the UART of a controller board
  microv2g stage check --port /dev/ttyUSB0               is this power board as docs/power_stage.md wants it?
  microv2g stage check --port /dev/ttyUSB0 --output 200  and how long does it take to off? The output must be open

`microv2g stage serve --help` has the faults that can be typed in while it runs. Exit status: 0 done or passed, 1 failed or
no answer, 2 wrong arguments."""

_SERVE = """\
typed while it runs:
%s
It begins off and wants a HELLO. The protocol: docs/power_stage.md. The battery closes its contactors when pre-charge has
brought the output to its voltage. Try it with a station of this machine:
  microv2g stage serve --pty                             # prints e.g. /dev/pts/7
  microv2g stage check --port /dev/pts/7 --output 200"""

_CHECK = """\
The station's side is played with the firmware's own stage. Nothing of it needs an output, but --output V: it pre-charges the
OPEN output to V with 0.1 A, and times the way to off. Everybody keeps clear of it meanwhile.

examples:
  microv2g stage check --port /dev/ttyUSB0
  microv2g stage check --port /dev/pts/7 --output 200"""


def register(subparsers):
    from host_tools.stage.serve import help_text

    p = subparsers.add_parser(
        "stage",
        help="play, try and commission a power stage",
        description="Power boards and bought parts at a serial line: a reference responder to plug against, and checks with "
        "words.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = p.add_subparsers(dest="action", metavar="serve|check", required=True)
    s = actions.add_parser(
        "serve",
        help="a modelled power board that answers at a port",
        description="A modelled power board with converter, battery, meter and insulation monitor.",
        epilog=_SERVE % help_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = s.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", metavar="PORT", help="serial port, or a pyserial URL")
    where.add_argument("--pty", action="store_true", help="a new pseudo terminal; its name is printed")
    s.add_argument("--baud", type=int, default=115200, metavar="N", help="default: %(default)s")
    s.add_argument("--battery", type=int, default=366, metavar="V", help="battery of the car (default: %(default)s V)")
    s.add_argument("--min-v", type=int, default=150, metavar="V", help="lowest output (default: %(default)s V)")
    s.add_argument("--max-w", type=int, default=50000, metavar="W", help="most power each way (default: %(default)s W)")
    s.add_argument("--charge-only", action="store_true", help="it cannot take power out of the car")
    s.add_argument("--no-car-side", action="store_true", help="it measures its own terminals only")
    s.add_argument("--fault", default="none", metavar="NAME", help="planted from the start")
    s.add_argument("--quiet", action="store_true", help="print the port and errors only")
    s.set_defaults(func=serve)
    c = actions.add_parser(
        "check",
        help="is a power board as docs/power_stage.md wants it?",
        description="Hello, caps, answers, CRC, lease, restart, readings, way to off: each step with what it found.",
        epilog=_CHECK,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    c.add_argument("--port", required=True, metavar="PORT", help="serial port, or a pyserial URL")
    c.add_argument("--baud", type=int, default=115200, metavar="N", help="default: %(default)s")
    c.add_argument("--output", type=int, default=0, metavar="V", help="pre-charge the open output to V")
    c.add_argument("--json", action="store_true", help="for scripts: JSON on stdout")
    c.set_defaults(func=check)


def _fail(why, status=2):
    print(f"microv2g stage: {why}", file=sys.stderr)
    return status


def serve(args):
    from host_tools.stage.ends import EndError, Port, Pty
    from host_tools.stage.serve import FAULTS, Responder, run

    if args.fault not in [name for name, _ in FAULTS]:
        return _fail(f"--fault {args.fault}: there are {', '.join(name for name, _ in FAULTS)}")
    if not 50 <= args.battery <= 1000:
        return _fail("--battery must be 50..1000 V")
    try:
        end = Pty() if args.pty else Port(args.port, args.baud)
    except EndError as error:
        return _fail(error, 1)

    def tell(text):
        if not args.quiet:
            print(text, flush=True)

    responder = Responder(
        end, tell, args.battery, not args.no_car_side, not args.charge_only, args.min_v, args.max_w, args.fault
    )
    print(f"READY port={end.name}", flush=True)
    try:
        run(responder)
    except EndError as error:
        return _fail(error, 1)
    finally:
        end.close()
    return 0


def check(args):
    import json

    from host_tools.stage.check import steps
    from host_tools.stage.ends import EndError, Port

    if not 0 <= args.output <= 1500:
        return _fail("--output must be 0..1500 V")
    results = []
    try:
        end = Port(args.port, args.baud)
        try:
            for name, ok, text in steps(end, args.output * 1000):
                results.append({"step": name, "ok": ok, "text": text})
                if not args.json:
                    print("%-4s %-12s %s" % ({True: "ok", False: "FAIL", None: "-"}[ok], name, text), flush=True)
        finally:
            end.close()
    except EndError as error:
        return _fail(error, 1)
    bad = [one for one in results if one["ok"] is False]
    if args.json:
        print(json.dumps({"passed": not bad, "steps": results}, indent=1))
    elif bad:
        print(f"{len(bad)} of {len(results)} failed; docs/power_stage.md, the wire, says how it must be.")
    else:
        print("The board is as docs/power_stage.md wants it.")
    return 1 if bad else 0
