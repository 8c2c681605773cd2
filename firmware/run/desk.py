"""The commands of an engineer at the serial line: what this device is, its configuration, its
clock, its records.

info | config get [KEY] | config set KEY JSON | config check | config reset KEY|all | clock [UNIX_S]
| heap trace | stream on|off
"""

import gc
import json
import sys

from firmware.app import config
from firmware.clock import ticks_diff, unix_s
from firmware.net import cert_time
from firmware.run import console
from firmware.run.operator import Refused
from micropython import const

VERSION = "0.1.0"  # as in pyproject.toml; a test compares them

_YEAR_2100_S = const(4102444800 >> 8)  # compared in units of 256 s: no 32-bit integer on the way


class Desk:
    """path: of the configuration. start: the tick of the boot. board: its name. set_clock(unix_s),
    or None where the clock is the system's. mark: of the heap, boards/common/heap_mark; None where
    nobody counts. read() -> (least bytes free behind a collection of garbage, largest piece then,
    collections, µs of the longest), each since the boot; now() -> (bytes free, largest piece).
    """

    COMMANDS = (
        ("info", "info  version, memory, clock"),
        ("config", "config get|set|check|reset  /config.json, for the next start"),
        ("clock", "clock [UNIX_S]  read or set it"),
        ("heap", "heap  free, used, largest piece"),
        ("trace", "trace  the records in memory, as lines for tools"),
        ("fault", "fault [clear]  the records saved after a failure"),
        ("stream", "stream on|off  records as they come"),
    )

    def __init__(self, path, start, board="unix", set_clock=None, mark=None):
        self.mark = mark
        self.path = path
        self._fault_path = path[: path.rfind("/") + 1] + "fault.trace"
        self._file = None
        self._start = start
        self._board = board
        self._set_clock = set_clock
        self._loop = None
        self._keeper = None
        self._lines = None

    @property
    def file(self):
        """The configuration in the file system: run.config_file.ConfigFile. Its code comes into the
        heap with the first use."""
        if self._file is None:
            from firmware.run.config_file import ConfigFile

            self._file = ConfigFile(self.path)
        return self._file

    def add_to(self, operator, loop=None):
        """The commands go into a table. loop: the run loop of the station; None while none runs."""
        self._loop = loop
        self._lines = None if loop is None else loop.lines
        operator.add(self)
        if loop is not None and loop.trace.keep:
            from firmware.run import fault_file

            self._keeper = fault_file.FaultFile(loop, self._fault_path)

    def info(self, now):
        """Lines name=value about this device."""
        version = sys.version
        known = cert_time.judged_at(unix_s(), cert_time.build_s())[1]
        unused = free()
        return [
            "version=" + VERSION,
            "board=" + self._board,
            "micropython=" + ".".join([str(n) for n in sys.implementation.version[:3]]),
            "built=" + version[version.rfind(" on ") + 4 :].split(" ")[0].split(";")[0],
            "heap_free=%d" % unused,
            "uptime_s=%d" % (ticks_diff(now, self._start) // 1000),
            "clock=%s" % ("known" if known else "not_set"),
            "unix_s=%d" % unix_s(),
            "config=" + self.path,
        ] + (
            []
            if self.mark is None
            else ["heap_low=%d heap_low_largest=%d collections=%d collection_us=%d" % self.mark.read()]
        )

    def leave(self):
        """Forget the run loop, so that its memory can be had again."""
        self._loop = self._lines = self._keeper = None

    def may_write(self):
        """Raise Refused while the flash must not be written: on some boards that stops the
        processor."""
        why = self._loop.occupied() if self._loop is not None else ""
        if why:
            raise Refused("not while " + why + ": writing stops the processor; stop the session, then try again")

    @property
    def due(self):
        """Tick of the next poll, or None."""
        return None if self._keeper is None else self._keeper.due

    def poll(self, now):
        """The station's run loop calls this when nothing else is due."""
        if self._keeper is not None:
            self._keeper.poll(now)

    def finish(self, now):
        """The station has ended and the contactor is open."""
        if self._keeper is not None:
            self._keeper.finish(now)

    # -- commands (run.operator)

    def do_info(self, args, now):
        return iter(self.info(now))

    def do_heap(self, args, now):
        return heap(self.mark)

    def do_trace(self, args, now):
        return self._records().kept()

    def do_config(self, args, now):
        verb = args[0] if args else ""
        try:
            if verb == "get" and len(args) <= 2:
                if len(args) == 2:
                    return json.dumps(self.file.value(args[1]))
                cfg = self.file.check()
                return ("%s %s" % (row[0], json.dumps(cfg[row[0]])) for row in config.SPEC)
            if verb == "check" and len(args) == 1:
                n = len(self.file.changes())
                self.file.check()
                return "%s is valid, %d keys differ from their defaults" % (self.path, n)
            if verb == "set" and len(args) >= 3:
                self.may_write()
                value = self.file.set(args[1], " ".join(args[2:]))
                return "%s = %s takes effect at the next start" % (args[1], json.dumps(value))
            if verb == "reset" and len(args) == 2:
                self.may_write()
                value = self.file.reset(args[1])
                said = "all keys have" if args[1] == "all" else args[1] + " has"
                shown = "" if args[1] == "all" else ", " + json.dumps(value)
                return "%s the default%s; takes effect at the next start" % (said, shown)
        except config.ConfigError as why:
            raise Refused(str(why))
        raise Refused("config get [KEY] | config set KEY JSON | config check | config reset KEY|all")

    def do_clock(self, args, now):
        if not args:
            return "unix_s=%d" % unix_s()
        s = console.number(args[0])
        if len(args) != 1 or s is None or not cert_time.build_s() <= s or s >> 8 >= _YEAR_2100_S:
            raise Refused("clock: seconds since 1970, not before this firmware was built (%d)" % cert_time.build_s())
        if self._set_clock is None:
            raise Refused("clock: the operating system keeps the clock of this station")
        self._set_clock(s)
        return "unix_s=%d" % unix_s()

    def do_fault(self, args, now):
        from firmware.run import fault_file

        if args == ["clear"]:
            self.may_write()
            fault_file.remove(self._fault_path)
            return "removed"
        if args:
            raise Refused("fault | fault clear")
        return fault_file.lines(self._fault_path)

    def do_stream(self, args, now):
        if args not in (["on"], ["off"]):
            raise Refused("stream on | stream off")
        self._records().stream(args == ["on"])
        return None

    def _records(self):
        if self._lines is None:
            raise Refused("the station does not run")
        return self._lines


def free():
    """Free bytes of the heap after collecting garbage; 0 where nobody can tell."""
    gc.collect()
    return gc.mem_free() if hasattr(gc, "mem_free") else 0


def heap(mark=None):
    """Free and used bytes, and the largest piece that can still be had (to 256 bytes where it must
    be tried)."""
    unused = free()
    used = gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0
    if mark is not None:
        return "free=%d used=%d largest=%d" % (unused, used, mark.now()[1])
    low, high = 0, unused
    while high - low > 256:
        middle = (low + high) // 2
        try:
            bytearray(middle)
            low = middle
        except MemoryError:
            high = middle
    gc.collect()
    return "free=%d used=%d largest=%d" % (unused, used, low)
