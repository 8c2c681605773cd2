"""The trace of a failure in a file, so that it outlives a reset (R-SECURITY-15): /fault.trace,
lines of report.py, the newest 16 kB.

It is written after a fault of our own, a fault of the power stage or of the pilot, and a session
that FAILED. When the flash is written: two seconds after that, and never while the contactor is
closed or a car is in a session (on some boards the processor stands still meanwhile); in steps of
512 bytes, at least 50 ms apart, so that the pilot is looked at in between; at most once a minute
and twenty times between two starts, for the sake of the flash. A file that was cut off by a reset
is no /fault.trace: it is written beside the old one and renamed at the end.
"""

import os

from firmware.clock import ticks_add, ticks_diff, unix_s
from firmware.session.states import FAILED
from firmware.trace import Cursor
from micropython import const

PATH = "/fault.trace"

_MOST = const(16384)
_STEP = const(512)
_STEP_MS = const(50)
_WAIT_MS = const(2000)  # the end of the story belongs to it
_PAUSE_MS = const(60000)
_TIMES = const(20)
_LINE = const(28)  # bytes of a line besides its content in hex, about


class FaultFile:
    """loop: run.frame_loop.FrameLoop whose trace has `keep`. A machine: poll(now), due."""

    def __init__(self, loop, path=PATH):
        self.due = None
        self.path = path
        self.saved = 0  # files since the start
        self._loop = loop
        self._faults = loop.safe.faults
        self._fault = ""
        self._failed = False
        self._why = None
        self._steps = None
        self._not_before = None

    def poll(self, now):
        self._watch(now)
        if self.due is None or ticks_diff(self.due, now) > 0:
            return
        if self._loop.occupied():
            self.due = ticks_add(now, _STEP_MS)
            return
        if self._steps is None:
            self._steps = self._write(now)
        try:
            next(self._steps)
            self.due = ticks_add(now, _STEP_MS)
        except StopIteration:
            self._end(now)
        except OSError as error:
            self._loop.trace.note(now, "%s cannot be written: error" % self.path, error.args[0])
            self._end(now)

    def finish(self, now):
        """The station ends and the contactor is open: write what is to be written, at once."""
        self._watch(now)
        while self.due is not None and not self._loop.power.closed:
            self.due = now
            self.poll(now)
            if self._loop.occupied():
                return

    # -- inside

    def _watch(self, now):
        loop = self._loop
        why = None
        if loop.safe.faults != self._faults:
            self._faults = loop.safe.faults
            why = "fault of the firmware"
        if loop.charger.fault != self._fault:
            self._fault = loop.charger.fault
            why = why or self._fault or None
        failed = loop.safe.secc.state == FAILED
        if failed and not self._failed:
            why = why or "session FAILED"
        self._failed = failed
        if why is None or self.due is not None or self.saved >= _TIMES:
            return
        if self._not_before is not None and 0 < ticks_diff(self._not_before, now) <= _PAUSE_MS:
            return
        self._why = why
        self.due = ticks_add(now, _WAIT_MS)

    def _end(self, now):
        self.due = self._steps = None
        self.saved += 1
        self._not_before = ticks_add(now, _PAUSE_MS)

    def _write(self, now):
        """A generator: one step of the file for each next()."""
        new = self.path + ".new"
        with open(new, "wb") as f:
            f.write(("N 0 saved after: %s; unix_s %d\n" % (self._why, unix_s())).encode())
            n = 0
            for line in self._loop.lines.kept(self._skip()):
                f.write(line + b"\n")
                n += len(line) + 1
                if n >= _STEP:
                    n = 0
                    yield
        os.rename(new, self.path)
        self._loop.trace.note(now, "saved to " + self.path)

    def _skip(self):
        """How many of the oldest records do not fit."""
        trace = self._loop.trace
        cursor, sizes = Cursor(trace), [0]

        def add(kind, t_ms, direction, payload_type, state, buf, at, n):
            sizes[0] += _LINE + 2 * n
            return True

        trace.walk(cursor, add, 65536)
        too_much = sizes[0] - _MOST
        cursor, sizes[0] = Cursor(trace), 0
        while sizes[0] < too_much:
            trace.walk(cursor, add)
        return cursor.seq - trace.first


def lines(path=PATH):
    """The lines of the file as bytes, without ends; none without a file."""
    try:
        with open(path, "rb") as f:
            for line in f:
                yield line.strip()
    except OSError:
        return


def remove(path=PATH):
    """Delete the file; no error if there is none."""
    try:
        os.remove(path)
    except OSError:
        pass
