"""What can be wrong with the wiring of an emulated board."""

from dataclasses import dataclass, fields


@dataclass
class Faults:
    """May be changed while the board runs, pev_pib excepted."""

    no_modem: bool = False  # nobody on SPI and INT
    swapped: bool = False  # MISO and MOSI exchanged
    pev_pib: bool = False  # the modem has the parameters of a car's: it does not measure sounds
    pilot_shorted: bool = False  # CP to PE
    diode_shorted: bool = False  # of the car
    pp_open: bool = False  # the proximity wire is off
    welded: bool = False  # the contactor does not open
    stuck_open: bool = False  # it does not close
    mirror_open: bool = False  # the wire of the mirror contact is off
    int_open: bool = False  # INT is not connected
    spi_limit_hz: float = 0.0  # bits are wrong above this clock; 0 = never
    spi_errors: float = 0.001  # part of the bytes then

    @classmethod
    def named(cls, names):
        """Fields for Faults, out of a list like ["swapped", "spi_limit_hz=8e6"]. ValueError names
        those there are."""
        known = {field.name: field.type for field in fields(cls)}
        out = {}
        for name in names:
            key, _, value = name.partition("=")
            if key not in known:
                raise ValueError("no fault %r; there are: %s" % (key, ", ".join(known)))
            out[key] = float(value) if value else True
        return out
