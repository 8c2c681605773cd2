"""`microv2g demo`: from plug-in to unplug, car and station as two processes with a simulated cable between them,
live."""

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

from host_tools.lab import LAB
from host_tools.root import BUILD, ROOT, RUNTIME

_EPILOG = """\
examples:
  microv2g demo                        about 20 s; the report is build/demo/session.html
  microv2g demo --seconds 60 --out /tmp/demo
  microv2g demo --plain                lines instead of the live view (as in a log)
  microv2g demo --no-tls               over plain TCP
  microv2g demo --stage infypower      a converter on CAN, a meter and an insulation monitor on Modbus, modelled byte by byte

--stage: bench is a simulated power stage, which needs the switch `lab`; serial is `microv2g stage serve` at a pseudo terminal,
a process of its own; infypower is a BEG1K075G behind the MCP2515, an Acrel and a Bender; sdm630 is AC with an Eastron meter.
None of the last three needs `lab`: docs/power_stage.md.

The station is the frozen firmware in unix-port MicroPython, driving a model of the QCA7000 byte by byte over SPI, and a
model of the pilot circuit; the car is simulated, with a modem of its own. The cable between them is UDP on loopback.
Plug in, pilot B, matching (SLAC), IPv6, discovery, TLS 1.3 with both certificates (strict profile: P-521, by certificates that
are made for the occasion), a DC_BPT session in Dynamic control, stop, unplug. Nothing of it is plain TCP; --key-log lets
Wireshark look inside. The set-point goes from +20 kW to -15 kW, to 0, to +10 kW. The car's battery is as small as 0.4 kWh, so that seconds show in its state of
charge. Exit status 0 only if the session ended with SessionStopRes OK, energy flowed both ways, and the contactor is
open at the end."""

# (part of the time, set-point in W)
SCRIPT = ((0.0, 20000), (0.3, -15000), (0.68, 0), (0.78, 10000))
CAPACITY_WH = 400
SOC = 50
_PARTS = {"stage": "parts", "lab": False}
# name -> (energy service, configuration of the station, factor of the set-points)
STAGES = {
    "bench": ("DC_BPT", {}, 1.0),
    "serial": ("DC_BPT", {"stage": "serial", "lab": False}, 1.0),
    "infypower": ("DC_BPT", {**_PARTS, "meter": "acrel", "monitor": "bender", "dc_min_voltage_mv": 200000}, 0.8),
    "sdm630": ("AC_BPT", {**_PARTS, "meter": "eastron", "services": ["AC_BPT", "AC"]}, 0.5),
}
STATION = {**LAB, "services": ["DC_BPT", "DC"], "control": ["dynamic", "scheduled"], "setpoint_w": SCRIPT[0][1],
           "power_ramp_w_per_s": 30000}  # fmt: skip


def register(subparsers):
    p = subparsers.add_parser(
        "demo",
        help="simulated car and station, from plug-in to unplug, live",
        description="A complete bidirectional session between the simulated car and the station firmware, from plug-in to "
        "unplug.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--out", default=str(BUILD / "demo"), metavar="DIR", help="folder of report and trace")
    p.add_argument("--seconds", type=float, default=15.0, metavar="S", help="length of the charge loop (default 15)")
    p.add_argument(
        "--no-tls", action="store_true", help="over plain TCP, which the standard forbids outside a laboratory"
    )
    p.add_argument("--key-log", metavar="FILE", help="write the secrets of the session for Wireshark (by the car)")
    p.add_argument(
        "--stage", choices=tuple(STAGES), default="bench", help="power stage of the station (default: %(default)s)"
    )
    p.add_argument("--plain", action="store_true", help="lines instead of the live view")
    p.set_defaults(func=run)


def run(args):
    from host_tools.recordings.live_view import View
    from host_tools.recordings.report import ReportError, build_report
    from host_tools.station.process import SeccError, SeccProcess

    if not 3 <= args.seconds <= 3600:
        print("microv2g demo: --seconds must be in 3..3600", file=sys.stderr)
        return 2
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    trace = out / "trace.jsonl"
    if RUNTIME == "cpython" and not args.no_tls:
        print(
            "microv2g demo: over plain TCP; TLS needs the MicroPython image of a checkout (make demo)", file=sys.stderr
        )
        args.no_tls = True
    where = "on CPython" if RUNTIME == "cpython" else "frozen, unix-port MicroPython"
    print(
        f"Station: firmware {where}, modem model behind SPI. Car: simulated, battery of "
        f"{CAPACITY_WH / 1000:g} kWh at {SOC} % (small, so that seconds show)."
    )
    view = View(plain=args.plain or not sys.stdout.isatty())
    try:
        port = _free_port()
    except OSError as error:
        print(f"microv2g demo: no UDP on 127.0.0.1 ({error.strerror}); as root: ip link set lo up", file=sys.stderr)
        return 2
    service, more, factor = STAGES[args.stage]
    station, car = {**STATION, **more}, []
    station["setpoint_w"] = int(station["setpoint_w"] * factor)
    if not args.no_tls:
        place = _certificates(out / "pki")
        station.update(tls="strict", tls_dir=str(place / "device"), allow_plain=False)
        car = ["--tls", str(place / "car")]
        if args.key_log:
            car += ["--config", str(_key_log(out, args.key_log))]
    try:
        with (
            _board(args.stage, station),
            SeccProcess(f"sim:{port}", station, trace=str(trace), on_record=view.record) as secc,
        ):
            secc.wait_ready(10)
            with view:
                result = _drive(args.seconds, secc, view, port, [service, *car], factor)
    except SeccError as error:
        print(f"microv2g demo: {error}", file=sys.stderr)
        return 1
    try:
        title = f"microv2g demo: {service}, Dynamic, power stage {args.stage}, from plug-in to unplug"
        facts = build_report(trace, out / "session.html", title)
    except ReportError as error:
        print(f"microv2g demo: {error}", file=sys.stderr)
        return 1
    return _summary(facts, result, out, not args.no_tls, args.stage != "infypower")


def _certificates(folder):
    """A strict PKI that lives for the demo; made anew each time, which takes a third of a
    second."""
    from host_tools.pki import issue, profile

    issue.write_all(folder, issue.make("strict", 2, dict(profile.NAMES)))
    return folder.resolve()


def _key_log(out, path):
    """Configuration of the car that names the file."""
    file = out / "car.json"
    file.write_text(json.dumps({"tls_key_log": str(Path(path).resolve())}))
    return file


def _free_port():
    """A UDP port of loopback that nobody uses: several demos may run on one machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.sendto(b"", sock.getsockname())  # OSError where loopback is down
        return sock.getsockname()[1]


@contextlib.contextmanager
def _board(stage, station):
    """The power board in a process of its own, and its port in the configuration."""
    if stage != "serial":
        yield
        return
    board = subprocess.Popen(
        [sys.executable, "-m", "host_tools", "stage", "serve", "--pty", "--quiet"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        station["stage_port"] = board.stdout.readline().strip().removeprefix("READY port=")
        yield
    finally:
        board.stdin.close()  # it ends then
        board.wait()


def _drive(seconds, secc, view, port, more, factor):
    """Run the car and the set-points; returns the car's own result, or None."""
    car = subprocess.Popen(
        [
            sys.executable, "-m", "host_tools", "ev", "--link", f"sim:{port}", "--service", more[0], "--soc", str(SOC),
            "--capacity-wh", str(CAPACITY_WH), "--duration-s", str(seconds), "--json", "--quiet", *more[1:],
        ],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    script = [(part * seconds, int(w * factor)) for part, w in SCRIPT[1:]]
    deadline = time.monotonic() + seconds + 30
    result = None
    began = None
    try:
        while car.poll() is None and time.monotonic() < deadline:
            if began is None and view.loops:
                began = time.monotonic()
            if began and script and time.monotonic() - began >= script[0][0]:
                secc.command(f"setpoint {script.pop(0)[1]} for 3600")
            view.refresh()
            time.sleep(0.05)
        unplugged = time.monotonic() + 2
        while view.pilot != "A" and time.monotonic() < unplugged:  # the station sees the open plug a moment later
            time.sleep(0.05)
        view.refresh()
    finally:
        if car.poll() is None:
            car.kill()
        for line in car.stdout.read().splitlines():
            try:
                result = json.loads(line).get("result", result)
            except ValueError:
                print(line)
        car.wait()
    return result


_NOT_YET = "counts when 200 Wh have proved the unit of the Acrel's registers"


def _summary(facts, result, out, tls, counts):
    from rich.console import Console
    from rich.table import Table

    table = Table(title="summary", show_header=False, title_justify="left")
    rows = [
        ("result", facts["result"]),
        ("duration", f"{facts['seconds']:.1f} s, {facts['messages']} messages, {facts['loops']} charge loops"),
        ("control pilot", facts["pilot"]),
        ("plug-in to data link", "-" if facts["link_s"] is None else f"{facts['link_s']:.2f} s"),
        ("security", facts["tls"] or "plain TCP"),
        ("attenuation", "-" if facts["attenuation_db"] is None else f"{facts['attenuation_db']:.1f} dB (mean)"),
        ("power", f"{facts['min_w'] / 1000:+.1f} to {facts['max_w'] / 1000:+.1f} kW"),
        (
            "energy by the station's meter",
            f"{facts['charged_wh']} Wh in, {facts['discharged_wh']} Wh out" if counts else _NOT_YET,
        ),
    ]
    if result:
        rows.append(("energy by the car", f"{result['in_wh']:.1f} Wh in, {result['out_wh']:.1f} Wh out"))
        rows.append(("state of charge", f"{SOC} % to {result['soc']:.1f} %"))
    rows += [
        ("slowest answer", f"{facts['worst_ms']} ms ({facts['worst_name']})"),
        ("report", _near(out / "session.html")),
        ("trace", _near(out / "trace.jsonl")),
    ]
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    wrong = []
    if not facts["ok"] or not result or not result["ok"]:
        wrong.append("the session did not end well" + (f": {result['why']}" if result else ""))
    if not (facts["max_w"] > 0 > facts["min_w"]):
        wrong.append("power did not change its sign")
    if counts and not (facts["charged_wh"] and facts["discharged_wh"]):
        wrong.append("energy did not flow both ways")
    if tls and not facts["tls"]:
        wrong.append("the session did not run over TLS")
    if not facts["pilot"].endswith("A") or "C" not in facts["pilot"]:
        wrong.append("the pilot did not go to C and back to A: " + facts["pilot"])
    if facts["contactor_closed"]:
        wrong.append("the contactor is closed at the end")
    for text in wrong:
        print("microv2g demo: " + text, file=sys.stderr)
    return 1 if wrong else 0


def _near(path):
    """The path, relative to the current folder where it lies below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
