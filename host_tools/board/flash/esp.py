"""ESP32 family: the ROM loader of the chip, by esptool. Nothing is erased before chip and image are
known to fit.

esptool is a library here: its messages become details, its progress ours, its errors words with a
remedy.
"""

import esptool
from esp_pylib.logger import EspLog, EspLogBase
from esptool.loader import ESPLoader
from esptool.reset import ResetStrategy
from esptool.util import FatalError
from serial import SerialException

from host_tools.board.flash import FlashError, esp_image

BAUD = 460800
SAFE_BAUD = 115200
_ATTEMPTS = 4

_MANUAL = (
    "bring the chip into its loader by hand: hold BOOT, press and release RESET, release BOOT; then the same again with "
    "--before no-reset. Is it the right port, and does the cable carry data?"
)
_AGAIN = "the flash holds a part of the image and the board will not start: connect it again and repeat the command"


class _Log(EspLogBase):
    """What esptool says, as details of ours."""

    def __init__(self, show):
        self._show = show
        self.title = "write"
        self.begun = False  # a block has gone out

    def print(self, *args, **kwargs):
        self._show.detail(" ".join(str(a) for a in args))

    def err(self, *args, suggestion=None):
        self.print(*args)

    def warn(self, *args, suggestion=None):
        self.print(*args)

    # esptool's own names for the same two
    warning = warn
    error = err

    def note(self, *args):
        self.print(*args)

    def hint(self, *args):
        self.print(*args)

    def debug(self, *args):
        self.print(*args)

    def set_verbosity(self, mode):
        pass

    def progress_bar(self, cur_iter, total_iters, prefix="", suffix="", bar_length=30):
        self.begun = True
        self._show.bar(self.title, cur_iter, total_iters)


class _Again(Exception):
    """It failed at a high baud rate in a way that a lower one may mend."""


def flash(
    image, port, show, baud=BAUD, before="default-reset", erase=False, verify_only=False, stub=True, attempts=None
):
    """Write (or with `verify_only` compare) an Image of kind "esp"; returns facts for --json.
    FlashError otherwise."""
    log, old = _Log(show), EspLog.instance
    EspLog.instance = log
    ResetStrategy.print_once.print_callback = log.warn  # it keeps the one of its import
    attempts = attempts or _ATTEMPTS
    if erase and not stub:
        raise FlashError("the ROM loader cannot erase a whole flash", "leave --no-stub away, or --erase", 2)
    try:
        for rate in dict.fromkeys((baud, min(baud, SAFE_BAUD))):
            try:
                return _once(image, port, show, log, rate, before, erase, verify_only, stub, attempts)
            except _Again as error:
                show.note("%s at %d baud; once more at %d" % (error, rate, SAFE_BAUD))
    finally:
        EspLog.instance = old


def _once(image, port, show, log, baud, before, erase, verify_only, stub, attempts):
    with connect(port, before, attempts) as esp:  # it closes the port
        log.begun = False
        fast, stage = baud > SAFE_BAUD, "prepare"
        try:
            name = esp.CHIP_NAME
            show.say("chip    %s at %s" % (esp.get_chip_description(), port))
            fits(image, esp)
            if stub:
                esp = esptool.run_stub(esp)
            if fast:
                esp.change_baud(baud)
            esptool.attach_flash(esp)
            flash_mb = _flash_mb(esp)
            offset = _place(image, esp, flash_mb)
            esp.WRITE_FLASH_ATTEMPTS = 1  # a lost port is ours to explain
            stage = log.title = "compare" if verify_only else "write"
            if verify_only:
                show.say("compare %d bytes at 0x%x" % (len(image.data), offset))
                esptool.verify_flash(esp, [(offset, image.data)])
            else:
                what = "whole flash erased first" if erase else "the file system is kept"
                show.say("write   %d bytes at 0x%x, %s" % (len(image.data), offset, what))
                esptool.write_flash(esp, [(offset, image.data)], erase_all=erase)
            show.end()
            esptool.reset_chip(esp, "hard-reset" if before != "no-reset" else "no-reset")
        except (FatalError, SerialException, OSError) as error:
            raise _explain(error, stage, log.begun, port, fast, image) from error
        finally:
            show.end()
        show.say("ok      read back and compared" if not verify_only else "ok      the flash holds this image")
        facts = {"chip": name, "port": port, "offset": offset, "bytes": len(image.data), "baud": baud, "erased": erase}
        return {**facts, "flash_mb": flash_mb, "verified": True, "written": not verify_only}


def connect(port, before="default-reset", attempts=_ATTEMPTS):
    """A chip in its ROM loader, as esptool has it."""
    try:
        return esptool.detect_chip(port, ESPLoader.ESP_ROM_BAUD, before, False, attempts)
    except FatalError as error:
        text = str(error)
        if "Could not open" in text:
            raise FlashError(
                "cannot open %s" % port,
                "is it there, may you use it (group dialout), and does no monitor or repl have it?",
            )
        if "download mode" in text and "not" in text:
            raise FlashError("the chip at %s runs its program and did not enter its loader" % port, _MANUAL)
        if "Failed to connect" in text:
            raise FlashError("no answer from a boot loader at %s" % port, _MANUAL)
        raise FlashError("the chip at %s is not one that can be told: %s" % (port, text.splitlines()[0]), _MANUAL)
    except (SerialException, OSError) as error:
        raise FlashError("%s went away while connecting: %s" % (port, error), "connect the board again")


def fits(image, esp):
    """FlashError if the image is not for this chip: nothing has been erased yet."""
    if image.kind != "esp":
        raise FlashError(
            "%s is %s; the chip at the port is an %s. Nothing was erased" % (image.path, image.words, esp.CHIP_NAME),
            "build or fetch the image of the board: an ESP32 takes a .bin",
        )
    if image.esp.chip != esp.IMAGE_CHIP_ID:
        raise FlashError(
            "%s is %s; the chip at the port is an %s. Nothing was erased" % (image.path, image.words, esp.CHIP_NAME),
            "take the image of the board, or the port of the other one",
        )


def _flash_mb(esp):
    if esp.secure_download_mode:
        return 0
    code = esp.flash_id() >> 16 & 0xFF
    return 1 << code - 20 if 20 <= code <= 28 else 0


def _place(image, esp, flash_mb):
    """Flash address of the file. An application alone goes where the table on the chip says."""
    esp_part = image.esp
    if flash_mb and esp_part.whole:
        end = max(offset + size for _, _, _, offset, size in esp_part.entries)
        if max(end, esp_part.flash_mb << 20) > flash_mb << 20:
            raise FlashError(
                "the image wants %d MB of flash, the board has %d MB. Nothing was erased"
                % (max(esp_part.flash_mb, -(-end >> 20)), flash_mb),
                "build it with the partitions of this board",
            )
    if esp_part.base is not None:
        return esp_part.base
    place = esp_image.app_partition(esp_image.table(esp.read_flash(esp_image.TABLE_AT, 0xC00)))
    if place is None:
        raise FlashError(
            "the file is an application alone, and the board has no partition table. Nothing was erased",
            "flash the merged image first",
        )
    if len(image.data) > place[1]:
        raise FlashError(
            "the application has %d bytes, its partition on the board %d. Nothing was erased"
            % (len(image.data), place[1]),
            "flash the merged image, which brings its own partition table",
        )
    return place[0]


def _explain(error, stage, begun, port, fast, image):
    """The FlashError (or _Again) for what esptool raised."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    lost = isinstance(error, (SerialException, OSError))
    if lost and not isinstance(error, FatalError):
        if stage == "write":
            return FlashError("%s went away while the image was written" % port, _AGAIN)
        return FlashError("%s went away" % port, "connect the board again; nothing was written")
    if isinstance(error, FlashError):
        return error
    if "Verification failed" in text:
        return FlashError("the flash does not hold %s" % image.path, "write it: the same without --verify-only")
    if "MD5 of file" in text or "region is empty" in text:
        return FlashError(
            "what was written does not read back: the flash of the board is worn, write-protected or badly supplied",
            "try --erase and another supply; if it stays, the flash chip is broken",
        )
    if fast:
        return _Again("the line failed (%s)" % text)
    if "Checksum" in text:
        return FlashError(
            "a block arrived damaged three times, and the writing was given up (%s)" % text,
            _AGAIN + ". A shorter cable, another hub, or --baud 57600",
        )
    if stage == "write":
        return FlashError("the writing failed: %s" % text, _AGAIN if begun else "nothing was erased yet, most likely")
    return FlashError("the chip stopped answering: %s" % text, _MANUAL)
