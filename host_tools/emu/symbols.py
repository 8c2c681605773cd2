"""Addresses of functions in an image, for the emulator's watch: out of the ELF file beside it."""

import struct

_SYMTAB, _STT_FUNC = 2, 2


def functions(path):
    """{name: address} of an ELF file of 32 bits, little-endian; {} if there is none. ValueError if
    it is something else."""
    return {name: value & ~1 for name, value, kind in _symbols(path) if kind == _STT_FUNC}


def addresses(path, names):
    """[address] of what the linker script names so, 0 for what is not there."""
    found = {name: value for name, value, _ in _symbols(path) if name in names}
    return [found.get(name, 0) for name in names]


def _symbols(path):
    """[(name, value, kind)]"""
    try:
        data = path.read_bytes()
    except OSError:
        return []
    if data[:6] != b"\x7fELF\x01\x01":
        raise ValueError("%s is no ELF file of 32 bits" % path)
    at, _, _, _, _, size, count = struct.unpack_from("<IIHHHHH", data, 32)
    size, count = struct.unpack_from("<HH", data, 46)
    sections = [struct.unpack_from("<10I", data, at + i * size) for i in range(count)]
    out = []
    for section in sections:
        if section[1] != _SYMTAB:
            continue
        names = sections[section[6]][4]
        for i in range(section[4], section[4] + section[5], 16):
            name, value, _, info = struct.unpack_from("<IIIB", data, i)
            end = data.index(b"\0", names + name)
            out.append((data[names + name : end].decode(), value, info & 15))
    return out
