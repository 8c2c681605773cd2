"""What a person or a program tells the station while it runs, and what it is told.

A line is a request. Who sends it decides how it is answered:

    setpoint -5000        on a pipe: in the trace, as records S (status), N and E (host_tools/station/process.py)
    setpoint -5000        typed at the serial line of a board: plain lines
    @7f setpoint -5000    from a program, on either: any number of lines "@7f TEXT", then one "@7f ok" or "@7f error WHY"

A tag is one to eight letters or digits. At a board, what is no command is a line of Python, run in
__main__. Nothing that comes by the powerline gets here.

Commands come from objects that have them: COMMANDS, pairs of the word and its usage (its form, two
spaces, what it does), and for each a method do_WORD(args, now) -> None, a text, or an iterator of
texts or bytes, which is asked for its next line when there is room for it. It may raise Refused;
False says that its words are wrong, and the usage is told. say_WORD, if there is one, answers
people instead. So a table costs no heap. Answers are queues of lines, written when the output takes
them: neither a slow reader nor a long answer makes the station wait.
"""

from firmware.run import console
from firmware.run.poller import IN
from micropython import const

_JOBS = const(8)  # answers under way; a request above that is not heard, and its sender asks again
_LINES = const(8)  # of answers in one turn
_TAG = const(8)
_HELP = "anything else is a line of Python: evse.status(), evse.trace(), evse.help()"


class Refused(Exception):
    """A command that cannot be done now, or not like this; str() says why and what to do."""


class Operator:
    """stdin: console.StdIn or None. out: console.StdOut or None. request_stop(now) and status() -> text belong to the link.
    `quit` is set by the command, or by the end of stdin after `attach`."""

    COMMANDS = (
        ("stop", "stop  the car is told to end the session"),
        ("status", "status  pilot, matching, session, power, faults"),
        ("quit", "quit  end the station, contactor open"),
        ("attach", "attach"),
        ("help", "help  this list"),
    )

    def __init__(self, stdin, poller, trace, request_stop, status, out=None):
        self.quit = False
        self.program = False  # the command under way comes from a program: it has a tag
        self.unheard = 0  # requests above _JOBS
        self._stdin = stdin
        self._out = out
        self._person = stdin is not None and stdin.person
        self._poller = poller
        self._trace = trace
        self._request_stop = request_stop
        self._attached = False
        self._jobs = []
        self._status = status
        self._sources = [self]

    def add(self, source):
        """An object with commands; see above."""
        self._sources.append(source)

    def help(self):
        return "there are: " + " | ".join([_shape(usage) for usage in self._usages()])

    def open(self):
        if self._stdin is not None:
            self._poller.add(self._stdin.source, IN)

    def close(self):
        """Hear no more, for another reader of stdin."""
        if self._stdin is not None:
            self._poller.remove(self._stdin.source)
            self._stdin = None

    def owns(self, obj):
        return self._stdin is not None and obj is self._stdin.source

    def read(self, now):
        """Call when stdin is readable."""
        for line in self._stdin.lines():
            if line is console.END:
                self.close()
                if self._attached:
                    self.quit = True
                return
            self.command(line, now)

    def command(self, line, now):
        """One line. Exceptions of our own come out, for run.safe to report; the sender has been
        told then."""
        tag = None
        if line[:1] == "@":
            tag, _, line = line[1:].partition(" ")
            if not 0 < len(tag) <= _TAG or not _alnum(tag):
                return  # cut off or damaged: nobody waits for an answer to this
        self.program = tag is not None
        words = line.split()
        if not words:
            self._say(tag, "!", None, "no command; " + self.help())
            return
        try:
            found, usage = self._find(words[0], tag is None and self._person)
            if found is not None:
                if len(words) > 1 and _shape(usage) == words[0]:
                    raise Refused(words[0] + " stands alone")
                answer = found(words[1:], now)
                if answer is False:
                    raise Refused(_shape(usage))
            elif self._person and tag is None and line != "!":
                answer = run_python(line)
            else:
                raise Refused("unknown command; " + self.help())
        except Refused as why:
            self._say(tag, words[0], None, str(why), now)
            return
        except Exception as error:
            self._say(tag, words[0], None, type(error).__name__ + ": " + str(error), now)
            raise
        self._say(tag, words[0], answer, None, now)

    def attempt(self, line, now):
        """Run a command for other code of ours: None, or why it was refused."""
        self.program = False
        words = line.split()
        try:
            self._find(words[0], False)[0](words[1:], now)
        except Refused as why:
            return str(why)
        return None

    def tell(self, lines):
        """Lines (an iterator of texts or bytes) for the person at the serial line, in their
        turn."""
        self._job(None, lines, None)

    def pump(self):
        """Write what the output takes of echo and answers. True when nothing is left."""
        out = self._out
        if out is None:
            return True
        for _ in range(_LINES):
            if not out.flush():
                return False
            if self._stdin is not None:
                shown = self._stdin.echo()
                if shown:
                    out.offer(shown)
                    continue
            if not self._jobs:
                return True
            text = self._next(self._jobs[0])
            if text is None:
                self._jobs.pop(0)
            else:
                out.offer(text)
        return not self._jobs

    # -- inside

    def _next(self, job):
        """The next line of an answer as bytes, with its end; None when there is no more."""
        head, lines, end = job
        if lines is not None:
            try:
                text = next(lines)
                return head + (text.encode() if isinstance(text, str) else text).replace(b"\n", b" ") + b"\n"
            except StopIteration:
                pass
            except Exception as error:  # told to who asked, and no more: nothing else depends on it
                end = ("error " + type(error).__name__ + ": " + str(error)).encode().replace(b"\n", b" ")
            job[1] = None
        job[2] = None
        return None if end is None else head + end + b"\n"

    def _say(self, tag, word, answer, why, now=None):
        if isinstance(answer, str):
            answer = iter((answer,))
        if tag is not None:
            self._job(("@" + tag + " ").encode(), answer, ("ok" if why is None else "error " + why).encode())
        elif self._person:
            if why is not None:
                answer = iter((why,))
            if answer is not None:
                self._job(None, answer, None)
        elif why is not None:
            self._trace.error(now, why)
        elif answer is not None:
            for text in answer:
                if word == "status":
                    self._trace.status(now, text)
                else:
                    self._trace.note(now, word + " " + text)

    def _job(self, head, lines, end):
        if len(self._jobs) < _JOBS:
            self._jobs.append([head or b"", lines, end.replace(b"\n", b" ") if end else end])
        else:
            self.unheard += 1

    def _find(self, word, person):
        """(function, usage) of a command; (None, "") if there is none."""
        for source in self._sources:
            for name, usage in source.COMMANDS:
                if name == word:
                    found = getattr(source, "do_" + word)
                    return (getattr(source, "say_" + word, found) if person else found), usage
        return None, ""

    def _usages(self):
        for source in self._sources:
            for _, usage in source.COMMANDS:
                yield usage

    def do_stop(self, args, now):
        self._trace.note(now, "stop requested")
        self._request_stop(now)

    def do_status(self, args, now):
        return self._status()

    def say_status(self, args, now):
        """People get words, if a source has them."""
        for source in self._sources:
            if hasattr(source, "status_words"):
                return iter(source.status_words())
        return self._status()

    def do_help(self, args, now):
        return self.help()

    def say_help(self, args, now):
        return self._list()

    def do_quit(self, args, now):
        self.quit = True

    def do_attach(self, args, now):
        self._attached = True


def run_python(line):
    """Run one line in __main__. Return an iterator of what it has to show, or None. What it prints
    itself is not in it, and is written at once."""
    import __main__

    space = __main__.__dict__
    try:
        try:
            code = compile(line, "console", "eval")
        except SyntaxError:
            exec(compile(line, "console", "exec"), space)
            return None
        value = eval(code, space)
    except Exception as error:
        return iter((type(error).__name__ + ": " + str(error) + " (help shows the commands)",))
    if value is None:
        return None
    return iter((repr(value),))


def _alnum(tag):
    return not [c for c in tag if not (c.isalpha() or c.isdigit())]


def _shape(usage):
    """The form of a command, without what it does."""
    at = usage.find("  ")
    return usage if at < 0 else usage[:at]
