"""The station on a network interface of the operating system: discovery, one car at a time, commands, trace.

The only place that waits: poll() on all sockets and stdin, until the earliest due tick. It never turns without a
reason. One turn: take what came in, answer it at once, fire what is due, and only then print.
"""

import gc
import os
import sys

from firmware.clock import sooner, ticks_add, ticks_diff, ticks_ms
from firmware.net.sdp import ANSWER_SIZE, TLS_NONE, TLS_REQUIRED, SdpServer
from firmware.run import os_net
from firmware.run.connection import Connection
from firmware.run.operator import Operator
from firmware.run.poller import BROKEN, IN, OUT, Poller
from micropython import const

_OUT_SIZE = const(8200)  # largest V2GTP message of ours
_IN_SIZE = const(2048)
_DATAGRAMS = const(8)  # datagrams answered in one turn
_PORT_FIRST = const(49152)
_PORT_TRIES = const(20)
_PRINT_AGAIN_MS = const(50)  # the reader of our output is slow: look again
_POLLS = const(4)  # polls of the machine in one turn
_MICROPYTHON = sys.implementation.name == "micropython"


def listen(address, index, wanted_port):
    """(listener, port): the wanted port, or for 0 a random one of the range that cars accept (49152..65535)."""
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


class OsLink:
    """name: interface. safe: run.safe.Safe around the session machine. trace, report, power as their modules say.

    open() starts to listen and prints READY; run() serves until `quit`; close() ends everything.
    """

    def __init__(self, name, cfg, safe, power, trace, report, stdin=None, stdout=None, desk=None):
        self.name = name
        self.cfg = cfg
        self.safe = safe
        self.power = power
        self.trace = trace
        self.report = report
        self._stdout = stdout
        self._out = bytearray(_OUT_SIZE)
        self._in = bytearray(_IN_SIZE)
        self._sdp_out = bytearray(ANSWER_SIZE)
        self._poller = Poller()
        self._operator = Operator(stdin, self._poller, power, trace, safe.request_stop, self._status, stdout)
        if desk is not None:
            desk.add_to(self._operator, self)
        self._conn = None
        self._had_session = False
        self._answered = False
        self._print_due = None
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
        # TLS is not there yet. Without plain TCP the station says "TLS only", which no car can use then.
        self._sdp = SdpServer(address, port, TLS_NONE if self.cfg["allow_plain"] else TLS_REQUIRED)
        self._poller.add(self._listener, IN)
        self._poller.add(self._udp, IN)
        self._operator.open()
        if self._stdout is not None:
            self._stdout.offer(b"READY port=%d addr=%s\n" % (port, os_net.text(address).encode()))

    @property
    def quit(self):
        return self._operator.quit

    def run(self):
        """Serve session after session until `quit`."""
        while not self.quit:
            self.turn(None)

    def turn(self, at_most_ms):
        """One turn of the loop; wait no longer than at_most_ms (None: as long as nothing is due)."""
        for obj, events in self._poller.wait(self._timeout(ticks_ms(), at_most_ms)):
            now = ticks_ms()
            if self._conn is not None and obj is self._conn.sock:
                self._serve(events, now)
            elif obj is self._listener:
                self.safe.attempt("accept", now, self._accept, now)
            elif obj is self._udp:
                self.safe.attempt("discovery", now, self._discovery, now)
            elif self._operator.owns(obj):
                self.safe.attempt("command", now, self._operator.read, now)
        now = ticks_ms()
        self._fire(now)
        self.safe.attempt("sample", now, self.report.sample, now, self._conn is not None)
        told = self.safe.attempt("console", now, self._operator.pump)
        self._print_due = None if self.report.drain() and told else ticks_add(now, _PRINT_AGAIN_MS)
        if self._answered:
            # The garbage of a message goes now, in the pause of the car, and not in the middle of the next answer.
            self._answered = False
            if _MICROPYTHON:
                gc.collect()

    def occupied(self):
        """Why the device itself must not be touched now, in words; "" when it may."""
        return "a car is connected" if self._conn is not None else ""

    def close(self):
        """Power off, connection and sockets closed."""
        now = ticks_ms()
        if self._conn is not None:
            self._lost(now)
        self.safe.off(now)
        for sock in (self._listener, self._udp):
            if sock is not None:
                sock.close()
        self.report.drain()

    # -- time

    def _timeout(self, now, at_most_ms):
        due = sooner(self.safe.due(now), self.report.due)
        due = sooner(due, self._print_due)
        if self._conn is not None:
            due = sooner(due, self._conn.due)
        if due is None:
            return at_most_ms
        # At least 1 ms: a machine that is due for ever must not turn the loop into a heater.
        wait = max(1, ticks_diff(due, now))
        return wait if at_most_ms is None else min(wait, at_most_ms)

    def _fire(self, now):
        for _ in range(_POLLS):
            due = self.safe.due(now)
            if due is None or ticks_diff(due, now) > 0:
                break
            self.safe.poll(now)
            self._answer(now)
        if self._conn is not None and self._conn.overdue(now):
            self.trace.note(now, "the car does not take its answer")
            self._lost(now)

    # -- discovery

    def _mine(self, sender):
        """True if the sender is on this interface: its link-local address carries the interface (R-SDP-01)."""
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

    def _accept(self, now):
        sock, sender = os_net.accept(self._listener)
        if sock is None:
            return
        refused = None
        if not self._mine(sender):
            refused = "connection from elsewhere refused"
        elif self._conn is not None:
            if self._had_session and self.safe.session_over():
                self._lost(now)  # only held open after the end of its session: the next car need not wait for that
            else:
                refused = "second connection refused"  # one cable, one car
        if refused:
            sock.close()
            self.trace.note(now, refused)
            return
        self._conn = Connection(sock, self._poller, self._out)
        self._had_session = False
        self.trace.note(now, "connected: " + os_net.text(os_net.parse(sender)[0]))
        self.safe.start(now)
        self._answer(now)

    def _serve(self, events, now):
        conn = self._conn
        try:
            if conn.sending:
                if events & OUT:
                    conn.go_on(now)
                elif events & BROKEN:
                    self._lost(now)
                    return
            else:
                n = conn.read(self._in)
                if n == 0:
                    self._lost(now)
                    return
                if n:
                    self.safe.rx(self._in, n, now)
        except OSError:
            self._lost(now)
            return
        self._answer(now)

    def _answer(self, now):
        """Send what the machine has to say; then close if it wants that."""
        conn = self._conn
        if conn is None:
            if self.safe.event(now):
                self.safe.lost(now)  # nobody is connected: nothing to close, but a broken machine is replaced
            return
        if not self.safe.session_over():
            self._had_session = True
        try:
            while not conn.sending:
                n = self.safe.tx(self._out, now)
                if n == 0:
                    break
                conn.send(n, now)
                self._answered = True
        except OSError:
            self._lost(now)
            return
        if self.safe.event(now) == self.safe.CLOSE:
            conn.closing = True
        if conn.closing and not conn.sending:
            self._lost(now)

    def _lost(self, now):
        """The connection ends, whoever wanted it."""
        conn = self._conn
        self._conn = None
        conn.close()
        self.safe.lost(now)
        self.trace.note(now, "disconnected")

    def _status(self):
        secc = self.safe.secc
        return (
            "connected=%d session=%d state=%d setpoint_w=%d sdp_answered=%d sdp_dropped=%d faults=%d lost_records=%d"
            % (
                self._conn is not None,
                not secc.session_over,
                getattr(secc, "state", -1),
                self.power.setpoint_w,
                self._sdp.answered,
                self._sdp.dropped,
                self.safe.faults,
                self.trace.dropped,
            )
        )
