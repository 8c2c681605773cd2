"""Which serial port is meant."""

from host_tools.board.port.errors import PortError


def found():
    """Serial ports of this machine that can be a board: list of (path, description)."""
    from serial.tools import list_ports

    ports = sorted(list_ports.comports(), key=lambda p: p.device)
    # ttyS0.. are listed on every PC, whether or not anything is behind them: those with no hardware
    # id are not it.
    return [(p.device, p.description or "") for p in ports if p.hwid and p.hwid != "n/a"]


def choose(port, ports=None):
    """`port`, or the only one there is. PortError lists the choice."""
    if port:
        return port
    ports = found() if ports is None else ports
    if len(ports) == 1:
        return ports[0][0]
    if not ports:
        raise PortError(
            "no serial port found. Is the board plugged in, and its cable one for data? "
            "Permission: the user must be in the group of the device (dialout). Else name it: --port /dev/ttyACM0"
        )
    lines = "".join(f"\n  --port {path}   {what}" for path, what in ports)
    raise PortError("there are several serial ports; say which:" + lines)
