"""`microv2g deploy`: our modules onto a board with a stock image of MicroPython, or a changed package onto one with
ours."""

import argparse
import json
import sys

from host_tools import boardfile

_EPILOG = """examples:
  microv2g deploy --port /dev/ttyACM0 --dry-run      what the board is and lacks, what would be copied
  microv2g deploy --port /dev/ttyACM0 --yes          copy what changed; --yes to what the image cannot do (TLS 1.3)
  microv2g deploy --only drivers,board               our image: try a change without building it
  microv2g deploy --remove                           take everything away again

Modules are compiled for the processor of the board. New files lie beside old ones until all are there and read back, so an
unplugged cable leaves the old station or the new one. Exit status: 0 done or nothing to do, 1 failed, 2 wrong use."""


def register(subparsers):
    p = subparsers.add_parser(
        "deploy",
        help="copy the modules onto a board with stock MicroPython",
        description="Compile the modules, ask the board what it can do, copy what changed, and reset it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--port", help="serial port (default: the only one there is)")
    p.add_argument("--board", choices=boardfile.names("controller"), help="default: by what the board says")
    p.add_argument("--only", metavar="NAME,…", type=lambda text: tuple(n for n in text.split(",") if n), default=(),
                   help="these packages alone: codec, drivers, firmware, mcu, board, evse")  # fmt: skip
    p.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
    p.add_argument("--verify", action="store_true", help="compare by the hash of each file, not by manifest and size")
    p.add_argument("--remove", action="store_true", help="remove what deploy has copied")
    p.add_argument("--yes", action="store_true", help="go on with what the image cannot do")
    p.add_argument("--force", action="store_true", help="go on although it will not work")
    p.add_argument("--no-reset", action="store_true", help="leave the board at its REPL")
    p.add_argument("--json", action="store_true", help="the result for programs, nothing else on standard output")
    p.set_defaults(func=_deploy)


def _deploy(args):
    from host_tools.board.flash import FlashError
    from host_tools.board.flash.progress import Show
    from host_tools.building.step import Missing

    show, facts = Show(json=args.json), {}
    try:
        _run(args, show, facts)
        facts.update(ok=True, seconds=show.seconds)
        status = 0
    except (FlashError, Missing) as error:
        show.end()
        remedy = getattr(error, "remedy", "")
        print("microv2g deploy: %s" % error, file=sys.stderr)
        if remedy:
            print("  what to do: %s" % remedy, file=sys.stderr)
        facts.update(ok=False, error=str(error), remedy=remedy)
        status = getattr(error, "status", 1)
    if args.json:
        print(json.dumps(facts, indent=1))
    return status


def _run(args, show, out):
    from host_tools.board.deploy import parts, probe
    from host_tools.board.deploy import plan as planning
    from host_tools.board.deploy.copy import Copier
    from host_tools.board.flash import FlashError, ports
    from host_tools.board.flash.repl import Repl

    if args.board and args.only:
        _packages(parts, args.board, args.only)  # before the board is disturbed
    port = ports.choose(args.port)
    with Repl(port, fresh=True) as repl:
        everything = parts.needs(args.board, args.only) if args.board else _all_needs(parts, args.only)
        facts = probe.Facts(repl.run(probe.SCRIPT % sorted(everything)).decode())
        board = args.board or facts.board
        show.say("board   %s, MicroPython %d.%d.%d at %s" % (facts.machine or facts.platform, *facts.version, port))
        show.say(
            "has     %d kB of heap, %d of %d kB of flash free" % (facts.heap >> 10, facts.free >> 10, facts.size >> 10)
        )
        out.update(port=port, board=board, platform=facts.platform, version=list(facts.version), march=facts.march)
        findings = [] if args.remove else probe.judge_image(facts, board, args.only)
        _decide(args, show, out, findings, last=False)
        _packages(parts, board, args.only)
        root = "/" if facts.frozen else "/lib"
        wanted = {} if args.remove else parts.files(board, facts.march or "", args.only, root)
        copier = Copier(repl, lambda n: show.bar("copy", min(n, total), total))
        if args.dry_run:
            if copier.sizes([_todo()]):
                show.note("an earlier copy was cut off; the next one finishes it")
        elif copier.finish():
            show.note("an earlier copy was cut off and is finished now")
        manifest = copier.manifest()
        present = copier.sizes({**manifest, **wanted})
        if args.verify:
            manifest = {path: copier.sha256(path) for path in present if path in manifest}
        replaced = _replaced(args.only, root)
        plan = planning.make(wanted, parts.digests(wanted), manifest, present, replaced)
        if not args.remove:
            needs = parts.needs(board, args.only)
            facts.missing = [name for name in facts.missing if name in needs]
            findings += probe.judge_needs(facts, needs, board)
            findings += probe.judge_room(facts, plan, parts.in_ram(wanted), board)
            if "/main.py" in wanted and "/main.py" in present and "/main.py" not in manifest:
                text = "the board has a main.py of somebody else, which would be replaced"
                findings.append(probe.Finding("ask", "main", text, "keep a copy: mpremote fs cp :main.py ."))
        out.update(copy=sorted(plan.copy), remove=plan.remove, unchanged=len(plan.same), bytes=plan.bytes)
        _decide(args, show, out, findings, last=True)
        words = "%d files to copy (%d bytes), %d to remove, %d as they are"
        show.say("plan    " + words % (len(plan.copy), plan.bytes, len(plan.remove), len(plan.same)))
        if args.dry_run:
            return
        total = plan.bytes + 64 * len(plan.manifest)
        if plan.empty:
            show.say("ok      nothing to do")
            return
        try:
            copier.apply(plan, {"version": parts.version(), "board": board, "march": facts.march})
        except FlashError as error:
            show.end()
            raise FlashError(
                str(error), (error.remedy + "; " if error.remedy else "") + "the board still starts: repeat it"
            )
        show.end()
        if not args.no_reset:
            repl.leave("import machine\nmachine.reset()")
        show.say(
            "ok      %s" % ("removed" if args.remove else "copied and read back") + ("" if args.no_reset else ", reset")
        )


def _todo():
    from host_tools.board.deploy import TODO

    return TODO


def _packages(parts, board, only):
    from host_tools.board.flash import FlashError

    if board and only:
        try:
            parts.names(board, only)
        except KeyError as error:
            raise FlashError(error.args[0], "", 2)


def _all_needs(parts, only):
    """Needs of every board: which one it is, the board has not said yet."""
    out = {}
    for board in boardfile.names("controller"):
        try:
            out.update(parts.needs(board, only))
        except KeyError:
            continue  # said when the board is known
    return out


def _replaced(only, root):
    """Which entries of the manifest this deployment takes the place of."""
    if not only:
        return lambda path: True
    heads = tuple(root.rstrip("/") + "/" + name for name in only)
    return lambda path: any(path.startswith((head + "/", head + ".")) for head in heads)


def _decide(args, show, out, findings, last):
    """Say the findings; FlashError at one that stops, or one that nobody agrees to."""
    from host_tools.board.flash import FlashError

    new = findings[len(out.get("findings", ())) :]
    out["findings"] = [finding.facts() for finding in findings]
    for finding in new:
        show.note(finding.text + (" (%s)" % finding.remedy if finding.kind == "note" and finding.remedy else ""))
    stops = [finding for finding in findings if finding.kind == "stop"]
    if stops and not args.force:
        raise FlashError("not copied: " + stops[0].text, stops[0].remedy + (" (--force: all the same)"))
    asks = [finding for finding in findings if finding.kind == "ask"]
    if not last or not asks or args.yes or args.force or args.dry_run:
        return
    if not sys.stdin.isatty() or args.json:
        raise FlashError("not copied: " + asks[0].text, asks[0].remedy + ". --yes goes on", 2)
    show.end()
    if input("go on all the same? [y/N] ").strip().lower() not in ("y", "yes"):
        raise FlashError("not copied", "", 1)
