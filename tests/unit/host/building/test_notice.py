"""NOTICE.md against what the build fetches, installs and compiles; LICENSE against pyproject.toml.
Host only."""

import json
import re
import tomllib

from host_tools.building import source
from host_tools.building.build import EVCC, SCHEMAS, SDM
from host_tools.root import BUILD, ROOT
from tests.lib.mtest import eq, skip

RUNTIMES = ("cpython",)
NOTICE = (ROOT / "NOTICE.md").read_text()
ROWS = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in NOTICE.splitlines() if line[:2] == "| "]


def version(name):
    """The second cell of the row of `name`; None without a row."""
    for row in ROWS:
        if re.match(re.escape(name.lower()) + r"\b(?![-_.])", row[0].lower()):
            return row[1]
    return None


def packages():
    """{name: version} of everything that is pinned: Python packages, the car of the interop tests,
    node packages."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["dev"]]
    wanted += [*project["build-system"]["requires"], *EVCC, SCHEMAS]
    wanted += [text.replace("pymodbus", "pymodbus, old") for text in SDM]
    found = dict(text.split("==") for text in wanted)
    lock = json.loads((ROOT / "host_tools" / "emu" / "js" / "package-lock.json").read_text())["packages"]
    found.update((name.rpartition("node_modules/")[2], row["version"]) for name, row in lock.items() if name)
    return found


def test_every_package_has_its_row_with_its_version():
    for name, wanted in packages().items():
        eq((name, version(name)), (name, wanted))


def test_sources_of_the_images_have_their_rows():
    eq(version("MicroPython"), source.MICROPYTHON.tag.lstrip("v"))
    eq(version("mbedTLS"), source.MBEDTLS.tag.removeprefix("mbedtls-"))
    for name in source.PACKAGES:
        assert version(name), name + " is fetched and has no row in NOTICE.md"


def test_versions_of_fetched_packages():
    """pico-sdk and TinyUSB come in the version that the distribution has: what lies there is what
    the page says."""
    sdk, usb = BUILD / "pico-sdk" / "pico_sdk_version.cmake", BUILD / "tinyusb" / "src" / "tusb_option.h"
    if not (sdk.exists() and usb.exists()):
        skip("no pico-sdk and TinyUSB below build/")
    for name, path, pattern in (
        ("pico-sdk", sdk, r"set\(PICO_SDK_VERSION_(?:MAJOR|MINOR|REVISION) (\d+)\)"),
        ("tinyusb", usb, r"#define TUSB_VERSION_(?:MAJOR|MINOR|REVISION) +(\d+)"),
    ):
        eq((name, ".".join(re.findall(pattern, path.read_text()))), (name, version(name)))


def test_every_library_that_was_compiled_has_its_row():
    """By the compiler's own lists of files (.P, .d): lib/NAME of MicroPython, for each image that
    is built here."""
    seen = set()
    for image, pattern in (("unix", "*.P"), ("mcu32", "*.P"), ("rpi_pico", "*.d")):
        for path in (BUILD / image).rglob(pattern):
            found = re.findall(r"(?:micropython|\.\./\.\.)/lib/([\w.-]+)/", path.read_text(errors="replace"))
            seen.update((image, name) for name in found)
    if not seen:
        skip("no image is built")
    for image, name in sorted(seen):
        row = next((row for row in ROWS if re.match(re.escape(name) + r"\b", row[0].lower())), None)
        assert row, "%s of image %s has no row in NOTICE.md" % (name, image)
        assert row[3] == "all" or image in row[3], (row[0], "does not name the image", image)


def test_license():
    text = (ROOT / "LICENSE").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    eq((project["license"], project["license-files"]), ("MIT", ["LICENSE", "NOTICE.md"]))
    assert text.startswith("The MIT License (MIT)") and "microv2g contributors" in text, text[:80]
