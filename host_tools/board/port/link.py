"""The serial port of a station, on pyserial: open, find out what is there, ask, follow."""

import os
import time

from host_tools.board.port import ports
from host_tools.board.port.errors import NoAnswer, PortError, Refusal
from host_tools.board.port.protocol import Request, Splitter, is_record

BAUD = 115200
_SLICE_S = 0.05  # a read waits this long
_ANSWER_S = 3.0  # silence after which a request is repeated
_TRIES = 3
_WATCH_S = 60  # a station whose reader is gone stops pushing its state


def _patient(seconds):
    """A limit, longer by MICROV2G_PATIENCE: an emulated board on a busy machine is slower than a
    true one."""
    return seconds * float(os.environ.get("MICROV2G_PATIENCE") or 1)


RUNNING = "running"  # a station, or the console of one that rests
REPL = "repl"  # the prompt of MicroPython
SILENT = "silent"  # nothing, or something that does not understand us


class Station:
    """One open port. serial: a serial.Serial or its like (read, write, in_waiting, close).
    on_line(text): gets every line that is no answer to a request, records of the stream among them.
    """

    def __init__(self, serial, name="", on_line=None):
        self.name = name
        self.on_line = on_line
        self.serial = serial
        self._lines = Splitter()
        self._seen = ""  # the last foreign line, for the message when nothing answers
        self._any = 0  # bytes that ever came

    @classmethod
    def open(cls, port=None, baud=BAUD, on_line=None):
        """Open a port; None: the only one there is. Raises PortError."""
        import serial

        name = ports.choose(port)
        try:
            # No DTR and RTS games: on many ESP32 boards they are the reset.
            handle = serial.serial_for_url(name, baudrate=baud, timeout=_SLICE_S, write_timeout=2, do_not_open=True)
            handle.dtr = True
            handle.rts = False
            if hasattr(handle, "exclusive"):
                handle.exclusive = True
            handle.open()
        except (serial.SerialException, OSError, ValueError) as error:
            raise PortError(f"{name}: {_why(error)}") from None
        return cls(handle, name, on_line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.serial.close()
        except OSError:
            pass  # pulled

    # -- requests

    def ask(self, command, timeout_s=_ANSWER_S, tries=_TRIES, on_progress=None):
        """The lines of the answer. timeout_s: longest silence, not the whole time. A request that
        gets no answer is sent again, with another tag: commands bear that. Raises Refusal,
        NoAnswer, PortError. on_progress(lines so far) while they come."""
        for _ in range(tries):
            request = Request(command)
            self._write(request.data)
            until = time.monotonic() + _patient(timeout_s)
            while time.monotonic() < until and not request.done:
                for line in self._read():
                    if request.line(line):
                        until = time.monotonic() + _patient(timeout_s)
                        if on_progress:
                            on_progress(len(request.lines))
                    else:
                        self._foreign(line)
                if self._lines.at_prompt and not request.lines and not self._settle(request):
                    break  # nobody here understands tags: no need to wait for the end of the time
            if request.done:
                if request.error is not None:
                    raise Refusal(request.error)
                return request.lines
        raise NoAnswer(self.silence(command, tries))

    def probe(self, timeout_s=1.0, tries=6):
        """What is at the port: RUNNING, REPL or SILENT. A raw REPL that another program has left
        behind is left. A small board says nothing for 4 s while it verifies a chain of P-521; then
        the answer to any of the tries counts."""
        requests = []
        for _ in range(tries):
            found = self._probe(requests, timeout_s)
            if found != SILENT:
                return found
        return SILENT

    def _probe(self, requests, timeout_s):
        """One more of `requests`, and what is at the port; the answer to each of them counts."""
        request = Request("info")
        requests.append(request)
        self._write(b"\x02" + request.data)  # Ctrl-B: out of the raw REPL; a running station does not hear it
        until = time.monotonic() + _patient(timeout_s)
        while time.monotonic() < until:
            for line in self._read():
                if not any([one.line(line) for one in requests]):
                    self._foreign(line)
            if any(one.done for one in requests):
                return RUNNING
            if self._lines.at_prompt and not self._settle(request):
                return REPL
        return SILENT

    def wait_running(self, timeout_s=10.0):
        """Wait until a station answers: after a reset, or while it boots."""
        end, requests = time.monotonic() + _patient(timeout_s), []
        while True:
            if self._probe(requests, 0.7) == RUNNING:
                return
            if time.monotonic() > end:
                raise NoAnswer(self.silence("info", "for %g s" % timeout_s))
            time.sleep(0.1)

    def run_from_repl(self, start="import evse; evse.console()"):
        """At the prompt: start the console, so that requests are understood. True if it does."""
        self._settle()
        self._write(b"\x15" + start.encode() + b"\r")
        time.sleep(0.2)  # some ports throw away what comes while a line is about to run
        return self.probe(1.5, 3) == RUNNING

    def send_line(self, text):
        """A line as a person types it; the answer is lines that go to on_line."""
        self._write(text.encode() + b"\r")

    def listen(self):
        """Give what has come to on_line; waits a moment for it."""
        for line in self._read():
            self._foreign(line)

    def interrupt(self):
        """Ctrl-C: the station stops, contactor open, and the prompt comes. True if it does, within
        5 s."""
        self._write(b"\r\x03")
        end = time.monotonic() + _patient(5)
        while time.monotonic() < end:
            for line in self._read():
                self._foreign(line)
            if self._lines.at_prompt:
                return True
        return False

    # -- the stream

    def stream(self, stop=lambda: False, trace=True, watch_hz=0):
        """Switch the stream on and give its lines (firmware/run/trace_lines.py) as they come, and
        None when there is none for a moment. Other lines go to on_line. Ends when stop() says so;
        the stream is then off again. watch_hz: the state of the station, pushed so often (lines W,
        firmware/run/watch.py). trace: its records too."""
        waiting = []
        before, self.on_line = self.on_line, lambda line: waiting.append(line)
        try:
            if trace:
                self.ask("stream on")
            renewed = None
            while not stop():
                if watch_hz and (renewed is None or time.monotonic() - renewed > _WATCH_S / 3):
                    renewed = time.monotonic()
                    self.ask(f"watch {watch_hz} for {_WATCH_S}")
                waiting += self._read()
                if not waiting:
                    yield None
                while waiting:
                    line = waiting.pop(0)
                    if is_record(line):
                        yield line
                    elif before and not line.startswith("@"):
                        before(line)
        finally:
            self.on_line = None
            try:
                if trace:
                    self.ask("stream off", tries=1)
                if watch_hz:
                    self.ask("watch off", tries=1)
            except (PortError, Refusal):
                pass  # it is off at the next start, and its reader is gone
            self.on_line = before

    # -- bytes

    def _write(self, data):
        import serial

        try:
            # A UART without flow control has a small buffer at the far end: short lines, and not
            # more than one at a time.
            self.serial.write(data)
            self.serial.flush()
        except (serial.SerialException, OSError) as error:
            raise PortError(f"{self.name}: {_why(error)}") from None

    def _read(self):
        """Lines that have come; waits a moment for them."""
        import serial

        try:
            data = self.serial.read(max(1, self.serial.in_waiting))
        except (serial.SerialException, OSError, TypeError) as error:  # TypeError: closed by pyserial itself
            raise PortError(f"{self.name}: {_why(error)}") from None
        self._any += len(data)
        return self._lines.feed(data)

    def _settle(self, request=None):
        """Read until nothing comes for a moment. True if the request was answered meanwhile."""
        quiet_at = time.monotonic() + 2 * _SLICE_S
        limit = time.monotonic() + 2
        while time.monotonic() < min(quiet_at, limit):
            before = self._any
            for line in self._read():
                if request is None or not request.line(line):
                    self._foreign(line)
            if self._any != before:
                quiet_at = time.monotonic() + 2 * _SLICE_S
        return request is not None and (request.done or bool(request.lines))

    def _foreign(self, line):
        self._seen = line
        if self.on_line is not None:
            self.on_line(line)

    def silence(self, command, tries):
        """What to say when nothing answers a command that was sent so often."""
        tried = f"{tries} times" if isinstance(tries, int) else tries
        said = f"{self.name}: no answer to `{command}`, asked {tried}."
        if self._lines.at_prompt:
            return (
                said
                + " The REPL is there and no station runs: type `evse.run()` in `microv2g repl`, or reset the board."
            )
        if self._any:
            last = f" (last line: {self._seen[:60]!r})" if self._seen else ""
            return (
                f"{said} Something is there, but not our console{last}: another speed (--baud), another firmware, "
                "or another program at the same port."
            )
        return (
            f"{said} Nothing came at all: check power and cable, that TX and RX are crossed (board TX to adapter RX, 3.3 V), "
            f"ground, and the speed ({getattr(self.serial, 'baudrate', BAUD)}); or the board hangs: reset it."
        )


def _why(error):
    """A person's words for what pyserial says."""
    text = str(error)
    number = getattr(error, "errno", None)
    if number == 2 or "No such file" in text or "FileNotFound" in text:
        return "there is no such port; is the board plugged in? (`microv2g status --help` says how ports are found)"
    if number == 13 or "ermission" in text:
        return "no permission; add the user to the group of the device (usually dialout), and log in anew"
    if number in (11, 16) or "lock" in text or "busy" in text or "Resource temporarily" in text:
        return "another program has it open (a monitor, a terminal?)"
    if number in (5, 6, 9) or "disconnected" in text or "Input/output" in text or "Bad file" in text:
        return "the cable was pulled, or the board was reset"
    return text
