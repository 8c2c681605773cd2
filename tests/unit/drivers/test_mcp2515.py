"""The CAN driver against the register model of its chip, SPI byte by byte."""

from drivers.mcp2515 import DOWN, JOIN, OVERFLOW, PAUSE, READY, UP
from tests.lib.mtest import eq
from tests.unit.drivers.can_bench import IDENT, OTHER, START, Bench
from twin.can_bus import Frame

DATA = b"\x10\x01\x00\x00\x00\x06\x1a\x80"


def test_every_crystal_and_bit_rate_reaches_the_bus():
    for crystal in (8, 16):
        for kbit in (125, 250, 500):
            bench = Bench(crystal, kbit).up()
            eq(bench.chip.bit_rate(), kbit * 1000)
            assert bench.driver.send(0x02A43FF0, DATA, bench.now)
            bench.run(50)
            eq([(f.ident, f.data, f.extended) for f in bench.peer.got], [(0x02A43FF0, DATA, True)])
            assert bench.driver.idle
            bench.peer.tx.append(Frame(IDENT, DATA))
            bench.bus.wake()
            bench.run(50)
            eq(bench.got, [(IDENT, DATA)])
            eq((bench.chip.violations, bench.bus.errors), (0, 0))


def test_wrong_crystal_or_rate_is_no_communication_but_errors():
    for args in ((8, 125, 16), (16, 250, 8), (8, 500, None, 250)):
        bench = Bench(*args)
        bench.run(100)
        eq(bench.driver.state, READY)
        bench.driver.send(0x02A43FF0, DATA, bench.now)
        bench.run(2000)
        eq((bench.peer.got, bench.got), ([], []))
        assert bench.bus.errors > 5 and (bench.driver.unsent or bench.driver.bus_offs)


def test_nothing_but_the_wanted_frames_leaves_the_chip():
    bench = Bench().up()
    strangers = (
        Frame(IDENT | 1),  # another module
        Frame(IDENT ^ 0x100, DATA),  # for another controller
        Frame(0x0025F000, DATA),  # another command
        Frame(IDENT >> 18, DATA, extended=False),
        Frame(0x02A33FF0, DATA),
    )
    for frame in strangers + (Frame(IDENT | 0x1E800000 & ~0x3FFFFF, DATA), Frame(OTHER, DATA)):
        bench.peer.tx.append(frame)
        bench.bus.wake()
    bench.run(200)
    eq(bench.got, [(IDENT | 0x1E800000, DATA), (OTHER, DATA)])
    eq(bench.bus.frames, 7)
    # What passes the filter and is no whole frame is not handed on.
    for frame in (Frame(IDENT, DATA[:7]), Frame(IDENT, b"", remote=True, size=8)):
        bench.peer.tx.append(frame)
        bench.bus.wake()
    bench.run(200)
    eq((len(bench.got), bench.bus.frames), (2, 9))


def test_two_frames_wait_in_the_chip_and_a_third_is_an_overflow():
    bench = Bench().up()
    for count, events in ((2, []), (3, [OVERFLOW])):
        bench.got, bench.events = [], []
        for i in range(count):
            bench.peer.tx.append(Frame(IDENT, DATA[:7] + bytes((i,))))
        bench.bus.wake()
        bench.run(60, asleep_ms=30)
        eq(([data[7] for _, data in bench.got], bench.events), ([0, 1], events))
    eq((bench.driver.overflows, bench.chip.overflows), (1, 1))
    bench.got = []
    bench.peer.tx.append(Frame(IDENT, DATA))
    bench.bus.wake()
    bench.run(60)
    eq((bench.got, bench.driver.overflows), ([(IDENT, DATA)], 1))


def test_frames_leave_in_the_order_in_which_they_were_given():
    bench = Bench().up()
    sent = []
    for i in range(20):
        data = bytes((i, 0, 0, 0, 0, 0, 0, 0))
        for _ in range(50):
            if bench.driver.send(0x02A43FF0 if i & 1 else 0x02A33FF0, data, bench.now):
                sent.append(data)
                break
            bench.run(1)
    bench.run(50)
    eq([f.data for f in bench.peer.got], sent)
    eq((len(sent), bench.chip.violations), (20, 0))


def test_lost_arbitration_and_damage_are_tried_again():
    bench = Bench().up()
    bench.peer.tx.append(Frame(1, DATA))
    bench.driver.send(0x02A43FF0, DATA, bench.now)
    bench.bus.spoil = 3
    bench.run(50)
    eq([f.data for f in bench.peer.got], [DATA])
    eq((bench.driver.idle, bench.driver.unsent, bench.bus.errors), (True, 0, 3))


def test_nobody_acknowledges_frame_is_taken_back_and_never_sent_late():
    bench = Bench(alone=True)
    bench.run(100)
    old = b"\x10\x02\x00\x00\x00\x00\x75\x30"
    assert bench.driver.send(0x02A43FF0, old, bench.now)
    bench.run(1000)
    eq((bench.driver.unsent, bench.driver.idle, bench.driver.bus_offs), (1, True, 0))
    eq((bench.chip.port.tec, bench.driver.state), (128, READY))
    bench.bus.attach(bench.peer)
    bench.run(1000)
    eq(bench.peer.got, [])
    assert bench.driver.send(0x02A43FF0, DATA, bench.now)
    bench.run(100)
    eq([f.data for f in bench.peer.got], [DATA])


def test_bus_off_is_told_and_nothing_old_is_sent_after_it():
    bench = Bench().up()
    bench.bus.shorted = True
    bench.driver.send(0x02A43FF0, b"\x10\x02\x00\x00\x00\x00\x75\x30", bench.now)
    bench.run(3000)
    eq((bench.events, bench.driver.bus_offs, bench.driver.up), ([DOWN], 1, False))
    assert not bench.driver.send(0x02A43FF0, DATA, bench.now)
    assert bench.driver.state in (PAUSE, JOIN) and bench.driver.bad  # it is tried again and again
    bench.bus.shorted = False
    bench.run(5000)
    eq((bench.events, bench.driver.up, bench.peer.got), ([DOWN, UP], True, []))
    bench.driver.send(0x02A43FF0, DATA, bench.now)
    bench.run(50)
    eq([f.data for f in bench.peer.got], [DATA])


def test_a_bus_that_is_back_at_once_gets_nothing_old():
    """The chip returns from bus off by itself and would send what still waits in it."""
    bench = Bench().up()
    bench.bus.shorted = True
    bench.driver.send(0x02A43FF0, b"\x10\x02\x00\x00\x00\x00\x75\x30", bench.now)
    bench.run(30)
    eq((bench.driver.bus_offs, bench.driver.up), (1, False))
    bench.bus.shorted = False
    bench.run(2000)
    eq((bench.driver.up, bench.peer.got), (True, []))


def test_a_chip_that_lost_its_settings_is_set_up_again():
    bench = Bench().up()
    bench.chip.brown_out(bench.now)
    bench.run(1000)
    eq((bench.events, bench.driver.state, bench.chip.violations), ([DOWN, UP], READY, 0))
    bench.peer.tx.append(Frame(IDENT, DATA))
    bench.bus.wake()
    bench.run(50)
    eq(bench.got, [(IDENT, DATA)])


def test_no_chip_is_never_ready():
    for level in (0x00, 0xFF):
        bench = Bench()
        bench.chip.stuck = level
        bench.run(20000)
        eq((bench.driver.up, bench.events), (False, []))
        assert 4 < bench.driver.bad < 20
        bench.chip.stuck = None
        bench.run(5000)
        eq(bench.events, [UP])
        bench.chip.stuck = level  # the wire breaks in operation
        bench.run(200)
        eq((bench.driver.up, bench.events), (False, [UP, DOWN]))


def test_a_setting_that_does_not_stick_is_found_before_the_bus_is_joined():
    for address in (0x28, 0x29, 0x2A, 0x00, 0x05, 0x0A, 0x13, 0x14, 0x1B, 0x20, 0x27, 0x60, 0x2B):
        bench = Bench()
        set_register = bench.chip._set

        def worn(at, value, address=address, set_register=set_register):
            set_register(at, value ^ 0x24 if at == address else value)

        bench.chip._set = worn
        bench.run(3000)
        eq((bench.driver.up, address), (False, address))
        assert bench.driver.bad


def test_one_damaged_read_ends_nothing():
    bench = Bench().up()
    chip, count = bench.chip, [0]
    readinto = chip.readinto

    def noisy(buf, fill=0):
        readinto(buf, fill)
        count[0] += 1
        if count[0] % 7 == 0 and len(buf) < 3:
            for i in range(len(buf)):
                buf[i] ^= 0xE1

    chip.readinto = noisy
    bench.run(20000)
    eq((bench.events, bench.driver.overflows, bench.driver.bus_offs, bench.got), ([], 0, 0, []))
    assert count[0] > 500


def test_stop_leaves_the_bus():
    bench = Bench().up()
    bench.driver.stop(bench.now)
    bench.run(100)
    eq((bench.driver.due, bench.chip.port.bit_rate, bench.chip.resets), (None, None, 1))
    bench.driver.start(bench.now)
    bench.run(100)
    eq(bench.events, [DOWN, UP])


def test_clock_of_the_bench_crosses_the_wrap():
    bench = Bench().up()
    bench.run(1000)
    assert bench.now != START and bench.driver.up
