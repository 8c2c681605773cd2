"""Serial ports: the one that is meant, and what USB says about it."""

from serial.tools import list_ports

from host_tools.board.flash import FlashError
from host_tools.board.port import ports
from host_tools.board.port.errors import PortError

_USB = {0x2E8A: "rp2", 0x303A: "esp32"}  # vendors whose chips have USB of their own


def choose(port):
    """`port`, or the only one that is there. FlashError names the choice."""
    try:
        return ports.choose(port)
    except PortError as error:
        raise FlashError(str(error), status=2)


def kind(port):
    """ "rp2" or "esp32" when USB says so, else ""."""
    for known in list_ports.comports():
        if known.device == port and known.vid is not None:
            return _USB.get(known.vid, "")
    return ""


def only(wanted):
    """The only port of this kind, or None."""
    found = [port for port, _ in ports.found() if kind(port) == wanted]
    return found[0] if len(found) == 1 else None
