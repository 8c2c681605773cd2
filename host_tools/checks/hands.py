"""Facts of a session have one writer each (firmware/session/facts.py), proved on the syntax tree.

python -m host_tools.checks.hands      exit 1 names every line that writes a fact of another hand

Seen are assignments to an attribute of f.car, f.session, f.station, f.wanted and f itself, whether
they are reached through `f`, through `facts` or through a local name for one of them; calls of
set() and narrow() on Limits; and setattr() on any of them. A method of Facts may write everything:
it is how one hand asks for what another one owns.
"""

import ast
import sys

from host_tools.root import ROOT

# Hand -> the modules that write it; a dot at the end: the packages below. "" is f itself.
WRITERS = {
    "car": ("firmware.session.iso20.",),
    "session": ("firmware.session.iso20.",),
    "wanted": ("firmware.session.iso20.",),
    "station": ("firmware.app.power",),
    "": ("firmware.session.secc",),
}
_FREE = ("firmware.session.facts",)  # makes them
_CHANGES = ("set", "narrow")  # methods of Limits that change it
_NAMES = ("f", "facts")


class _Function(ast.NodeVisitor):
    """Finds the writes in one function. hand(node): "car", ... for an object of a hand, "" for the
    facts, None for all else."""

    def __init__(self):
        self.local = {}
        self.found = []  # (line, hand, what)

    def hand(self, node):
        if isinstance(node, ast.Name):
            return self.local.get(node.id, "" if node.id in _NAMES else None)
        if isinstance(node, ast.Attribute):
            if node.attr == "facts":
                return ""
            owner = self.hand(node.value)
            if owner == "":
                return node.attr if node.attr in WRITERS else None
            return owner  # a part of a hand: car.limits
        return None

    def visit_FunctionDef(self, node):
        for arg in node.args.args:
            if arg.arg in WRITERS:
                self.local[arg.arg] = arg.arg
        self.generic_visit(node)

    def visit_Assign(self, node):
        for target in node.targets:
            if isinstance(target, ast.Name):
                hand = self.hand(node.value)
                if hand is not None:
                    self.local[target.id] = hand
        self.generic_visit(node)

    def visit_For(self, node):
        if isinstance(node.target, ast.Name) and isinstance(node.iter, (ast.Tuple, ast.List)):
            hands = {self.hand(item) for item in node.iter.elts} - {None}
            if hands:
                self.local[node.target.id] = hands.pop()
        self.generic_visit(node)

    def visit_Attribute(self, node):
        if not isinstance(node.ctx, ast.Load):
            hand = self.hand(node.value)
            if hand is not None:
                self.found.append((node.lineno, hand, node.attr))
        self.generic_visit(node)

    def visit_Call(self, node):
        call = node.func
        if isinstance(call, ast.Attribute) and call.attr in _CHANGES and self.hand(call.value):
            self.found.append((node.lineno, self.hand(call.value), call.attr + "()"))
        if isinstance(call, ast.Name) and call.id in ("setattr", "delattr") and node.args:
            hand = self.hand(node.args[0])
            if hand is not None:
                self.found.append((node.lineno, hand, call.id + "()"))
        self.generic_visit(node)


def writes(source):
    """[(line, hand, attribute)] of every write of a fact."""
    out = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            seen = _Function()
            seen.visit(node)
            out += seen.found
    return sorted(set(out))


def check(module, source):
    """[(line, message)] of the writes that are not the module's."""
    if module in _FREE:
        return []
    out = []
    for line, hand, name in writes(source):
        if not any(module == w or (w.endswith(".") and module.startswith(w)) for w in WRITERS[hand]):
            where = "f.%s.%s" % (hand, name) if hand else "f." + name
            out.append((line, "%s may not write %s (only %s)" % (module, where, ", ".join(WRITERS[hand]).rstrip("."))))
    return out


def main():
    failed = written = 0
    for folder in ("firmware", "boards"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            written += len(writes(path.read_text()))
            for line, message in check(module, path.read_text()):
                print("%s:%d: %s" % (path.relative_to(ROOT), line, message))
                failed += 1
    if not failed:
        print("hands of facts: ok, %d writes" % written)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
