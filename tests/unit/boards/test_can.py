"""The converter that a board makes of its configuration, on the model of its CAN chip."""

from drivers.infypower_beg import Beg1k075g
from drivers.infypower_reg import Reg
from firmware.app import config
from firmware.clock import ticks_add
from mcu.can import converter
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from twin import infypower as models
from twin.can_bus import CanBus
from twin.dc_line import DcLine
from twin.mcp2515 import Mcp2515

T0 = ticks_add(0, -300)


def test_converter_module_bit_rate_and_crystal_are_what_the_configuration_says():
    kinds = (("beg", Beg1k075g, models.Beg), ("reg", Reg, models.Reg))
    for name, kind, model in kinds:
        for kbit, crystal_mhz, address in ((125, 8, 0), (250, 16, 5), (500, 8, 63)):
            cfg = config.merge(
                {"converter": name, "can_bit_rate": kbit, "can_crystal_mhz": crystal_mhz, "can_module": address}
            )
            bus = CanBus()
            chip = Mcp2515(bus, crystal_mhz * 1000000)
            module = model(DcLine(), 3 if address == 63 else address, kbit * 1000)
            notes = Notes()
            part = converter(cfg, chip, chip.cs, chip.int_pin, notes)
            now = T0
            bus.start(now)
            chip.start(now)
            module.plug(bus, now)
            part.start(now)
            for _ in range(1500):
                now = ticks_add(now, 1)
                bus.poll(now)
                chip.poll(now)
                module.poll(now)
                part.poll(now)
            eq((type(part), part.ready, part.faults), (kind, True, 0))
            assert [n for n in notes.notes if "converter: answers" in str(n)], notes.notes
