"""A converter of drivers/ behind the chip model and its bus, for a program that plays the module:
runs on the unix port, in simulated time, one line in and one line out.

    micropython can_station.py ROOT beg|reg MHZ KBIT

    in:   MS [set MV MA | off | clear] [frame ...]
    out:  ready on live faults mv ma age_ms can_w refused | frame ...

Frames as in can_hex.py. Those in the line are sent to the bus
first; then so much time passes; those that the driver has sent come back. A last line "chip" gives
the registers CNF1, CNF2, CNF3 and the crystal in Hz.
"""

import sys

sys.path[:] = [".frozen", sys.argv[1]]

from drivers.mcp2515 import Mcp2515
from firmware.clock import ticks_add
from tests.lib.can_hex import frame_of, hexed
from twin import mcp2515 as chip_model
from twin.can_bus import CanBus, Node


def main(kind, crystal_mhz, kbit):
    cfg = {"can_module": 0, "converter_silence_ms": 10000}
    if kind == "beg":
        from drivers.infypower_beg import Beg1k075g as Converter
        from drivers.infypower_beg import accept
    else:
        from drivers.infypower_reg import Reg as Converter
        from drivers.infypower_reg import accept
    bus = CanBus(0)
    chip = chip_model.Mcp2515(bus, crystal_mhz * 1000000)
    peer = Node(kbit * 1000)
    bus.attach(peer)
    mask, idents = accept(cfg)
    converter = Converter(Mcp2515(chip, chip.cs, chip.int_pin, crystal_mhz, kbit, mask, idents), cfg)
    now = ticks_add(0, -300)
    bus.start(now)
    chip.start(now)
    converter.start(now)
    while True:
        words = sys.stdin.readline().split()
        if not words:
            return
        if words[0] == "chip":
            print(chip._regs[0x2A], chip._regs[0x29], chip._regs[0x28], chip.crystal_hz)
            continue
        ms = int(words.pop(0))
        if words and words[0] == "set":
            converter.set(int(words[1]), int(words[2]), now)
            words = words[3:]
        elif words and words[0] in ("off", "clear"):
            getattr(converter, words.pop(0))(now)
        for word in words:
            peer.tx.append(frame_of(word))
            bus.wake()
        for _ in range(ms):
            bus.poll(now)
            chip.poll(now)
            converter.poll(now)
            now = ticks_add(now, 1)
        c = converter
        out = (c.ready, c.on is True, c.live, c.faults, c.mv, c.ma, c.age_ms(now), c.can_charge_w, c.refused)
        print(*[int(value) for value in out], "|", *[hexed(f) for f in peer.got])
        peer.got = []


main(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
