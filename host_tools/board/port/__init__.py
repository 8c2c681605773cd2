"""A station at a serial port: what is there, requests and their answers, the stream of its records.

    from host_tools.board.port import Station

    with Station.open("/dev/ttyACM0") as station:      # or None: the only port that there is
        station.ask("setpoint -5000")
        for line in station.ask("status"): ...
        for line in station.stream(): ...              # lines of firmware/run/trace_lines.py

protocol.py is the pure part, bytes in and lines out; link.py has the port, time and repetition;
ports.py finds it; cli.py has the options that all commands share.
"""

from host_tools.board.port.errors import NoAnswer, PortError, Refusal
from host_tools.board.port.link import Station

__all__ = ("NoAnswer", "PortError", "Refusal", "Station")
