"""A station in simulated time: the real session machine and power model, with a car at the other
end that a test drives by hand.

Time jumps to the next `due`; nothing here waits.
"""

import gc

from board.sim_contactor import SimContactor
from codec import exi, rational, v2gtp
from firmware.app import config
from firmware.app.lease import MOST_S, OPERATOR
from firmware.app.power import Power
from firmware.clock import ticks_add, ticks_diff
from firmware.session.dialects import state_name
from firmware.session.secc import Secc
from firmware.session.states import IDLE
from firmware.stage.bench import BenchStage
from host_tools.lab import lab
from tests.lib.answer import Answer
from tests.lib.driver import FINISHED, START, UNIX_S, Driver, is_dc
from tests.lib.notes import Notes
from tests.lib.poison import poisoned

BEGIN = ticks_add(0, -300)  # so that every test crosses the wrap of the tick (docs/design.md, the machine contract)
_BUF = bytearray(4096)  # one for all worlds: a test makes many of them
_POLLS = 100
_COLLECT = 16384  # bytes


def counting_rand():
    count = [0]

    def rand(n):
        count[0] += 1
        return bytes([count[0] & 0xFF] * n)

    return rand


class World(Driver):
    """One station and its car. changes: to the configuration of the station."""

    def __init__(self, **changes):
        if hasattr(gc, "threshold"):  # collected often, a small heap stays in one piece for the buffers of the next one
            gc.collect()
            gc.threshold(_COLLECT)
        self.cfg = config.merge(lab(changes))
        self.contactor = SimContactor(self.cfg)
        self.trace = Notes(messages=60)  # the first of them: enough for any test, and it fits a small heap
        self.hw = self.stage()
        self.power = Power(self.cfg, self.hw, self.contactor, getattr(self.hw, "enable", None), self.trace)
        self.secc = poisoned(Secc(self.cfg, self.power, counting_rand(), lambda: UNIX_S, self.trace))
        self.now = BEGIN
        self.power.start(BEGIN)  # with what it says of the lab
        self.trace.clear()
        self.sid = bytes(8)
        self.car = (None, None)  # what TLS has proved: name in the vehicle certificate, SHA-256 of it
        self.buf = _BUF
        self.closed = False
        self.piece = 0

    def stage(self):
        """The power stage; another one in a world of another kind."""
        return BenchStage(self.cfg, self.contactor)

    @property
    def state(self):
        """Name of the station's state."""
        return state_name(self.secc.state)

    @property
    def dead(self):
        """Nothing flows, and the contactor is told to be open."""
        return not self.contactor.wanted and self.hw.ma == 0 and self.hw.w == 0

    def said(self, text):
        return [note for note in self.trace.notes if text in note]

    def setpoint(self, w):
        """The operator wants another power, for longer than any test takes."""
        refused = self.power.lease.give(self.now, OPERATOR, w, MOST_S)
        assert not refused, refused

    # -- connection and time

    def connect(self):
        self.closed = False
        self.sid = bytes(8)
        self.secc.start(self.now, *self.car)

    def sleep(self, ms):
        """Let simulated time pass, firing everything that is due on the way."""
        end = ticks_add(self.now, ms)
        while True:
            due = self.secc.due
            if due is None or ticks_diff(due, end) > 0:
                break
            if ticks_diff(due, self.now) > 0:
                self.now = due
            else:
                self.now = ticks_add(self.now, 1)
            self.secc.poll(self.now)
            self._event()
        self.now = end
        self.secc.poll(self.now)
        self._event()

    def _event(self):
        if self.secc.event():
            self.closed = True

    # -- bytes

    def frame(self, request, kind=None):
        """A request, (message id, value), as a V2GTP message; kind: another payload type than its
        own."""
        msg, value = request
        n = exi.encode(msg, value, self.buf, v2gtp.HEADER)
        v2gtp.write_header(self.buf, 0, kind or exi.payload_type(msg), n)
        return bytes(self.buf[: v2gtp.HEADER + n])

    def recorded(self, kind, text):
        """The answer to a request that is given as hexadecimal EXI."""
        data = bytes([int(text[i : i + 2], 16) for i in range(0, len(text), 2)])
        v2gtp.write_header(self.buf, 0, kind, len(data))
        self.feed(bytes(self.buf[: v2gtp.HEADER]) + data)
        return self.answer()

    def feed(self, data):
        """Bytes from the car, in pieces of `self.piece` bytes if that is set."""
        step = self.piece or len(data)
        for at in range(0, len(data), step):
            part = data[at : at + step]
            self.secc.rx(part, len(part), self.now)
        self._event()

    def answer(self, wait_ms=3000):
        """The next answer, waiting in simulated time; None if there is none."""
        end = ticks_add(self.now, wait_ms)
        while True:
            n = self.secc.tx(self.buf)
            if n:
                return Answer(*exi.decode(exi.schema_of(self.kind()), self.buf, v2gtp.HEADER, n - v2gtp.HEADER))
            if self.closed or ticks_diff(end, self.now) <= 0 or self.secc.state == IDLE:
                return None
            self.sleep(10)

    def kind(self):
        """Payload type of the last answer."""
        return self.buf[2] << 8 | self.buf[3]

    def request(self, request, kind=None):
        self.feed(self.frame(request, kind))
        return self.answer()

    # -- whole stretches

    def to_authorized(self, service):
        self.connect()
        self.sap(service)
        self.setup()
        self.authorization_setup()
        return self.authorization()

    def to_schedule(self, service, dynamic):
        """Up to and with ScheduleExchange; returns its answer."""
        self.to_authorized(service)
        self.discovery()
        self.select(service, self.set_id(service, dynamic))
        self.parameters(service)
        return self.schedule(dynamic)

    def to_start(self, service, dynamic):
        """Up to the point where PowerDelivery(Start) is due."""
        self.to_schedule(service, dynamic)
        self.on_to_start(service)

    def on_to_start(self, service):
        """From ScheduleExchange to the same point."""
        if is_dc(service):
            for _ in range(_POLLS):
                if self.cable_check().EVSEProcessing == FINISHED:
                    break
                self.sleep(50)
            for _ in range(_POLLS):
                if abs(rational.to_int(self.precharge().EVSEPresentVoltage) - 400) < 10:
                    break
                self.sleep(50)

    def to_loop(self, service, dynamic):
        """Up to and with PowerDelivery(Start); returns its answer."""
        self.to_start(service, dynamic)
        return self.power_delivery(START, tuple_id=None if dynamic else 1)
