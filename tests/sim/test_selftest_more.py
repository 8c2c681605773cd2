"""app/selftest.py on a simulated station: faults beyond the planted ones, hostile answers of the
modem, commands."""

BARE_HEAP_KB = 600

from firmware.app.selftest_codes import CODES, FAIL, STEPS, WARN, text
from tests.lib.mtest import eq
from tests.lib.selftest_bench import Bench, first_of

HEAP_KB = 1000  # stations in one process, one behind the other


def test_other_faults_of_the_pilot():
    def reversed_diode(b):
        # Conducts in the negative half only.
        circuit = b.board.circuit
        sound = circuit._contact_mv

        def contact_mv(source_mv):
            if circuit.ohms is None or source_mv > 0:
                return source_mv
            return source_mv * circuit.ohms // (1000 + circuit.ohms)

        circuit._contact_mv = contact_mv
        del sound

    eq(first_of(reversed_diode), "diode-reversed")

    def levels(plus_mv, minus_mv):
        def change(b):
            b.board.circuit._contact_mv = lambda mv: plus_mv if mv > 0 else minus_mv

        return change

    eq(first_of(levels(0, -12000)), "cp-no-plus")
    eq(first_of(levels(12000, 0)), "cp-no-minus")
    eq(first_of(levels(-12000, 12000)), "cp-inverted")
    eq(first_of(levels(12000, -8000)), "cp-level")


def test_scale_a_little_off_is_a_warning():
    bench = Bench()
    bench.board.circuit.offset_mv = 700
    bench.run("steps=cp")
    eq((bench.first(), [c for c in bench.codes if CODES[c][1] == WARN]), (None, ["cp-scale"]))


def test_wires_of_the_plug():
    def cut(b):
        b.board.circuit.cable_cut = True

    def both(b):
        cut(b)
        b.board.plug.cut = True

    eq(first_of(cut), "cp-open")
    eq(first_of(both), "plug-absent")
    eq(first_of(lambda b: None, pp_ohm=20), "pp-plug-short")

    def resistor(b):
        b.board.circuit.series_ohm = 3000

    eq(first_of(resistor), "plug-level")


def test_pp_at_rest():
    def ohm(value):
        def change(b):
            b.board.plug.ohm = value

        return change

    eq(first_of(ohm(5), "steps=pp"), "pp-short")
    eq(first_of(ohm(680), "steps=pp"), "pp-load")


def test_contactor_that_does_not_close():
    def stuck(b):
        b.board.contact.stuck_open = True

    eq(first_of(stuck), "close-stuck")


def guarded(words="close", **plugged):
    """A board that closes in C alone; a car may be there as well."""
    bench = Bench()
    bench.board.guarded = True
    if plugged:
        bench.plant.plug(**plugged)  # only its modem counts: what is on the pilot is set by hand
    return bench.run(words)


def test_a_guarded_board_closes_with_the_test_plug_in_c():
    bench = guarded()
    eq((bench.first(), bench.board.contact.closings), (None, 1))
    at = bench.codes.index("close-ok")
    eq(bench.codes[at - 2 : at + 2], ["plug-c", "do-close-plug", "close-ok", "do-d"])
    assert "close-guarded" not in bench.codes and "do-close" not in bench.codes


def test_a_guarded_board_does_not_close_without_the_plug():
    bench = guarded("close states=B")
    eq((bench.first(), bench.codes[-2], bench.board.contact.closings), (None, "close-guarded", 0))
    bench = guarded("")
    eq((bench.codes[-2], bench.board.contact.closings), ("close-off", 0))


def test_a_guarded_board_does_not_close_when_another_modem_answers():
    bench = guarded(iso15118=False)
    eq((bench.first(), bench.board.contact.closings), (None, 0))
    assert "close-strange" in bench.codes


def test_contactor_that_welds_while_it_closes():
    bench = Bench()
    bench.do("start close steps=contactor,close")
    while not bench.test.asking:
        bench.plant.step()
    bench.do("next")
    bench.plant._wake()
    while not bench.board.contact.closed:
        bench.plant.step()
    bench.board.contact.welded = True
    while bench.test.active:
        bench.plant.step()
    eq((bench.first(), bench.board.contact.coil), ("close-welded", 0))


def test_modem_without_firmware_and_one_that_is_silent():
    def loader(b):
        b.board.hpgp.loader = True

    def silent(b):
        b.board.hpgp._command = lambda kind, frame, now: None

    eq(first_of(loader), "version-loader")
    eq(first_of(silent), "version-none")


def test_modem_that_never_becomes_ready():
    def full(b):
        b.board.chip._used = 100
        b.board.chip._clear = lambda: None

    eq(first_of(full), "modem-stuck")


def test_shifted_and_foreign_signatures():
    def signature(value):
        def change(b):
            chip = b.board.chip
            chip._register = lambda r: value

        return change

    eq(first_of(signature(0x552A)), "spi-mode")
    eq(first_of(signature(0x1234)), "spi-garbage")


def test_roles():
    def role(cco, slac):
        def change(b):
            b.board.hpgp.pib.cco, b.board.hpgp.pib.slac = cco, slac

        return change

    eq(first_of(role(0, 2)), "role-cco")
    eq(first_of(role(0, 0)), "role-factory")
    eq(first_of(role(2, 1)), "role-pev")


def modem_only(change):
    bench = Bench()
    change(bench.board.hpgp)
    bench.run("steps=spi,modem,version,role")
    return [c for c in bench.codes if CODES[c][0] == "role"]


def test_role_is_read_with_and_without_a_chain_and_across_pages():
    def flat(hpgp):
        hpgp.pib.flat = True

    eq(modem_only(flat), ["role-evse"])
    for manifest in (1208, 1300, 1304 - 40, 2800):  # header and settings at the borders of pages

        def long(hpgp, manifest=manifest):
            hpgp.pib.manifest = manifest

        eq(modem_only(long), ["role-evse"])


def test_role_that_cannot_be_read_is_a_warning():
    def refuse(hpgp):
        hpgp.pib.refuse = True

    def silent(hpgp):
        hpgp.pib = None

    eq(modem_only(refuse), ["role-unread"])
    eq(modem_only(silent), ["role-unread"])


def test_hostile_answers_end_as_unread():
    """Lengths and chains that lead nowhere; no exception, no endless walk."""
    for body in (b"", bytes(23), b"\x00" * 27 + b"\xff" * 40, b"\x00" * 21 + b"\xff\xff" + bytes(60), b"\xff" * 400):
        bench = Bench()
        bench.board.hpgp.pib.answer = lambda frame, body=body: body
        bench.run("steps=spi,modem,version,role")
        assert "role-unread" in bench.codes or "role-factory" in bench.codes, bench.codes
    bench = Bench()
    bench.board.hpgp.pib._parts = lambda: [(b"\x01\x00\x01\x00" + bytes(1396), 1400)] * 50
    bench.run("steps=spi,modem,version,role")
    assert "role-unread" in bench.codes, bench.codes


def test_int_that_loses_edges_is_a_warning():
    bench = Bench()
    bench.do("start steps=spi,modem,version,int")
    while "version-ok" not in bench.codes:
        bench.plant.step()
    bench.board.chip.lose_edges = 3
    while bench.test.active:
        bench.plant.step()
    eq((bench.first(), [c for c in bench.codes if CODES[c][1] == WARN]), (None, ["int-lossy"]))


def test_step_that_breaks_leaves_the_board_at_rest():
    """A fault of our own: contactor open, pilot at rest, and the station says it."""
    bench = Bench()
    bench.do("start close steps=contactor,close")
    while not bench.test.asking:
        bench.plant.step()

    def broken():
        yield 10
        raise ValueError("planted")

    bench.do("next")
    bench.plant._wake()
    while not bench.board.contact.closed:
        bench.plant.step()
    bench.test._script = broken()
    bench.plant.sleep(300)
    assert not bench.board.contact.closed
    assert "ValueError: planted" in bench.plant.trace.errors[-1], bench.plant.trace.errors
    eq(bench.codes[-2:], ["broken", "end-fail"])
    eq(bench.board.circuit.duty, 0)  # the station says F, as after every fault of its own
    bench.plant.sleep(6000)  # the station begins anew
    eq(bench.plant.charger.state, 0)


def test_commands_of_the_console():
    bench = Bench()
    assert "unknown step" in bench.do("start steps=spy")[0]
    assert "quickly" in bench.do("start quickly")[0]
    eq(bench.do("next"), ["nothing was asked"])
    eq(bench.do("results 0"), ["no test was started"])
    bench.do("help")
    assert "results N" in bench.plant.trace.said("selftest results N")[0]
    bench.do("steps=cp")  # a person's: results come by themselves
    assert "runs already" in bench.do("start")[0]
    while bench.test.active:
        bench.plant.step()
    assert bench.plant.trace.said("selftest cp-ok|ok|")
    bench.plant.trace.clear()
    bench.do("results 1")
    said = bench.plant.trace.notes
    eq(said[0].split("|")[:2], ["selftest cp-ok", "ok"])
    eq(said[0].split("|")[3], "x1=12000 mV, f=-12000 mV, high_5=12000 mV, low_5=-12000 mV")
    eq(said[-1], "selftest state over 3")


def test_an_answer_sent_twice_does_not_answer_the_next_question():
    bench = Bench()
    bench.do("start close steps=plug,close")
    while not bench.test.asking:
        bench.plant.step()
    seen = len(bench.codes)
    eq(bench.do("skip %d" % seen) + bench.do("skip %d" % seen), [])
    bench.plant._wake()
    while not bench.test.asking:
        bench.plant.step()
    eq(bench.codes[-1], "do-close")
    eq(bench.do("next %d" % seen), [])
    assert bench.test.asking
    bench.plant.sleep(500)
    eq(bench.board.contact.closings, 0)


def test_every_code_is_complete():
    for code, (step, level, what, cause, remedy) in CODES.items():
        assert step in STEPS and what, code
        if level in (FAIL, WARN):
            assert remedy and (cause or code == "end-fail"), code
        assert "|" not in text(code) and "=" not in text(code), code
