"""The car's end of the simulated cable (twin/cable.py): a UDP socket to a station with `--link
sim`, and the loop that waits."""

import os
import select
import socket
import time

from firmware.clock import ticks_add, ticks_diff, ticks_ms
from host_tools.ev.car import Car
from host_tools.ev.link import LinkError, Trace
from host_tools.ev.tls import stage
from twin import cable as wire

PORT = 15119
_PLUG_WAIT_S = 5.0  # for the station to say something


class Cable:
    """Cable to the station at a port of loopback; what Car calls its cable."""

    def __init__(self, port=PORT):
        self.port = port
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.heard = False
        self._load = None
        self._load_due = None

    def send(self, modem, data, now):
        self._put(b"F" + data)

    def poll(self, car, now):
        """Take what came in, tell the load when it has changed or its time has come."""
        while True:
            try:
                data = self.sock.recv(wire.MOST)
            except BlockingIOError:
                break
            except OSError:  # nobody on the port: the answer of the system to an earlier datagram
                continue
            if data[:1] == b"F":
                car.line_rx(data[1:], now)
            elif data[:1] == b"P" and len(data) == wire.PILOT_SIZE:
                self.heard = True
                if car.load[1] & wire.PLUGGED:
                    car.pilot(wire.word(data, 1), now)
        if car.load != self._load or self._load_due is None or ticks_diff(now, self._load_due) >= 0:
            self._load = car.load
            self._load_due = ticks_add(now, wire.ALIVE_MS)
            self._put(wire.pack_load(*car.load))

    def repeat_load(self):
        """The next poll() tells the load, changed or not."""
        self._load_due = None

    def _put(self, data):
        try:
            self.sock.send(data)
        except OSError:
            pass  # the medium loses frames; poll() repeats the load

    def close(self):
        self.sock.close()


def run(cfg, port, sink, stopped=lambda: False):
    """One car from plug-in to unplug; returns its Car. sink(record) gets every message and note;
    stopped() is true once the session is to end in an orderly way. LinkError if there is no station
    on the port."""
    cable = Cable(port)
    tracer = Trace(sink)
    mac = bytes((2,)) + os.urandom(4) + b"\x10"
    try:
        tls = stage(cfg, tracer)
    except OSError as error:  # ssl.SSLError is one
        raise LinkError(f"{cfg['tls_dir']}: {error}") from None
    car = Car(cfg, mac, cable, os.urandom, lambda: int(time.time()), tracer, tls)
    began = time.monotonic()
    car.start(ticks_ms())
    told = False
    try:
        while not car.done:
            now = ticks_ms()
            cable.poll(car, now)
            car.poll(now)
            cable.poll(car, now)
            if not cable.heard and time.monotonic() - began > _PLUG_WAIT_S:
                raise LinkError(
                    f"no station at UDP port {port} of this machine: start `microv2g secc --link sim` first"
                )
            if stopped() and not told:
                told = True
                car.request_stop()
            due = car.due
            wait_s = 0.05 if due is None else min(0.05, max(0.0, ticks_diff(due, ticks_ms()) / 1000))
            select.select([cable.sock], [], [], wait_s)
        for _ in range(2):  # the open plug must arrive
            cable.poll(car, ticks_ms())
            cable.repeat_load()
    finally:
        cable.close()
    tracer.note(ticks_ms(), "session ok" if car.ok else "session failed: " + car.why)
    return car
