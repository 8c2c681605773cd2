"""Put numbers for the constants of our modules into a source before it is compiled for a target, as
fold.py does for codec/slots.py.

    from firmware.session.states import SAP, FAILED       ->  pass
    from firmware.slac import match as step               ->  pass, if nothing else of it is used
    return SAP, step.OFF                                  ->  return 0, 0

mpy-cross folds const() inside of one file only, and keeps a public name in the globals of its
module: 8 bytes of heap for each. With this every `NAME = const(number)` of a module of ours is a
number wherever it is used, and a module that has many does not keep them: its source gets a function
that gives a number to who asks by name. So a source that is not inlined (a test, a file copied to a
board) does the same. A plain `NAME = 3` stays what it is.

Nobody may take such a name from a module that has only imported it: on the target it is not there.
"""

import ast
import functools
import re

from host_tools.root import ROOT

_FOLDERS = {"codec": "codec", "drivers": "drivers", "firmware": "firmware", "mcu": "boards/common/mcu"}
_CONST = re.compile(r"^([A-Z]\w*) = const\((-?(?:0x[0-9A-Fa-f]+|\d+))\)", re.MULTILINE)
_FEW = 3  # names that a module keeps: the function costs as much
_ASKED = """

def __getattr__(name):
    number = {%s}.get(name)
    if number is None:
        raise AttributeError(name)
    return number
"""


class ConstantError(ValueError):
    """A use that cannot be inlined; str() is `file:line: why`."""


@functools.cache
def known():
    """{module: {name: number}} of every public constant of the modules that a target can have."""
    out = {}
    for package, folder in _FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            numbers = {name: int(value, 0) for name, value in _CONST.findall(path.read_text())}
            if numbers:
                inner = path.relative_to(ROOT / folder).with_suffix("").parts
                out[".".join((package, *inner)).removesuffix(".__init__")] = numbers
    return out


def _module(path):
    """The module that a source is on the target."""
    return str(path).removeprefix("boards/common/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class _Inlined:
    def __init__(self, source, path):
        self.source = source
        self.path = path
        self.lines = source.split(b"\n")
        self.nodes = list(ast.walk(ast.parse(source, str(path))))
        self.values = {}  # name here -> number
        self.modules = {}  # name here -> numbers of the module that it stands for
        self.changes = []  # (node, new bytes)
        self.end = b""

    def fail(self, node, name):
        raise ConstantError("%s:%d: %s is a number here" % (self.path, node.lineno, name))

    def run(self):
        own = known().get(_module(self.path), {})
        if len(own) > _FEW and not any(isinstance(n, ast.FunctionDef) and n.name == "__getattr__" for n in self.nodes):
            self._own(own)
        imports = [node for node in self.nodes if isinstance(node, ast.ImportFrom) and not node.level]
        for node in imports:
            self._values_of(node)
        self._modules_of(imports)
        uses = self._attributes()
        for node in imports:
            self._import(node, uses)
        for node in self.nodes:
            self._name(node)
        return self._changed()

    def _own(self, numbers):
        """The module's own constants: their lines go, who asks by name gets them from a
        function."""
        for node in self.nodes:
            if isinstance(node, ast.Assign) and node.col_offset == 0 and _CONST.match(ast.unparse(node)):
                self.changes.append((node, b"pass"))
                node.targets[0].id = ""  # not a second binding
        self.values.update(numbers)
        self.end = (_ASKED % ", ".join('"%s": %d' % pair for pair in numbers.items())).encode()

    def _values_of(self, node):
        numbers = known().get(node.module, {})
        for alias in node.names:
            if alias.name in numbers:
                self.values[alias.asname or alias.name] = numbers[alias.name]

    def _modules_of(self, imports):
        """Names that stand for one module with constants, and for nothing else in this file."""
        bound = {node.id for node in self.nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        bound.update(node.arg for node in self.nodes if isinstance(node, ast.arg))
        for node in imports:
            for alias in node.names:
                name, numbers = alias.asname or alias.name, known().get("%s.%s" % (node.module, alias.name))
                if name in bound or self.modules.setdefault(name, numbers) is not numbers:
                    self.modules[name] = None

    def _attributes(self):
        """Put numbers for `module.NAME`; the nodes of the names of modules that went with it."""
        gone = set()
        for node in self.nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                numbers = self.modules.get(node.value.id) or {}
                if node.attr in numbers:
                    text = "%s.%s" % (node.value.id, node.attr)
                    self._put(node, text, numbers[node.attr])
                    gone.add(node.value)
        return gone

    def _import(self, node, gone):
        """Leave of an import what is no number, and no module of which only numbers were used."""
        numbers = known().get(node.module, {})
        kept = [alias for alias in node.names if alias.name not in numbers and not self._only_numbers(alias, gone)]
        if len(kept) < len(node.names):
            names = ", ".join(alias.name + (" as " + alias.asname if alias.asname else "") for alias in kept)
            text = "from %s import %s" % (node.module, names) if kept else "pass"
            self.changes.append((node, text.encode() + b"\n" * (node.end_lineno - node.lineno)))

    def _only_numbers(self, alias, gone):
        name = alias.asname or alias.name
        if not self.modules.get(name):
            return False
        used = [node for node in self.nodes if isinstance(node, ast.Name) and node.id == name]
        return bool(used) and gone.issuperset(used)

    def _name(self, node):
        if isinstance(node, ast.Name) and node.id in self.values:
            self._put(node, node.id, self.values[node.id])
        elif isinstance(node, ast.arg) and node.arg in self.values:
            self.fail(node, node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in self.values:
            self.fail(node, node.name)

    def _put(self, node, text, number):
        # What is broken over lines, or inside of an f-string, has other text there.
        at = self.lines[node.lineno - 1][node.col_offset : node.end_col_offset]
        if not isinstance(node.ctx, ast.Load) or at != text.encode():
            self.fail(node, text)
        self.changes.append((node, b"%d" % number))

    def _changed(self):
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        out = self.source
        for node, new in sorted(
            self.changes, key=lambda change: (change[0].lineno, change[0].col_offset), reverse=True
        ):
            first = starts[node.lineno - 1] + node.col_offset
            out = out[:first] + new + out[starts[node.end_lineno - 1] + node.end_col_offset :]
        return out + self.end


def inline(source, path):
    """The source (bytes) with numbers for constants of our modules. `path` is that of the module on
    the target, for messages too."""
    if _module(path) not in known() and b"import" not in source:
        return source
    return _Inlined(source, path).run()
