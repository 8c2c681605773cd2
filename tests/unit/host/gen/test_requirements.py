"""host_tools/gen/requirements.py: texts by hand, places from the tree, faults that it finds. Host
only."""

import contextlib
import io
import pathlib
import shutil
import tempfile

from host_tools.gen import requirements as r
from host_tools.root import ROOT
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)  # a tool of the host

AREA = "R-" + "ALPHA-"  # in two pieces, so that this file names none of them
OTHER = "D-" + "0"
SRC = """# Title

Head with words.

## ALPHA: first group

{a}01 | met | A does it. | [V2G-1]; somebody
{a}02 | partly: the half of it | A does it all. | somebody
{a}03 | met: on Sundays | A does it then. | somebody

## D: decisions

{d}1 | n/a: nothing yet | It is so. | somebody
""".format(a=AREA, d=OTHER)


class Tree:
    """A project in a temporary folder, without .git. files: path -> content."""

    def __init__(self, files=(), source=SRC):
        self.root = pathlib.Path(tempfile.mkdtemp())
        for path, text in {r.SOURCE: source, **dict(files)}.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.root)

    def run(self, *argv):
        """(exit code, output)"""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = r.main(list(argv), self.root)
        return code, out.getvalue()

    def page(self):
        return (self.root / r.PAGE).read_text(encoding="utf-8")


def numbers(text):
    return [(name[len(AREA) :], line) for name, line in r.named(text)]


def test_short_forms_name_what_they_stand_for():
    eq(numbers("(%s01)" % AREA), [("01", 1)])
    eq(numbers("a\n%s01, -02\n" % AREA), [("01", 2), ("02", 2)])
    eq(numbers(AREA + "01..03, -05 to -07 and -09"), [(n, 1) for n in ("01", "02", "03", "05", "06", "07", "09")])
    eq(numbers(AREA + "01, 02 of 3"), [("01", 1)])  # without its hyphen it is a number like any other
    eq(numbers("B" + AREA + "01 x-" + AREA + "01"), [])


def test_names_of_tests_name_requirements():
    text = "def %s():\n    pass\n\n\ndef %s(): pass\n" % (
        "test_a_r_alpha_01_03",
        "test_2_cars_r_alpha_02_d_09_r_alpha_04",
    )
    eq(list(r.named(text)), [(AREA + "01", 1), (AREA + "03", 1), (AREA + "02", 5), (OTHER + "9", 5), (AREA + "04", 5)])
    eq(list(r.named("def %s():" % "test_b_r_dc_safety_11_again")), [("R-" + "DC-SAFETY-11", 1)])
    eq(list(r.named("def %s():" % "test_12_of_r_alpha_021_x_r_alpha")), [])


def test_the_page_has_text_verdict_and_places():
    files = {
        "firmware/session/x.py": "# %s01..02\n" % AREA,
        "boards/b/x.c": "// %s01\n" % AREA,
        "tests/unit/test_x.py": '"""%s02."""\n' % AREA,
        "docs/other.md": AREA + "03: neither code nor test\n",
        "build/x.py": "# %s03, %s77: not of the project\n" % (AREA, AREA),
    }
    with Tree(files) as tree:
        eq(tree.run()[0], 0)
        page = tree.page()
        assert page.startswith("<!--") and "Head with words." in page, page
        both = "**{0}01** met (no test names it)\\\n  A does it.\\\n  Code: boards/b/x.c, firmware/session/x.py. Tests: none."
        assert both.format(AREA) in page, page
        assert "**%s02** partly: the half of it\\\n" % AREA in page, page
        assert "Code: firmware/session/x.py. Tests: tests/unit/test_x.py. Source: somebody." in page, page
        assert "**%s03** met: on Sundays (no test names it)\\\n" % AREA in page, page
        assert (
            "| ALPHA | 3 | 2 | 1 | 0 | 0 | 2 | 2 | 1 |\n| D | 1 | 0 | 0 | 0 | 1 | 0 | 1 | 1 |\n| all | 4 |" in page
        ), page
        eq(tree.run("--check")[0], 0)


def test_an_id_that_the_list_does_not_have_is_a_fault_wherever_it_stands():
    for path in ("firmware/x.py", "tests/sim/x.py", "docs/x.md", "README.md", "Makefile", ".ci/run", "boards/b/x.h"):
        for bad in (AREA + "04", AREA + "1", "R-" + "BETA-01", "D-" + "31", AREA + "01, -02 to -05"):
            with Tree({path: "one\n(%s)\n" % bad}) as tree:
                tree.run()
                code, out = tree.run("--check")
                eq(code, 1)
                assert path + ":2: " in out and "is not in " + r.SOURCE in out, out


def test_a_page_that_is_not_in_step_is_a_fault():
    with Tree() as tree:
        code, out = tree.run("--check")
        eq(code, 1)
        assert "not in step" in out, out  # there is none at all
        eq(tree.run()[0], 0)
        eq(tree.run("--check")[0], 0)
        (tree.root / "tests").mkdir()
        (tree.root / "tests/x.py").write_text("# %s01\n" % AREA)
        eq(tree.run("--check")[0], 1)
        tree.run()
        eq(tree.run("--check")[0], 0)
        (tree.root / r.PAGE).write_text(tree.page().replace("A does it all.", "A does nothing."))
        eq(tree.run("--check")[0], 1)


def test_lines_that_are_wrong_are_faults_with_their_number():
    for old, new, said in (
        (AREA + "02 |", AREA + "01 |", "twice"),
        (AREA + "02 |", "R-" + "BETA-02 |", "not in its group"),
        ("partly: the half of it", "partly", "why if it is not met"),
        ("partly: the half of it", "fine", "verdict is one of"),
        (" | A does it all. | somebody", " | A does it all.", "not enough values"),
    ):
        with Tree(source=SRC.replace(old, new)) as tree:
            code, out = tree.run()
            eq(code, 1)
            assert r.SOURCE + ":8: " in out and said in out, out


def test_the_list_shows_counts_and_for_one_id_its_lines():
    with Tree({"firmware/x.py": "\n# %s01\n" % AREA, "tests/x.py": "# %s03\n" % AREA}) as tree:
        code, out = tree.run("--list")
        eq(code, 0)
        assert out.count("\nall") == 1, out
        eq(" ".join(out.split("\nall")[1].splitlines()[0].split()), "4 2 1 0 1 1 3 3")
        assert "met, no test names it: %s01\n" % AREA in out, out
        assert "no code names it: %s02 %s03 %s1\n" % (AREA, AREA, OTHER) in out, out
        code, out = tree.run("--list", AREA + "01")
        assert "firmware/x.py:2\n" in out and AREA + "02" not in out and "ALPHA " not in out, out
        eq(tree.run("--lost")[0], 2)


def test_the_list_of_this_project_is_whole():
    _, titles, items, _ = r.load(ROOT)
    eq(len(titles), 20)
    eq((sum(i.startswith("R-") for i in items), sum(i.startswith("D-") for i in items)), (256, 31))
    for i in items.values():
        assert i.text.endswith(".") and i.source, i.id


def test_an_id_that_is_not_in_the_list_is_said_with_its_neighbours():
    with Tree() as tree:
        code, said = tree.run("--list", AREA + "09")
        eq(code, 1)
        assert said.startswith("no requirement begins with %s09; near: " % AREA), said
        assert AREA + "01" in said, said
