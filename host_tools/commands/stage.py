"""`microv2g stage`: power boards and bought parts at a serial line: play one, try one."""

import argparse
import sys

_EPILOG = """\
examples:
  microv2g stage serve --pty                             a modelled power board; it prints the port for the other side
  microv2g stage serve --port /dev/ttyUSB0               the same at a serial adapter, for the UART of a controller board
  microv2g stage check --port /dev/ttyUSB0               is this power board as docs/power_stage.md wants it?
  microv2g stage check --port /dev/ttyUSB0 --output 200  and how long does it take to off? The output must be open

  microv2g stage find --port /dev/ttyUSB0                which meters and monitors answer, at which speed and address?
  microv2g stage set --port /dev/ttyUSB0 --part eastron --address 1 --new-address 2 --new-baud 19200 --new-parity E
  microv2g stage check --port /dev/ttyUSB0 --part acrel --baud 19200 --parity E      readings, sign, units, in words

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
    actions = p.add_subparsers(dest="action", metavar="serve|check|find|set", required=True)
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
    s.add_argument("--part", type=_parts, metavar="LIST", help="not a board but Modbus parts: acrel,eastron,bender")
    _line(s, 115200)
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
    c.add_argument("--part", choices=("eastron", "acrel", "bender"), help="not a board but this Modbus part")
    c.add_argument("--address", type=int, metavar="N", help="of the part (default: 1, bender 3)")
    c.add_argument(
        "--seconds", type=int, default=10, metavar="S", help="how long a part is read (default: %(default)s)"
    )
    c.add_argument("--swapped", action="store_true", help="the meter is wired the other way round")
    _line(c, None)
    c.add_argument("--output", type=int, default=0, metavar="V", help="pre-charge the open output to V")
    c.add_argument("--json", action="store_true", help="for scripts: JSON on stdout")
    c.set_defaults(func=check)
    f = actions.add_parser(
        "find",
        help="which Modbus parts answer, at which speed, parity and address?",
        description="Ask for the known parts at every speed, parity and address given. All parts of one bus must have one speed "
        "and parity in the end; as delivered they differ.",
        epilog="example:\n  microv2g stage find --port /dev/ttyUSB0 --addresses 1-20 --speeds 9600,19200",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    f.add_argument("--port", required=True, metavar="PORT", help="serial port of the RS-485 adapter")
    f.add_argument(
        "--speeds", type=_numbers, default=[9600, 19200, 38400], metavar="LIST", help="default: 9600,19200,38400"
    )
    f.add_argument("--parities", type=_parities, default=["N", "E"], metavar="LIST", help="default: N,E")
    f.add_argument("--addresses", type=_numbers, default=list(range(1, 11)), metavar="LIST", help="default: 1-10")
    f.add_argument("--json", action="store_true", help="for scripts: JSON on stdout")
    f.set_defaults(func=find)
    w = actions.add_parser(
        "set",
        help="another address, speed or parity for a part",
        description="Write address, parity and speed of a part whose maker says how. Of the others it says where they are set.",
        epilog="example:\n  microv2g stage set --port /dev/ttyUSB0 --part eastron --address 1 --new-baud 19200 --new-parity E",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    w.add_argument("--port", required=True, metavar="PORT", help="serial port of the RS-485 adapter")
    w.add_argument("--part", required=True, choices=("eastron", "acrel", "bender"))
    w.add_argument("--address", type=int, default=1, metavar="N", help="its address now (default: %(default)s)")
    _line(w, 9600)
    w.add_argument("--new-address", type=int, metavar="N")
    w.add_argument("--new-baud", type=int, metavar="N")
    w.add_argument("--new-parity", choices=("N", "E", "O"))
    w.set_defaults(func=set_part)


def _line(parser, baud):
    text = "default: %(default)s" if baud else "default: 115200; of a part 9600"
    parser.add_argument("--baud", type=int, default=baud, metavar="N", help=text)
    parser.add_argument("--parity", choices=("N", "E", "O"), default="N", help="default: N")


def _parts(text):
    kinds = [word.strip() for word in text.split(",")]
    if not set(kinds) <= {"acrel", "eastron", "bender"}:
        raise argparse.ArgumentTypeError("there are acrel, eastron and bender")
    return kinds


def _parities(text):
    words = [word.strip().upper() for word in text.split(",")]
    if not set(words) <= {"N", "E", "O"}:
        raise argparse.ArgumentTypeError("there are N, E and O")
    return words


def _numbers(text):
    out = []
    try:
        for word in text.split(","):
            low, _, high = word.partition("-")
            out += range(int(low), int(high or low) + 1)
    except ValueError:
        raise argparse.ArgumentTypeError("numbers and ranges, e.g. 1,3,10-20") from None
    return out


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
        end = Pty() if args.pty else Port(args.port, args.baud, args.parity)
    except EndError as error:
        return _fail(error, 1)

    def tell(text):
        if not args.quiet:
            print(text, flush=True)

    if args.part:
        from host_tools.stage.serve_parts import PartsResponder

        baud = 9600 if args.baud == 115200 else args.baud
        responder = PartsResponder(end, tell, args.part, baud, args.parity)
        tell(responder.status())
    else:
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


def _progress(text):
    """One line that changes, for a person; nothing in a log."""
    if sys.stderr.isatty():
        print("\r\033[K" + text[:100], end="", file=sys.stderr, flush=True)


def _tried(args, end):
    if not args.part:
        from host_tools.stage.check import steps

        return steps(end, args.output * 1000)
    from host_tools.stage.check_part import steps

    address = args.address or (3 if args.part == "bender" else 1)
    return steps(end, args.part, address, args.baud, args.parity, args.seconds, args.swapped, _progress)


def check(args):
    import json

    from host_tools.stage.ends import EndError, Port

    if not 0 <= args.output <= 1500:
        return _fail("--output must be 0..1500 V")
    if args.part and args.output:
        return _fail("--output is for a power board, not for a part")
    args.baud = args.baud or (9600 if args.part else 115200)
    results = []
    try:
        end = Port(args.port, args.baud, args.parity)
        try:
            for name, ok, text in _tried(args, end):
                _progress("")
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
        print(
            f"{len(bad)} of {len(results)} failed"
            + ("" if args.part else "; docs/power_stage.md, the wire, says how it must be.")
        )
    else:
        print("Nothing is wrong with it." if args.part else "The board is as docs/power_stage.md wants it.")
    return 1 if bad else 0


def find(args):
    import json

    from host_tools.stage.ends import EndError, Port
    from host_tools.stage.find import scan

    found = []
    try:
        end = Port(args.port, args.speeds[0], args.parities[0])
        try:
            for baud, parity, address, kind, text in scan(end, args.speeds, args.parities, args.addresses, _progress):
                _progress("")
                found.append({"baud": baud, "parity": parity, "address": address, "part": kind, "text": text})
                if not args.json:
                    print(f"{baud} baud, parity {parity}, address {address}: {text}", flush=True)
        finally:
            _progress("")
            end.close()
    except EndError as error:
        return _fail(error, 1)
    if args.json:
        print(json.dumps(found, indent=1))
    elif not found:
        print(
            "Nobody answers. Is it supplied; are A and B exchanged; is its address in --addresses, its speed in --speeds?"
        )
    elif len({(one["baud"], one["parity"]) for one in found}) > 1:
        print(
            "They differ in speed or parity: one bus has one. `microv2g stage set`, or the keys of the part, change it."
        )
    else:
        parity = {"N": "none", "E": "even", "O": "odd"}[found[0]["parity"]]
        print(f"For the configuration: bus_baud {found[0]['baud']}, bus_parity {parity}.")
    return 0 if found else 1


def set_part(args):
    from host_tools.stage import find as finding
    from host_tools.stage.ends import EndError, Port

    if args.part in finding.BY_HAND:
        return _fail(finding.BY_HAND[args.part], 1)
    if args.new_address is not None and not 1 <= args.new_address <= 247:
        return _fail("--new-address must be 1..247")
    if args.new_address is None and args.new_baud is None and args.new_parity is None:
        return _fail("nothing to set: --new-address, --new-baud, --new-parity")
    try:
        end = Port(args.port, args.baud, args.parity)
        try:
            master = finding.Master(end, args.baud, args.parity)
            found = finding.identify(master, args.address)
            if not found or found[0] != args.part:
                what = found[1] if found else "nobody answers"
                return _fail(
                    f"no {args.part} at address {args.address}, {args.baud} baud, parity {args.parity}: {what}", 1
                )
            print(found[1])
            done = finding.set_eastron(master, args.address, args.new_address, args.new_baud, args.new_parity)
        finally:
            end.close()
    except EndError as error:
        return _fail(error, 1)
    except ValueError as error:
        return _fail(error, 1)
    except finding.Refused as error:
        return _fail(
            f"the meter refuses it (exception {error.args[0]}): put it into its setting mode with its keys first", 1
        )
    print(
        "written: " + ", ".join(done) + ". Switch the meter off and on; then `microv2g stage find` must see it there."
    )
    return 0
