"""C functions of an image called by their address, from a script of the raw REPL: what no module
shows can be tested so, without a test entry in the image."""

from host_tools.emu import symbols

# call(function, up to twelve words or buffers) -> r0. Addresses of buffers do not change:
# MicroPython's heap does not move.
SCRIPT = """
import gc, time
from array import array
from uctypes import addressof
@micropython.asm_thumb
def _call(r0):
    mov(r4, r0)
    add(r4, 36)
    ldr(r0, [r4, 0])
    ldr(r1, [r4, 4])
    ldr(r2, [r4, 8])
    ldr(r3, [r4, 12])
    push({r0, r1, r2, r3})
    sub(r4, 16)
    ldr(r0, [r4, 0])
    ldr(r1, [r4, 4])
    ldr(r2, [r4, 8])
    ldr(r3, [r4, 12])
    push({r0, r1, r2, r3})
    sub(r4, 20)
    ldr(r5, [r4, 0])
    ldr(r0, [r4, 4])
    ldr(r1, [r4, 8])
    ldr(r2, [r4, 12])
    ldr(r3, [r4, 16])
    data(2, 0x47a8)  # blx r5
    data(2, 0xb008)  # add sp, #32
_words = array('I', bytes(52))
def call(function, *arguments):
    _words[0] = function
    for i, argument in enumerate(arguments):
        _words[i + 1] = argument if isinstance(argument, int) else addressof(argument)
    return _call(_words)
"""


def script(elf, *names):
    """SCRIPT, and every named function of the ELF file as a constant of its name."""
    addresses = symbols.functions(elf)
    missing = [name for name in names if name not in addresses]
    if missing:
        raise AssertionError("not in %s: %s" % (elf, missing))
    return SCRIPT + "".join("%s = %d\n" % (name, addresses[name] | 1) for name in names)
