"""A stand-in for the session machine and the power stage, for tests of firmware/run.

It answers each run of bytes with itself. Bytes with a meaning of their own: !rx raise in rx; !end
end of the session (the connection is kept); !close answer "bye" and ask to close; !big an endless
supply of large messages.
"""

from firmware.app import config
from firmware.app.decide import Decide
from firmware.app.lease import Lease
from firmware.clock import ticks_diff
from host_tools.lab import lab

BIG = 4000


class FakeSecc:
    """calls: list of the names of the calls that changed something."""

    made = 0

    def __init__(self, calls=None):
        FakeSecc.made += 1
        self.calls = [] if calls is None else calls
        self.due = None
        self.session_over = True
        self.established = False
        self.raise_in = None
        self.queue = []
        self.code = 0
        self.big = False
        self.heard = 0  # bytes
        self.paused = self

    # Nothing is ever paused here.

    def begun(self):
        return False

    def left_ms(self, now):
        return 0

    def forget(self, now, why):
        pass

    def _may_raise(self, name):
        if self.raise_in == name:
            raise ValueError("test seam in " + name)

    def start(self, now, vehicle=None, leaf=None):
        self.vehicle = vehicle
        self._may_raise("start")
        self.calls.append("start")
        self.session_over = False
        self.queue = []
        self.code = 0

    def rx(self, buf, n, now):
        data = bytes(buf[0:n])
        self.heard += n
        if data == b"!rx":
            raise ValueError("test seam in rx")
        if data == b"!end":
            self.session_over = True
        if data == b"!close":
            data = b"bye"
            self.code = 1
        if data == b"!big":
            self.big = True
        self.queue.append(data)

    def poll(self, now):
        self._may_raise("poll")
        self.calls.append("poll")
        if self.due is not None and ticks_diff(self.due, now) <= 0:
            self.due = None

    def tx(self, out):
        self._may_raise("tx")
        if self.big:
            for i in range(BIG):
                out[i] = 66
            return BIG
        if not self.queue:
            return 0
        data = self.queue.pop(0)
        out[0 : len(data)] = data
        return len(data)

    def event(self):
        self._may_raise("event")
        code = self.code
        self.code = 0
        return code

    def lost(self, now):
        self._may_raise("lost")
        self.calls.append("lost")
        self.session_over = True

    def request_stop(self, now):
        self._may_raise("request_stop")
        self.calls.append("request_stop")

    def out_of_service(self, now):
        self.calls.append("out_of_service")


class FakePower:
    def __init__(self):
        self.cfg = config.merge(lab())
        self.lease = Lease(self.cfg)
        self.decide = Decide(self.cfg)
        self.offs = 0
        self.contactor = 0
        self.raise_in_off = False

    def off(self, now):
        self.offs += 1
        self.contactor = 0
        if self.raise_in_off:
            raise OSError("test seam in off")

    def sample(self):
        return (self.lease.set_w, 1, 2, 3, self.contactor, 5, 6)


class Output:
    """In place of console.StdOut."""

    again_ms = 50

    def __init__(self):
        self.lines = []
        self.slow = False

    def flush(self):
        return not self.slow

    def offer(self, data):
        if self.slow:
            return False
        self.lines.append(bytes(data).decode())
        return True
