"""`microv2g deploy` by the real mpremote to a true MicroPython with a LittleFS of its own, behind a pseudo
terminal."""

import contextlib
import hashlib
import io
import json
import tempfile

from host_tools.board.deploy import MANIFEST, STAGE, TODO, copy, parts, plan
from host_tools.board.flash import FlashError
from host_tools.board.flash.repl import Repl
from host_tools.cli import main
from tests.lib.patience import until
from tests.lib.pty_board import PtyBoard, files

RUNTIMES = ("cpython",)
WAITS = True
TIMEOUT_S = 240
SLOW = True


def deploy(board, *options):
    """(exit status, --json facts, messages)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["deploy", "--port", board.port, "--json", *options])
    return status, json.loads(out.getvalue()), err.getvalue()


def test_a_whole_station_onto_a_stock_image_and_again():
    with tempfile.TemporaryDirectory() as folder, PtyBoard(folder) as board:
        status, facts, text = deploy(board)
        assert status == 2 and "no TLS 1.3" in facts["error"] and "--yes" in facts["remedy"], text
        assert board.files() == {}, "nothing is copied before somebody agrees"
        status, facts, text = deploy(board, "--yes", "--dry-run")
        assert status == 0 and board.files() == {} and len(facts["copy"]) > 90, text
        status, facts, text = deploy(board, "--yes")
        assert status == 0 and facts["march"] == "x86", text
        got = board.files()
        wanted = parts.files("esp32s3", "x86")
        assert {path: got.get(path) for path in wanted} == wanted
        assert set(got) == {*wanted, MANIFEST} and json.loads(got[MANIFEST])["files"] == parts.digests(wanted)
        until(lambda: board.resets)
        assert board.resets == 1
        status, facts, text = deploy(board, "--yes", "--no-reset")
        assert status == 0 and facts["copy"] == [] and facts["unchanged"] == len(wanted), text
        with Repl(board.port, fresh=True) as repl:  # what was copied runs: native code too
            repl.run("import firmware.session.secc, firmware.app.charger, codec.exi_in\nfrom firmware.net import block")
            assert repl.run("print(block.sum16(b'\\x01\\x02\\x03', 0, 3), block.__file__)").split() == [
                b"1026", b"/lib/firmware/net/block.mpy",
            ]  # fmt: skip


def test_one_package_in_front_of_the_frozen_ones_and_away_again():
    with tempfile.TemporaryDirectory() as folder, PtyBoard(folder, frozen=True) as board:
        status, facts, _ = deploy(board)
        assert status == 1 and "has our modules already" in facts["error"] and "--only" in facts["remedy"]
        status, facts, text = deploy(board, "--only", "drivers", "--no-reset")
        assert status == 0 and all(path.startswith("/drivers/") for path in facts["copy"]), text
        with Repl(board.port, fresh=True) as repl:
            where = repl.run(
                "import drivers.pilot, codec.v2gtp\nprint(drivers.pilot.__file__, codec.v2gtp.__file__)"
            ).split()
        assert where == [b"drivers/pilot.mpy", b"codec/v2gtp.py"], where
        status, facts, text = deploy(board, "--remove", "--no-reset")
        assert status == 0 and list(board.files()) == [MANIFEST], text
        with Repl(board.port, fresh=True) as repl:  # an empty folder would hide the frozen package
            assert repl.run("import drivers.pilot\nprint(drivers.pilot.__file__)").split() == [b"drivers/pilot.py"]
        status, facts, _ = deploy(board, "--only", "driver")
        assert status == 2 and "no package driver" in facts["error"]


def test_a_copy_that_is_cut_off_hides_nothing_that_is_frozen():
    with tempfile.TemporaryDirectory() as folder:
        with PtyBoard(folder, frozen=True, cut_after=40) as board:
            status, facts, _ = deploy(board, "--only", "drivers")
            assert status == 1 and "went away" in facts["error"] and "still starts" in facts["remedy"], facts
        with PtyBoard(folder, frozen=True) as board:
            with Repl(board.port) as repl:
                assert repl.run("import drivers.pilot\nprint(drivers.pilot.__file__)").split() == [b"drivers/pilot.py"]
            status, facts, text = deploy(board, "--only", "drivers", "--no-reset")
            assert status == 0 and len(facts["copy"]) >= 7, text
            assert not any(path.startswith(STAGE) for path in board.files())


def test_a_board_of_another_kind_is_left_alone():
    with tempfile.TemporaryDirectory() as folder, PtyBoard(folder, "rp2") as board:
        status, facts, _ = deploy(board, "--yes")
        assert status == 1 and "cp_guard" in facts["error"] and "microv2g flash --board rpi_pico" in facts["remedy"]
        status, facts, _ = deploy(board, "--board", "esp32s3")
        assert status == 1 and "the pins of esp32s3" in facts["error"] and board.files() == {}


def test_nobody_there():
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        assert main(["deploy", "--port", "/dev/no-such-port", "--json"]) == 1
    assert json.loads(out.getvalue())["error"] == "cannot open /dev/no-such-port"


OLD = {"/lib/a.py": b"A = 'old'\n" * 50, "/lib/p/b.py": b"B = 'old'\n" * 300, "/lib/gone.py": b"G = 1\n"}
NEW = {"/lib/a.py": b"A = 'new'\n" * 60, "/lib/p/b.py": b"B = 'new'\n" * 500, "/lib/p/c.py": b"C = 'new'\n" * 20}


def _copy(port, wanted):
    with Repl(port) as repl:
        copier = copy.Copier(repl)
        copier.finish()
        manifest = copier.manifest()
        present = copier.sizes({**manifest, **wanted})
        copier.apply(plan.make(wanted, parts.digests(wanted), manifest, present), {})


def test_a_cut_at_any_moment_leaves_the_old_files_or_the_new_ones():
    """The supply is cut in the middle of the n-th program or erase of the flash, for every third n,
    then the board starts."""
    seen = {"old": 0, "new": 0}
    with tempfile.TemporaryDirectory() as first, PtyBoard(first) as board:
        _copy(board.port, OLD)
        before = (board.folder / "flash.img").read_bytes()
    for cut_after in range(1, 400, 3):
        with tempfile.TemporaryDirectory() as folder:
            image = PtyBoard(folder, cut_after=cut_after)
            (image.folder / "flash.img").write_bytes(before)
            with image as board:
                try:
                    _copy(board.port, NEW)
                    whole = True
                except FlashError:
                    whole = False
            with PtyBoard(folder) as board, Repl(board.port) as repl:
                repl.run(parts.FINISH)  # what main.py does at a start
            got = {path: data for path, data in files(folder).items() if not path.startswith(STAGE)}
            manifest = json.loads(got.pop(MANIFEST))["files"]
            assert got in (OLD, NEW), (cut_after, sorted(got))
            assert TODO not in got
            assert manifest == {path: hashlib.sha256(data).hexdigest() for path, data in got.items()}, cut_after
            seen["new" if got == NEW else "old"] += 1
            if whole:
                break
            with PtyBoard(folder) as board:  # and the copy can be repeated
                _copy(board.port, NEW)
                assert {p: d for p, d in board.files().items() if p != MANIFEST} == NEW, cut_after
    assert whole and seen["old"] > 5 and seen["new"] > 1, seen
    print(
        "NOTE cut %d times: %d times the old files stayed, %d times the new ones"
        % (sum(seen.values()), seen["old"], seen["new"])
    )
