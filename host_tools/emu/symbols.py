"""Addresses of functions in an image, for the emulator's watch: out of the ELF file beside it."""

import struct

_SYMTAB, _STT_FUNC = 2, 2


def functions(path):
    """{name: address} of an ELF file of 32 bits, little-endian; {} if there is none. ValueError if it is something else."""
    try:
        data = path.read_bytes()
    except OSError:
        return {}
    if data[:6] != b"\x7fELF\x01\x01":
        raise ValueError("%s is no ELF file of 32 bits" % path)
    at, _, _, _, _, size, count = struct.unpack_from("<IIHHHHH", data, 32)
    size, count = struct.unpack_from("<HH", data, 46)
    sections = [struct.unpack_from("<10I", data, at + i * size) for i in range(count)]
    out = {}
    for section in sections:
        if section[1] != _SYMTAB:
            continue
        names = sections[section[6]][4]
        for i in range(section[4], section[4] + section[5], 16):
            name, value, _, info = struct.unpack_from("<IIIB", data, i)
            if info & 15 == _STT_FUNC:
                end = data.index(b"\0", names + name)
                out[data[names + name : end].decode()] = value & ~1
    return out
