"""Matching by a tool that nobody here wrote: `pev` of open-plc-utils, through the stand-in for the
modems.

A session of the PyPI vehicle follows over the network that pev has joined: two independent
implementations, one car.
"""

import subprocess
import sys
import time

from host_tools.lab import lab
from tests.interop import evcc, netns, rig
from tests.interop.cases import LOOPS, SETPOINT_W, Case, check, check_trace

MATCHES = 20
_CHARGE_S = 1  # pev stays in the network for so long and the settle time; the station sees the link within a second
_PEV_S = 60
_STARTS = 5
_SESSION_S = 120
# A new key restarts the car's modem, and pev begins when the settle time is over: 0 would cost it
# half of its sounds.
_SETTINGS = """[default]
vehicle identifier = 0000000000000000000000000000000000
network membership key = 50D3E4933F855B7040784DF815AA8DB7
network identifier = B0F2E695666B03
attenuation threshold = 40
msound pause = 20
charge time = %d
settle time = 1
"""
# Asks for the station, inside the vehicle's namespace; prints how many answers came within a
# second.
_PROBE = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(1)
s.sendto(bytes.fromhex("01fe9000000000021000"), ("ff02::1", 15118, 0, socket.if_nametoindex(sys.argv[1])))
try:
    print(len(s.recv(100)) > 0)
except TimeoutError:
    print(False)
"""


class Pev:
    """with Pev(rig, folder, charge_s) as pev: it has matched; it leaves after charge_s seconds and
    ends."""

    def __init__(self, r, folder, charge_s=_CHARGE_S):
        self._rig = r
        settings = folder / "pev.ini"
        settings.write_text(_SETTINGS % charge_s)
        self._command = [*netns.prefix(r.plant.evcc[0]), "pev", "-i", r.plant.evcc[1], "-p", str(settings)]
        self._log = open(folder / "pev.log", "ab")
        self._process = None

    def __enter__(self):
        try:
            for _ in range(_STARTS):
                self._start()
                if self._linked():
                    return self
            raise AssertionError("pev did not match in %d starts" % _STARTS)
        except BaseException:
            self.__exit__()
            raise

    def _start(self):
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True
        )

    def _linked(self):
        """Wait for the station; False if pev has given up on its own modem, which it does after 15
        ms without an answer."""
        end = time.monotonic() + _PEV_S
        while time.monotonic() < end:
            try:
                self._rig.plug.wait(("Linked",), 0.2)
                return True
            except rig.RigError:
                if self._process.poll():
                    return False
        raise AssertionError("the station is in %s" % self._rig.plug.state)

    def wait(self):
        try:
            status = self._process.wait(_PEV_S)
        except subprocess.TimeoutExpired:
            raise AssertionError("pev did not end within %d s" % _PEV_S) from None
        assert status == 0, "pev exited with %d" % status

    def __exit__(self, *_):
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._log.close()


def discovered(plant):
    """True if the station answers a request for discovery at the vehicle's interface."""
    done = netns.run(plant.evcc[0], [sys.executable, "-c", _PROBE, plant.evcc[1]])
    return done.stdout.split() == [b"True"]


def matches(number, folder, stop):
    """Twenty in a row against one station, each plugged in and out, each with a key of its own; a
    text."""
    with rig.Rig(number, "packet", lab({"services": ["DC_BPT"]}), folder) as r:
        keys, groups = set(), 0
        for i in range(MATCHES):
            if stop.is_set():
                raise AssertionError("stopped")
            r.plug_in(match=False)
            with Pev(r, folder) as pev:
                keys.add(r.plc.ask("key", ("KEY",)))
                for record in r.plug.records:
                    if "attenuation" in record:
                        groups = len(record["attenuation"]["groups_db"])
                        assert record["attenuation"]["sounds"] == 10, (
                            "%(sounds)d sounds measured" % record["attenuation"]
                        )
                r.unplug()
                pev.wait()
            assert len(keys) == i + 1, "a key came back at match %d" % (i + 1)
        assert groups == 58
        assert not r.plug.errors, r.plug.errors[0]
    return "%d of %d matched, %d different keys" % (i + 1, MATCHES, len(keys))


def session(number, folder, stop):
    """pev matches, the PyPI vehicle charges over the line that only their common key has opened; a
    text."""
    case = Case("", "DC_BPT", "scheduled", link="packet")
    with rig.Rig(number, "packet", case.config, folder) as r:
        r.plug_in(match=False)
        assert not discovered(r.plant), "discovery was answered before matching"
        with Pev(r, folder, _SESSION_S):
            r.plug.begin()
            r.secc.command("setpoint %d" % SETPOINT_W)
            values = evcc.config(case.ev, [case.protocol], LOOPS)
            status, messages = evcc.run(values, *r.plant.evcc, folder, stop=stop)
            assert status == 0, "the vehicle: %s" % evcc.reason(folder / "evcc.log")
            text = check(case, messages)
            check_trace(messages, list(r.plug.records))
        r.unplug()
        assert not discovered(r.plant), "discovery was answered after the plug was pulled"
    return "pev's key, " + text
