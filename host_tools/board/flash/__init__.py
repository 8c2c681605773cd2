"""Firmware onto a board: what a file is, what the chip is, and writing only when they fit."""


class FlashError(Exception):
    """Flashing failed. `str()` says what happened; `remedy` says what to do; `status` is the exit
    status."""

    def __init__(self, text, remedy="", status=1):
        super().__init__(text)
        self.remedy = remedy
        self.status = status


class BadImage(FlashError):
    """The file is no firmware image, or a damaged one."""

    def __init__(self, text, remedy=""):
        super().__init__(text, remedy, status=2)
