"""drivers/qca7000.py against transcripts written by hand and against the chip model: bring-up, both directions, and the
way back from every fault. R-LINK-21 (a modem that does not answer is a visible fault), R-LINK-24 (a restart ends the
link), R-LINK-26. Times are simulated milliseconds."""

from drivers import qca7000
from drivers.qca7000 import DOWN, DROP_NAMES, FAULT, PAUSE, READY, RESET, UP, Qca7000
from drivers.qca_frame import BAD_END, BAD_LENGTH, GARBAGE
from firmware.clock import sooner, ticks_add, ticks_diff
from tests.lib.mtest import eq
from tests.unit import data_spi
from tests.unit.data_spi import FRAME, FRAME_2, Dice, Irq, Transcript, octets
from twin import qca7000 as chip_model
from twin.line import Line
from twin.modem import EVSE, PEV, Modem

START = ticks_add(0, -300)
HOST = b"\x02\x11\x22\x33\x44\x55"
CAR = b"\x02\xca\xfe\x00\x00\x01"
GROUP = b"\xff\xff\xff\xff\xff\xff"


def mme(to=GROUP, sender=HOST, n=60, mark=0):
    """A management message that no modem keeps for itself."""
    head = to + sender + b"\x88\xe1\x01\x64\x60\x00\x00"
    return head + bytes([mark & 255] * (n - len(head)))


class Notes:
    def __init__(self):
        self.texts = []

    def note(self, now, text, value=None):
        self.texts.append(text)


class Bench:
    """Driver, chip and modem of a station, and the modem of a car, in simulated time from 300 ms before the wrap."""

    def __init__(self, irq=True, seed=1, chip=None):
        self.line = Line()
        self.modem = Modem(b"\x00\xb0\x52\x00\x00\x02", EVSE, self.line, Dice(seed))
        self.car = Modem(b"\x00\xb0\x52\x00\x00\x03", PEV, self.line, Dice(seed + 1))
        self.line.join(self.modem)
        self.line.join(self.car)
        self.chip = (chip or chip_model.QcaSpi)(self.modem, Dice(seed + 2))
        self.notes = Notes()
        self.driver = Qca7000(self.chip, self.chip.cs, self.chip.irq if irq else None, self.notes)
        self.now = START
        self.events = []  # (ms since the start, code)
        self.got = []
        self.drain = True
        self.chip.start(self.now)
        self.car.start(self.now)
        self.driver.start(self.now)

    def ms(self):
        return ticks_diff(self.now, START)

    def step(self):
        self.line.poll(self.now)
        self.car.poll(self.now)
        self.chip.poll(self.now)
        self.driver.poll(self.now)
        while self.drain:
            n = self.driver.recv()
            if not n:
                break
            self.got.append(bytes(self.driver.frame[:n]))
        while True:
            code = self.driver.event()
            if not code:
                break
            self.events.append((self.ms(), code))

    def run(self, ms):
        """`ms` of simulated time, from one due tick to the next."""
        end = ticks_add(self.now, ms)
        rounds = 0
        while True:
            self.step()
            due = sooner(sooner(self.driver.due, self.chip.due), sooner(self.line.due, self.car.due))
            if ticks_diff(due, self.now) <= 0:
                rounds += 1
                assert rounds < 200, "time stands still"
                continue
            rounds = 0
            if ticks_diff(due, end) > 0:
                break
            self.now = due
        self.now = end
        self.step()

    def codes(self):
        return [code for _, code in self.events]

    def up(self, ms=100):
        self.run(ms)
        eq(self.codes(), [UP])
        self.events = []
        return self

    def from_car(self, frame):
        self.car.host_rx(frame, len(frame), self.now)

    def both_ways(self):
        """A frame each way arrives."""
        del self.got[:]
        while self.car.host_next():
            pass
        frame, back = mme(mark=0x11), mme(sender=CAR, mark=0x22)
        assert self.driver.send(frame, len(frame))
        self.from_car(back)
        self.run(120)
        eq(self.got, [back])
        eq(self.car.host_next(), frame)
        eq(self.car.host_next(), None)


# -- transcripts


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


# -- the chip model


def test_bring_up_with_and_without_interrupts():
    for irq in (True, False):
        bench = Bench(irq).up()
        eq((bench.driver.signature_errors, bench.driver.resets, bench.chip.violations), (0, 0, 0))
        bench.both_ways()
        eq(bench.chip.violations, 0)
        eq(bench.notes.texts, ["modem pause", "modem ready"])


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
    """With an edge at once; with a lost edge within 50 ms; without an interrupt line within 10 ms."""
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


def test_transmit_buffer_stuck_for_a_second_resets():
    bench = Bench().up()
    bench.chip.hold = True
    frame = mme(n=1518)
    while bench.driver.send(frame, 1518):
        pass
    begin = bench.ms()
    bench.run(1500)
    bench.chip.hold = False
    bench.run(2000)
    eq(bench.codes(), [DOWN, UP])
    assert 1000 <= bench.events[0][0] - begin <= 1050
    # 1000 ms for the start of the modem, one poll of 50 ms
    assert 1000 <= bench.events[1][0] - bench.events[0][0] <= 1100, bench.events
    eq(bench.driver.resets, 1)
    bench.both_ways()


def test_restart_of_the_modem_is_down_then_up_r_link_24():
    for boot_ms in (5, 300, 1000, 3000):
        for irq in (True, False):
            for enable in (0, 0x40):
                bench = Bench(irq).up()
                bench.modem.boot_ms = boot_ms
                bench.chip.enable_after_boot = enable
                begin = bench.ms()
                bench.chip.reboot(bench.now)
                bench.run(8000)
                eq(bench.codes(), [DOWN, UP])
                assert bench.events[0][0] - begin <= 50
                # Late by the pause in which it came up; with an interrupt for CPU_ON at once.
                late_ms = bench.events[1][0] - begin - boot_ms
                assert late_ms <= (50 if irq and enable and boot_ms > 100 else boot_ms + 600), (boot_ms, irq, late_ms)
                eq(bench.driver.resets, 0)
                bench.both_ways()


def test_restart_drops_half_a_frame():
    bench = Bench().up()
    bench.chip.damage(chip_model.SPLIT)
    bench.from_car(mme(sender=CAR, n=400))
    bench.run(2)
    bench.chip.reboot(bench.now)
    bench.run(3000)
    eq(bench.codes(), [DOWN, UP])
    eq(bench.got, [])
    bench.both_ways()
    eq(bench.driver.drops[:4], [0, 0, 0, 0])


def test_errors_of_the_buffers_reset_the_chip():
    for bit in (2, 4, 6):
        bench = Bench().up()
        begin = bench.ms()
        bench.chip.raise_cause(bit)
        bench.run(1500)
        eq(bench.codes(), [DOWN, UP])
        assert bench.events[0][0] == begin
        assert bench.events[1][0] - begin <= 1100
        eq((bench.driver.resets, bench.chip.boots), (1, 1))
        bench.both_ways()


def test_an_address_error_is_counted():
    bench = Bench().up()
    bench.chip.raise_cause(8)
    bench.run(60)
    eq((bench.driver.drops[qca7000.ADDRESS], bench.codes()), (1, []))


def test_a_chip_with_frames_in_its_buffer_at_boot_is_reset():
    """Our own restart: the chip may hold what we left."""
    bench = Bench().up()
    bench.chip.hold = True
    assert bench.driver.send(mme(), 60)
    driver = Qca7000(bench.chip, bench.chip.cs, bench.chip.irq)
    bench.driver = driver
    driver.start(bench.now)
    bench.run(2000)
    eq((bench.codes(), driver.resets), ([UP], 1))
    bench.chip.hold = False
    bench.both_ways()


def test_stuck_bus_for_any_time_and_back():
    """0x0000, 0xFFFF and noise for some transfers and for a long time: DOWN, FAULT when long, and UP by itself."""
    for kind in (0x00, 0xFF, "noise"):
        for ms, faults in ((200, 0), (3000, 0), (40000, 1), (200000, 1)):
            bench = Bench().up()
            bench.chip.stuck = kind
            begin = bench.ms()
            bench.run(ms)
            assert not bench.driver.up
            eq(bench.codes(), [DOWN] + [FAULT] * faults)
            bench.chip.stuck = None
            bench.run(31000)
            eq(bench.codes(), [DOWN] + [FAULT] * faults + [UP])
            took_ms = bench.events[-1][0] - begin - ms
            assert took_ms <= min(30000, max(500, ms)), (kind, ms, took_ms)
            bench.both_ways()


def test_back_off_doubles_to_30_s_and_faults_once():
    bench = Bench()
    bench.chip.stuck = 0x00
    tries = []
    errors = 0
    bench.run(50)
    for _ in range(1300):
        if bench.driver.signature_errors != errors:
            errors = bench.driver.signature_errors
            tries.append(bench.ms() - 50)
        bench.run(100)
    eq(tries[:8], [0, 500, 1500, 3500, 7500, 15500, 31500, 61500])
    eq([code for _, code in bench.events], [FAULT])
    eq(bench.events[0][0], 7500)
    eq(bench.notes.texts, ["modem pause"])  # one line, not one per try
    assert bench.chip.transfers < 30  # and the bus is quiet meanwhile


def test_a_stuck_bus_at_the_start():
    bench = Bench()
    bench.chip.stuck = 0xFF
    bench.run(10000)
    eq(bench.codes(), [FAULT])
    bench.chip.stuck = None
    bench.run(10000)
    eq(bench.codes(), [FAULT, UP])


def test_noise_for_every_number_of_transfers():
    for count in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 24):
        for kind in (0x00, 0xFF, "noise"):
            bench = Bench(seed=count)
            bench.run(20)
            bench.chip.stuck_for = count
            bench.chip.stuck = kind
            bench.run(100)
            for _ in range(40):
                if bench.driver.up and not bench.chip.stuck_for:
                    break
                bench.run(10000)
            assert bench.driver.up, (count, kind)
            eq(bench.codes()[-1], UP)
            bench.both_ways()


def test_a_chip_that_always_fails_again_is_slowed_down():
    """Error, reset, up, error: the pauses grow though it comes up each time, and it is a fault."""
    bench = Bench().up()
    for _ in range(600):
        bench.chip.raise_cause(4)
        bench.run(100)
    assert 5 <= bench.driver.resets <= 8, bench.driver.resets  # 0, 1, 2, 4, 8, 16, 30 s apart
    eq(bench.codes().count(FAULT), 1)
    bench.run(41000)
    eq(bench.codes()[-1], UP)
    bench.chip.raise_cause(4)  # after 10 s of peace it is fast again
    begin = bench.ms()
    bench.run(3000)
    eq(bench.codes()[-1], UP)
    assert bench.events[-1][0] - begin <= 1100


def test_an_interrupt_storm_in_a_pause_checks_ten_times_a_second():
    bench = Bench()
    bench.chip.stuck = 0x00
    bench.run(5000)
    errors = bench.driver.signature_errors
    for _ in range(1000):
        bench.chip.irq.fired = True
        bench.run(1)
    assert bench.driver.signature_errors - errors <= 11, bench.driver.signature_errors - errors


def test_damaged_frames_cost_themselves_only():
    expected = (
        (chip_model.CUT, None),
        (chip_model.OVERSIZE, BAD_LENGTH),
        (chip_model.GARBAGE, GARBAGE),
        (chip_model.LENGTHS, BAD_LENGTH),
        (chip_model.NO_END, BAD_END),
        (chip_model.NO_START, GARBAGE),
    )
    for kind, reason in expected:
        for together in (True, False):
            bench = Bench().up()
            wanted = [1, 2, 3] if kind == chip_model.GARBAGE else [1, 3]
            bench.chip.damage(None)
            bench.chip.damage(kind)
            for mark in (1, 2, 3):
                bench.from_car(mme(sender=CAR, n=200, mark=mark))
                if not together:
                    bench.run(20)
            bench.run(100)
            eq((kind, together, [frame[30] for frame in bench.got]), (kind, together, wanted))
            eq(sum(bench.driver.drops), 1)
            if reason is not None:
                eq(bench.driver.drops[reason], 1)
            eq(bench.codes(), [])


def test_a_frame_in_two_reads():
    bench = Bench().up()
    for n in (60, 61, 200, 1518):
        bench.chip.damage(chip_model.SPLIT)
        bench.from_car(mme(sender=CAR, n=n, mark=n))
        bench.run(20)
        eq(bench.got.pop(), mme(sender=CAR, n=n, mark=n))
    eq(sum(bench.driver.drops), 0)


def test_events_are_not_lost_and_not_stale():
    """Nobody asks for events: an UP that is over is not told, a DOWN is."""
    bench = Bench().up()
    bench.driver.event = lambda: 0
    bench.chip.reboot(bench.now)
    bench.run(3000)
    bench.chip.reboot(bench.now)
    bench.run(100)
    del bench.driver.event
    bench.step()
    eq(bench.codes(), [DOWN])
    bench.run(3000)
    eq(bench.codes(), [DOWN, UP])


def test_start_again_is_down_and_up():
    bench = Bench().up()
    bench.driver.start(bench.now)
    eq(bench.driver.state, PAUSE)
    bench.run(100)
    eq(bench.codes(), [DOWN, UP])


def test_counters_have_names():
    bench = Bench()
    eq(len(bench.driver.drops), len(DROP_NAMES))
    eq(DROP_NAMES[qca7000.ADDRESS], "address")
