"""RP2040: its boot ROM shows itself as a drive and takes a UF2. A running board is asked over its
serial port to go there."""

import contextlib
import hashlib
import os
import sys
import time
from pathlib import Path

import serial

from host_tools.board.flash import FlashError, uf2
from host_tools.board.flash.repl import BUSY, Repl

INFO = "INFO_UF2.TXT"
# Board-ID of INFO_UF2.TXT -> family that this drive takes.
_DRIVES = {"RPI-RP2": uf2.RP2040, "RP2350": uf2.RP2350}
_LABELS = ("RPI-RP2", "RP2350")
DRIVE_S = 15
GONE_S = 30
PORT_S = 20
_CHUNK = 64 * 1024
_START_S = 1  # until the REPL of a fresh image answers

_BY_HAND = "hold BOOTSEL while you connect the USB cable, then the same command again"


class Drive:
    """A drive of a boot ROM. board: its Board-ID; family: what it takes, None when it is not known
    here."""

    def __init__(self, path, board):
        self.path = path
        self.board = board
        self.family = _DRIVES.get(board)


def drive(path):
    """The Drive at a folder, None if the folder is none."""
    try:
        text = (path / INFO).read_text("ascii", "replace")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("Board-ID:"):
            return Drive(path, line.split(":", 1)[1].strip())
    return None


def mounts():
    """Folders at which drives may be mounted."""
    if sys.platform.startswith("linux"):
        lines = Path("/proc/mounts").read_text().splitlines()
        return [Path(line.split()[1].encode().decode("unicode_escape")) for line in lines if line.startswith("/dev/")]
    if sys.platform == "darwin":
        return sorted(Path("/Volumes").iterdir())
    return [Path("%s:\\" % letter) for letter in "DEFGHIJKLMNOPQRSTUVWXYZ"]


def find(given=None):
    """The only Drive there is (`given`: look only there), None if there is none. FlashError when
    there are several."""
    found = [d for d in (drive(path) for path in ([given] if given else mounts())) if d is not None]
    if len(found) > 1:
        names = ", ".join("%s (%s)" % (d.path, d.board) for d in found)
        raise FlashError("several boards in their boot loader: " + names, "name one: --drive PATH", 2)
    return found[0] if found else None


def _unmounted():
    """Device of a boot ROM's drive that no desktop has mounted, or None."""
    for label in _LABELS:
        device = Path("/dev/disk/by-label") / label
        if device.exists():
            return device
    return None


def enter_loader(port, show):
    """Ask what runs at a serial port to start the boot ROM. FlashError if the port cannot be
    had."""
    show.say("port    %s: asking the board to start its boot loader" % port)
    try:
        with Repl(port, limit_s=4) as board:
            board.leave("import machine\nmachine.bootloader()")
            return
    except FlashError as error:
        if not Path(port).exists():
            raise FlashError(str(error), BUSY + " Or " + _BY_HAND)
        show.detail(str(error))
    with contextlib.suppress(serial.SerialException, OSError):  # what programs of the C SDK understand
        serial.Serial(port, 1200).close()


def wait_drive(given, limit_s=DRIVE_S):
    """The Drive, once it is there. FlashError after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while True:
        found = find(given)
        if found:
            return found
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    device = _unmounted()
    if device:
        raise FlashError(
            "the drive of the boot loader is there (%s), but not mounted" % device,
            "udisksctl mount -b %s, or mount it and name the folder: --drive PATH" % device,
        )
    raise FlashError("no drive of a boot loader (RPI-RP2) appeared in %d s" % limit_s, _BY_HAND)


def fits(image, target):
    """FlashError if the image is not for the chip behind the drive."""
    if target.family is None:
        raise FlashError("the drive %s belongs to a board that is not known here: %s" % (target.path, target.board))
    name = uf2.family_name(target.family)
    if image.kind != "uf2" or image.family != target.family:
        raise FlashError(
            "%s is %s; the chip behind %s is an %s. Nothing was erased" % (image.path, image.words, target.path, name),
            "take the .uf2 of the board",
        )


def write(target, data, show):
    """Copy a UF2 to the drive and wait until the boot ROM has taken it and left."""
    path = target.path / "firmware.uf2"
    at = 0
    try:
        with open(path, "wb", buffering=0) as out:
            while at < len(data):
                at += out.write(data[at : at + _CHUNK])
                os.fsync(out.fileno())
                show.bar("write", at, len(data))
    except OSError as error:
        if at < len(data) or drive(target.path):
            raise FlashError(
                "the drive %s went away at %d of %d bytes: %s" % (target.path, at, len(data), error.strerror),
                "the flash holds a part of the image: " + _BY_HAND,
            )
    finally:
        show.end()
    end = time.monotonic() + GONE_S
    while drive(target.path):
        if time.monotonic() > end:
            raise FlashError(
                "the boot loader has the whole file and did not start it within %d s" % GONE_S,
                "it refused a block: is the image for this board? Then %s" % _BY_HAND,
            )
        time.sleep(0.1)


def wait_port(port, limit_s=PORT_S):
    """True once the serial port is there and can be opened."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            serial.Serial(port).close()
            return True
        except (serial.SerialException, OSError):
            time.sleep(0.2)
    return False


# Runs on the board: what the flash holds, through its window in the address space.
_HASH = """
import hashlib, uctypes
h = hashlib.sha256()
for at in range(%d, %d, 1024):
    h.update(uctypes.bytearray_at(at, 1024))
%s
print(h.digest().hex())
"""


def compare(parts, port, show, reset=True):
    """True if the flash of the running board holds the parts. It is asked at its REPL; what runs
    there is stopped, and with `reset` the board starts again behind it."""
    good, done, total = True, 0, sum(len(data) for _, data in parts)
    try:
        with Repl(port) as board:
            for at, data in parts:
                whole = len(data) - len(data) % 1024
                rest = "h.update(uctypes.bytearray_at(%d, %d))" % (at + whole, len(data) - whole)
                answer = board.run(_HASH % (at, at + whole, rest if len(data) > whole else "")).decode().strip()
                good = good and answer == hashlib.sha256(data).hexdigest()
                done += len(data)
                show.bar("compare", done, total)
            if reset:
                board.leave("import machine\nmachine.reset()")
    finally:
        show.end()
    return good


def flash(image, port, given, show, erase=False, verify_only=False, flash_kb=2048):
    """Bring an Image of kind "uf2" onto an RP2040; returns facts for --json. port or the drive
    `given` may be None."""
    if verify_only:
        if not port:
            raise FlashError("--verify-only reads an RP2040 over its serial port", "name it: --port PORT", 2)
        if not compare(image.parts, port, show):
            raise FlashError("the flash does not hold %s" % image.path, "write it: the same without --verify-only")
        show.say("ok      the flash holds this image")
        return {"chip": image.chip, "port": port, "bytes": image.size, "verified": True, "written": False}
    target = find(given)
    if target is None:
        if not port:
            raise FlashError("no board in its boot loader, and no serial port to ask one at", _BY_HAND)
        enter_loader(port, show)
        target = wait_drive(given)
    show.say("chip    %s at %s" % (target.board, target.path))
    fits(image, target)
    data, what = image.data, "the file system is kept"
    if erase:
        data = uf2.build(uf2.with_rest_erased(image.parts, flash_kb * 1024), image.family)
        what = "the rest of %d kB erased" % flash_kb
    show.say("write   %d bytes, %s" % (image.size, what))
    write(target, data, show)
    facts = {"chip": target.board, "drive": str(target.path), "port": port, "bytes": image.size, "erased": erase}
    facts.update(verified=False, written=True)
    if not port:
        show.say("ok      taken by the boot loader. Not read back: no --port to ask the board at")
    elif not wait_port(port):
        show.note("%s did not come back within %d s; the console may be another port" % (port, PORT_S))
    else:
        good = None
        for last in (False, False, True):
            time.sleep(_START_S)
            try:
                good = compare(image.parts, port, show)
                break
            except FlashError as error:
                if last:
                    show.note("not read back: %s" % error)
                    return facts
        if not good:
            raise FlashError("the board runs, and its flash does not hold the image", "repeat it; then another board")
        show.say("ok      read back and compared")
        facts["verified"] = True
    return facts
