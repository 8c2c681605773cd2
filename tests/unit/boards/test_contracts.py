"""boards/contract.py over all who implement it: what is planted is found, and nothing is found in
the tree as it is."""

RUNTIMES = ("cpython",)

from host_tools import boardfile
from host_tools.checks.contracts import Tree, call, implementers, law, problems, unlisted, users
from host_tools.root import ROOT
from tests.lib.controller.boot import Controller
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from tests.unit.boards.test_contracts_alive import check

LAW = law()
BOARDS = boardfile.names("controller")


def changed(path, old, new, role=None):
    """What the check says when a file had `new` in place of `old`. role: of the implementers of
    that contract alone, which is quicker."""
    text = (ROOT / path).read_text()
    assert old in text, (path, old)
    tree = Tree(changes={path: text.replace(old, new)})
    if role:
        found = implementers(tree, dict(LAW, IMPLEMENTERS={role: LAW["IMPLEMENTERS"][role]}))
    else:
        found = problems(tree, LAW)
    return [entry[2] for entry in found]


def test_the_tree_keeps_all_of_them():
    eq(problems(Tree(), LAW), [])


def test_a_board_without_one_method_is_caught():
    for board in BOARDS:
        path = "boards/%s/board/hardware.py" % board
        text = (ROOT / path).read_text()
        for wanted in LAW["ROLES"]["hardware"][0]:
            name = call(wanted)[0]
            if "    def %s(" % name in text:  # else it is another name for one of them
                found = changed(path, "    def %s(" % name, "    def other_%s(" % name, "hardware")
                assert found == ["Hardware, as hardware: has no " + wanted], (board, found)
        for name in ("guarded", "name"):
            found = changed(path, "\n    %s = " % name, "\n    other_%s = " % name, "hardware")
            assert found == ["Hardware, as hardware: has no attribute " + name], (board, found)
        found = changed(path, "self.bus = ", "self.bush = ", "hardware")
        assert found == ["Hardware, as hardware: has no attribute bus"], (board, found)


def test_a_wrong_parameter_list_is_caught():
    def one(path, old, new, what):
        found = changed(path, old, new)
        assert found and all(what in text for text in found), found

    one("boards/esp32s3/board/hardware.py", "def drive(self, on)", "def drive(self)", "takes (), is called with (on)")
    one("boards/common/mcu/modem_spi.py", "def set_hz(self, hz=None)", "def set_hz(self, hz)", "with (hz=)")
    one(
        "host_tools/recordings/replay/player.py",
        "def dc(self, mv, ma, w, now)",
        "def dc(self, ma, mv, w, now)",
        "takes (ma, mv, w, now)",
    )
    one("drivers/qca7000.py", "def send(self, buf, n)", "def send(self, buf, n, last)", "takes (buf, n, last)")


def test_a_fake_that_lacks_a_method_is_caught():
    found = changed("tests/lib/fake_secc.py", "    def request_stop(", "    def stop_please(")
    eq(found, ["FakeSecc, as session machine: has no request_stop(now)"])
    found = changed("tests/lib/notes.py", "    def change(self, now", "    def changes(self, now")
    eq(found, [name + ", as trace: has no change(now, old, new, reason)" for name in ("Notes", "Printed")])
    found = changed("tests/lib/fake_secc.py", "        self.established = False", "        self.set_up = False")
    eq(found, ["FakeSecc, as session machine: has no attribute established"])


def test_an_implementer_that_nobody_has_listed_is_found():
    new = """
class Stage:
    def poll(self, now): pass
    def off(self, now): pass
    def start(self, now): pass
    def beat(self, now): pass
    def stop(self, now): pass
    def test(self, mv, ma, now): pass
    def precharge(self, mv, ma, now): pass
    def close(self, now): pass
    def clear(self, now): pass
    def dc(self, mv, ma, w, now): pass
    def lock(self, yes): pass

class Quiet:
    def note(self, now, text, value=None): pass

class Other:
    def read(self): pass
    def write(self, text): pass
    def close(self): pass
"""
    found = [text for _, _, text in unlisted(Tree(changes={"tests/lib/new.py": new}), LAW)]
    eq(len(found), 2)
    assert found[0].startswith("Stage looks like a power stage,") and found[1].startswith("Quiet looks like a notes,")


def test_a_class_made_of_an_implementer_is_one():
    new = "from firmware.stage.bench import BenchStage\nclass Mine(BenchStage):\n    def dc(self, mv, ma): pass\n"
    found = [text for _, _, text in implementers(Tree(changes={"boards/unix/board/mine.py": new}), LAW)]
    eq(found, ["Mine, as power stage: dc() takes (mv, ma), is called with (mv, ma, w, now)"])


def test_a_caller_that_uses_more_than_the_contract_is_caught():
    board = "boards/common/mcu/board.py"
    text = (ROOT / board).read_text().replace("self.mac = hw.mac", "self.mac = hw.mac_address")
    eq([entry[2] for entry in users(Tree(changes={board: text}), LAW)],
       ["uses mac_address of a hardware, which boards/contract.py does not have"])  # fmt: skip


def test_an_entry_that_names_nothing_is_caught():
    names = dict(LAW, IMPLEMENTERS=dict(LAW["IMPLEMENTERS"], modem=("drivers/qca7000.py:Qca7005",)))
    eq([entry[2] for entry in implementers(Tree(), names)], ["modem: there is no drivers/qca7000.py:Qca7005"])


# -- each board, alive (test_contracts_alive.py has the rest)


def test_each_board_made_over_a_model_of_its_chip():
    assert {"rpi_pico", "esp32s3"} <= set(BOARDS), BOARDS
    for name in BOARDS:
        with Controller(name) as controller:
            hw = controller.hardware()
            check("hardware", hw)
            board = controller.board(hw, Notes())
            board.start(controller.place.now)
            check("board", board)
            check("spi modem", board.modem)
            check("power stage", board.stage)
            check("contactor", controller.place.contactor)
            board.close()


def test_a_living_object_without_a_method_is_caught():
    class Broken:
        def __init__(self, hw):
            self._hw = hw

        def __getattr__(self, name):
            if name == "feedback":
                raise AttributeError(name)
            return getattr(self._hw, name)

    with Controller("rpi_pico") as controller:
        try:
            check("hardware", Broken(controller.hardware()))
        except AttributeError as error:
            eq(str(error), "feedback")
        else:
            raise AssertionError("not caught")
