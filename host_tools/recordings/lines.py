"""Console lines of a station (firmware/run/trace_lines.py) as records
(host_tools/station/process.py), and back."""

from host_tools.station.process import Decoder

CUT = "the recording is cut off"  # how the note at its end begins


class RecordError(Exception):
    """Not a recording; str() says which line."""


def from_lines(lines):
    """Records of console lines (firmware/run/trace_lines.py)."""
    decoder = Decoder()
    out = []
    for line in lines:
        try:
            out.append(decoder.record(line))
        except (ValueError, IndexError, TypeError) as error:  # cut off by a reset, or damaged on the way
            out.append({"t_ms": out[-1]["t_ms"] if out else 0, "error": f"unreadable line: {error}: {line[:80]}"})
    return out


def to_line(record):
    """The console line of a record; None for what has none (configuration)."""
    t = record["t_ms"]
    if "dir" in record:
        way = "rx" if record["dir"] == "EVCC->SECC" else "tx"
        return f"M {t} {way} {record['payload_type'][2:].lower()} {_state(record['state'])} {record['exi_hex']}"
    if "power" in record:
        return f"P {t} " + " ".join(str(value) for value in record["power"].values())
    if "pilot" in record:
        p = record["pilot"]
        return f"L {t} {p['state']} {p['duty_permille']} {p['high_mv']} {p['low_mv']}"
    if "change" in record:
        from firmware.app.plug_steps import STATE_NAMES

        c = record["change"]
        old, new = (STATE_NAMES.index(s) if s in STATE_NAMES else s for s in (c["from"], c["to"]))
        return f"T {t} {old} {new} {c['reason']}"
    if "attenuation" in record:
        a = record["attenuation"]
        groups = bytes(a["groups_db"]).hex()
        return f"A {t} {a['mac'].replace(':', '')}{a['sounds']:02x}{groups}"
    if "status" in record:
        return f"S {t} " + " ".join(f"{key}={value}" for key, value in record["status"].items())
    if "note" in record:
        return f"N {t} {record['note']}"
    if "error" in record:
        return f"E {t} {record['error']}"
    return None


def _state(state):
    from firmware.session.dialects import state_name

    return next((number for number in range(256) if state_name(number) == state), state)
