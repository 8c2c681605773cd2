"""`microv2g pki new|show|install`: certificates of ISO 15118-20 for tests and trials, what is wrong with others, and onto a
board."""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

from host_tools.pki import profile

_EPILOG = """examples:
  microv2g pki new build/pki                          whole PKI, P-521 as the standard asks
  microv2g pki new build/pki-field --profile field    P-256, as test cars of today bring
  microv2g pki show build/pki                         explain it; exit status 1 if something is wrong
  microv2g pki show secc_chain.pem roots.pem --profile strict
  microv2g pki install build/pki --port /dev/ttyACM0  chain, key and roots onto a board, TLS on, clock set

docs/pki.md tells which file is for whom. These are certificates for tests: the keys of all roots lie beside them."""


def _days(text):
    days = int(text)
    if not 1 <= days <= profile.MAX_DAYS:
        raise argparse.ArgumentTypeError("1 to %d" % profile.MAX_DAYS)
    return days


def _name(text):
    if not 1 <= len(text) <= 64 or not text.isascii() or not text.isprintable():
        raise argparse.ArgumentTypeError("1 to 64 printable ASCII characters")
    return text


def register(subparsers):
    p = subparsers.add_parser(
        "pki",
        help="make and explain certificates",
        description="Make a PKI of ISO 15118-20 for tests, or explain certificates and say what is wrong with them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = p.add_subparsers(dest="action", metavar="ACTION", required=True)
    new = actions.add_parser("new", help="make a PKI: station, car, contract", description="Make a whole PKI in DIR.")
    new.add_argument("dir", metavar="DIR", type=Path)
    new.add_argument(
        "--profile", choices=profile.PROFILES, default="strict", help="strict: P-521, SHA-512; field: P-256, SHA-256"
    )
    new.add_argument("--days", type=_days, default=profile.DAYS, help="validity of the leaves (default %(default)s)")
    new.add_argument("--evccid", type=_name, metavar="NAME", help="CN of the vehicle (default %(default)s)")
    new.add_argument("--seccid", type=_name, metavar="NAME", help="CN of the station (default %(default)s)")
    new.add_argument("--force", action="store_true", help="replace the PKI that is in DIR")
    new.set_defaults(func=_with_library(_new), **{k: profile.NAMES[k] for k in ("evccid", "seccid")})
    show = actions.add_parser("show", help="explain certificates", description="Explain certificates and keys.")
    show.add_argument("paths", metavar="DIR|FILE", nargs="+", type=Path)
    show.add_argument("--profile", choices=profile.PROFILES, help="judge curve and hash by it")
    show.add_argument("--json", action="store_true", help="everything, for programs")
    show.set_defaults(func=_with_library(_show))

    put = actions.add_parser(
        "install",
        help="onto a board",
        description="Chain, key and roots of a station onto the board at a serial port, TLS on and plain TCP off in its configuration, "
        "restart, clock set. A station that runs is stopped for it, contactor open.",
    )
    put.add_argument("dir", metavar="DIR", type=Path, help="what `pki new DIR` made, or a folder with the three files")
    put.add_argument("--port", required=True, help="serial port of the board")
    put.add_argument("--profile", choices=profile.PROFILES, default="strict", help="of TLS on the station")
    put.set_defaults(func=_with_library(_install))


def _with_library(run):
    def checked(args):
        if not importlib.util.find_spec("cryptography"):
            print("microv2g pki: needs the Python package cryptography, which make deps installs", file=sys.stderr)
            return 1
        return run(args)

    return checked


_PLACES = (
    ("device/", "for the file system of a station: chain, key, roots it trusts"),
    ("car/", "the same for a car"),
    ("iso15118_2/", "for the PyPI vehicle iso15118, PKI_PATH=%s"),
    ("certs/, private/", "each certificate and key alone, those of the CAs too"),
)


def _new(args):
    from host_tools.pki import explain, issue

    if args.dir.exists() and (not args.dir.is_dir() or any(args.dir.iterdir())):
        if not (args.dir / issue.MARK).exists():
            print("microv2g pki: %s exists and is no PKI of mine" % args.dir, file=sys.stderr)
            return 1
        if not args.force:
            print("microv2g pki: %s holds a PKI, --force replaces it" % args.dir, file=sys.stderr)
            return 1
    fault = profile.evccid_fault(args.evccid)
    if fault:
        print("microv2g pki: note: %s is no EVCCID of ISO 15118-20: %s" % (args.evccid, fault), file=sys.stderr)
    made = issue.make(args.profile, args.days, {"evccid": args.evccid, "seccid": args.seccid})
    issue.write_all(args.dir, made)
    facts = explain.report([args.dir], args.profile)
    print("\n".join(explain.lines(facts)))
    print()
    for place, words in _PLACES:
        print("%-18s%s" % (place, words % args.dir.resolve() if "%" in words else words))
    print(explain.summary(facts))
    return 0 if facts["ok"] else 1


def _show(args):
    from host_tools.pki import explain

    facts = explain.report(args.paths, args.profile)
    if args.json:
        print(json.dumps(facts, indent=1))
    else:
        print("\n".join([*explain.lines(facts), explain.summary(facts)]))
    return 0 if facts["ok"] else 1


def _install(args):
    from host_tools.board.flash import FlashError
    from host_tools.board.port.errors import PortError
    from host_tools.pki import install

    try:
        install.install(args.port, args.dir, args.profile, lambda text: print(text, flush=True))
    except (install.InstallError, PortError, FlashError) as error:
        print("microv2g pki: %s" % error, file=sys.stderr)
        return 1
    return 0
