"""Trace records as lines on stdout: numbers and hex only, names are put to them on the host
(host_tools/station/process.py).

    READY port=P addr=A                        discovery answers from now on
    M t rx|tx TYPE STATE EXI                   one V2GTP message: payload type and EXI stream in hex, state number
    P t setpoint power mv ma contactor charged discharged source left
                                                               W, W (positive: to the car), mV, mA, 0/1, Wh, Wh,
                                                               whose set-point (NAMES of the leases), s until it ends (-1: never)
    S t key=value ...                          answer to `status`
    N t text        E t text                   note, error
    L t state duty high low                    control pilot: letter, permille, mV of both plateaus or None
    A t hex                                    attenuation: MAC 6 bytes, number of sounds 1, 58 groups in dB
    T t old new reason                         transition of the supervisor, numbers of app/plug_steps.py
    W t key=value ...                          the state, behind `watch`: watch.py, not of the trace
    D t n                                      n records were lost because nobody read

t: milliseconds since start, modulo 2**30.
"""

from binascii import hexlify

from firmware.clock import ticks_add, ticks_diff
from firmware.trace import ATTENUATION, CHANGE, ERROR, FROM_CAR, MESSAGE, NOTE, PILOT, POWER, STATUS, Cursor
from micropython import const

_SAMPLE_MS = const(250)
_MOST = const(8)  # records that are written in one turn: what goes on in the powerline comes first
_LETTERS = {NOTE: "N", ERROR: "E", POWER: "P", STATUS: "S", PILOT: "L", ATTENUATION: "A", CHANGE: "T"}


def line(kind, t_ms, direction, payload_type, state, buf, at, n):
    """One trace record as a line of bytes."""
    content = bytes(memoryview(buf)[at : at + n])
    if kind == MESSAGE:
        way = "rx" if direction == FROM_CAR else "tx"
        return b"M %d %s %04x %d %s\n" % (t_ms, way.encode(), payload_type, state, hexlify(content))
    if kind == ATTENUATION:
        content = hexlify(content)
    return ("%s %d " % (_LETTERS.get(kind, "D"), t_ms)).encode() + content.replace(b"\n", b" ") + b"\n"


class TraceLines:
    """Drains a trace into an output (console.StdOut) and adds power samples while a session is
    open.

    A trace with `keep` is not consumed: what happens from stream(True) on is written, until
    stream(False).
    """

    def __init__(self, trace, out, power):
        self._trace = trace
        self._cursor = None
        self._out = out
        self._power = power
        self._sample_due = None
        self._was_closed = False

    @property
    def due(self):
        return self._sample_due

    def sample(self, now, session_open):
        """Record a power sample each 250 ms while the contactor is closed, and one more when it has
        opened."""
        if not session_open and not self._was_closed:
            self._sample_due = None
            return
        if self._sample_due is not None and ticks_diff(self._sample_due, now) > 0:
            return
        self._sample_due = ticks_add(now, _SAMPLE_MS)
        values = self._power.sample()
        closed = bool(values[4])
        if closed or self._was_closed:
            lease = self._power.lease
            left_ms = lease.left_ms(now)
            whose = (lease.source, -1 if left_ms is None else left_ms // 1000)
            self._trace.power(now, " ".join([str(value) for value in values + whose]))
        self._was_closed = closed

    @property
    def streaming(self):
        return not self._trace.keep or self._cursor is not None

    def stream(self, on):
        """Switch the lines of a trace with `keep` on or off; without `keep` they are always on."""
        if on and self._cursor is None:
            self._cursor = Cursor(self._trace)
            self._cursor.to_end(self._trace)
        elif not on:
            self._cursor = None

    def drain(self):
        """Write what the reader takes; True when nothing is left."""
        if not self._trace.keep:
            return self._trace.drain(self._sink)
        cursor = self._cursor
        if cursor is None:
            return self._out.flush()
        done = self._trace.walk(cursor, self._sink, _MOST)
        if cursor.lost and self._out.flush():
            self._out.offer(b"D 0 %d\n" % cursor.lost)
            cursor.lost = 0
        return done and self._out.flush()

    def kept(self, skip=0):
        """The lines of what a trace with `keep` holds, oldest first, without line ends; consumes
        nothing. skip: records left out."""
        trace = self._trace
        cursor = Cursor(trace)
        lines = []

        def sink(kind, t_ms, direction, payload_type, state, buf, at, n):
            lines.append(line(kind, t_ms, direction, payload_type, state, buf, at, n)[:-1])
            return True

        begin = trace.first + skip
        end = trace.last  # what is recorded while this is read belongs to the next reading
        while cursor.seq < end:
            trace.walk(cursor, sink)
            if cursor.lost:
                yield b"D 0 %d" % cursor.lost
                cursor.lost = 0
            if lines:
                text = lines.pop()
                if cursor.seq > begin:
                    yield text

    def _sink(self, kind, t_ms, direction, payload_type, state, buf, at, n):
        if not self._out.flush():
            return False
        return self._out.offer(line(kind, t_ms, direction, payload_type, state, buf, at, n))
