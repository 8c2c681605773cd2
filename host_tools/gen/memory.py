"""The tables of docs/memory.md, out of the ledgers boards/<board>/budget.json.

python -m host_tools.gen.memory            write them
python -m host_tools.gen.memory --check    are they in step? exit status 1 if not
"""

import json
import sys

from host_tools.root import ROOT

PATH = ROOT / "docs" / "memory.md"
BEGIN, END = "<!-- make gen: begin -->", "<!-- make gen: end -->"
_TABLES = (
    ("flash", "Flash of the image, by the linker"),
    ("ram", "Static RAM, by the linker"),
    ("heap", "Heap that imports keep, 32 bits, frozen"),
    ("session", "Left free in the sessions of `make emu`"),
)


def _table(head, rows):
    lines = ["| %s |" % " | ".join(head), "|---|%s" % ("---:|" * (len(head) - 1))]
    return lines + ["| %s |" % " | ".join(str(cell) for cell in row) for row in rows]


def text(ledger):
    """The lines between the marks."""
    lines = []
    for name, title in _TABLES:
        parts = ledger[name]
        rows = sorted(parts.items())
        if name != "session":
            rows = [*sorted(rows, key=lambda row: -row[1]), ("**all**", sum(parts.values()))]
        lines += [*_table((title, "bytes"), rows), ""]
    kinds = ("flash", "heap", "stack")
    promised = ledger["promised"]
    rows = [(work, *[row.get(kind, 0) for kind in kinds]) for work, row in sorted(promised.items())]
    rows.append(("**all**", *[sum(row.get(kind, 0) for row in promised.values()) for kind in kinds]))
    return "\n".join([*lines, *_table(("Promised to", *kinds), rows)])


def main(arguments):
    ledgers = [json.loads(path.read_text()) for path in sorted((ROOT / "boards").glob("*/budget.json"))]
    ledger = next(one for one in ledgers if "session" in one)  # of the board that the emulator has
    page = PATH.read_text()
    head, _, rest = page.partition(BEGIN)
    new = "%s%s\n%s\n%s%s" % (head, BEGIN, text(ledger), END, rest.partition(END)[2])
    if new == page:
        return 0
    if "--check" in arguments:
        print("not in step with the ledger: docs/memory.md; run `make gen`")
        return 1
    PATH.write_text(new)
    print("wrote docs/memory.md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
