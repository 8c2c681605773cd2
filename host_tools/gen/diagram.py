"""Print the state diagram of the session from its one table, `firmware/session/iso20/steps.py`,
into docs/session.md.

python -m host_tools.gen.diagram          rewrite docs/session.md
python -m host_tools.gen.diagram --check  exit 1 if it is not in step
"""

import itertools
import os
import sys

from host_tools.root import ROOT, import_paths

PAGE = os.path.join(ROOT, "docs", "session.md")

HEAD = """# The session: states, requests, answers

Printed from `firmware/session/iso20/steps.py` by `make gen`; do not edit. A request that a state does not list is the
sequence error: its own response type with `FAILED_SequenceError`, power off, session over (R-ERRORS-01).

"""

TAIL = """
A guard refuses the request before its handler is asked. "then" is the time that the car has for its next request, counted
from the answer, with the values of the default configuration; after SessionStopRes it is the time in which the car closes
TCP. SupportedAppProtocol has no row in the table: the session machine serves it itself (`firmware/session/sap.py`), and
the set-up timer goes on.

Four things are not drawn because they hold everywhere:

* SessionStop (Terminate) is answered in every state after SessionSetup, with the power off before the answer (D-05).
* SessionStop (Pause) is confirmed in the states whose handler is `stop.stop_or_pause`: a service is selected, nothing is energised. It
  needs a vehicle certificate and a power path that is really off; anything else is `FAILED_PauseNotAllowed` (R-STOP-08).
* A wrong session id is `FAILED_UnknownSession`; every `FAILED_…` answer leads to the state Failed, which only the end
  of the connection leaves. One SessionStop is still answered there (D-15).
* The set-up timer (18 s) covers everything up to the answer to SessionSetup. When a timer expires the power goes off
  and the connection is closed.
"""


def _load():
    import_paths()
    from codec import exi_json
    from firmware.app.config import defaults
    from firmware.session import sap
    from firmware.session.dialects import state_name
    from firmware.session.iso20 import dialect
    from firmware.session.states import ENDED, SAP

    first = ((SAP,), sap.REQUEST, sap.choose, (), (dialect.FIRST, ENDED), None)
    return (first, *dialect.STEPS), state_name, exi_json.name_of, defaults()


def _where(function):
    return "`%s.%s`" % (function.__module__.split(".")[-1], function.__name__)


def page():
    steps, name, name_of, cfg = _load()
    edges = {}
    for states, msg, _, _, targets, _ in steps:
        drawn = [
            s for s in states if name_of(msg) != "SessionStopReq" or name(s) in ("SessionStop", "WeldingDetection")
        ]
        for state, target in itertools.product(drawn, targets):
            edges.setdefault((state, target), []).append(name_of(msg))
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> " + name(steps[0][0][0])]
    for (state, target), requests in edges.items():
        lines.append("    %s --> %s : %s" % (name(state), name(target), ", ".join(requests)))
    lines += [
        "    Ended --> [*]",
        "```",
        "",
        "| states | request | handler | guards | may lead to | then |",
        "|---|---|---|---|---|---|",
    ]
    for states, msg, handler, guards, targets, timer in steps:
        cells = (
            ", ".join(name(s) for s in states), name_of(msg), _where(handler), ", ".join(_where(g) for g in guards),
            ", ".join(name(t) for t in targets), "%g s" % (cfg[timer] / 1000) if timer else "",
        )  # fmt: skip
        lines.append("| %s |" % " | ".join(cells))
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
        print("docs/session.md is not in step with firmware/session/iso20/steps.py: run `make gen`")
        return 1
    os.makedirs(os.path.dirname(PAGE), exist_ok=True)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)
    print("wrote docs/session.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
