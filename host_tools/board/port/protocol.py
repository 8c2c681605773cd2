"""The console protocol (firmware/run/operator.py) seen from a program: pure, bytes in and lines
out.

Bytes of other origin may stand between the lines and in front of them: boot messages, what a person
types at the same time, a traceback, the middle of a line after a port was opened. A tag is
therefore looked for anywhere in a line, and is drawn at random.
"""

import re
import secrets

LINE_MAX = 20000  # a trace line of the largest message; more without a line end is noise
KILL_LINE = b"\x15"  # Ctrl-U: what somebody has half typed does not become part of our line
_RECORD = re.compile(r"([MPSNELATDW]) \d+ |READY ")


class Splitter:
    """Bytes -> lines (text). What is no text is replaced; what is too long is thrown away up to the
    next line end."""

    def __init__(self):
        self._rest = bytearray()
        self._skipping = False
        self.skipped = 0  # bytes

    def feed(self, data):
        """The whole lines that `data` completes, without ends; empty lines are left out."""
        lines = []
        self._rest += data
        while True:
            at = min((i for i in (self._rest.find(b"\n"), self._rest.find(b"\r")) if i >= 0), default=-1)
            if at < 0:
                break
            line, self._rest = bytes(self._rest[:at]), self._rest[at + 1 :]
            if self._skipping:
                self.skipped += len(line)
            elif line:
                lines.append(line.decode("utf-8", "replace"))
            self._skipping = False
        if len(self._rest) > LINE_MAX:
            self.skipped += len(self._rest)
            self._rest.clear()
            self._skipping = True
        return lines

    @property
    def at_prompt(self):
        """True when what came last is the prompt of the REPL."""
        return bytes(self._rest) == b">>> "


class Request:
    """One tagged request. `done` when its end has come; then `error` is None or the refusal, and
    `lines` the answer."""

    def __init__(self, command, tag=None):
        if "\n" in command or "\r" in command:
            raise ValueError("a command is one line")
        self.command = command
        self.tag = tag or secrets.token_hex(3)
        self.lines = []
        self.done = False
        self.error = None
        self._mark = "@" + self.tag + " "

    @property
    def data(self):
        """The bytes to send. Behind an empty line a REPL, to which this begins a decorated
        function, knows that it ends."""
        return KILL_LINE + (self._mark + self.command + "\r\r").encode()

    def line(self, text):
        """Take one line; True when it belongs to this request."""
        at = text.find(self._mark)
        if at < 0:
            return False
        text = text[at + len(self._mark) :]
        if text == self.command:  # our own line: a REPL echoes it
            return False
        if text == "ok":
            self.done = True
        elif text == "error" or text.startswith("error "):
            self.done = True
            self.error = text[6:] or "refused"
        else:
            self.lines.append(text)
        return True


def is_record(line):
    """True for a line of the trace stream."""
    return _RECORD.match(line) is not None
