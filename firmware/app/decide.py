"""Who may charge: one decision for one plug-in (R-AUTH-16).

`authorization` in the configuration says who decides:

    operator   somebody who says `authorize` or `deny`: a person, or the host. The default
    list       what stands in `authorized`: the token that a host brings with `authorize TOKEN`, the
               EVCCID of the car or the name in its certificate. An EVCCID without TLS is a claim
    free       everybody

Until the decision nothing is energised, by messages or by the pilot alone; without a pilot (sockets
of the operating system) a connection stands for the plug. An unplug clears it. A yes that comes
before the plug holds for a minute. A machine: no clock of its own.
"""

from firmware.clock import ticks_add, ticks_diff
from firmware.session.codes import DENIED, GRANTED, UNDECIDED
from micropython import const

_EARLY_MS = const(60000)


class Decide:
    """cfg: dict of app/config. trace: note(now, text, value), or None.

    state       UNDECIDED, GRANTED or DENIED
    person      a person is waited for, not a program (R-AUTH-17)
    """

    def __init__(self, cfg, trace=None):
        self._mode = cfg["authorization"]
        self._list = cfg["authorized"] if self._mode == "list" else ()
        self._trace = trace
        self._plugged = False
        self._until = None  # of a yes before the plug
        self._reset()

    def _reset(self):
        self.state = GRANTED if self._mode == "free" else UNDECIDED
        self.person = True
        self._until = None

    # -- what happens at the plug

    def plug_in(self, now):
        """A car. What was said in the last minute is for it."""
        self.poll(now)
        self._plugged = True
        self._until = None

    def clear(self, now):
        """The car is gone, or nobody knows whether it is the same."""
        self._plugged = False
        self._reset()

    def seen(self, now, evccid, name):
        """A car says who it is. name: in the certificate that TLS has checked, or None."""
        if self.state == UNDECIDED and self._list:
            if name in self._list:
                self._yes(now, "certificate " + name)
            elif evccid in self._list:
                self._yes(now, "EVCCID " + evccid + ("" if name == evccid else " (claimed)"))

    def poll(self, now):
        if self._until is not None and ticks_diff(now, self._until) >= 0:
            self._say(now, "no car came: not authorised any more")
            self._reset()

    @property
    def due(self):
        """Tick of the next poll, or None."""
        return self._until

    # -- what is said

    def authorize(self, now, token, by):
        """by: who says it, in words. Return "", or in words why it is refused."""
        if token is not None and self._mode == "list" and token not in self._list:
            return "%s is not in `authorized`" % token
        self._yes(now, by if token is None else by + ", token " + token)
        if not self._plugged:
            self._until = ticks_add(now, _EARLY_MS)
        return ""

    def deny(self, now, by):
        """No, until somebody says yes or the car is gone. True if it was yes before."""
        was = self.state == GRANTED
        self.state = DENIED
        self._until = None if self._plugged else ticks_add(now, _EARLY_MS)
        self._say(now, "denied by the " + by)
        return was

    def checking(self, now):
        """A program decides: the car need not tell anybody to do something (R-AUTH-17)."""
        self.person = False
        self._say(now, "a program decides")

    # -- inside

    def _yes(self, now, by):
        self.state = GRANTED
        self._until = None
        self._say(now, "authorised by " + by)

    def _say(self, now, text):
        if self._trace is not None:
            self._trace.note(now, text)
