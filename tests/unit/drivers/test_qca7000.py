"""drivers/qca7000.py against transcripts written by hand, and with the chip model in good health.
R-LINK-26. Times are simulated milliseconds."""

from drivers import qca7000
from drivers.qca7000 import DOWN, DROP_NAMES, READY, RESET, UP, Qca7000
from firmware.clock import ticks_add, ticks_diff
from tests.lib.mtest import eq
from tests.unit.drivers import data_spi
from tests.unit.drivers.data_spi import FRAME, FRAME_2, Irq, Transcript, octets
from tests.unit.drivers.qca_bench import CAR, START, Bench, mme
from twin import qca7000 as chip_model


def scripted(*transcripts, irq=True):
    spi = Transcript(*transcripts)
    driver = Qca7000(spi, spi.cs, Irq() if irq else None)
    driver.start(START)
    return spi, driver


def test_transcript_bring_up():
    spi, driver = scripted(data_spi.BRING_UP)
    eq((driver.up, driver.event()), (False, 0))
    driver.poll(START)
    assert spi.finished and driver.up and driver.state == READY
    eq((driver.event(), driver.event()), (UP, 0))
    eq(driver.due, START)


def test_transcript_tx():
    spi, driver = scripted(data_spi.BRING_UP, data_spi.TX)
    driver.poll(START)
    buf = bytearray(octets(FRAME) + b"more than the frame")
    assert driver.send(buf, 60)
    assert spi.finished


def test_transcript_tx_pads_with_zeros():
    spi, driver = scripted(data_spi.BRING_UP)
    driver.poll(START)
    padded = FRAME[: -2 * 14] + "00" * 14  # 60 bytes of which 46 were given
    for text in (FRAME, padded):  # the second time the buffer is not fresh
        spi.add(data_spi.TX[:2])
        spi.add((("0000 aaaaaaaa 3c00 0000" + text + "5555", ""),))
        n = 60 if text is FRAME else 46
        assert driver.send(bytearray(octets(FRAME)), n)
    assert spi.finished


def test_transcript_rx():
    spi, driver = scripted(data_spi.BRING_UP, data_spi.RX)
    driver.poll(START)
    now = ticks_add(START, 7)
    driver.poll(now)
    eq(driver.recv(), 60)
    eq(bytes(driver.frame[:60]), octets(FRAME))
    eq(driver.recv(), 0)
    assert spi.finished
    eq(driver.due, ticks_add(now, 50))
    eq(sum(driver.drops), 0)


def test_transcript_rx_joined_and_a_frame_behind_the_acknowledgement():
    spi, driver = scripted(data_spi.BRING_UP, data_spi.RX_JOINED, data_spi.RX)
    driver.poll(START)
    driver.poll(START)
    eq(driver.due, START)  # no edge will come for the third frame
    eq(driver.recv(), 60)
    eq(driver.recv(), 61)
    eq(bytes(driver.frame[:61]), octets(FRAME_2))
    eq(driver.recv(), 0)
    driver.poll(START)
    eq((driver.recv(), driver.recv()), (60, 0))
    assert spi.finished


def test_transcript_interrupt_and_slow_poll():
    spi, driver = scripted(data_spi.BRING_UP, data_spi.IDLE)
    driver.poll(START)
    driver.poll(START)
    eq(driver.due, ticks_add(START, 50))
    driver.poll(ticks_add(START, 49))
    assert spi.finished  # not a byte before it is due
    spi.add(data_spi.IDLE)
    driver.poll(ticks_add(START, 50))
    assert spi.finished
    driver._irq.fired = True
    eq(driver.due, ticks_add(START, 50))  # at once: the tick of the last poll
    spi.add(data_spi.RX)
    driver.poll(ticks_add(START, 51))
    assert spi.finished and not driver._irq.fired
    eq(driver.recv(), 60)


def test_transcript_write_error_resets_and_waits_for_cpu_on():
    spi, driver = scripted(data_spi.BRING_UP, data_spi.WRITE_ERROR)
    driver.poll(START)
    eq(driver.event(), UP)
    driver.poll(START)
    assert spi.finished
    eq((driver.up, driver.state, driver.resets, driver.event()), (False, RESET, 1, DOWN))
    now = START
    for transcript in (data_spi.NOT_YET, data_spi.NOT_YET_2, data_spi.CPU_ON):
        now = ticks_add(now, 50)
        eq(driver.due, now)
        spi.add(transcript)
        driver.poll(now)
        assert spi.finished
    eq((driver.up, driver.event(), driver.event()), (True, UP, 0))


def test_transcript_restart():
    spi, driver = scripted(data_spi.BRING_UP, data_spi.RESTARTED)
    driver.poll(START)
    eq(driver.event(), UP)
    driver.poll(START)
    assert spi.finished
    eq((driver.event(), driver.event(), driver.event()), (DOWN, UP, 0))
    eq(driver.resets, 0)


def test_transcript_a_buffer_that_is_not_empty():
    spi, driver = scripted(data_spi.NOT_EMPTY)
    driver.poll(START)
    assert spi.finished
    eq((driver.state, driver.resets, driver.event()), (RESET, 1, 0))


def test_impossible_values_are_not_acted_on():
    """WRBUF_SPC_AVA above 0xC5B and RDBUF_BYTE_AVA above 0xC5F are damaged reads."""
    spi, driver = scripted(data_spi.BRING_UP)
    driver.poll(START)
    spi.add((("c200 0000", "0000 0c5c"),))
    assert not driver.send(octets(FRAME), 60)
    eq(driver.drops[qca7000.BAD_SPACE], 1)
    spi.add(data_spi.IDLE[:3] + (("c300 0000", "0000 0c60"),) + data_spi.IDLE[4:])
    driver.poll(START)
    eq(driver.drops[qca7000.BAD_WAITING], 1)
    assert spi.finished and driver.up
    eq(driver.due, ticks_add(START, 50))


def test_one_damaged_signature_is_no_restart():
    spi, driver = scripted(data_spi.BRING_UP, (("da00 0000", "0000 aa54"),), data_spi.IDLE)
    driver.poll(START)
    driver.poll(START)
    assert spi.finished and driver.up
    eq(driver.signature_errors, 0)


def test_room_to_the_byte():
    """n + 10 bytes and 4 that the chip needs on top: 74 for a frame of 60."""
    spi, driver = scripted(data_spi.BRING_UP)
    driver.poll(START)
    spi.add((("c200 0000", "0000 0049"),))
    assert not driver.send(octets(FRAME), 60)
    eq(driver.drops[qca7000.NO_ROOM], 1)
    spi.add((("c200 0000", "0000 004a"),) + data_spi.TX[1:])
    assert driver.send(octets(FRAME), 60)
    assert spi.finished


def test_frames_of_before_a_reset_are_not_given_out():
    spi, driver = scripted(data_spi.BRING_UP, data_spi.RX, data_spi.WRITE_ERROR)
    driver.poll(START)
    driver.poll(START)
    driver.poll(ticks_add(START, 50))
    assert spi.finished and driver.state == RESET
    eq(driver.recv(), 0)
    spi.add(data_spi.CPU_ON)
    driver.poll(ticks_add(START, 100))
    eq((driver.up, driver.recv()), (True, 0))


# -- the chip model


def test_bring_up_with_and_without_interrupts():
    for irq in (True, False):
        bench = Bench(irq).up()
        eq((bench.driver.signature_errors, bench.driver.resets, bench.chip.violations), (0, 0, 0))
        bench.both_ways()
        eq(bench.chip.violations, 0)
        eq(bench.notes.notes, ["modem pause", "modem ready"])


def test_nothing_happens_before_start():
    bench = Bench()
    driver = Qca7000(bench.chip, bench.chip.cs, bench.chip.irq)
    before = bench.chip.transfers
    bench.chip.irq.fired = True
    driver.poll(START)
    eq((bench.chip.transfers, driver.due, driver.recv(), driver.event()), (before, None, 0, 0))
    assert not driver.send(mme(), 60)
    eq(driver.drops[qca7000.NOT_UP], 1)


def test_frames_of_many_lengths_both_ways():
    bench = Bench().up()
    for n in (60, 61, 63, 64, 65, 85, 109, 127, 129, 255, 512, 1000, 1517, 1518):
        out, back = mme(n=n, mark=n), mme(sender=CAR, n=n, mark=n + 1)
        assert bench.driver.send(out, n)
        bench.from_car(back)
        bench.run(20)
        eq(bench.car.host_next(), out)
        eq(bench.got.pop(), back)
    eq(bench.chip.violations, 0)
    eq(sum(bench.driver.drops), 0)


def test_wrong_sizes_are_counted_and_taken():
    bench = Bench().up()
    before = bench.chip.transfers
    for n in (0, 13, 1519, 4000):
        assert bench.driver.send(bytearray(2000), n)
    assert bench.driver.send(bytearray(60), 61)
    eq(bench.driver.drops[qca7000.BAD_SIZE], 5)
    eq(bench.chip.transfers, before)


def test_latency_of_an_interrupt_and_of_the_slow_poll():
    """With an edge at once; with a lost edge within 50 ms; without an interrupt line within 10
    ms."""
    for irq, lost, limit_ms in ((True, 0, 0), (True, 1, 50), (False, 0, 10)):
        bench = Bench(irq).up()
        bench.run(3)
        bench.chip.lose_edges = lost
        bench.from_car(mme(sender=CAR))
        begin = bench.now
        while not bench.got:
            bench.step()
            if not bench.got:
                bench.now = ticks_add(bench.now, 1)
            assert ticks_diff(bench.now, begin) < 100
        assert ticks_diff(bench.now, begin) <= limit_ms, (irq, lost, ticks_diff(bench.now, begin))


def test_many_lost_edges():
    bench = Bench().up()
    bench.chip.lose_edges = 1000
    for i in range(20):
        bench.from_car(mme(sender=CAR, mark=i))
        bench.run(17)
    bench.run(50)
    eq([frame[30] for frame in bench.got], list(range(20)))


def test_a_burst_of_frames_is_bounded_and_in_order():
    bench = Bench().up()
    for i in range(10):
        bench.from_car(mme(sender=CAR, n=1000, mark=i))
    bench.run(50)
    eq([frame[30] for frame in bench.got], list(range(10)))
    eq(bench.chip.violations, 0)


def test_a_pump_that_does_not_drain_stops_the_reading():
    bench = Bench().up()
    bench.drain = False
    for i in range(3):
        bench.from_car(mme(sender=CAR, mark=i))
        bench.run(200)
    bench.drain = True
    bench.run(100)
    eq([frame[30] for frame in bench.got], [0, 1, 2])


def test_full_buffer_is_no_room_and_comes_back():
    bench = Bench().up()
    bench.chip.hold = True
    frame = mme(n=1518)
    sent = 0
    while bench.driver.send(frame, 1518):
        sent += 1
    eq(sent, 2)  # 2 * 1532 of 3163 bytes
    eq(bench.driver.drops[qca7000.NO_ROOM], 1)
    bench.run(900)
    bench.chip.hold = False
    bench.run(200)
    eq((bench.driver.up, bench.driver.resets), (True, 0))
    assert bench.driver.send(frame, 1518)
    eq(bench.chip.violations, 0)


def test_a_frame_in_two_reads():
    bench = Bench().up()
    for n in (60, 61, 200, 1518):
        bench.chip.damage(chip_model.SPLIT)
        bench.from_car(mme(sender=CAR, n=n, mark=n))
        bench.run(20)
        eq(bench.got.pop(), mme(sender=CAR, n=n, mark=n))
    eq(sum(bench.driver.drops), 0)


def test_counters_have_names():
    bench = Bench()
    eq(len(bench.driver.drops), len(DROP_NAMES))
    eq(DROP_NAMES[qca7000.ADDRESS], "address")
