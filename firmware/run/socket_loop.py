"""The station on a network interface of the operating system: discovery, and connections for
SessionLink or TlsSessionLink. It waits by run_loop.py.

One turn: take what came in, answer it at once, fire what is due, and only then print.
"""

import os

from firmware.app.session_link import SessionLink
from firmware.clock import sooner, ticks_diff, ticks_ms
from firmware.net.sdp import ANSWER_SIZE, SdpServer, policy_of
from firmware.run import os_net
from firmware.run.os_conn import OsConn
from firmware.run.poller import IN
from firmware.run.run_loop import RunLoop
from micropython import const

_CONNS = const(4)  # the car's and those that only rest before they close
_DATAGRAMS = const(8)  # datagrams answered in one turn
_PORT_FIRST = const(49152)
_PORT_TRIES = const(20)
_POLLS = const(4)  # polls of the machine in one turn


def listen(address, index, wanted_port):
    """(listener, port): the wanted port, or for 0 a random one of the range that cars accept
    (49152..65535)."""
    for _ in range(_PORT_TRIES):
        port = wanted_port or _PORT_FIRST + (ord(os.urandom(1)) << 8 | ord(os.urandom(1))) % (65536 - _PORT_FIRST)
        try:
            return os_net.tcp_listener(address, port, index), port
        except OSError:
            if wanted_port:
                break
    raise os_net.NetError(
        "TCP port %s on [%s] cannot be used" % (wanted_port or "in 49152..65535", os_net.text(address))
    )


class SocketLoop(RunLoop):
    """name: interface. cfg: dict of app/config. stage: a net.tls_stage.TlsStage, or None for a
    station without TLS. The others as RunLoop says.

    open() starts to listen and prints READY; run() serves until `quit`; close() ends everything.
    """

    LEAST_MS = 1  # a machine that is due for ever must not turn the loop into a heater

    def __init__(self, name, cfg, safe, power, trace, lines, stdin=None, stdout=None, desk=None, stage=None):
        super().__init__(safe, power, trace, lines, stdin, stdout, desk)
        self.name = name
        self.cfg = cfg
        if stage is None:
            self.link = SessionLink(safe, trace)
        else:
            from firmware.app.tls_session_link import TlsSessionLink

            self.link = TlsSessionLink(safe, trace, stage)
        self._stage = stage
        self._sdp_out = bytearray(ANSWER_SIZE)
        self._conns = []
        self._udp = None
        self._listener = None
        self._sdp = None
        self._index = 0

    def open(self):
        """Raises os_net.NetError if the interface or its ports cannot be used."""
        self._index, address = os_net.interface(self.name)
        # The listener comes first: what discovery announces must be there already (R-SDP-05).
        self._listener, port = listen(address, self._index, self.cfg["tcp_port"])
        self._udp = os_net.udp_server(self.name, self._index, self.cfg["sdp_port"])
        self._sdp = SdpServer(address, port, policy_of(self._stage is not None, self.cfg["allow_plain"]))
        self._poller.add(self._listener, IN)
        self._poller.add(self._udp, IN)
        self._begin("port=%d addr=%s" % (port, os_net.text(address)))

    def occupied(self):
        """Why the device itself must not be touched now, in words; "" when it may."""
        return "a car is connected" if self._connected() else ""

    def close(self):
        """Power off, connections and sockets closed."""
        now = ticks_ms()
        self.link.end(now, "the station ends")
        self.link.drop(now, "the station ends")  # in the middle of a handshake
        self.safe.off(now)
        for conn in self._conns:
            conn.end()
        for sock in (self._listener, self._udp):
            if sock is not None:
                sock.close()
        self.lines.drain()

    @property
    def due(self):
        due = self.link.due
        for conn in self._conns:
            due = sooner(due, conn.due)
        return due

    @property
    def busy(self):
        return self._connected()

    def work(self, now):
        self._safely(now, self._move, now)

    def answered(self):
        """The garbage of a message goes now, in the pause of the car, and not in the middle of the
        next answer."""
        wrote = False
        for conn in self._conns:
            wrote = wrote or conn.wrote
            conn.wrote = False
        return wrote

    # -- what came in

    def _heard(self, obj, events, now):
        if obj is self._listener:
            self.safe.attempt("accept", now, self._accept, now)
        elif obj is self._udp:
            self.safe.attempt("discovery", now, self._discovery, now)
        else:
            for conn in self._conns:
                if conn.sock is obj:
                    conn.happened(events)

    # -- discovery

    def _mine(self, sender):
        """True if the sender is on this interface: its link-local address carries the interface
        (R-SDP-01)."""
        address, _, scope = os_net.parse(sender)
        if address == os_net.LOOPBACK:
            return self.name == "lo"
        return address[0] == 0xFE and address[1] & 0xC0 == 0x80 and scope == self._index

    def _discovery(self, now):
        sdp = self._sdp
        for _ in range(_DATAGRAMS):
            data, sender = os_net.receive(self._udp, 64)
            if data is None:
                return
            if not self._mine(sender):
                sdp.dropped += 1
                continue
            n = sdp.answer(data, len(data), self._sdp_out)
            if n and not os_net.send_to(self._udp, self._sdp_out, sender):
                self.trace.note(now, "discovery answer not sent")

    # -- the car

    def _connected(self):
        for conn in self._conns:  # noqa: SIM110
            if conn.open:
                return True
        return False

    def _accept(self, now):
        sock, sender = os_net.accept(self._listener)
        if sock is None:
            return
        if not self._mine(sender):
            sock.close()
            self.trace.note(now, "connection from elsewhere refused")
            return
        if len(self._conns) == _CONNS:
            self._conns.pop(0).end()  # the oldest: it only rests, or the link would have refused the others
        # A car with TLS is told by an alert or close_notify, and can wait for the FIN; for others
        # the FIN is what tells.
        remote = os_net.parse(sender)[0]
        conn = OsConn(sock, self._poller, remote, self._stage is not None)
        self._conns.append(conn)
        self.trace.note(now, "connected: " + os_net.text(remote))
        self.power.decide.plug_in(now)
        self._safely(now, self.link.accept, conn, now)

    def _move(self, now):
        """Bytes both ways, and what is due."""
        link = self.link
        link.pump(now)
        for _ in range(_POLLS):
            due = self.safe.due
            if due is None or ticks_diff(due, now) > 0:
                break
            self.safe.poll(now)
            link.pump(now)
        for i in range(len(self._conns) - 1, -1, -1):
            conn = self._conns[i]
            if conn.broken and conn.open:
                link.closed(conn, now)
                conn.end()
            conn.settle(now)
            if conn.gone:
                self._conns.pop(i)
                if not self._conns and not self.safe.paused_ms(now):
                    self.power.decide.clear(now)  # a connection stands for the plug
            else:
                conn.watch()

    def _safely(self, now, call, *args):
        """call(*args). A fault of our own outside of the session: power off, the car away, and the
        next one may come."""
        try:
            call(*args)
        except Exception as error:
            self.safe.off(now)
            self.safe.forget(now, "fault of the station")
            self.safe.report("connection", error, now)
            self.safe.attempt("afterwards", now, self.link.drop, now, "fault of the station")
            for conn in self._conns:
                conn.end()
            self._conns = []

    def _status(self):
        secc = self.safe.secc
        return (
            "connected=%d session=%d state=%d setpoint_w=%d decision=%d sdp_answered=%d sdp_dropped=%d faults=%d lost_records=%d"
            % (
                self._connected(),
                not secc.session_over,
                getattr(secc, "state", -1),
                self.power.lease.set_w,
                self.power.decide.state,
                self._sdp.answered,
                self._sdp.dropped,
                self.safe.faults,
                self.trace.dropped,
            )
        )
