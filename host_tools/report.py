"""A page about one session, out of a trace: summary, power and state of charge over time, every message.

The trace is what `microv2g secc --trace` writes, or `microv2g ev --trace` (without the station's power then). The page is one file without anything to fetch.
"""

import io
import json
from pathlib import Path

from host_tools import oneline

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_KEEP = 2  # of many charge loops in a row so many pairs stay open at both ends
_INK = "#5b6472"  # readable on white and on dark


class ReportError(Exception):
    """The trace cannot be reported on; str() says why."""


def load(path):
    """Records of a trace file. ReportError names the line that is none."""
    records = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    record = json.loads(line)
                    record["t_ms"] + 0
                except (ValueError, KeyError, TypeError):
                    raise ReportError(f"{path}:{number}: not a trace record") from None
                records.append(record)
    if not any("dir" in record for record in records):
        raise ReportError(f"{path}: no message in this trace")
    return records


def find(obj, key):
    """First value of a key anywhere in a JSON object, or None."""
    if isinstance(obj, dict):
        if key in obj:
            return obj[key]
        obj = list(obj.values())
    if isinstance(obj, list):
        for item in obj:
            found = find(item, key)
            if found is not None:
                return found
    return None


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


def summary(records):
    """What the sessions came to: a dict of plain values. max_w, min_w, charged_wh and discharged_wh are None in the trace
    of a car, which has no samples of the station's power."""
    messages = [r for r in records if "dir" in r]
    power = [r["power"] for r in records if "power" in r]
    waits = _waits(messages)
    worst = max(waits, key=waits.get) if waits else None
    soc = [s for s in (find(m["json"], "PresentSOC") for m in messages) if s is not None]
    last = messages[-1]
    codes = [c for c in (find(m["json"], "ResponseCode") for m in messages) if c]
    bad = [c for c in codes if c.startswith(("FAILED", "Failed"))]
    ended = last["name"] == "SessionStopRes" and find(last["json"], "ResponseCode") == "OK"
    return {
        "ok": ended and not bad,
        "result": "SessionStopRes OK" if ended and not bad else (bad[0] if bad else f"ends with {last['name'] or '?'}"),
        "sessions": sum(1 for m in messages if m["name"] == "SessionSetupRes"),
        "seconds": (last["t_ms"] - messages[0]["t_ms"]) / 1000,
        "messages": len(messages),
        "loops": sum(1 for m in messages if (m["name"] or "").endswith("ChargeLoopRes")),
        "max_w": max(p["power_w"] for p in power) if power else None,
        "min_w": min(p["power_w"] for p in power) if power else None,
        "charged_wh": _total(p["energy_charged_wh"] for p in power) if power else None,
        "discharged_wh": _total(p["energy_discharged_wh"] for p in power) if power else None,
        "soc_from": soc[0] if soc else None,
        "soc_to": soc[-1] if soc else None,
        "worst_name": worst,
        "worst_ms": waits.get(worst, 0),
    }


def plot(records):
    """SVG text: power and set-point over time, state of charge on a second axis. None without power samples."""
    samples = [(r["t_ms"] / 1000, r["power"]) for r in records if "power" in r]
    if len(samples) < 2:
        return None
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10})
    import matplotlib.pyplot as plt

    t = [s[0] for s in samples]
    kw = [s[1]["power_w"] / 1000 for s in samples]
    wanted = [s[1]["setpoint_w"] / 1000 for s in samples]
    soc = [
        (r["t_ms"] / 1000, value)
        for r in records
        if "dir" in r and (value := find(r["json"], "PresentSOC")) is not None
    ]
    figure, axis = plt.subplots(figsize=(10, 3.6))
    axis.fill_between(t, kw, 0, where=[v >= 0 for v in kw], color="#2f9e5b", alpha=0.25, interpolate=True, linewidth=0)
    axis.fill_between(t, kw, 0, where=[v <= 0 for v in kw], color="#d9822b", alpha=0.25, interpolate=True, linewidth=0)
    axis.plot(t, kw, color="#1c7ed6", linewidth=2, label="power")
    axis.step(t, wanted, where="post", color=_INK, linewidth=1.2, linestyle="--", label="set-point")
    axis.axhline(0, color=_INK, linewidth=0.8)
    axis.set_xlabel("time in s")
    axis.set_ylabel("kW   (above 0 into the car)")
    handles, labels = axis.get_legend_handles_labels()
    if soc:
        right = axis.twinx()
        right.plot([s[0] for s in soc], [s[1] for s in soc], color="#9c36b5", linewidth=1.6, label="SoC")
        right.set_ylabel("SoC in %")
        values = [s[1] for s in soc]
        right.set_ylim(max(0, min(values) - 8), min(100, max(values) + 8))
        more, names = right.get_legend_handles_labels()
        handles, labels = handles + more, labels + names
        right.spines[["top"]].set_visible(False)
    axis.legend(handles, labels, loc="upper center", ncols=3, frameon=False, bbox_to_anchor=(0.5, 1.14))
    axis.spines[["top"]].set_visible(False)
    for a in figure.axes:
        a.tick_params(colors=_INK)
        a.xaxis.label.set_color(_INK)
        a.yaxis.label.set_color(_INK)
        for spine in a.spines.values():
            spine.set_color(_INK)
    for text in axis.get_legend().get_texts():
        text.set_color(_INK)
    figure.patch.set_alpha(0)
    for a in figure.axes:
        a.patch.set_alpha(0)
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]


def _rows(records):
    """Message and note rows for the page; long runs of charge loops are folded into one row with the rest inside."""
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
        elif "note" in r or "error" in r:
            rows.append({"t": f"{r['t_ms'] / 1000:.3f}", "note": r.get("note") or r["error"], "error": "error" in r})
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
        title=title, facts=facts, plot=plot(records), rows=_rows(records)
    )
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(page, encoding="utf-8")
    return facts
