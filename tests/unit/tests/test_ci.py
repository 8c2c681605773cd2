""".ci/run with a stand-in for make: what it counts, that every section comes in one piece, and its
exit status. Host only."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from host_tools.root import ROOT
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)  # starts processes

MAKE = """#!/bin/bash
echo "begin $*"
case "$1" in
    test) echo "12 passed, 0 failed, 3 skipped" ;;
    test32) echo "5 passed, 2 failed, 0 skipped"; exit 1 ;;
    emu) echo "7 passed, 0 failed, 0 skipped"; exit %(emu)d ;;
    interop) echo "no count"; exit %(interop)d ;;
esac
echo "end $*"
"""


def run(**status):
    """(exit status, output) of .ci/run where `make emu` and `make interop` end with these
    statuses."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ".ci").mkdir()
        (Path(folder) / ".ci" / "run").write_text((ROOT / ".ci" / "run").read_text())
        make = Path(folder) / "make"
        make.write_text(MAKE % {"emu": 0, "interop": 0, **status})
        make.chmod(0o755)
        env = dict(os.environ, PATH="%s:%s" % (folder, os.environ["PATH"]))
        done = subprocess.run(
            ["bash", ".ci/run"], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        return done.returncode, done.stdout


def sections(text):
    """{title: (passed, failed)}; the output between a title and its count has to be of that section
    alone."""
    found, title = {}, None
    for line in text.splitlines():
        head = re.match(r"=== (.*): (?:nice )?make (.*)$", line)
        tail = re.match(r"=== (.*): (\d+) passed, (\d+) failed, exit status \d+, \d+ s$", line)
        if head:
            eq(title, None)
            title, command = head.groups()
        elif tail:
            eq(tail[1], title)
            found[title] = int(tail[2]), int(tail[3])
            title = None
        elif line.startswith(("begin ", "end ")):
            eq(line.partition(" ")[2], command)
    eq(title, None)
    return found


def test_counts_of_all_sections_are_added():
    status, text = run()
    found = sections(text)
    eq((found["tests"], found["tests on an emulated Cortex-M3"]), ((12, 0), (5, 2)))
    eq((found["emulated board"], found["interop"], found["bench"]), ((7, 0), (1, 0), (1, 0)))
    total = tuple(sum(column) for column in zip(*found.values()))
    eq((status, text.splitlines()[-1]), (1, "%d passed, %d failed" % total))
    eq(total[1], 2)


def test_a_section_that_fails_without_a_count_has_failed():
    status, text = run(emu=1, interop=3)
    found = sections(text)
    eq((found["emulated board"], found["interop"]), ((7, 1), (0, 1)))
    eq((status, text.splitlines()[-1].split(", ")[1]), (1, "4 failed"))
