"""The least free heap (boards/common/heap_mark) on the image of the RP2040: exact, cheap, and in
the words of the station."""

RUNTIMES = ("cpython",)
TIMEOUT_S = 300


from host_tools.emu import files, symbols
from host_tools.emu.board import EmulatedBoard
from host_tools.root import BUILD
from tests.lib.mtest import eq, skip

IMAGE = BUILD / "rpi_pico" / "firmware.uf2"
if not IMAGE.exists():
    skip("no image: make firmware BOARD=rpi_pico")

SINKS = """
import gc, heap_mark
gc.collect(); heap_mark.reset(); gc.collect()
a = heap_mark.read(); b = bytearray(20000); gc.collect()
c = heap_mark.read(); b = None; gc.collect()
d = heap_mark.read(); print(gc.mem_free() - a[0], a[0] - c[0], c[0] - d[0], d[2])
"""
# What is found to be the largest piece can be had, and not a block more: that takes a second
# collection, and fails.
LARGEST = """
keep = [bytearray(200) for i in range(300)]
for i in range(0, 300, 3): keep[i] = None
gc.collect(); n = heap_mark.now()[1]
heap_mark.reset(); b = bytearray(n - 32); b = None; gc.collect(); n = heap_mark.now()[1]
try:
    bytearray(n + 32)
    print("more")
except MemoryError:
    print("right", n)
"""


def test_it_sinks_by_what_is_kept_and_knows_the_largest_piece():
    functions = symbols.functions(IMAGE.with_suffix(".elf"))
    with EmulatedBoard(IMAGE, files.image({})) as board:
        board.until(">>> ", 5000)
        board.watch("outer", functions["__wrap_gc_collect"], True)
        board.watch("inner", functions["gc_collect"], True)
        out, error = board.exec(SINKS)
        assert not error, error
        back, sunk, risen, collections = [int(word) for word in out.split()]
        assert abs(back) <= 400 and 20000 <= sunk <= 20200 and risen == 0 and collections == 3, out
        watch = board.metrics()["watch"]
        eq(watch["outer"]["count"], watch["inner"]["count"])
        own = watch["outer"]["total_ns"] - watch["inner"]["total_ns"]
        # The counting. The heap is nearly empty here; a station's collections take three times as
        # long, the counting does not.
        assert 0 < own < 0.06 * watch["inner"]["total_ns"], watch
        out, error = board.exec(LARGEST)
        assert not error and out.startswith("right"), (out, error)


def test_the_station_tells_it():
    flash = files.station({"services": ["DC_BPT"], "allow_plain": True, "tls": "none"})
    with EmulatedBoard(IMAGE, flash) as board:
        board.until("Ctrl-C stops it.", 5000)
        board.run_ms(500)
        board.type("@1 info\r")
        info = board.until("@1 ok", 3000)
        low = int(info.split("heap_low=")[1].split()[0])
        free = int(info.split("heap_free=")[1].split()[0])
        assert 10000 < low <= free, info
        board.type("status\r")
        board.until("heap low ", 3000)
