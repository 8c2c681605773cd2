"""Start of the station on the unix port: `micropython -m firmware.main IFACE [CONFIG.json]`.

Builds the parts, hands them to each other, runs them. Exit status 2: wrong arguments, configuration or network.
"""

import gc
import os
import sys

from firmware.app import config
from firmware.app.power import Power
from firmware.clock import ticks_ms, unix_s
from firmware.run import console, os_net
from firmware.run.os_link import OsLink
from firmware.run.report import Report
from firmware.run.safe import Safe
from firmware.session.secc import Secc
from firmware.trace import Trace

_TRACE_BYTES = 60000  # the longest message several times, for while the reader is slow; less on a small heap


def build(name, cfg):
    """The whole station on one interface; returns the run loop."""
    from board.sim_power import SimPower

    trace = Trace(min(_TRACE_BYTES, gc.mem_free() // 8) if hasattr(gc, "mem_free") else _TRACE_BYTES, ticks_ms())
    power = Power(cfg, SimPower(cfg))
    safe = Safe(lambda: Secc(cfg, power, os.urandom, unix_s, trace), power, trace)
    out = console.StdOut()
    return OsLink(name, cfg, safe, power, trace, Report(trace, out, power), console.StdIn(), out)


def main(args=None):
    """args: interface, then a configuration file if there is one."""
    args = sys.argv[1:] if args is None else args
    if len(args) not in (1, 2):
        return _fail("usage: firmware.main IFACE [CONFIG.json]")
    text = None
    if len(args) == 2:
        try:
            with open(args[1]) as f:
                text = f.read()
        except OSError:
            return _fail("cannot read " + args[1])
    try:
        link = build(args[0], config.load(text))
        link.open()
    except (config.ConfigError, os_net.NetError) as e:
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
