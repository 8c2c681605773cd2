"""host_tools/checks/references.py: what points to nothing is found, what has a target is not. Host
only."""

import pathlib
import tempfile

from host_tools.checks import references
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)  # a tool of the host

TREE = {
    "README.md": "# Top\n",
    "docs/design.md": "# Design\n\n## The run loops, and more\n\n## Frames\n",
    "firmware/app/x.py": "",
    "boards/x/y.json": "{}",
}
# file, content, what must be said of it ("" = nothing). Names that must not exist are put together,
# for this file is checked too.
MD = "." + "md"
CASES = (
    ("docs/a.md", "[x](design.md) [x](design.md#frames) [x](#here) [x](https://a.b/c) [x](../README.md)\n# Here\n", ""),
    ("docs/a.md", "[x](lost%s)" % MD, "no file for the link lost"),
    ("docs/a.md", "one\n\n[x](design.md#lost)", "a.md:3: no heading for the link"),
    ("docs/a.md", "[x](#lost)", "no heading for the link"),
    ("README.md", "[x](../outside)", "no file for the link"),
    ("README.md", "[x](docs/a b)", ""),  # no link at all
    ("firmware/b.py", '"""See docs/design.md, design.md and README.md; (docs/design.md, frames)."""', ""),
    ("firmware/b.py", '"""See lost%s."""' % MD, "b.py:1: no page lost"),
    ("firmware/b.py", "x = 1  # other%s 3" % MD, "no page other"),
    ("firmware/b.py", 'x = "lost%s"' % MD, ""),  # neither comment nor docstring
    ("firmware/b.py", 'def f():\n    """Text.\n\n    See lost%s"""' % MD, "b.py:4: no page lost"),
    ("firmware/b.py", "# build/lost%s FILE.md <page>.md *%s" % (MD, MD), "no page FILE.md"),
    ("firmware/b.py", "# design%s 5" % MD, "no page of ours has numbers"),
    ("firmware/b.py", "# design%s, section 5" % MD, "no page of ours has numbers"),
    ("firmware/b.py", "# (docs/design.md, memory)", "no heading 'memory'"),
    ("firmware/b.py", "# (docs/design.md, the run loops and more)", ""),
    ("firmware/b.py", "# app/x.py, x.py and boot.py", ""),
    ("firmware/b.py", "# app/lost%s" % ".py", "no module app/lost"),
    ("firmware/b.py", "# firmware/x%s" % ".py", "no module firmware/x"),
    ("firmware/b.c", "// boards/x/y.json, boards/x/BOARD.json", ""),
    ("firmware/b.c", "// boards/x/z%s" % ".json", "b.c:1: no file boards/x/z"),
    ("firmware/b.c", "// is%s 7" % "sue", "an issue without its address"),
    ("firmware/b.py", "# ids of the standard (%s: 1 AC)" % "facts", "points to nothing"),
    ("firmware/b.py", "# (%s 4)" % "facts", "points to nothing"),
)


def test_what_points_to_nothing_is_found():
    for path, text, said in CASES:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, content in {**TREE, path: text + "\n"}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(content)
            found = list(references.faults(root))
            if said:
                assert [line for line in found if said in line], (text, found)
            else:
                eq(found, [])
