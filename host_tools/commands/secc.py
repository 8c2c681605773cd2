"""`microv2g secc`: run the station firmware on a network interface."""

import argparse
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from host_tools import userfile
from host_tools.lab import LAB
from host_tools.recordings import oneline
from host_tools.root import RUNTIME
from host_tools.station.process import RUNTIMES, SeccError, SeccProcess, interfaces

_EPILOG = """\
examples:
  microv2g secc --link sim --lab                            plug, pilot and modem simulated; `microv2g ev --link sim` joins
  microv2g secc --link sim --lab --tls strict --pki build/pki   over TLS 1.3; the car: ev --link sim --tls build/pki/car
  microv2g secc --iface lo                                  from TCP up, for a car on this machine; --tls goes with it too
  microv2g secc --iface eth1 --services DC_BPT --control dynamic --setpoint 10000 --trace session.jsonl
  microv2g secc --iface eth1 --config station.json --stop-after 100
  microv2g secc --print-config                              all configuration keys with their meaning

links:
  sim[:PORT]      QCA7000 model behind a simulated SPI bus; its powerline and pilot are UDP port PORT on loopback (15119)
  packet:IFACE    raw frames on an interface whose far side is a modem, or a stand-in for one (root); pilot simulated
  os:IFACE        the operating system's IPv6 sockets, no pilot (= --iface IFACE)

lines on stdin while it runs:
  setpoint W [for S]   power set-point, for S seconds; negative discharges; `setpoint off` takes it back
  grid yes|no [for S]  may power flow out of the car (`export` is "host")
  stop          the station ends the session (Terminate)
  status        one line about the state
  cp A|B|C|D|E|diode|auto   simulated pilot (links sim and packet): what hangs on the plug; E: shorted, diode: the
                car's diode is shorted, auto: the simulated car decides
  pp OHM        proximity resistor of the plugged cable (ac_socket), 0 = none
  clear         the cause of a latched fault is repaired
  counters      what was dropped or went wrong, by reason (links sim and packet)
  quit          end

The command line has priority over the configuration file. Exit status: 0 ended on request, 1 the station
ended by itself, 2 wrong arguments, configuration or network.
"""


def _words(text):
    return [word.strip() for word in text.split(",") if word.strip()]


def register(subparsers):
    p = subparsers.add_parser(
        "secc",
        help="run the station firmware on a network interface",
        description="Run the station (SECC) firmware in unix-port MicroPython on a network interface, session after "
        "session, until it is stopped.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--link", metavar="KIND", help="sim[:PORT], packet:IFACE or os:IFACE; see below")
    p.add_argument("--iface", metavar="IFACE", help="network interface towards the car: --link os:IFACE")
    p.add_argument("--services", type=_words, metavar="LIST", help="energy services on offer, e.g. DC_BPT,DC")
    p.add_argument("--control", type=_words, metavar="LIST", help="control modes on offer: dynamic,scheduled")
    p.add_argument("--setpoint", type=int, metavar="W", help="power set-point; positive charges, negative discharges")
    p.add_argument("--stop-after", type=int, metavar="N", help="the station ends the session after N loop answers")
    p.add_argument(
        "--lab", action="store_true", help="a desk, no real car: everybody may charge and discharge (host_tools/lab.py)"
    )
    p.add_argument("--tls", choices=("strict", "field"), help="TLS 1.3 with vehicle certificates; no plain TCP then")
    p.add_argument("--pki", metavar="DIR", help="folder of `microv2g pki new`: chain, key and roots of the station")
    p.add_argument("--config", metavar="FILE", help="configuration, one JSON object (see --print-config)")
    p.add_argument("--trace", metavar="FILE.jsonl", help="write one JSON line per message, note and power sample")
    p.add_argument(
        "--runtime", choices=RUNTIMES, default=RUNTIME, help="where the firmware runs (default: %(default)s)"
    )
    p.add_argument("--print-config", action="store_true", help="print the configuration that would be used, and end")
    p.add_argument("--quiet", action="store_true", help="print READY and errors only")
    p.set_defaults(func=run)


def merged_config(args):
    """The configuration file with the command line over it; only what was given. Raises OSError,
    ConfigError."""
    from firmware.app import config

    changes = dict(LAB) if args.lab else {}
    if args.config:
        try:
            changes.update(config.parse(userfile.read(args.config)))
        except userfile.TextError as error:
            raise config.ConfigError(f"{args.config}: {error}") from None
    for key, value in (
        ("services", args.services),
        ("control", args.control),
        ("setpoint_w", args.setpoint),
        ("stop_after_loops", args.stop_after),
    ):
        if value is not None:
            changes[key] = value
    if args.tls:
        changes["tls"] = args.tls
        changes.setdefault("allow_plain", False)
    if args.pki:
        changes["tls_dir"] = str(Path(args.pki).resolve() / "device")
    config.merge(changes)
    return changes


def _fail(why):
    print(f"microv2g secc: {why}", file=sys.stderr)
    return 2


def unusable(link):
    """Why a link cannot be used, found before anything is started; None if it can."""
    from firmware.run import os_net

    kind, _, where = link.partition(":")
    if kind == "os":
        try:
            os_net.interface(where)
        except os_net.NetError as e:
            return f"{e} (usable here: {', '.join(interfaces()) or 'none'})"
    elif kind == "packet":
        if where not in [name for _, name in socket.if_nameindex()]:
            return f"no network interface named {where or '(none given)'}"
        if os.geteuid():
            return f"raw frames on {where} need root"
    elif kind == "sim":
        if where and not (where.isdecimal() and 1024 <= int(where) <= 65535):
            return f"--link sim:{where}: the port is a number in 1024..65535"
    else:
        return f"--link {link}: there are sim[:PORT], packet:IFACE and os:IFACE"
    return None


def run(args):
    """Exit status: see _EPILOG."""
    from firmware.app import config

    try:
        changes = merged_config(args)
    except OSError as e:
        return _fail(f"{args.config}: {e.strerror}")
    except config.ConfigError as e:
        return _fail(f"configuration: {e}")
    if args.print_config:
        for line in config.describe(config.merge(changes)):
            print(line)
        return 0
    if bool(args.iface) == bool(args.link):
        usable = ", ".join(interfaces()) or "none with IPv6"
        return _fail(f"one of --iface and --link is needed (try --link sim; interfaces here: {usable})")
    link = args.link or "os:" + args.iface
    why = unusable(link)
    if why:
        return _fail(why)

    def on_record(record):
        if record.get("note", "").startswith("READY "):
            print(record["note"], flush=True)
        elif secc.ready:  # what went wrong before is said by wait_ready
            oneline.show(record, args.quiet)

    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    secc = SeccProcess(link, changes, args.runtime, args.trace, on_record)
    asked = False
    try:
        secc.start()
        secc.wait_ready(10)
        threading.Thread(target=_pass_stdin, args=(secc,), daemon=True).start()
        while secc.wait(3600) is None:
            pass
    except SeccError as e:
        return _fail(str(e))
    except OSError as e:
        return _fail(f"{e.filename or 'start'}: {e.strerror}")
    except KeyboardInterrupt:
        asked = True
    finally:
        status = secc.stop()
    if asked or status == 0:
        return 0
    return _fail(f"the station ended by itself, status {status}") - 1


def _pass_stdin(secc):
    for line in sys.stdin:
        secc.command(line.strip())
