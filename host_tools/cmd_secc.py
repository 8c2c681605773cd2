"""`microv2g secc`: run the station firmware on a network interface."""

import argparse
import signal
import sys
import threading

from host_tools.secc_proc import RUNTIMES, SeccError, SeccProcess, interfaces

_EPILOG = """\
examples:
  microv2g secc --iface lo                                  for a car on this machine
  microv2g secc --iface eth1 --services DC_BPT --control dynamic --setpoint 10000 --trace session.jsonl
  microv2g secc --iface eth1 --config station.json --stop-after 100
  microv2g secc --print-config                              all configuration keys with their meaning

lines on stdin while it runs:
  setpoint W    new power set-point; negative discharges; the next loop answer carries it
  stop          the station ends the session (Terminate)
  status        one line about the state
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
    p.add_argument("--iface", metavar="IFACE", help="network interface towards the car")
    p.add_argument("--services", type=_words, metavar="LIST", help="energy services on offer, e.g. DC_BPT,DC")
    p.add_argument("--control", type=_words, metavar="LIST", help="control modes on offer: dynamic,scheduled")
    p.add_argument("--setpoint", type=int, metavar="W", help="power set-point; positive charges, negative discharges")
    p.add_argument("--stop-after", type=int, metavar="N", help="the station ends the session after N loop answers")
    p.add_argument("--config", metavar="FILE", help="configuration, one JSON object (see --print-config)")
    p.add_argument("--trace", metavar="FILE.jsonl", help="write one JSON line per message, note and power sample")
    p.add_argument("--runtime", choices=RUNTIMES, default="unix", help="where the firmware runs (default: unix)")
    p.add_argument("--print-config", action="store_true", help="print the configuration that would be used, and end")
    p.add_argument("--quiet", action="store_true", help="print READY and errors only")
    p.set_defaults(func=run)


def merged_config(args):
    """The configuration file with the command line over it; only what was given. Raises OSError, ConfigError."""
    from firmware.app import config

    changes = {}
    if args.config:
        with open(args.config) as f:
            changes = config.parse(f.read())
    for key, value in (
        ("services", args.services),
        ("control", args.control),
        ("setpoint_w", args.setpoint),
        ("stop_after_loops", args.stop_after),
    ):
        if value is not None:
            changes[key] = value
    config.merge(changes)
    return changes


def show(record, quiet=False):
    """Print one record for a person; None if it is not shown."""
    t = f"{record['t_ms'] / 1000:9.3f}"
    if "error" in record:
        text = f"{t}  !  {record['error']}"
    elif "status" in record:
        text = f"{t}  =  " + "  ".join(f"{key}={value}" for key, value in record["status"].items())
    elif quiet:
        return
    elif "dir" in record:
        from host_tools.oneline import summary

        arrow = "->" if record["dir"] == "EVCC->SECC" else "<-"
        what = summary(record["json"]) if record["json"] else record.get("decode_error", "")
        text = f"{t}  {arrow} {record['name'] or record['payload_type']:<32} {what}".rstrip()
    elif "power" in record:
        p = record["power"]
        text = (
            f"{t}  ~  {p['power_w']} W of {p['setpoint_w']} W, "
            f"{p['voltage_mv'] / 1000:g} V {p['current_ma'] / 1000:g} A, "
            f"contactor {'closed' if p['contactor'] else 'open'}, "
            f"{p['energy_charged_wh']} Wh in, {p['energy_discharged_wh']} Wh out"
        )
    else:
        text = f"{t}  .  {record['note']}"
    print(text, flush=True)


def _fail(why):
    print(f"microv2g secc: {why}", file=sys.stderr)
    return 2


def run(args):
    """Exit status: see _EPILOG."""
    from firmware.app import config
    from firmware.run import os_net

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
    if not args.iface:
        return _fail("--iface is needed; there are: " + (", ".join(interfaces()) or "none with IPv6"))
    try:
        os_net.interface(args.iface)
    except os_net.NetError as e:
        return _fail(f"{e} (usable here: {', '.join(interfaces()) or 'none'})")

    def on_record(record):
        if record.get("note", "").startswith("READY "):
            print(record["note"], flush=True)
        elif secc.port is not None:  # what went wrong before is said by wait_ready
            show(record, args.quiet)

    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    secc = SeccProcess(args.iface, changes, args.runtime, args.trace, on_record)
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
