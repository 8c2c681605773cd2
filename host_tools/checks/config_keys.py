"""Keys of the configuration: who reads one that firmware/app/config_spec.py does not have, which
one nobody reads, and where a default stands a second time.

python -m host_tools.checks.config_keys      exit 1 names each
"""

import ast
import sys

from host_tools.root import ROOT

FOLDERS = ("firmware", "drivers", "boards")
SPEC = ROOT / "firmware" / "app" / "config_spec.py"


def known():
    """Names of the keys, read from the source of the table."""
    for node in ast.parse(SPEC.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "SPEC":
            return [row.elts[0].value for row in node.value.elts]
    raise ValueError("no SPEC in %s" % SPEC)


def _cfg(node):
    """True for cfg, self.cfg, f.cfg, self._cfg."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.lstrip("_") == "cfg"


def _get(node):
    return isinstance(node, ast.Attribute) and node.attr == "get" and _cfg(node.value)


def reads(source):
    """[(line, key, True if a default of its own stands there)] of what is read by a constant
    key."""
    out = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and _cfg(node.value) and isinstance(node.ctx, ast.Load):
            keys = (node.slice.body, node.slice.orelse) if isinstance(node.slice, ast.IfExp) else (node.slice,)
            out += [(k.lineno, k.value, False) for k in keys if isinstance(k, ast.Constant)]
        elif isinstance(node, ast.Call) and _get(node.func) and isinstance(node.args[0], ast.Constant):
            out.append((node.lineno, node.args[0].value, True))
    return out


def words(source):
    """All strings of a source: a key may be read through a name, as the timers of the steps table
    are."""
    return {n.value for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def check(keys, sources):
    """[(path, line, message)]. sources: {path: text} without the table itself."""
    out, used = [], set()
    for path, text in sources.items():
        used |= words(text)
        for line, key, default in reads(text):
            if key not in keys:
                out.append((path, line, "there is no key %s in the configuration" % key))
            elif default:
                out.append((path, line, "%s: write cfg[...]; its default stands in config_spec.py" % key))
    return out + [("firmware/app/config_spec.py", 0, "nobody reads %s" % key) for key in keys if key not in used]


def main():
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if path != SPEC]
    found = check(known(), {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths})
    for path, line, message in found:
        print("%s:%d: %s" % (path, line, message))
    if not found:
        print("keys of the configuration: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
