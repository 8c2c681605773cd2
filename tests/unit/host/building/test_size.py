"""`microv2g size`: the map of the linker, the budget, and what is measured."""

import contextlib
import io
import json
import tempfile
from pathlib import Path

from host_tools import boardfile
from host_tools.building.size import budget, linker, measure
from host_tools.building.step import BUILD
from host_tools.cli import main
from tests.lib.mtest import raises, skip

RUNTIMES = ("cpython",)
BOARD = boardfile.find("rpi_pico")

MAP = """Discarded input sections

 .text          0x00000000      0x100 CMakeFiles/firmware.dir/frozen_content.c.o

Memory Configuration

Name             Origin             Length             Attributes
FLASH            0x10000000         0x00200000         xr
RAM              0x20000000         0x00040000         xrw
*default*        0x00000000         0xffffffff

Linker script and memory map

LOAD /usr/lib/gcc/arm-none-eabi/12.2.1/thumb/v6-m/nofp/crti.o

.text           0x10000100      0x300
 *(.text*)
 .text.mp_init  0x10000100       0x80 CMakeFiles/firmware.dir/src/boards/build/micropython/py/runtime.c.o
                0x10000100                mp_init
 .text.a_function_with_a_name_that_is_long
                0x10000180      0x100 CMakeFiles/firmware.dir/src/build/micropython/lib/mbedtls/library/ecp.c.o
 *fill*         0x10000280       0x10
 .rodata        0x10000290      0x140 CMakeFiles/firmware.dir/frozen_content.c.o
                                0x150 (size before relaxing)

.ARM.exidx
 *(.ARM.exidx*)

.data           0x20000000       0x40 load address 0x10000400
 .data.x        0x20000000       0x40 CMakeFiles/firmware.dir/src/boards/rpi_pico/cp_guard.c.o

.bss            0x20000040      0x200
 .bss.pool      0x20000040      0x200 CMakeFiles/firmware.dir/src/build/micropython/ports/rp2/main.c.o

.debug_info     0x00000000   0x100000
 .debug_info    0x00000000   0x100000 CMakeFiles/firmware.dir/frozen_content.c.o
"""


def test_the_map_of_the_linker_is_read_by_group():
    image = linker.read(MAP, BOARD)
    assert (image.flash, image.ram) == (0x340, 0x240) and (image.flash_size, image.ram_size) == (0x200000, 0x40000)
    groups = {title: tuple(row) for title, row in image.groups.items() if any(row)}
    assert groups == {
        "interpreter": (0x80, 0), "mbedTLS": (0x100, 0), "our modules, frozen": (0x140, 0),
        "board in C": (0x40, 0x40), "port rp2": (0, 0x200), "alignment, and what the linker makes": (0x40, 0),
    }, groups  # fmt: skip


def test_a_file_that_is_no_map_is_refused():
    raises(ValueError, linker.read, "hello", BOARD)


def test_three_per_cent_above_the_budget_fails_and_a_new_part_too():
    assert not budget.over(103_000, 100_000) and budget.over(103_001, 100_000)
    assert not budget.over(1256, 1000) and budget.over(1257, 1000), "small parts have 256 bytes"
    rows = budget.compare({"mpy": {"a": 10_400, "b": 1, "c": 90}}, {"mpy": {"a": 10_000, "c": 100, "gone": 5}})
    assert [(part, bad) for _, part, _, _, bad in rows] == [("a", True), ("b", True), ("c", False)]


def test_every_frozen_byte_is_counted_once():
    modules = measure.mpy("rpi_pico")
    assert {"board", "codec", "codec/tables", "drivers", "firmware/net", "mcu"} <= set(modules)
    names = [name for part in modules.values() for name in part]
    assert len(names) == len(set(names)) and all(size > 0 for part in modules.values() for size in part.values())
    assert modules["board"].keys() == {"board/__init__.py", "board/hardware.py"}


def _image():
    if not (BUILD / "mcu32" / "micropython").exists():
        skip("no 32-bit image here")


def test_the_heap_of_an_import_is_measured_on_the_32_bit_image():
    _image()
    frozen, files = measure.heap(), measure.heap(files=True)
    assert frozen.keys() == files.keys() == set(measure.ORDER)
    assert 20_000 < sum(frozen.values()) < 80_000, frozen
    assert sum(files.values()) > 3 * sum(frozen.values()), "code that is not frozen lies in the heap"


def test_the_command_fails_above_the_budget_and_update_mends_it():
    _image()
    old = boardfile.Board.budget_path
    with tempfile.TemporaryDirectory() as folder:
        boardfile.Board.budget_path = Path(folder) / "budget.json"
        map_file = Path(folder) / "map"
        map_file.write_text(MAP)
        command = ["size", "--board", "rpi_pico", "--map", str(map_file)]
        try:
            with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
                assert main(command) == 1 and "no budget yet" in err.getvalue()
                assert main([*command, "--update"]) == 0
                assert "our modules, frozen" in out.getvalue() and "832 of 1048576 bytes of flash" in out.getvalue()
                assert main(command) == 0
            kept = json.loads(boardfile.Board.budget_path.read_text())
            kept["mpy"]["codec"] -= 5000
            boardfile.Board.budget_path.write_text(json.dumps(kept))
            with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
                assert main([*command, "--json"]) == 1
            facts = json.loads(out.getvalue())
            assert facts["over"] == [["mpy", "codec"]] and "mpy, codec:" in err.getvalue()
            assert facts["image"] == {"flash": 0x340, "flash_size": 1 << 20, "ram": 0x240}
        finally:
            boardfile.Board.budget_path = old


FIGURES = {
    "sessions": [{"heap": "free=9000 used=1 largest=2"}, {"heap": "free=8000 used=1 largest=2"}],
    "lows": [{"free": 7000, "largest": 4000}, {"free": 6500, "largest": 5000}],
    "stack_free": 1500,
}  # fmt: skip


def test_what_a_session_leaves_is_the_least_of_its_runs_and_less_than_the_budget_fails():
    left = budget.session(FIGURES)
    assert left == {"heap at rest": 8000, "least heap": 6500, "largest piece then": 5000, "C stack": 1500}
    assert budget.session({"sessions": [], "lows": []}) == {}
    known = {"heap at rest": 7000, "least heap": 6756, "largest piece then": 5550, "C stack": 1757}
    bad = [row[1] for row in budget.compare({"session": left}, {"session": known}) if row[4]]
    assert bad == ["C stack"]  # 256 bytes or 3 per cent; 10 for the piece
    known["largest piece then"] = 5570
    known["least heap"] = 6757
    bad = [row[1] for row in budget.compare({"session": left}, {"session": known}) if row[4]]
    assert bad == ["least heap", "largest piece then", "C stack"]


def test_more_promised_than_is_left_is_debt():
    ledger = {
        "session": {"least heap": 5000, "C stack": 900},
        "promised": {"a": {"heap": 4000}, "b": {"heap": 1001, "flash": 7}},
    }
    assert budget.promised(ledger, 100) == [("flash", 100, 7), ("heap", 5000, 5001), ("stack", 900, 0)]
    assert budget.promised(ledger, None) == [("heap", 5000, 5001), ("stack", 900, 0)]


def test_the_ledger_of_a_board_that_has_sessions_is_not_in_debt():
    ledger = budget.load("rpi_pico")
    assert set(ledger["session"]) == {"heap at rest", "least heap", "largest piece then", "C stack"}
    assert ledger["promised"] and all(asked <= left for _, left, asked in budget.promised(ledger, None))


def test_each_board_that_is_built_has_a_budget():
    for board in boardfile.names("controller"):
        assert {"mpy", "heap"} <= set(budget.load(board)), board
