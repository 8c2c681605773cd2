"""The raw REPL of a MicroPython board, by mpremote."""

import contextlib
import io
import struct
import time

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from host_tools.board.flash import FlashError

BUSY = "is it there, may you use it (group dialout), and does no monitor or repl have it?"
SILENT = (
    "is it the right port, is MicroPython on the board, 115200 baud? A board that is busy: press its reset button and "
    "repeat at once"
)


class Lost(FlashError):
    """The board does not answer, or not any more."""


class BoardError(FlashError):
    """What was run on the board raised; `str()` is the last line of its traceback, `trace` all of
    it."""

    def __init__(self, trace):
        super().__init__(trace.strip().splitlines()[-1] if trace.strip() else "unknown error")
        self.trace = trace


class Repl:
    """`with Repl(port) as board: board.run(source)`. What runs on the board is stopped; its memory stays, unless `fresh`,
    which is a soft reset without boot.py and main.py."""

    def __init__(self, port, fresh=False, limit_s=6):
        self.port = port
        self._fresh = fresh
        self._limit_s = limit_s
        self._link = None

    def __enter__(self):
        try:
            self._link = SerialTransport(self.port, timeout=self._limit_s)
        except (TransportError, OSError):
            raise FlashError("cannot open %s" % self.port, BUSY)
        try:
            with _guard(self.port):
                self._stop()
                self._link.enter_raw_repl(soft_reset=self._fresh, timeout_overall=self._limit_s)
        except Lost:
            self._close()
            raise FlashError("no REPL of MicroPython answers at %s" % self.port, SILENT)
        return self

    def __exit__(self, kind, *_):
        if kind is None and self._link.in_raw_repl:
            with contextlib.suppress(serial.SerialException, OSError):
                self._link.exit_raw_repl()
        self._close()

    def _stop(self):
        """Ctrl-C, and the prompt: a station needs a moment to open its contactor, and some ports
        lose what comes meanwhile. Ctrl-B leaves a raw REPL that another program has left behind."""
        self._link.serial.write(b"\r\x03\x02")
        self._link.read_until(1, b">>> ", timeout=1, timeout_overall=self._limit_s)

    def run(self, source):
        """Run source on the board; returns what it printed, as bytes. BoardError, Lost."""
        with _guard(self.port):
            return self._link.exec(source)

    def leave(self, source):
        """Start something that does not come back to the REPL: a reset, the boot loader."""
        with _guard(self.port):
            self._link.exec_raw_no_follow(source)
            time.sleep(0.05)  # the line is closed behind it; the last bytes shall be out
        self._link.in_raw_repl = False

    def _close(self):
        with contextlib.suppress(serial.SerialException, OSError):
            self._link.close()


@contextlib.contextmanager
def _guard(port):
    """Errors of the library as ours; what it prints is nobody's."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except TransportExecError as error:
        raise BoardError(error.error_output)
    except (TransportError, serial.SerialException, OSError, struct.error) as error:  # the last: half an answer
        raise Lost("the board at %s went away" % port, "connect it again") from error
