"""The committed budget, boards/sizes/BOARD.json: {"flash": {part: bytes}, "heap": {package: bytes}, …}."""

import json

from host_tools.root import ROOT

FOLDER = ROOT / "boards" / "sizes"
TOLERANCE = 3  # per cent
_GRAIN = 256  # bytes: below that a per cent says nothing


def path(board):
    return FOLDER / (board + ".json")


def load(board):
    """{table: {part: bytes}}, {} when there is none."""
    return json.loads(path(board).read_text()) if path(board).exists() else {}


def save(board, tables):
    FOLDER.mkdir(exist_ok=True)
    path(board).write_text(json.dumps(tables, indent=1, sort_keys=True) + "\n")


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
