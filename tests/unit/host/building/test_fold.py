"""Numbers for the names of slots: what is folded, what is refused, and that a source runs as it is
too."""

import ast
import importlib
import subprocess
import tempfile
from pathlib import Path

from host_tools.building import constants, fold, mpy, step
from tests.lib.mtest import eq, raises, skip

RUNTIMES = ("cpython",)

slots = importlib.import_module("codec.slots")
IMPORT = "from codec.slots import MSG, ResponseCode\n"


def folded(text):
    return fold.fold(text.encode(), "firmware/x.py").decode()


def refused(text):
    """The message with which `text`, after its import, is refused."""
    error = raises(fold.FoldError, folded, IMPORT + text)
    return str(error)


class _Expected(ast.NodeTransformer):
    """The tree that a folded source must have, made in another way: on the tree instead of on the
    text, with numbers of the imported modules."""

    def __init__(self, tree, module):
        self.kinds = {}
        self.values = {}
        self.modules = {}
        self.own = _numbers(module) if len(constants.known().get(module, ())) > constants._FEW else {}
        self.values.update(self.own)
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            for alias in node.names:
                name, inner = alias.asname or alias.name, "%s.%s" % (node.module, alias.name)
                if node.module == "codec.slots":
                    self.kinds[name] = alias.name
                elif alias.name in constants.known().get(node.module, ()):
                    self.values[name] = _numbers(node.module)[alias.name]
                elif inner in constants.known():
                    self.modules[name] = _numbers(inner)
        bound = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)]
        bound += [n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)]
        self.modules = {name: numbers for name, numbers in self.modules.items() if name not in bound}
        self.left = {name for name in self.modules if self._is_left(tree, name)}

    def _is_left(self, tree, name):
        inside = [n.value for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in self.modules[name]]
        used = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == name]
        return not used or any(n not in inside for n in used)

    def visit_ImportFrom(self, node):
        gone = [name for name in (*self.values, *self.modules) if name not in self.left]
        if node.module != "codec.slots":
            node.names = [alias for alias in node.names if (alias.asname or alias.name) not in gone]
        return node if node.names and node.module != "codec.slots" else ast.copy_location(ast.Pass(), node)

    def visit_Assign(self, node):
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id in self.own:
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)

    def visit_Name(self, node):
        return self._number(node, self.values[node.id]) if node.id in self.values else node

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name):
            if node.value.id in self.kinds:
                return self._number(node, getattr(getattr(slots, self.kinds[node.value.id]), node.attr))
            if node.attr in self.modules.get(node.value.id, ()):
                return self._number(node, self.modules[node.value.id][node.attr])
        return self.generic_visit(node)

    def _number(self, node, value):
        number = ast.parse(repr(value), mode="eval").body  # a negative one is no Constant
        for part in ast.walk(number):
            ast.copy_location(part, node)
        return number


def _numbers(module):
    """{name: number}, from the module itself."""
    if module.startswith("mcu."):
        return constants.known()[module]  # stands on no path of the host
    made = importlib.import_module(module)
    return {name: getattr(made, name) for name in constants.known().get(module, ())}


def _with_lines(tree):
    return [(type(node).__name__, getattr(node, "lineno", 0)) for node in ast.walk(tree)]


def test_every_source_of_the_project_is_folded_to_the_tree_that_it_means_with_the_same_lines():
    names = asked = 0
    for path in fold.sources():
        text = path.read_bytes()
        shown = path.relative_to(step.ROOT)
        new = fold.fold(text, shown)
        tree = ast.parse(text)
        expected = _Expected(tree, constants._module(shown))
        names += len(expected.kinds)
        if expected.own:
            asked += 1
            new, _, end = new.partition(b"\n\ndef __getattr__(name):")
            _answers(b"def __getattr__(name):" + end, expected.own)
        assert new.count(b"\n") == text.count(b"\n"), path
        got, want = ast.parse(new), expected.visit(tree)
        assert ast.dump(got) == ast.dump(want), path
        if not (expected.kinds or expected.values or expected.modules):
            assert new == text, path
        elif not (expected.values or expected.modules):  # an import that lost some of its names is shorter
            assert _with_lines(got) == _with_lines(want), path
    assert names > 100 and asked > 10  # else nothing was tried
    assert fold.check() == []


def _answers(source, numbers):
    """A module that keeps no names gives its numbers to who asks by name, and nothing else."""
    made = {}
    exec(source, made)
    eq({name: made["__getattr__"](name) for name in numbers}, numbers)
    raises(AttributeError, made["__getattr__"], "nosuch")


def test_what_is_folded():
    code = slots.ResponseCode.FAILED_UnknownSession
    assert folded(IMPORT + "x = ResponseCode.FAILED_UnknownSession\n") == "pass\nx = %d\n" % code
    several = "from codec.slots import (  # why\n    MSG,\n    ResponseCode as R,\n)\nx = y[R.OK]; z = R.LEN\n"
    assert folded(several) == "pass\n\n\n\nx = y[0]; z = %d\n" % slots.ResponseCode.LEN
    inside = "def f():\n    from codec.slots import MSG as M\n    return M.SessionStopReq\n"
    assert folded(inside) == "def f():\n    pass\n    return %d\n" % slots.MSG.SessionStopReq
    assert folded(IMPORT + "x = 'ä€', ResponseCode.OK, 'ä', ResponseCode.OK\n") == "pass\nx = 'ä€', 0, 'ä', 0\n"
    assert folded(IMPORT + "x = 'ResponseCode.OK'  # MSG.nothing\n") == "pass\nx = 'ResponseCode.OK'  # MSG.nothing\n"
    assert folded("x = ResponseCode.OK  # slots\n") == "x = ResponseCode.OK  # slots\n"  # not ours: not imported
    assert folded(IMPORT + "f(MSG=ResponseCode.OK).MSG\n") == "pass\nf(MSG=0).MSG\n"  # argument and attribute of others


def test_a_name_that_does_not_exist_is_refused_with_its_place_and_what_is_near():
    assert refused("\nx = ResponseCode.FAILED_UnknwnSession\n").startswith(
        "firmware/x.py:3: no ResponseCode.FAILED_UnknwnSession; near: FAILED_UnknownSession"
    )
    error = str(raises(fold.FoldError, folded, "\nfrom codec.slots import DC_ChargeLoopRs\n"))
    assert error.startswith("firmware/x.py:2: codec.slots has no DC_ChargeLoopRs; near: DC_ChargeLoopRes"), error
    assert "no responseCode; near: ResponseCode" in str(
        raises(fold.FoldError, folded, "from codec.slots import responseCode\n")
    )


def test_a_name_that_is_bound_again_is_refused():
    for text in (
        "MSG = 1", "for MSG in x: pass", "def MSG(): pass", "class MSG: pass", "def f(MSG): pass", "lambda *MSG: 0",
        "def f(a, *, MSG=1, **k): pass", "[0 for MSG in x]", "import MSG", "import MSG.x", "from a import b as MSG",
        "from a import MSG", "with x as MSG: pass", "try: pass\nexcept E as MSG: pass", "del MSG", "MSG += 1",
        "(MSG := 2)", "def f():\n    global MSG", "match x:\n    case [*MSG]: pass", "match x:\n    case {**MSG}: pass",
        "match x:\n    case MSG: pass", "async def MSG(): pass", "x, (MSG, y) = z", "def f():\n    MSG = 3",
    ):  # fmt: skip
        assert "MSG is bound again" in refused(text), text
    twice = "def f():\n    from codec.slots import ResponseCode as MSG\n"
    assert "MSG is imported twice, as MSG and ResponseCode" in refused(twice)


def test_a_name_that_stands_alone_or_is_changed_is_refused():
    for text in ("x = MSG", "f(MSG)", "MSG[1]", "getattr(MSG, 'x')", "x = MSG.LEN, MSG"):
        assert ":2: MSG stands alone" in refused(text), text
    assert "nothing can be assigned" in refused("ResponseCode.OK = 2")
    assert "ResponseCode.OK is a number" in refused("ResponseCode.OK.bit_length()")


def test_what_the_text_does_not_show_on_one_line_is_refused():
    for text in ("x = (ResponseCode\n    .OK)", "x = ResponseCode. OK", "x = (ResponseCode).OK"):
        assert "must stand on one line" in refused(text), text
    for text in ("from codec import slots", "import codec.slots", "import codec.slots as s"):
        assert "a module as a whole is not folded" in refused(text), text
    assert "`*` is not folded" in refused("from codec.slots import *")


def test_inside_an_f_string_it_is_folded_or_refused_but_never_wrong():
    text = IMPORT + 'x = f"ä{ResponseCode.OK}"\n'
    try:
        assert folded(text) == 'pass\nx = f"ä{0}"\n'
    except fold.FoldError as error:
        assert "f-string" in str(error)


def test_what_cannot_be_folded_does_not_compile():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bad.py"
        path.write_text(IMPORT + "x = MSG.Nothing\n")
        assert "firmware/bad.py:2: no MSG.Nothing" in str(raises(step.Missing, mpy.compiled, path, "firmware/bad.py"))
        command = step.BUILD / "mpy-cross" / "mpy-cross-folding"
        if not command.exists():
            return skip("no images here")
        done = subprocess.run([command, "-s", "bad.py", "-o", folder + "/x.mpy", path], capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr == "bad.py:2: no MSG.Nothing\n", done
        path.write_text(IMPORT + "x = MSG.SessionStopReq\n")
        subprocess.run([command, "-s", "good.py", "-o", folder + "/x.mpy", path], check=True)
        assert (Path(folder) / "x.mpy").read_bytes() == mpy.compiled(path, "good.py")
        plain = Path(folder) / "plain.py"
        plain.write_text("pass\nx = %d\n" % slots.MSG.SessionStopReq)
        subprocess.run([command, "-s", "good.py", "-o", folder + "/y.mpy", plain], check=True)
        assert (Path(folder) / "y.mpy").read_bytes() == (Path(folder) / "x.mpy").read_bytes()


def _on_the_image(script):
    image = step.BUILD / "mcu32" / "micropython"
    if not image.exists():
        return None
    command = [image, "-X", "heapsize=1500k", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout.split()


def test_no_frozen_module_imports_the_names():
    script = "import sys; sys.path[:] = ['.frozen']; import firmware.session.secc; print('codec.slots' in sys.modules)"
    out = _on_the_image(script)
    return skip("no 32-bit image here") if out is None else eq(out, ["False"])


def test_sources_that_are_not_folded_run_on_an_image_over_its_frozen_ones():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "firmware").symlink_to(step.ROOT / "firmware")
        script = """if 1:
            import sys
            sys.path[:] = [%r, ".frozen", %r]
            import codec.slots, firmware.session.iso20.limits as limits, tests.unit.session.test_session_flow as flow
            for name in dir(flow):
                if name.startswith("test_"):
                    getattr(flow, name)()
            print(codec.slots.__file__, limits.__file__)
        """ % (folder, str(step.ROOT))
        out = _on_the_image(script)
        if out is None:
            return skip("no 32-bit image here")
        eq(out[-2:], ["codec/slots.py", folder + "/firmware/session/iso20/limits.py"])


def test_constants_are_numbers_where_they_are_imported():
    """Lines are kept, what is no constant stays imported, and a tuple of states has no name in it
    any more."""
    text = "from firmware.session.states import (\n    ENDED,\n    NAMES,\n    SAP as FIRST,\n)\nOVER = (ENDED, FIRST)\nNAMES\n"
    eq(folded(text), "from firmware.session.states import NAMES\n\n\n\n\nOVER = (15, 0)\nNAMES\n")
    eq(folded("from drivers.qca_frame import SIGNATURE_VALUE\n\nx = SIGNATURE_VALUE\n"), "pass\n\nx = 43605\n")
    eq(folded("from codec import mme\nx = mme.MATCH_REQ, -mme.BAD_TYPE\n"), "pass\nx = 24700, --2\n")
    eq(folded("from codec import mme as m\nm.nid(m.BODY)\n"), "from codec import mme as m\nm.nid(19)\n")
    for text in ("from codec import mme\n\ndef f(mme):\n    return mme.BODY\n", "mme = x\nmme.BODY\n"):
        eq(folded(text), text)  # there it is another mme
    for text in ("ENDED = 3", "def f(ENDED): pass", "def ENDED(): pass"):
        error = raises(fold.FoldError, folded, "from firmware.session.states import ENDED\n" + text)
        assert "ENDED is a number here" in str(error), error


def test_a_module_with_many_constants_keeps_no_names_of_them_on_a_target():
    """8 bytes of heap each; who asks by name (a source that is not folded) gets the number."""
    script = """if 1:
        import sys
        sys.path[:] = ['.frozen']
        from codec import mme
        from firmware.app import plug_steps
        print('MATCH_REQ' in mme.__dict__, 'STAY' in plug_steps.__dict__, mme.MATCH_REQ, plug_steps.STAY, hasattr(mme, 'NOSUCH'))
        from codec.mme import BODY
        print(BODY)
    """
    out = _on_the_image(script)
    return skip("no 32-bit image here") if out is None else eq(out, ["False", "False", "24700", "-2", "False", "19"])


def test_nobody_takes_a_constant_from_where_it_is_only_imported():
    """On the target it is not there: `from drivers.qca7000 import SIGNATURE` would fail, which only
    has it from qca_frame."""
    known = constants.known()
    trees = {path: ast.parse(path.read_text()) for path in fold.sources()}
    has = {}
    for path, tree in trees.items():
        module = constants._module(path.relative_to(step.ROOT))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in known:
                has.setdefault(module, set()).update(
                    a.asname or a.name for a in node.names if a.name in known[node.module]
                )
    assert "drivers.qca7000" in has and "firmware.session.secc" in has
    for path, tree in trees.items():
        modules = {}
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            both = has.get(node.module, set()).intersection(a.name for a in node.names)
            assert not both, (str(path), node.module, both)
            modules.update((a.asname or a.name, "%s.%s" % (node.module, a.name)) for a in node.names)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                taken = node.attr in has.get(modules.get(node.value.id), ())
                assert not taken, (str(path), node.lineno, node.attr)
