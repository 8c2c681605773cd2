"""One TCP connection (RFC 9293): states, and what is received. tcp_send.py is the sending half;
tcp.py tells which connection a segment belongs to.

Choices:
* An ACK waits 20 ms for an answer to carry it; the second segment, and anything out of order, is acknowledged at once.
* Options: MSS only. A car that offers scaling, SACK or timestamps does without.
* After close() nobody reads any more: what still comes is taken and thrown away, so that the car's FIN gets through.
"""

from firmware.buffers import buffer
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.net.block import copy
from firmware.net.iface import APART, SEGMENT, TCP, finish
from firmware.net.ring import RxRing
from firmware.net.seq import FAR, diff, put
from firmware.net.tcp_send import MSS, Sender, mss_option
from micropython import const

# States.
CLOSED = const(0)
SYN_SENT = const(1)
SYN_RECEIVED = const(2)
ESTABLISHED = const(3)
FIN_WAIT_1 = const(4)
FIN_WAIT_2 = const(5)
CLOSE_WAIT = const(6)
CLOSING = const(7)
LAST_ACK = const(8)
TIME_WAIT = const(9)
STATE_NAMES = (
    "CLOSED", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",
    "LAST-ACK", "TIME-WAIT",
)  # fmt: skip

# Why it ended.
FIN = const(1)  # closed in an orderly way
RST = const(2)  # the car broke it off
TIMEOUT = const(3)  # the car does not acknowledge
ABORT = const(4)  # we broke it off
LINK = const(5)  # the data link is gone
RESET_NAMES = ("", "FIN", "RST", "timeout", "abort", "link")

_FIN = const(0x01)
_SYN = const(0x02)
_RST = const(0x04)
_PSH = const(0x08)
_ACK = const(0x10)

_SYN_TRIES = const(4)  # 6.2 s
_TRIES = const(10)  # given up after half a minute or so, with the limit of Rto
_ACK_MS = const(20)
_TIME_WAIT_MS = const(6000)  # longer than the longest pause of a retransmission: the FIN of the car may come again
_FIN_WAIT_MS = const(10000)
_CHALLENGES = const(5)  # per second (RFC 5961 section 7)
_LATER = const(1)  # values of _ack
_AT_ONCE = const(2)


class TcpConn:
    """The connection. number: 0, 1, ... tx_size, rx_size: bytes of the rings, 3000 or more, below
    32768.

    state, reset (why it ended), remote (16 bytes) and remote_port are for reading. accepted and
    ended wait for the stack to make events of them. rand(4) is asked for the initial sequence
    number; nothing else allocates.
    """

    def __init__(self, iface, rand, number=0, tx_size=8192, rx_size=4096):
        self.state = CLOSED
        self.reset = 0
        self.remote = bytearray(16)
        self.remote_port = 0
        self.local_port = 0
        self.accepted = False
        self.ended = False
        self._iface = iface
        self._rand = rand
        self._rx = RxRing(buffer("tcp rx %d" % number, rx_size))
        self._out = Sender(buffer("tcp tx %d" % number, tx_size))
        self._step = min(MSS, rx_size // 2)  # the window opens in such steps (RFC 9293 section 3.8.6.2.2)
        self._clear()

    def _clear(self):
        self._rx.reset()
        self._out.reset()
        self._hi = 0  # position of the next byte from the car; the other places count from it
        self._lo = 0
        self._window = 0  # end of the window that the car knows
        self._window_from = 0  # segment of the last window update (SND.WL1)
        self._life = None  # end of TIME-WAIT and of FIN-WAIT-2
        self._ack = 0
        self._ack_due = None
        self._challenged = 0
        self._challenged_from = 0
        self._syn = False  # to be sent
        self._abort = False
        self._end_seen = False  # the car's FIN is in order
        self._established = False

    # -- for the layer above

    @property
    def due(self):
        due = sooner(self._out.timer, self._life)
        return sooner(due, self._ack_due) if self._ack == _LATER else due

    @property
    def at_end(self):
        """The car has closed its side and everything is read."""
        return self._end_seen and self._rx.n == 0

    def readable(self):
        """Bytes that read() gives now."""
        return self._rx.n

    def read(self, buf):
        """Move up to len(buf) bytes into buf; return how many, 0 if there are none."""
        n = self._rx.read(buf)
        if n and self.state == ESTABLISHED:
            opened = self._rx.free() - self._window
            # Only a car that may be waiting is told; others see it in the next segment.
            if opened >= self._step and (self._window < self._step or opened >= 2 * self._step):
                self._ack = _AT_ONCE
        return n

    def room(self):
        """Bytes that write() takes now."""
        if self._abort or (self.state != ESTABLISHED and self.state != CLOSE_WAIT):
            return 0
        return self._out.ring.room()

    def write(self, buf, at, n):
        """Send buf[at:at+n] as one message; return how many bytes were taken, n or less.

        What fits in one segment is taken whole or not at all. A longer message is taken as far as
        whole segments fit; the caller brings the rest later.
        """
        room = self.room()
        if n > room:
            n = room - room % self._out.mss
        if n > 0:
            self._out.ring.put(buf, at, n)
        return n

    def close(self):
        """FIN behind what waits. Nothing can be read or written after it."""
        if self.state == ESTABLISHED or self.state == CLOSE_WAIT:
            self._rx.discard()
            self._out.fin = True
            self._go(FIN_WAIT_1 if self.state == ESTABLISHED else LAST_ACK)
        elif self.state <= SYN_RECEIVED:
            self.abort()

    def abort(self):
        """Break off: RST with the next tx(). What waits is lost."""
        if self.state == TIME_WAIT or self.state == SYN_SENT:
            self.end(ABORT)
        elif self.state != CLOSED:
            self._abort = True

    # -- for tcp.py

    def open(self, buf, at, n):
        """Take the SYN buf[at:at+n] of a car: SYN-RECEIVED."""
        self.begin(buf[at + 2] << 8 | buf[at + 3], buf[at] << 8 | buf[at + 1], buf, 22)
        self._peer_syn(buf, at)
        self._syn = True
        self._go(SYN_RECEIVED)

    def begin(self, local_port, remote_port, address, address_at):
        """A new connection to address[address_at:address_at+16]."""
        self._clear()
        self.local_port = local_port
        self.remote_port = remote_port
        copy(self.remote, 0, address, address_at, 16)
        self.reset = 0
        self.accepted = False
        self.ended = False
        self._out.begin(self._rand(4))

    def _peer_syn(self, buf, at):
        self._hi = buf[at + 4] << 8 | buf[at + 5]
        self._lo = buf[at + 6] << 8 | buf[at + 7]
        self._advance(1)
        self._window = self._rx.size
        self._out.mss = mss_option(buf, at + 20, at + (buf[at + 12] >> 4) * 4)
        self._out.update(buf[at + 14] << 8 | buf[at + 15])

    def rx(self, buf, at, n, now):
        """A segment of this connection, length and checksum checked. Return True if it asks for a
        RST."""
        flags = buf[at + 13]
        head = (buf[at + 12] >> 4) * 4
        size = n - head
        d = diff(buf, at + 4, self._hi, self._lo)
        length = size + (1 if flags & _SYN else 0) + (1 if flags & _FIN else 0)
        if not self._acceptable(d, length):
            if flags & _RST:
                self._iface.drop(SEGMENT)
                return False
            if self.state == SYN_RECEIVED and d == -1 and flags & (_SYN | _ACK) == _SYN:
                self._syn = True  # our SYN was lost: the car sent its own again
                return False
            self._refresh(length, now)
            if size and d + size <= 0 and diff(buf, at + 8, self._out.hi, self._out.lo) == 0:
                self._out.again()  # the car repeats what we have: the answer that acknowledged it is lost
            if d or self._window:
                return False
            size = 0  # the window is closed, but what the segment acknowledges counts (RFC 9293 section 3.10.7.4)
            flags &= ~_FIN
        if flags & _RST:
            if d == 0:
                self.end(RST)
            elif d < self._window:
                self._challenge(now)  # RFC 5961 section 3
            else:
                self._iface.drop(SEGMENT)
            return False
        if flags & _SYN:  # RFC 5961 section 4
            self._challenge(now)
            return False
        if not flags & _ACK:
            self._iface.drop(SEGMENT)
            return False
        a = diff(buf, at + 8, self._out.hi, self._out.lo)
        if self.state == SYN_RECEIVED:
            if a != 1:
                return True
            self._establish(now)
            a = 0
        elif a > self._out.max or a < -0xFFFF:
            self._challenge(now)  # RFC 5961 section 5
            return False
        self._acknowledged(a, d, size or flags & _FIN, buf[at + 14] << 8 | buf[at + 15], now)
        if length and self.state != CLOSED:
            self._data(buf, at + head, size, d, flags & _FIN, now)
        return False

    def poll(self, now):
        if self._ack == _LATER and ticks_diff(now, self._ack_due) >= 0:
            self._ack = _AT_ONCE
        if self._life is not None and ticks_diff(now, self._life) >= 0:
            self.end(FIN)
        timer = self._out.timer
        if timer is not None and ticks_diff(now, timer) >= 0:
            if self._out.retries >= (_TRIES if self.state > SYN_RECEIVED else _SYN_TRIES):
                self.end(TIMEOUT)
            elif self.state > SYN_RECEIVED:
                self._out.expired(now)
            else:
                self._out.expired(now)
                self._syn = True

    def tx(self, out):
        """The next segment into out, a frame without its destination MAC; 0 if there is none."""
        state = self.state
        if state == CLOSED:
            return 0
        send = self._out
        if self._abort:
            n = self._segment(out, send.max, 0, _RST | _ACK)
            self.end(ABORT)
            return n
        if self._syn:
            self._syn = False
            send.sent(0, 1, self._iface.now)
            return self._segment(out, 0, 0, _SYN | _ACK if state == SYN_RECEIVED else _SYN)
        if send.probe:
            # An old byte number, as Linux does: the car must answer, and no message is split by the
            # probe.
            send.probe = False
            return self._segment(out, -1, 0, _ACK)
        if state > SYN_RECEIVED and send.pick(self._iface.now):
            flags = _ACK | _PSH if send.size else _ACK
            return self._segment(out, send.at, send.size, flags | _FIN if send.last else flags)
        if self._ack == _AT_ONCE:
            return self._segment(out, send.max, 0, _ACK)
        return 0

    def end(self, why):
        """Over, without a sound."""
        self._finished(why)
        self._go(CLOSED)

    def reopens(self, buf, at):
        """A SYN for a connection in TIME-WAIT that begins behind its end: a new one (RFC 9293
        section 3.10.7.4)."""
        if self.state != TIME_WAIT or buf[at + 13] & (_SYN | _ACK | _RST) != _SYN:
            return False
        return 0 <= diff(buf, at + 4, self._hi, self._lo) < FAR

    # -- states

    def _go(self, state):
        self.state = state
        if state == CLOSED:
            self._clear()
        elif state in (TIME_WAIT, FIN_WAIT_2):
            # The car has all of ours: over for the layer above. What follows must not keep a new
            # car out.
            self._finished(FIN)
            self._life = ticks_add(self._iface.now, _TIME_WAIT_MS if state == TIME_WAIT else _FIN_WAIT_MS)

    def _establish(self, now):
        self._out.established(now)
        self._established = True
        self.accepted = True
        self._go(ESTABLISHED)

    def _finished(self, why):
        if self._established:  # what never was one is no event
            self._established = False
            self.ended = True
            self.reset = why

    # -- receiving

    def _acceptable(self, d, length):
        """RFC 9293 section 3.4, table 6; with one more byte number for ACKs: that of a car which
        has filled the window with segments that were lost."""
        window = self._window
        if length == 0:
            return 0 <= d <= window
        return window > 0 and (0 <= d < window or 0 <= d + length - 1 < window)

    def _refresh(self, length, now):
        """Tell the car where we are. Segments without content are limited, or two stacks could
        answer each other."""
        if self.state == TIME_WAIT:
            self._life = ticks_add(now, _TIME_WAIT_MS)
        if length:
            self._iface.drop(SEGMENT)
            self._ack = _AT_ONCE
        else:
            self._challenge(now)

    def _challenge(self, now):
        self._iface.drop(SEGMENT)
        if not self._challenged or ticks_diff(now, self._challenged_from) >= 1000:
            self._challenged = 0
            self._challenged_from = now
        if self._challenged < _CHALLENGES:
            self._challenged += 1
            self._ack = _AT_ONCE

    def _acknowledged(self, a, d, more, window, now):
        """The acknowledgment and the window of a segment at d; `more`: it brings data or FIN."""
        send = self._out
        if a > 0:
            if send.acknowledged(a, now):
                if self.state == FIN_WAIT_1:
                    self._go(FIN_WAIT_2)
                elif self.state == CLOSING:
                    self._go(TIME_WAIT)
                else:  # LAST-ACK
                    self.end(FIN)
                    return
        elif a == 0 and send.max and not more and window == send.window:
            send.duplicate()
        if a >= 0 and self._window_from <= d:
            self._window_from = d
            send.update(window)

    def _data(self, buf, at, size, d, fin, now):
        """The content of an acceptable segment: size bytes at d, then the FIN."""
        if d < 0:  # its first bytes are here already
            at -= d
            size += d
            d = 0
        if d + size > self._window:
            size = self._window - d
            fin = 0
        if self.state > FIN_WAIT_2:  # behind the car's FIN there is nothing
            size = fin = 0
        moved = 0
        if size > 0:
            gap = self._rx.gap()
            moved = self._rx.put(buf, at, size, d)
            if moved < 0:
                self._iface.drop(APART)
                moved = 0
            self._advance(moved)
            if not moved or gap or self._ack:
                self._ack = _AT_ONCE
            else:
                self._ack = _LATER
                self._ack_due = ticks_add(now, _ACK_MS)
            if self.state != ESTABLISHED:
                self._rx.discard()
        else:
            self._ack = _AT_ONCE
        if fin and moved == d + size:
            self._advance(1)
            self._end_seen = True
            self._ack = _AT_ONCE
            if self.state == ESTABLISHED:
                self._go(CLOSE_WAIT)
            elif self.state == FIN_WAIT_1:
                self._go(CLOSING)
            else:  # FIN-WAIT-2
                self._go(TIME_WAIT)

    def _advance(self, n):
        low = self._lo + n
        self._hi = self._hi + (low >> 16) & 0xFFFF
        self._lo = low & 0xFFFF
        self._window = self._window - n if self._window > n else 0
        self._window_from = self._window_from - n if self._window_from > n - 0x10000 else -0x10000

    # -- sending

    def _segment(self, out, offset, size, flags):
        """A frame with `size` bytes at `offset`. Every one carries the ACK that waits."""
        free = self._rx.free()
        if free - self._window >= self._step:
            self._window = free
        self._ack = 0
        head = 24 if flags & _SYN else 20
        self._iface.head(out, self.remote, 0, TCP, 64, head + size)
        out[54] = self.local_port >> 8
        out[55] = self.local_port & 0xFF
        out[56] = self.remote_port >> 8
        out[57] = self.remote_port & 0xFF
        put(out, 58, self._out.hi, self._out.lo, offset)
        put(out, 62, self._hi, self._lo, 0)
        out[66] = head << 2
        out[67] = flags
        out[68] = self._window >> 8
        out[69] = self._window & 0xFF
        out[72] = 0  # urgent pointer
        out[73] = 0
        if flags & _SYN:
            out[74] = 2  # option: maximum segment size
            out[75] = 4
            out[76] = MSS >> 8
            out[77] = MSS & 0xFF
        if size:
            self._out.ring.copy_out(offset, size, out, 54 + head)
        return finish(out, 54, head + size, TCP, 70)
