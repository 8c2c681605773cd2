"""microv2g emu: the board's true image in an emulator, with modem, car and grid around it."""

import argparse
import hashlib
import json
import signal
import sys
from pathlib import Path

from host_tools.root import BUILD

_EPILOG = """\
examples:
  microv2g emu                              sessions in DC_BPT and AC_BPT over TLS, power cuts, figures
  microv2g emu --service DC_BPT --no-tls --cuts 0       the shortest: one session over plain TCP
  microv2g emu --json > figures.json        figures for a program; progress goes to stderr
  microv2g emu --pty                        the console on a pseudo terminal; then e.g. mpremote connect /dev/pts/N
  microv2g emu --pty --flash board.bin --plug DC_BPT --tls build/pki/car       a car that a board with --tls certificates serves
  microv2g emu --service DC_BPT --fault welded           one session on a board with a fault: what becomes of it
  microv2g emu --pty --fault swapped --fault int_open    with wiring faults; then e.g. microv2g selftest --port /dev/pts/N

The RP2040 is rp2040js under node (make emu installs it), the image the one that a Pico gets (make firmware BOARD=rpi_pico). The
modem is the chip model of host_tools/twin behind the SPI pins, the car the one of microv2g ev with OpenSSL, in lock-step with
emulated time: over plain TCP two runs with the same --seed have the same cycle counts (OpenSSL has its own random numbers).
Exit status 0 only if all sessions ended well, energy flowed both ways, and every power cut left a whole configuration. With
--fault: 0 if the contactor is not driven any more when the session is over, however it went; there are no figures and no power cuts."""

SERVICES = ("DC_BPT", "AC_BPT", "DC", "AC")

_PLUG_MS = 3000  # --plug: the station runs by then


def register(subparsers):
    p = subparsers.add_parser(
        "emu",
        help="the RP2040 image in an emulator, with modem and car around it",
        description="The true image of the board rpi_pico in an emulator, in lock-step with the models around it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--image", default=str(BUILD / "rpi_pico" / "firmware.uf2"), metavar="FILE", help="UF2 or binary")
    p.add_argument("--service", action="append", choices=SERVICES, help="session to run; may be repeated")
    p.add_argument("--no-tls", action="store_true", help="over plain TCP")
    p.add_argument(
        "--cuts", type=int, default=12, metavar="N", help="power cuts in writes of the configuration (default 12)"
    )
    p.add_argument(
        "--loop-s", type=float, default=6.0, metavar="S", help="emulated length of each charge loop (default 6)"
    )
    p.add_argument("--seed", type=int, default=1, metavar="N", help="of everything random (default 1)")
    p.add_argument(
        "--out", default=str(BUILD / "emu" / "run"), metavar="DIR", help="folder of certificates and figures"
    )
    p.add_argument("--doc", metavar="FILE.md", help="write the figures into their section of this page too")
    p.add_argument("--key-log", default="", metavar="FILE", help="secrets of the sessions for Wireshark (by the car)")
    p.add_argument("--plain", action="store_true", help="every message a line, as in a log")
    p.add_argument("--json", action="store_true", help="figures as JSON on stdout")
    p.add_argument("--pty", action="store_true", help="no scenario: the console on a pseudo terminal until Ctrl-C")
    p.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME",
        help="wiring fault, by name; may be repeated. ?: lists them",
    )
    p.add_argument(
        "--flash", metavar="FILE", help="file system with --pty: read at the start if it is there, written at the end"
    )
    p.add_argument(
        "--plug", metavar="SERVICE", choices=SERVICES, help="with --pty: a car is plugged in after the start"
    )
    p.add_argument(
        "--tls",
        metavar="DIR",
        help="with --plug: the car speaks TLS 1.3 with these certificates (DIR/car of pki new DIR)",
    )
    p.add_argument("--usb", action="store_true", help="with --pty: the console of the board's USB and not of its UART")
    p.set_defaults(func=run)


def run(args):
    from host_tools.emu.process import EmulatorError

    if not Path(args.image).is_file():
        print(f"microv2g emu: no image {args.image}; make firmware BOARD=rpi_pico builds it", file=sys.stderr)
        return 2
    if not 0 <= args.cuts <= 1000 or not 1 <= args.loop_s <= 600:
        print("microv2g emu: --cuts must be in 0..1000, --loop-s in 1..600", file=sys.stderr)
        return 2
    wrong = _contradiction(args)
    if wrong:
        print(f"microv2g emu: {wrong}", file=sys.stderr)
        return 2
    try:
        if args.pty:
            return _pty(args)
        return _faulty(args) if args.fault else _scenario(args)
    except (EmulatorError, OSError) as error:  # the second: certificates or flash that cannot be read
        print(f"microv2g emu: {error}", file=sys.stderr)
        return 1


def _contradiction(args):
    """What is wrong with the options together, and what to do; "" if nothing is."""
    from host_tools.emu.faults import Faults

    try:
        Faults.named(args.fault)
    except ValueError as error:
        return str(error)
    if args.fault and args.doc:
        return "--doc is for the figures of a board without faults; leave out one of --fault and --doc"
    if not args.pty:
        for option in ("flash", "plug", "tls", "usb"):
            if getattr(args, option):
                return f"--{option} goes with --pty only; add it, or see --service for a session without a terminal"
    return ""


def _faulty(args):
    """A session on a board that is wired wrong, and what car and station say about it."""
    from dataclasses import asdict

    from host_tools.emu.board import BoardError
    from host_tools.emu.faults import Faults
    from host_tools.emu.scenario import Scenario

    log = Log(sys.stderr if args.json else sys.stdout, every=1 if args.plain else 10)
    scenario = Scenario(
        args.image, args.out, log.record, args.seed, not args.no_tls, int(args.loop_s * 1000), args.key_log,
        Faults.named(args.fault),
    )  # fmt: skip
    try:
        outcomes = scenario.run_with_faults(args.service or ["DC_BPT"])
    except BoardError as error:
        print(f"microv2g emu: with {', '.join(args.fault)} the station does not start: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps({"faults": args.fault, "sessions": [asdict(outcome) for outcome in outcomes]}, indent=1))
    else:
        for outcome in outcomes:
            print(f"\n{outcome.service} with {', '.join(args.fault)}")
            print("  car        %s" % ("session ended well" if outcome.ok else "no whole session: " + outcome.why))
            contacts = "CLOSED" if outcome.closed else "open"
            print(f"  contactor  {'DRIVEN' if outcome.driven else 'not driven'}; main contacts {contacts}")
            for line in outcome.station:
                print("  " + line)
    return 1 if [outcome for outcome in outcomes if outcome.driven] else 0


def _scenario(args):
    from host_tools.building.size import budget
    from host_tools.emu import figures, page
    from host_tools.emu.scenario import Scenario

    out = sys.stderr if args.json else sys.stdout
    log = Log(out, every=1 if args.plain else 10)
    scenario = Scenario(
        args.image, args.out, log.record, args.seed, not args.no_tls, int(args.loop_s * 1000), args.key_log
    )
    result = scenario.run(args.service or ["DC_BPT", "AC_BPT"], args.cuts)
    facts = figures.facts(result)
    facts["image_sha256"] = hashlib.sha256(Path(args.image).read_bytes()).hexdigest()
    if not args.no_tls:  # what the ledger of memory is about
        for _, what, left, known, bad in budget.compare(
            {budget.SESSION: budget.session(facts)}, budget.load("rpi_pico")
        ):
            if bad:
                result.wrong.append("%s: %d bytes left, boards/rpi_pico/budget.json has %s" % (what, left, known))
        facts["wrong"] = result.wrong
    folder = Path(args.out)
    (folder / "figures.json").write_text(json.dumps(facts, indent=1) + "\n")
    (folder / "figures.md").write_text(figures.markdown(result))
    if args.doc and not result.wrong:
        page.put(args.doc, figures.markdown(result))
    if args.json:
        print(json.dumps(facts, indent=1))
    else:
        from rich.console import Console

        figures.show(result, Console())
        print("figures: %s" % folder)
    for text in result.wrong:
        print("microv2g emu: " + text, file=sys.stderr)
    return 1 if result.wrong else 0


class Log:
    """What happens, one line each; of the charge loop every so manieth answer."""

    def __init__(self, out, every):
        self._out = out
        self._every = every
        self._loops = 0

    def record(self, record):
        t = "%9.3f" % (record["t_ms"] / 1000)
        if "name" not in record:
            mark, text = (" ! ", record["error"]) if "error" in record else (" * ", record["note"])
            print(t, mark, text, file=self._out, flush=True)
            return
        name = record["name"]
        if "ChargeLoop" in name:
            self._loops += name.endswith("Res")
            if self._loops % self._every != 1 % self._every:
                return
        arrow = "<--" if name.endswith("Res") else "-->"
        took = " [%.0f ms]" % record["ms"] if "ms" in record else ""
        print("%s %s %-32s %s%s" % (t, arrow, name, record["text"], took), file=self._out, flush=True)


def _car_tls(folder):
    from host_tools.emu.observer import Observer
    from host_tools.ev import options, tls

    if not folder:
        return None
    try:
        return tls.stage(dict(options.DEFAULTS, tls_dir=folder), Observer(lambda record: None))
    except OSError as error:  # OpenSSL does not say which file
        raise OSError(f"--tls {folder}: {error.strerror or error}; it is the folder DIR/car of microv2g pki new DIR")


def _pty(args):
    from host_tools.emu import files
    from host_tools.emu.board import EmulatedBoard
    from host_tools.emu.bridge import Pty
    from host_tools.emu.faults import Faults
    from host_tools.emu.observer import Observer

    faults = Faults.named(args.fault)
    flash = Path(args.flash) if args.flash else None
    data = flash.read_bytes() if flash and flash.is_file() else files.image({})
    log = Log(sys.stderr, every=1 if args.plain else 10)
    stage = _car_tls(args.tls)  # before the board: what is wrong with the files shall be said at once
    stop = []
    with EmulatedBoard(
        args.image, data, faults=faults, seed=args.seed, observer=Observer(log.record), usb=args.usb
    ) as board:
        # By a flag and not by an exception: the emulator must be left between two of its messages,
        # to be asked for the flash.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.append(True))
        pty = Pty()
        print(pty.path, flush=True)
        begin = board.ms
        plugged = not args.plug

        def turn():
            nonlocal plugged
            if not plugged and board.ms - begin > _PLUG_MS:
                plugged = True
                board.world.plug(tls=stage, service=args.plug, capacity_wh=400, tls_dir=args.tls or "")
            return bool(stop)

        try:
            pty.serve(board, turn)
        finally:
            pty.close()
        if flash:
            flash.write_bytes(board.save(files.STORAGE_AT, files.STORAGE_BYTES))
    return 0
