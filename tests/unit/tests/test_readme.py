"""tests/README.md shows the session test that runs."""

RUNTIMES = ("cpython",)

import re

from host_tools.root import ROOT
from tests.lib.mtest import eq


def test_the_example_of_the_readme_is_the_one_that_runs():
    shown = re.findall("```python\n(.*?)```", (ROOT / "tests" / "README.md").read_text(), re.S)
    eq(shown, [(ROOT / "tests" / "unit" / "session" / "test_example.py").read_text()])


def test_files_that_the_readme_names_exist():
    text = (ROOT / "tests" / "README.md").read_text()
    for path in re.findall(r"`(lib/\w+\.py)`", text):
        assert (ROOT / "tests" / path).is_file(), path
    for folder in re.findall(r"^\| `(\w+)/` \|", text, re.M):
        assert (ROOT / "tests" / folder).is_dir(), folder
