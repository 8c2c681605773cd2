"""A page about one session, out of a trace: summary, power and state of charge over time, every
message.

The trace is what `microv2g secc --trace` writes, or `microv2g ev --trace` (without the station's
power then), or `microv2g trace pull`. The page is one file without anything to fetch.
"""

import json
from pathlib import Path

from host_tools.recordings import oneline, report_plots
from host_tools.recordings import records as recording
from host_tools.recordings.lines import CUT, RecordError
from host_tools.recordings.oneline import find

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_KEEP = 2  # of many charge loops in a row so many pairs stay open at both ends


class ReportError(Exception):
    """The trace cannot be reported on; str() says why."""


def load(path):
    """Records of a recording. ReportError says what it is instead, and in which line."""
    try:
        records, _ = recording.read(path)
    except RecordError as error:
        raise ReportError(str(error)) from None
    if not records:
        raise ReportError(f"{path}: no record in this trace")
    return records


def _total(values):
    """What a counter came to that starts again at zero with every session."""
    total = last = 0
    for value in values:
        total += value - last if value >= last else value
        last = value
    return total


def _waits(messages):
    """Longest time in ms from a request to its answer, by name without Req or Res."""
    waits, asked = {}, None
    for m in messages:
        if m["dir"] == "EVCC->SECC":
            asked = m
        elif asked:
            name = (m["name"] or "?").removesuffix("Res")
            waits[name] = max(waits.get(name, 0), m["t_ms"] - asked["t_ms"])
            asked = None
    return waits


def _attenuation(records):
    """Mean attenuation in dB of the last matching, or None."""
    groups = [r["attenuation"]["groups_db"] for r in records if "attenuation" in r]
    return sum(groups[-1]) / len(groups[-1]) if groups and groups[-1] else None


def _tls(records):
    """What the last handshake agreed on, "" without TLS."""
    notes = [r["note"] for r in records if r.get("note", "").startswith("tls 1.3")]
    return notes[-1].replace("tls", "TLS", 1) if notes else ""


def _link_s(records):
    """Seconds from the first plug-in to the data link, or None."""
    changes = [(r["t_ms"], r["change"]) for r in records if "change" in r]
    plugged = next((t for t, change in changes if change["from"] == "Unplugged" and change["to"] != "Fault"), None)
    linked = next((t for t, change in changes if change["to"] == "Linked"), None)
    return None if plugged is None or linked is None else (linked - plugged) / 1000


def _letters(records):
    """Pilot states in their order, as "A B C B A"; "" without a pilot."""
    letters = []
    for r in records:
        if "pilot" in r and r["pilot"]["state"] != "?" and r["pilot"]["state"] not in letters[-1:]:
            letters.append(r["pilot"]["state"])
    return " ".join(letters)


def summary(records):
    """What the sessions came to: a dict of plain values. max_w, min_w, charged_wh and discharged_wh
    are None in the trace of a car, which has no samples of the station's power."""
    messages = [r for r in records if "dir" in r]
    power = [r["power"] for r in records if "power" in r]
    waits = _waits(messages)
    worst = max(waits, key=waits.get) if waits else None
    soc = [s for s in (find(m["json"], "PresentSOC") for m in messages) if s is not None]
    last = messages[-1] if messages else None
    codes = [c for c in (find(m["json"], "ResponseCode") for m in messages) if c]
    bad = [c for c in codes if c.startswith(("FAILED", "Failed"))]
    ended = bool(last) and last["name"] == "SessionStopRes" and find(last["json"], "ResponseCode") == "OK"
    end = f"ends with {last['name'] or '?'}" if last else "no message"
    timed = messages or records
    return {
        "ok": ended and not bad,
        "result": "SessionStopRes OK" if ended and not bad else (bad[0] if bad else end),
        "sessions": sum(1 for m in messages if m["name"] == "SessionSetupRes"),
        "seconds": (timed[-1]["t_ms"] - timed[0]["t_ms"]) / 1000,
        "messages": len(messages),
        "loops": sum(1 for m in messages if (m["name"] or "").endswith("ChargeLoopRes")),
        "max_w": max(p["power_w"] for p in power) if power else None,
        "min_w": min(p["power_w"] for p in power) if power else None,
        "charged_wh": _total(p["energy_charged_wh"] for p in power) if power else None,
        "discharged_wh": _total(p["energy_discharged_wh"] for p in power) if power else None,
        "soc_from": soc[0] if soc else None,
        "soc_to": soc[-1] if soc else None,
        "attenuation_db": _attenuation(records),
        "tls": _tls(records),
        "pilot": _letters(records),
        "link_s": _link_s(records),
        "contactor_closed": bool(power and power[-1].get("contactor")),
        "cut": [r["note"] for r in records if r.get("note", "").startswith(CUT)],
        "worst_name": worst,
        "worst_ms": waits.get(worst, 0),
    }


def _rows(records):
    """Message and note rows for the page; long runs of charge loops are folded into one row with
    the rest inside."""
    rows = []
    for r in records:
        if "dir" in r:
            json_text = json.dumps(r["json"], indent=2, ensure_ascii=False) if r["json"] else r.get("decode_error", "")
            code = find(r["json"], "ResponseCode") or ""
            rows.append(
                {
                    "t": f"{r['t_ms'] / 1000:.3f}",
                    "name": r["name"] or "?",
                    "from_car": r["dir"] == "EVCC->SECC",
                    "text": oneline.summary(r["json"]) if r["json"] else "",
                    "json": json_text,
                    "bad": code.startswith(("FAILED", "Failed")),
                    "state": r.get("state", ""),
                    "hex": r["exi_hex"],
                    "type": r["payload_type"],
                }
            )
        elif "error" in r:
            rows.append({"t": f"{r['t_ms'] / 1000:.3f}", "note": r["error"], "error": True})
        elif any(key in r for key in ("note", "pilot", "change", "attenuation")):
            rows.append({"t": f"{r['t_ms'] / 1000:.3f}", "note": oneline.event(r), "error": False})
    out, run = [], []
    for row in [*rows, None]:
        if row and "ChargeLoop" in row.get("name", ""):
            run.append(row)
            continue
        if len(run) > 4 * _KEEP + 2:
            middle = run[2 * _KEEP : -2 * _KEEP]
            out += [*run[: 2 * _KEEP], {"fold": middle, "count": len(middle) // 2}, *run[-2 * _KEEP :]]
        else:
            out += run
        run = []
        if row:
            out.append(row)
    return out


def build_report(trace, out, title="microv2g session"):
    """Write the page for a trace file; returns its summary. Raises ReportError."""
    import jinja2

    records = load(trace)
    facts = summary(records)
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True)
    page = environment.get_template("session.html").render(
        title=title,
        facts=facts,
        plot=report_plots.timeline(records),
        attenuation=report_plots.attenuation(records),
        rows=_rows(records),
    )
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(page, encoding="utf-8")
    return facts
