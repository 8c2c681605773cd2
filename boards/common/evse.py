"""The station at the serial line of a board: run it, ask it, change it.

`evse.help()` lists what there is. The same works in the console while the station runs: what is no command there is a line of
Python. main.py of a board calls use() and run().
"""

import gc
import json
import sys

import __main__
import micropython
from firmware.app import config as _config
from firmware.clock import ticks_diff, ticks_ms
from firmware.run import console as _console
from firmware.run import idle
from firmware.run.desk import VERSION, Desk

try:
    import heap_mark
except ImportError:  # not in this image
    heap_mark = None

link = None  # the run loop (firmware.run.frame_loop.FrameLoop) that runs, or ran last; None before
running = False

_INTERRUPTS = 9
_OPEN_MS = 500  # the contactor is given this long to show that it is open
_make = None
_restart = None
_desk = None
_ends = None  # () -> (StdIn, StdOut)


def use(make, path="/config.json", board="unix", set_clock=None, chunk=None, pause_ms=0, restart=None):
    """What main.py of a board hands in. make(ends, desk) builds the station and returns its run
    loop, which is not open yet. path: of the configuration. set_clock(unix_s) sets the clock.
    chunk, pause_ms: what the serial line takes without waiting, see run.console.StdOut. restart():
    soft reset, for a run() that finds the heap too cut up."""
    global _make, _desk, _ends, _restart
    _make = make
    _restart = restart
    _desk = Desk(path, ticks_ms(), board, set_clock, heap_mark)
    if heap_mark is not None:
        heap_mark.reset()  # a soft reset leaves it as it was

    def ends():
        out = _console.StdOut(chunk=chunk or 64, pause_ms=pause_ms, crlf=True, again_ms=5)
        return _console.StdIn(person=True), out

    _ends = ends


def configured():
    """True when there is a configuration file: a board with one starts its station by itself."""
    return _desk.file.exists()


def run():
    """Serve car after car until Ctrl-C or `quit`. Errors of the configuration are printed, not
    raised."""
    global link, running
    if running or _make is None:
        _show(
            ["The station runs already." if running else "No station: main.py of this image has not called evse.use()."]
        )
        return
    link = None
    _desk.leave()
    gc.collect()
    try:
        link = _make(_ends(), _desk)
    except MemoryError:
        link = None
        if _restart is None:
            print("Not enough memory in one piece: Ctrl-D restarts with a fresh heap.")
            return
        print("Not enough memory in one piece: restart with a fresh heap.")
        _restart()
        return
    except Exception as error:  # a wrong configuration, TLS without its files: the person at the line must read why
        print("The station cannot start: " + (str(error) or type(error).__name__))
        print('Change it by evse.config("key", value), then evse.run().')
        return
    print("microv2g %s: the station runs. `help` lists the commands, Ctrl-C stops it." % VERSION)
    why = "quit"
    running = True
    __main__.evse = sys.modules[__name__]  # the console runs Python there
    try:
        link.open()
        link.run()
    except KeyboardInterrupt:
        why = "Ctrl-C"
    finally:
        _end(why)


def console():
    """The line server of the console while the station rests: info, config, clock, heap; Ctrl-C
    ends it."""
    if _make is None:
        use(None)
    if running:
        _show(["The console of the running station is the one you type into."])
        return
    idle.run(_desk, _ends())


def status():
    from firmware.run import words

    if link is None:
        _show(["The station has not run yet: evse.run()"])
        return
    _show(([] if running else ["The station is stopped; this is how it ended."]) + words.status(link))


def trace(n=20):
    """The last n records, readable: time in s, way, message or event."""
    from firmware.run import readable

    _show(readable.last(link.trace, n) if link is not None else ["Nothing was recorded yet."])


def setpoint(w, s=None):
    """Power in W for s seconds; below 0 it flows out of the car. None: as long as
    `setpoint_valid_s` says."""
    _command("setpoint %d" % w + ("" if s is None else " for %d" % s), "set-point %d W" % w)


def grid(yes, s=None):
    """May power flow out of the car? For s seconds."""
    word = "yes" if yes else "no"
    _command("grid " + word + ("" if s is None else " for %d" % s), "grid " + word)


def authorize(token=None):
    """The car at the plug may charge, or the next one within a minute."""
    _command("authorize" + ("" if token is None else " " + token), "authorised")


def deny():
    _command("deny", "denied")


def stop():
    _command("stop", "The car is told to end the session.")


def counters():
    """What was dropped or went wrong since boot, by reason."""
    _show(link.counters() if link is not None else ["The station has not run yet: evse.run()"])


def info():
    if _desk is None:
        use(None)
    _show(_desk.info(ticks_ms()))


def config(key=None, value=None):
    """One value, or all of them; with a value: change it for the next start. None is no value of
    any key."""
    if _desk is None:
        use(None)
    try:
        if value is not None:
            _desk.may_write()
            _desk.file.set(key, json.dumps(value))
            _show(["%s = %s takes effect at the next start" % (key, json.dumps(value))])
        elif key is not None:
            _show(["%s = %s" % (key, json.dumps(_desk.file.value(key)))])
        else:
            _show(_config.describe(_desk.file.check()))
    except Exception as error:
        _show([str(error)])


def help():
    """What there is."""
    _show(_HELP.split("\n"))


# -- inside

_HELP = """\
evse.run()            the station with its console; Ctrl-C opens the contactor
evse.console()        the commands of the console while the station rests
evse.status()         pilot, matching, session, power, faults, in words
evse.trace(20)        the last records: what was said and when
evse.setpoint(-5000, 300)  W for 300 s; negative takes from the car
evse.grid(True, 900)  power may flow out of the car for 900 s
evse.authorize()      the car may charge; evse.deny(): it may not
evse.stop()           the car is told to end the session
evse.config("key")    a value; evse.config("key", value): for the next start
evse.counters()       what was dropped or went wrong since boot
evse.info()           version, memory, clock
In the console `help` lists the commands; anything else is a line of Python."""


def _command(line, said):
    if not running:
        _show(["The station does not run: evse.run()"])
        return
    refused = link.operator.attempt(line, ticks_ms())
    _show([refused or said])


def _show(lines):
    """Print; while the station runs, in the turn of the output, so that a slow line does not stop
    the pilot's supervision."""
    if running:
        link.operator.tell(iter(lines))
    else:
        for line in lines:
            print(line)


def _end(why):
    """Power off, pilot off, and say so. A second Ctrl-C (mpremote sends two) must not get in
    between."""
    global running
    running = False
    hold = getattr(micropython, "kbd_intr", None)
    if hold is not None:
        hold(-1)
    for step in (link.close, _wait_open, lambda: _say_end(why)):
        for _ in range(_INTERRUPTS):  # images without kbd_intr: begin that step again
            try:
                step()
                break
            except KeyboardInterrupt:
                pass
    if hold is not None:
        hold(3)


def _wait_open():
    begin = ticks_ms()
    while link.power.closed and ticks_diff(ticks_ms(), begin) < _OPEN_MS:
        link.power.poll(ticks_ms())


def _say_end(why):
    if link.power.closed:
        said = "but the CONTACTOR STILL READS CLOSED. Do not touch the plug."
    else:
        said = "contactor open. evse.run() starts again, evse.help() lists more."
    print("\nStopped (%s): pilot off, %s" % (why, said))
