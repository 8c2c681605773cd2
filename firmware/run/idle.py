"""The console while no station runs: a line server for tools and for a person, in place of the
REPL's prompt."""

from firmware.clock import ticks_ms
from firmware.run.operator import Operator, Refused
from firmware.run.poller import Poller


class _NoTrace:
    def note(self, now, text, value=None):
        pass

    def error(self, now, text, value=None):
        pass


class _Resting:
    """Commands of a station that runs."""

    COMMANDS = (
        ("setpoint", "setpoint W  of a station that runs"),
        ("grid", "grid yes|no  of a station that runs"),
        ("authorize", "authorize [TOKEN]  of a station that runs"),
    )

    def do_setpoint(self, args, now):
        raise Refused("the station does not run")

    do_grid = do_authorize = do_setpoint


def run(desk, ends):
    """Serve until `quit` or Ctrl-C. desk: run.desk.Desk. ends: (console.StdIn, console.StdOut)."""
    stdin, out = ends
    poller = Poller()

    def refuse(now):
        raise Refused("the station does not run")

    operator = Operator(stdin, poller, _NoTrace(), refuse, lambda: "station=off", out)
    operator.add(_Resting())
    desk.add_to(operator)
    operator.open()
    out.offer(b"The station rests. `help` lists the commands, Ctrl-C ends this.\n")
    try:
        told = False
        while not operator.quit:
            for obj, _ in poller.wait(None if told else out.again_ms):
                if operator.owns(obj):
                    try:
                        operator.read(ticks_ms())
                    except Exception:
                        pass  # who asked has been told
            told = operator.pump() and out.flush()
    except KeyboardInterrupt:
        pass
    operator.close()
