"""Start and stop the station firmware as a process, and put names to what it reports.

    with SeccProcess("os:lo", {"services": ["DC_BPT"]}, on_record=print, trace="secc.jsonl") as secc:
        port, address = secc.wait_ready(5)
        secc.command("setpoint -5000")

The firmware prints numbers and hex (firmware/run/trace_lines.py); here they become records, the
lines of the trace:

    {"t_ms", "dir": "EVCC->SECC" | "SECC->EVCC", "payload_type": "0x8002", "name", "json", "exi_hex", "state"}
    {"t_ms", "note"}   {"t_ms", "error"}   {"t_ms", "status": {...}}   {"t_ms", "power": {...}}
    {"t_ms", "pilot": {"state", "duty_permille", "high_mv", "low_mv"}}   {"t_ms", "change": {"from", "to", "reason"}}
    {"t_ms", "state": {...}}   (firmware/run/watch.py)
    {"t_ms", "attenuation": {"mac", "sounds", "groups_db"}}

and, in files only, {"t_ms", "config": {...}}: what differs from the defaults. t_ms: milliseconds
since the start of the firmware. A message that cannot be decoded has "decode_error" and no "json".
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path

from host_tools.root import RUNTIME, python_path
from host_tools.station.images import NoImage, image

RUNTIMES = ("unix", "unix32", "cpython")
# 200 kB, as much as a microcontroller has, and 16 kB for the models of its modem, pilot and cable,
# which lie in the same heap here: 11 kB of code objects, the rest buffers.
_HEAP_32 = "heapsize=216k"
_PERIOD_MS = 1 << 30  # of the firmware's t
_POWER = (
    "setpoint_w",
    "power_w",
    "voltage_mv",
    "current_ma",
    "contactor",
    "energy_charged_wh",
    "energy_discharged_wh",
    "setpoint_source",
    "setpoint_left_s",
)  # fmt: skip; older recordings lack the last two
_STOP_S = 3.0


class SeccError(Exception):
    """The station cannot start or has ended; str() says why and what can be done."""


def firmware_command(runtime):
    """Argument list that starts the firmware, without its own arguments. SeccError names what is
    missing."""
    if runtime == "cpython":
        return [sys.executable, "-m", "firmware.main"]
    try:
        binary = image(runtime)
    except NoImage as error:
        raise SeccError(str(error)) from None
    options = ["-X", _HEAP_32] if runtime == "unix32" else []
    return [str(binary), *options, "-m", "firmware.main"]


def environment(runtime):
    env = dict(os.environ)
    if runtime == "cpython":
        env["PYTHONPATH"] = python_path()
    else:
        env["MICROPYPATH"] = ".frozen"  # what is in the image, not what happens to lie around
    return env


def interfaces():
    """Names of the interfaces that a station can use: those with a link-local address, and lo."""
    names = set()
    try:
        with open("/proc/net/if_inet6") as f:
            for line in f:
                words = line.split()
                if words[0].startswith("fe8") or words[5] == "lo":
                    names.add(words[5])
    except OSError:
        pass
    return sorted(names)


def _pilot(rest):
    state, duty, high, low = rest.split(" ")
    levels = [None if word == "None" else int(word) for word in (high, low)]
    return {"state": state, "duty_permille": int(duty), "high_mv": levels[0], "low_mv": levels[1]}


def _change(rest):
    from firmware.app.plug_steps import STATE_NAMES

    old, new, reason = rest.split(" ", 2)
    # A number without a name is of a firmware that is newer than this tool.
    old, new = (STATE_NAMES[n] if n < len(STATE_NAMES) else str(n) for n in (int(old), int(new)))
    return {"from": old, "to": new, "reason": reason}


def _field(word):
    """(name, value) of a name=value; numbers are numbers."""
    name, _, value = word.partition("=")
    return name, int(value) if value.lstrip("-").isdigit() and name != "evccid" else value


class Decoder:
    """Lines of the firmware -> records."""

    def __init__(self):
        self._last = 0
        self._base = 0

    def record(self, line):
        """The record of one line. A line of no known form (a crash report) is an error record."""
        words = line.split(" ", 2)
        if len(words) == 3 and len(words[0]) == 1 and words[1].isdigit():
            t_ms = self._time(int(words[1]))
            kind, rest = words[0], words[2]
            if kind == "M":
                return self._message(t_ms, rest)
            if kind == "P":
                return {"t_ms": t_ms, "power": dict(zip(_POWER, (int(word) for word in rest.split()), strict=False))}
            if kind == "S":
                return {"t_ms": t_ms, "status": dict(word.split("=") for word in rest.split())}
            if kind == "W":
                return {"t_ms": t_ms, "state": dict(_field(word) for word in rest.split())}
            if kind == "N":
                return {"t_ms": t_ms, "note": rest}
            if kind == "E":
                return {"t_ms": t_ms, "error": rest}
            if kind == "L":
                return {"t_ms": t_ms, "pilot": _pilot(rest)}
            if kind == "A":
                data = bytes.fromhex(rest)
                return {
                    "t_ms": t_ms,
                    "attenuation": {"mac": data[:6].hex(":"), "sounds": data[6], "groups_db": list(data[7:])},
                }
            if kind == "T":
                return {"t_ms": t_ms, "change": _change(rest)}
            if kind == "D":
                return {"t_ms": t_ms, "error": f"{rest} records lost: the output was not read in time"}
        return {"t_ms": self._base + self._last, "error": line}

    def _time(self, t):
        if t < self._last - _PERIOD_MS // 2:
            self._base += _PERIOD_MS
        self._last = t
        return self._base + t

    def _message(self, t_ms, rest):
        from codec import exi, exi_json
        from firmware.session.dialects import state_name

        way, kind, state, *hexed = rest.split(" ")
        payload_type = int(kind, 16)
        data = bytes.fromhex(hexed[0]) if hexed else b""
        number = int(state)
        record = {
            "t_ms": t_ms,
            "dir": "EVCC->SECC" if way == "rx" else "SECC->EVCC",
            "payload_type": f"0x{payload_type:04X}",
            "name": None,
            "json": None,
            "exi_hex": data.hex(),
            "state": state_name(number) if state_name(number) != "?" else number,
        }
        try:
            schema = exi.schema_of(payload_type)
            msg_id, value = exi.decode(schema, data, 0, len(data))
            record["name"] = exi_json.name_of(msg_id)
            record["json"] = exi_json.to_json_obj(msg_id, value)
        except exi.ExiError as e:
            record["decode_error"] = str(e)
        return record


class SeccProcess:
    """One station.

    link: os:IFACE, packet:IFACE, sim or sim:PORT (firmware/main.py). config: dict of
    firmware/app/config.py keys (only what differs from the defaults). runtime: one of RUNTIMES.
    trace: path of a JSON lines file, or None. on_record(record): called for each record, in the
    thread that reads the firmware's output. prefix: words before the command, e.g. ["ip", "netns",
    "exec", NAME]. command: argument list in place of the firmware's, for tests.
    """

    def __init__(self, link, config=None, runtime=RUNTIME, trace=None, on_record=None, prefix=(), command=None):
        self.link = link
        self.config = dict(config or {})
        self.runtime = runtime
        self.trace = trace
        self.on_record = on_record
        self.prefix = list(prefix)
        self._command = command
        self.address = None  # text, once ready; None behind a modem, where it comes with the data link
        self.port = None
        self.ready = {}  # words of the READY line
        self._process = None
        self._reader = None
        self._dir = None
        self._file = None
        self._ready = threading.Event()  # READY came, or the process ended
        self._errors = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Start the process. Raises SeccError, or firmware.app.config.ConfigError for a bad
        config."""
        from firmware.app import config

        whole = config.merge(self.config)
        if self.runtime == "cpython" and whole["tls"] != "none":
            raise SeccError("TLS 1.3 is a module of the MicroPython images: take --runtime unix, or no TLS")
        command = self._command or firmware_command(self.runtime)
        if self.trace:
            self._file = open(self.trace, "w", buffering=1)
        # An empty directory to run in: MicroPython looks for modules in the current directory
        # first.
        self._dir = tempfile.TemporaryDirectory(prefix="microv2g-")
        path = Path(self._dir.name) / "config.json"
        path.write_text(json.dumps(self.config))
        self._process = subprocess.Popen(
            [*self.prefix, *command, self.link, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._dir.name,
            env=environment(self.runtime),
            start_new_session=True,  # Ctrl-C is for us; we end the station in an orderly way
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.command("attach")  # should we die, the end of its stdin ends the station

    def wait_ready(self, timeout_s=5.0):
        """Wait until the station is ready for a car; return (port, address) where it has them.
        Raises SeccError."""
        if not self._ready.wait(timeout_s):
            raise SeccError(f"the station was not ready within {timeout_s} s")
        if not self.ready:
            self.wait(1)
            raise SeccError("\n".join(self._errors) or f"the station ended at once, status {self._process.poll()}")
        return self.port, self.address

    def command(self, line):
        """Send one command line (firmware/run/console.py). Without effect when the station has
        ended."""
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def wait(self, timeout_s=None):
        """Wait for the end of the process; its exit status, or None if it still runs."""
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(_STOP_S)
        return status

    def stop(self):
        """End the station: asked, then told, then killed. Return its exit status; the trace is
        complete after this."""
        if self._process is None:
            return None
        self.command("quit")
        status = self.wait(_STOP_S)
        if status is None:
            self._process.terminate()
            status = self.wait(1)
        if status is None:
            self._process.kill()
            status = self.wait(1)
        with contextlib.suppress(OSError):  # the `quit` that nobody read
            self._process.stdin.close()
        self._process.stdout.close()
        if self._file:
            self._file.close()
            self._file = None
        if self._dir:
            self._dir.cleanup()
            self._dir = None
        return status

    def _tell(self, record):
        if self.on_record is None:
            return
        try:
            self.on_record(record)
        except Exception:  # the reader must go on: a firmware whose output is not read loses its trace
            traceback.print_exc()
            self.on_record = None

    def _read(self):
        decoder = Decoder()
        for raw in self._process.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            if line.startswith("READY "):
                self.ready = dict(word.split("=", 1) for word in line.split()[1:])
                if "addr" in self.ready:
                    self.port, self.address = int(self.ready["port"]), self.ready["addr"]
                record = {"t_ms": 0, "note": line}
            elif line:
                try:
                    record = decoder.record(line)
                except Exception as e:  # as in _tell: the reader must go on
                    record = {"t_ms": 0, "error": f"unreadable line: {type(e).__name__} {e}: {line[:200]}"}
            else:
                continue
            if "error" in record and not self.ready:
                self._errors.append(record["error"])
            if self._file:
                self._file.write(json.dumps(record) + "\n")
                if line.startswith("READY "):  # for `microv2g replay`
                    self._file.write(json.dumps({"t_ms": 0, "config": self.config}) + "\n")
            self._tell(record)
            if self.ready:
                self._ready.set()
        self._ready.set()
