"""A station process without the session machine, for tests of host_tools/station/process.py: IFACE
CONFIG.json [die]"""

import os
import sys

sys.path[:0] = [
    os.path.join(os.path.dirname(__file__), *up) for up in (("..", ".."), ("..", "..", "host_tools", "shim"))
]

from firmware.app import config
from firmware.app.lease import Lease
from firmware.clock import ticks_ms
from firmware.run import console, os_net
from firmware.run.safe import Safe
from firmware.run.socket_loop import SocketLoop
from firmware.run.trace_lines import TraceLines
from firmware.trace import Trace
from tests.lib.fake_secc import FakePower, FakeSecc


def main():
    with open(sys.argv[2]) as f:
        cfg = config.load(f.read())
    trace, power, out = Trace(4000, ticks_ms()), FakePower(), console.StdOut()
    power.cfg, power.lease = cfg, Lease(cfg, trace)
    safe = Safe(FakeSecc, power, trace)
    link = SocketLoop(sys.argv[1], cfg, safe, power, trace, TraceLines(trace, out, power), console.StdIn(), out)
    try:
        link.open()
    except os_net.NetError as e:
        print("E 0 " + str(e), flush=True)
        return 2
    if cfg["meter_id"] == "die":
        raise RuntimeError("test seam")
    if cfg["meter_id"] == "deaf":
        import time

        time.sleep(60)
    link.run()
    link.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
