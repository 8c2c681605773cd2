"""Every row of the fault table, and docs/faults.md in step with it."""

import gc
import sys

from tests.lib.mtest import eq
from tests.sim import fault_table

RUNTIMES = (
    "cpython",
    "unix32",
)  # the page comes from one, the integers and floats of the boards are those of the other
SLOW = True
HEAP_KB = 1200  # as in test_plug_in.py, and the table
BARE_HEAP_KB = 600  # the same, frozen
TIMEOUT_S = 900
_CPYTHON = sys.implementation.name == "cpython"


def test_every_row():
    lines, failed, longest = [], [], [0, ""]
    for row in fault_table.rows():
        try:
            result = fault_table.run(row)
        except AssertionError as error:
            failed.append("%s, %s: %s" % (row.name, row.where, error))
            continue
        finally:
            gc.collect()
        lines.append(fault_table.line(row, result))
        if lines[-1].split(" | ")[3] != "-" and result.open_ms > longest[0]:
            longest = [result.open_ms, row.name]
    if _CPYTHON:
        for text in lines:
            print("NOTE " + text)
    assert not failed, "\n".join(failed)
    print("NOTE %d rows; the contactor took longest, %d ms, after: %s" % (len(lines), longest[0], longest[1]))
    if _CPYTHON:
        with open(fault_table.DOCUMENT) as document:
            written = document.read()
        eq(written[len(fault_table.HEAD) :].split("\n")[:-1], lines)  # else: python -m tests.sim.fault_table --write
        eq(written[: len(fault_table.HEAD)], fault_table.HEAD)
