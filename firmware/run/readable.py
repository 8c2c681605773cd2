"""The last records of the trace as text for a person: names of messages and states, times in
seconds."""

from firmware.app.plug_steps import STATE_NAMES as CHARGER
from firmware.session import sap
from firmware.session.dialects import state_name
from firmware.trace import ATTENUATION, CHANGE, ERROR, FROM_CAR, MESSAGE, PILOT, POWER, Cursor


def last(trace, n):
    """Iterate over the lines of the last n records of a trace with `keep`; consumes nothing."""
    cursor = Cursor(trace)
    end = trace.last
    begin = end - n
    lines = []

    def skip(*_):
        return True

    def sink(kind, t_ms, direction, payload_type, state, buf, at, size):
        lines.append(text(kind, t_ms, direction, payload_type, state, bytes(buf[at : at + size])))
        return True

    while cursor.seq < end:
        trace.walk(cursor, skip if cursor.seq < begin else sink)
        if lines:
            yield lines.pop()


def text(kind, t_ms, direction, payload_type, state, content):
    """One record as a line."""
    head = "%6d.%03d " % (t_ms // 1000, t_ms % 1000)
    if kind == MESSAGE:
        way = "-->" if direction == FROM_CAR else "<--"
        return head + "%s %s (%d bytes, %s)" % (
            way,
            sap.name(state, payload_type, content),
            len(content),
            state_name(state),
        )
    if kind == ATTENUATION:
        groups = content[7:]
        mean = sum(groups) // len(groups) if groups else 0
        return head + " .  attenuation %d dB, %d sounds" % (mean, content[6])
    words = str(content, "utf-8")
    if kind == CHANGE:
        old, new, reason = words.split(" ", 2)
        return head + " *  %s -> %s: %s" % (CHARGER[int(old)], CHARGER[int(new)], reason)
    if kind == PILOT:
        state, duty, high, low = words.split(" ")
        return head + " .  pilot %s, duty %s permille, %s / %s mV" % (state, duty, high, low)
    if kind == POWER:
        w = words.split(" ")
        return head + " ~  %s W of %s W, %s mV, %s mA, contactor %s" % (w[1], w[0], w[2], w[3], w[4])
    return head + (" !  " if kind == ERROR else " .  ") + words
