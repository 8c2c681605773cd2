"""Recordings of a station from every source, as the same records (host_tools/station/process.py):

read(path)      a .pcapng of `microv2g trace pull`, raw lines of the console, /fault.trace, or the JSON lines of demo and secc
"""

import json
from pathlib import Path

from host_tools.recordings import pcap
from host_tools.recordings.lines import RecordError, from_lines

PCAPNG = b"\x0a\x0d\x0d\x0a"


def read(path):
    """(records, configuration of the station as a dict or None). Raises OSError, RecordError."""
    data = Path(path).read_bytes()
    if data[:4] == PCAPNG:
        return pcap.read(path)
    text = data.decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise RecordError(f"{path}: empty")
    if lines[0].lstrip().startswith("{"):
        return _json_lines(path, lines)
    if not any(len(line.split(" ", 2)) == 3 and line.split(" ")[1].isdigit() for line in lines):
        raise RecordError(f"{path}: neither pcapng, nor lines of a station, nor JSON lines")
    return from_lines(lines), None


def _json_lines(path, lines):
    records, config = [], None
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            record["t_ms"] + 0
        except (ValueError, KeyError, TypeError):
            raise RecordError(f"{path}:{number}: not a record") from None
        if "config" in record:
            config = record["config"]
        else:
            records.append(record)
    return records, config
