"""What waits: one poll() on the line of the car, stdin and the earliest due tick, car after car
until `quit`.

frame_loop.py (a modem) and socket_loop.py (sockets of the operating system) say what is on the
line. Here is what both have: commands, trace, the desk of an engineer, and when garbage is
collected. It never turns without a reason. One turn: take what came in, answer it, fire what is
due; then print; then collect garbage while the car prepares its next request.
"""

import gc
import sys

from firmware.clock import sooner, ticks_add, ticks_diff, ticks_ms
from firmware.run.operator import Operator
from firmware.run.orders import Orders
from firmware.run.poller import Poller
from micropython import const

_PRINT_AGAIN_MS = const(50)  # the reader of our output is slow: look again
_MICROPYTHON = sys.implementation.name == "micropython"


class RunLoop:
    """safe: run.safe.Safe around the session machine, for whatever goes wrong outside of it too.
    power: app.power.Power. trace: firmware/trace. lines: run.trace_lines.TraceLines. stdin, stdout:
    of run.console, or None. desk: run.desk.Desk, or None.

    A kind of loop has besides: open(); work(now), everything but waiting and printing; due, tick of
    the next work(); busy, may a car be energised; occupied(); answered(), True once after the car
    got an answer; and _heard().
    """

    COMMANDS = ()
    LEAST_MS = 0  # of a wait

    def __init__(self, safe, power, trace, lines, stdin, stdout, desk):
        self.safe = safe
        self.power = power
        self.trace = trace
        self.lines = lines
        self._stdout = stdout
        self._poller = Poller()
        self.operator = Operator(stdin, self._poller, trace, self.request_stop, self._status, stdout)
        self.operator.add(self)
        self.orders = Orders(self)
        self.operator.add(self.orders)
        self._desk = desk
        if desk is not None:
            desk.add_to(self.operator, self)
        self.schedule = None  # run.schedule_file.ScheduleFile, where the configuration names one
        self._watch = None
        self._print_due = None
        self._around = None  # a board whose models go on by themselves: poll(now), due

    @property
    def heap_mark(self):
        """See run.desk.Desk."""
        return None if self._desk is None else self._desk.mark

    @property
    def quit(self):
        return self.operator.quit

    def run(self):
        """Serve car after car until `quit`."""
        while not self.quit:
            self.turn(None)

    def turn(self, at_most_ms):
        """One turn; wait no longer than at_most_ms (None: as long as nothing is due)."""
        safe, operator, desk = self.safe, self.operator, self._desk
        for obj, events in self._poller.wait(self._timeout(ticks_ms(), at_most_ms)):
            now = ticks_ms()
            if operator.owns(obj):
                safe.attempt("command", now, operator.read, now)
            else:
                self._heard(obj, events, now)
        now = ticks_ms()
        if self._around is not None:
            self._around.poll(now)
        self.work(now)
        safe.attempt("sample", now, self.lines.sample, now, self.busy)
        if desk is not None:
            safe.attempt("desk", now, desk.poll, now)
        told = safe.attempt("console", now, operator.pump)
        if self.schedule is not None:
            safe.attempt("schedule", now, self.schedule.poll, now)
        if self._watch is not None:
            safe.attempt("watch", now, self._watch.poll, now)
        again_ms = _PRINT_AGAIN_MS if self._stdout is None else self._stdout.again_ms
        self._print_due = None if self.lines.drain() and told else ticks_add(now, again_ms)
        if self.answered() and _MICROPYTHON:
            gc.collect()

    def request_stop(self, now):
        """The operator ends the charging."""
        self.safe.request_stop(now)

    def watch(self, hz, seconds, now):
        """The state is pushed (watch.py, which comes into memory with the first use)."""
        if self._watch is None:
            from firmware.run.watch import Watch

            self._watch = Watch(self, self._stdout)
        self._watch.start(hz, seconds, now)

    def watch_off(self):
        if self._watch is not None:
            self._watch.stop()

    # -- inside

    def _heard(self, obj, events, now):
        """A source that a kind of loop has given to the poller has something."""

    def _begin(self, ready):
        """Listen to the operator, and tell who started us that the car may come: READY and this
        text."""
        self.operator.open()
        if self._stdout is not None:
            self._stdout.offer(b"READY " + ready.encode() + b"\n")

    def _timeout(self, now, at_most_ms):
        due = sooner(sooner(self.due, self.lines.due), self._print_due)
        if self._around is not None:
            due = sooner(due, self._around.due)
        if self._desk is not None:
            due = sooner(due, self._desk.due)
        if self._watch is not None:
            due = sooner(due, self._watch.due)
        if self.schedule is not None:
            due = sooner(due, self.schedule.due)
        if due is None:
            return at_most_ms
        wait = max(self.LEAST_MS, ticks_diff(due, now))
        return wait if at_most_ms is None else min(wait, at_most_ms)
