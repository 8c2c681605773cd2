"""Below the self-test: wires and parameter block of the models, tests of the wires in the modem's
driver, messages."""

from codec import mme
from drivers.qca7000 import OFF, READY, UP, Qca7000
from firmware.clock import ticks_add
from tests.lib.mtest import eq
from tests.unit.drivers.data_spi import Dice
from tests.unit.drivers.qca_bench import HOST, Bench
from twin.pib import CCO_AT, SLAC_AT, Pib
from twin.wiring import ABSENT, SWAPPED, Wires


class Wired(Bench):
    """The bench of the driver, with wires that can be wrong."""

    def __init__(self, irq=True):
        Bench.__init__(self, irq)
        self.wires = Wires(self.chip, Dice(9))
        self.driver = Qca7000(self.wires, self.wires.cs, self.chip.irq if irq else None, self.notes)
        self.driver.start(self.now)


def test_sound_wires_change_nothing():
    bench = Wired().up()
    bench.both_ways()
    eq(bench.chip.violations, 0)


def test_echo_and_signature_between_stop_and_start():
    bench = Wired().up()
    bench.driver.stop(bench.now)
    eq((bench.driver.state, bench.driver.up, bench.driver.due), (OFF, False, None))
    eq([bench.driver.signature(), bench.driver.echo(0x0AAA), bench.driver.echo(0)], [0xAA55, 0x0AAA, 0])
    bench.driver.poll(ticks_add(bench.now, 60000))
    eq(bench.driver.state, OFF)
    bench.driver.start(bench.now)
    bench.run(100)
    eq((bench.driver.state, bench.codes()[-1]), (READY, UP))
    bench.both_ways()
    eq(bench.chip.violations, 0)


def test_stop_tells_that_the_link_is_gone():
    bench = Wired().up()
    bench.driver.stop(bench.now)
    eq(bench.driver.event(), 2)  # DOWN
    assert not bench.driver.send(bytes(60), 60)


def test_edges_are_counted():
    bench = Wired().up()
    before = bench.driver.edges
    bench.both_ways()
    assert bench.driver.edges > before
    eq(Wired(irq=False).driver.edges, None)


def test_open_int_costs_the_edges_and_not_the_frames():
    bench = Wired().up()
    bench.wires.int_open = True
    before = bench.driver.edges
    bench.both_ways()
    eq((bench.driver.edges, bench.wires.int_open), (before, True))
    bench.wires.int_open = False
    bench.both_ways()
    assert bench.driver.edges > before


def test_no_chip_reads_what_the_line_floats_to():
    for level in (0x00, 0xFF):
        bench = Wired()
        bench.wires.fault = ABSENT
        bench.wires.floats = level
        transfers = bench.chip.transfers
        eq((bench.driver.signature(), bench.driver.echo(0x555)), (level * 0x101, level * 0x101))
        eq((bench.chip.transfers, bench.wires.exchanged(b"\xda\x00", 2)), (transfers, b""))


def test_swapped_wires_answer_when_they_are_exchanged():
    bench = Wired()
    bench.wires.fault = SWAPPED
    eq(bench.driver.signature(), 0xFFFF)
    bench.wires.exchanged(b"\xda\x00", 2)  # the first read after power-on is wrong
    eq(bench.wires.exchanged(b"\xda\x00", 2), b"\xaa\x55")
    bench.wires.fault = 0
    eq(bench.wires.exchanged(b"\xda\x00", 2), b"")
    eq(bench.driver.signature(), 0xAA55)


def test_bits_are_damaged_above_the_clean_clock_only():
    bench = Wired()
    bench.driver.signature()
    bench.wires.clean_hz = 6000000

    def bad(hz):
        bench.wires.hz = hz
        bench.wires.connect()
        return sum([bench.driver.signature() != 0xAA55 for _ in range(100)])

    eq(bad(6000000), 0)
    few, many = bad(6100000), bad(9000000)
    assert 0 < few < many, (few, many)
    eq(bad(1000000), 0)


def module(at, n, operation=0, identity=0x7002):
    out = bytearray(60)
    mme.module_req(out, HOST, at, n)
    out[25] = operation
    out[33] = identity & 0xFF
    out[34] = identity >> 8
    return bytes(out)


def test_module_request_byte_by_byte():
    """Fields as in open-plc-utils: one operation, read from memory, 18 bytes long, module 7002."""
    out = module(0x1234, 1400)
    eq(out[:20], b"\x00\xb0\x52\x00\x00\x01" + HOST + b"\x88\xe1\x00\xb0\xa0\x00\xb0\x52")
    eq(out[20:43], bytes(4) + b"\x01" + b"\x00\x00\x12\x00" + bytes(4) + b"\x02\x70\x00\x00\x78\x05\x34\x12\x00\x00")
    eq(out[43:], bytes(17))


def ones(data):
    lanes = [0, 0, 0, 0]
    for i in range(len(data)):
        lanes[i & 3] ^= data[i]
    return lanes == [0xFF] * 4


def test_parameter_block_is_a_chain_of_images():
    pib = Pib(False)
    whole = b""
    while True:
        answer = pib.answer(module(len(whole), 1400))
        eq(answer[:2], b"\x00\x00")
        n = answer[21] | answer[22] << 8
        eq(answer[23:27], bytes((len(whole) & 255, len(whole) >> 8, 0, 0)))
        whole += answer[27 : 27 + n]
        if n < 1400:
            break
    block = 96 + 320 + 96
    eq(len(whole), block + 0x2000)
    assert ones(whole[:96]) and ones(whole[416:block])  # headers
    assert ones(whole[96:416] + whole[20:24]) and ones(whole[block:] + whole[436:440])  # images, with their checksum
    eq((whole[36], whole[416 + 36]), (0x0E, 0x0F))
    eq((whole[block + CCO_AT], whole[block + SLAC_AT]), (2, 2))
    eq(Pib(True).cco, 1)


def test_other_requests_are_refused():
    pib = Pib(False)
    for frame in (module(0, 0), module(0, 1401), module(0, 64, operation=0x10), module(0, 64, identity=0x7001)):
        assert pib.answer(frame)[:2] != b"\x00\x00"


def test_own_modem_answers_in_a_checked_message():
    bench = Wired().up()
    out = bytearray(60)
    for build, kind in (
        (lambda: mme.version_req(out, HOST), mme.VERSION_CNF),
        (lambda: mme.module_req(out, HOST, 0, 64), mme.MODULE_CNF),
    ):
        del bench.got[:]
        bench.driver.send(out, build())
        bench.run(100)
        eq([mme.check(frame, len(frame), HOST) for frame in bench.got], [kind])
