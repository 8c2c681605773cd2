"""The image on the emulated board: start, lock-step, wiring, power cuts."""

from host_tools.emu import files
from host_tools.emu.board import BoardError, EmulatedBoard
from host_tools.emu.bridge import Served
from tests.lib.emulator import need_image
from tests.lib.patience import LIMIT_S

RUNTIMES = ("cpython",)
TIMEOUT_S = 300
SLOW = True
STORAGE = (files.STORAGE_AT, files.STORAGE_BYTES)
READY = "Ctrl-C stops it."
EMPTY = {"services": ["DC_BPT"], "allow_plain": True, "tls": "none"}


def board(flash=None, **more):
    return EmulatedBoard(need_image(), files.image({}) if flash is None else flash, **more)


def test_prompt_and_raw_repl():
    with board() as b:
        b.until(">>> ", 5000)
        assert b.exec("print(6 * 7)") == ("42\r\n", "")
        out, error = b.exec("1 / 0")
        assert out == "" and "ZeroDivisionError" in error


def test_two_runs_have_the_same_cycles():
    def run():
        with board(files.station(EMPTY), seed=3) as b:
            b.until(READY, 5000)
            b.world.plug(capacity_wh=400)
            b.run_ms(700)
            return b.cycles, b.head, b.world.chip.transfers, b.world.duty

    first = run()
    assert first == run()
    assert first[2] > 20 and first[3] == 1000  # it has spoken to its modem, and shows the pilot


def test_pilot_proximity_and_contactor_as_the_board_sees_them():
    with board() as b:
        b.until(">>> ", 5000)
        b.world.circuit.load = 3
        b.world.plug_resistor.ohm = 1500
        script = (
            "from board.hardware import Hardware\nimport cp_guard, time\nhw = Hardware()\nf = hw.front\nf.set_duty(50)\n"
            "cp_guard.alive()\ntime.sleep_ms(60)\nf.sample()\nprint(f.high_mv, f.low_mv, hw.plug.read_u16(), hw.feedback())\n"
            "hw.drive(1)\ntime.sleep_ms(60)\nprint(hw.feedback())\nhw.drive(0)\ntime.sleep_ms(40)\nprint(hw.feedback())"
        )
        out, error = b.exec(script)
        assert not error, error
        high, low, plug, open_ = [int(word) for word in out.split()[:4]]
        assert abs(high - b.world.circuit.plateaus()[0]) < 20 and abs(low + 12000) < 20
        assert abs(plug - 65536 * 1500 // 2500) < 40
        assert (open_, *out.split()[4:]) == (0, "1", "0")
        assert b.world.duty == 50 and b.world.contactor.closings == 1


def test_a_reset_starts_the_image_again_and_keeps_the_files():
    with board() as b:
        b.until(">>> ", 5000)
        b.exec("with open('/note', 'w') as f: f.write('kept')")
        b.type("import machine; machine.reset()\r")
        b.until("not configured", 5000)
        b.until(">>> ", 3000)
        assert b.exec("print(open('/note').read())")[0] == "kept\r\n"
        assert len(b.world.resets) == 1
        assert files.content(b.save(*STORAGE))["/note"] == b"kept"


def test_a_power_cut_in_a_write_leaves_one_of_the_two_files():
    with board(files.image({"/value": b"old"})) as b:
        script = "import os\nf=open('/value.new','w')\nf.write('new')\nf.close()\nos.rename('/value.new','/value')\n"
        b.until(">>> ", 5000)
        hits = []
        for operation in (0, 1, 2, 3, 5, 8):
            b.type("\r\x01")
            b.until("raw REPL; CTRL-B to exit\r\n>", 1000)
            b.type(script + "\x04")
            hits.append(b.power_cut_in(operation, 0.3 + 0.1 * operation, 300))
            b.power_on()
            b.until(">>> ", 5000)
            out, error = b.exec("print(open('/value').read())")
            assert out in ("old\r\n", "new\r\n") and not error, (operation, out, error)
        assert "program" in hits


def test_waiting_in_vain_shows_the_console():
    with board() as b:
        try:
            b.until("no such word", 3000)
        except BoardError as error:
            assert "no such word" in str(error) and "MicroPython" in str(error)
        else:
            raise AssertionError("found")


_PROBE = """
from machine import Pin, SoftSPI
from board.hardware import Hardware
hw = Hardware()
def sign(spi):
    for _ in range(2):
        hw.bus.cs(0)
        spi.write(b"\\xda\\0")
        v = spi.read(2)
        hw.bus.cs(1)
    return v.hex()
print(sign(hw.bus.spi))
print(sign(SoftSPI(baudrate=100000, polarity=1, phase=1, sck=Pin(18), mosi=Pin(19), miso=Pin(16))))
print(sign(SoftSPI(baudrate=100000, polarity=1, phase=1, sck=Pin(18), mosi=Pin(16), miso=Pin(19))))
print(hw._int.value(), hw.feedback())
"""


def test_wiring_faults_show_where_they_are():
    def probe(**faults):
        with board(faults=faults) as b:
            b.until(">>> ", 5000)
            out, error = b.exec(_PROBE)
            assert not error, error
            return out.split()

    hard, soft, crossed, interrupt, mirror = probe()
    assert (hard, soft, interrupt, mirror) == ("aa55", "aa55", "1", "0") and crossed != "aa55"
    hard, soft, crossed, interrupt, _ = probe(swapped=True, int_open=True)
    assert (crossed, interrupt) == ("aa55", "0") and hard != "aa55" and soft != "aa55"
    hard, soft, crossed, interrupt, mirror = probe(no_modem=True, welded=True)
    assert "aa55" not in (hard, soft, crossed) and (interrupt, mirror) == ("0", "1")


def test_a_terminal_program_talks_to_it():
    import serial

    with board() as b, Served(b) as served, serial.Serial(served.path, 115200, timeout=LIMIT_S) as port:
        assert port.read_until(b">>> ").endswith(b">>> ")
        port.write(b"print(bytes(range(250,256)), 6 * 7)\r")
        assert b"42" in port.read_until(b">>> ")
        served.call(lambda board: setattr(board.world.faults, "welded", True))
        port.write(b"from machine import Pin; print(Pin(13).value() + 70)\r")
        assert b"71" in port.read_until(b">>> ")
