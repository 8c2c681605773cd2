"""boards/contract.py over living objects, on every runtime: what has slots or properties of
MicroPython's making is asked too. Parameters are compared where there is an `inspect`."""

HEAP_KB = 1000
BARE = "boards/contract.py is in no image"

import firmware.net.stack  # noqa: F401 - the lowest first: an import inside of an import takes C stack
from boards.contract import ROLES
from drivers.acrel import Acrel
from drivers.bender import Bender
from drivers.eastron import Eastron
from drivers.pilot_adc import FreeFrontEnd, PeakFrontEnd, Scale, SyncFrontEnd
from firmware import clock
from firmware.trace import Trace
from tests.lib.fake_secc import FakePower, FakeSecc
from tests.lib.plant import Plant
from twin.contactor import ContactorModel
from twin.pilot import PlugResistor
from twin.rtu import Port

try:
    from inspect import signature
except ImportError:  # MicroPython
    signature = None


def check(role, thing, seen=()):
    """Every call and read of a contract on an object, and of its parts."""
    calls, reads = ROLES[role]
    for text in calls:
        name, _, rest = text.partition("(")
        method = getattr(thing, name)
        assert callable(method), (role, name)
        words = [word for word in rest[:-1].split(",") if word]
        if signature:
            signature(method).bind(*[None for word in words if not word.endswith("=")])
            signature(method).bind(*[None for word in words])
    for text in reads:
        name, _, part = text.partition(": ")
        assert hasattr(thing, name), (role, name)
        if part and part not in seen:
            check(part, getattr(thing, name), seen + (role,))


def test_the_simulated_board_and_what_stands_on_it():
    plant = Plant()
    check("board", plant.board)
    check("spi modem", plant.board.modem)
    check("power stage", plant.board.stage)
    check("contactor", plant.board.contact)
    check("power", plant.power)
    check("safe", plant.safe)
    check("session machine", plant.safe.secc)
    check("machine", plant.charger.slac)
    check("machine", plant.charger.net)
    check("trace", plant.trace)
    for conn in plant.charger.net.conns:
        check("connection", conn)


def test_parts_that_stand_alone():
    check("clock", clock)
    check("trace", Trace())
    check("contactor", ContactorModel())
    check("adc", PlugResistor())
    check("session machine", FakeSecc())
    check("power switch", FakePower())
    scale = Scale(0, -12000, 65535, 12000)
    for front in (
        SyncFrontEnd(None, None, scale, None),
        PeakFrontEnd(None, None, None, scale, scale, None, None),
        FreeFrontEnd(None, None, scale),
    ):
        check("pilot front end", front)


def test_parts_on_a_modbus_bus():
    for role, part in (
        ("ac meter", Eastron(1)),
        ("meter", Eastron(1)),
        ("meter", Acrel(2)),
        ("insulation monitor", Bender(3)),
    ):
        check(role, part)
        check("bus part", part)
        check("part", part)
    check("uart", Port())


def test_what_lacks_something_is_caught():
    class Half:
        read_u16 = None

    for role, thing in (("adc", Half()), ("interrupt", Half())):
        try:
            check(role, thing)
        except AssertionError:
            continue
        raise SystemExit(role)
