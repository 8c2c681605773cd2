"""A station on raw frames with everything that a car without pilot and modem needs: stand-in for
the modems, and a plug.

Inside `with Rig(1, "packet", config, folder) as r:` plug_in() sets pilot B and has the stand-in
match; then a vehicle may come to r.plant.evcc, while the plug says C and B as its session goes;
unplug() is the end.
"""

import json
import queue
import subprocess
import sys
import threading
import time

from host_tools.root import ROOT
from host_tools.station.process import SeccProcess
from tests.interop import netns

_SIM_PORT = 15200  # of the namespace's own loopback
_MATCH_S = 60


class RigError(Exception):
    """What did not happen in time."""


class PlcProcess:
    """tests/interop/plc.py as a process in the middle of `plant`."""

    def __init__(self, plant, log):
        evse = plant.modem if plant.kind == "packet" else "sim:%d" % _SIM_PORT
        self._log = open(log, "wb")
        self._lines = queue.Queue()
        self._process = subprocess.Popen(
            [
                *netns.prefix(plant.middle[0]), sys.executable, "-m", "tests.interop.plc",
                "--evse", evse, "--car", plant.middle[1], "--car-mac", plant.evcc_mac,
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.decode().strip())
        self._lines.put("")

    def ask(self, word, wanted, timeout_s=60.0):
        """Send a line; return the rest of the first answer that begins with one of `wanted`."""
        if word:
            self._process.stdin.write(word.encode() + b"\n")
            self._process.stdin.flush()
        end = time.monotonic() + timeout_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise RigError("the stand-in for the modems does not answer to %s" % (word or "its start")) from None
            if not line:
                raise RigError("the stand-in for the modems has ended; see its log")
            if line.split(" ")[0] in wanted:
                return line

    def tell(self, word):
        self._process.stdin.write(word.encode() + b"\n")
        self._process.stdin.flush()

    def counters(self):
        return json.loads(self.ask("count", ("COUNT",))[6:])

    def close(self):
        try:
            self._process.stdin.close()
            self._process.wait(3)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._log.close()


class Plug:
    """Drives the simulated pilot by what the station's trace says, as the car would by itself: C
    once the schedule is there, B after the stop. on_record: gets every record too."""

    def __init__(self, on_record=None):
        self.secc = None
        self.on_record = on_record
        self.state = ""  # of the supervisor
        self.errors = []
        self.records = []  # since plug-in
        self._changed = threading.Condition()
        self._stopping = False

    def begin(self):
        self.records = []
        self._stopping = False

    def record(self, record):
        with self._changed:
            self.records.append(record)
            if "change" in record:
                self.state = record["change"]["to"]
            self._changed.notify_all()
        if "error" in record and not record["error"].startswith("LAB:"):  # `lab` is meant here (host_tools/lab.py)
            self.errors.append(record["error"])
        name, content = record.get("name"), record.get("json")
        if content and name == "ScheduleExchangeRes" and content[name]["EVSEProcessing"] == "Finished":
            self.say("C")
        elif content and name == "PowerDeliveryReq":
            self._stopping = content[name]["ChargeProgress"] == "Stop"
        elif content and name == "PowerDeliveryRes" and self._stopping:
            self.say("B")
        if self.on_record:
            self.on_record(record)

    def say(self, letter):
        # Not in the reader's thread: a full pipe must not stop it.
        threading.Thread(target=self.secc.command, args=("cp " + letter,)).start()

    def wait(self, states, timeout_s):
        """Wait until the supervisor is in one of `states` (names of app/plug_steps.py)."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.state in states, timeout_s):
                raise RigError("the station is in %s, not in %s after %g s" % (self.state, "/".join(states), timeout_s))

    def note(self, begin, timeout_s):
        """Wait for the first note since begin() that begins with these words, and return it."""

        def found():
            return next((r["note"] for r in self.records if r.get("note", "").startswith(begin)), None)

        with self._changed:
            note = self._changed.wait_for(found, timeout_s)
        if note is None:
            raise RigError("the station has not said %s... within %g s" % (begin.strip(), timeout_s))
        return note


class Rig:
    """kind: "packet" or "sim". folder: for secc.jsonl and plc.log. runtime, on_record: as in
    SeccProcess."""

    def __init__(self, number, kind, config, folder, runtime="unix", on_record=None):
        self.plant = netns.Plant(number, kind)
        self.plug = Plug(on_record)
        self._folder = folder
        self._plc = None
        link = "packet:" + self.plant.station[1] if kind == "packet" else "sim:%d" % _SIM_PORT
        self.secc = self.plug.secc = SeccProcess(
            link,
            # A Java machine may take its time to start behind the match.
            dict({"link_setup_ms": 40000}, **config),
            runtime=runtime,
            on_record=self.plug.record,
            trace=str(folder / "secc.jsonl"),
            prefix=netns.prefix(self.plant.station[0]),
        )

    @property
    def plc(self):
        return self._plc

    def __enter__(self):
        try:
            self.plant.__enter__()
            self._plc = PlcProcess(self.plant, self._folder / "plc.log")
            self._plc.ask("", ("READY",), 60)
            self.secc.start()
            self.secc.wait_ready(60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.secc.stop()
        if self._plc:
            self._plc.close()
        self.plant.__exit__()

    def plug_in(self, match=True):
        """Pilot B; returns when the station expects matching, or with `match` when the data link is
        up."""
        self.plug.begin()
        self.secc.command("cp B")
        self.plug.wait(("Calling",), 60)
        if match:
            told = self._plc.ask("match", ("LINKED", "FAILED"), _MATCH_S)
            if told != "LINKED":
                raise RigError(told)
            self.plug.wait(("Linked",), 60)

    def unplug(self):
        self.secc.command("cp A")
        self.plug.wait(("Unplugged",), 60)
        self._plc.tell("leave")
