"""`microv2g ev`: run the simulated car against a station."""

import argparse
import json
import signal
import sys

from host_tools import userfile
from host_tools.ev.options import FAULTS, SLAC_FAULTS

_EPILOG = """\
examples:
  microv2g ev --link sim                                       a whole car, against `microv2g secc --link sim`
  microv2g ev --link sim --tls build/pki/car                   over TLS 1.3, certificates of `microv2g pki new build/pki`
  microv2g ev --link sim --tls build/pki/car --loops 40 --pause-loops 20 --pause-s 30    pauses, sleeps, goes on
  microv2g ev --link sim --basic                               a car that knows only the pilot (IEC 61851)
  microv2g ev --iface lo                                       against `microv2g secc --iface lo`; with --tls DIR over TLS
  microv2g ev --iface veth1 --service AC_BPT --control scheduled --loops 50
  microv2g ev --iface eth1 --service DC_BPT --soc 60 --duration-s 30 --trace car.jsonl
  microv2g ev --iface lo --fault silence                       what does the station do?

--link sim[:PORT]: the car is plugged into the simulated cable of a station: pilot, modem, matching, then discovery
and session over its own IPv6, then it is unplugged. --iface: sockets of the operating system; it looks for a station by
SDP on the interface (on lo: at ::1). One session with EIM; over plain TCP unless --tls names certificates.
A BPT car takes the plain service if the station offers no BPT. Ctrl-C ends the session in an orderly way,
a second one at once.
Exit status: 0 the session ended with SessionStopRes OK, 1 it did not (the reason is printed), 2 wrong arguments.
--config FILE: one JSON object with the keys that --print-config shows."""


def register(subparsers):
    p = subparsers.add_parser(
        "ev",
        help="run the simulated car against a station",
        description="A simulated car (EVCC) with battery, state of charge and limits.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--link", metavar="KIND", help="sim[:PORT]: the simulated cable; os:IFACE: same as --iface")
    p.add_argument("--iface", metavar="IFACE", help="network interface towards the station")
    p.add_argument("--sdp-port", type=int, default=15118, metavar="PORT", help="lab switch: where the station listens")
    p.add_argument("--service", choices=("AC", "AC_BPT", "DC", "DC_BPT"))
    p.add_argument("--control", choices=("dynamic", "scheduled"))
    p.add_argument("--soc", type=int, metavar="PERCENT", help="state of charge at the start")
    p.add_argument("--capacity-wh", type=int, metavar="WH", help="size of the battery")
    p.add_argument("--loops", type=int, metavar="N", help="end after N charge loops")
    p.add_argument("--duration-s", type=float, metavar="S", help="end after S seconds of charge loop")
    p.add_argument(
        "--pause-loops", type=int, metavar="N", help="pause the session after N charge loops (--link sim, --tls)"
    )
    p.add_argument(
        "--pause-s", type=float, metavar="S", help="and wake up to go on with it after S seconds (default 10)"
    )
    p.add_argument("--fault", choices=FAULTS, help="misbehave in the session")
    p.add_argument("--slac-fault", choices=SLAC_FAULTS, help="misbehave in matching (--link sim)")
    p.add_argument("--basic", action="store_true", help="charge by the pilot alone, without ISO 15118 (--link sim)")
    p.add_argument("--tls", metavar="DIR", help="TLS with the files of DIR: vehicle_chain.pem, vehicle.key, roots.pem")
    p.add_argument("--tls-profile", choices=("strict", "field"), help="strict: group secp521r1 alone (default)")
    p.add_argument("--config", metavar="FILE", help="JSON object with any key of --print-config")
    p.add_argument("--trace", metavar="FILE.jsonl", help="write one JSON line per message")
    p.add_argument("--print-config", action="store_true", help="print the configuration that would be used, and end")
    p.add_argument("--json", action="store_true", help="print JSON lines instead of text")
    p.add_argument("--quiet", action="store_true", help="print the result only")
    p.set_defaults(func=run)


class ConfigError(ValueError):
    """str() names the key."""


def config(args):
    """The car's configuration: defaults, then the file, then the command line."""
    from host_tools.ev.options import DEFAULTS

    changes = {}
    if args.config:
        try:
            changes = json.loads(userfile.read(args.config))
        except ValueError as error:
            raise ConfigError(f"{args.config}: {error}") from None
        if not isinstance(changes, dict):
            raise ConfigError("the configuration is one JSON object")
    for key in (
        "service",
        "control",
        "soc",
        "capacity_wh",
        "loops",
        "pause_loops",
        "fault",
        "slac_fault",
        "tls_profile",
    ):
        if getattr(args, key) is not None:
            changes[key] = getattr(args, key)
    if args.tls:
        changes["tls_dir"] = args.tls
    if args.basic:
        changes["iso15118"] = False
    if args.duration_s is not None:
        changes["duration_ms"] = int(args.duration_s * 1000)
    if args.pause_s is not None:
        changes["pause_ms"] = int(args.pause_s * 1000)
    for key, value in changes.items():
        if key not in DEFAULTS:
            raise ConfigError(f'"{key}": unknown key; known are {", ".join(DEFAULTS)}')
        if type(value) is not type(DEFAULTS[key]):
            raise ConfigError(f'"{key}": {json.dumps(value)} is no {type(DEFAULTS[key]).__name__}')
    cfg = {**DEFAULTS, **changes}
    for key, low, high in (
        ("soc", 0, 100), ("min_soc", 0, 100), ("target_soc", 0, 100), ("capacity_wh", 1, 10**7), ("loops", 0, 10**9), ("pause_loops", 0, 10**9), ("pause_ms", 0, 10**8),
        ("duration_ms", 0, 10**9), ("unplug_after_ms", 0, 10**6), ("sounds", 0, 10), ("pp_ohm", 0, 65535), ("loop_pace_ms", 10, 10000),
        ("message_timeout_ms", 100, 60000), ("loop_timeout_ms", 100, 60000), ("max_charge_w", 0, 10**6),
        ("max_discharge_w", 0, 10**6), ("max_mv", 50000, 1500000), ("min_mv", 0, 1500000),
    ):  # fmt: skip
        if not low <= cfg[key] <= high:
            raise ConfigError(f'"{key}": {cfg[key]} is not in {low}..{high}')
    if cfg["tls_dir"] and "evcc_id" not in changes:
        from host_tools.ev.tls import vehicle_name

        cfg["evcc_id"] = vehicle_name(cfg["tls_dir"])
    return cfg


def run(args):
    from host_tools.ev import cable, link
    from host_tools.recordings import oneline

    try:
        cfg = config(args)
    except (OSError, ValueError) as error:
        print(f"microv2g ev: {error}", file=sys.stderr)
        return 2
    if args.print_config:
        print(json.dumps(cfg, indent=2))
        return 0
    link_kind, _, where = (args.link or "os:" + (args.iface or "")).partition(":")
    if bool(args.link) == bool(args.iface):
        print("microv2g ev: one of --link and --iface is needed", file=sys.stderr)
        return 2
    if cfg["pause_loops"] and (link_kind != "sim" or not cfg["tls_dir"]):
        print(
            "microv2g ev: --pause-loops goes with --link sim and --tls: the car sleeps, and is known again by its certificate",
            file=sys.stderr,
        )
        return 2
    if link_kind not in ("sim", "os") or (link_kind == "sim" and where and not where.isdecimal()):
        print(f"microv2g ev: --link {args.link}: there are sim[:PORT] and os:IFACE", file=sys.stderr)
        return 2
    try:
        trace = open(args.trace, "w", buffering=1) if args.trace else None
    except OSError as error:
        print(f"microv2g ev: {error}", file=sys.stderr)
        return 2
    interrupted = []

    def interrupt(*_):
        interrupted.append(1)
        if len(interrupted) > 1:  # whoever asks twice does not want to wait
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)

    def sink(record):
        if trace:
            trace.write(json.dumps(record) + "\n")
        if args.quiet:
            return
        if args.json:
            print(json.dumps(record), flush=True)
        else:
            t = f"{record['t_ms'] / 1000:9.3f}"
            if "note" in record:
                print(f"{t}  .  {record['note']}", flush=True)
            else:
                arrow = "->" if record["dir"].startswith("EVCC") else "<-"
                text = oneline.summary(record["json"]) if record["json"] else record.get("decode_error", "")
                print(f"{t}  {arrow} {record['name'] or '?':32} {text}", flush=True)

    try:
        if link_kind == "sim":
            car = cable.run(cfg, int(where or cable.PORT), sink, lambda: bool(interrupted))
        else:
            car = link.run(cfg, where, sink, lambda: bool(interrupted), args.sdp_port)
    except link.LinkError as error:
        print(f"microv2g ev: {error}", file=sys.stderr)
        return 1
    finally:
        if trace:
            trace.close()
    session = car.evcc if link_kind == "sim" else car
    battery = session.battery
    result = {
        "ok": car.ok, "why": car.why, "loops": session.loops, "soc": battery.soc_centi / 100,
        "in_wh": round(battery.energy_in_wms / 3.6e6, 3), "out_wh": round(battery.energy_out_wms / 3.6e6, 3),
        "worst_response_ms": session.worst_ms,
    }  # fmt: skip
    if args.json:
        print(json.dumps({"result": result}), flush=True)
    else:
        print(
            f"{'ok' if car.ok else 'FAILED'}: {car.why}; {session.loops} loops, {result['in_wh']} Wh in, "
            f"{result['out_wh']} Wh out, SoC {result['soc']} %, slowest answer {session.worst_ms} ms"
        )
    return 0 if car.ok else 1
