"""The converter on a board's CAN chip, an MCP2515. Imported when `stage` asks for it: it costs
heap."""

from drivers.mcp2515 import Mcp2515


def converter(cfg, spi, cs, int_pin, trace):
    """The converter that the configuration names. spi, cs, int_pin: `can_spi` of the board's
    hardware."""
    if cfg["converter"] == "beg":
        from drivers.infypower_beg import Beg1k075g as Kind
        from drivers.infypower_beg import accept
    else:
        from drivers.infypower_reg import Reg as Kind
        from drivers.infypower_reg import accept
    mask, idents = accept(cfg)
    chip = Mcp2515(spi, cs, int_pin, cfg["can_crystal_mhz"], cfg["can_bit_rate"], mask, idents, trace)
    return Kind(chip, cfg, trace)
