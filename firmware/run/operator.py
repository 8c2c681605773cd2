"""What a person or a program tells the station on stdin while it runs."""

from firmware.run import console
from firmware.run.poller import IN
from micropython import const

_MOST_W = const(1000000)


class Operator:
    """stdin: console.StdIn or None. request_stop(now) and status() -> text belong to the link. more(words, now) -> bool
    takes commands of the board; more_help names them. `quit` is set by the command, or by the end of stdin after `attach`."""

    def __init__(self, stdin, poller, power, trace, request_stop, status, more=None, more_help=""):
        self.quit = False
        self._stdin = stdin
        self._poller = poller
        self._power = power
        self._trace = trace
        self._request_stop = request_stop
        self._status = status
        self._more = more
        self._help = "setpoint W | stop | status | quit | attach" + more_help
        self._attached = False

    def open(self):
        if self._stdin is not None:
            self._poller.add(self._stdin.source, IN)

    def owns(self, obj):
        return self._stdin is not None and obj is self._stdin.source

    def read(self, now):
        """Call when stdin is readable."""
        for line in self._stdin.lines():
            if line is console.END:
                self._poller.remove(self._stdin.source)
                self._stdin = None
                if self._attached:
                    self.quit = True
                return
            self.command(line, now)

    def command(self, line, now):
        words = line.split()
        if len(words) == 2 and words[0] == "setpoint":
            w = console.number(words[1])
            if w is not None and -_MOST_W <= w <= _MOST_W:
                self._power.set_setpoint_w(w)
                self._trace.note(now, "setpoint_w", w)
                return
        elif words == ["stop"]:
            self._trace.note(now, "stop requested")
            self._request_stop(now)
            return
        elif words == ["status"]:
            self._trace.status(now, self._status())
            return
        elif words == ["quit"]:
            self.quit = True
            return
        elif words == ["attach"]:
            self._attached = True
            return
        elif self._more is not None and self._more(words, now):
            return
        self._trace.error(now, "unknown command; there are: " + self._help)
