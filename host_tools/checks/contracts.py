"""Who implements a contract of boards/contract.py has all of it, with the right parameters; who
calls by one uses nothing else of it; and a class that has most of a contract is in the table.
Proved on the syntax tree, so that nothing has to be built for it.
tests/unit/boards/test_contracts.py does the same with living objects. Exit 1 names every line.

python -m host_tools.checks.contracts
"""

import ast
import fnmatch
import functools
import re
import sys

from host_tools.root import ROOT

FOLDERS = ("boards", "drivers", "firmware", "host_tools", "tests")
MOST = 0.7  # of the calls of a contract: such a class is an implementer
_FEW = 5  # calls: of a contract with less it has all as they are called, and most of its names


def law(root=ROOT):
    """The names of boards/contract.py."""
    names = {}
    exec(compile((root / "boards" / "contract.py").read_text(), "boards/contract.py", "exec"), names)
    return names


def call(text):
    """(name, [(parameter, may be left out)]) of a call as the table writes it."""
    name, _, rest = text.partition("(")
    words = [word.strip() for word in rest.rstrip(")").split(",") if word.strip()]
    return name, [(word.rstrip("="), word.endswith("=")) for word in words]


def read(text):
    """(name, role or None) of a read as the table writes it."""
    name, _, role = text.partition(":")
    return name, role.strip() or None


class Shape:
    """What a class has, its bases included: calls {name: ast.arguments, None if nobody can say},
    reads {name}."""

    def __init__(self, calls, reads, bases, line):
        self.calls, self.reads, self.bases, self.line = calls, reads, bases, line


def _own(node):
    calls, reads = {}, set()
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            marks = {ast.unparse(mark).split(".")[-1] for mark in item.decorator_list}
            if marks & {"property", "setter"}:
                reads.add(item.name)
            else:
                calls[item.name] = item
            for inner in ast.walk(item):
                stored = isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store)
                if stored and isinstance(inner.value, ast.Name) and inner.value.id == "self":
                    reads.add(inner.attr)
        elif isinstance(item, ast.Assign):
            for target in item.targets:
                if isinstance(target, ast.Name):
                    value = item.value.id if isinstance(item.value, ast.Name) else None
                    if value in calls:
                        calls[target.id] = calls[value]
                    elif isinstance(item.value, ast.Lambda):
                        calls[target.id] = None
                    else:
                        reads.add(target.id)
    return calls, reads


@functools.lru_cache(None)
def shapes(path, text):
    """{dotted name: Shape} of the classes of one file, those inside of functions and classes too.
    "": the module itself."""
    tree = ast.parse(text)
    out = {}

    def visit(node, prefix):
        for item in ast.iter_child_nodes(node):
            if isinstance(item, ast.ClassDef):
                calls, reads = _own(item)
                bases = [ast.unparse(base).split(".")[-1] for base in item.bases]
                out[prefix + item.name] = Shape(calls, reads, bases, item.lineno)
                visit(item, prefix + item.name + ".")
            else:
                visit(item, prefix)

    visit(tree, "")
    functions = {
        item.name: item for item in ast.walk(tree) if isinstance(item, ast.FunctionDef) and not item.col_offset
    }
    imported = {name.name: None for item in ast.walk(tree) if isinstance(item, ast.ImportFrom) for name in item.names}
    out[""] = Shape({**imported, **functions}, set(), [], 1)
    return out


class Tree:
    """All classes of the project. changes: {path: text} in place of what is on the disk, for
    tests."""

    def __init__(self, root=ROOT, changes=None):
        self.root = root
        self.files = {}
        for folder in FOLDERS:
            for path in sorted((root / folder).rglob("*.py")):
                name = path.relative_to(root).as_posix()
                self.files[name] = path.read_text()
        self.files.update(changes or {})
        self._wholes = {}
        self.names = {}  # class name -> [(file, Shape)]
        for name, text in self.files.items():
            for dotted, shape in shapes(name, text).items():
                self.names.setdefault(dotted.split(".")[-1], []).append((name, shape))

    def whole(self, file, shape, seen=()):
        """(calls, reads) with those of the bases; a base of the same file goes first."""
        if id(shape) in self._wholes:
            return self._wholes[id(shape)]
        calls, reads = {}, set()
        for base in shape.bases:
            if base in seen:
                continue
            found = self._base(base, file)
            if found:
                more, others = self.whole(*found, (*seen, base))
                calls.update(more)
                reads |= others
        calls.update(shape.calls)
        self._wholes[id(shape)] = calls, reads | shape.reads
        return self._wholes[id(shape)]

    def find(self, pattern):
        """[(file, dotted name, Shape)] of an entry of IMPLEMENTERS, with the classes that are made
        of it."""
        file, _, name = pattern.partition(":")
        out = [(path, name, shapes(path, text).get(name)) for path, text in self.files.items() if _fits(path, file)]
        out = [entry for entry in out if entry[2] is not None]
        for path, _, shape in list(out):
            out += self._made_of(name.split(".")[-1], path, shape)
        return out

    def _made_of(self, name, home, shape):
        out = []
        for path, text in self.files.items():
            for dotted, other in shapes(path, text).items():
                if name in other.bases and self._base(name, path) == (home, shape):
                    out += [(path, dotted, other), *self._made_of(dotted.split(".")[-1], path, other)]
        return out

    def _base(self, name, file):
        """(file, Shape) of a base as it is called in a file: one of that file, else the only one,
        else one of the target."""
        found = sorted(self.names.get(name, ()), key=lambda entry: (entry[0] != file, entry[0].startswith("tests/")))
        return found[0] if found else None


def _fits(path, pattern):
    """* stands for a name, never for a folder and what is below it."""
    if "*" not in pattern:
        return path == pattern
    return path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern)


def _misfit(function, wanted):
    """What is wrong with a method for a call of the table, or None."""
    args = function.args
    names = [arg.arg for arg in args.posonlyargs + args.args]
    static = "staticmethod" in [ast.unparse(mark) for mark in function.decorator_list]
    if names and names[0] == "self" and not static:
        names.pop(0)
    free = len(names) - len(args.defaults)
    need = len([1 for _, optional in wanted if not optional])
    said = "takes (%s), is called with (%s)" % (
        ", ".join(names), ", ".join(name + "=" * optional for name, optional in wanted)
    )  # fmt: skip
    if free > need or (len(names) < len(wanted) and not args.vararg):
        return said
    if any(default is None for default in args.kw_defaults):
        return said
    for name, (wish, _) in zip(names, wanted):
        if name != wish:
            return said
    return None


def lacks(contract, calls, reads):
    """[text] of what a shape lacks of a contract."""
    out = []
    for text in contract[0]:
        name, wanted = call(text)
        if name in calls:
            wrong = calls[name] is not None and _misfit(calls[name], wanted)
            if wrong:
                out.append("%s() %s" % (name, wrong))
        elif name not in reads:  # a call that is kept in an attribute
            out.append("has no %s" % text)
    out += ["has no attribute " + read(text)[0] for text in contract[1] if read(text)[0] not in reads | set(calls)]
    return out


def implementers(tree, names):
    """[(file, line, text)] of what does not keep its contract, and entries that name nothing."""
    out = []
    for role, patterns in names["IMPLEMENTERS"].items():
        for pattern in patterns:
            found = tree.find(pattern)
            if not found and "*" not in pattern:  # a pattern may stand for what a board need not have
                out.append(("boards/contract.py", 1, "%s: there is no %s" % (role, pattern)))
            for file, dotted, shape in found:
                for text in lacks(names["ROLES"][role], *tree.whole(file, shape)):
                    out.append((file, shape.line, "%s, as %s: %s" % (dotted or "module", role, text)))
    return out


def unlisted(tree, names):
    """[(file, line, text)] of classes that have most of a contract and stand in no table."""
    out = []
    listed = {role: set() for role in names["ROLES"]}
    for role, patterns in names["IMPLEMENTERS"].items():
        for pattern in patterns:
            listed[role] |= {(file, dotted) for file, dotted, _ in tree.find(pattern)}
    every = set().union(*listed.values())
    for role, contract in names["ROLES"].items():
        wanted = [call(text)[0] for text in contract[0]]
        parts = [read(text)[0] for text in contract[1]]
        if not wanted:
            continue
        for file, text in tree.files.items():
            for dotted, shape in shapes(file, text).items():
                if not dotted or (file, dotted) in listed[role]:
                    continue
                calls, reads = tree.whole(file, shape)
                if len(wanted) < _FEW:
                    there = len(wanted) + len([name for name in parts if name in reads])
                    alike = there >= MOST * (len(wanted) + len(parts)) and not lacks((contract[0], ()), calls, ())
                    alike = alike and not any(calls[name] is None or calls[name].args.vararg for name in wanted)
                else:
                    alike = len([name for name in wanted if name in calls or name in reads]) >= MOST * len(wanted)
                if alike and (file, dotted) not in every:
                    text = "%s looks like a %s, which boards/contract.py does not list" % (dotted, role)
                    out.append((file, shape.line, text))
    return out


def users(tree, names):
    """[(file, line, text)] of what is used of a part and is not in its contract."""
    out = []
    for role, pattern, what in names["USERS"]:
        calls, reads = names["ROLES"][role]
        more, others = names["OPTIONAL"].get(role, ((), ()))
        known = {call(text)[0] for text in (*calls, *more)} | {read(text)[0] for text in (*reads, *others)}
        for file, text in tree.files.items():
            if not _fits(file, pattern):
                continue
            for number, line in enumerate(text.splitlines(), 1):
                code = "" if re.match(r"\s*(from|import) ", line) else line.partition("#")[0]
                for name in re.findall(what + r"\.([a-z]\w*)", code):
                    if name not in known:
                        out.append(
                            (file, number, "uses %s of a %s, which boards/contract.py does not have" % (name, role))
                        )
    return out


def problems(tree, names):
    return implementers(tree, names) + unlisted(tree, names) + users(tree, names)


def main():
    found = problems(Tree(), law())
    for file, line, text in found:
        print("%s:%d: %s" % (file, line, text))
    print("contracts: %s" % ("%d problems" % len(found) if found else "ok"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
