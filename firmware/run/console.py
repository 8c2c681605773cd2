"""Commands on stdin, one per line, and lines on stdout. Neither ever makes the station wait.

Commands: setpoint W | stop | status | quit | attach. After `attach` the end of stdin means quit: the program that
started the station uses it, so that no station outlives it. Without it the end of stdin changes nothing.
"""

import select
import sys

from micropython import const

_LINE_MAX = const(128)  # bytes of a command line
_READ_MAX = const(512)  # bytes taken in one turn
_CHUNK = const(4096)  # PIPE_BUF: when poll() says writable, a pipe takes this much without blocking
_POLLIN = const(1)
_POLLOUT = const(4)

END = None  # what lines() ends with at the end of stdin


class LineReader:
    """Cuts bytes into lines of bounded length; pure."""

    def __init__(self):
        self._line = bytearray()
        self._too_long = False

    def feed(self, data):
        """Return the list of whole lines in data, without line ends. A line that is too long comes as "" + "!"."""
        lines = []
        for byte in data:
            if byte == 10 or byte == 13:
                if self._too_long:
                    lines.append("!")
                elif self._line:
                    lines.append(_decode(self._line))
                self._line = bytearray()
                self._too_long = False
            elif len(self._line) < _LINE_MAX:
                self._line.append(byte)
            else:
                self._too_long = True
        return lines


def _raw(stream):
    """The stream without CPython's buffer, which poll() cannot see into."""
    return getattr(stream.buffer, "raw", stream.buffer)


def _decode(line):
    try:
        return str(bytes(line), "utf-8").strip()
    except ValueError:  # UnicodeError on both runtimes
        return "!"


class StdIn:
    """Lines from stdin without blocking. `source` is what the caller registers with its poller."""

    def __init__(self, source=None):
        self.source = _raw(sys.stdin) if source is None else source
        self._reader = LineReader()
        self._poll = select.poll()
        self._poll.register(self.source, _POLLIN)

    def lines(self):
        """Call when stdin is readable: a list of lines; END is its last member when stdin has ended."""
        data = bytearray()
        while len(data) < _READ_MAX and self._poll.poll(0):
            # One byte at a time: read(n) of MicroPython waits until all n bytes are here.
            byte = self.source.read(1)
            if not byte:
                return self._reader.feed(data) + [END]
            data += byte
        return self._reader.feed(data)


class StdOut:
    """Lines to stdout without blocking: offer() says False while the reader is slow, and the caller tries later."""

    def __init__(self, stream=None):
        self.stream = _raw(sys.stdout) if stream is None else stream
        self.closed = False  # nobody reads: the station goes on without output
        self._rest = b""
        self._poll = select.poll()
        self._poll.register(self.stream, _POLLOUT)

    def offer(self, data):
        """Take one line (bytes, with its line end) or refuse it. True: it is written, or will be."""
        if not self.flush():
            return False
        self._rest = memoryview(data)
        self.flush()
        return True

    def flush(self):
        """Write what waits as far as it goes now; True when nothing waits."""
        while len(self._rest):
            if self.closed:
                self._rest = b""
                break
            ready = self._poll.poll(0)
            if not ready:
                return False
            if not ready[0][1] & _POLLOUT or ready[0][1] & 8:  # POLLERR: the reader has gone
                self.closed = True
                continue
            try:
                n = self.stream.write(self._rest[:_CHUNK])
            except OSError:
                self.closed = True
                continue
            self._rest = self._rest[n or 0 :]
        return True


def number(word):
    """The integer in a word of a command, or None."""
    try:
        return int(word)
    except ValueError:
        return None
