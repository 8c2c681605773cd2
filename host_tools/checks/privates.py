"""No object reaches into another: `other._name`, and `from module import _name`, in what runs on a
target and in host_tools. Proved on the syntax tree. Exit 1 names every line.

python -m host_tools.checks.privates
"""

import ast
import sys

from host_tools.root import ROOT

FOLDERS = ("codec", "drivers", "firmware", "boards", "host_tools")
_NAMEDTUPLE = ("_replace", "_asdict", "_fields", "_make")  # public, in spite of their names


def _private(name):
    return name.startswith("_") and not name.startswith("__") and name not in _NAMEDTUPLE


def check(source):
    """[(line, text)] of every access to what is another's. A class may call what it inherits:
    Base._name."""
    tree = ast.parse(source)
    own = {"self", "cls"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            own |= {base.id for base in node.bases if isinstance(base, ast.Name)} | {node.name}
    out = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _private(node.attr):
            if not (isinstance(node.value, ast.Name) and node.value.id in own):
                out.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.ImportFrom):
            out += [(node.lineno, "import of " + name.name) for name in node.names if _private(name.name)]
    return sorted(out)


def main():
    failed = 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for line, text in check(path.read_text()):
                print("%s:%d: %s: give it a public name" % (path.relative_to(ROOT), line, text))
                failed += 1
    print("private names: %s" % ("%d problems" % failed if failed else "ok"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
