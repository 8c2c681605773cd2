"""Start of a controller board: the station when it has a configuration, else the REPL with a word
on what to do."""

import update

update.finish()  # first of all: what it puts in place may be imported below

import evse
from machine import soft_reset

from board.hardware import Hardware
from firmware import main
from mcu import clock

_UART_FIFO = 32  # bytes that a write leaves behind without waiting
_UART_FIFO_MS = 3  # that they take at 115200 baud


def _make(ends, desk):
    return main.build("board", desk.file.check(), desk, ends)


evse.use(
    _make,
    board=Hardware.name,
    set_clock=clock.set_unix_s,
    chunk=_UART_FIFO,
    pause_ms=_UART_FIFO_MS,
    restart=soft_reset,
)
if evse.configured():
    evse.run()
else:
    print("microv2g on %s, not configured. evse.help() lists what there is; from the computer:" % Hardware.name)
    print('    microv2g config set services \'["DC_BPT", "AC_BPT"]\'     then evse.run(), or a reset')
