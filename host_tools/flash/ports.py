"""Serial ports: the one that is meant, and what USB says about it."""

from serial.tools import list_ports

from host_tools.flash import FlashError

_USB = {0x2E8A: "rp2", 0x303A: "esp32"}  # vendors whose chips have USB of their own
_BRIDGES = {0x10C4: "CP210x", 0x1A86: "CH34x", 0x0403: "FTDI", 0x067B: "PL2303"}


def found():
    """Ports behind USB; the ones of a mainboard carry no board."""
    return [port for port in list_ports.comports() if port.vid is not None]


def choose(port):
    """`port`, or the only one that is there. FlashError names the choice."""
    if port:
        return port
    ports = found()
    if len(ports) == 1:
        return ports[0].device
    if not ports:
        raise FlashError(
            "no serial port of a board found",
            "connect the board with a cable that carries data, or name it: --port PORT",
            2,
        )
    names = ", ".join("%s (%s)" % (p.device, p.description or "?") for p in ports)
    raise FlashError("several serial ports: " + names, "name the one of the board: --port PORT", 2)


def kind(port):
    """ "rp2" or "esp32" when USB says so, a bridge's name, else ""."""
    for known in list_ports.comports():
        if known.device == port and known.vid is not None:
            return _USB.get(known.vid) or _BRIDGES.get(known.vid, "")
    return ""
