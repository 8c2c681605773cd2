"""SessionLink whose cars speak TLS: a car reaches the session machine when its handshake is done,
and not before.

The machine has a certificate of the car then, and its name (R-TLS-06). Where the configuration
allows plain TCP, the first byte of a car tells which of both it speaks.
"""

from firmware.app.session_link import SessionLink
from firmware.clock import sooner
from firmware.net.tls_stage import OPEN, PLAIN, SHAKING


class TlsSessionLink(SessionLink):
    """As SessionLink, with a net.tls_stage.TlsStage between."""

    def __init__(self, safe, trace, stage):
        super().__init__(safe, trace)
        self._stage = stage

    @property
    def due(self):
        due = sooner(self._take_due, self.safe.due)
        return sooner(self._stage.due, due)

    def accept(self, conn, now):
        """A car has connected: begin its handshake, or refuse it."""
        if self._stage.phase == SHAKING:
            if not self._is_back(self._stage, conn, now):
                self._refuse(conn, "second connection refused", now)
                return
            self.drop(now, "the car has connected again")
        if self._admits(conn, now):
            self._heard = now
            self._stage.open(conn, now)
            self.pump(now)

    def closed(self, conn, now):
        if conn is self._stage.conn and not self._stage.lost(now):
            self._lost(now, "connection gone")

    def pump(self, now):
        stage = self._stage
        if self.conn is None and stage.phase == SHAKING:
            stage.pump(now)
            if stage.phase == OPEN:
                self._serve(stage, now, stage.vehicle, stage.leaf)
                return
            if stage.phase == PLAIN:
                self._serve(stage, now)
                return
        elif self.conn is not None:
            stage.pump(now)
        super().pump(now)

    def drop(self, now, why):
        if self._stage.phase == SHAKING:
            self._stage.abort()
            self._trace.note(now, "disconnected: " + why)
        super().drop(now, why)
