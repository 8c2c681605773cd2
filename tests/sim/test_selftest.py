"""app/selftest.py on a whole simulated station: a sound board passes everything; each of the
planted faults is found, and named by its own code before any other failure. Simulated time."""

BARE_HEAP_KB = 600

from board.sim_board import FAULTS
from firmware.app.selftest_codes import CODES
from firmware.clock import ticks_diff
from tests.lib.mtest import eq
from tests.lib.selftest_bench import Bench, values

HEAP_KB = 1000  # stations in one process, one behind the other

# What a board with a fault fails first.
NAMED = {
    "no-modem": "spi-no-modem",
    "swapped": "spi-swapped",
    "pev": "role-pev",
    "cp-short": "cp-short",
    "diode": "diode-short",
    "pp-open": "pp-open",
    "welded": "contactor-welded",
    "int-open": "int-open",
    "spi-slow": "spi-errors",
}


def test_a_sound_board_passes_every_step():
    bench = Bench().run()
    eq(bench.first(), None)
    eq([c for c in bench.codes if CODES[c][1] != "ok"], ["do-plug", "do-c", "do-d", "do-unplug", "do-close"])
    eq(
        [c for c in bench.codes if CODES[c][1] == "ok"],
        ["car-none", "contactor-open"]
        + ["spi-clock"] * 4
        + ["modem-up", "version-ok", "int-ok", "role-evse", "cp-ok", "pp-rest"]
        + ["plug-b", "pp-ok", "plug-c", "plug-d", "plug-out", "close-ok", "end"],
    )
    test = bench.test
    eq(values(test, "spi-clock", 3), {"clock": 12000, "errors": 0, "of": 4096})
    eq(values(test, "cp-ok"), {"x1": 12000, "f": -12000, "high_5": 12000, "low_5": -12000})
    eq(values(test, "version-ok")["version"], "MAC-QCA7005-1.1.0.730-04-twin")
    eq(values(test, "role-evse"), {"CCoSelection": 2, "SLAC_EnableMode": 2, "block_at": 512})
    eq(values(test, "pp-ok")["rating"], 13)
    assert 8500 < values(test, "plug-b")["x1"] < 9500 and values(test, "plug-b")["low_5"] == -12000
    assert 40 <= values(test, "close-ok")["closed_after"] <= 100
    eq(bench.board.contact.closings, 1)
    bench.at_rest()


def planted(fault):
    bench = Bench(fault).run()
    eq((fault, bench.first()), (fault, NAMED[fault]))
    bench.at_rest()
    return bench


def test_no_modem():
    bench = planted("no-modem")
    assert "modem-skip" in bench.codes and "cp-ok" in bench.codes and "close-ok" in bench.codes


def test_swapped_miso_and_mosi():
    planted("swapped")


def test_pev_parameter_block():
    bench = planted("pev")
    eq(values(bench.test, "role-pev"), {"CCoSelection": 1, "SLAC_EnableMode": 1, "block_at": 512})
    assert "int-ok" in bench.codes


def test_pilot_shorted():
    bench = planted("cp-short")
    assert "role-evse" in bench.codes and "plug-skip" in bench.codes and "close-skip" in bench.codes
    eq(bench.board.contact.closings, 0)


def test_diode_shorted():
    bench = planted("diode")
    assert "pp-ok" in bench.codes and bench.board.contact.closings == 0


def test_pp_open():
    bench = planted("pp-open")
    assert "plug-d" in bench.codes and bench.board.contact.closings == 0


def test_contactor_welded():
    bench = planted("welded")
    assert "plug-out" in bench.codes
    eq(bench.board.contact.closings, 0)


def test_int_not_connected():
    bench = planted("int-open")
    eq(values(bench.test, "int-open"), {"edges": 0, "answers": 8})
    assert "role-evse" in bench.codes


def test_lines_too_slow_for_the_clock():
    bench = planted("spi-slow")
    eq([c for c in bench.codes if CODES[c][0] == "spi"], ["spi-clock", "spi-clock", "spi-errors", "spi-margin"])


def test_each_fault_has_a_code_of_its_own():
    eq(sorted(NAMED), sorted(FAULTS[1:]))
    eq(len(set(NAMED.values())), len(NAMED))


def test_the_station_serves_a_car_after_it():
    """The supervisor began anew: a car is matched and charges."""
    bench = Bench(services=["DC_BPT"]).run()
    bench.board.do_cp(["auto"], bench.plant.now)
    bench.plant.sleep(500)
    car = bench.plant.plug(loops=3)
    bench.plant.run(car)
    assert car.ok, car.why


def test_with_a_car_it_does_not_begin():
    bench = Bench()
    bench.board.do_cp(["auto"], bench.plant.now)
    car = bench.plant.plug(loops=3)
    bench.plant.until(lambda plant: plant.charger.state, 5000)
    eq(bench.do("start"), ["a car is plugged in or a session is on: unplug first"])
    bench.plant.run(car)
    assert car.ok, car.why


def test_a_load_that_the_supervisor_has_not_seen_yet_ends_it():
    bench = Bench()
    bench.do("start close")
    bench.board.do_cp(["B"], bench.plant.now)
    while bench.test.active:
        bench.plant.step()
    eq(bench.codes, ["car", "end-fail"])
    bench.at_rest()


def test_a_car_that_comes_in_the_middle_ends_it():
    bench = Bench()
    bench.do("start close steps=spi,modem,version,cp")
    while "spi-clock" not in bench.codes:
        bench.plant.step()
    bench.board.do_cp(["C"], bench.plant.now)
    bench.plant.sleep(200)
    eq(bench.codes[-2:], ["car-came", "end-fail"])
    bench.at_rest()


def test_a_car_that_comes_while_the_contactor_closes_opens_it_with_the_next_sample():
    bench = Bench()
    bench.skip = ["do-plug"]
    bench.do("start close steps=contactor,close")
    while not bench.test.asking:
        bench.plant.step()
    bench.do("next")
    bench.plant._wake()
    while not bench.board.contact.closed:
        bench.plant.step()
    bench.board.do_cp(["B"], bench.plant.now)
    begun = bench.plant.now
    while bench.board.contact.closed:
        bench.plant.step()
    assert ticks_diff(bench.plant.now, begun) <= 100
    bench.plant.sleep(100)
    eq(bench.codes[-2:], ["car-came", "end-fail"])
    bench.at_rest()


def test_without_close_the_contactor_stays_open():
    bench = Bench().run("")
    eq((bench.first(), bench.codes[-2], bench.board.contact.closings), (None, "close-off", 0))


def test_skipped_questions():
    bench = Bench()
    bench.skip = ["do-plug", "do-close"]
    bench.run()
    eq((bench.first(), bench.codes[-5:-1]), (None, ["do-plug", "plug-skip", "do-close", "close-skip"]))
    bench = Bench()
    bench.skip = ["do-c"]
    bench.run("")
    assert "plug-state-skip" in bench.codes and "plug-d" in bench.codes


def test_a_plug_that_stays_in_keeps_the_contactor_open():
    bench = Bench()
    bench.skip = ["do-unplug"]
    bench.run()
    eq((bench.first(), bench.codes[-2], bench.board.contact.closings), ("plug-still", "close-skip", 0))


def test_stop():
    bench = Bench()
    eq(bench.do("stop"), ["no test runs"])
    bench.do("start close")
    bench.plant.sleep(700)
    bench.do("stop")
    eq(bench.codes[-2:], ["stopped", "end-fail"])
    bench.at_rest()
    bench.plant.sleep(2000)
    assert bench.board.modem.up
