"""The section of docs/benchmarks.md that `microv2g emu --doc` writes; `make bench` writes the rest
and keeps it."""

from pathlib import Path

BEGIN, END = "<!-- make emu: begin -->", "<!-- make emu: end -->"


def kept(path):
    """The section of a page, with its marks; "" if there is none."""
    path = Path(path)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    begin, end = text.find(BEGIN), text.find(END)
    return text[begin : end + len(END)] if 0 <= begin < end else ""


def put(path, section):
    """Replace the section of a page, or append it."""
    path = Path(path)
    text = path.read_text(encoding="utf-8") if path.is_file() else "# Benchmarks\n"
    new = "%s\n%s\n%s" % (BEGIN, section.strip(), END)
    old = kept(path)
    text = text.replace(old, new) if old else text.rstrip() + "\n\n" + new + "\n"
    path.write_text(text, encoding="utf-8")
