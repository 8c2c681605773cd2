"""`microv2g flash`: firmware onto a board. What the file is and what the chip is are known before anything is
erased."""

import argparse
import json
import sys
from pathlib import Path

from host_tools import boardfile
from host_tools.root import CHECKOUT, ROOT

_EPILOG = """examples:
  microv2g flash --board rpi_pico                        build/rpi_pico/firmware.uf2; board on USB or in its boot loader
  microv2g flash --board rpi_pico --port /dev/ttyACM0    a running board is asked to start its boot loader, then read back
  microv2g flash firmware.uf2 --drive /media/me/RPI-RP2
  microv2g flash --board esp32s3 --port /dev/ttyUSB0     by the ROM loader; chip and offsets are found
  microv2g flash --board esp32s3 --verify-only           compare, write nothing
  microv2g flash firmware.bin --erase                    and forget the configuration

Configuration and certificates stay unless --erase says otherwise. Exit status: 0 done, 1 failed, 2 wrong use or no image.
docs/flashing.md has the buttons and the cables."""


def register(subparsers):
    p = subparsers.add_parser(
        "flash",
        help="write firmware onto a board",
        description="Write a firmware image onto a board, read it back, and refuse one that is for another chip.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("image", metavar="IMAGE", nargs="?", type=Path, help=".uf2 or .bin (default: that of --board)")
    p.add_argument(
        "--board", choices=boardfile.names("controller"), help="take build/BOARD/…, and refuse what is not for its chip"
    )
    p.add_argument("--port", help="serial port (default: the only one there is)")
    p.add_argument("--drive", type=Path, metavar="PATH", help="RP2040: folder at which its drive is mounted")
    p.add_argument("--erase", action="store_true", help="erase everything, configuration and certificates too")
    p.add_argument("--flash-kb", type=int, default=2048, metavar="N", help="RP2040: flash for --erase (default 2048)")
    p.add_argument("--verify-only", action="store_true", help="compare the flash with the image")
    p.add_argument(
        "--baud", type=int, default=460800, help="ESP32: highest rate (default %(default)s; falls back to 115200)"
    )
    p.add_argument(
        "--before", choices=("default-reset", "usb-reset", "no-reset"), default="default-reset",
        help="ESP32: how it gets into its loader; no-reset: you did it by hand",
    )  # fmt: skip
    p.add_argument("--no-stub", action="store_true", help="ESP32: the ROM alone, slower")
    p.add_argument("--attempts", type=int, default=None, metavar="N", help="ESP32: tries to get an answer (default 4)")
    p.add_argument("--json", action="store_true", help="the result for programs, nothing else on standard output")
    p.add_argument("--verbose", action="store_true", help="what esptool says, too")
    p.set_defaults(func=_flash)


def _flash(args):
    from host_tools.board.flash import FlashError
    from host_tools.board.flash.progress import Show

    show = Show(json=args.json, verbose=args.verbose)
    facts = {}
    try:
        _run(args, show, facts)
    except FlashError as error:
        show.end()
        print("microv2g flash: %s" % error, file=sys.stderr)
        if error.remedy:
            print("  what to do: %s" % error.remedy, file=sys.stderr)
        if args.json:
            facts.update(ok=False, error=str(error), remedy=error.remedy)
            print(json.dumps(facts, indent=1))
        return error.status
    facts.update(ok=True, seconds=show.seconds)
    if args.json:
        print(json.dumps(facts, indent=1))
    return 0


def _run(args, show, facts):
    from host_tools.board.flash import FlashError, image, ports

    if args.image is None and args.board is None:
        raise FlashError("no IMAGE and no --board", "microv2g flash --help", 2)
    board = boardfile.find(args.board) if args.board else None
    path = args.image or board.image_path
    if not path.exists():
        build = "build it%s: make firmware BOARD=%s" % ("" if CHECKOUT else " in a checkout of microv2g", args.board)
        remedy = build if args.image is None else ""
        raise FlashError("no file %s" % (path.relative_to(ROOT) if ROOT in path.parents else path), remedy, 2)
    what = image.read(path)
    facts["image"] = what.facts()
    show.say("image   %s: %s, %d bytes" % (path.name, what.words, what.size))
    if board and what.chip != board.chip["name"]:
        raise FlashError("%s is %s, the chip of %s is an %s" % (path, what.words, board.name, board.chip["name"]))
    if what.kind == "uf2":
        facts.update(_rp2(args, show, what))
    else:
        from host_tools.board.flash import esp

        port = ports.choose(args.port)
        if args.drive or ports.kind(port) == "rp2":
            where = args.drive or port
            raise FlashError(
                "%s is %s; the board at %s is an RP2. Nothing was erased" % (path, what.words, where),
                "take its .uf2, or the port of the other board",
            )
        facts.update(
            esp.flash(
                what, port, show, args.baud, args.before, args.erase, args.verify_only, not args.no_stub, args.attempts
            )
        )


def _rp2(args, show, what):
    from host_tools.board.flash import FlashError, ports, rp2

    port = args.port
    if port is None and rp2.find(args.drive) is None:
        port = ports.choose(None)
    elif port is None:
        port = ports.only("rp2")  # to read it back when it comes up again
    if port and ports.kind(port) == "esp32":
        raise FlashError(
            "%s is %s; the board at %s is of the ESP32 family. Nothing was erased" % (what.path, what.words, port),
            "take its .bin, or the port of the other board",
        )
    return rp2.flash(what, port, args.drive, show, args.erase, args.verify_only, args.flash_kb)
