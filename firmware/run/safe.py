"""The one place that catches every exception (docs/design.md, the run loop): what goes wrong in one
session ends that session only.

Contactor open first, then the trace, then a new session machine. Discovery and the next car go on
(R-SDP-03, R-ERRORS-09).
"""

import gc
import io
import sys

from micropython import const

_REPORT_MAX = const(600)  # characters of a traceback that go into the trace


def describe(error):
    """Traceback in one bounded line, innermost frame last."""
    if hasattr(sys, "print_exception"):  # MicroPython
        out = io.StringIO()
        sys.print_exception(error, out)
        lines = out.getvalue().split("\n")
    else:
        import traceback

        lines = "".join(traceback.format_exception(type(error), error, error.__traceback__)).split("\n")
    lines = [line.strip() for line in lines[1:] if line.strip()]
    return " | ".join(lines)[-_REPORT_MAX:]


class Safe:
    """Wraps the session machine: same calls, exceptions are caught here.

    make_secc() builds a machine; power has off(now); trace takes error(now, text). After a fault
    `event()` says CLOSE, the broken machine is asked for nothing but the answer that it still has,
    and lost() replaces it. If it has fault(now), that makes its answer a FAILED one. `faults`
    counts.
    """

    CLOSE = 1  # the same code as the machine's own

    def __init__(self, make_secc, power, trace):
        self.faults = 0
        self.broken = False
        self._make = make_secc
        self._power = power
        self._trace = trace
        self._now = 0  # of the last call: `due` has none of its own
        self.secc = make_secc()

    def start(self, now, vehicle=None, leaf=None):
        """vehicle: name in the certificate of the car, None without TLS; leaf: SHA-256 of that
        certificate."""
        self._now = now
        try:
            if vehicle is None:
                self.secc.start(now)
            else:
                self.secc.start(now, vehicle, leaf)
        except Exception as error:
            self._fault(error, now)

    def rx(self, buf, n, now):
        if self.broken:
            return
        try:
            self.secc.rx(buf, n, now)
        except Exception as error:
            self._fault(error, now)

    def poll(self, now):
        self._now = now
        if self.broken:
            return
        try:
            self.secc.poll(now)
        except Exception as error:
            self._fault(error, now)

    def tx(self, out, now):
        try:
            return self.secc.tx(out)
        except Exception as error:
            self._fault(error, now)
            return 0

    def event(self, now):
        if self.broken:
            return self.CLOSE
        try:
            return self.secc.event()
        except Exception as error:
            self._fault(error, now)
            return self.CLOSE

    def request_stop(self, now):
        try:
            self.secc.request_stop(now)
        except Exception as error:
            self._fault(error, now)

    @property
    def due(self):
        if self.broken:
            return None
        try:
            return self.secc.due
        except Exception as error:
            self._fault(error, self._now)
            return None

    @property
    def session_over(self):
        return self.broken or self.secc.session_over

    @property
    def established(self):
        return not self.broken and self.secc.established

    def pause_begun(self):
        """True once after the car has paused its session."""
        return not self.broken and self.secc.paused.begun()

    def paused_ms(self, now):
        """How long a paused session can still be joined; 0: there is none."""
        return 0 if self.broken else self.secc.paused.left_ms(now)

    def forget(self, now, why):
        """A paused session cannot be joined any more."""
        if not self.broken:
            self.attempt("paused session", now, self.secc.paused.forget, now, why)

    def lost(self, now):
        """The connection is gone. What the machine does with that may fail; the power is off in any
        case."""
        if not self.broken:
            try:
                self.secc.lost(now)
            except Exception as error:
                self._fault(error, now)
        if self.broken:
            self.secc = None
            gc.collect()  # the old one goes before the new one comes
            self.secc = self._make()
            self.broken = False

    def off(self, now):
        """Open the contactor, whatever the session thinks."""
        try:
            self._power.off(now)
        except Exception as error:
            self.report("power off failed", error, now)

    def attempt(self, what, now, call, *args):
        """call(*args); an exception is traced and gives None. For what is not the session's:
        datagrams, commands."""
        try:
            return call(*args)
        except Exception as error:
            self.report(what, error, now)
            return None

    def report(self, what, error, now):
        """Count and trace an exception that was caught elsewhere."""
        self.faults += 1
        try:
            self._trace.error(now, what + ": " + describe(error))
        except MemoryError:  # the fault itself may be that there is none left
            gc.collect()
            try:
                self._trace.error(now, what)
            except MemoryError:
                return  # `faults` says it

    def out_of_service(self, now):
        """The hardware of the station has a fault: power off, and the car reads it in its next
        answer."""
        if not self.broken and not self.secc.session_over:
            self.attempt("out of service", now, self.secc.out_of_service, now)

    def _fault(self, error, now):
        self.off(now)  # first of all
        self.report("session ended by a fault", error, now)
        again = self.broken
        self.broken = True
        if not again and hasattr(self.secc, "fault"):
            self.attempt("fault answer", now, self.secc.fault, now)
            self.off(now)
