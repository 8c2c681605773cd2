"""Fill the `# slots: begin … end` regions of the sources with the constants that they use.

A name is `_Type__Field` (index of a slot), `_enumeration__Value`, `_LEN_Type` (number of slots) or `_MSG_Element`
(message id). `const()` of a name with a leading underscore is folded by mpy-cross: no RAM, no look-up on the target.
"""

import difflib
import os
import re

BEGIN = "# slots: begin (make gen)\n"
END = "# slots: end\n"
_USED = re.compile(r"(?<![\w.\"'])(_MSG_\w+|_LEN_\w+|_[A-Za-z0-9]\w*?__\w+)")
FOLDERS = ("codec", "firmware", "host_tools", "tests", "boards")


class SlotError(ValueError):
    """An unknown name, or a region without end; str() names file and line."""


def constants():
    """{name: value} out of the committed tables: no schema file is needed."""
    from codec.tables import names

    out = {}
    for i, name in enumerate(names.MESSAGES):
        if name:
            out["_MSG_" + name] = i
    for row in names.TYPES:
        name, *slots = row.split()
        out["_LEN_" + name] = len(slots)
        for i, slot in enumerate(slots):
            out["_%s__%s" % (name, slot)] = i
    for row in names.ENUMS:
        name, *values = row.split()
        for i, value in enumerate(values):
            out["_%s__%s" % (name, value)] = i
    return out


def fill(text, known, path):
    """Return `text` with its region filled; unchanged if it has none."""
    at = text.find("\n" + BEGIN)
    if at < 0:
        return text
    at += 1 + len(BEGIN)
    end = text.find(END, at)
    if end < 0:
        raise SlotError("%s: region of slots has no end" % path)
    used = {}
    for start, part in ((0, text[:at]), (end, text[end:])):
        for line_no, line in enumerate(part.split("\n")):
            for match in _USED.finditer(line.split("#")[0]):
                used.setdefault(match.group(1), text.count("\n", 0, start) + line_no + 1)
    lines = []
    for name in sorted(used):
        if name not in known:
            near = difflib.get_close_matches(name, known, 3)
            hint = "; near: " + ", ".join(near) if near else ""
            raise SlotError("%s:%d: unknown name %s%s" % (path, used[name], name, hint))
        lines.append("%s = const(%d)\n" % (name, known[name]))
    return text[:at] + "".join(lines) + text[end:]


def sources(root):
    for folder in FOLDERS:
        for where, _, names in sorted(os.walk(os.path.join(root, folder))):
            for name in sorted(names):
                if name.endswith(".py"):
                    yield os.path.join(where, name)


def run(root, write):
    """Fill all regions below `root`; return the paths that change. write=False only looks."""
    known = constants()
    changed = []
    for path in sources(root):
        if os.path.dirname(path) == os.path.dirname(os.path.abspath(__file__)):
            continue  # the tool itself speaks of regions and has none
        with open(path, encoding="utf-8") as file:
            text = file.read()
        new = fill(text, known, os.path.relpath(path, root))
        if new != text:
            changed.append(os.path.relpath(path, root))
            if write:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(new)
    return changed
