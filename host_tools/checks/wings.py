"""Which folder of host_tools may import which, proved on the syntax tree: data flows one way, no
file imports in a circle, no command imports another. Exit 1 names every line that breaks it.
Imports inside of functions count too.

python -m host_tools.checks.wings
"""

import ast
import functools
import sys

from host_tools.root import ROOT

# Wing (folder or file of host_tools) -> what of ours it may import. A wing names only wings that
# stand above it.
ALLOWED = {
    "root": (),
    "lab": (),
    "boardfile": ("root",),
    "userfile": (),
    "twin": ("firmware",),  # of it the ticks alone: layers.py
    "building": ("root", "boardfile", "codec", "tests"),  # names of slots; which tests `make test32` freezes
    "station": ("root", "codec", "firmware"),
    "recordings": ("root", "userfile", "station", "codec", "firmware"),
    "ev": ("twin", "codec", "firmware"),
    "gen": ("root", "codec", "firmware"),
    "checks": ("root", "boardfile", "gen"),
    "board": ("root", "boardfile", "building", "station", "drivers", "firmware"),
    "pki": ("board", "firmware"),
    "stage": ("twin", "drivers", "firmware"),
    "emu": ("root", "lab", "twin", "ev", "pki", "recordings", "codec", "drivers", "firmware"),
    "examples": ("board", "station"),
    "commands": (
        "root",
        "lab",
        "boardfile",
        "userfile",
        "building",
        "station",
        "recordings",
        "ev",
        "board",
        "pki",
        "stage",
        "emu",
        "firmware",
        "tests",
    ),
    "cli": ("root",),  # it loads the commands by their names
    "__main__": ("cli",),
}
APART = ("commands",)  # a module of these imports no other of the same wing
_TARGET = ("codec", "drivers", "firmware", "tests")


def _wing(module):
    """What of ALLOWED or _TARGET a module belongs to; None if it is not ours."""
    top, _, rest = module.partition(".")
    if top == "host_tools":
        return rest.partition(".")[0]
    return top if top in ("twin", *_TARGET) else None


@functools.cache
def _statements(source):
    """(line, module, names or None) of every import; "." for a relative one."""
    out = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            out += [(node.lineno, name.name, None) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            out.append((node.lineno, "." if node.level else node.module, [name.name for name in node.names]))
    return out


def imports(source, known):
    """(line, module) of every import; `from a import b` is a.b where that is a module of `known`.
    "." for a relative one."""
    for line, module, names in _statements(source):
        for name in names or ("",):
            whole = module + "." + name
            yield line, whole if whole in known else module


def check(module, source, known=()):
    """[(line, message)] of one module of host_tools. known: names of all modules."""
    here, out = _wing(module), []
    if here not in ALLOWED:
        return [(1, "%s lies in no wing: name it in ALLOWED" % module)]
    for line, name in imports(source, known):
        wing = _wing(name)
        if name == ".":
            out.append((line, "%s: write the module's full name" % module))
        elif wing == here and here in APART and name != module:
            out.append((line, "%s may not import %s: what both need belongs into another wing" % (module, name)))
        elif wing and wing != here and wing not in ALLOWED[here]:
            out.append((line, "%s may not import %s" % (module, name)))
    return out


def circles(sources):
    """Import circles of {module: source}, each as the list of its modules, the first one again at
    the end.

    That a package runs before its modules is not counted: its file may collect them."""
    graph = {name: {m for _, m in imports(text, sources) if m in sources} for name, text in sources.items()}
    found, done = [], set()

    def visit(name, way):
        if name in way:
            found.append([*way[way.index(name) :], name])
        elif name not in done:
            for other in sorted(graph[name]):
                visit(other, [*way, name])
            done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found


def table_errors(allowed=ALLOWED):
    """What is wrong with the table itself: a wing that names one below it, or itself."""
    out, above = [], set(_TARGET)
    for wing, others in allowed.items():
        out += ["%s may import %s, which stands below it" % (wing, other) for other in others if other not in above]
        above.add(wing)
    return out


def modules():
    """{module: path} of host_tools and of the target, boards left out."""
    found = {}
    for folder in ("codec", "drivers", "firmware", "host_tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def main():
    paths = modules()
    sources = {name: path.read_text() for name, path in paths.items()}
    problems, used = table_errors(), set()
    for name, text in sources.items():
        if name.startswith("host_tools.") and "shim" not in paths[name].parts:
            problems += ["%s:%d: %s" % (paths[name].relative_to(ROOT), *row) for row in check(name, text, sources)]
            used |= {(_wing(name), _wing(other)) for _, other in imports(text, sources)}
    stale = [(wing, other) for wing, others in ALLOWED.items() for other in others if (wing, other) not in used]
    problems += ["ALLOWED: %s does not import %s any more: take it out" % row for row in stale]
    problems += ["import circle: " + " -> ".join(circle) for circle in circles(sources)]
    print("\n".join(problems) or "wings of host_tools: ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
