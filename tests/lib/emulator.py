"""What tests on the emulated board need: Skip with the reason where it is not there."""

import os
import shutil

from host_tools.root import ROOT
from tests.lib.mtest import Skip

# Tools at the port of an emulated board: on a busy machine it is slower than its tools wait for a
# true one.
os.environ.setdefault("MICROV2G_PATIENCE", "3")

IMAGE = ROOT / "build" / "rpi_pico" / "firmware.uf2"
FOLDER = ROOT / "build" / "emu"


def need_emulator():
    if shutil.which("node") is None:
        raise Skip("no node")
    if not (FOLDER / "node_modules" / "rp2040js").is_dir():
        raise Skip("no rp2040js: python3 host_tools/building/build.py emulator")


def need_image():
    """Path of the image."""
    need_emulator()
    if not IMAGE.is_file():
        raise Skip("no image: make firmware BOARD=rpi_pico")
    return IMAGE


def environment():
    return dict(os.environ, MICROV2G_EMU=str(FOLDER))
