"""A CAN bus (ISO 11898-1) in simulated time: arbitration by identifier, real length of a frame with
its stuffed bits, acknowledge, error frames, error counters, bus off and its end.

Stations are made of Node. Bits are not shifted one by one: a frame is one event at its end, when
everybody learns what became of it.
"""

from firmware.clock import ticks_add, ticks_diff

ACTIVE = 0
PASSIVE = 1
BUS_OFF = 2

_ERROR_BITS = 20  # flag, echo of it, delimiter
_GAP_BITS = 3
_REST_BITS = 11  # recessive ones, after which a station takes part
_RETURN_BITS = 128 * 11


class Frame:
    """ident: 11 or 29 bits; data: bytes, 8 at most; remote: asks for data, of which `size` says the
    length."""

    def __init__(self, ident, data=b"", extended=True, remote=False, size=None):
        self.ident = ident
        self.data = bytes(data)
        self.extended = extended
        self.remote = remote
        self.size = len(data) if size is None else size

    def field(self):
        """Bits of the arbitration field, first one first: dominant is 0 and wins."""
        ident, bits = self.ident, []
        if self.extended:
            bits = [ident >> i & 1 for i in range(28, 17, -1)] + [1, 1] + [ident >> i & 1 for i in range(17, -1, -1)]
            return bits + [int(self.remote)]
        return [ident >> i & 1 for i in range(10, -1, -1)] + [int(self.remote), 0]

    def bits(self):
        """Number of bits on the wire, start to end of frame, with the stuffed ones."""
        out = [0] + self.field() + ([0, 0] if self.extended else [0])
        out += [self.size >> i & 1 for i in (3, 2, 1, 0)]
        for byte in () if self.remote else self.data:
            out += [byte >> i & 1 for i in range(7, -1, -1)]
        crc = 0
        for bit in out:
            crc = (crc << 1 ^ (0x4599 if crc >> 14 ^ bit else 0)) & 0x7FFF
        out += [crc >> i & 1 for i in range(14, -1, -1)]
        stuffed, last, run = 0, None, 0
        for bit in out:
            run = run + 1 if bit == last else 1
            last = bit
            if run == 5:
                stuffed += 1
                last, run = 1 - bit, 1
        return len(out) + stuffed + 10  # delimiter, acknowledge, its delimiter, 7 bits of end

    def same(self, other):
        if other is None:
            return False
        mine = (self.ident, self.data, self.extended, self.remote, self.size)
        return mine == (other.ident, other.data, other.extended, other.remote, other.size)


class Node:
    """A station with a controller of its own. tx: frames that wait. got: frames that came, oldest
    first. A chip model has its own methods below "what a station does itself"."""

    def __init__(self, bit_rate):
        self.bit_rate = bit_rate  # bit/s; None: does not take part
        self.quiet = False  # listen only: no acknowledge, no error flag
        self.tec = 0
        self.rec = 0
        self.off = False  # bus off
        self.wait_bits = 0  # recessive bits until it takes part
        self.tx = []
        self.got = []

    @property
    def state(self):
        if self.off:
            return BUS_OFF
        return PASSIVE if self.tec > 127 or self.rec > 127 else ACTIVE

    @property
    def takes_part(self):
        return self.bit_rate is not None and not self.off and not self.wait_bits

    def join(self):
        """Power on, or back from the configuration: counters at zero, 11 recessive bits to wait
        for."""
        self.tec = self.rec = 0
        self.off = False
        self.wait_bits = _REST_BITS

    # -- what a station does itself

    def wishes(self):
        """The frame that it would begin with now, or None."""
        return self.tx[0] if self.tx else None

    def began(self, frame):
        """`frame` of its own is on the wire: wishes() stays the same until it is known what became
        of it."""

    def received(self, frame):
        self.got.append(frame)

    def sent(self, frame):
        self.tx.pop(0)

    def failed(self, frame):
        """An attempt at `frame` of its own failed; it begins again by itself."""

    def beaten(self, frame):
        """Arbitration lost."""

    def disturbed(self):
        """An error of the bus was seen."""

    # -- of the bus

    def idle(self, bits):
        """Recessive bits went by."""
        if not self.wait_bits:
            return
        self.wait_bits = max(0, self.wait_bits - bits)
        if not self.wait_bits and self.off:
            self.off = False
            self.tec = self.rec = 0

    def count_sent(self, frame):
        self.tec = max(0, self.tec - 1)
        self.sent(frame)

    def count_failed(self, frame, acknowledge):
        """acknowledge: nobody acknowledged, which a passive station does not count."""
        if not (acknowledge and self.state == PASSIVE):
            self.tec += 8
        if self.tec > 255:
            self.off = True
            self.wait_bits = _RETURN_BITS
        self.disturbed()
        self.failed(frame)

    def count_received(self, frame):
        self.rec = 119 if self.rec > 127 else max(0, self.rec - 1)
        self.received(frame)

    def count_disturbed(self):
        self.rec = min(255, self.rec + 1)
        self.disturbed()


class CanBus:
    """nodes by attach(). Faults: spoil (so many of the next frames are destroyed), shorted (dominant
    for ever: every attempt fails, no recessive bits). frames: all that went well, `kept` of them in
    log with their tick; errors: frames that did not."""

    def __init__(self, kept=0):
        self.nodes = []
        self.spoil = 0
        self.shorted = False
        self.frames = 0
        self.errors = 0
        self.log = []
        self._kept = kept
        self._now = None
        self._senders = ()
        self._frame = None
        self._left_us = 0
        self._credit_us = 0
        self._fresh = True

    def attach(self, node):
        self.nodes.append(node)
        self._fresh = True

    def detach(self, node):
        self.nodes.remove(node)

    def wake(self):
        """A node has something to send since now: the time before is not its own."""
        self._fresh = True

    def start(self, now):
        self._now = now
        self._fresh = True

    @property
    def due(self):
        if self._frame is not None:
            return ticks_add(self._now, max(1, (self._left_us - self._credit_us + 999) // 1000))
        if self._ready():
            return self._now if self._fresh and not self.shorted else ticks_add(self._now, 1)
        waiting = [n for n in self.nodes if n.wait_bits and n.bit_rate]
        if waiting and not self.shorted:
            return ticks_add(self._now, 1 + min(n.wait_bits * 1000 // n.bit_rate for n in waiting))
        return None

    def _ready(self):
        return [n for n in self.nodes if n.takes_part and n.wishes() is not None]

    def poll(self, now):
        self._credit_us += min(ticks_diff(now, self._now), 2000) * 1000
        self._now = now
        if self._frame is None and self._fresh:
            self._rest(self._credit_us)
            self._credit_us = 0
        self._fresh = False
        while True:
            if self._frame is None and not self._begin():
                self._rest(self._credit_us)
                self._credit_us = 0
                return
            if self._credit_us < self._left_us:
                return
            self._credit_us -= self._left_us
            self._end()

    def _rest(self, us):
        if not self.shorted:
            for node in self.nodes:
                if node.bit_rate:
                    node.idle(us * node.bit_rate // 1000000)

    def _begin(self):
        ready = self._ready()
        if not ready:
            return False
        wishes = [(n.wishes().field(), n) for n in ready]
        best = min(field for field, _ in wishes)
        self._senders = [n for field, n in wishes if field == best]
        for field, node in wishes:
            if field != best:
                node.beaten(node.wishes())
        self._frame = self._senders[0].wishes()
        for node in self._senders:
            node.began(self._frame)
        bits = _ERROR_BITS if self.shorted else self._frame.bits() + _GAP_BITS
        self._left_us = bits * 1000000 // self._senders[0].bit_rate
        return True

    def _end(self):
        frame = self._frame
        self._frame = None
        # One that has left in the middle of its frame leaves a broken one behind.
        senders = [n for n in self._senders if n in self.nodes and n.takes_part]
        rate = senders[0].bit_rate if senders else 0
        others = [n for n in self.nodes if n.takes_part and n not in senders]
        alien = [n for n in others if abs(n.bit_rate - rate) * 100 > rate]
        spoilt = self.shorted or not rate or not all(frame.same(n.wishes()) for n in senders)
        if self.spoil and not spoilt:
            self.spoil -= 1
            spoilt = True
        # One that hears nonsense destroys the frame for all, as long as it may.
        spoilt = spoilt or any(n.state == ACTIVE and not n.quiet for n in alien)
        acknowledged = any(not n.quiet for n in others if n not in alien)
        if not spoilt and acknowledged:
            self.frames += 1
            if self._kept:
                self.log.append((self._now, frame))
                del self.log[: -self._kept]
            for node in senders:
                node.count_sent(frame)
            for node in others:
                if node in alien:
                    node.count_disturbed()
                else:
                    node.count_received(frame)
            return
        self.errors += 1
        for node in senders:
            node.count_failed(frame, not spoilt)
        for node in others:
            if spoilt or node in alien:
                node.count_disturbed()
