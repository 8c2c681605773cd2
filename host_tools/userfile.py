"""Text files that people give to a command: with or without a byte order mark; what is no text is
named."""

from pathlib import Path

_BOM = b"\xef\xbb\xbf"
# First bytes of what people give by mistake, and what it is.
_KINDS = (
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap)"),
    (b"\xa1\xb2\xc3\xd4", "a packet capture (pcap)"),
    (b"\x4d\x3c\xb2\xa1", "a packet capture (pcap)"),
    (b"\xa1\xb2\x3c\x4d", "a packet capture (pcap)"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)"),
    (b"\xff\xfe", "text in UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16: save it as UTF-8"),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"PK\x03\x04", "an archive (zip)"),
    (b"\x7fELF", "a program (ELF)"),
)


class TextError(ValueError):
    """str() says what the file is instead, without its name."""


def kind(data):
    """What bytes are by their beginning, in words; "" if nothing is known."""
    return next((what for begin, what in _KINDS if data.startswith(begin)), "")


def decoded(data):
    """The text of bytes in UTF-8, without a byte order mark. TextError if they are none."""
    what = kind(data)
    if not what and b"\0" in data[:4096]:
        what = "not text"
    if what:
        raise TextError("it is " + what)
    try:
        return data.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        raise TextError(f"it is not text in UTF-8 (byte {error.start})") from None


def read(path):
    """The text of a file. OSError, TextError."""
    return decoded(Path(path).read_bytes())
