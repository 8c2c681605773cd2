"""The modem driver and its decoder against a damaged bus: mutated transcripts, flipped bits both
ways, random bytes. No exception, bounded counters, and back to work by itself when the bus is good
again. The seed names the run. R-LINK-26."""

from drivers.qca7000 import Qca7000
from drivers.qca_frame import FRAME_MAX, FRAME_MIN, LEAD, RDBUF_MAX, Decoder
from firmware.clock import ticks_add
from tests.lib.amount import amount, each
from tests.lib.mtest import eq
from tests.unit.drivers import data_spi
from tests.unit.drivers.data_spi import FRAME, Dice, Irq, Transcript, octets
from twin.line import Line
from twin.modem import EVSE, PEV, Modem
from twin.qca7000 import QcaSpi

START = ticks_add(0, -300)
TRANSCRIPTS = (
    data_spi.BRING_UP,
    data_spi.IDLE,
    data_spi.RX,
    data_spi.RX_JOINED,
    data_spi.WRITE_ERROR,
    data_spi.CPU_ON,
    data_spi.RESTARTED,
    data_spi.NOT_EMPTY,
)


class Mutant(Transcript):
    """A transcript whose answers have flipped bits; afterwards it answers zeros."""

    def __init__(self, dice, *transcripts):
        super().__init__(*transcripts, strict=False)
        for i, (out, back) in enumerate(self._list):
            back = bytearray(back)
            for _ in range(dice.number(4)):
                back[dice.number(len(back))] ^= 1 << dice.number(8)
            self._list[i] = (out, bytes(back))


def test_mutated_transcripts():
    def run(seed):
        dice = Dice(seed)
        script = [data_spi.BRING_UP] if seed & 1 else []
        for _ in range(8):
            script.append(TRANSCRIPTS[dice.number(len(TRANSCRIPTS))])
        spi = Mutant(dice, *script)
        driver = Qca7000(spi, spi.cs, Irq())
        driver.start(START)
        now = START
        for _ in range(60):
            driver.poll(now)
            while True:
                n = driver.recv()
                if not n:
                    break
                assert FRAME_MIN <= n <= FRAME_MAX
            driver.send(octets(FRAME), 60)
            driver.event()
            assert driver.due is not None
            now = ticks_add(now, 25)
        assert not driver.up  # the script is at its end and the bus answers zeros

    each(amount(400, soak=40000, bare=40), run)


class Flipper(QcaSpi):
    """Flips a bit of one byte in `odds`, of what the master sends too."""

    odds = 0

    def _byte(self, mosi):
        if self.odds and not self.dice.number(self.odds):
            return super()._byte(mosi ^ 1 << self.dice.number(8))
        miso = super()._byte(mosi)
        if self.odds and not self.dice.number(self.odds):
            miso ^= 1 << self.dice.number(8)
        return miso


def test_flipped_bits_both_ways_and_back():
    def run(seed):
        dice = Dice(seed + 500)
        line = Line()
        modem = Modem(b"\x00\xb0\x52\x00\x00\x02", EVSE, line, dice)
        car = Modem(b"\x00\xb0\x52\x00\x00\x03", PEV, line, dice)
        line.join(modem)
        line.join(car)
        chip = Flipper(modem, dice)
        chip.dice = dice
        chip.odds = (20, 100, 1000)[seed % 3]
        driver = Qca7000(chip, chip.cs, chip.irq if seed & 1 else None)
        now = START
        driver.start(now)
        out = octets(FRAME)
        for step in range(3000):
            line.poll(now)
            chip.poll(now)
            driver.poll(now)
            while driver.recv():
                pass
            driver.event()
            if step < 300:
                driver.send(out, 60)
                car.host_rx(out, 60, now)
            elif step == 300:
                chip.odds = 0
            now = ticks_add(now, 5 if step < 300 else 50)
            if step > 300 and driver.up:
                driver.event()
                if driver.send(out, 60):
                    break
        assert driver.up and step < 1500, step  # 60 s: the longest pause, and a restart
        for _ in range(20):
            chip.poll(now)
            driver.poll(now)
            while driver.recv():
                pass
            line.poll(now)
            now = ticks_add(now, 10)
        violations = chip.violations
        while car.host_next():
            pass
        assert driver.send(out, 60)
        chip.poll(ticks_add(now, 1))
        line.poll(ticks_add(now, 1))
        eq(car.host_next(), out)
        eq(chip.violations, violations)

    each(amount(60, soak=3000, bare=6), run)


def test_decoder_on_random_and_mutated_bytes():
    good = octets("00000046 aaaaaaaa 3c00 0000" + FRAME + "5555")

    def run(seed):
        dice = Dice(seed + 3000)
        drops = [0] * 4
        decoder = Decoder(drops)
        for _ in range(4):
            data = bytearray(good * (1 + dice.number(8)))
            for _ in range(dice.number(12)):
                data[dice.number(len(data))] = dice.number(256)
            if seed & 1:
                at = dice.number(len(data))
                data[at : at + dice.number(40)] = dice(dice.number(40))
            size = min(len(data), RDBUF_MAX)
            decoder.burst[LEAD : LEAD + size] = data[:size]
            decoder.feed(size)
            for _ in range(100):
                n = decoder.next()
                if not n:
                    break
                assert FRAME_MIN <= n <= FRAME_MAX
            assert not decoder.waiting
        # One good read of more than the longest frame: what was open is over, the rest comes
        # through.
        seen = 0
        many = good * 42
        decoder.burst[LEAD : LEAD + len(many)] = many
        decoder.feed(len(many))
        while decoder.next():
            seen += 1
        assert seen >= 42 - 21, seen

    each(amount(250, soak=20000, bare=25), run)
