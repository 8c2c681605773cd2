"""`microv2g flash` of an RP2040: a folder stands for the drive of its boot ROM, a true MicroPython for the
board."""

import contextlib
import io
import json
import tempfile
import threading
from pathlib import Path

from host_tools.board.flash import FlashError, rp2, uf2
from host_tools.board.flash.progress import Show
from host_tools.cli import main
from tests.lib.patience import LIMIT_S, until
from tests.lib.pty_board import IMAGE, PtyBoard
from tests.unit.host.board.test_flash_image import rp2040_parts

RUNTIMES = ("cpython",)
INFO = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: %s\n"


class BootRom(threading.Thread):
    """Takes a whole UF2 that is copied to its drive, and leaves, as the boot ROM does. stuck: it
    stays for ever."""

    def __init__(self, path, board="RPI-RP2", stuck=False):
        super().__init__(daemon=True)
        self.path = path
        self.board = board
        self.stuck = stuck
        self.taken = None
        self._end = threading.Event()

    def appear(self):
        self.path.mkdir()
        (self.path / rp2.INFO).write_text(INFO % self.board)
        self.start()

    def run(self):
        file = self.path / "firmware.uf2"
        while not self._end.wait(0.02):
            if not file.exists() or self.stuck:
                continue
            data = file.read_bytes()
            if len(data) >= 512 and len(data) == 512 * int.from_bytes(data[24:28], "little"):
                self.taken = data
                (self.path / rp2.INFO).unlink()
                return

    def stop(self):
        self._end.set()


def run(folder, image, *options, drive=None):
    """(exit status, --json facts, messages)."""
    path = Path(folder) / "image.uf2"
    path.write_bytes(image)
    out, err = io.StringIO(), io.StringIO()
    command = ["flash", str(path), "--json", "--drive", str(drive or Path(folder) / "drive"), *options]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(command)
    return status, json.loads(out.getvalue()), err.getvalue()


GOOD = uf2.build(rp2040_parts(), uf2.RP2040)


def test_a_board_in_its_boot_loader_takes_the_file():
    with tempfile.TemporaryDirectory() as folder:
        rom = BootRom(Path(folder) / "drive")
        rom.appear()
        status, facts, text = run(folder, GOOD)
        assert status == 0 and rom.taken == GOOD, text
        assert facts["written"] and not facts["verified"], "nobody was there to read it back"


def test_erase_writes_the_rest_of_the_flash_as_erased():
    with tempfile.TemporaryDirectory() as folder:
        rom = BootRom(Path(folder) / "drive")
        rom.appear()
        status, _, text = run(folder, GOOD, "--erase", "--flash-kb", "64")
        assert status == 0, text
        (at, data), *more = uf2.parse(rom.taken)[1]
        assert (at, len(data), more) == (uf2.FLASH_AT, 65536, [])
        assert data[:4096] == rp2040_parts()[0][1] and data[4096:].count(0xFF) == 65536 - 4096


def test_an_image_for_another_chip_is_refused_and_nothing_copied():
    with tempfile.TemporaryDirectory() as folder:
        rom = BootRom(Path(folder) / "drive", "RP2350")
        rom.appear()
        status, facts, _ = run(folder, GOOD)
        rom.stop()
        assert status == 1 and "a UF2 for RP2040; the chip behind" in facts["error"], facts
        assert "RP2350" in facts["error"] and not (rom.path / "firmware.uf2").exists()


def test_a_foreign_drive_is_not_written_to():
    with tempfile.TemporaryDirectory() as folder:
        rom = BootRom(Path(folder) / "drive", "SAMD51P20A-Feather-v0")
        rom.appear()
        status, facts, _ = run(folder, GOOD)
        rom.stop()
        assert status == 1 and "not known here: SAMD51" in facts["error"]


def test_a_running_board_is_sent_to_its_boot_loader():
    assert IMAGE.exists(), "make firmware-unix"
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as flash:
        rom = BootRom(Path(folder) / "drive")

        def bootloader():
            rom.appear()
            rom.join(LIMIT_S)
            (Path(flash) / ".flash").write_bytes(uf2.parse(rom.taken)[1][0][1])

        with PtyBoard(flash, "rp2", on_bootloader=bootloader) as board:
            status, facts, text = run(folder, GOOD, "--port", board.port)
            assert status == 0 and rom.taken == GOOD and board.resets, text
            assert facts["port"] == board.port and facts["written"] and facts["verified"]
            status, facts, text = run(folder, GOOD, "--port", board.port, "--verify-only")
            assert status == 0 and facts["verified"] and not facts["written"], text
            other = uf2.build(rp2040_parts(5120), uf2.RP2040)
            status, facts, text = run(folder, other, "--port", board.port, "--verify-only")
            assert status == 1 and "does not hold" in facts["error"], text


def test_nothing_in_its_boot_loader_and_nobody_to_ask():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drive"
        try:
            rp2.wait_drive(path, limit_s=0.2)
            raise AssertionError("found one")
        except FlashError as error:
            assert "BOOTSEL" in error.remedy
        status, facts, _ = run(folder, GOOD, "--port", "/dev/no-such-port")
        assert status == 1 and "cannot open" in facts["error"] and "BOOTSEL" in facts["remedy"]


def test_a_boot_loader_that_takes_the_file_and_stays_is_a_failure():
    with tempfile.TemporaryDirectory() as folder:
        rom, old = BootRom(Path(folder) / "drive", stuck=True), rp2.GONE_S
        rom.appear()
        rp2.GONE_S = 0.3
        try:
            status, facts, _ = run(folder, GOOD)
        finally:
            rp2.GONE_S = old
            rom.stop()
        assert status == 1 and "did not start it" in facts["error"]


def test_an_image_of_the_esp32_is_no_file_for_a_drive():
    from tests.lib import esp_images

    with tempfile.TemporaryDirectory() as folder:
        rom = BootRom(Path(folder) / "drive")
        rom.appear()
        status, facts, _ = run(folder, esp_images.merged(), "--port", "/dev/null")
        rom.stop()
        assert status == 1 and "is an image for ESP32-S3" in facts["error"] and "Nothing was erased" in facts["error"]


def test_any_length_of_flash_is_compared_and_the_board_started_again():
    with tempfile.TemporaryDirectory() as flash, PtyBoard(flash, "rp2") as board:
        data = bytes(i * 5 & 255 for i in range(3000))
        (Path(flash) / ".flash").write_bytes(data)
        show = Show(json=True)
        assert rp2.compare([(uf2.FLASH_AT, data)], board.port, show, reset=False)
        assert not rp2.compare([(uf2.FLASH_AT, data[:-1] + b"\1")], board.port, show, reset=True)
        until(lambda: board.resets)
        assert board.resets == 1


def test_drives_are_told_by_their_info_file():
    with tempfile.TemporaryDirectory() as folder:
        assert rp2.drive(Path(folder)) is None and rp2.find(Path(folder)) is None
        (Path(folder) / rp2.INFO).write_text(INFO % "RPI-RP2")
        assert rp2.find(Path(folder)).family == uf2.RP2040
