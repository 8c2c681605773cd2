"""The session that a car has paused: what of it is kept, and who may join it again (R-STOP-09,
R-SESSION-05..10).

One at most, in RAM only. It is bound to the vehicle certificate: kept is a digest over session id,
hash of the leaf and the name in it, so an id that was overheard is worth nothing, and a car without
a certificate joins nothing ([V2G20-2545], [V2G20-2550]). The standard suggests SHA-512;
MicroPython's hashlib has SHA-256, and nobody else ever sees the digest.
"""

import hashlib

from firmware.clock import ticks_add, ticks_diff


def same(a, b):
    """Compare without leaving early (R-SECURITY-06)."""
    if len(a) != len(b):
        return False
    d = 0
    for i in range(len(a)):
        d |= a[i] ^ b[i]
    return d == 0


def binding(session_id, leaf, name):
    """Digest of 32 bytes over a session id (8 bytes), the SHA-256 of a vehicle's leaf certificate
    and the name in it."""
    return hashlib.sha256(bytes(session_id) + leaf + name.encode()).digest()


class Paused:
    """max_ms: how long it can be joined. trace: note(now, text, value). `due`: tick at which it
    expires, None = nothing is kept."""

    def __init__(self, max_ms, trace):
        self.due = None
        self._max_ms = max_ms
        self._trace = trace
        self._begun = False
        self._kept = None
        self._digest = b""
        self._current = 0
        self._dialect = None

    def _drop(self):
        self.due = self._kept = None
        self._digest = b""
        self._begun = False

    def keep(self, f, kept, dialect, now):
        """The pause is confirmed. f: facts of the session; its car has a certificate, and `kept` is
        what it needs to go on, its id first."""
        self._digest = binding(f.session.id, f.vehicle_cert_sha256, f.vehicle_name)
        self._current = f.session.current
        self._dialect = dialect
        self._kept = kept
        self._begun = True
        self.due = ticks_add(now, self._max_ms)
        self._trace.note(
            now,
            "session paused; bound to vehicle %s, certificate %s; s" % (f.vehicle_name, short(f.vehicle_cert_sha256)),
            self._max_ms // 1000,
        )

    def take(self, offered, f, dialect, now):
        """A session is set up with an offered id. What was kept (`kept` of the session before) if
        it is that session and the car, by certificate, protocol and current (AC, DC), the one that
        paused it; else None. Nothing is kept afterwards in any case."""
        self.poll(now)
        kept, digest = self._kept, self._digest
        self._drop()
        wanted = bytes(offered).strip(b"\x00")  # zeros of any length ask for a new session
        if not kept:
            why = "none is kept" if wanted else ""
        elif not wanted:
            why = "the car begins a new one"
        elif f.vehicle_cert_sha256 is None:
            why = "the car has shown no certificate"
        elif len(offered) != len(kept[0]) or not same(digest, binding(offered, f.vehicle_cert_sha256, f.vehicle_name)):
            why = "another vehicle certificate" if same(offered, kept[0]) else "another session id"
        elif f.session.current != self._current:
            why = "AC and DC exchanged"
        elif dialect is not self._dialect:
            why = "another protocol"
        else:
            self._trace.note(
                now, "old session joined by vehicle %s, certificate %s" % (f.vehicle_name, short(f.vehicle_cert_sha256))
            )
            return kept
        if why:
            self._trace.note(now, "old session not joined: " + why)
        return None

    def forget(self, now, why):
        """It cannot be joined any more."""
        if self._kept:
            self._drop()
            self._trace.note(now, "paused session given up: " + why)

    def left_ms(self, now):
        """How long it can still be joined; 0: there is none."""
        return max(0, ticks_diff(self.due, now)) if self._kept else 0

    def begun(self):
        """True once after a session was paused."""
        begun = self._begun
        self._begun = False
        return begun

    def poll(self, now):
        if self.due is not None and ticks_diff(self.due, now) <= 0:
            self.forget(now, "its time is over")


def short(leaf):
    """First digits of a certificate's SHA-256, as tools show it: enough to tell cars apart in a
    log."""
    return "".join(["%02x" % b for b in leaf[:4]])
