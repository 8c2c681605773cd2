"""Recordings of a station from every source, as the same records (host_tools/station/process.py):

read(path)      a .pcapng of `microv2g trace pull`, raw lines of the console, /fault.trace, or the JSON lines of demo and secc
"""

import json
import re
from pathlib import Path

from host_tools import userfile
from host_tools.recordings import pcap
from host_tools.recordings.lines import CUT, RecordError, from_lines

_OURS = "recordings are what `microv2g trace pull` and --trace write"
PCAPNG = b"\x0a\x0d\x0d\x0a"


def read(path):
    """(records, configuration of the station as a dict or None). Raises OSError, RecordError."""
    data = Path(path).read_bytes()
    if data[:4] == PCAPNG:
        return pcap.read(path)
    what = userfile.kind(data)
    if what:
        raise RecordError(f"{path}: it is {what}; {_OURS}")
    text = data.decode("utf-8-sig", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise RecordError(f"{path}: empty")
    if lines[0].lstrip().startswith("{"):
        return _json_lines(path, lines, not text.endswith("\n"))
    if not any(re.match(r"[A-Z] \d+ ", line) for line in lines):
        raise RecordError(f"{path}: neither pcapng, nor lines of a station, nor JSON lines; {_OURS}")
    return from_lines(lines), None


def _json_lines(path, lines, open_end):
    """open_end: the last line has no end, so its program was stopped while it wrote: what is whole
    counts."""
    records, config = [], None
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            record["t_ms"] + 0
        except (ValueError, KeyError, TypeError):
            if open_end and number == len(lines) and records:
                records.append({"t_ms": records[-1]["t_ms"], "note": f"{CUT}: line {number} has no end"})
                break
            raise RecordError(f"{path}:{number}: not a record") from None
        if "config" in record:
            config = record["config"]
        else:
            records.append(record)
    return records, config
