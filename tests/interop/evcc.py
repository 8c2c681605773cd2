"""Run the PyPI vehicle, unmodified, and read from its own log what it sent and what it understood.

The log holds each message as JSON from the vehicle's codec: an independent witness of what our
bytes mean.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from host_tools.root import ROOT

PYTHON = ROOT / "build" / "venv-evcc" / "bin" / "python"
_CURVE = Path(__file__).with_name("curve.py")
_LINE = re.compile(r"(Message to encode|Decoded message) \(ns=[^)]*\): (\{.*\})\s*$")
_REASON = re.compile(r" (?:Reason: |ERROR .*\(\d+\): )(.*)")


class EvccError(Exception):
    """The vehicle could not be started."""


def config(services, protocols, loops, loop_delay_s=0, secure=False):
    """Configuration file of the vehicle; it takes the FIRST parameter set of its service."""
    return {
        "supportedEnergyServices": services,
        "supportedProtocols": protocols,
        "isCertInstallNeeded": False,
        "useTls": secure,
        "enforceTls": secure,
        "sdpRetryCycles": 3,
        "chargeLoopCycle": loops,
        "chargeLoopDelay": loop_delay_s,
    }


def environment(interface, pki, secure=False):
    """pki: folder above iso15118_2, with the certificates; what is in it matters only if
    `secure`."""
    return dict(
        os.environ,
        NETWORK_INTERFACE=interface,
        PKI_PATH=str(pki),
        ENABLE_TLS_1_3=str(secure),
        LOG_LEVEL="INFO",
        # For small machines; the second compiler would cost more than it gains in 10 s.
        JAVA_TOOL_OPTIONS="-Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    )


def run(values, namespace, interface, folder, timeout_s=60, stop=None, pki=None):
    """Run one vehicle to its end; returns (exit status, [(is request, name, content)]). Log:
    folder/evcc.log. pki: certificates for TLS (tls.Pki), or None.

    Status None: it did not end within timeout_s, or `stop` (threading.Event) was set. After a
    failed session it goes back to discovery and does not exit, so a hang is how a failure looks;
    `reason` tells more.
    """
    if not PYTHON.exists():
        raise EvccError("build/venv-evcc is missing: run `make interop`, which makes it")
    path = folder / "evcc.json"
    path.write_text(json.dumps(values))
    log = folder / "evcc.log"
    main = [str(_CURVE), pki.group] if pki and pki.group else ["-m", "iso15118.evcc.main"]
    command = ["ip", "netns", "exec", namespace, str(PYTHON), *main, str(path)]
    env = environment(interface, pki.path if pki else folder, bool(pki))
    with open(log, "wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder,
            env=env, start_new_session=True,  # Ctrl-C is for us, and Java goes with it
        )  # fmt: skip
        try:
            status = _wait(process, timeout_s, stop)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return status, messages(log.read_text(errors="replace"))


def _wait(process, timeout_s, stop):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and not (stop and stop.is_set()):
        try:
            return process.wait(0.2)
        except subprocess.TimeoutExpired:
            pass
    return None


def reason(log):
    """What the vehicle itself says about the end of its first session, as text; "" if it says
    nothing."""
    found = _REASON.search(log.read_text(errors="replace"))
    return found.group(1).strip() if found else ""


def messages(text):
    """[(is request, name, content)] out of a log of the vehicle."""
    out = []
    for line in text.splitlines():
        found = _LINE.search(line)
        if found:
            for name, content in json.loads(found.group(2)).items():
                out.append((found.group(1) == "Message to encode", name, content))
    return out
