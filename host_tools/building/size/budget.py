"""The ledger of memory, boards/<board>/budget.json (docs/memory.md): what a board has used of each
kind, by part, and what is promised.

    {"flash": {part: bytes}, "ram": ..., "heap": ..., "mpy": ..., "session": {what: bytes free},
     "promised": {work to come: {"flash": bytes, "heap": bytes, "stack": bytes}}}

Figures are measured and written by `microv2g size --update`; what is promised is written by hand,
and debited by the work when it comes: its figures go up by what it took, its promise goes.
"""

import json

from host_tools import boardfile

TOLERANCE = 3  # per cent
_GRAIN = 256  # bytes: below that a per cent says nothing
SESSION = "session"  # the table of what is left in the sessions of `make emu`: less is worse
PIECE = "largest piece then"
_LOOSE = {PIECE: 10}  # per cent: where the pieces lie depends on the moment of a collection
PROMISED = "promised"


def load(board):
    """{table: {part: bytes}}, {} when there is none."""
    path = boardfile.find(board).budget_path
    return json.loads(path.read_text()) if path.exists() else {}


def save(board, tables):
    boardfile.find(board).budget_path.write_text(json.dumps(tables, indent=1, sort_keys=True) + "\n")


def over(measured, budget):
    """True if a size is more than the tolerance above its budget."""
    return measured > budget + max(_GRAIN, budget * TOLERANCE // 100)


def under(part, left, budget):
    """True if less is left than the tolerance below the budget."""
    return left < budget - max(_GRAIN, budget * _LOOSE.get(part, TOLERANCE) // 100)


def compare(tables, budget):
    """[(table, part, measured, budget or None, is over)]; a part without budget is over: it is
    new."""
    out = []
    for table, parts in tables.items():
        allowed = budget.get(table, {})
        for part, measured in parts.items():
            known = allowed.get(part)
            bad = known is None or (under(part, measured, known) if table == SESSION else over(measured, known))
            out.append((table, part, measured, known, bad))
    return out


def session(figures):
    """The table of a run of `microv2g emu` (its figures.json); {} without its figures of the heap.
    The largest piece is that of the last run, which collects every 2 kB: in the others it is 20 to
    42 kB, as the moment of the least heap has it."""
    lows, sessions = figures.get("lows", []), figures.get("sessions", [])
    if not lows or not sessions or not sessions[-1].get("heap"):
        return {}
    rest = dict(word.split("=") for word in sessions[-1]["heap"].split())
    least = min(low["free"] for low in lows)
    out = {"heap at rest": int(rest["free"]), "least heap": least, PIECE: lows[-1]["largest"]}
    if figures.get("stack_free") is not None:
        out["C stack"] = figures["stack_free"]
    return out


def promised(budget, flash_free):
    """[(kind, bytes left, bytes promised)] of flash, heap and stack: more promised than left is
    debt."""
    have = budget.get(SESSION, {})
    left = {"flash": flash_free, "heap": have.get("least heap"), "stack": have.get("C stack")}
    asked = budget.get(PROMISED, {}).values()
    return [(kind, n, sum(row.get(kind, 0) for row in asked)) for kind, n in left.items() if n is not None]
