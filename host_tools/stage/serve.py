"""The reference responder: a modelled power board on a real line, with faults that are typed in."""

import contextlib
import os
import select
import sys

from firmware.clock import ticks_diff, ticks_ms
from twin.dc_line import DcLine
from twin.power_board import FAULTS, PowerBoard

_STEP_S = 0.002
_TELL_MS = 1000
_STATES = ("OFF", "READY", "TESTING", "PRECHARGE", "RUN", "STOPPING", "FAULT")

HELP = """\
  FAULT            one of these, or `none`; at most one at a time
{faults}
  battery V        open-circuit voltage of the car's battery
  unplug | plug    the car's contactors open now | the battery is there again
  status           one line
  quit             end (also Ctrl-D and Ctrl-C)
"""


def help_text():
    return HELP.format(faults="\n".join("    %-13s  %s" % row for row in FAULTS))


class Responder:
    """end: of ends.py. tell(text) prints a line."""

    def __init__(
        self, end, tell, battery_v=366, has_out=True, bidirectional=True, min_v=150, max_w=50000, fault="none"
    ):
        self.end = end
        self.line = DcLine(car_mv=battery_v * 1000)
        self.board = PowerBoard(self.line, has_out=has_out, bidirectional=bidirectional)
        self.board.min_mv = min_v * 1000
        self.board.max_w = max_w
        self.board.fault = fault
        self._tell = tell
        self._said = None
        self._told = 0

    def status(self):
        board, line = self.board, self.line
        text = "%-9s %6.1f V out %6.1f V in %+7.1f A %+8.2f kW" % (
            _STATES[board.state], line.mv_out / 1000, line.mv_in / 1000, line.ma / 1000, line.w / 1000,
        )  # fmt: skip
        return text + "  faults %04x  fault planted: %s" % (board.faults, board.fault)

    def command(self, text):
        """One typed line; False ends."""
        words = text.split()
        if not words:
            return True
        word = words[0]
        if word in ("quit", "exit"):
            return False
        if word == "status":
            self._tell(self.status())
        elif word == "help":
            self._tell(help_text().rstrip())
        elif word == "battery" and len(words) == 2 and words[1].isdigit() and 0 < int(words[1]) <= 1000:
            self.line.car_mv = int(words[1]) * 1000
        elif word == "unplug":
            self.line.joined = False
            self.line.car_mv = 1 << 29  # nothing that any output comes near
        elif word == "plug":
            self.line.car_mv = 366000
        elif word in [name for name, _ in FAULTS] and len(words) == 1:
            self.board.fault = word
            self._tell(f"planted: {word}")
        else:
            self._tell(f"{text.strip()!r} is no command; type help")
        return True

    def turn(self, now):
        board = self.board
        data = self.end.read()
        if data:
            board.rx(data, now)
        board.poll(now)
        out = board.tx()
        if out:
            self.end.write(out)
        seen = (board.state, board.faults)
        busy = self.line.ma or board.state not in (0, 6)
        if seen != self._said or (busy and ticks_diff(now, self._told) >= _TELL_MS):
            self._said, self._told = seen, now
            self._tell(self.status())


def run(responder, stdin=None):
    """Until quit, the end of stdin, or Ctrl-C."""
    stdin = sys.stdin if stdin is None else stdin
    waiting = b""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            ready = select.select([responder.end.fd, stdin], [], [], _STEP_S)[0]
            if stdin in ready:
                data = os.read(stdin.fileno(), 4096)
                if not data:
                    return
                *lines, waiting = (waiting + data).split(b"\n")
                for line in lines:
                    if not responder.command(line.decode("utf-8", "replace")):
                        return
            responder.turn(ticks_ms())
