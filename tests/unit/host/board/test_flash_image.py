"""What `microv2g flash` takes for an image, and the words for what it does not take."""

import struct
import tempfile
from pathlib import Path

from host_tools.board.flash import BadImage, esp_image, image, uf2
from tests.lib import esp_images

RUNTIMES = ("cpython",)


def rp2040_parts(size=4096):
    """[(address, bytes)] with a boot sector that the boot ROM would take."""
    boot2 = bytes(range(252))
    boot2 += struct.pack("<I", uf2.boot2_checksum(boot2))
    return [(uf2.FLASH_AT, boot2 + bytes(i * 7 & 0xFF for i in range(size - 256)))]


def of(data, name="file.bin"):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return image.read(path)


def refusal(data):
    try:
        of(data)
    except BadImage as error:
        return str(error)
    raise AssertionError("taken for an image")


def test_boot_sector_checksum_is_the_one_of_the_data_sheet():
    # Check value of CRC-32/MPEG-2, which has the same parameters, over the digits 1 to 9.
    assert uf2.boot2_checksum(b"123456789") == 0x0376E6E7


def test_a_uf2_says_its_chip_and_gives_back_what_was_put_in():
    parts = rp2040_parts()
    got = of(uf2.build(parts, uf2.RP2040))
    assert (got.kind, got.chip, got.parts) == ("uf2", "RP2040", parts), got.words
    assert of(uf2.build(parts, uf2.RP2350)).chip == "RP2350 (Arm)"


def test_the_rest_of_the_flash_can_be_written_as_erased():
    parts = uf2.with_rest_erased([*rp2040_parts(), (uf2.FLASH_AT + 8192, b"\1" * 256)], 16384)
    whole = uf2.parse(uf2.build(parts, uf2.RP2040))[1]
    assert [(at, len(data)) for at, data in whole] == [(uf2.FLASH_AT, 16384)]
    assert whole[0][1][4096:8192] == b"\xff" * 4096 and whole[0][1][8192:8448] == b"\1" * 256


def test_each_damage_of_a_uf2_is_named():
    good = uf2.build(rp2040_parts(), uf2.RP2040)
    assert "ends inside of block 1" in refusal(good[:1000])
    assert "each of its blocks once" in refusal(good[:-512])
    assert "block 2 of this UF2 is damaged" in refusal(good[:1024] + b"\0" + good[1025:])
    assert "no valid boot sector" in refusal(good[:40] + b"\x99" + good[41:])
    assert "no valid boot sector" in refusal(uf2.build([(uf2.FLASH_AT + 4096, bytes(256))], uf2.RP2040))
    assert "no flash of an RP2040" in refusal(uf2.build([(0x20000000, bytes(256))], uf2.RP2040))
    two = uf2.build(rp2040_parts(), uf2.RP2040) + uf2.build(rp2040_parts(), 0xADA52840)
    assert "RP2040, nRF52840" in refusal(two)


def test_merged_images_of_three_chips():
    for chip, name, boot_at in ((9, "ESP32-S3", 0), (5, "ESP32-C3", 0), (0, "ESP32", 0x1000)):
        data = esp_images.merged(chip, boot_at)
        got = of(data)
        assert (got.chip, got.esp.base, got.esp.whole) == (name, boot_at, True)
        assert (got.esp.version, got.esp.flash_mb) == ("1.25.0-test", 8)
        padded = of(b"\xff" * boot_at + data)  # merged from address 0 on
        assert (padded.chip, padded.esp.base) == (name, 0)


def test_an_application_alone_leaves_its_place_to_the_board():
    got = of(esp_images.part(9, 5000, 1, app=True))
    assert (got.chip, got.esp.base, got.esp.whole) == ("ESP32-S3", None, False), got.words


def test_each_damage_of_an_esp_image_is_named():
    good = esp_images.merged()
    assert "does not fit" in refusal(good[:100] + bytes([good[100] ^ 1]) + good[101:])
    assert "MD5 of the partition table" in refusal(good[:0x8005] + b"\x77" + good[0x8006:])
    assert "ends inside of the image" in refusal(good[:-40000])
    assert "boot loader alone" in refusal(good[:0x8000])
    app = bytearray(good)
    app[0x10000 + 12] = 5
    assert "does not fit" in refusal(bytes(app)), "the hash covers the chip of the application"
    assert "number 4242" in refusal(esp_images.part(4242, 5000, 1))
    too_long = esp_images.merged(entries=(("factory", 0, 0, 0x10000, 0x1000),))
    assert "its partition 4096" in refusal(too_long)


def test_a_partition_table_is_read_as_it_was_written():
    entries = [tuple(entry) for entry in esp_images.ENTRIES]
    assert esp_image.table(esp_images.table(entries)) == entries
    assert esp_image.app_partition(entries) == (0x10000, 0x100000)
    assert esp_image.table(b"\xff" * 64) is None


def test_what_is_easily_taken_for_an_image_is_named():
    for data, words in (
        (b"", "empty"),
        (b"\x7fELF\1\1\1", "ELF"),
        (b":020000041000EA\n", "Intel HEX"),
        (b"M\x06\x00\x1f", "compiled module"),
        (b"PK\x03\x04", "zip"),
        (b"<html>not found</html>", "text"),
        (bytes(300), "nothing that a board boots from"),
        (rp2040_parts()[0][1], "bare flash content of an RP2040"),
        (b"\xe9\x63" + bytes(40), "99 segments"),
    ):
        assert words in refusal(data), (words, refusal(data))
