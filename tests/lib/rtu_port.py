"""Models of Modbus slaves (host_tools/twin/rtu.py) at a pseudo terminal, in a thread, for clients of
others."""

import os
import select
import threading
import time
import tty

from tests.lib.patience import LIMIT_S
from twin.rtu import crc


class RtuPort:
    """with RtuPort(slaves) as port: port.name is what the client opens. The time of the models is
    that of the host."""

    def __init__(self, slaves):
        self._slaves = slaves
        self._master, self._kept = os.openpty()
        tty.setraw(self._kept)
        self.name = os.ttyname(self._kept)
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over = True
        self._thread.join(LIMIT_S)
        os.close(self._master)
        os.close(self._kept)

    def _run(self):
        heard = b""
        begin = time.monotonic()
        done_ms = 0
        while not self._over:
            ready = select.select([self._master], [], [], 0.05)[0]
            ms = int((time.monotonic() - begin) * 1000) - done_ms
            done_ms += ms
            for slave in self._slaves:
                slave.advance(ms)
            if not ready:
                heard = b""  # silence
                continue
            heard += os.read(self._master, 300)
            # By CRC and not by silence: a busy host cuts a frame where it likes.
            if len(heard) >= 8 and crc(heard[:-2]) == heard[-2:]:
                for slave in self._slaves:
                    answer = slave.reply(heard)
                    if answer:
                        os.write(self._master, answer)
                heard = b""
