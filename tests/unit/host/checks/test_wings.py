"""host_tools/checks/wings.py and privates.py: a circle, a sister command, a foreign wing and a
private name are found when they are planted into the sources as they are. Host only."""

from host_tools.checks import privates, wings
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)  # reads the sources

_SOURCES = {}


def sources(**planted):
    """{module: text} of the tree, with a line more in some: host_tools__ev__car="import json"."""
    if not _SOURCES:
        _SOURCES.update((name, path.read_text()) for name, path in wings.modules().items())
    found = dict(_SOURCES)
    for name, line in planted.items():
        name = name.replace("__", ".")
        found[name] = found.get(name, "") + "\n" + line + "\n"
    return found


def messages(module, **planted):
    text = sources(**planted)
    return [message for _, message in wings.check(module, text[module], text)]


def test_the_tree_is_clean():
    text = sources()
    eq(wings.circles(text), [])
    eq(wings.table_errors(), [])
    for name in text:
        if name.startswith("host_tools.") and ".shim" not in name:
            eq(wings.check(name, text[name], text), [])


def test_a_circle_is_found():
    text = sources(host_tools__recordings__lines="from host_tools.recordings import pcap")
    eq(
        wings.circles(text),
        [["host_tools.recordings.lines", "host_tools.recordings.pcap", "host_tools.recordings.lines"]],
    )
    text = sources(host_tools__station__process="def late():\n    import host_tools.board.selftest")
    (found,) = wings.circles(text)
    eq(set(found), {"host_tools.board.selftest", "host_tools.station.process"})
    text = sources(firmware__session__facts="from firmware.session import secc")
    assert wings.circles(text), "a circle in the firmware"


def test_a_sister_command_is_found():
    eq(
        messages("host_tools.commands.trace", host_tools__commands__trace="from host_tools.commands import secc"),
        ["host_tools.commands.trace may not import host_tools.commands.secc: what both need belongs into another wing"],
    )
    eq(
        len(messages("host_tools.commands.trace", host_tools__commands__trace="import host_tools.commands.secc as x")),
        1,
    )


def test_a_foreign_wing_is_found():
    for module, line, wing in (
        ("host_tools.ev.car", "from host_tools.board.port import Station", "host_tools.board.port"),
        ("host_tools.station.process", "from host_tools.recordings import oneline", "host_tools.recordings.oneline"),
        ("host_tools.ev.battery", "def f():\n    from host_tools import cli", "host_tools.cli"),
        ("host_tools.gen.diagram", "import drivers.pilot", "drivers.pilot"),
        ("host_tools.pki.node", "import tests.run", "tests.run"),
    ):
        eq(messages(module, **{module.replace(".", "__"): line}), ["%s may not import %s" % (module, wing)])


def test_a_relative_import_and_a_new_wing_are_found():
    eq(len(messages("host_tools.ev.car", host_tools__ev__car="from . import link")), 1)
    eq(
        messages("host_tools.attic", host_tools__attic="x = 1"),
        ["host_tools.attic lies in no wing: name it in ALLOWED"],
    )


def test_a_table_in_which_data_flows_both_ways_is_found():
    eq(wings.table_errors({"a": (), "b": ("a",)}), [])
    eq(wings.table_errors({"a": ("b",), "b": ("a",)}), ["a may import b, which stands below it"])
    eq(len(wings.table_errors({"a": ("a",)})), 1)


def test_private_names_of_others_are_found():
    for source, count in (
        ("x = other._due\n", 1),
        ("self.line._modems.remove(car)\n", 1),
        ("from host_tools.cli import _paths\n", 1),
        ("class A(Base):\n    def f(self):\n        return Base._due(self) or self._x\n", 0),
        ("row._replace(a=1)\nx.__name__\n", 0),
    ):
        eq((source, len(privates.check(source))), (source, count))
