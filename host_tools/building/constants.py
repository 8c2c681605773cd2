"""Put the constants of some modules into a source before it is compiled for a target, as fold.py
does for codec/slots.py.

    from firmware.session.iso20.states import AUTH, SETUP     ->  pass
    return res, AUTH                                          ->  return res, 3

mpy-cross folds const() inside of one file only. With this a module that imports states or registers
keeps no names of them in its globals (8 bytes of heap each), and a tuple of states is a constant in
flash. Only what a module of MODULES defines with const() is inlined; a source that is not inlined
does the same. Nobody may take such a name from the module that has imported it: on the target it is
not there.
"""

import ast
import re

from host_tools.root import ROOT

MODULES = (
    "drivers.qca_frame",
    "firmware.net.tcp_conn",
    "firmware.net.tls_stage",
    "firmware.session.codes",
    "firmware.session.states",
    "firmware.session.iso20.states",
    "firmware.stage.faults",
    "firmware.stage.words",
)
SOURCES = tuple(ROOT / (module.replace(".", "/") + ".py") for module in MODULES)
_CONST = re.compile(r"^([A-Z]\w*) = const\((0x[0-9A-Fa-f]+|\d+)\)", re.MULTILINE)


class ConstantError(ValueError):
    """A use that cannot be inlined; str() is `file:line: why`."""


def _known():
    return {m: {n: int(v, 0) for n, v in _CONST.findall(p.read_text())} for m, p in zip(MODULES, SOURCES, strict=True)}


def inline(source, path):
    """The source (bytes) with numbers for the constants that it imports from MODULES. `path` is for
    messages."""
    if not any(module.encode() in source for module in MODULES):
        return source
    tree = ast.parse(source, str(path))
    known, values, changes = _known(), {}, []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.module not in known:
            continue
        numbers = known[node.module]
        kept = [alias for alias in node.names if alias.name not in numbers]
        values.update({alias.asname or alias.name: numbers[alias.name] for alias in node.names if alias not in kept})
        names = ", ".join(alias.name + (" as " + alias.asname if alias.asname else "") for alias in kept)
        text = "from %s import %s" % (node.module, names) if kept else "pass"
        changes.append((node, text.encode() + b"\n" * (node.end_lineno - node.lineno)))
    lines = source.split(b"\n")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in values:
            text = lines[node.lineno - 1][node.col_offset : node.end_col_offset]
            if not isinstance(node.ctx, ast.Load) or text != node.id.encode():
                raise ConstantError("%s:%d: %s is a number here" % (path, node.lineno, node.id))
            changes.append((node, str(values[node.id]).encode()))
        elif isinstance(node, ast.arg) and node.arg in values:
            raise ConstantError("%s:%d: %s is a number here" % (path, node.lineno, node.arg))
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    for node, new in sorted(changes, key=lambda change: (change[0].lineno, change[0].col_offset), reverse=True):
        first = starts[node.lineno - 1] + node.col_offset
        source = source[:first] + new + source[starts[node.end_lineno - 1] + node.end_col_offset :]
    return source
