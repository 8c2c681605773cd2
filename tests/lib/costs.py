"""What each test module costs, in seconds of processor: measured by tests/run.py, kept in
tests/seconds.json by --record, and the reason why the long ones begin first. A module that waits
counts by the clock, for it hardly computes.

    {"tests.sim.test_faults": {"cpython": 11.5, "unix": 31.0}}

Host only.
"""

import json
from pathlib import Path

PATH = Path(__file__).resolve().parent.parent / "seconds.json"
LEAST_S = 2.0  # what is shorter is not listed: the order of these does not matter
_UNKNOWN_S = {False: 1.0, True: 60.0}  # of a module that is not listed, by whether it says SLOW: a new one begins early


def load(path=PATH):
    return json.loads(path.read_text()) if path.exists() else {}


def expected(table, name, runtime, slow):
    """Seconds that module `name` (tests.unit.test_x) will take on `runtime`; of another runtime if
    only that is known."""
    known = table.get(name, {})
    if runtime in known:
        return known[runtime]
    return max(known.values()) if known else _UNKNOWN_S[bool(slow)]


def record(measured, path=PATH, there=None):
    """Write what was measured, {(name, runtime): seconds}, over what is kept of the same modules on
    these runtimes. there: names of the modules that exist; what is kept of others goes (None:
    nothing goes)."""
    table = load(path)
    for (name, runtime), seconds in measured.items():
        table.setdefault(name, {})[runtime] = round(seconds, 1)
    kept = {}
    for name, known in sorted(table.items()):
        known = {runtime: seconds for runtime, seconds in sorted(known.items()) if seconds >= LEAST_S}
        if known and (there is None or name in there):
            kept[name] = known
    lines = ["%s: %s" % (json.dumps(name), json.dumps(known)) for name, known in kept.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
