"""Host side of the emulated Cortex-M3 (boards/qemu_m3): the command that runs one test module on
it, and its files.

The machine has no disk. A read-only file system in memory stands for it: what the tests read, and
test files that are not frozen in the image. QEMU counts instructions (-icount) and takes 8 ns for
each: the clock of the machine goes by that alone, so two runs of an image are the same to the last
instruction, and its milliseconds are those of 125 million instructions a second.
"""

from pathlib import Path

from tests.lib import closure

ROOT = closure.ROOT
IMAGE = ROOT / "build" / "qemu_m3" / "firmware.elf"
HEAP_KB = 200
STACK_KB = 16  # tests call deeper than the firmware does
_FILES_AT = 0x21000000
_MACHINE = ["-machine", "mps2-an385", "-nographic", "-monitor", "none", "-icount", "shift=3,align=off,sleep=off"]
_READ = ("tests/golden/data", "build/test-certs")  # folders that tests read from
_READ_FILES = ("docs/faults.md",)


def command(words, files, heap_kb=HEAP_KB, stack_kb=STACK_KB):
    """argv for QEMU: the image with so much heap and stack, running `words`
    (boards/qemu_m3/boot_tests.py)."""
    said = ",".join("arg=%s" % word for word in ("%d/%d" % (heap_kb, stack_kb), *words) if word != "")
    return [
        "qemu-system-arm", *_MACHINE, "-semihosting-config", "enable=on,target=native," + said, "-serial", "stdio",
        "-device", "loader,file=%s,addr=%d,force-raw=on" % (files, _FILES_AT), "-kernel", str(IMAGE),
    ]  # fmt: skip


def _add(writer, tree):
    for name, entry in sorted(tree.items()):
        if isinstance(entry, dict):
            writer.opendir(name)
            _add(writer, entry)
            writer.closedir()
        else:
            writer.mkfile(name, entry.read_bytes())


def write_files(path, modules=()):
    """Make the file system `path`. modules: source files besides, found there as modules of their
    stem."""
    from mpremote.romfs import VfsRomWriter

    found = {name: ROOT / name for name in _READ_FILES}
    for folder in _READ:
        found.update((file.relative_to(ROOT).as_posix(), file) for file in (ROOT / folder).glob("*") if file.is_file())
    found.update(("modules/" + Path(file).name, Path(file)) for file in modules)
    tree = {}
    for name, file in found.items():
        *folders, last = name.split("/")
        at = tree
        for folder in folders:
            at = at.setdefault(folder, {})
        at[last] = file
    writer = VfsRomWriter()
    _add(writer, tree)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(writer.finalise())
    return path
