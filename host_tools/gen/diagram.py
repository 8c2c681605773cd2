"""Print the state diagram of the session from its one table, `firmware/session/steps.py`, into docs/session.md.

python -m host_tools.gen.diagram          rewrite docs/session.md
python -m host_tools.gen.diagram --check  exit 1 if it is not in step
"""

import os
import sys

from host_tools.root import ROOT

PAGE = os.path.join(ROOT, "docs", "session.md")

HEAD = """# The session: states, requests, answers

Printed from `firmware/session/steps.py` by `make gen`; do not edit. A request that a state does not list is the
sequence error: its own response type with `FAILED_SequenceError`, power off, session over (R-ERRORS-01).

"""

TAIL = """
Four things are not drawn because they hold everywhere:

* SessionStop (Terminate) is answered in every state after SessionSetup, with the power off before the answer (D-05).
* SessionStop (Pause) is confirmed in the states whose handler is `stop.stop_or_pause`: a service is selected, nothing is energised. It
  needs a vehicle certificate and a power path that is really off; anything else is `FAILED_PauseNotAllowed` (R-STOP-08).
* A wrong session id is `FAILED_UnknownSession`; every `FAILED_…` answer leads to the state Failed, which only the end
  of the connection leaves. One SessionStop is still answered there (D-15).
* A timer runs after every answer: 60 s, 0.5 s after a charge loop answer, 18 s up to SessionSetup. When it expires the
  power goes off and the connection is closed.
"""


def _load():
    sys.path[:0] = [os.path.join(ROOT, "host_tools", "shim"), os.path.join(ROOT, "boards", "unix"), ROOT]
    from codec import exi_json
    from firmware.session import states, steps

    return steps.STEPS, states.STATE_NAMES, exi_json.name_of


def page():
    steps, names, name_of = _load()
    edges = {}
    for state, msg, _, targets in steps:
        if name_of(msg) == "SessionStopReq" and names[state] != "SessionStop" and names[state] != "WeldingDetection":
            continue
        for target in targets:
            edges.setdefault((state, target), []).append(name_of(msg))
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> " + names[0]]
    for (state, target), requests in edges.items():
        lines.append("    %s --> %s : %s" % (names[state], names[target], ", ".join(requests)))
    lines += ["    Ended --> [*]", "```", "", "| state | request | may lead to | handler |", "|---|---|---|---|"]
    for state, msg, handler, targets in steps:
        where = handler.__module__.split(".")[-1] + "." + handler.__name__
        lines.append(
            "| %s | %s | %s | `%s` |" % (names[state], name_of(msg), ", ".join(names[t] for t in targets), where)
        )
    return HEAD + "\n".join(lines) + "\n" + TAIL


def main(argv):
    if argv and argv != ["--check"]:
        print(__doc__)
        return 2
    text = page()
    if argv:
        with open(PAGE, encoding="utf-8") as file:
            if file.read() == text:
                return 0
        print("docs/session.md is not in step with firmware/session/steps.py: run `make gen`")
        return 1
    os.makedirs(os.path.dirname(PAGE), exist_ok=True)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)
    print("wrote docs/session.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
