"""Print the law of the supervisor from its one table, `firmware/app/plug_steps.py`, into
docs/supervisor.md.

python -m host_tools.gen.supervisor          rewrite docs/supervisor.md
python -m host_tools.gen.supervisor --check  exit 1 if it is not in step
"""

import re
import sys

from host_tools.root import ROOT

SOURCE = ROOT / "firmware" / "app" / "plug_steps.py"
PAGE = ROOT / "docs" / "supervisor.md"

HEAD = """# The supervisor: one plug, one car

Printed from `firmware/app/plug_steps.py` by `make gen`; do not edit. `firmware/app/charger.py` obeys these tables and adds
nothing: what an event does is a row, and the pilot and the timer of a state are in the table of states. The last column names
the requirements ([requirements.md](requirements.md)) by which a row can be checked against ISO 15118-3 and IEC 61851-1.

"""

MIDDLE = """
GivingUp is a choice and no state: it is left at once. Not drawn, because they hold in every state that has no row of its own
for the event:

"""

TAIL = """
A pair of state and event without a row changes nothing and is written into the trace as an error.

Beside the tables two things hold with every poll, in every state: the pilot is looked at first, and `power.permit` is told
whether the car may be energised. That needs a state in which power may flow, a pilot in C or D that
does not bounce, a diode that was seen, and a cable with a known rating. A no opens the contactor in the same call; a yes is good
for 60 ms from its sample.
"""


def _load():
    sys.path[:0] = [str(ROOT / "host_tools" / "shim"), str(ROOT / "boards" / "unix"), str(ROOT)]
    from firmware.app import charger, plug_steps

    return plug_steps, charger.Charger


def comments(text, table):
    """The comment of each row of a table in the source, "" where there is none. A row is one
    line."""
    out = []
    inside = False
    for line in text.splitlines():
        if line == table + " = (":
            inside = True
        elif inside and line == ")":
            return out
        elif inside and line.startswith("    ("):
            out.append(line.partition("),  #" if "),  #" in line else "),   #")[2].strip())
    raise ValueError("no table " + table)


def many(field):
    return field if isinstance(field, tuple) else (field,)


def page():
    plug, Charger = _load()
    text = SOURCE.read_text(encoding="utf-8")
    names, events = plug.STATE_NAMES, plug.EVENT_NAMES
    going_on, sources = comments(text, "STATES"), comments(text, "ROWS")
    assert len(going_on) == len(plug.STATES) == len(names) and len(sources) == len(plug.ROWS)

    def states_of(field):
        return "every other" if field == plug.ANY else ", ".join(names[state] for state in many(field))

    edges = {}
    everywhere = []
    for state, event, guard, _, then, why in plug.ROWS:
        said = " or ".join(events[e] for e in many(event))
        if event == plug.NOW:
            said = "at once"
        if guard:
            said += " [%s]" % guard
        if state == plug.ANY and then != plug.STAY:
            everywhere.append("* %s: to %s (%s)" % (said, names[then], why))
        elif then != plug.STAY:
            for one in many(state):
                edges.setdefault((one, then), []).append(said)
    lines = ["```mermaid", "stateDiagram-v2", "    state GivingUp <<choice>>", "    [*] --> " + names[plug.UNPLUGGED]]
    lines += ["    %s --> %s : %s" % (names[a], names[b], ", ".join(said)) for (a, b), said in edges.items()]
    lines += ["```"]
    rows = [
        "",
        "## States",
        "",
        "| state | number | pilot | at most | power may flow | what is going on |",
        "|---|---|---|---|---|---|",
    ]
    for number, (duty, ms, power) in enumerate(plug.STATES):
        pilot = "as it is" if duty is None else {0: "F", 1000: "X1"}.get(duty, "%g %%" % (duty / 10))
        most = "" if ms is None else "`%s`" % ms if isinstance(ms, str) else "%d ms" % ms
        rows.append(
            "| %s | %d | %s | %s | %s | %s |"
            % (names[number], number, pilot, most, "yes" if power else "", going_on[number])
        )
    rows += [
        "",
        "## Rows",
        "",
        "| state | event | if | do | next state | why | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for (state, event, guard, do, then, why), source in zip(plug.ROWS, sources, strict=True):
        cells = (
            states_of(state),
            ", ".join(events[e] for e in many(event)),
            "`%s`" % guard if guard else "",
            "`%s`" % do if do else "",
            "stays" if then == plug.STAY else names[then],
            why or "as said before",
            source,
        )
        rows.append("| " + " | ".join(cells) + " |")
    rows += ["", "| `if`, `do` | what it asks or does |", "|---|---|"]
    for member in sorted({row[i] for row in plug.ROWS for i in (2, 3) if row[i]}):
        thing = getattr(Charger, member, None)  # a value of this plug-in stands in the text of the class
        said = re.search(r"^    %s +(.*)$" % member, Charger.__doc__, re.M).group(1) if thing is None else thing.__doc__
        rows.append("| `%s` | %s |" % (member, " ".join(said.split())))
    return HEAD + "\n".join(lines) + "\n" + MIDDLE + "\n".join(everywhere) + "\n" + "\n".join(rows) + "\n" + TAIL


def main(argv):
    if argv and argv != ["--check"]:
        print(__doc__)
        return 2
    text = page()
    if argv:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        print("docs/supervisor.md is not in step with firmware/app/plug_steps.py: run `make gen`")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    print("wrote docs/supervisor.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
