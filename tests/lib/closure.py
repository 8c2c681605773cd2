"""What a test module needs on a target: the files that it imports, and what it wants that a target
lacks.

    closure("tests.unit.slac.test_slac")                              {module: file} of everything of ours, itself included
    closure("tests.unit.slac.test_slac", frozen=("codec", "drivers", "firmware"))     without what the image holds: the files
                                                                 to compile and to copy to a board
    verdict(path)                                                None, or why it cannot run on a bare image

Read from the source, never by importing it. Host only, plain Python: the build uses it before there
is an environment.
"""

import ast

from host_tools.root import ROOT

# Where the images have their packages from: name on the target -> folder that holds it.
PLACES = {
    "codec": ROOT,
    "drivers": ROOT,
    "firmware": ROOT,
    "tests": ROOT,
    "host_tools": ROOT,
    "board": ROOT / "boards" / "unix",
    "mcu": ROOT / "boards" / "common",
    "twin": ROOT / "host_tools",
}
# Modules of an operating system. A bare image has none of them; a test that needs one is skipped
# there.
HOSTED = [
    "argparse",
    "contextlib",
    "ctypes",
    "importlib",
    "multiprocessing",
    "pathlib",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "termios",
    "threading",
    "traceback",
    "urllib",
]
# The options that tests/run.py knows; a test file that sets another means nothing by it.
OPTIONS = ("RUNTIMES", "SLOW", "HEAP_KB", "WAITS", "TIMEOUT_S", "BARE", "BARE_HEAP_KB", "BARE_STACK_KB")


def options(path):
    """What a test file says of itself at its top level: those of OPTIONS."""
    found = {}
    for node in _parse(path).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in OPTIONS:
            found[node.targets[0].id] = ast.literal_eval(node.value)
    return found


def _parse(path):
    try:
        return ast.parse(path.read_text())
    except SyntaxError:  # the interpreter will say it
        return ast.Module([], [])


def find(module, extra=None):
    """The file of a module of ours, or None. extra: one more folder to look in, as tests/run.py
    FILE has."""
    parts = module.split(".")
    for base in (PLACES.get(parts[0]), extra):
        if base is not None:
            path = base.joinpath(*parts)
            for file in (path.with_suffix(".py"), path / "__init__.py"):
                if file.is_file():
                    return file
    return None


def _statements(body, sure):
    """(import statement, does it surely run when the file is imported). Not sure: below def, if and
    try."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, sure
        for field, value in ast.iter_fields(node):
            if field in ("body", "orelse", "handlers", "finalbody") and isinstance(value, list):
                yield from _statements(value, sure and isinstance(node, (ast.ClassDef, ast.With)))


def imports(path):
    """(module, sure) of every import of a file: of `from a import b` both a and a.b."""
    for node, sure in _statements(_parse(path).body, True):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, sure
        elif not node.level:
            yield node.module, sure
            for name in node.names:
                yield node.module + "." + name.name, sure


def _below(module, packages):
    return any(module == p or module.startswith(p + ".") for p in packages)


def closure(module, frozen=(), extra=None):
    """{module: file} that `module` may import, itself included, in the order of the names.
    `frozen`: packages or modules that the target has already; they are left out with all that they
    import. KeyError if there is no such module."""
    found, todo = {}, [module]
    if find(module, extra) is None:
        raise KeyError(module)
    while todo:
        name = todo.pop()
        file = find(name, extra)
        if name in found or file is None or _below(name, frozen):
            continue
        found[name] = file
        parts = name.split(".")
        todo += [".".join(parts[:n]) for n in range(1, len(parts))]
        todo += [other for other, _ in imports(file)]
    return dict(sorted(found.items()))


def foreign(module, extra=None):
    """Modules of an operating system that importing `module` surely needs: {module: chain of our
    modules that leads there}."""
    found, seen, todo = {}, set(), [(module, (module,))]
    while todo:
        name, way = todo.pop()
        file = find(name, extra)
        if name in seen or file is None:
            continue
        seen.add(name)
        for other, sure in imports(file):
            if sure and other.split(".")[0] in HOSTED:
                found.setdefault(other.split(".")[0], way)
            elif sure:
                todo.append((other, (*way, other)))
    return found


def verdict(path, module, extra=None):
    """None if a test file can run on a bare image, else the reason in a few words."""
    said = options(path)
    bare = said.get("BARE")
    if bare and bare is not True:
        return bare
    runtimes = said.get("RUNTIMES")
    if runtimes and "unix32" not in runtimes and "m3" not in runtimes:
        return "runs on %s only" % ", ".join(runtimes)
    missing = foreign(module, extra)
    if missing:
        name, way = sorted(missing.items())[0]
        return "needs %s%s" % (name, "" if len(way) == 1 else ", by way of " + way[-1])
    return "slow" if said.get("SLOW") and bare is not True else None


def test_files(folders=("unit", "golden", "fuzz", "mem", "sim")):
    """The test files of these folders below tests/."""
    return [path for folder in folders for path in sorted((ROOT / "tests" / folder).rglob("test_*.py"))]


def name_of(path):
    """tests/unit/codec/test_v2gtp.py -> tests.unit.codec.test_v2gtp"""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def bare_modules():
    """{module: file} of every test that runs on a bare image, and of all that these import: what
    such an image freezes."""
    found = {}
    for path in test_files():
        if verdict(path, name_of(path)) is None:
            found.update(closure(name_of(path)))
    return found
