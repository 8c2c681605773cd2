"""`microv2g repl`: the console or the REPL of a board, in this terminal."""

import argparse
import sys

from host_tools.board.port import cli

_HINT = """\
{port}, {baud} baud. Ctrl-] leaves this terminal; the station goes on.
Ctrl-C stops the station (contactor open) and gives the REPL of MicroPython; evse.run() starts it again.
`help` lists the commands of the console, evse.help() what there is at the REPL."""


def register(subparsers):
    p = subparsers.add_parser(
        "repl",
        help="terminal at the serial port of a board",
        description="An interactive terminal: the console of the station that runs, or the REPL when none does. Ctrl-] leaves it.",
        epilog="examples:\n  microv2g repl\n  microv2g repl --port /dev/ttyUSB0\n"
        "  echo status | microv2g repl              without a terminal: lines in, what is said within 2 s out\n"
        + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cli.add_options(p)
    p.set_defaults(func=run)


def run(args):
    return cli.guarded("repl", lambda: terminal(args) if sys.stdin.isatty() else pipe(args))


def terminal(args):
    from serial.tools.miniterm import Miniterm

    from host_tools.board.port import Station

    station = Station.open(args.port, args.baud)
    print(_HINT.format(port=station.name, baud=args.baud), flush=True)
    # The terminal is pyserial's; it has the keys of every system right. raw: control characters
    # reach the screen as they are.
    term = Miniterm(station.serial, echo=False, eol="cr", filters=["direct"])
    term.exit_character = "\x1d"
    term.menu_character = "\x14"
    term.set_rx_encoding("utf-8", "replace")
    term.set_tx_encoding("utf-8", "replace")
    station.serial.write(b"\r")
    term.start()
    try:
        term.join(True)
    except KeyboardInterrupt:
        pass
    term.join()
    term.close()
    return 0


def pipe(args):
    import time

    said = []
    with cli.connect(args, on_line=said.append) as station:
        said.clear()
        for line in sys.stdin:
            station.send_line(line.strip())
            end = time.monotonic() + 2
            while time.monotonic() < end:
                n = len(said)
                station.listen()
                if len(said) > n:
                    end = time.monotonic() + 0.4  # what belongs together comes without pauses
                for text in said:
                    print(text, flush=True)
                said.clear()
    return 0
