"""docs/requirements.md, out of docs/requirements.src (texts and verdicts, by hand) and of the ids
that code and tests name.

python -m host_tools.gen.requirements           write the page
python -m host_tools.gen.requirements --check   exit 1: an unknown or double id, or a page that is not in step
python -m host_tools.gen.requirements --list [R-LOOP ...]   the table and the counts; what begins so, with its places
"""

import difflib
import os
import re
import sys
import textwrap
from pathlib import Path

from host_tools.root import ROOT

SOURCE = "docs/requirements.src"
PAGE = "docs/requirements.md"
TESTS = ("tests",)
CODE = ("firmware", "drivers", "codec", "boards", "host_tools")
VERDICTS = ("met", "partly", "missing", "n/a")
HEAD = ("group", "ids", *VERDICTS, "met, no test", "no test", "no code")

_TEXT = re.compile(r"\.(py|src|c|h|S|md|toml|cmake|mk|sh|txt|yml|html)$|^(Makefile|run)$")
_SKIP = ("build", "dist", "venv", "__pycache__", ".egg-info")
# An id, and what short forms add to it, always with two digits: "-02, -03", "..05", " to -05".
_ID = re.compile(r"(?<![\w-])(R-[A-Z][A-Z0-9]*(?:-[A-Z]+)*-|D-)(\d+)((?:(?:\.\.-?|(?:,\s+| and | to )-)\d\d(?!\d))*)")
_MORE = re.compile(r"(\.\.| to )?\D*(\d\d)")
# The same in the name of a test: test_..._r_loop_07_09, _d_02.
_TEST = re.compile(r"\bdef (test_\w+)")
_IN_TEST = re.compile(r"_(r_[a-z][a-z0-9]*(?:_[a-z]+)*|d)((?:_\d\d)+)(?![^\W_])")


class Requirement:
    """One line: id | verdict: why | text | source. code and tests: (file, line) of every
    reference."""

    def __init__(self, line):
        self.id, verdict, self.text, self.source = (part.strip() for part in line.split(" | "))
        self.verdict, _, self.why = verdict.partition(": ")
        self.group = self.id.rsplit("-", 1)[0].removeprefix("R-")
        self.code = []
        self.tests = []
        if self.verdict not in VERDICTS or (self.verdict != "met" and not self.why):
            raise ValueError("verdict is one of %s; why if it is not met" % ", ".join(VERDICTS))

    def said(self):
        """The verdict in words; one that no test carries shows it."""
        words = self.verdict + (": " + self.why if self.why else "")
        return words if self.verdict != "met" or self.tests else words + " (no test names it)"


def texts(root):
    """(path below root, content) of every text file of the project; it needs no .git."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.endswith(_SKIP) and (f[0] != "." or f == ".ci"))
        for name in sorted(files):
            if _TEXT.search(name):
                path = Path(folder, name)
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8", errors="replace")


def named(text):
    """(id, line) of every id in a text, with those that a short form stands for."""
    for found in _ID.finditer(text):
        area, first, more = found.groups()
        line = text.count("\n", 0, found.start()) + 1
        yield area + first, line
        last = int(first)
        for through, number in _MORE.findall(more):
            for n in range(last + 1 if through else int(number), int(number) + 1):
                yield "%s%02d" % (area, n), line
            last = int(number)
    for found in _TEST.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        for area, numbers in _IN_TEST.findall(found[1]):
            yield from ((area.upper().replace("_", "-") + "-" + n, line) for n in numbers[1:].split("_"))


def load(root):
    """(head of the page, {group: title}, {id: Requirement}, faults), with every reference of the
    tree."""
    head, titles, items, faults = [], {}, {}, []
    for number, line in enumerate((root / SOURCE).read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("## "):
            group, _, title = line[3:].partition(": ")
            titles[group] = title
        elif not titles:
            head.append(line)
        elif line.strip():
            try:
                item = Requirement(line)
                if item.id in items or item.group != group:
                    raise ValueError(item.id + " is there twice, or not in its group")
                items[item.id] = item
            except ValueError as error:
                faults.append("%s:%d: %s" % (SOURCE, number, error))
    for path, text in texts(root):
        room = path.split("/")[0]
        for name, line in named(text) if path != PAGE else ():
            if name not in items:
                faults.append("%s:%d: %s is not in %s" % (path, line, name, SOURCE))
            elif room in TESTS:
                items[name].tests.append((path, line))
            elif room in CODE:
                items[name].code.append((path, line))
    return "\n".join(head).strip(), titles, items, faults


def counts(titles, items):
    """One row for each group and one for all, as HEAD names the columns."""
    for group in (*titles, "all"):
        some = [i for i in items.values() if group in (i.group, "all")]
        bare = [i for i in some if not i.tests]
        verdicts = [sum(i.verdict == v for i in some) for v in VERDICTS]
        no_code = sum(not i.code for i in some)
        yield (group, len(some), *verdicts, sum(i.verdict == "met" for i in bare), len(bare), no_code)


def _files(places):
    return ", ".join(sorted({path for path, _ in places})) or "none"


def page(head, titles, items):
    """Places are files without lines, which change too often."""
    rows = [" | ".join(map(str, row)) for row in (HEAD, ("---",) * len(HEAD), *counts(titles, items))]
    out = ["<!-- Written by `make gen` from %s: edit that. -->" % SOURCE, "", head, ""]
    out += ["| %s |" % row for row in rows]
    for group, title in titles.items():
        out += ["", "## %s: %s" % (group, title), ""]
        for i in (i for i in items.values() if i.group == group):
            where = "Code: %s. Tests: %s. Source: %s." % (_files(i.code), _files(i.tests), i.source)
            for lead, part in (("- ", "**%s** %s\\" % (i.id, i.said())), ("  ", i.text + "\\"), ("  ", where)):
                out += textwrap.wrap(part, 100, initial_indent=lead, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(out) + "\n"


def show(titles, items, wanted):
    for i in items.values():
        if i.id.startswith(tuple(wanted) or ""):
            print("%-16s %s\n    %s" % (i.id, i.said(), i.text))
            where = (" %s:%d" % place for place in i.code + i.tests)
            print(
                "    "
                + ("source: " + i.source + "\n   " + "\n   ".join(where) if wanted else "tests: " + _files(i.tests))
            )
    if not wanted:
        print()
        for row in (HEAD, *counts(titles, items)):
            print(("%-12s" + "%13s" * (len(HEAD) - 1)) % row)
        print(
            "\nmet, no test names it: " + " ".join(i.id for i in items.values() if i.verdict == "met" and not i.tests)
        )
        print("\nno code names it: " + " ".join(i.id for i in items.values() if not i.code))


def _unknown(word, items):
    near = difflib.get_close_matches(word, items, 3)
    return "no requirement begins with %s%s" % (word, "; near: " + ", ".join(near) if near else "")


def main(argv, root=ROOT):
    head, titles, items, faults = load(root)
    if argv[:1] == ["--list"]:
        unknown = [word for word in argv[1:] if not any(i.id.startswith(word) for i in items.values())]
        for word in unknown:
            print(_unknown(word, items))
        show(titles, items, argv[1:])
        return 1 if unknown else 0
    if argv not in ([], ["--check"]):
        print(__doc__)
        return 2
    text = page(head, titles, items)
    file = root / PAGE
    if not argv:
        file.write_text(text, encoding="utf-8")
    elif not file.exists() or file.read_text(encoding="utf-8") != text:
        faults.append("%s is not in step: run `make gen`" % PAGE)
    print("\n".join(faults) or "%s: %d ids" % (PAGE, len(items)))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
