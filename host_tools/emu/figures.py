"""The figures of a scenario: as a dict, as tables of a terminal, and as Markdown for
docs/benchmarks.md."""

from dataclasses import asdict


def facts(result):
    """A dict for --json; (name, ms) of the messages condensed to the longest and the mean of each
    name."""
    out = asdict(result)
    for session in out["sessions"]:
        session["messages"] = [
            dict(zip(("name", "count", "mean_ms", "longest_ms", "car_longest_ms"), row))
            for row in messages(session["messages"])
        ]
        causes = session.pop("causes")
        session["interrupt_to_cause_ms"] = {
            "count": len(causes),
            "mean": mean(causes),
            "longest": max(causes, default=0.0),
        }
    out["cuts"] = {"count": len(result.cuts), "new_value": sum(1 for cut in result.cuts if cut[1]),
                   "good": sum(1 for cut in result.cuts if cut[2])}  # fmt: skip
    return out


def mean(values):
    return sum(values) / len(values) if values else 0.0


def messages(rows):
    """[(name, count, mean ms, longest ms, longest for the car)] of Observer.messages, in the order
    of first appearance."""
    by_name = {}
    for name, ms, car_ms in rows:
        by_name.setdefault(name, []).append((ms, car_ms))
    return [
        (name, len(times), mean([ms for ms, _ in times]), max(ms for ms, _ in times), max(ms for _, ms in times))
        for name, times in by_name.items()
    ]


_ANSWERS = ("answer", "count", "mean ms", "longest ms", "longest for the car")
_PHASES = ("phase", "s", "CPU", "interrupts", "longest pilot gap", "longest turn", "collections", "longest")


def _phase_rows(session):
    for p in session.phases:
        turn = "-" if not p.turn_ms else "%.0f ms" % p.turn_ms
        yield (
            p.name, "%.2f" % (p.ms / 1000), "%.0f %%" % (p.busy * 100), "%.1f %%" % (p.handlers * 100),
            "%.3f ms" % p.pilot_gap_ms, turn, "%d, %.0f %%" % (p.collections, p.collecting * 100), "%.1f ms" % p.collection_ms,
        )  # fmt: skip


def _summary(session):
    return (
        "%s: %s; %.1f Wh in, %.1f Wh out; handshake %.2f s; longest gap between two looks at the pilot %d cycles; interrupt to cause %.1f ms (mean), %.1f ms (longest); heap in the loop: %s, behind the session: %s"
        % (
            session.service, "ok" if session.ok else session.why, session.in_wh, session.out_wh, session.handshake_ms / 1000,
            max([p.pilot_gap_ms for p in session.phases] or [0]) * 125000,
            mean(session.causes), max(session.causes, default=0.0), session.loop_heap or "-", session.heap or "-",
        )
    )  # fmt: skip


def _low(low):
    return "Least free heap, %s: %d bytes, %d in one piece; %d collections, the longest %d cycles" % (
        low.run, low.free, low.largest, low.collections, low.longest_cycles,
    )  # fmt: skip


def _stack(result):
    return "C stack, deepest in all of that: %d of %d bytes left" % (result.stack_free, result.stack_size)


def show(result, console):
    """Tables on a rich console."""
    from rich.table import Table

    console.print("boot to running station: %.0f ms" % result.boot_ms)
    for session in result.sessions:
        console.print(_summary(session))
        table = Table(*_PHASES, title=session.service, title_justify="left")
        for row in _phase_rows(session):
            table.add_row(*row)
        console.print(table)
        table = Table(*_ANSWERS)
        for name, count, mean_ms, longest_ms, car_ms in messages(session.messages):
            table.add_row(name, str(count), "%.1f" % mean_ms, "%.1f" % longest_ms, "%.1f" % car_ms)
        console.print(table)
    for low in result.lows:
        console.print(_low(low))
    if result.stack_free is not None:
        console.print(_stack(result))
    if result.cuts:
        good = sum(1 for cut in result.cuts if cut[2])
        console.print("power cuts: %d of %d starts found the old or the new configuration" % (good, len(result.cuts)))


def markdown(result):
    """Section for docs/benchmarks.md."""
    lines = [
        "## Emulated RP2040, 125 MHz",
        "",
        "The image of boards/rpi_pico in rp2040js (`make emu`), cycles counted, flash through the model of its cache. Message:",
        "from the release of CS behind the read of the request to the one behind the write of the answer. Turn: longest time",
        "between two turns of the main loop. Collections: of garbage, number, share of the time and the longest.",
        "",
        "Boot to running station: %.0f ms." % result.boot_ms,
        "",
    ]
    for session in result.sessions:
        lines += [_summary(session) + ".", "", "| %s |" % " | ".join(_PHASES), "|%s" % ("---|" * len(_PHASES))]
        lines += ["| %s |" % " | ".join(row) for row in _phase_rows(session)]
        lines += ["", "| %s |" % " | ".join(_ANSWERS), "|---|---|---|---|---|"]
        lines += ["| %s | %d | %.1f | %.1f | %.1f |" % row for row in messages(session.messages)] + [""]
    if result.lows:
        lines += [
            "Heap behind a collection of garbage, counted on the board from its boot to the end of the last session, handshakes included:",
            "",
        ]
        lines += ["* %s." % _low(low) for low in result.lows]
        lines += ["* %s." % _stack(result)] if result.stack_free is not None else []
        lines += [""]
    if result.cuts:
        good = sum(1 for cut in result.cuts if cut[2])
        lines += [
            "Power cuts in a write of the configuration: %d of %d starts found the old or the new one whole."
            % (good, len(result.cuts)),
            "",
        ]
    return "\n".join(lines)
