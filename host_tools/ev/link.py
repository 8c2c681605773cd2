"""The simulated car over the operating system's sockets: discovery, TCP, and the loop that
waits."""

import socket
import time

from firmware.clock import ticks_diff, ticks_ms
from firmware.net import tls_stage
from firmware.run.os_conn import OsConn
from firmware.run.poller import Poller
from host_tools.ev.evcc import Evcc
from host_tools.ev.states import OVER, STATE_NAMES
from host_tools.ev.tls import stage

_SDP_PORT = 15118
_SDP_TRIES = 50  # [V2G2-161]
_SDP_EVERY_S = 0.25  # [V2G2-159]
_LOOK_MS = 100  # at stopped()
_REQUEST = bytes.fromhex("01fe900000000002")
_TLS, _PLAIN = 0x00, 0x10
_ANSWER = bytes.fromhex("01fe900100000014")


class LinkError(Exception):
    """No station, or no such interface; str() says what to check."""


class Tracer:
    """What Evcc writes its messages to: decoded records for sink(record), with t_ms counted from
    the tick `begin`."""

    def __init__(self, sink, begin=None):
        self._sink = sink
        self._begin = ticks_ms() if begin is None else begin
        self.count = 0

    def message(self, now, direction, payload_type, buf, at, n, state):
        from codec import exi, exi_json

        self.count += 1
        record = {
            "t_ms": ticks_diff(now, self._begin),
            "dir": "SECC->EVCC" if direction else "EVCC->SECC",
            "payload_type": f"0x{payload_type:04X}",
            "name": None,
            "json": None,
            "exi_hex": bytes(buf[at : at + n]).hex(),
            "state": STATE_NAMES[state],
        }
        try:
            msg, value = exi.decode(exi.schema_of(payload_type), buf, at, n)
            record["name"], record["json"] = exi_json.name_of(msg), exi_json.to_json_obj(msg, value)
        except exi.ExiError as error:
            record["decode_error"] = str(error)
        self._sink(record)

    def note(self, text):
        self._sink({"t_ms": ticks_diff(ticks_ms(), self._begin), "note": text})


class Trace(Tracer):
    """Tracer with the notes of the target's machines."""

    def note(self, now, text, value=None):
        Tracer.note(self, text if value is None else f"{text} {value}")

    error = note


def discover(iface, note, stopped, sdp_port=_SDP_PORT, secure=False):
    """(address, port) of the station, by SDP on the interface. secure: the car wants TLS, else
    plain TCP. LinkError if nobody answers, or a station that wants the other; KeyboardInterrupt
    once stopped() is true."""
    try:
        index = socket.if_nametoindex(iface)
    except OSError:
        raise LinkError(f"no interface {iface}: there are {', '.join(n for _, n in socket.if_nameindex())}") from None
    # lo has no multicast route: there the station is asked directly.
    target = ("::1", sdp_port) if iface == "lo" else ("ff02::1", sdp_port, 0, index)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.settimeout(_SDP_EVERY_S)
        for number in range(_SDP_TRIES):
            if stopped():
                raise KeyboardInterrupt
            if number == 4:
                note("no answer to discovery yet; still asking")
            try:
                sock.sendto(_REQUEST + bytes((_TLS if secure else _PLAIN, 0)), target)
                data, _ = sock.recvfrom(64)
            except TimeoutError:
                continue
            except OSError as error:  # nobody on the port (lo), or the interface is not up yet
                if number + 1 == _SDP_TRIES:
                    raise LinkError(f"discovery on {iface} failed: {error}") from None
                time.sleep(_SDP_EVERY_S)
                continue
            if len(data) == 28 and data.startswith(_ANSWER) and data[27] == 0:
                if secure and data[26] != _TLS:
                    raise LinkError("the station has no TLS")
                if not secure and data[26] != _PLAIN:
                    raise LinkError("the station wants TLS: give the car its certificates (--tls DIR)")
                return socket.inet_ntop(socket.AF_INET6, data[8:24]), int.from_bytes(data[24:26], "big")
    raise LinkError(f"no station answers on {iface} within {_SDP_TRIES * _SDP_EVERY_S:.0f} s")


def run(cfg, iface, sink, stopped=lambda: False, sdp_port=_SDP_PORT):
    """One whole session; returns the Evcc. sink(record) gets every message and note; stopped() is
    true once the session is to end in an orderly way. LinkError if there is no station."""
    trace = Trace(sink)

    def note(text):
        trace.note(0, text)

    try:
        tls = stage(cfg, trace)
    except OSError as error:  # ssl.SSLError is one
        raise LinkError(f"{cfg['tls_dir']}: {error}") from None
    address, port = discover(iface, note, stopped, sdp_port, tls is not None)
    note(f"station at [{address}]:{port}")
    scope = socket.if_nametoindex(iface) if address.startswith("fe80") else 0
    car = Evcc(cfg, lambda: int(time.time()), trace)
    try:
        sock = _connect(address, port, scope)
    except OSError as error:
        raise LinkError(f"cannot connect to [{address}]:{port}: {error}") from None
    with sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        poller = Poller()
        conn = OsConn(sock, poller, b"")
        try:
            _loop(car, conn, poller, tls, stopped)
        finally:
            conn.end()
    note("session ok" if car.ok else "session failed: " + car.why)
    return car


def _connect(address, port, scope):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.settimeout(5)
    sock.connect((address, port, 0, scope))
    return sock


def _secured(conn, poller, tls):
    """The handshake; LinkError if it fails."""
    tls.open(conn, ticks_ms())
    while tls.phase == tls_stage.SHAKING:
        tls.pump(ticks_ms())
        if tls.phase == tls_stage.SHAKING and conn.broken:
            tls.lost(ticks_ms())
        elif tls.phase == tls_stage.SHAKING:
            conn.watch()
            poller.wait(_wait_ms(tls.due))
    if tls.phase != tls_stage.OPEN:
        raise LinkError("no TLS with this station")


def _wait_ms(due):
    return _LOOK_MS if due is None else min(_LOOK_MS, max(0, ticks_diff(due, ticks_ms())))


def _loop(car, conn, poller, tls, stopped):
    """From the handshake, if there is one, to the end of the session."""
    peer = conn
    if tls is not None:
        _secured(conn, poller, tls)
        peer = tls
    out, buf = bytearray(8192), bytearray(8192)
    at = n = 0
    car.start(ticks_ms())
    while car.state != OVER:
        now = ticks_ms()
        if tls is not None:
            tls.pump(now)
        car.poll(now)
        if at == n:
            at, n = 0, car.tx(out)
        if at < n:
            at += peer.write(out, at, n - at)
        conn.watch()
        for _, events in poller.wait(0 if tls is not None and tls.readable() else _wait_ms(car.due)):
            conn.happened(events)
        if peer.readable():
            car.rx(buf, peer.read(buf), ticks_ms())
        elif peer.at_end or conn.broken:
            car.lost(ticks_ms())
            return
        if stopped():
            car.request_stop()
    peer.close()
