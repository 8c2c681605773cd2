"""What happened, in a bounded ring of bytes made at boot. Numbers go in; names are put to them on
the host.

Writing never waits and never prints: the answer to the car leaves first, then the run loop drains
the ring into a sink. What happens when it is full depends on who reads:

* keep=False, a program reads all the time: a record that does not fit is dropped and counted, and the count becomes a
  record of its own as soon as there is room.
* keep=True, a board at which somebody may look later: the oldest records give way. They are read by cursors, which
  consume nothing; what has gone before a cursor came to it is counted there.
"""

from firmware.clock import ticks_diff
from micropython import const

# Kinds of records.
MESSAGE = const(1)
NOTE = const(2)
ERROR = const(3)
POWER = const(4)
DROPPED = const(5)
STATUS = const(6)
PILOT = const(7)
ATTENUATION = const(8)
CHANGE = const(9)

FROM_CAR = const(0)
TO_CAR = const(1)

# Record: kind 1, time 4, then for messages direction 1, payload type 2, state 1; size 2; `size`
# bytes of content.
_HEAD = const(11)
_WRAP = const(0)  # kind of the filler at the end of the ring: go on at its start
_TIME_MASK = const(0x3FFFFFFF)


class Cursor:
    """A place in a ring with keep=True, at its oldest record. lost: records that went before they
    were read."""

    def __init__(self, trace):
        self.lost = 0
        self.seq = trace.first
        self.place = 0

    def to_end(self, trace):
        """Skip what is there; only what comes from now on is read."""
        self.seq = trace.last
        self.place = trace.end


class Trace:
    """The ring. size: bytes, below 65536 + 11. start: the tick that times are counted from. keep:
    see above. make(n) gives the bytes.

    Times in records are milliseconds since `start` modulo 2**30; the reader unwraps them.
    """

    def __init__(self, size=4096, start=0, keep=False, make=bytearray):
        self.start = start
        self.dropped = 0  # records lost since boot; with `keep` only those that are longer than the ring
        self.keep = keep
        self.first = 0  # number of the oldest record that is kept, and of the next one to be written
        self.last = 0
        self._ring = make(size)
        self._view = memoryview(self._ring)
        self._size = size
        self._read = 0
        self._write = 0
        self._used = 0
        self._dropped_told = 0

    def message(self, now, direction, payload_type, buf, at, n, state):
        """Record one V2GTP message: the EXI payload is buf[at:at+n], state an index of
        steps.STATE_NAMES."""
        ring = self._ring
        place = self._place(MESSAGE, now, n)
        if place < 0:
            return
        ring[place + 5] = direction
        ring[place + 6] = payload_type >> 8
        ring[place + 7] = payload_type & 0xFF
        ring[place + 8] = state & 0xFF
        if not isinstance(buf, memoryview):
            buf = memoryview(buf)
        place += _HEAD
        self._view[place : place + n] = buf[at : at + n]

    def note(self, now, text, value=None):
        """Record a short text, with a number after it if one is given."""
        self._text(NOTE, now, text, value)

    def error(self, now, text, value=None):
        """As note(), for what should not happen."""
        self._text(ERROR, now, text, value)

    def power(self, now, text):
        """Record one power sample, made by the run loop."""
        self._text(POWER, now, text, None)

    def status(self, now, text):
        """Record the answer to a `status` command."""
        self._text(STATUS, now, text, None)

    def pilot(self, now, state, duty_permille, high_mv, low_mv):
        """Record the control pilot after a change: state letter, duty, mV of both plateaus (None:
        there is none)."""
        self._text(PILOT, now, "%s %d %s %s" % (state, duty_permille, high_mv, low_mv), None)

    def attenuation(self, now, mac, sounds, groups):
        """Record what was measured of one car: MAC 6 bytes, number of sounds, 58 groups in dB."""
        place = self._place(ATTENUATION, now, 7 + len(groups))
        if place >= 0:
            place += _HEAD
            ring = self._ring
            for i in range(6):
                ring[place + i] = mac[i]
            ring[place + 6] = sounds
            for i in range(len(groups)):
                ring[place + 7 + i] = groups[i]

    def change(self, now, old, new, reason):
        """Record a transition of the supervisor: numbers of states, and why."""
        self._text(CHANGE, now, "%d %d %s" % (old, new, reason), None)

    @property
    def end(self):
        """Place behind the newest record."""
        return self._write

    def walk(self, cursor, sink, most=1):
        """Give up to `most` records from the cursor on to sink (as in drain) and move it behind
        them. True: at the end.

        Only with `keep`. False from the sink leaves the cursor where it is.
        """
        ring = self._ring
        while cursor.seq != self.last:
            if not most:
                return False
            if cursor.seq <= self.first:  # overtaken, or at the oldest one, which may have moved
                cursor.lost += self.first - cursor.seq
                cursor.seq = self.first
                cursor.place = self._read
            place = cursor.place
            if self._size - place < _HEAD or ring[place] == _WRAP:
                place = 0
            n = ring[place + 9] << 8 | ring[place + 10]
            if not self._give(place, n, sink):
                return False
            cursor.place = place + _HEAD + n
            cursor.seq += 1
            most -= 1
        return True

    def _give(self, place, n, sink):
        ring = self._ring
        t_ms = ring[place + 1] << 24 | ring[place + 2] << 16 | ring[place + 3] << 8 | ring[place + 4]
        payload_type = ring[place + 6] << 8 | ring[place + 7]
        return sink(ring[place], t_ms, ring[place + 5], payload_type, ring[place + 8], ring, place + _HEAD, n)

    def drain(self, sink):
        """Give each record, oldest first, to sink(kind, t_ms, direction, payload_type, state, buf,
        at, n) -> bool.

        Without `keep`. False from the sink means "not now": the record stays. buf must not be kept.
        Return True when nothing is left.
        """
        ring = self._ring
        while self._used:
            place = self._read
            if self._size - place < _HEAD or ring[place] == _WRAP:
                self._used -= self._size - place
                self._read = 0
                continue
            n = ring[place + 9] << 8 | ring[place + 10]
            if not self._give(place, n, sink):
                return False
            self.first += 1
            self._used -= _HEAD + n
            self._read = place + _HEAD + n
            if self._used == 0:
                self._read = 0
                self._write = 0
        return True

    def _text(self, kind, now, text, value):
        if value is not None:
            text = text + " " + str(value)
        data = text.encode()
        n = len(data)
        place = self._place(kind, now, n)
        if place >= 0:
            place += _HEAD
            self._view[place : place + n] = data

    def _place(self, kind, now, n):
        """Make room for a record, write its head, return its offset; -1 if there is no room."""
        if self.dropped != self._dropped_told and kind != DROPPED and not self.keep:
            told = self.dropped
            data = str(told - self._dropped_told).encode()
            place = self._place(DROPPED, now, len(data))
            if place >= 0:
                self._dropped_told = told
                self._ring[place + _HEAD : place + _HEAD + len(data)] = data
        place = self._room(_HEAD + n) if n <= 0xFFFF else -1
        if place < 0:
            if kind != DROPPED:
                self.dropped += 1
            return -1
        self.last += 1
        ring = self._ring
        t_ms = ticks_diff(now, self.start) & _TIME_MASK
        ring[place] = kind
        ring[place + 1] = t_ms >> 24
        ring[place + 2] = t_ms >> 16 & 0xFF
        ring[place + 3] = t_ms >> 8 & 0xFF
        ring[place + 4] = t_ms & 0xFF
        for i in range(5, 9):
            ring[place + i] = 0
        ring[place + 9] = n >> 8
        ring[place + 10] = n & 0xFF
        return place

    def _room(self, need):
        """Reserve `need` contiguous bytes; return their offset or -1."""
        if self.keep:
            if need > self._size:
                return -1
            tail = self._size - self._write
            if need <= tail:
                tail = 0
            while self._used and self._used + tail + need > self._size:
                self._forget()
            if not self._used:
                self._read = 0
                self._write = 0
        tail = self._size - self._write
        if need > tail:  # the record must not be split: leave the tail empty and go on at the start
            if self._used + tail + need > self._size:
                return -1
            if tail:
                self._ring[self._write] = _WRAP
            self._used += tail
            self._write = 0
        elif self._used + need > self._size:
            return -1
        place = self._write
        self._write += need
        self._used += need
        return place

    def _forget(self):
        """The oldest record gives way."""
        ring = self._ring
        place = self._read
        if self._size - place < _HEAD or ring[place] == _WRAP:
            self._used -= self._size - place
            self._read = 0
            return
        n = _HEAD + (ring[place + 9] << 8 | ring[place + 10])
        self._used -= n
        self._read = place + n
        self.first += 1
