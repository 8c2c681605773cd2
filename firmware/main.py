"""Start of the station on the unix port: `micropython -m firmware.main LINK [CONFIG.json]`.

LINK: `os:IFACE` or IFACE = sockets of the operating system; `packet:IFACE` = raw frames, modem as a network interface;
`sim` or `sim:PORT` = QCA7000 model on a simulated SPI bus; `board` = the hardware of a controller board, whose module evse
calls build(). Builds the parts, hands them to each other, runs them. Exit status 2: wrong arguments, configuration or network.
"""

import gc
import os
import sys

_COLLECT = 8192  # what lives on from here to the end of build() must lie side by side, or no large buffer fits
if hasattr(gc, "threshold"):
    gc.threshold(_COLLECT)

from firmware import buffers
from firmware.app import config
from firmware.app.power import Power
from firmware.clock import ticks_ms, unix_s
from firmware.run import console, tls_files
from firmware.run.config_file import read
from firmware.run.desk import Desk
from firmware.run.errors import StartError
from firmware.run.safe import Safe
from firmware.run.trace_lines import TraceLines
from firmware.session.secc import Secc
from firmware.trace import Trace

_TRACE_BYTES = 60000  # the longest message several times, for while the reader is slow; less on a small heap
_SIM_PORT = 15119


class LinkError(StartError):
    """The link cannot be had; str() says why."""


def build(link, cfg, desk=None, ends=None):
    """The whole station on one link; returns the run loop. ends: (console.StdIn, console.StdOut) of
    a serial line, at which the trace is kept until somebody asks; else a program reads it all the
    time on stdout."""
    kind, name = link.split(":", 1) if ":" in link else (link, "")
    collect = hasattr(gc, "threshold")
    if collect:
        gc.threshold(_COLLECT)
    try:
        if kind in ("sim", "packet", "board"):
            loop = _framed(kind, name, cfg, desk, ends)
        else:
            loop = _sockets(name if kind == "os" else link, cfg, desk)
        if cfg["schedule"]:
            from firmware.run.schedule_file import ScheduleFile

            loop.schedule = ScheduleFile(cfg["schedule"], loop, ticks_ms())
            loop.operator.add(loop.schedule)
        return loop
    finally:
        if collect:
            gc.threshold(-1)  # from here on the loop collects, in the pauses of the line


def _trace(share=8, keep=False):
    """share: the ring takes this part of what is free, at most."""
    size = _TRACE_BYTES
    if hasattr(gc, "mem_free"):
        size = min(size, (gc.mem_free() + buffers.left()) // share)
    return Trace(size, ticks_ms(), keep, lambda n: buffers.buffer("trace", n))


def _share(cfg):
    # With TLS in 200 kB a session needs what a large ring would take.
    return 16 if cfg["tls"] != "none" else 8


def _sockets(name, cfg, desk):
    tls_files.reserve(cfg)
    from board.sim_contactor import SimContactor
    from firmware.run.socket_loop import SocketLoop

    trace = _trace(_share(cfg))
    contactor = SimContactor(cfg)
    try:
        hw = contactor.make(cfg, trace)
    except ValueError as e:
        raise LinkError(str(e))
    power = Power(cfg, hw, contactor, getattr(hw, "enable", None), trace)
    safe = Safe(lambda: Secc(cfg, power, os.urandom, unix_s, trace), power, trace)
    stage = tls_files.stage(cfg, trace, ticks_ms())
    out = console.StdOut()
    return SocketLoop(name, cfg, safe, power, trace, TraceLines(trace, out, power), console.StdIn(), out, desk, stage)


# The lowest first: an import inside of an import takes C stack, which the 32-bit image has too
# little of for the whole depth.
_LEAVES = (
    "drivers.pilot",
    "firmware.net.iface",
    "firmware.net.rto",
    "firmware.net.tcp_send",
    "firmware.net.tcp_conn",
    "firmware.net.tcp",
    "firmware.net.stack",
    "codec.mme",
    "firmware.slac.match",
    "firmware.slac.evse",
    "firmware.app.charger",
)


def _framed(kind, name, cfg, desk, ends):
    tls_files.reserve(cfg)
    for leaf in _LEAVES:
        __import__(leaf)
    from firmware.app import station
    from firmware.run.frame_loop import FrameLoop

    trace = _trace(_share(cfg), ends is not None)
    board = _board(cfg, trace) if kind == "board" else _simulated(kind, name, cfg, trace)
    power = Power(cfg, board.stage, board.contactor, board.enable, trace)
    # All that must be random comes from the generator of the hardware (R-SECURITY-01).
    safe = Safe(lambda: Secc(cfg, power, os.urandom, unix_s, trace), power, trace)
    stage = tls_files.stage(cfg, trace, ticks_ms())
    charger = station.build(cfg, board, power, safe, os.urandom, trace, stage)
    stdin, out = ends or (console.StdIn(), console.StdOut())
    return FrameLoop(board, charger, safe, power, trace, TraceLines(trace, out, power), stdin, out, desk)


def serial(link, path):
    """The station as on a board: stdin and stdout are its serial line, evse its module. For tests
    and for trying the tools."""
    import evse

    def make(ends, desk):
        return build(link, desk.file.check(), desk, ends)

    evse.use(make, path, chunk=256)
    evse.run()


def _board(cfg, trace):
    from board.hardware import Hardware
    from mcu.board import Board

    return Board(cfg, trace, Hardware())


def _simulated(kind, name, cfg, trace):
    from board import cable, packet, sim_board

    try:
        if kind == "packet":
            return sim_board.SimBoard(cfg, os.urandom, trace, port=packet.PacketPort(name, trace))
        return sim_board.SimBoard(cfg, os.urandom, trace, cable=cable.Cable(int(name or _SIM_PORT)))
    except (packet.PacketError, cable.CableError, ValueError) as e:
        raise LinkError(str(e))


def main(args=None):
    """args: link, then a configuration file if there is one."""
    args = sys.argv[1:] if args is None else args
    if len(args) not in (1, 2):
        return _fail("usage: firmware.main LINK [CONFIG.json]; LINK is sim[:PORT], packet:IFACE or os:IFACE")
    text = None
    if len(args) == 2:
        try:
            text = read(args[1])
        except OSError:
            return _fail("cannot read " + args[1])
        except config.ConfigError as e:
            return _fail(str(e))
    desk = Desk(args[1] if len(args) == 2 else "config.json", ticks_ms())
    try:
        link = build(args[0], config.load(text), desk)
        link.open()
    except (config.ConfigError, StartError) as e:
        return _fail(str(e))
    try:
        link.run()
    except KeyboardInterrupt:
        pass  # the way out is the same as for `quit`
    finally:
        link.close()  # contactor open, whatever ended the loop
    return 0


def _fail(why):
    sys.stdout.write("E 0 " + why + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
