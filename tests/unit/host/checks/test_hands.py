"""host_tools/checks/hands.py: a second writer of a fact is found, however it is written. Host
only."""

from host_tools.checks import hands
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)  # a tool of the host

ALLOWED = (
    (
        "firmware.session.iso20.loop",
        "def h(f, req):\n    f.car.soc = 3\n    f.wanted.ask = 0\n    f.session.loops += 1",
    ),
    ("firmware.session.iso20.dc_loop", "def _limits(car, w):\n    car.limits.narrow(car.first, w)"),
    ("firmware.app.power", "def m(self, f):\n    s = f.station\n    s.mv, s.ma = 1, 2"),
    (
        "firmware.session.secc",
        "def s(self):\n    self.facts.unix_s = 3\n    f = self.facts\n    f.secure = True\n    self.state = 1",
    ),
    ("firmware.app.power", "def m(self, f):\n    self.setpoint_w = f.station.mv\n    f.ask_off()"),
    ("firmware.session.facts", "def m(self, f):\n    f.car.soc = 3"),
)
PLANTED = (
    ("firmware.session.iso20.dc_phases", "def h(f, req):\n    f.station.insulation = 0", "f.station.insulation"),
    ("firmware.session.iso20.setup", "def h(f, req):\n    f.secure = True", "f.secure"),
    ("firmware.session.secc", "def h(self):\n    self.facts.wanted.ask = 0", "f.wanted.ask"),
    ("firmware.session.secc", "def h(self):\n    f = self.facts\n    f.session.note = None", "f.session.note"),
    ("firmware.session.secc", "def h(self):\n    f = self.facts\n    w = f.wanted\n    w.mv += 1", "f.wanted.mv"),
    ("firmware.app.power", "def h(self, f):\n    f.session.loops = 1", "f.session.loops"),
    ("firmware.app.power", "def h(self, f):\n    f.car.limits.max_mv = 1", "f.car.max_mv"),
    ("firmware.app.power", "def h(cfg, car):\n    car.limits.set(1, 2)", "f.car.set()"),
    (
        "firmware.run.words",
        "def h(secc):\n    f = secc.facts\n    for x in (f.car, 3):\n        x.soc = 1",
        "f.car.soc",
    ),
    ("firmware.run.words", "def h(secc):\n    setattr(secc.facts.station, 'mv', 3)", "f.station.setattr()"),
    ("firmware.run.words", "def h(secc):\n    del secc.facts.car.soc", "f.car.soc"),
    ("firmware.session.sap", "def h(f):\n    f.car.soc, f.x = 1, 2", "f.car.soc"),
)


def test_the_writer_of_a_hand_may_write():
    for module, source in ALLOWED:
        eq((module, hands.check(module, source)), (module, []))


def test_a_second_writer_is_named():
    for module, source, what in PLANTED:
        found = hands.check(module, source)
        assert found and any("may not write %s (" % what in message for _, message in found), (module, source, found)


def test_the_line_is_named():
    eq([line for line, _ in hands.check("firmware.app.power", "def h(f):\n    x = 1\n    f.car.soc = x\n")], [3])


def test_the_tree_has_writes_in_every_hand():
    """Else the check has lost sight of the sources."""
    seen = set()
    for path in (hands.ROOT / "firmware").rglob("*.py"):
        seen.update(hand for _, hand, _ in hands.writes(path.read_text()))
    eq(sorted(seen), sorted(hands.WRITERS))
