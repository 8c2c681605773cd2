"""boards/unix/board/packet.py on a virtual cable, with the frozen image at one end. Host only,
needs root."""

import os
import subprocess

from firmware.clock import ticks_ms
from host_tools.station.process import SeccError, environment, firmware_command
from tests.interop import netns
from tests.interop.bad_wire import BadWire
from tests.lib.mtest import eq, skip
from tests.lib.patience import let_pass

RUNTIMES = ("cpython",)  # starts processes

SCRIPT = """
import sys, time
from board.packet import PacketPort
class Notes:
    def note(self, now, text, value=None):
        print(text)
port = PacketPort(sys.argv[1], Notes())
port.start(0)
sys.stdin.readline()
sizes = []
for _ in range(100000):  # a guard against hanging: the frames are there, or nearly
    n = port.recv()
    if n and port.frame[12] == 0x88:
        sizes.append((n, port.frame[14], port.frame[n - 1]))
        if len(sizes) == 3:
            break
    elif not n:
        time.sleep_ms(1)
print(sizes)
port.send(bytearray(b"\\xff" * 6 + port.mac + b"\\x88\\xe1shorter"), 21)
"""

SENDER = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88E1))
s.bind((sys.argv[1], 0))
s.settimeout(100)
for number, size in enumerate((60, 100, 1514)):
    s.send(b"\\xff" * 6 + b"\\x02\\0\\0\\0\\0\\1" + b"\\x88\\xe1" + bytes([number]) * (size - 14))
print("sent", flush=True)
frame = s.recv(2000)
print(len(frame), frame[14:21])
"""


def test_frames_that_wait_together_are_read_one_by_one():
    """A read that fills its buffer gave three frames as one, and the sounds of matching were lost
    in it."""
    if os.geteuid():
        skip("needs root")
    try:
        binary = firmware_command("unix")[0]
        cable = netns.Cable(70)
        cable.__enter__()
    except (OSError, SeccError, netns.NetnsError) as error:
        skip(str(error))
    processes = []

    def start(place, *command, **options):
        process = subprocess.Popen(
            [*netns.prefix(place[0]), *command, place[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options
        )
        processes.append(process)
        return process

    try:
        station = start(cable.secc, binary, "-c", SCRIPT, env=environment("unix"))
        eq(station.stdout.readline(), b"secc70 is up\n")
        car = start(cable.evcc, "python3", "-c", SENDER)
        eq(car.stdout.readline(), b"sent\n")
        let_pass(0.05)  # so that they wait together, as a rule
        station.stdin.write(b"\n")
        station.stdin.flush()
        eq(station.stdout.readline(), b"[(60, 0, 0), (100, 1, 1), (1514, 2, 2)]\n")
        eq(car.stdout.readline(), b"60 b'shorter'\n")  # padded to the least of Ethernet
    finally:
        for process in processes:
            process.kill()
            process.wait()
        cable.__exit__()


def arrived(settings, frames=200):
    """(numbers of the frames as they came out of a bad wire, the wire)."""
    wire = BadWire()
    wire.set([*settings.split(), "seed=3"])
    now = ticks_ms()
    for number in range(frames):
        wire.put("to", number, now)
    found = []
    while wire.due is not None:
        found += [frame for _, frame in wire.take(wire.due)]
    return found, wire


def segment(number, data):
    """An Ethernet frame with a TCP segment, as far as a wire looks."""
    tcp = bytes(4) + number.to_bytes(4, "big") + bytes(4) + bytes([0x50, 0x10]) + bytes(6) + data
    frame = bytes(12) + b"\x86\xdd" + bytes(4) + len(tcp).to_bytes(2, "big") + b"\x06\x40" + bytes(32) + tcp
    return frame + bytes(max(0, 60 - len(frame)))


def test_bad_wire_does_what_it_is_told():
    order, _ = arrived("")
    eq(order, list(range(200)))
    order, wire = arrived("loss=20")
    eq(len(order) + wire.lost, 200)
    assert 20 < wire.lost < 60 and order == sorted(order)
    wire.set(["loss=100", "spare=2"])
    for sent, lost in ((segment(1, b"x"), 2), (segment(2, b"x"), 2), (segment(1, b""), 9), (bytes(60), 9)):
        wire.lost = 0
        for _ in range(9):
            wire.put("to", sent, ticks_ms())
        eq(wire.lost, lost)
    order, _ = arrived("duplicate=100")
    eq(sorted(order), sorted(list(range(200)) * 2))
    order, _ = arrived("delay=15 jitter=15")
    assert order != sorted(order) and sorted(order) == list(range(200))
