"""The file system of a board as an image: what a freshly flashed board is given, and what is found
on it behind a run."""

import json

from littlefs import LittleFS

BLOCK = 4096
STORAGE_BYTES = 1024 * 1024  # MICROPY_HW_FLASH_STORAGE_BYTES of boards/rpi_pico
STORAGE_AT = 2 * 1024 * 1024 - STORAGE_BYTES  # at the end of the flash of a Pico
_UNIT = 32  # read and program size of the rp2 port
_VERSION = 0x00020000  # what every version of MicroPython reads; a board that writes makes it its own


def _littlefs(**more):
    return LittleFS(
        block_size=BLOCK, block_count=STORAGE_BYTES // BLOCK, read_size=_UNIT, prog_size=_UNIT, cache_size=4 * _UNIT,
        lookahead_size=_UNIT, **more,
    )  # fmt: skip


def image(files):
    """A file system with {path: bytes}; folders are made."""
    fs = _littlefs(disk_version=_VERSION)
    for path, data in files.items():
        folder = path.rpartition("/")[0]
        if folder:
            fs.makedirs(folder, exist_ok=True)
        with fs.open(path, "wb") as f:
            f.write(data)
    return bytes(fs.context.buffer)


def content(data):
    """{path: bytes} of an image; LittleFSError if it cannot be mounted."""
    fs = _littlefs(mount=False)
    fs.context.buffer = bytearray(data)
    fs.mount()
    out = {}
    for root, _, names in fs.walk("/"):
        for name in names:
            path = root.rstrip("/") + "/" + name
            with fs.open(path, "rb") as f:
                out[path] = f.read()
    return out


def station(config, certificates=None):
    """Image of a board with a configuration (dict of firmware/app/config.py) and, for TLS, the folder DIR/device of
    `microv2g pki new DIR`."""
    files = {}
    if certificates is not None:
        config = dict(config, tls_dir="/tls")
        for path in sorted(certificates.iterdir()):
            files["/tls/" + path.name] = path.read_bytes()
    files["/config.json"] = json.dumps(config).encode()
    return image(files)
