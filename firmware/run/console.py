"""Lines from stdin and lines to stdout. Neither ever makes the station wait. What the lines mean:
operator.py.

On a pipe, lines come whole and nothing is echoed. On the serial line of a board (person=True)
somebody types: what is typed is echoed and can be corrected by Backspace and Ctrl-U; a line that
begins with @ comes from a program and is not echoed.
"""

import select
import sys

from firmware.clock import ticks_diff, ticks_ms
from micropython import const

_LINE_MAX = const(320)  # bytes of a command line: the longest value of the configuration has 255
_ECHO_MAX = const(200)  # bytes of echo that wait for their turn; more is not shown
_READ_MAX = const(512)  # bytes taken in one turn
_CHUNK = const(4096)  # PIPE_BUF: when poll() says writable, a pipe takes this much without blocking
_AGAIN_MS = const(50)
_POLLIN = const(1)
_POLLOUT = const(4)

END = None  # what lines() ends with at the end of stdin


class LineReader:
    """Cuts bytes into lines of bounded length; pure. person: see above; `echo` is then what is to
    be shown."""

    def __init__(self, person=False):
        self.echo = bytearray()
        self._person = person
        self._line = bytearray()
        self._too_long = False
        self._program = False  # it sent the last line
        self._escape = 0  # inside of the bytes of an arrow key or its like

    def feed(self, data):
        """Return the list of whole lines in data, without line ends. A line that is too long comes
        as "" + "!"."""
        lines = []
        for byte in data:
            if byte == 10 or byte == 13:
                if self._too_long:
                    lines.append("!")
                elif self._line:
                    self._show(b"\r\n")
                    lines.append(_decode(self._line))
                    self._program = self._line[:1] == b"@"
                elif byte == 13 and not self._program:
                    self._show(b"\r\n")
                self._line = bytearray()
                self._too_long = False
                self._escape = 0
            elif self._person and (byte < 32 or byte == 127 or self._escape):
                self._edit(byte)
            elif len(self._line) < _LINE_MAX:
                self._line.append(byte)
                self._show(bytes((byte,)))
            else:
                self._too_long = True
        return lines

    def _edit(self, byte):
        line = self._line
        if self._escape:  # ESC [ digits letter, or ESC and one character
            self._escape = 2 if byte == 0x5B or (self._escape == 2 and byte < 0x40) else 0
        elif byte == 27:
            self._escape = 1
        elif byte in (8, 127) and line:
            while len(line) > 1 and line[-1] & 0xC0 == 0x80:  # all bytes of one character
                line = line[:-1]
            self._line = line[:-1]
            self._show(b"\b \b")
        elif byte == 0x15:
            shown = len(line)
            self._show(b"\b \b" * min(shown, _ECHO_MAX // 3))
            self._line = bytearray()
            self._too_long = False

    def _show(self, data):
        if self._person and self._line[:1] != b"@" and len(self.echo) + len(data) <= _ECHO_MAX:
            self.echo += data


def _raw(stream):
    """The stream without CPython's buffer, which poll() cannot see into."""
    return getattr(stream.buffer, "raw", stream.buffer)


def _decode(line):
    try:
        return str(bytes(line), "utf-8").strip()
    except ValueError:  # UnicodeError on both runtimes
        return "!"


class StdIn:
    """Lines from stdin without blocking. `source` is what the caller registers with its poller.
    person: see above."""

    def __init__(self, source=None, person=False):
        self.source = _raw(sys.stdin) if source is None else source
        self.person = person
        self._reader = LineReader(person)
        self._poll = select.poll()
        self._poll.register(self.source, _POLLIN)

    def lines(self):
        """Call when stdin is readable: a list of lines; END is its last member when stdin has
        ended."""
        data = bytearray()
        while len(data) < _READ_MAX and self._poll.poll(0):
            # One byte at a time: read(n) of MicroPython waits until all n bytes are here.
            byte = self.source.read(1)
            if not byte:
                return self._reader.feed(data) + [END]
            data += byte
        return self._reader.feed(data)

    def echo(self):
        """What is to be shown of what was typed since the last call: bytes."""
        shown = self._reader.echo
        if shown:
            self._reader.echo = bytearray()
        return shown


class StdOut:
    """Lines to stdout without blocking: offer() says False while the reader is slow, and the caller
    tries later.

    chunk: bytes that the stream takes without waiting when poll() says that it is writable.
    pause_ms: time that it takes to send them, where poll() does not know (a UART of rp2 is always
    writable): at most one chunk goes out in that time. crlf: end lines as a terminal wants it.
    again_ms: when to look again after a False.
    """

    def __init__(self, stream=None, chunk=_CHUNK, pause_ms=0, crlf=False, again_ms=_AGAIN_MS):
        self.stream = _raw(sys.stdout) if stream is None else stream
        self.closed = False  # nobody reads: the station goes on without output
        self.again_ms = pause_ms or again_ms
        self._chunk = chunk
        self._pause_ms = pause_ms
        self._sent = None
        self._crlf = crlf
        self._rest = b""
        self._poll = select.poll()
        self._poll.register(self.stream, _POLLOUT)

    def offer(self, data):
        """Take one line (bytes, with its line end) or refuse it. True: it is written, or will
        be."""
        if not self.flush():
            return False
        if self._crlf and data[-1:] == b"\n" and data[-2:] != b"\r\n":
            data = data[:-1] + b"\r\n"
        self._rest = memoryview(data)
        self.flush()
        return True

    def flush(self):
        """Write what waits as far as it goes now; True when nothing waits."""
        while len(self._rest):
            if self.closed:
                self._rest = b""
                break
            if self._sent is not None and 0 <= ticks_diff(ticks_ms(), self._sent) < self._pause_ms:
                return False
            ready = self._poll.poll(0)
            if not ready:
                return False
            if not ready[0][1] & _POLLOUT or ready[0][1] & 8:  # POLLERR: the reader has gone
                self.closed = True
                continue
            try:
                n = self.stream.write(self._rest[: self._chunk])
            except OSError:
                self.closed = True
                continue
            self._rest = self._rest[n or 0 :]
            if self._pause_ms:
                self._sent = ticks_ms()
        return True


def number(word):
    """The integer in a word of a command, or None."""
    try:
        return int(word)
    except ValueError:
        return None
