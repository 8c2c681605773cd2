"""Pictures of the session report, as SVG text: everything that happened on one time axis, and the
powerline."""

import io

from host_tools.recordings.oneline import find

_INK = "#5b6472"  # readable on white and on dark
_PILOT = {
    "A": "#adb5bd",
    "B": "#4dabf7",
    "C": "#2f9e5b",
    "D": "#37b24d",
    "E": "#e03131",
    "F": "#f08c00",
    "?": "#e03131",
}
_LANE = ("#748ffc", "#63e6be", "#ffd43b", "#ffa94d", "#b197fc", "#74c0fc", "#8ce99a", "#faa2c1")
_SHORT = 0.055  # of the axis: a segment that is shorter has no room for a name, one below _TINY not even for a letter
_TINY = 0.012
_TAIL_S = 0.5  # what holds at the end is seen for this long


def _pyplot():
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10})
    import matplotlib.pyplot as plt

    return plt


def _svg(plt, figure):
    for axis in figure.axes:
        axis.tick_params(colors=_INK)
        axis.xaxis.label.set_color(_INK)
        axis.yaxis.label.set_color(_INK)
        axis.patch.set_alpha(0)
        for spine in axis.spines.values():
            spine.set_color(_INK)
        if axis.get_legend():
            for text in axis.get_legend().get_texts():
                text.set_color(_INK)
    figure.patch.set_alpha(0)
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]


# -- lanes: what was when


def _segments(points, end):
    """[(begin, length, name)] from [(begin, name)]; equal neighbours are one."""
    out = []
    for t, name in points:
        if out and out[-1][1] == name:
            continue
        out.append((t, name))
    ends = [t for t, _ in out[1:]] + [end]
    return [(t, stop - t, name) for (t, name), stop in zip(out, ends, strict=True)]


def _leases(records):
    """[(begin, name)] of whose set-point it was, and for how long it was given."""
    from firmware.app.lease import NAMES

    out, last, until = [], None, None
    for r in records:
        power = r.get("power", {})
        if "setpoint_source" not in power:
            continue
        t, source, left = r["t_ms"] / 1000, power["setpoint_source"], power["setpoint_left_s"]
        same = last == (source, power["setpoint_w"]) and (left < 0 or (until and abs(t + left - until) < 2))
        if not same:
            name = NAMES[source] if source < len(NAMES) else str(source)
            last, until = (source, power["setpoint_w"]), t + left if left >= 0 else None
            out.append((t, f"{name} {power['setpoint_w'] / 1000:+g} kW" + (f", {left + 1} s" if left >= 0 else "")))
    return out


def _lanes(records):
    """{lane: [(begin, length, name)]} of pilot, supervisor and session, in seconds; lanes without
    content are left out."""
    end = records[-1]["t_ms"] / 1000 + _TAIL_S
    pilot, station, session = [], [], []
    for r in records:
        t = r["t_ms"] / 1000
        if "pilot" in r:
            duty = r["pilot"]["duty_permille"]
            pilot.append((t, f"{r['pilot']['state']}  {duty / 10:g} %" if duty else "F"))
        elif "change" in r:
            if not station:
                station.append((records[0]["t_ms"] / 1000, r["change"]["from"]))
            station.append((t, r["change"]["to"]))
        elif "dir" in r and r["dir"] == "EVCC->SECC":
            session.append((t, r["state"]))
        elif "dir" in r and (r["name"] or "").startswith("SessionStop"):
            session.append((t, "Ended"))
    lanes = {
        "pilot": pilot,
        "station": station,
        "session": session if pilot or station else [],
        "set-point": _leases(records),
    }
    return {name: _segments(points, end) for name, points in lanes.items() if points}


def _draw_lanes(axis, lanes, begin, end):
    colours = {}
    for row, (lane, segments) in enumerate(lanes.items()):
        for t, length, name in segments:
            if lane == "pilot":
                colour = _PILOT[name[0]]
            else:
                colour = colours.setdefault(name, _LANE[len(colours) % len(_LANE)])
            axis.broken_barh([(t, length)], (-row - 0.4, 0.8), facecolors=colour, edgecolor="white", linewidth=0.6)
            share = length / (end - begin)
            if share > _SHORT or (lane == "pilot" and share > _TINY):
                shown = name if share * 130 > len(name) else name[: int(share * 130)].rstrip() + "…"
                if share <= _SHORT:
                    shown = name[0]
                axis.text(t + length / 2, -row, shown, ha="center", va="center", fontsize=8.5, color="#1d2530")
    axis.set_yticks([-row for row in range(len(lanes))], list(lanes))
    axis.set_ylim(-len(lanes) + 0.4, 0.6)
    axis.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


# -- power


def _draw_power(axis, records):
    samples = [(r["t_ms"] / 1000, r["power"]) for r in records if "power" in r]
    t = [s[0] for s in samples]
    kw = [s[1]["power_w"] / 1000 for s in samples]
    wanted = [s[1]["setpoint_w"] / 1000 for s in samples]
    soc = [
        (r["t_ms"] / 1000, value)
        for r in records
        if "dir" in r and (value := find(r["json"], "PresentSOC")) is not None
    ]
    axis.fill_between(t, kw, 0, where=[v >= 0 for v in kw], color="#2f9e5b", alpha=0.25, interpolate=True, linewidth=0)
    axis.fill_between(t, kw, 0, where=[v <= 0 for v in kw], color="#d9822b", alpha=0.25, interpolate=True, linewidth=0)
    axis.plot(t, kw, color="#1c7ed6", linewidth=2, label="measured power")
    axis.step(t, wanted, where="post", color=_INK, linewidth=1.2, linestyle="--", label="set-point")
    axis.axhline(0, color=_INK, linewidth=0.8)
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
    axis.legend(handles, labels, loc="upper center", ncols=3, frameon=False, bbox_to_anchor=(0.5, 1.16))
    axis.spines[["top"]].set_visible(False)


def timeline(records):
    """SVG: pilot, supervisor and session as lanes, below them power, set-point and state of charge.
    None if there is neither."""
    lanes = _lanes(records)
    powered = sum(1 for r in records if "power" in r) > 1
    if not lanes and not powered:
        return None
    plt = _pyplot()
    heights = [0.42 * len(lanes) + 0.2] * bool(lanes) + [3.4] * powered
    figure, axes = plt.subplots(
        len(heights), 1, sharex=True, figsize=(10, sum(heights) + 0.6), height_ratios=heights, squeeze=False
    )
    axes = [row[0] for row in axes]
    if lanes:
        first = min(segments[0][0] for segments in lanes.values())
        last = records[-1]["t_ms"] / 1000 + _TAIL_S
        _draw_lanes(axes[0], lanes, first, last)
        axes[0].set_xlim(first, last)
    if powered:
        _draw_power(axes[-1], records)
    axes[-1].set_xlabel("time in s")
    figure.subplots_adjust(hspace=0.3)
    return _svg(plt, figure)


# -- powerline


def attenuation(records):
    """SVG: attenuation by group of each car that was measured; None if none was."""
    found = {}
    for r in records:
        if "attenuation" in r:
            found[r["attenuation"]["mac"]] = r["attenuation"]
    if not found:
        return None
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(10, 2.4))
    width = 0.8 / len(found)
    for i, (mac, measured) in enumerate(found.items()):
        groups = measured["groups_db"]
        mean = sum(groups) / len(groups)
        places = [1 + group - 0.4 + width * (i + 0.5) for group in range(len(groups))]
        colour = ("#1c7ed6", "#d9822b", "#2f9e5b", "#9c36b5", "#e03131")[i % 5]
        label = f"{mac}: {measured['sounds']} sounds, mean {mean:.1f} dB"
        axis.bar(places, groups, width, color=colour, alpha=0.75, label=label)
        axis.axhline(mean, color=colour, linewidth=1, linestyle="--")
    axis.set_xlim(0.2, 58.8)
    axis.set_xlabel("group of carriers, from low to high frequency")
    axis.set_ylabel("dB")
    axis.legend(loc="upper center", ncols=2, frameon=False, bbox_to_anchor=(0.5, 1.2))
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    return _svg(plt, figure)
