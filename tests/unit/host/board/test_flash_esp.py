"""`microv2g flash` with the real esptool against an emulated ROM loader on a pseudo terminal."""

import contextlib
import io
import json
import tempfile
from pathlib import Path

from host_tools.cli import main
from tests.lib import esp_images
from tests.lib.rom_loader import SECTOR, Faults, Port, RomLoader

RUNTIMES = ("cpython",)
WAITS = True
BOOT_AT = {"esp32": 0x1000, "esp32c3": 0, "esp32s3": 0}
NUMBER = {"esp32": 0, "esp32c3": 5, "esp32s3": 9}


class Done:
    """rom: the emulated chip behind it; status, text: of the command; facts: of --json."""

    def __init__(self, rom, image, *options):
        out, err = io.StringIO(), io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "firmware.bin"
            path.write_bytes(image)
            command = ["flash", str(path), "--before", "no-reset", "--attempts", "1", "--json", *options]
            with Port(rom) as port, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                self.status = main([*command, "--port", port])
        self.rom = rom
        self.text = err.getvalue()
        self.facts = json.loads(out.getvalue())

    def holds(self, image, at=0):
        return self.rom.flash[at : at + len(image)] == image


def test_good_flash_of_three_chips_through_the_stub():
    for chip, at in BOOT_AT.items():
        image = esp_images.merged(NUMBER[chip], at)
        done = Done(RomLoader(chip), image)
        assert (done.status, done.facts["ok"], done.facts["verified"]) == (0, True, True), done.text
        assert done.holds(image, at) and done.rom.stub
        assert done.facts["offset"] == at and done.facts["baud"] == 460800 == done.rom.baud
        end = at + len(image)
        assert done.rom.flash[end:].count(0xFF) == len(done.rom.flash) - end, "written behind the image"


def test_good_flash_by_the_rom_alone():
    for chip, at in BOOT_AT.items():
        image = esp_images.merged(NUMBER[chip], at, size=20000)
        done = Done(RomLoader(chip), image, "--no-stub")
        assert done.status == 0 and done.holds(image, at) and not done.rom.stub, done.text


def test_the_file_system_is_kept_and_erase_takes_it():
    image = esp_images.merged()
    rom = RomLoader()
    rom.flash[0x200000:0x200010] = b"/config.json.../"
    assert Done(rom, image).status == 0 and rom.flash[0x200000:0x200010] == b"/config.json.../"
    rom.baud, rom.stub = None, False
    done = Done(rom, image, "--erase")
    assert done.status == 0 and done.facts["erased"] and done.holds(image), done.text
    assert rom.flash[0x200000:0x200010] == b"\xff" * 16


def test_a_wrong_image_is_refused_with_nothing_erased():
    for chip, foreign in (("esp32s3", "esp32c3"), ("esp32", "esp32s3"), ("esp32c3", "esp32")):
        rom = RomLoader(chip)
        done = Done(rom, esp_images.merged(NUMBER[foreign], BOOT_AT[foreign]))
        assert done.status == 1 and rom.erased == rom.written == 0, done.text
        assert "Nothing was erased" in done.text and not rom.stub
        assert done.facts["image"]["chip"].replace("-", "").lower() == foreign
        assert rom.chip.name in done.facts["error"], done.facts


def test_a_larger_flash_than_the_board_has_is_refused_with_nothing_erased():
    rom = RomLoader(flash_mb=4)
    done = Done(rom, esp_images.merged(flash_code=3))
    assert done.status == 1 and rom.erased == 0
    assert "wants 8 MB of flash, the board has 4 MB" in done.facts["error"]


def test_no_sync_says_which_buttons():
    done = Done(RomLoader(faults=Faults(deaf=True)), esp_images.merged())
    assert done.status == 1 and "no answer from a boot loader" in done.facts["error"]
    assert "hold BOOT" in done.facts["remedy"] and done.rom.erased == 0


def test_a_port_that_is_not_there():
    done = Done(RomLoader(), esp_images.merged(), "--port", "/dev/no-such-port")
    assert done.status == 0, "the last --port counts"
    out = io.StringIO()
    with tempfile.NamedTemporaryFile(suffix=".bin") as file, contextlib.redirect_stdout(out):
        file.write(esp_images.merged())
        file.flush()
        assert main(["flash", file.name, "--port", "/dev/no-such-port", "--json"]) == 1
    assert json.loads(out.getvalue())["error"] == "cannot open /dev/no-such-port"


def test_a_damaged_block_is_sent_again():
    for options in ((), ("--no-stub",)):
        image = esp_images.merged()
        done = Done(RomLoader(faults=Faults(damage=[1, 1])), image, *options)
        assert done.status == 0 and done.holds(image) and done.rom.rejected == 2, done.text


def test_a_line_that_is_never_good_ends_cleanly():
    done = Done(RomLoader(faults=Faults(damage=[1] * 100)), esp_images.merged(), "--baud", "115200")
    assert done.status == 1 and done.rom.rejected == 3, done.text
    assert "arrived damaged three times" in done.facts["error"]
    assert "will not start" in done.facts["remedy"] and "cable" in done.facts["remedy"]


def test_a_line_too_bad_for_high_rates_falls_back():
    image = esp_images.merged(size=20000)
    rom = RomLoader(faults=Faults(max_baud=230400))
    done = Done(rom, image, "--no-stub")
    assert done.status == 0 and done.holds(image), done.text
    assert done.facts["baud"] == 115200 and "once more at 115200" in done.text


def test_unplugged_half_way_says_what_the_board_is_now():
    for options in ((), ("--no-stub",)):
        done = Done(RomLoader(faults=Faults(unplug_after=1)), esp_images.merged(), *options)
        assert done.status == 1 and "went away while the image was written" in done.facts["error"], done.text
        assert "repeat the command" in done.facts["remedy"] and done.rom.erased > 0


def test_a_worn_flash_does_not_pass_for_written():
    image = esp_images.merged()
    place = next(at for at in range(0x10100, len(image)) if image[at] & 1)
    done = Done(RomLoader(faults=Faults(worn=[place])), image)
    assert done.status == 1 and "does not read back" in done.facts["error"]


def test_verify_only_writes_nothing():
    image = esp_images.merged()
    rom = RomLoader()
    done = Done(rom, image, "--verify-only")
    assert done.status == 1 and "does not hold" in done.facts["error"] and rom.erased == rom.written == 0
    rom.flash[: len(image)] = image
    rom.baud, rom.stub = None, False
    done = Done(rom, image, "--verify-only")
    assert done.status == 0 and not done.facts["written"] and rom.erased == rom.written == 0, done.text


def test_an_application_goes_where_the_table_on_the_chip_says():
    app = esp_images.part(9, 30000, 7, app=True)
    rom = RomLoader()
    done = Done(rom, app)
    assert done.status == 1 and "no partition table" in done.facts["error"] and rom.erased == 0
    rom.baud, rom.stub = None, False
    table = esp_images.table((("nvs", 1, 2, 0x9000, 0x6000), ("ota_0", 0, 0x10, 0x20000, 0x100000)))
    rom.flash[0x8000 : 0x8000 + len(table)] = table
    done = Done(rom, app)
    assert done.status == 0 and done.facts["offset"] == 0x20000 and done.holds(app, 0x20000), done.text
    assert rom.flash[0x8000 : 0x8000 + len(table)] == table


def test_the_model_of_the_flash_needs_erasing_before_writing():
    rom = RomLoader()
    rom.program(0, b"\x0f")
    rom.program(0, b"\xf0")
    assert rom.flash[0] == 0
    rom.erase(1, 1)
    assert rom.flash[0] == 0xFF and rom.erased == 1 and SECTOR == 4096


def test_an_image_that_is_not_for_the_named_board_is_refused_before_the_port_is_opened():
    rom = RomLoader("esp32c3")
    done = Done(rom, esp_images.merged(5), "--board", "esp32s3")
    assert done.status == 1 and "the chip of esp32s3 is an ESP32-S3" in done.facts["error"] and rom.baud is None


def test_no_image_and_no_board_is_wrong_use():
    with contextlib.redirect_stderr(io.StringIO()) as err:
        assert main(["flash"]) == 2
        assert main(["flash", "/no/such/firmware.bin"]) == 2
    assert "no IMAGE and no --board" in err.getvalue() and "no file /no/such/firmware.bin" in err.getvalue()
