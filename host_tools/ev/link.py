"""The simulated car over the operating system's sockets: discovery, TCP, and the loop that waits."""

import select
import socket
import time

from firmware.clock import ticks_diff, ticks_ms
from host_tools.ev.evcc import Evcc
from host_tools.ev.states import OVER, STATE_NAMES

_SDP_PORT = 15118
_SDP_TRIES = 50  # [V2G2-161]
_SDP_EVERY_S = 0.25  # [V2G2-159]
_REQUEST = bytes.fromhex("01fe9000000000021000")  # no TLS yet, TCP
_ANSWER = bytes.fromhex("01fe900100000014")


class LinkError(Exception):
    """No station, or no such interface; str() says what to check."""


class Tracer:
    """What Evcc writes its messages to: decoded records for sink(record), with t_ms counted from the tick `begin`."""

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


def discover(iface, note, stopped, sdp_port=_SDP_PORT):
    """(address, port) of the station, by SDP on the interface. LinkError if nobody answers; KeyboardInterrupt once
    stopped() is true."""
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
                sock.sendto(_REQUEST, target)
                data, _ = sock.recvfrom(64)
            except TimeoutError:
                continue
            except OSError as error:  # nobody on the port (lo), or the interface is not up yet
                if number + 1 == _SDP_TRIES:
                    raise LinkError(f"discovery on {iface} failed: {error}") from None
                time.sleep(_SDP_EVERY_S)
                continue
            if len(data) == 28 and data.startswith(_ANSWER) and data[27] == 0:
                if data[26] != 0x10:
                    raise LinkError("the station wants TLS, which this car does not speak yet")
                return socket.inet_ntop(socket.AF_INET6, data[8:24]), int.from_bytes(data[24:26], "big")
    raise LinkError(f"no station answers on {iface} within {_SDP_TRIES * _SDP_EVERY_S:.0f} s")


def run(cfg, iface, sink, stopped=lambda: False, sdp_port=_SDP_PORT):
    """One whole session; returns the Evcc. sink(record) gets every message and note; stopped() is true once the session
    is to end in an orderly way. LinkError if there is no station."""
    tracer = Tracer(sink)
    address, port = discover(iface, tracer.note, stopped, sdp_port)
    tracer.note(f"station at [{address}]:{port}")
    scope = socket.if_nametoindex(iface) if address.startswith("fe80") else 0
    car = Evcc(cfg, lambda: int(time.time()), tracer)
    try:
        sock = _connect(address, port, scope)
    except OSError as error:
        raise LinkError(f"cannot connect to [{address}]:{port}: {error}") from None
    with sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        _loop(car, sock, stopped)
    tracer.note("session ok" if car.ok else "session failed: " + car.why)
    return car


def _connect(address, port, scope):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.settimeout(5)
    sock.connect((address, port, 0, scope))
    return sock


def _loop(car, sock, stopped):
    out = bytearray(8192)
    pending = b""
    car.start(ticks_ms())
    while car.state != OVER:
        now = ticks_ms()
        car.poll(now)
        n = car.tx(out)
        if n:
            pending += bytes(out[:n])
        if pending:
            try:
                pending = pending[sock.send(pending) :]
            except BlockingIOError:
                pass
            except OSError:
                car.lost(now)
                return
        due = car.due
        wait_s = 0.1 if due is None else min(0.1, max(0.0, ticks_diff(due, ticks_ms()) / 1000))
        readable, _, _ = select.select([sock], [sock] if pending else [], [], wait_s)
        if readable:
            try:
                data = sock.recv(8192)
            except OSError:
                data = b""
            if data:
                car.rx(data, len(data), ticks_ms())
            else:
                car.lost(ticks_ms())
        if stopped():
            car.request_stop()
