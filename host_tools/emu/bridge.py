"""The board's UART on a pseudo terminal, for pyserial, mpremote or a person."""

import os
import select
import time
import tty

_SLICE_MS = 5  # of emulated time between two looks at the terminal


class Pty:
    """`path` is what a serial program opens. pump(board) moves bytes both ways."""

    def __init__(self):
        self._master, self._slave = os.openpty()  # our slave stays open: the other side may come and go
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)

    def pump(self, board):
        if board.console:
            data, board.console = board.console, ""
            try:
                os.write(self._master, data.encode("utf-8", "replace"))
            except BlockingIOError:
                pass  # nobody reads: a serial line does not wait
        if select.select([self._master], [], [], 0)[0]:
            board.type(os.read(self._master, 256))

    def serve(self, board, until=lambda: False):
        """Run the board at up to the speed of the clock on the wall until until() is true."""
        wall, emulated = time.monotonic(), board.ms
        while not until():
            board.run_ms(_SLICE_MS)
            self.pump(board)
            ahead_ms = board.ms - emulated - (time.monotonic() - wall) * 1000
            if ahead_ms > _SLICE_MS:
                time.sleep(min(0.05, ahead_ms / 1000))
            elif ahead_ms < -100:  # slower than the wall: what is lost is not caught up
                wall, emulated = time.monotonic(), board.ms

    def close(self):
        os.close(self._master)
        os.close(self._slave)
