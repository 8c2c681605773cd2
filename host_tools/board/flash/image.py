"""What a file is, in words, before anything is erased."""

from host_tools.board.flash import BadImage, esp_image, uf2

# (begins with, what it is). For everything that is easily taken for a firmware image.
_OTHERS = (
    (b"\x7fELF", "a program with symbols (ELF) as the linker leaves it", "flash the .uf2 or .bin beside it"),
    (b":", "an Intel HEX file", "flash the .uf2 or .bin of the board"),
    (b"M\x06", "a compiled module (.mpy)", "microv2g deploy copies modules"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\xfd7zXZ", "an xz archive", "unpack it first"),
)
_EMPTY_HINT = "copy or build the file again"


class Image:
    """kind: "uf2" or "esp"; chip: its name as a person says it; family / number: what the file
    itself says. parts: [(address, bytes)], the address None where only the chip can tell; data: the
    file."""

    def __init__(self, path, data, kind, chip, parts, words, esp=None, family=None):
        self.path = path
        self.data = data
        self.kind = kind
        self.chip = chip
        self.parts = parts
        self.words = words
        self.esp = esp
        self.family = family

    @property
    def size(self):
        return sum(len(part) for _, part in self.parts)

    def facts(self):
        """For --json."""
        return {"file": str(self.path), "kind": self.kind, "chip": self.chip, "bytes": self.size, "is": self.words}


def read(path):
    """The Image of a file. BadImage says what the file is instead."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadImage("cannot read %s: %s" % (path, error.strerror))
    try:
        return _of(path, data)
    except BadImage as error:
        raise BadImage("%s: %s" % (path, error), error.remedy)


def _of(path, data):
    if not data:
        raise BadImage("the file is empty", _EMPTY_HINT)
    if uf2.is_uf2(data):
        family, parts = uf2.parse(data)
        if family == uf2.RP2040:
            uf2.check_rp2040(parts)
        chip = uf2.family_name(family)
        return Image(path, data, "uf2", chip, parts, "a UF2 for %s" % chip, family=family)
    for begin, what, remedy in _OTHERS:
        if data.startswith(begin):
            raise BadImage("this is %s, not a firmware image" % what, remedy)
    if uf2.boot2_good(data):
        raise BadImage("this is the bare flash content of an RP2040", "flash the .uf2 beside it")
    if data[0] == esp_image.MAGIC or data[:4096].count(0xFF) == 4096:
        esp = esp_image.parse(data)
        chip = esp_image.chips()[esp.chip][0]
        what = "an image" if esp.whole else "an application without boot loader"
        words = "%s for %s" % (what, chip) + (", version " + esp.version if esp.version else "")
        return Image(path, data, "esp", chip, [(esp.base, data)], words, esp=esp)
    text = not any(byte < 9 for byte in data[:256])
    raise BadImage("this is %s, not a firmware image" % ("text" if text else "nothing that a board boots from"))
