"""boards/<board>/board.toml is the one place that names a board: what is wrong in one is said, and
a copy of a board under another name, in a checkout of its own, is known to build, sizes, flash,
deploy, checks and simulated sessions without another edit."""

RUNTIMES = ("cpython",)

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from host_tools import boardfile
from host_tools.root import ROOT
from tests.lib.mtest import eq, raises

_NEW = "scratch_pico"
_PARTS = (
    "boards",
    "codec",
    "drivers",
    "firmware",
    "host_tools",
    "tests/lib",
    "tests/sim",
    "Makefile",
    "pyproject.toml",
)
_MOVED = {"_CONTACTOR": (14, 22), "_MODEM_RESET": (21, 9), "_CONTACTOR_MIRROR": (13, 12)}  # in hardware.py: from, to


def _copy(folder):
    """A checkout whose only new thing is the folder of the scratch board."""
    ignore = shutil.ignore_patterns("__pycache__", "node_modules")
    for part in _PARTS:
        source, place = ROOT / part, folder / part
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=ignore)
        else:
            shutil.copy(source, place)
    for name in ("unit", "emu"):
        (folder / "tests" / name).mkdir(parents=True)
    new = folder / "boards" / _NEW
    shutil.copytree(folder / "boards" / "rpi_pico", new)
    hardware, toml, pins = new / "board" / "hardware.py", new / "board.toml", new / "pins.csv"
    text, table = hardware.read_text(), pins.read_text()
    for name, (old, pin) in _MOVED.items():
        assert "%s = const(%d)" % (name, old) in text
        text = text.replace("%s = const(%d)" % (name, old), "%s = const(%d)" % (name, pin))
        assert "%s,GPIO%d\n" % (name[1:], old) in table
        table = table.replace("%s,GPIO%d\n" % (name[1:], old), "%s,GPIO%d\n" % (name[1:], pin))
    hardware.write_text(text.replace('name = "rpi_pico"', 'name = "%s"' % _NEW))
    pins.write_text(table)
    toml.write_text(toml.read_text().replace("Raspberry Pi Pico (RP2040)", "A board for a test"))
    return new


def _run(folder, *command):
    """(exit status, everything it printed) of a command in that checkout."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHONPATH", "MAKE", "MFLAGS"))}
    # The editable install of the environment stands behind this folder.
    env.update(PYTHONPATH=str(folder), PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout + done.stderr


_SESSION = """
import sys
from host_tools import root
assert str(root.ROOT) == %r, root.ROOT
root.import_paths()
from tests.sim.test_controllers import session
session(%r, "DC_BPT")
print("session ok")
"""


def test_a_new_board_touches_its_folder_only():
    with tempfile.TemporaryDirectory(prefix="with space ") as folder:
        folder = Path(folder)
        new = _copy(folder)
        python = sys.executable
        # What names it, before anything is broken.
        status, said = _run(folder, python, "host_tools/building/build.py", "boards")
        assert status == 0 and re.search(
            r"^scratch_pico +A board for a test, build/scratch_pico/firmware.uf2$", said, re.M
        ), said
        status, said = _run(folder, python, "-m", "host_tools.checks.layers")
        eq((status, "import layers: ok" in said), (0, True))
        status, said = _run(folder, python, "-c", _SESSION % (str(folder), _NEW))
        eq((status, said), (0, "session ok\n"))
        status, said = _run(folder, python, "-m", "host_tools", "flash", "--board", _NEW)
        assert status == 2 and "no file build/scratch_pico/firmware.uf2" in said and "BOARD=scratch_pico" in said, said
        status, said = _run(folder, python, "-m", "host_tools", "flash", "--board", "scratch")
        assert status == 2 and "scratch_pico" in said, said
        status, said = _run(
            folder, python, "-m", "host_tools", "deploy", "--board", _NEW, "--port", "/nowhere", "--only", "bord"
        )
        assert status == 2 and "no package bord; there are board" in said, said
        status, said = _run(folder, python, "-m", "host_tools", "size", "--board", _NEW)
        assert status == 1 and "no 32-bit image" in said, said  # its modules were compiled before that
        assert len(list((folder / "build" / "mpy" / "armv6m").iterdir())) > 50
        status, said = _run(folder, "make", "-n", "firmware", "BOARD=" + _NEW)
        assert status == 0 and "packages-board-scratch_pico" in said, said
        # And what is wrong with it is seen.
        hardware = new / "board" / "hardware.py"
        good = hardware.read_text()
        hardware.write_text(good.replace("import cp_guard\n", "import cp_guard\nimport firmware.app.config\n"))
        status, said = _run(folder, python, "-m", "host_tools.checks.layers")
        assert status == 1 and "boards/scratch_pico/board/hardware.py" in said, said
        hardware.write_text(good.replace("def feedback(self)", "def other(self)"))
        status, said = _run(folder, python, "-m", "host_tools.checks.contracts")
        assert status == 1 and re.search(
            r"^boards/scratch_pico/board/hardware.py:\d+: Hardware, as hardware: has no feedback", said, re.M
        )
        toml = new / "board.toml"
        toml.write_text(re.sub("(?m)^march.*\n", "", toml.read_text()))
        status, said = _run(folder, python, "host_tools/building/build.py", "boards")
        assert status == 1 and "march is missing" in said and "Traceback" not in said, said


def test_a_device_of_two_boards_is_asked_which_it_is():
    from host_tools.board.deploy import probe

    facts = {"name": "micropython", "version": (1, 25, 0), "mpy": 6 | 3 << 8 | 4 << 10, "platform": "rp2", "heap": 190000,
             "machine": "Raspberry Pi Pico with RP2040", "free": 900000, "size": 1 << 20, "missing": [], "frozen": False}  # fmt: skip
    facts = probe.Facts(repr(facts))
    eq((facts.boards, facts.board, probe.judge_image(facts, "rpi_pico", ())), (["rpi_pico"], "rpi_pico", []))
    names = boardfile.names
    boardfile.names = lambda *_, **__: ["rpi_pico", "rpi_pico"]
    try:
        (finding,) = probe.judge_image(facts, facts.board, ())
        eq((facts.board, finding.kind, finding.remedy), (None, "stop", "say which one it is: --board"))
    finally:
        boardfile.names = names


def test_every_board_has_what_the_tools_ask_for():
    for name in boardfile.names():
        board = boardfile.find(name)
        assert (ROOT / "host_tools" / "building" / (board.port + ".py")).is_file(), (name, board.port)
        if board.kind == "controller":
            text = (board.folder / "board" / "hardware.py").read_text()
            assert 'name = "%s"' % name in text, "Hardware says another name"
            for file in ("manifest.py", "pins.csv", "README.md", "budget.json"):
                assert (board.folder / file).is_file(), (name, file)
    eq({path.parent.name for path in boardfile.FOLDER.glob("*/manifest.py")} - set(boardfile.names()), set())


def test_what_is_wrong_in_the_file_is_said():
    good = (ROOT / "boards" / "rpi_pico" / "board.toml").read_text()
    for old, new, words in (
        ('kind = "controller"', 'kind = "toaster"', "kind is one of controller"),
        ('march = "armv6m"', "march = 6", "march is missing, or no str"),
        ("[circuit]", "[circus]", "circuit is missing"),
        ('file = "firmware.uf2"', "", "image.file is missing"),
        ('ci = ["image", "size"]', 'ci = ["flight"]', "ci some of image, size"),
        ('port = "rp2"', 'port = "rp2"\ncolour = "red"', "nobody reads colour"),
        ('port = "rp2"', "port = rp2", "board.toml: "),
    ):
        assert old in good, old
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "board.toml").write_text(good.replace(old, new))
            assert words in str(raises(boardfile.BoardError, boardfile.Board, Path(folder))), (new, words)
    assert "there are" in str(raises(boardfile.BoardError, boardfile.find, "nope"))


def test_the_names_stand_nowhere_else():
    """No tool has a list of boards of its own. rpi_pico is also the board that the emulator has,
    and an example in texts."""
    allowed = {"emu", "files.py", "selftest_doc.py", "figures.py"}
    for path in sorted((ROOT / "host_tools").rglob("*.py")):
        if allowed & {path.name, path.parent.name}:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.partition("#")[0]
            found = re.findall(r"""["'](rpi_pico|esp32s3|armv6m|xtensawin)["']""", code)
            if path.name in ("mpy.py", "esp_image.py", "emu.py") or 'default="rpi_pico"' in code:
                continue
            assert not found, "%s:%d: %s" % (path.relative_to(ROOT), number, line)
