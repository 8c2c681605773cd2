"""Does it exist, what documents, comments and docstrings refer to? Exit 1 names every reference
without a target.

Looked at are links of Markdown with the heading behind #, pages and their headings as in
(docs/design.md, frames), Python files, paths below a folder of the project, and words that can only
point outside: an issue, the number of a section.

python -m host_tools.checks.references
"""

import io
import re
import sys
import tokenize

from host_tools.gen.requirements import CODE, TESTS, texts
from host_tools.root import ROOT

_NAME = r"(?<![\w/.<*-])(%s)\b"  # none that is a piece of a longer one, or of a pattern
_LINK = re.compile(r"(?<!`)\]\(([^)\s]+)\)")
_PAGE = re.compile(_NAME % r"(?:[\w-]+/)*[\w-]+\.md")
_MODULE = re.compile(_NAME % r"(?:[\w.-]+/)*[\w-]+\.py")
_PATH = re.compile(
    _NAME % (r"(?:%s)/[\w./-]*\.(?:c|h|S|json|jsonl|toml|sh|src|csv|html)" % "|".join((*CODE, *TESTS, "docs")))
)
_HEADING = re.compile(r"((?:docs/)?[\w-]+\.md), ([\w -]+)(?=[).;:]|$)")
_OUTSIDE = (
    (re.compile(r"\.md,? (?:section )?\d"), "no page of ours has numbers"),
    (re.compile(r"\b[Ii]ssue #?\d+"), "an issue without its address"),
    (re.compile(r"\((?:facts|design)(?: \d|:)"), "points to nothing in the tree"),
)
_NOT_OURS = ("boot.py", "board/stage.py")  # a name of MicroPython, and what a board may bring of its own


def prose(path, text):
    """(line, words) of what people read in a file: all of it, or comments and docstrings of
    Python."""
    if not path.endswith(".py"):
        yield from enumerate(text.splitlines(), 1)
        return
    fresh = True  # a string that begins a statement is a docstring
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and fresh):
            yield from enumerate(token.string.splitlines(), token.start[0])
        elif token.type not in (tokenize.NL, tokenize.COMMENT):
            fresh = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def slugs(text):
    """The anchors that headings of a page have: lower case, without punctuation, a hyphen for each
    space."""
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def faults(root=ROOT):
    """One line for every reference without a target."""
    files = dict(texts(root))
    ends = {path[at:] for path in files for at in range(len(path)) if not at or path[at - 1] == "/"}
    for path, text in files.items():
        for line, words in prose(path, text):
            for why in _faults(root, ends, path, words):
                yield "%s:%d: %s" % (path, line, why)


def _page(root, path, name):
    """The Markdown file that is meant: beside the one that names it, in docs/, or from the top.
    None: there is none."""
    for place in ((root / path).parent / name, root / "docs" / name, root / name):
        if place.exists():
            return place
    return None


def _faults(root, ends, path, words):
    """ends: every file of the project by its whole path, and by each shorter end of it."""
    for target in _LINK.findall(words) if path.endswith(".md") else ():
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = (root / path).parent.joinpath(name).resolve() if name else root / path
        if not file.exists() or not file.is_relative_to(root.resolve()):
            yield "no file for the link " + target
        elif anchor and anchor not in slugs(file.read_text(encoding="utf-8")):
            yield "no heading for the link " + target
    for name in _PAGE.findall(words):
        if not name.startswith("build/") and not _page(root, path, name):
            yield "no page " + name
    for name in _MODULE.findall(words):
        if name not in _NOT_OURS and name not in ends:
            yield "no module " + name
    for name in _PATH.findall(words):
        placeholder = re.search(r"\b[A-Z]+\.", name)  # BOARD.json
        if not name.endswith((".md", ".py")) and not placeholder and not (root / name).exists():
            yield "no file " + name
    for name, heading in _HEADING.findall(words):
        page = _page(root, path, name)
        if page and heading.lower().replace(" ", "-") not in slugs(page.read_text(encoding="utf-8")):
            yield "%s has no heading %r" % (name, heading)
    for pattern, why in _OUTSIDE:
        for found in pattern.findall(words):
            yield "%r: %s" % (found, why)


def main():
    found = list(faults())
    print("\n".join(found) or "ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
