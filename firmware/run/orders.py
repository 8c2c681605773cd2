"""Commands of whoever decides: who may charge, set-points with their validity, the grid's permission.

A line with a tag comes from a program and speaks for the host; any other speaks for the operator,
and so does a program that ends it in "as operator" (a person's tool).

    setpoint 7000                           W, all lines together; for `setpoint_valid_s`
    setpoint -5000 for 300                  out of the car, for 300 s
    setpoint 3600,2300,0 for 60             W of L1, L2, L3
    setpoint 16000,10000,6000mA             the same in mA
    setpoint 7000 var 500 for 60            with reactive power
    setpoint off                            this source wants nothing any more
    setpoint                                which one counts
    grid yes for 900 | grid no [for 60]
    authorize [TOKEN]                       the car at the plug may charge, or the next within a minute
    deny                                    it may not; a charge that runs is ended
    checking                                a program decides: the car is told so (R-AUTH-17)
    watch HZ [for S] | off                  the state of the station, pushed (watch.py)
"""

from firmware.app.lease import FALLBACK, HOST, MOST_S, NAMES, OPERATOR
from firmware.run import console
from firmware.run.operator import Refused
from micropython import const

_MOST_HZ = const(4)
_WATCH_S = const(60)
_MOST = const(1000000)  # of one number: W, mA, var
_NUMBER = (
    "setpoint: a whole number of W in -1000000..1000000, or L1,L2,L3 in W, or L1,L2,L3mA; negative to take from the car"
)


class Orders:
    """loop: run.run_loop.RunLoop."""

    COMMANDS = (
        ("setpoint", "setpoint W|L1,L2,L3[mA] [var VAR] [for S] | off  power"),
        ("grid", "grid yes|no [for S]  may power flow out of the car"),
        ("authorize", "authorize [TOKEN]  the car may charge"),
        ("deny", "deny  it may not; what runs is ended"),
        ("checking", "checking  a program decides"),
        ("watch", "watch HZ [for S] | off  the state, pushed"),
    )

    def __init__(self, loop):
        self._loop = loop

    def do_setpoint(self, args, now):
        lease = self._loop.power.lease
        if not args:
            return self.setpoint(now)
        words, source = self._source(args)
        if words == ["off"]:
            if not lease.release(now, source):
                raise Refused("setpoint: the %s has none" % NAMES[source])
            return None
        valid_s = _take(words, "for")
        var = _take(words, "var") or 0
        if len(words) != 1:
            return False
        lines = _lines(words[0], self._loop.power.cfg["ac_nominal_voltage_v"])
        why = lease.give(now, source, lines[0], valid_s, lines if len(lines) == 3 else None, var)
        if why:
            raise Refused("setpoint: " + why)
        return None

    def say_setpoint(self, args, now):
        """People are told what became of it."""
        answer = self.do_setpoint(args, now)
        return self.setpoint(now) if answer is None else answer

    def do_grid(self, args, now):
        words, _ = self._source(args)
        valid_s = _take(words, "for")
        if words not in (["yes"], ["no"]):
            return False
        why = self._loop.power.lease.grid(now, words == ["yes"], valid_s)
        if why:
            raise Refused(why)
        self._loop.trace.note(
            now, "grid %s" % words[0] if valid_s is None else "grid %s for %d s" % (words[0], valid_s)
        )
        return None

    def do_authorize(self, args, now):
        if len(args) > 1:
            return False
        loop = self._loop
        why = loop.power.decide.authorize(now, args[0] if args else None, self._who(args))
        if why:
            raise Refused("authorize: " + why)
        return None

    def do_deny(self, args, now):
        """Orderly: a session is asked to stop, charging by the pilot alone loses its current."""
        loop = self._loop
        was = loop.power.decide.deny(now, self._who(args))
        if loop.safe.paused_ms(now):
            loop.safe.forget(now, "denied")
        if was and loop.safe.established:
            loop.request_stop(now)

    def do_checking(self, args, now):
        loop = self._loop
        loop.power.decide.checking(now)

    def do_watch(self, args, now):
        loop = self._loop
        words = list(args)
        if words == ["off"]:
            loop.watch_off()
            return None
        seconds = _take(words, "for")
        hz = console.number(words[0]) if len(words) == 1 else None
        if hz is None or not 1 <= hz <= _MOST_HZ:
            raise Refused("watch: 1 to 4 lines a second, or off")
        seconds = _WATCH_S if seconds is None else seconds
        if not 1 <= seconds <= MOST_S:
            raise Refused("watch: for 1..%d s" % MOST_S)
        loop.watch(hz, seconds, now)

    def setpoint(self, now):
        """Which set-point counts, and how long, in words."""
        lease = self._loop.power.lease
        lease.poll(now)
        text = "%d W" % lease.set_w
        if lease.per_line:
            text += " (%d, %d, %d)" % tuple(lease.l_w)
        if lease.var:
            text += ", %d var" % lease.var
        if lease.source == FALLBACK:
            return text + ", fallback: the last set-point has run out"
        text += " by the " + NAMES[lease.source]
        left_ms = lease.left_ms(now)
        return text if left_ms is None else text + ", %d s left" % (left_ms // 1000)

    # -- inside

    def _who(self, args):
        return NAMES[self._source(args)[1]]

    def _source(self, args):
        if args[-2:] == ["as", "operator"]:
            return list(args[:-2]), OPERATOR
        return list(args), HOST if self._loop.operator.program else OPERATOR


def _take(words, name):
    """The number behind a word, taken out of the list; None if the word is not there."""
    if name not in words:
        return None
    at = words.index(name)
    n = console.number(words[at + 1]) if at + 1 < len(words) else None
    if n is None or not -_MOST <= n <= _MOST:
        raise Refused("behind `%s` stands a whole number" % name)
    del words[at : at + 2]
    return n


def _lines(word, volts):
    """(W,), or W of three lines; mA are turned into W by the nominal voltage."""
    current = word.endswith("mA")
    parts = [console.number(part) for part in (word[:-2] if current else word).split(",")]
    if None in parts or len(parts) not in (1, 3) or (current and len(parts) == 1):
        raise Refused(_NUMBER)
    if min(parts) < -_MOST or max(parts) > _MOST:
        raise Refused(_NUMBER)
    if current:
        parts = [part * volts // 1000 if part >= 0 else -(-part * volts // 1000) for part in parts]
    return parts
