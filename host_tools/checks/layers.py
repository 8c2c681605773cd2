"""Which module may import which (docs/design.md), proved on the syntax tree. Exit 1 names every
line that breaks it; a file that has grown too long is a warning.

python -m host_tools.checks.layers
"""

import ast
import sys

from host_tools import boardfile
from host_tools.root import ROOT

LONG = 450  # lines: a file is one idea

# Package of ours -> packages of ours that it may import, besides itself.
ALLOWED = {
    "codec": (),
    "drivers": ("firmware.clock",),
    "twin": ("firmware.clock",),
    "board": ("firmware.clock", "drivers", "twin", "mcu"),
    "mcu": ("firmware.clock", "firmware.stage", "drivers"),
    "firmware.clock": (),
    "firmware.buffers": (),
    "firmware.trace": ("firmware.clock",),
    "firmware.stage": ("firmware.clock", "drivers"),
    "firmware.net": ("codec", "firmware.buffers", "firmware.clock", "firmware.trace"),
    "firmware.slac": ("codec", "firmware.clock", "firmware.trace"),
    "firmware.session": ("codec", "firmware.buffers", "firmware.clock"),
    "firmware.session.iso20": ("codec", "firmware.session"),
    "firmware.app": (
        "codec",
        "drivers.pilot",  # the words of the pilot: states and duties
        "firmware.session",
        "firmware.slac",
        "firmware.net",
        "firmware.stage",
        "firmware.buffers",
        "firmware.clock",
        "firmware.trace",
    ),
    "firmware.run": (
        "codec",
        "firmware.app",
        "firmware.stage",  # its words, for people
        "firmware.session",
        "firmware.slac",
        "firmware.net",
        "firmware.buffers",
        "firmware.clock",
        "firmware.trace",
    ),
    "firmware.main": ("codec", "firmware", "drivers", "board", "mcu", "evse"),
    "evse": ("firmware.run", "firmware.app", "firmware.clock"),
    "main": ("board", "evse", "firmware.main", "mcu", "update"),
    "update": (),
}
# Package -> the one place outside of it that may import it: a session speaks through a dialect and
# knows none.
INNER = {"firmware.session.iso20": "firmware.session.dialects"}
OURS = ("codec", "drivers", "firmware", "board", "mcu", "twin", "evse", "update", "host_tools", "tests")
# Modules that only some places may import.
RESERVED = {
    "machine": ("board", "mcu", "main", "firmware.main"),
    "asyncio": ("firmware.run", "firmware.main"),
    "time": ("firmware.clock", "board.hardware"),  # a board waits some microseconds for its circuits
}


def _below(module, packages):
    return any(module == p or module.startswith(p + ".") for p in packages)


def layer(module):
    """The key of ALLOWED that a module belongs to, or None."""
    found = [key for key in ALLOWED if _below(module, (key,))]
    return max(found, key=len) if found else None


def imports(tree):
    """(line, module) of every import, `from a import b` as a.b when b may be a module of ours; "."
    for a relative one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "."
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield node.lineno, node.module + "." + name.name if _package(node.module) else node.module


def _package(module):
    return module in ("board", "mcu") or (ROOT / module.replace(".", "/")).is_dir()


def check(module, source):
    """[(line, message)] of one module of the target."""
    here = layer(module)
    if here is None:
        return [(1, "%s lies in no layer of the design" % module)] if module.startswith("firmware.") else []
    out = []
    for line, name in imports(ast.parse(source)):
        top = name.split(".")[0]
        if name == ".":
            out.append((line, "%s: write the module's full name" % module))
        for reserved, places in RESERVED.items():
            if top in (reserved, "u" + reserved) and not _below(module, places):
                out.append((line, "%s may not import %s (only %s)" % (module, reserved, ", ".join(places))))
        for inner, door in INNER.items():
            if _below(name, (inner,)) and module != door and not _below(module, (inner,)):
                out.append((line, "%s may not import %s (only %s)" % (module, name, door)))
        if top in ("host_tools", "tests"):
            out.append((line, "%s may not import %s: nothing on the target imports it" % (module, top)))
        elif top in OURS and not _below(name, (here, *ALLOWED[here])):
            out.append((line, "%s may not import %s" % (module, name)))
    return out


def modules():
    """(module name, path) of everything that runs on the target."""
    for folder, prefix in (
        ("codec", ""),
        ("drivers", ""),
        ("firmware", ""),
        *[
            ("boards/%s/board" % name, "board")
            for name in boardfile.names()
            if (boardfile.FOLDER / name / "board").is_dir()
        ],
        ("boards/common", ""),
        ("host_tools/twin", "twin"),
    ):
        base = ROOT / folder
        for path in sorted(base.rglob("*.py")):
            parts = path.relative_to(base if prefix or folder.startswith("boards") else ROOT).with_suffix("").parts
            if parts[-1] == "__init__":
                continue
            yield ".".join(([prefix] if prefix else []) + list(parts)), path


def long_files():
    """(path, lines) of what is longer than a file should be; tables are generated and not
    counted."""
    for folder in ("codec", "drivers", "firmware", "boards", "host_tools", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            lines = path.read_text().count("\n")
            if lines > LONG and "tables" not in path.parts:
                yield path, lines


def main():
    failed = 0
    for module, path in modules():
        for line, message in check(module, path.read_text()):
            print("%s:%d: %s" % (path.relative_to(ROOT), line, message))
            failed += 1
    for path, lines in long_files():
        print("warning: %s: %d lines; is it one idea? (limit %d)" % (path.relative_to(ROOT), lines, LONG))
    print("import layers: %s" % ("%d problems" % failed if failed else "ok"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
