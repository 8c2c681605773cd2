"""What the commands at a serial port have in common: options, opening, and errors as one line with
an exit status."""

import sys

from host_tools.board.port.errors import NoAnswer, PortError, Refusal
from host_tools.board.port.link import BAUD, REPL, SILENT, Station

EXIT = """
Exit status: 0 done, 1 the station refused or did not answer, 2 wrong arguments. Without --port the only serial port
of this machine is taken. Any pyserial URL will do too: socket://bench:5000, rfc2217://gateway:2217."""


def add_options(parser, json=False):
    parser.add_argument("--port", metavar="PORT", help="serial port of the board (default: the only one found)")
    parser.add_argument("--baud", type=int, default=BAUD, metavar="N", help="speed of a UART (default: %d)" % BAUD)
    if json:
        parser.add_argument("--json", action="store_true", help="for scripts: JSON on stdout")


def connect(args, on_line=None, start=False):
    """An open Station at which somebody answers. start: at the prompt of the REPL, start the
    console of the resting station."""
    station = Station.open(args.port, args.baud, on_line)
    try:
        found = station.probe()
        if found == REPL and start and station.run_from_repl():
            return station
        if found == REPL:
            raise NoAnswer(
                station.name + ": the REPL is there and no station runs. Start it: `microv2g repl`, then evse.run()"
            )
        if found == SILENT:
            raise NoAnswer(station.silence("info", 2))
    except BaseException:
        station.close()
        raise
    return station


def guarded(name, call):
    """Run call(); print what went wrong as one line. Returns the exit status."""
    try:
        return call() or 0
    except Refusal as why:
        print(f"microv2g {name}: the station refused: {why}", file=sys.stderr)
    except PortError as why:
        print(f"microv2g {name}: {why}", file=sys.stderr)
    return 1
