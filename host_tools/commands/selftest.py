"""`microv2g selftest`: is a board wired and set up as a station needs it?"""

import argparse
import json
import sys

from host_tools.board.port import cli as port_cli
from host_tools.board.port.errors import PortError
from host_tools.root import RUNTIME

_EPILOG = """examples:
  microv2g selftest                                  the board at the only serial port, with questions
  microv2g selftest --port /dev/ttyACM0 --skip       what needs nobody at the board
  microv2g selftest --steps spi,modem,version,role   the modem alone (a first look at a new board)
  microv2g selftest --with-contactor                 closes the contactor for a moment, after a question
  microv2g selftest --sim --yes                      a simulated board: what it looks like
  microv2g selftest --sim --fault swapped --yes      ... with MISO and MOSI swapped
  microv2g selftest --json --skip > board-17.json    for the records of a production line

Nothing may be plugged in at the beginning. The test plug: 2.74 kohm behind a diode (anode at CP) from CP to PE, 1.3 kohm and
270 ohm beside the 2.74 kohm by a switch for C and D, a coding resistor (1500 ohm) from PP to PE.
Every code with cause and remedy: docs/selftest.md.

Exit status: 0 passed, 1 something failed or the board did not answer, 2 wrong arguments.
"""


def register(subparsers):
    p = subparsers.add_parser(
        "selftest",
        help="test the wiring and set-up of a board, guided",
        description="Guided test of a board: SPI at several clocks, INT, modem firmware and its role, control pilot, proximity, "
        "contactor. Every failure names its likely cause and the remedy.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    port_cli.add_options(p)
    p.add_argument("--sim", action="store_true", help="a simulated board in this machine instead")
    p.add_argument("--fault", metavar="NAME", help="with --sim: what is broken (`--fault list` lists them)")
    p.add_argument(
        "--runtime", choices=("unix", "unix32", "cpython"), default=RUNTIME, help="with --sim (default: %(default)s)"
    )
    p.add_argument("--steps", metavar="LIST", help="only these, e.g. spi,modem,role")
    p.add_argument(
        "--plug", choices=("none", "B", "BC", "BCD"), default="BCD", help="states of your test plug (default: BCD)"
    )
    pp = p.add_mutually_exclusive_group()
    pp.add_argument("--pp", action="store_true", help="test PP even if the station is configured without a socket")
    pp.add_argument("--no-pp", action="store_true", help="leave PP out")
    p.add_argument("--with-contactor", action="store_true", help="close the contactor for a moment, after a question")
    who = p.add_mutually_exclusive_group()
    who.add_argument("--yes", action="store_true", help="answer every question with yes: a rig turns the plug")
    who.add_argument("--skip", action="store_true", help="answer every question with no: nobody is at the board")
    p.add_argument("--json", action="store_true", help="for scripts: one JSON object on stdout at the end")
    p.set_defaults(func=run)


def _fail(why, status=2):
    print(f"microv2g selftest: {why}", file=sys.stderr)
    return status


def options(args):
    """Words of `selftest start`. ValueError says what is wrong."""
    from firmware.app.selftest_codes import STEPS

    names = STEPS[1:-1]
    words = []
    steps = [step.strip() for step in args.steps.split(",")] if args.steps else list(names)
    unknown = [step for step in steps if step not in names]
    if unknown:
        raise ValueError(f"--steps {unknown[0]}: there are {', '.join(names)}")
    if args.plug == "none":
        steps = [step for step in steps if step != "plug"]
    else:
        words.append("states=" + args.plug)
    if args.with_contactor:
        words.append("close")
    if args.pp or args.no_pp:
        words.append("pp" if args.pp else "nopp")
    if steps != list(names):
        words.append("steps=" + ",".join(steps))
    return words


class Screen:
    """Results for a person, as they come; on a terminal in colours."""

    _STYLE = {"ok": "green", "fail": "bold red", "warn": "yellow", "skip": "dim", "do": "bold cyan"}

    def __init__(self, quiet):
        from rich.console import Console

        self._quiet = quiet
        self.out = Console(stderr=quiet, highlight=False, soft_wrap=True)
        self._status = self.out.status("testing") if self.out.is_terminal and not quiet else None

    def busy(self, yes):
        """Something moves while the board works: an absent modem is waited for some seconds."""
        if self._status is not None:
            (self._status.start if yes else self._status.stop)()

    def show(self, record):
        if record["level"] == "do":
            return  # ask() says it
        if self._quiet or record["step"] == "end":
            return
        from rich.markup import escape

        level, style = record["level"], self._STYLE[record["level"]]
        values = ", ".join(f"{name} {v['value']} {v['unit']}".rstrip() for name, v in record["values"].items())
        row = f"[{style}]{level:<5}[/] {record['step']:<10} {escape(record['what'])}"
        self.out.print(row + (f"  [dim]{escape(values)}[/]" if values else ""))
        if level in ("fail", "warn"):
            for word in (record["cause"], record["remedy"]):
                if word:
                    self.out.print(" " * 17 + escape(word))

    def ask(self, record):
        """ "next", "skip" or "stop", of the person at the keyboard."""
        self.busy(False)
        self.out.print(f"[bold cyan]Please:[/] {record['what']}.")
        try:
            said = self.out.input("  Enter = done, s = skip, q = stop: ").strip().lower()
        except EOFError:
            return "skip"
        finally:
            self.busy(True)
        return {"s": "skip", "q": "stop"}.get(said[:1], "next")

    def end(self, results):
        from rich.table import Table

        from host_tools.board.selftest import verdict

        passed, first = verdict(results)
        if self._quiet:
            return
        table = Table(box=None, show_header=False, pad_edge=False)
        for level, name in (("ok", "passed"), ("fail", "failed"), ("warn", "to look at"), ("skip", "not tested")):
            found = [record for record in results if record["level"] == level and record["step"] != "end"]
            steps = ", ".join(dict.fromkeys(record["step"] for record in found))
            if found:
                table.add_row(f"[{self._STYLE[level]}]{name}[/]", str(len(found)), steps)
        self.out.print()
        self.out.print(table)
        if passed:
            self.out.print("[green]The board passed.[/] Contactor open, pilot at rest.")
        elif first is None:
            self.out.print("[yellow]The test was ended before its time.[/]")
        else:
            self.out.print(
                f"[bold red]Begin here:[/] {first['code']}: {first['what']}. {first['cause']} {first['remedy']}".rstrip()
            )


def _open(args):
    from host_tools.board.selftest import PortLine, SimLine

    return SimLine(args.fault or "none", args.runtime) if args.sim else PortLine(args)


def run(args):
    """Exit status: see _EPILOG."""
    from board.sim_board import FAULTS
    from host_tools.board.selftest import SelftestError, follow, verdict

    if args.fault and not args.sim:
        return _fail("--fault needs --sim")
    if args.fault == "list":
        print("\n".join(FAULTS))
        return 0
    if args.fault and args.fault not in FAULTS:
        return _fail(f"--fault {args.fault}: there are {', '.join(FAULTS)}")
    try:
        words = options(args)
    except ValueError as error:
        return _fail(error)
    screen = Screen(args.json)

    def answer(record):
        if args.yes or args.skip:
            return "next" if args.yes else "skip"
        return screen.ask(record)

    try:
        with _open(args) as line:
            screen.busy(True)
            results = follow(line, words, screen.show, answer)
    except (SelftestError, PortError) as error:
        return _fail(error, 1)
    finally:
        screen.busy(False)
    screen.end(results)
    passed, first = verdict(results)
    if args.json:
        document = {"passed": passed, "first_failure": first and first["code"], "results": results}
        print(json.dumps(document, indent=1))
    return 0 if passed else 1
