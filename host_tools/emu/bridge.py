"""The board's UART on a pseudo terminal, for pyserial, mpremote or a person."""

import os
import queue
import select
import threading
import time
import tty

_SLICE_MS = 5  # of emulated time between two looks at the terminal


class Pty:
    """`path` is what a serial program opens."""

    def __init__(self):
        self._master, self._slave = os.openpty()  # our slave stays open: the other side may come and go
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)

    def attach(self, board):
        """From now on the board's UART is this terminal."""
        board.tap = self._write

    def serve(self, board, until=lambda: False):
        """Run the board at up to the speed of the clock on the wall until until() is true."""
        self.attach(board)
        wall, emulated = time.monotonic(), board.ms
        while not until():
            board.run_ms(_SLICE_MS)
            if select.select([self._master], [], [], 0)[0]:
                board.type(os.read(self._master, 256))
            ahead_ms = board.ms - emulated - (time.monotonic() - wall) * 1000
            if ahead_ms > _SLICE_MS:
                time.sleep(min(0.05, ahead_ms / 1000))
            elif ahead_ms < -100:  # slower than the wall: what is lost is not caught up
                wall, emulated = time.monotonic(), board.ms

    def _write(self, data):
        try:
            os.write(self._master, data)
        except BlockingIOError:
            pass  # nobody reads: a serial line does not wait

    def close(self):
        os.close(self._master)
        os.close(self._slave)


class Served:
    """A board that runs in a thread of its own with its UART on a terminal, for tests of programs
    that talk to it.

    with Served(board) as served:
        subprocess.run(["mpremote", "connect", served.path, ...])
        served.call(lambda board: board.world.plug())
    """

    def __init__(self, board):
        self.board = board
        self.error = None  # what ended the board, or None
        self._pty = Pty()
        self.path = self._pty.path
        self._calls = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join(30)
        self._pty.close()

    def call(self, function, limit_s=100):
        """function(board) between two slices of emulated time; returns its result."""
        done = queue.Queue()
        self._calls.put((function, done))
        ok, value = done.get(timeout=limit_s)
        if not ok:
            raise value
        return value

    def _run(self):
        try:
            self._pty.serve(self.board, self._turn)
        except Exception as error:
            self.error = error
            self._turn()

    def _turn(self):
        while not self._calls.empty():
            function, done = self._calls.get()
            try:
                done.put((True, function(self.board)))
            except Exception as error:
                done.put((False, error))
        return self._stop.is_set()
