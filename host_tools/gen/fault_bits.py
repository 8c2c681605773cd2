"""The table of faults of the power path in docs/power_stage.md, out of firmware/stage/faults.py.

python -m host_tools.gen.fault_bits            write it
python -m host_tools.gen.fault_bits --check    is it in step? exit status 1 if not
"""

import sys

from host_tools.root import ROOT, import_paths

PATH = ROOT / "docs" / "power_stage.md"
BEGIN = "| fault | reaction | answer | latched | cause | remedy |\n"
_REACTIONS = ("said, goes on", "limits fall", "ends in order", "opens at once")
_ANSWERS = ("", "FAILED", "FAILED_ContactorError")


def table():
    from firmware.stage.faults import TABLE

    rows = [BEGIN, "|---|---|---|---|---|---|\n"]
    for _, name, reaction, answer, latched, cause, remedy in TABLE:
        words = (name, _REACTIONS[reaction], _ANSWERS[answer], "yes" if latched else "", cause, remedy)
        rows.append("| " + " | ".join(words) + " |\n")
    return "".join(rows)


def text():
    """The page with the table of today in the place of its own."""
    page = PATH.read_text()
    begin = page.index(BEGIN)
    return page[:begin] + table() + page[page.index("\n\n", begin) + 1 :]


def main(args):
    import_paths()
    if args == ["--check"]:
        if PATH.read_text() == text():
            print("docs/power_stage.md: ok")
            return 0
        print("docs/power_stage.md is not in step: make gen")
        return 1
    PATH.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
