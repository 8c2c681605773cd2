"""The committed budget, size.json of a board: {"flash": {part: bytes}, "heap": {package: bytes}, …}."""

import json

from host_tools import boardfile

TOLERANCE = 3  # per cent
_GRAIN = 256  # bytes: below that a per cent says nothing


def load(board):
    """{table: {part: bytes}}, {} when there is none."""
    path = boardfile.find(board).budget_path
    return json.loads(path.read_text()) if path.exists() else {}


def save(board, tables):
    boardfile.find(board).budget_path.write_text(json.dumps(tables, indent=1, sort_keys=True) + "\n")


def over(measured, budget):
    """True if a size is more than the tolerance above its budget."""
    return measured > budget + max(_GRAIN, budget * TOLERANCE // 100)


def compare(tables, budget):
    """[(table, part, measured, budget or None, is over)]; a part without budget is over: it is new."""
    out = []
    for table, parts in tables.items():
        allowed = budget.get(table, {})
        for part, measured in parts.items():
            known = allowed.get(part)
            out.append((table, part, measured, known, known is None or over(measured, known)))
    return out
