"""`microv2g status`: what a board at a serial port is and does."""

import argparse
import json

from host_tools.board.port import cli


def register(subparsers):
    p = subparsers.add_parser(
        "status",
        help="state of a station at a serial port",
        description="State of the station at a serial port: pilot, matching, session, set-point, faults; version and memory.",
        epilog="examples:\n  microv2g status\n  microv2g status --port /dev/ttyACM0 --json | jq .session_state\n"
        + cli.EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cli.add_options(p, json=True)
    p.set_defaults(func=run)


def run(args):
    return cli.guarded("status", lambda: show(args))


def show(args):
    from host_tools.board.port import words

    with cli.connect(args) as station:
        found = words.fields(station.ask("info"))
        found.update(words.status(station.ask("status")))
        counters = [] if found.get("station") == "off" else station.ask("counters")
    found["counters"] = {} if counters in ([], ["none"]) else words.fields(" ".join(counters).split())
    if args.json:
        print(json.dumps(found))
        return 0
    if found.get("station") == "off":
        print(f"station        rests (console without a station); microv2g {found['version']} on {found['board']}")
        return 0
    pilot = f"{found['pilot']}, duty {found['duty'] / 10:g} %" if "duty" in found else "-"
    session = found.get("session_state", "-")
    if found.get("paused_s"):
        session += f", paused, {found['paused_s']} s left"
    rows = (
        ("station", found.get("station", "sockets of the operating system")),
        ("pilot", pilot),
        ("matching", f"{found.get('matching', '-')}, modem {'up' if found.get('modem') else 'DOWN'}"),
        ("session", session),
        ("set-point", f"{found['setpoint_w']} W"),
        ("faults", f"{found['faults']} of the firmware" if found.get("faults") else "none"),
        ("plug-ins", found.get("plug_ins", "-")),
        ("counters", " ".join(f"{key}={value}" for key, value in found["counters"].items()) or "none"),
        (
            "device",
            f"microv2g {found['version']} on {found['board']}, MicroPython {found['micropython']} of {found['built']}",
        ),
        (
            "up",
            f"{found['uptime_s']} s, {found['heap_free'] // 1024} kB of heap free, clock {found['clock'].replace('_', ' ')}",
        ),
        *_memory(found),
    )
    for name, value in rows:
        print(f"{name:<14} {value}")
    return 0


def _memory(found):
    """The row on the least free heap since the boot, where the board counts it."""
    if found.get("heap_low", -1) < 0:
        return []
    return [
        (
            "heap low",
            f"{found['heap_low']} bytes free, {found['heap_low_largest']} in one piece; "
            f"{found['collections']} collections, longest {found['collection_us'] / 1000:.1f} ms",
        )
    ]
