"""`microv2g size`: code size and heap by part of the firmware, against the committed budget."""

import argparse
import hashlib
import json
import sys

from host_tools import boardfile

_EPILOG = """examples:
  microv2g size --board rpi_pico            tables; exit status 1 if a part is 3 per cent above its budget
  microv2g size --board rpi_pico --modules  every module
  microv2g size --board rpi_pico --update   what is measured becomes the budget (boards/<board>/budget.json)

Frozen modules are measured as .mpy for the board's processor. Heap is what an import keeps, on the 32-bit image. The linker's map
is read where build/BOARD/firmware.elf.map is there. What a session leaves free is what `make emu` has measured of this image, if it
has (build/emu/run/figures.json). docs/memory.md tells what the ledger is for."""


def register(subparsers):
    p = subparsers.add_parser(
        "size",
        help="code size and heap of the firmware",
        description="Code size and heap by part of the firmware, against the committed budget.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--board", choices=boardfile.names("controller"), default="rpi_pico", help="default %(default)s")
    p.add_argument("--all", action="store_true", help="every board whose sizes .ci/run proves")
    p.add_argument("--map", metavar="FILE", help="map file of the linker (default: build/BOARD/firmware.elf.map)")
    p.add_argument("--modules", action="store_true", help="every module, not only packages")
    p.add_argument("--files", action="store_true", help="also the heap of modules from files, as on a stock image")
    p.add_argument("--update", action="store_true", help="write the budget")
    p.add_argument("--json", action="store_true", help="everything, for programs")
    p.set_defaults(func=_size)


def _size(args):
    if not args.all:
        return _board(args)
    status = 0
    for args.board in boardfile.names(ci="size"):
        print("%s: %s" % (args.board, boardfile.find(args.board).title))
        status |= _board(args)
    return status


def _board(args):
    from host_tools.building.size import budget, linker, measure
    from host_tools.building.step import Missing

    path = boardfile.find(args.board).image_path.with_name("firmware.elf.map")
    if args.map:
        path = type(path)(args.map)
    try:
        modules = measure.mpy(args.board)
        tables = {"mpy": {title: sum(parts.values()) for title, parts in sorted(modules.items())}}
        tables["heap"] = measure.heap()
        from_files = measure.heap(files=True) if args.files else {}
        image = (
            linker.read(path.read_text(errors="replace"), boardfile.find(args.board))
            if path.exists() or args.map
            else None
        )
    except (Missing, OSError, ValueError) as error:
        print("microv2g size: %s" % error, file=sys.stderr)
        return 1
    if image:
        tables["flash"] = {title: row[0] for title, row in sorted(image.groups.items()) if row[0] > 0}
        tables["ram"] = {title: row[1] for title, row in sorted(image.groups.items()) if row[1] > 0}
    figures = _figures(args.board)
    if figures:
        tables[budget.SESSION] = budget.session(figures)
    old = budget.load(args.board)
    if args.update:
        budget.save(args.board, {**old, **tables})
        old = budget.load(args.board)
    if not old:
        print(
            "microv2g size: no budget yet for %s: microv2g size --board %s --update" % (args.board, args.board),
            file=sys.stderr,
        )
        return 1
    rows = budget.compare(tables, old)
    if args.json:
        facts = {
            "board": args.board,
            "tables": tables,
            "budget": old,
            "modules": modules,
            "heap_from_files": from_files,
        }
        facts["over"] = [[table, part] for table, part, _, _, bad in rows if bad]
        if image:
            facts["image"] = {"flash": image.flash, "flash_size": room(args.board, image), "ram": image.ram}
        print(json.dumps(facts, indent=1))
    else:
        _show(args, rows, modules, image, from_files)
    owed = budget.promised(old, room(args.board, image) - image.flash if image else None)
    if not args.json and old.get(budget.PROMISED):
        for kind, left, asked in owed:
            print("%s: %d bytes are left, %d of them promised" % (kind, left, asked))
    bad = [row for row in rows if row[4]]
    if image and image.flash > room(args.board, image):
        print(
            "microv2g size: the image has %d bytes, its flash %d" % (image.flash, room(args.board, image)),
            file=sys.stderr,
        )
        return 1
    for table, part, measured, known, _ in bad:
        words = "has no budget" if known is None else "%d bytes, the budget is %d" % (measured, known)
        print("microv2g size: %s, %s: %s" % (table, part, words), file=sys.stderr)
    for kind, left, asked in owed:
        if asked > left:
            print("microv2g size: %s: %d bytes are promised, %d are left" % (kind, asked, left), file=sys.stderr)
            bad.append(kind)
    if bad:
        print(
            "  what to do: make it smaller, or say why and run microv2g size --board %s --update" % args.board,
            file=sys.stderr,
        )
    return 1 if bad else 0


def _figures(board):
    """Figures of the emulator's last run, if it was the image that lies here; else {}."""
    from host_tools.building.step import BUILD

    path, image = BUILD / "emu" / "run" / "figures.json", boardfile.find(board).image_path
    figures = json.loads(path.read_text()) if path.exists() and image.exists() else {}
    return figures if figures and figures.get("image_sha256") == digest(image) else {}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def room(board, image):
    """Bytes of flash for the image: without the file system that lies behind it."""
    import re

    path = boardfile.find(board).folder / "mpconfigboard.h"
    found = re.search(r"FLASH_STORAGE_BYTES \((\d+) \* 1024\)", path.read_text()) if path.exists() else None
    return image.flash_size - (int(found[1]) * 1024 if found else 0)


_TITLES = {
    "mpy": "Our modules (.mpy, bytes)",
    "heap": "Heap that an import keeps (bytes, 32 bits, frozen)",
    "flash": "Image by the linker (bytes of flash)",
    "ram": "Image by the linker (bytes of RAM, without the heap)",
    "session": "Left in the sessions of the emulated board (bytes, less is worse)",
}


def _show(args, rows, modules, image, from_files):
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    for table, title in _TITLES.items():
        lines = [row for row in rows if row[0] == table]
        if not lines:
            continue
        console.print(title, style="bold", markup=False)
        out = Table("", box=None, pad_edge=False)
        for name in ("now", "budget", ""):
            out.add_column(name, justify="right")
        for _, part, measured, known, bad in lines:
            change = "" if not known else "%+.1f %%" % (100 * (measured - known) / known)
            out.add_row(part, str(measured), str(known or "-"), change, style="red" if bad else None)
            if args.modules and table == "mpy":
                for name, size in sorted(modules[part].items()):
                    out.add_row("    " + name, str(size), "", "", style="dim")
        if table != "session":
            whole = sum(row[2] for row in lines), sum(row[3] or 0 for row in lines)
            out.add_row("all", str(whole[0]), str(whole[1]), "", style="bold")
        console.print(out)
        console.print()
    if from_files:
        console.print("Heap of the same from files: %d bytes" % sum(from_files.values()))
    if image:
        limit = room(args.board, image)
        words = "image %d of %d bytes of flash (%d %%), %d bytes of RAM before the heap"
        console.print(words % (image.flash, limit, image.flash * 100 // limit, image.ram), markup=False)
