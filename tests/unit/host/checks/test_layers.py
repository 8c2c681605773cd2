"""host_tools/checks/layers.py: what design.md forbids is found, what it allows is not. Host
only."""

from host_tools.checks import layers
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)  # a tool of the host

ALLOWED = (
    ("codec.exi", "from codec import v2gtp\nimport struct"),
    ("drivers.pilot", "from drivers import qca_frame\nfrom micropython import const"),
    ("firmware.clock", "import time"),
    ("firmware.net.sdp", "from codec import v2gtp\nfrom firmware.clock import ticks_add"),
    ("firmware.session.secc", "from codec import v2gtp\nfrom firmware.session import paused"),
    ("firmware.session.dialects", "from firmware.session.iso20 import dialect"),
    ("firmware.session.iso20.steps", "from firmware.session import facts\nfrom firmware.session.iso20 import setup"),
    ("firmware.app.station", "from firmware.session.secc import Secc"),
    ("firmware.run.pump", "import asyncio\nfrom firmware.app import power"),
    ("firmware.main", "import asyncio, machine\nfrom board import sim_contactor\nfrom drivers import pilot"),
    ("board.board", "from machine import Pin\nfrom drivers import pilot"),
)
FORBIDDEN = (
    ("codec.exi", "from firmware import clock", "may not import firmware.clock"),
    ("codec.exi", "import host_tools.cli", "nothing on the target"),
    ("drivers.pilot", "from codec import exi", "may not import codec.exi"),
    ("drivers.pilot", "import machine", "may not import machine"),
    ("firmware.net.sdp", "from firmware.session import sap", "may not import firmware.session.sap"),
    ("firmware.session.secc", "from firmware.session.iso20 import steps", "only firmware.session.dialects"),
    ("firmware.app.power", "from firmware.session.iso20.states import DC_LOOP", "only firmware.session.dialects"),
    ("firmware.run.words", "import firmware.session.iso20.dialect", "only firmware.session.dialects"),
    ("firmware.session.secc", "from firmware.app import power", "may not import firmware.app.power"),
    ("firmware.session.secc", "import time", "may not import time"),
    ("firmware.session.secc", "from utime import ticks_ms", "may not import time"),
    ("firmware.session.secc", "def f():\n    import asyncio", "may not import asyncio"),
    ("firmware.app.station", "from firmware import main", "may not import firmware.main"),
    ("firmware.run.pump", "from board import sim_contactor", "may not import board.sim_contactor"),
    ("firmware.run.pump", "import firmware.main", "may not import firmware.main"),
    ("firmware.trace", "from tests.lib import world", "nothing on the target"),
    ("firmware.session.secc", "from . import steps", "full name"),
    ("firmware.other", "import struct", "lies in no layer"),
)


def test_allowed_imports_pass():
    for module, source in ALLOWED:
        eq((module, layers.check(module, source)), (module, []))


def test_forbidden_imports_are_named():
    for module, source, message in FORBIDDEN:
        found = layers.check(module, source)
        assert len(found) == 1 and message in found[0][1], (module, source, found)


def test_the_line_is_named():
    eq([line for line, _ in layers.check("codec.exi", "import struct\n\n\nfrom firmware import clock\n")], [4])


def test_every_module_of_the_target_is_looked_at():
    names = [name for name, _ in layers.modules()]
    for name in ("codec.exi", "firmware.clock", "firmware.session.secc", "firmware.main", "board.sim_contactor"):
        assert name in names, name
