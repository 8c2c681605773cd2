"""What a board is, asked before anything is copied, and what that means."""

import ast

from host_tools import boardfile
from host_tools.building.mpy import VERSION, described

TESTED = (1, 25)

# A module from a file lies in the heap: 263 kB for 245 kB of .mpy (`microv2g size --files`, 32-bit
# image).
HEAP_PER_MPY = 1.1
STATION_HEAP = 110 * 1024  # buffers, trace, one session; without TLS

SCRIPT = """
import sys, gc, os
def _probe(names):
    i = sys.implementation
    d = {"name": i[0], "version": tuple(i[1])[:3], "mpy": getattr(i, "_mpy", 0), "machine": getattr(i, "_machine", "")}
    d["platform"] = sys.platform
    gc.collect()
    d["heap"] = gc.mem_free()
    try:
        import esp32
        d["heap"] += max(r[2] for r in esp32.idf_heap_info(esp32.HEAP_DATA))  # the heap grows into the largest region
    except (ImportError, AttributeError):
        pass
    s = os.statvfs("/")
    d["free"] = s[0] * s[3]
    d["size"] = s[0] * s[2]
    m = []
    for n in names:
        try:
            __import__(n)
        except ImportError:
            m.append(n)
    d["missing"] = m
    path = sys.path[:]
    sys.path[:] = [".frozen"]
    try:
        __import__("codec.v2gtp")
        d["frozen"] = True
    except ImportError:
        d["frozen"] = False
    sys.path[:] = path
    print(d)
_probe(%r)
"""


class Facts:
    """name, version, mpy, platform, machine, heap (bytes free), free, size (bytes of the file
    system), missing (modules), frozen (our modules are in the image); march: of its native code,
    None when it loads none."""

    def __init__(self, text):
        self.__dict__.update(ast.literal_eval(text))
        self.mpy_version, self.mpy_sub, self.march = described(self.mpy)

    @property
    def boards(self):
        """Names of the boards that are of this platform."""
        return [
            name for name in boardfile.names("controller") if boardfile.find(name).chip["platform"] == self.platform
        ]

    @property
    def board(self):
        """The board whose files fit; None when there is none of this platform, or more than one."""
        return self.boards[0] if len(self.boards) == 1 else None


class Finding:
    """kind: "stop" (does not work), "ask" (works with less), "note"; `topic` for programs."""

    def __init__(self, kind, topic, text, remedy=""):
        self.kind = kind
        self.topic = topic
        self.text = text
        self.remedy = remedy

    def facts(self):
        return {"kind": self.kind, "topic": self.topic, "text": self.text, "remedy": self.remedy}


_FLASH = "microv2g flash --board %s brings an image that has everything"


def judge_image(facts, board, only):
    """Findings on the image and the board that it runs on."""
    out = []
    flash = _FLASH % (board or "BOARD")
    if facts.name != "micropython":
        return [Finding("stop", "interpreter", "this is %s, not MicroPython" % facts.name, flash)]
    if (facts.mpy_version, facts.mpy_sub) != VERSION:
        text = "MicroPython %d.%d.%d loads .mpy files of version %d.%d, ours are %d.%d" % (
            *facts.version, facts.mpy_version, facts.mpy_sub, *VERSION,
        )  # fmt: skip
        out.append(
            Finding("stop", "mpy", text, "MicroPython 1.25 is what all of this is built and tested with; or: " + flash)
        )
    elif facts.version[:2] != TESTED:
        out.append(Finding("note", "version", "MicroPython %d.%d.%d; tested is 1.25" % tuple(facts.version)))
    if not facts.march:
        out.append(Finding("stop", "native", "this image loads no native code, which firmware/net/block needs", flash))
    if not facts.boards:
        out.append(
            Finding("stop", "board", "no board of ours has the platform %s (%s)" % (facts.platform, facts.machine))
        )
    elif board is None:
        text = "more than one board of ours has the platform %s: %s" % (facts.platform, ", ".join(facts.boards))
        out.append(Finding("stop", "board", text, "say which one it is: --board"))
    elif board not in facts.boards or not any(name in facts.machine for name in boardfile.find(board).chip["machines"]):
        chip = boardfile.find(board).chip["name"]
        text = "this is %s; the pins of %s are for %s" % (facts.machine or facts.platform, board, chip)
        out.append(Finding("stop", "board", text, "take the board that it is: --board"))
    if facts.frozen and not only:
        text = "this image has our modules already, and they come before those below /lib"
        out.append(Finding("stop", "frozen", text, "to try a change: --only PACKAGE puts it in front; else " + flash))
    elif facts.frozen:
        out.append(Finding("note", "frozen", "our image: %s will come before what is frozen" % ", ".join(only)))
    return out


def judge_needs(facts, needs, board):
    """Findings on the modules that the image lacks."""
    out = []
    flash = _FLASH % board
    for name in facts.missing:
        users, missing_ok = needs[name]
        if name == "tls13":
            text = "no TLS 1.3 in this image: ISO 15118-20 only over plain TCP, with allow_plain, which the standard forbids"
            out.append(Finding("ask", "tls", text, "a laboratory can live with it; else " + flash))
        elif missing_ok:
            out.append(Finding("note", "module", "no module %s; %s does without" % (name, ", ".join(users))))
        else:
            text = "no module %s, which %s needs" % (name, ", ".join(users[:3]))
            out.append(Finding("stop", "module", text, flash))
    return out


def judge_room(facts, plan, mpy_bytes, board):
    """Findings on flash and heap. mpy_bytes: of the modules there that
    every station imports."""
    out = []
    if plan.room > facts.free:
        text = "%d kB must be free in the file system, %d kB are" % (plan.room + 1023 >> 10, facts.free >> 10)
        out.append(Finding("stop", "flash", text, "remove what is not needed there: mpremote fs ls, mpremote fs rm"))
    heap = int(mpy_bytes * HEAP_PER_MPY) + STATION_HEAP
    if heap > facts.heap:
        text = (
            "about %d kB of heap are needed (modules from files lie in RAM, and a station needs some), %d kB are free"
            % (
                heap >> 10,
                facts.heap >> 10,
            )
        )
        out.append(Finding("stop", "heap", text, _FLASH % board + ", in flash"))
    return out
