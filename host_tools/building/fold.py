"""Put the numbers of codec/slots.py into a source before it is compiled for a target.

    from codec.slots import MSG, DC_ChargeLoopRes        ->  pass
    r[DC_ChargeLoopRes.EVSEPresentCurrent] = x           ->  r[7] = x

So the target has no names, no look-up and no import; lines keep their numbers. A source that is not
folded does the same (codec/slots.py makes the names when they are asked for), so folding is never a
condition. What could differ between the two is refused: a name that does not exist, one that is
bound again, one that stands alone.

    python -m host_tools.building.fold                   fold all sources, write nothing: what `make lint` does
    python fold.py --cross MPY_CROSS ARGUMENTS... FILE   run mpy-cross on the folded FILE (building/build.py: cross)
"""

import ast
import difflib
import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from codec.tables import names
from host_tools.building import constants
from host_tools.root import ROOT

MODULE = "codec.slots"
slots = importlib.import_module(MODULE)
# What the numbers depend on, beside the constants of all sources: builds with other numbers compile everything anew.
_FILES = ("host_tools/building/fold.py", "host_tools/building/constants.py", "codec/slots.py", "codec/tables/names.py")
SOURCES = tuple(ROOT / path for path in _FILES)
FOLDERS = ("codec", "drivers", "firmware", "boards", "host_tools", "tests")


class FoldError(ValueError):
    """A use of a name that cannot be folded; str() is `file:line: why`."""


def _near(word, words):
    near = difflib.get_close_matches(word, words, 3)
    return "; near: " + ", ".join(near) if near else ""


def _numbers(kind, fail):
    """{name: number} of what codec.slots calls `kind`."""
    try:
        made = getattr(slots, kind)
    except AttributeError:
        known = [row.split(" ", 1)[0] for row in (*names.TYPES, *names.ENUMS)]
        known = ["MSG", "OP", "KIND", *[name[0].upper() + name[1:] for name in known]]
        fail("%s has no %s%s" % (MODULE, kind, _near(kind, known)))
    return {name: number for name, number in vars(made).items() if type(number) is int}


def _bound(node):
    """Names that this node binds, besides the imports from codec.slots."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)):
        return [node.name]
    if isinstance(node, (ast.MatchAs, ast.MatchStar)):
        return [node.name]
    if isinstance(node, ast.MatchMapping):
        return [node.rest]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return node.names
    if isinstance(node, (ast.Import, ast.ImportFrom)) and not _ours(node):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    return []


def _ours(node):
    return isinstance(node, ast.ImportFrom) and node.module == MODULE and not node.level


class _Source:
    def __init__(self, source, path):
        self.source = source
        self.path = path
        self.lines = source.split(b"\n")
        self.kinds = {}  # name in this file -> name in codec.slots
        self.changes = []  # (first line, first column, last line, last column, new bytes), columns in bytes

    def fail(self, node, why):
        raise FoldError("%s:%d: %s" % (self.path, node.lineno, why))

    def folded(self):
        tree = ast.parse(self.source, self.path)
        nodes = list(ast.walk(tree))
        for node in nodes:
            if _ours(node):
                self._import(node)
            elif (isinstance(node, ast.Import) and any(alias.name == MODULE for alias in node.names)) or (
                isinstance(node, ast.ImportFrom) and node.module == "codec" and "slots" in [a.name for a in node.names]
            ):
                self.fail(node, "write `from %s import NAME`: a module as a whole is not folded" % MODULE)
        for node in nodes:
            for name in _bound(node):
                if name in self.kinds:
                    self.fail(node, "%s is bound again: it is a name of %s here" % (name, MODULE))
        used = set()
        for node in nodes:
            if isinstance(node, ast.Attribute):
                if isinstance(node.value, ast.Name) and node.value.id in self.kinds:
                    self._use(node)
                    used.add(node.value)
                elif isinstance(node.value, ast.Attribute) and self._is_use(node.value):
                    self.fail(node, "%s.%s is a number" % (node.value.value.id, node.value.attr))
        for node in nodes:
            if isinstance(node, ast.Name) and node.id in self.kinds and node not in used:
                self.fail(node, "%s stands alone: only %s.NAME has a number" % (node.id, node.id))
        return self._changed()

    def _is_use(self, node):
        return isinstance(node.value, ast.Name) and node.value.id in self.kinds

    def _import(self, node):
        for alias in node.names:
            if alias.name == "*":
                self.fail(node, "write the names: `*` is not folded")
            _numbers(alias.name, lambda why: self.fail(node, why))
            name = alias.asname or alias.name
            if self.kinds.setdefault(name, alias.name) != alias.name:
                self.fail(node, "%s is imported twice, as %s and %s" % (name, self.kinds[name], alias.name))
        blank = b"pass" + b"\n" * (node.end_lineno - node.lineno)
        self.changes.append((node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, blank))

    def _use(self, node):
        name, kind = node.value.id, self.kinds[node.value.id]
        numbers = _numbers(kind, lambda why: self.fail(node, why))
        if not isinstance(node.ctx, ast.Load):
            self.fail(node, "%s.%s is a number: nothing can be assigned to it" % (name, node.attr))
        if node.attr not in numbers:
            self.fail(node, "no %s.%s%s" % (kind, node.attr, _near(node.attr, numbers)))
        text = self.lines[node.lineno - 1][node.col_offset : node.end_col_offset]
        if node.end_lineno != node.lineno or text != ("%s.%s" % (name, node.attr)).encode():
            # Broken over lines; or inside an f-string, whose columns Python 3.11 does not know.
            self.fail(
                node, "%s.%s must stand on one line, without blanks and not inside an f-string" % (name, node.attr)
            )
        number = str(numbers[node.attr]).encode()
        self.changes.append((node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, number))

    def _changed(self):
        """The source with its changes, from the last to the first so that columns stay right."""
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        out = self.source
        for first, column, last, end, new in sorted(self.changes, reverse=True):
            out = out[: starts[first - 1] + column] + new + out[starts[last - 1] + end :]
        return out


def fold(source, path):
    """The source (bytes) with numbers for the names of codec.slots and of constants (constants.py).
    `path` is that on the target, for messages too. FoldError, SyntaxError."""
    try:
        source = constants.inline(source, path)
    except constants.ConstantError as error:
        raise FoldError(str(error)) from error
    return _Source(source, str(path)).folded() if b"slots" in source else source


def sources():
    """Paths of all sources of the project."""
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def check():
    """[message] of what cannot be folded in the sources of the project."""
    out = []
    for path in sources():
        try:
            fold(path.read_bytes(), path.relative_to(ROOT))
        except FoldError as error:
            out.append(str(error))
    return out


def _cross(mpy_cross, arguments):
    """mpy-cross with its arguments, the last of them the source; its exit status."""
    *options, path = arguments
    source = Path(path).read_bytes()
    shown = options[options.index("-s") + 1] if "-s" in options[:-1] else path
    try:
        folded = fold(source, shown)
    except (FoldError, SyntaxError) as error:
        print(error, file=sys.stderr)
        return 1
    if folded == source:
        return subprocess.call([mpy_cross, *arguments])
    with tempfile.NamedTemporaryFile(suffix=".py") as file:
        file.write(folded)
        file.flush()
        return subprocess.call([mpy_cross, *options, file.name])


def main(arguments):
    if arguments[:1] == ["--cross"]:
        return _cross(arguments[1], arguments[2:])
    faults = check()
    print("\n".join(faults or ["names of slots: ok"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
