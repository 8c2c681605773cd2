"""Between TCP connections, of our network or of the operating system, and the session machine: one
car at a time, one message at a time.

Pure, on the machine contract. tls_session_link.py puts TLS between `conn` and `safe`.
"""

from firmware.buffers import buffer
from firmware.clock import sooner, ticks_add, ticks_diff
from micropython import const

# Events.
SESSION = const(1)  # a session is set up, the first since clear()
PAUSE = const(2)  # the pause of the session is confirmed to the car
RELEASED = const(4)  # the connection of the session is gone

_OUT = const(4104)  # largest message of the session machine
_IN = const(512)
_TURNS = const(24)  # reads and writes in one pump(); what is left comes with the next
_SILENT_MS = const(
    2000
)  # of a car that connects again: shorter than its own message time-outs, longer than any pause of the loop
_TAKE_MS = const(2000)  # the car's own message timeout: who does not take an answer by then does not want it any more


class SessionLink:
    """safe: run.safe.Safe around the session machine. trace: firmware/trace. `conn`: the
    net.tcp_conn.TcpConn or run.os_conn.OsConn of the car that is served, or None."""

    def __init__(self, safe, trace):
        self.safe = safe
        self.conn = None
        self.enabled = True  # False: no new connection is taken
        self._trace = trace
        self._in = bytearray(_IN)
        self._out = buffer("link", _OUT)
        self._at = 0
        self._n = 0
        self._closing = False
        self._take_due = None
        self._heard = 0  # tick of the last bytes of the car
        self._had_session = False
        self._session_seen = False  # a session was set up since clear()
        self._events = 0

    @property
    def due(self):
        return sooner(self._take_due, self.safe.due)

    def clear(self):
        """A new data link begins, or an old one after a pause: what was to be told of before is
        not."""
        self._session_seen = False
        self._events = 0

    def accept(self, conn, now):
        """A car has connected: serve it, or refuse it."""
        if self._admits(conn, now):
            self._serve(conn, now)

    def closed(self, conn, now):
        """A connection has ended: by FIN, RST, or because the car does not answer any more."""
        if conn is self.conn:
            self._lost(now, "connection gone")

    def poll(self, now):
        """Fire what is due in the session, and move its bytes."""
        self.safe.poll(now)
        self.pump(now)

    def event(self):
        """SESSION, PAUSE, RELEASED, in this order, or 0 = nothing more."""
        if self.safe.pause_begun():
            self._events |= PAUSE
        code = self._events & -self._events
        self._events ^= code
        return code

    def pump(self, now):
        """Move bytes both ways as far as they go. Call after every rx and poll of the network or
        the session machine."""
        if self.conn is None:
            if self.safe.event(now):
                self.safe.lost(now)  # nobody is connected: nothing to close, but a broken machine is replaced
            return
        for _ in range(_TURNS):
            if not self._turn(now):
                break
        if self.conn is None:
            return
        if not self.safe.session_over:
            self._had_session = True
            if not self._session_seen and self.safe.established:
                self._session_seen = True
                self._events |= SESSION
        if self.conn.at_end and self._at == self._n:
            self.end(now, "by the car")  # our half too: the car waits for it
        elif self._take_due is not None and ticks_diff(self._take_due, now) <= 0:
            self.conn.abort()
            self._lost(now, "the car does not take its answer")

    def end(self, now, why):
        """Close the connection in an orderly way, if there is one: FIN behind what waits."""
        if self.conn is not None:
            self.conn.close()
            self._lost(now, why)

    def drop(self, now, why):
        """The data link is gone: the session ends."""
        if self.conn is not None:
            self.conn.abort()
            self._lost(now, why)

    def forget(self, now, why):
        """A paused session cannot be joined any more."""
        self.safe.forget(now, why)

    def fault(self, now, why):
        """The station itself is at fault: the session reads it in its next answer, and ends; no new
        connection is taken (R-STATUS-07)."""
        self.enabled = False
        self.safe.forget(now, why)
        self.safe.out_of_service(now)
        self.pump(now)

    # -- inside

    def _admits(self, conn, now):
        """Is this the car to serve? One that is not is refused."""
        if not self.enabled:
            return self._refuse(conn, "connection refused: the station is out of service", now)
        if self.conn is not None:
            if self._had_session and self.safe.session_over:
                self.end(now, "replaced")  # only held open after its session: the next car need not wait for that
            elif self._is_back(self.conn, conn, now):
                self.drop(now, "the car has connected again")
            else:
                return self._refuse(conn, "second connection refused", now)  # one cable, one car
        return True

    def _is_back(self, old, conn, now):
        """Has the car of a connection that says nothing more connected again, restarted without a
        FIN? (R-SECURITY-14)"""
        return old.remote == conn.remote and ticks_diff(now, self._heard) >= _SILENT_MS

    def _refuse(self, conn, why, now):
        conn.abort()
        self._trace.note(now, why)
        return False

    def _serve(self, conn, now, vehicle=None, leaf=None):
        """A session begins. vehicle: name in the certificate of the car, None without TLS; leaf:
        SHA-256 of it."""
        self.conn = conn
        self._heard = now
        self._at = self._n = 0
        self._closing = False
        self._had_session = False
        self._take_due = None
        self.safe.start(now, vehicle, leaf)
        self.pump(now)

    def _turn(self, now):
        """One step: output first, because a car whose answer waits is not listened to (R-V2GTP-07).
        False = nothing more."""
        conn = self.conn
        if self._at < self._n:
            took = conn.write(self._out, self._at, self._n - self._at)
            self._at += took
            if self._at < self._n:
                if self._take_due is None:
                    self._take_due = ticks_add(now, _TAKE_MS)
                return False
            self._take_due = None
            return True
        if self._closing:
            self.end(now, "closed by the station")
            return False
        n = self.safe.tx(self._out, now)
        if n:
            self._at = 0
            self._n = n
            return True
        if self.safe.event(now) == self.safe.CLOSE:
            self._closing = True
            return True
        if conn.readable():
            self._heard = now
            self.safe.rx(self._in, conn.read(self._in), now)
            return True
        return False

    def _lost(self, now, why):
        """The connection ends, whoever wanted it: safe.lost() takes the power off (R-STOP-10)."""
        self.conn = None
        self._at = self._n = 0
        self._take_due = None
        self.safe.lost(now)
        self._events |= RELEASED
        self._trace.note(now, "disconnected: " + why)
