"""The serial stage against the model of a power board, in simulated time: what a wire, a board and a
late loop can do to it."""

from firmware.clock import ticks_add, ticks_diff
from firmware.stage.faults import COMM, CONVERTER, ESTOP, IMD_ALARM
from firmware.stage.serial import SerialStage
from firmware.stage.words import CURRENT, ENERGY, FAULT, INSULATION, LINES, OFF, OUT, PRECHARGE, RUN, TESTING
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from twin.dc_line import DcLine
from twin.power_board import PowerBoard

T0 = ticks_add(0, -300)


class Bench:
    """Stage and board on one wire."""

    def __init__(self, fault="none", **board):
        self.now = T0
        self.line = DcLine()
        self.board = PowerBoard(self.line, **board)
        self.board.fault = fault
        self.notes = Notes()
        self.stage = SerialStage({}, self.board, self.notes)
        self.board.poll(self.now)
        self.stage.start(self.now)

    def told(self, text):
        return [error for error in self.notes.errors if text in error]

    def run(self, ms, command=None, step=20):
        """Poll the stage each `step` ms, the board each 5."""
        end = ticks_add(self.now, ms)
        while ticks_diff(end, self.now) > 0:
            for _ in range(max(1, step // 5)):
                self.now = ticks_add(self.now, 5)
                self.board.poll(self.now)
            if command:
                command()
            self.stage.poll(self.now)
        return self

    def precharged(self):
        self.run(300)
        self.run(600, lambda: self.stage.precharge(366000, 2000, self.now))
        return self

    def running(self, ma=20000, mv=420000):
        self.precharged()
        self.stage.close(self.now)
        self.run(100, lambda: self.stage.beat(self.now))
        self.run(1000, lambda: self.stage.dc(mv, ma, 50000, self.now))
        eq(self.stage.state, RUN)
        return self


def test_hello_gives_the_caps():
    b = Bench().run(200)
    caps = b.stage.caps
    eq((caps.bidirectional, caps.has_out, caps.simulated, caps.meter_id), (True, True, False, "TWIN-0001"))
    eq((caps.max_mv, caps.min_mv, caps.max_charge_ma, caps.max_discharge_w), (1000000, 150000, 125000, 50000))
    eq((b.stage.state, b.stage.faults), (OFF, 0))
    eq(b.stage.age_ms(LINES, b.now), None)  # a DC stage has no lines
    assert b.stage.age_ms(OUT, b.now) <= 100 and b.stage.age_ms(INSULATION, b.now) <= 400


def test_a_board_that_measures_no_car_side_says_so():
    b = Bench(has_out=False).run(200)
    assert not b.stage.caps.has_out and b.stage.age_ms(OUT, b.now) is None


def test_another_major_version_is_refused_in_words():
    b = Bench("version")
    b.run(300, lambda: b.stage.precharge(400000, 1000, b.now))
    eq((b.stage.state, b.stage.faults), (FAULT, COMM))
    assert b.told("speaks version 2") and "update one of them" in b.stage.refused
    eq(b.line.mv_in, 0)
    b.board.fault = "none"  # it was updated
    b.run(200)
    eq((b.stage.state, b.stage.faults, b.stage.refused), (OFF, 0, ""))


def test_a_later_minor_version_and_longer_frames_are_read():
    b = Bench()
    b.board.minor = 9
    say = b.board._say
    b.board._say = lambda kind, seq, payload, now: say(kind, seq, payload + b"xyz", now)
    b.run(200)
    eq(b.stage.faults, 0)
    eq(b.stage.caps.max_mv, 1000000)


def test_nobody_there_is_comm_after_three_commands():
    b = Bench("silent")
    b.run(100)
    eq(b.stage.faults, 0)
    b.run(100)
    eq((b.stage.faults, b.stage.state), (COMM, FAULT))


def test_silence_while_running_is_comm_and_asks_for_off():
    b = Bench().running()
    b.board.fault = "silent"
    eq(b.stage.faults, 0)
    b.run(220, lambda: b.stage.dc(420000, 20000, 50000, b.now))
    eq((b.stage.faults, b.stage.state), (COMM, FAULT))
    assert b.told("three commands without an answer")
    eq(b.line.on, False)  # it hears: it was told off, though dc() is still called
    assert b.stage.age_ms(CURRENT, b.now) > 150
    b.board.fault = "none"
    b.run(200)
    eq((b.stage.faults, b.stage.state), (0, OFF))


def test_a_deaf_board_ends_by_its_own_lease():
    b = Bench().running()
    b.board.fault = "deaf"
    b.run(620, lambda: b.stage.dc(420000, 20000, 50000, b.now))
    eq((b.line.ma, b.line.on), (0, False))
    b.board.fault = "none"
    b.run(400)
    eq((b.stage.faults, b.stage.state), (0, OFF))


def test_one_and_two_lost_answers_are_none():
    for lost in (1, 2):
        b = Bench().running()
        b.board.fault = "silent"
        b.run(50 * lost)
        b.board.fault = "none"
        b.run(300, lambda b=b: b.stage.dc(420000, 20000, 50000, b.now))
        eq((b.stage.faults, b.stage.state), (0, RUN))


def test_wrong_crc_counts_as_silence():
    b = Bench().running()
    b.board.fault = "crc"
    b.run(220)
    eq(b.stage.faults, COMM)


def test_noise_between_frames_is_skipped():
    b = Bench("noise").running()
    eq(b.stage.faults, 0)


def test_an_old_answer_is_not_fresh():
    b = Bench().running()
    late = b.stage.late
    b.board.fault = "old"
    b.run(220)
    assert b.stage.late > late
    eq((b.stage.faults, b.stage.state), (COMM, FAULT))


def test_what_waited_in_the_buffer_is_as_old_as_its_command():
    """The loop hangs for 180 ms; what arrived meanwhile is older than it."""
    b = Bench().running()
    before = b.stage.age_ms(CURRENT, b.now)
    for _ in range(36):
        b.now = ticks_add(b.now, 5)
        b.board.poll(b.now)
    b.stage.poll(b.now)
    assert b.stage.age_ms(CURRENT, b.now) >= 180 > before
    b.run(60, lambda: b.stage.dc(420000, 20000, 50000, b.now))
    assert b.stage.age_ms(CURRENT, b.now) < 100


def test_a_slow_board_has_old_readings():
    b = Bench().run(300)
    b.board.fault = "slow"
    b.run(500)
    eq(b.stage.faults, 0)
    assert b.stage.age_ms(OUT, b.now) >= 120


def test_frozen_measurement_grows_old_though_frames_come():
    b = Bench().running()
    b.board.fault = "frozen"
    b.run(250, lambda: b.stage.dc(420000, 20000, 50000, b.now))
    assert b.stage.age_ms(CURRENT, b.now) >= 230
    eq(b.stage.faults, 0)


def test_restart_of_the_board_while_it_runs():
    b = Bench().running()
    b.board.fault = "restart"
    b.run(60, lambda: b.stage.dc(420000, 20000, 50000, b.now))
    assert b.stage.faults & COMM and b.stage.state == FAULT and b.told("has restarted")
    b.run(200, lambda: b.stage.dc(420000, 20000, 50000, b.now))
    eq((b.line.on, b.stage.faults), (False, 0))  # dc() alone does not start it again
    b.stage.off(b.now)
    b.run(200, lambda: b.stage.precharge(366000, 2000, b.now))
    eq(b.line.on, True)


def test_power_that_is_silent_ends_the_stage():
    b = Bench().running()
    b.run(280)
    eq(b.stage.state, RUN)
    b.run(200)  # 20 A at 200 A/s
    eq(b.line.ma, 0)
    b.run(120)
    eq((b.stage.state, b.line.on, b.stage.faults), (OFF, False, COMM))
    b.run(200, lambda: b.stage.dc(420000, 20000, 50000, b.now))
    eq((b.stage.state, b.line.on, b.stage.faults), (OFF, False, COMM))  # it waits for off()
    b.stage.off(b.now)
    b.run(100)
    eq(b.stage.faults, 0)


def test_off_is_a_frame_in_the_same_call():
    b = Bench().running()
    heard = b.board.heard
    b.stage.off(b.now)
    eq((b.board.heard, b.line.on), (heard + 1, False))
    b.stage.off(b.now)
    eq(b.board.heard, heard + 2)  # and again, whatever is believed of it


def test_faults_of_the_board_arrive_unasked_and_stay_until_they_are_gone():
    for name, bit in (("imd", IMD_ALARM), ("estop", ESTOP), ("converter", CONVERTER)):
        b = Bench().running()
        b.board.fault = name
        b.run(20)
        assert b.stage.faults & bit, name
        b.run(100)
        eq((b.line.ma, b.stage.state), (0, FAULT))
        b.board.fault = "none"
        b.stage.off(b.now)
        b.run(100)
        eq((b.stage.faults, b.stage.state), (0, OFF))


def test_a_board_that_does_not_work_and_says_nothing_is_a_fault():
    b = Bench().run(300)
    b.board._command = lambda op, flags, limits, now: setattr(b.board, "_heard_at", now)
    b.run(100, lambda: b.stage.precharge(400000, 1000, b.now))
    eq(b.stage.faults, 0)
    b.run(300, lambda: b.stage.precharge(400000, 1000, b.now))
    assert b.stage.faults & CONVERTER


def test_the_test_result_is_of_this_test():
    b = Bench().run(300)
    b.run(1600, lambda: b.stage.test(500000, 100, b.now))
    eq((b.stage.state, b.stage.test_result), (TESTING, 1))
    b.stage.off(b.now)
    b.run(100)
    b.stage.test(500000, 100, b.now)
    eq(b.stage.test_result, 0)
    b.run(40, lambda: b.stage.test(500000, 100, b.now))
    eq(b.stage.test_result, 0)
    b.board.fault = "imd"
    b.stage.off(b.now)


def test_a_changed_set_point_goes_out_within_20_ms_an_equal_one_waits():
    b = Bench().running()
    heard = b.board.heard
    b.stage.dc(420000, 20000, 50000, b.now)
    b.run(20)
    assert b.board.heard <= heard + 1
    b.stage.dc(420000, 5000, 50000, b.now)
    b.run(20)
    eq(b.board._commanded[1], 5000)


def test_registers_never_fall_and_jumps_are_not_counted():
    b = Bench().running()
    b.run(1000)
    first = b.stage.charged_wh
    assert first >= 4711
    b.board.charged_wh += 5
    b.run(1100, lambda: b.stage.beat(b.now))
    assert b.stage.charged_wh >= first + 5
    seen = b.stage.charged_wh
    b.board.charged_wh = 3  # a new board
    b.run(1100)
    eq(b.stage.charged_wh, seen)
    b.board.charged_wh = 10
    b.run(1100)
    eq(b.stage.charged_wh, seen + 7)
    assert b.stage.age_ms(ENERGY, b.now) <= 1200


def test_constant_voltage_and_power_are_held_by_the_stage():
    b = Bench().running(ma=100000, mv=370000)  # CV: 4 V over 60 mohm
    assert 60000 < b.stage.ma <= 66700 and b.stage.mv_out <= 370000, (b.stage.ma, b.stage.mv_out)
    b.run(1000, lambda: b.stage.dc(420000, 100000, 10000, b.now))
    assert 9500 <= b.stage.w <= 10500, b.stage.w
    b.run(1500, lambda: b.stage.dc(300000, -50000, 8000, b.now))
    assert -8400 <= b.stage.w <= -7600 and b.stage.ma < 0, b.stage.w


def test_precharge_follows_at_most_what_was_asked():
    b = Bench().precharged()
    eq((b.stage.state, b.stage.mv_out), (PRECHARGE, 366000))
