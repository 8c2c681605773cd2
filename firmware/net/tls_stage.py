"""TLS between a TCP connection and the V2G session: to the session it looks like the connection
itself.

A machine around an engine (module tls13, or a stand-in): bytes in, bytes out. One stage serves one
car after another. While the handshake runs there is one step of it in a tick, so that the pilot is
looked at between two operations with keys. Only the time that the station waits for the car counts
against the car: a P-521 operation of our own takes seconds on a small controller (R-TLS-14).
"""

import hashlib

from firmware.clock import ticks_add, ticks_diff
from micropython import const

# Phases.
IDLE = const(0)
SHAKING = const(1)
OPEN = const(2)  # TLS 1.3 with a vehicle certificate that was checked
PLAIN = const(3)  # a car without TLS that the configuration allows
FAILED = const(4)  # refused, and the connection closed

# States of the engine.
_HANDSHAKE = const(1)
_OPEN = const(2)
_ENDED = const(3)
_FAILED = const(4)

# In the order of the reasons of the engine (tls13.h).
REASON_TEXTS = (
    "",
    "what the car sent is not TLS",
    "no common version: the station speaks TLS 1.3 only",
    "no common cipher suite",
    "no common group",
    "no common signature algorithm",
    "no vehicle certificate",
    "vehicle certificate: not under a known root, or a signature in its chain is broken",
    "vehicle certificate: expired",
    "vehicle certificate: not valid yet",
    "vehicle certificate: wrong purpose",  # R-TLS-09, -15
    "vehicle certificate: curve or hash is not in the profile",
    "vehicle certificate: cannot be read",
    "vehicle certificate: chain is too long",
    "the car does not hold the key of its certificate",
    "a message is too large",
    "refused by the car",
    "malformed",
    "out of TLS memory",
    "internal error",
)
_ALERT = const(16)

# Why a car refuses us (RFC 8446 section 6.2).
_ALERT_TEXTS = {
    0: "close notify", 40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate", 45: "certificate expired",
    46: "certificate unknown", 47: "illegal parameter", 48: "unknown CA", 49: "access denied", 51: "decrypt error",
    70: "protocol version", 71: "insufficient security", 80: "internal error", 90: "user cancelled",
    109: "missing extension", 110: "unsupported extension", 116: "certificate required",
}  # fmt: skip

_CHUNK = const(512)
_TX = const(1440)  # a record that fits in a segment goes as one
_READS = const(8)  # chunks taken from TCP in one pump
_TLS_FIRST = const(0x16)  # first byte of a ClientHello; a V2GTP header begins with 0x01


def reason_text(reason, alert):
    if reason == _ALERT:
        return "%s: alert %d %s" % (REASON_TEXTS[_ALERT], alert, _ALERT_TEXTS.get(alert, ""))
    return REASON_TEXTS[reason]


class TlsStage:
    """engine: tls13.Conn. when() -> (Unix seconds, whether the clock is known), for the validity of
    certificates. limit_ms: what a car may let us wait during a handshake, all pauses together.
    plain: cars without TLS are taken too. key_log: called with each line of secrets (NSS key log),
    or None.

    phase, vehicle (the CN of the vehicle certificate, that is the EVCCID; printable ASCII), leaf
    (SHA-256 of that certificate, None until the handshake is done) and conn (the connection below,
    or None) are for reading. refused counts handshakes that failed.
    """

    def __init__(self, engine, when, trace, limit_ms, plain=False, key_log=None):
        self.phase = IDLE
        self.conn = None
        self.vehicle = ""
        self.leaf = None
        self.refused = 0
        self._engine = engine
        self._when = when
        self._trace = trace
        self._limit_ms = limit_ms
        self._plain = plain
        self._key_log = key_log
        self._secrets = [] if key_log else None
        self._in = bytearray(_CHUNK)
        self._out = bytearray(_TX)
        self._in_at = self._in_n = 0
        self._out_at = self._out_n = 0
        self._waited_ms = 0
        self._since = 0
        self._more = False  # the next step can be done at once
        self._first = True

    # -- the handshake

    def open(self, conn, now):
        """A car has connected; pump() until the phase is OPEN, PLAIN or FAILED."""
        self.conn = conn
        self.vehicle = ""
        self.leaf = None
        self._in_at = self._in_n = 0
        self._out_at = self._out_n = 0
        self._waited_ms = 0
        self._since = now
        self._more = False
        self._first = True
        unix_s, known = self._when()
        self._engine.begin(unix_s, known, self._secrets)
        self.phase = SHAKING

    @property
    def due(self):
        """Tick of the next pump() while the handshake runs, or None."""
        if self.phase != SHAKING:
            return None
        return ticks_add(self._since, 1 if self._more else self._limit_ms - self._waited_ms)

    def pump(self, now):
        """Move bytes both ways, and do a step of the handshake. Call after everything that the
        network has done."""
        if self.phase == SHAKING:
            if self._more and now == self._since:
                return
            if not self._more:
                self._waited_ms += ticks_diff(now, self._since)
            self._since = now
            self._take()
            if self.phase != SHAKING:
                return
            self._more = self._engine.step()
            while self._secrets:
                self._key_log(self._secrets.pop(0))
            self._flush()
            state = self._engine.state
            if state == _OPEN:
                self._opened(now)
            elif state == _FAILED:
                self._refuse(now, reason_text(self._engine.reason, self._engine.alert))
            elif self.conn.at_end and not self._more:
                self._refuse(now, "the car has left")
            elif not self._more and self._waited_ms >= self._limit_ms:
                self._refuse(now, "the car took too long")
        elif self.phase == OPEN:
            self._take()
            self._flush()

    def lost(self, now):
        """TCP says that the connection has ended. Return True if that was in the middle of the
        handshake."""
        shaking = self.phase == SHAKING
        if shaking:
            self.refused += 1
            self._trace.note(now, "tls refused: the connection has ended")
        self.release()
        return shaking

    def release(self):
        """Forget the car and its keys."""
        self.conn = None
        self.phase = IDLE
        self._engine.reset()

    # -- for the session: the calls of a connection

    def readable(self):
        """Bytes that read() gives now."""
        if self.phase == PLAIN:
            return self._in_n - self._in_at or self.conn.readable()
        self._take()
        return self._engine.pending() if self.phase == OPEN else 0

    def read(self, buf):
        """Move up to len(buf) bytes of the car into buf; return how many."""
        if self.phase != PLAIN:
            self._take()
            return self._engine.read(buf)
        n = min(self._in_n - self._in_at, len(buf))
        if not n:
            return self.conn.read(buf)
        for i in range(n):
            buf[i] = self._in[self._in_at + i]
        self._in_at += n
        return n

    def write(self, buf, at, n):
        """Send buf[at:at+n] as one message; return how many bytes were taken, n or less."""
        if self.phase == PLAIN:
            return self.conn.write(buf, at, n)
        if not self._flush():
            return 0
        took = self._engine.write(buf, at, n)
        self._flush()
        return took

    @property
    def at_end(self):
        """The car has closed, by close_notify or TCP, or its bytes cannot be trusted; and
        everything is read."""
        if self.phase == PLAIN:
            return self._in_at == self._in_n and self.conn.at_end
        if self.phase != OPEN or self._engine.state in (_ENDED, _FAILED):
            return True
        return self.conn.at_end and self._in_at == self._in_n and not self._engine.pending()

    @property
    def remote(self):
        """The address of the car."""
        return self.conn.remote

    def close(self):
        """close_notify, then FIN behind it."""
        if self.phase == OPEN:
            self._engine.close()
            self._flush()
        self.conn.close()
        self.release()

    def abort(self):
        """Break off: RST."""
        self.conn.abort()
        self.release()

    # -- inside

    def _take(self):
        """Bytes of the car into the engine, as far as it has room."""
        engine = self._engine
        for _ in range(_READS):
            if self._in_at == self._in_n:
                self._in_at = 0
                self._in_n = self.conn.read(self._in)
                if not self._in_n:
                    return
                if self._first:
                    self._first = False
                    if self._plain and self._in[0] != _TLS_FIRST:
                        self.phase = PLAIN
                        return
            took = engine.feed(self._in, self._in_at, self._in_n - self._in_at)
            self._in_at += took
            if not took:
                return
            if engine.state == _OPEN:
                engine.pending()  # makes room

    def _flush(self):
        """Bytes of the engine to TCP. True if nothing waits any more."""
        while True:
            if self._out_at == self._out_n:
                self._out_at = 0
                self._out_n = self._engine.take(self._out)
                if not self._out_n:
                    return True
            took = self.conn.write(self._out, self._out_at, self._out_n - self._out_at)
            if not took:
                return False
            self._out_at += took

    def _opened(self, now):
        engine = self._engine
        self.vehicle = _printable(engine.name)
        leaf = engine.certificate()
        self.leaf = hashlib.sha256(leaf).digest() if leaf else None
        self.phase = OPEN
        self._trace.note(now, "tls 1.3, suite 0x%04x, vehicle %s" % (engine.suite, self.vehicle))

    def _refuse(self, now, why):
        """The alert is on its way already: FIN behind it, and not RST, or it could get lost."""
        self.refused += 1
        name = self._engine.name
        self._trace.note(now, "tls refused: %s%s" % (why, " (%s)" % _printable(name) if name else ""))
        self.conn.close()
        self.release()
        self.phase = FAILED


def _printable(name):
    """A name from the wire as a text that no line of a log can trip over."""
    return "".join([chr(c) if 0x20 < c < 0x7F else "?" for c in name])
