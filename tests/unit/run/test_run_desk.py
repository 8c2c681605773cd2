"""firmware/run/desk.py, config_file.py, fault_file.py: what an engineer may change and when, what
is written to flash and when."""

import json
import os

from firmware.app import config
from firmware.clock import ticks_add, ticks_diff
from firmware.net import cert_time
from firmware.run import fault_file
from firmware.run.config_file import ConfigFile
from firmware.run.desk import Desk
from firmware.run.operator import Operator
from firmware.run.trace_lines import TraceLines
from firmware.session.states import FAILED, IDLE
from firmware.trace import Trace
from tests.lib.fake_secc import FakePower, Output
from tests.lib.mtest import raises

BARE = "writes files"
START = ticks_add(0, -300)
FOLDER = "microv2g-desk-%d/" % (ord(os.urandom(1)) << 8 | ord(os.urandom(1)))


def clean():
    for name in ("config.json", "config.new", "fault.trace", "fault.trace.new"):
        fault_file.remove(FOLDER + name)
    try:
        os.rmdir(FOLDER[:-1])
    except OSError:
        pass


def in_folder(test):
    clean()
    os.mkdir(FOLDER[:-1])
    try:
        test()
    finally:
        clean()


class Part:
    pass


class FakeLink:
    """As much of a FrameLoop as the desk sees."""

    def __init__(self):
        self.trace = Trace(3000, START, keep=True)
        self.out = Output()
        self.power = FakePower()
        self.power.hw = Part()
        self.power.closed = False
        self.lines = TraceLines(self.trace, self.out, self.power)
        self.safe = Part()
        self.safe.faults = 0
        self.safe.secc = Part()
        self.safe.secc.state = IDLE
        self.charger = Part()
        self.charger.fault = ""

    def occupied(self):
        return "the contactor is closed" if self.power.closed else ""


class Rig:
    def __init__(self, **options):
        self.link = FakeLink()
        self.desk = Desk(FOLDER + "config.json", START, **options)
        self.operator = Operator(None, None, self.link.trace, None, lambda: "s=1", self.link.out)
        self.desk.add_to(self.operator, self.link)

    def ask(self, command):
        """(lines, "" or the refusal) of one request of a program."""
        del self.link.out.lines[:]
        self.operator.command("@t " + command, START)
        while not self.operator.pump():
            pass
        lines = [line[3:-1] for line in self.link.out.lines]
        assert [line[:3] for line in self.link.out.lines] == ["@t "] * len(lines)
        end = lines.pop()
        assert end == "ok" or end.startswith("error "), end
        return lines, end[6:]

    def refused(self, command):
        lines, why = self.ask(command)
        assert lines == [] and why, (command, lines)
        return why

    def run(self, ms, step=10, tick=None):
        for t in range(0, ms, step):
            now = ticks_add(START, self.at + t)
            self.desk.poll(now)
            if tick is not None:
                tick()
        self.at += ms

    at = 0


def test_configuration_is_written_whole_and_valid():
    def test():
        rig = Rig()
        assert rig.ask("config get setpoint_w") == (["0"], "")
        assert "next start" in rig.ask("config set setpoint_w 700")[0][0]
        with open(FOLDER + "config.json") as f:
            assert json.load(f) == {"setpoint_w": 700}
        assert "config.new" not in os.listdir(FOLDER[:-1])
        assert rig.ask('config set services ["DC_BPT", "DC"]')[1] == ""
        assert rig.ask("config set evse_id DE*ABC*E1")[1] == ""
        assert rig.ask("config set set_key_verify false")[1] == ""
        assert rig.ask("config get services")[0] == ['["DC_BPT", "DC"]']
        assert "4 keys differ" in rig.ask("config check")[0][0]
        assert rig.ask("config reset setpoint_w")[1] == "" and rig.ask("config get setpoint_w")[0] == ["0"]
        assert rig.ask("config reset all")[1] == ""
        with open(FOLDER + "config.json") as f:
            assert f.read() == "{}"

    in_folder(test)


def test_what_is_not_valid_is_not_written():
    def test():
        rig = Rig()
        for bad in (
            "nosuch 1",
            "setpoint_w x",
            'services ["TEA"]',
            "services [",
            "dc_min_charge_w 60000",
            'evse_id "x',
            "ac_phases 2",
        ):
            assert rig.refused("config set " + bad)
        assert "config.json" not in os.listdir(FOLDER[:-1])
        assert "config get" in rig.refused("config") and rig.refused("config fly") and rig.refused("config set a")

    in_folder(test)


def test_a_damaged_file_is_named_and_reset_all_repairs_it():
    def test():
        rig = Rig()
        with open(FOLDER + "config.json", "w") as f:
            f.write('{"setpoint_w": 5, "meter')
        assert "JSON" in rig.refused("config check") and rig.refused("config set setpoint_w 1")
        assert rig.ask("config reset all")[1] == "" and rig.ask("config check")[1] == ""

    in_folder(test)


def test_nothing_is_written_while_the_contactor_is_closed():
    def test():
        rig = Rig()
        rig.link.power.closed = True
        for command in ("config set setpoint_w 1", "config reset all", "fault clear"):
            assert "not while the contactor is closed" in rig.refused(command)
        assert rig.ask("config get setpoint_w")[1] == "" and os.listdir(FOLDER[:-1]) == []

    in_folder(test)


def test_clock():
    def test():
        told = []
        rig = Rig(set_clock=told.append)
        assert rig.ask("clock 4000000000")[1] == "" and told == [4000000000]
        if cert_time.build_s():
            assert "before this firmware was built" in rig.refused("clock 1")
        for bad in ("-5", "x", "99999999999", "4000000000 1"):
            rig.refused("clock " + bad)
        assert rig.ask("clock")[0][0].startswith("unix_s=") and told == [4000000000]
        assert "operating system" in Rig().refused("clock 4000000000")

    in_folder(test)


class Lab:
    """Commands of another module."""

    COMMANDS = (("lamp", "lamp on|off  of the bench"), ("bad", "bad"), ("later", "later"))

    def do_lamp(self, args, now):
        return iter(["lamp"] + args) if args else False

    def do_bad(self, args, now):
        raise ValueError("test seam")

    def do_later(self, args, now):
        yield "one"
        raise ValueError("later")


def test_commands_of_other_modules():
    def test():
        rig = Rig()
        rig.operator.add(Lab())
        assert rig.ask("lamp on") == (["lamp", "on"], "")
        assert rig.ask("lamp") == ([], "lamp on|off")
        assert "lamp on|off" in rig.operator.help()

    in_folder(test)


def test_a_command_that_fails_says_so_to_who_asked():
    def test():
        rig = Rig()
        rig.operator.add(Lab())
        assert "test seam" in str(raises(ValueError, rig.operator.command, "@t bad", START))
        while not rig.operator.pump():
            pass
        assert rig.link.out.lines == ["@t error ValueError: test seam\n"]
        assert rig.ask("later") == (["one"], "ValueError: later")

    in_folder(test)


def test_answers_are_bounded_and_wait_for_a_slow_reader():
    def test():
        rig = Rig()
        rig.link.out.slow = True
        for _ in range(50):
            rig.operator.command("@t status", START)
            assert not rig.operator.pump()
        assert rig.operator.unheard == 42
        rig.link.out.slow = False
        while not rig.operator.pump():
            pass
        assert rig.link.out.lines == ["@t s=1\n", "@t ok\n"] * 8

    in_folder(test)


def test_info():
    def test():
        info = dict([line.split("=", 1) for line in Rig(board="rpi_pico").ask("info")[0]])
        assert info["board"] == "rpi_pico" and info["uptime_s"] == "0" and info["config"] == FOLDER + "config.json"

    in_folder(test)


def test_a_fault_is_saved_after_the_contactor_is_open_and_not_before():
    def test():
        rig = Rig()
        link = rig.link
        for i in range(40):
            link.trace.note(START, "record", i)
        rig.run(3000)
        assert os.listdir(FOLDER[:-1]) == []  # nothing has happened
        link.power.closed = True
        link.safe.secc.state = FAILED
        rig.run(5000)
        assert os.listdir(FOLDER[:-1]) == []
        link.power.closed = False
        rig.run(1000)
        lines = rig.ask("fault")[0]
        assert lines[0].startswith("N 0 saved after: session FAILED; unix_s") and lines[-1] == "N 0 record 39"
        assert [r for r in link.lines.kept() if b"saved to" in r]
        assert rig.ask("fault clear")[1] == "" and rig.ask("fault") == ([], "")

    in_folder(test)


def test_the_file_is_bounded_and_has_the_newest():
    def test():
        rig = Rig()
        rig.link.trace = trace = Trace(30000, START, keep=True)
        rig.link.lines = TraceLines(trace, rig.link.out, rig.link.power)
        rig.desk.add_to(rig.operator, rig.link)
        for i in range(100):
            trace.message(START, 0, 0x8002, bytes([i]) * 250, 0, 250, 3)
        rig.link.safe.faults = 1
        rig.run(10000)
        size = os.stat(FOLDER + "fault.trace")[6]
        assert 12000 < size < 18000, size
        with open(FOLDER + "fault.trace") as f:
            lines = f.read().split("\n")
        assert lines[-2].endswith("63" * 250)

    in_folder(test)


def test_flash_is_not_worn_by_a_station_that_fails_again_and_again():
    def test():
        rig = Rig()
        seen = []

        def tick():
            rig.link.safe.faults += 1

        rig.run(300000, 500, tick)
        keeper = rig.desk._keeper
        assert 3 <= keeper.saved <= 5, keeper.saved
        for _ in range(200):
            rig.run(62000, 1000, tick)
        assert keeper.saved == 20 and seen == []

    in_folder(test)


def test_a_step_is_small_and_the_next_one_50_ms_later():
    def test():
        rig = Rig()
        for i in range(80):
            rig.link.trace.note(START, "a record of some length", i)
        rig.link.charger.fault = "power stage fault 2"
        rig.desk.poll(START)
        steps, now = 0, START
        while rig.desk.due is not None:
            assert ticks_diff(rig.desk.due, now) >= 50
            now = rig.desk.due
            rig.desk.poll(now)
            steps += 1
        assert steps >= 4
        assert "power stage fault 2" in rig.ask("fault")[0][0]

    in_folder(test)


def test_the_end_of_the_station_saves_at_once():
    def test():
        rig = Rig()
        rig.link.trace.note(START, "last words")
        rig.link.safe.faults = 1
        rig.desk.finish(START)
        assert rig.ask("fault")[0][-1] == "N 0 last words"

    in_folder(test)


def test_no_file_system_is_borne():
    rig = Rig()
    rig.link.safe.faults = 1
    rig.run(5000)
    assert [r for r in rig.link.lines.kept() if b"cannot be written" in r]


def test_defaults_are_valid_without_a_file():
    assert ConfigFile("nosuch-%s/config.json" % FOLDER[:-1]).check() == config.defaults()
