"""The self-test on each controller board: its own Hardware and mcu.board.Board, over a model of its
port's modules. On the RP2040 the contactor closes in C and D alone, by its guard; on the ESP32-S3
nothing but the firmware looks at the pilot."""

RUNTIMES = ("cpython",)

from tests.lib.controller.boot import Controller
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from twin.wiring import ABSENT, SWAPPED

GUARDED, BARE = "rpi_pico", "esp32s3"


def run(name, spoil=None, answers=True, **options):
    """(codes of the results, those that are failures, place, board) of a whole test; the plug is
    turned as it is asked for. spoil(place) plants a fault before."""
    with Controller(name) as controller:
        from firmware.app.selftest import SelfTest, line
        from firmware.app.selftest_codes import CODES, FAIL

        place = controller.place
        if spoil:
            spoil(place)
        board = controller.board(controller.hardware(), Notes())
        board.start(place.now)
        test = SelfTest(board, **options)
        test.start(place.now)
        while test.active:
            assert place.us < 90000000, [line(result) for result in test.results]
            board.poll(place.now)
            test.poll(place.now)
            if test.asking:
                for key, value, _ in test.results[-1][1]:
                    if key == "plug":
                        place.circuit.load = " ABCD".index(value)
                        place.plug.ohm = None if value == "A" else 220
                test.next(place.now)
            place.pass_us(1000)
        eq(place.contactor.coil, 0)
        board.modem.stop(place.now)
        board.modem.signature()
        assert 7800000 <= place.wires.hz <= 8000000, "the usual clock again, as the block can make it"
        codes = [code for code, _ in test.results]
        return codes, [code for code in codes if CODES[code][1] == FAIL], place, board


def test_a_sound_board_passes_and_closes_on_the_test_plug():
    codes, failures, place, board = run(GUARDED, close=True)
    eq(failures, [])
    assert "close-ok" in codes and "int-ok" in codes and "role-evse" in codes and "pp-ok" in codes, codes
    eq((place.contactor.closings, list(board.hw.notes())), (1, []))


def test_a_board_without_guard_passes_and_closes_with_nothing_plugged_in():
    codes, failures, place, _ = run(BARE, close=True)
    eq(failures, [])
    assert "close-ok" in codes and "int-ok" in codes and "role-evse" in codes and "pp-ok" in codes, codes
    eq(place.contactor.closings, 1)


def test_swapped_wires_are_found_by_the_board_s_own_hardware():
    for name in (GUARDED, BARE):
        _, failures, _, _ = run(name, lambda place: setattr(place.wires, "fault", SWAPPED))
        eq(failures[0], "spi-swapped")


def test_no_modem_is_not_taken_for_swapped_wires():
    for name in (GUARDED, BARE):
        _, failures, _, _ = run(name, lambda place: setattr(place.wires, "fault", ABSENT))
        assert failures[0].startswith("spi-") and failures[0] != "spi-swapped", failures


def test_an_open_interrupt_line_is_found():
    for name in (GUARDED, BARE):
        _, failures, _, _ = run(name, lambda place: setattr(place.wires, "int_open", True))
        assert "int-dead" in failures or [code for code in failures if code.startswith("int")], failures


def test_without_c_it_does_not_try_to_close():
    codes, _, place, _ = run(GUARDED, close=True, states="B")
    assert "close-guarded" in codes
    eq(place.contactor.closings, 0)
