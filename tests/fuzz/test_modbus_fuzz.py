"""The Modbus master and its parts against a hostile bus: damaged, cut, joined, late and foreign
answers. No exception, no reading that the device did not have, and back to work when the bus is good
again. The seed names the run."""

from drivers.acrel import Acrel
from drivers.bender import Bender
from drivers.eastron import Eastron
from drivers.modbus_frame import GOOD, READ_INPUT, Answer, Request
from tests.lib.amount import amount, each
from tests.lib.mtest import eq
from tests.unit.drivers.data_spi import Dice
from tests.unit.drivers.modbus_bench import Bench
from twin.acrel import AcrelModel
from twin.bender import BenderModel
from twin.eastron import EastronModel
from twin.rtu import crc


def test_the_parser_takes_any_bytes():
    """Random bytes with pieces of true answers in them; behind them the answer is found, unless its
    beginning was said before."""

    def run(seed):
        dice = Dice(seed)
        count = 1 + dice.number(60)
        request = Request(1 + dice.number(247), READ_INPUT, dice.number(65536), count)
        body = bytes((request.frame[0], 4, 2 * count)) + bytes(dice.number(256) for _ in range(2 * count))
        whole = body + crc(body)
        answer = Answer()
        answer.expect(request)
        for _ in range(dice.number(12)):
            kind = dice.number(4)
            if kind == 0:
                piece = bytes(dice.number(256) for _ in range(dice.number(64)))
            elif kind == 1:
                piece = whole[: dice.number(min(64, len(whole)))]
            elif kind == 2:
                piece = bytes(request.frame)
            else:
                piece = bytes((request.frame[0], 0x84))
            verdict = answer.put(piece, len(piece))
            if verdict:
                # Only what carries a CRC of its own may be taken: 1 of 65536 of the random ones.
                assert kind == 0
                return
        # A head that was said before may swallow one answer, no more.
        verdict = 0
        for at in [i for _ in range(3) for i in range(0, len(whole), 61)]:
            piece = whole[at : at + 61]
            verdict = answer.put(piece, len(piece))
            if verdict:
                break
        eq(verdict, GOOD)
        eq([answer.u16(i) for i in range(count)], [whole[3 + 2 * i] << 8 | whole[4 + 2 * i] for i in range(count)])

    each(amount(300, soak=30000, bare=40), run)


class Bad:
    """Damages the answers of a model."""

    def __init__(self, dice, real):
        self.dice = dice
        self.real = real
        self.odds = 3

    def __call__(self, frame):
        answer = bytearray(self.real(frame))
        dice = self.dice
        if not answer or (self.odds and dice.number(self.odds)):
            return bytes(answer)
        kind = dice.number(6)
        if kind == 0:
            answer[dice.number(len(answer))] ^= 1 << dice.number(8)
        elif kind == 1:
            answer = answer[: dice.number(len(answer))]
        elif kind == 2:
            answer = bytearray(dice.number(256) for _ in range(dice.number(90)))
        elif kind == 3:
            answer = answer + answer
        elif kind == 4:
            answer = bytearray(dice.number(256) for _ in range(dice.number(9))) + answer
        else:
            answer = bytearray(frame) + answer
        return bytes(answer)


def test_parts_believe_nothing_damaged():
    def run(seed):
        dice = Dice(seed)
        parts = [Eastron(1), Acrel(2), Bender(3)]
        models = [EastronModel(1), AcrelModel(2), BenderModel(3)]
        models[0].load((-2300, 1150, 3450))
        models[1].v, models[1].a = 400.0, -20.0
        models[2].u_n = 400.0
        b = Bench(parts, models, 19200, "even", ("auto", "timer", "call")[dice.number(3)], dice.number(2))
        parts[2].want(True, b.now)
        bads = []
        for model in models:
            model.reply = Bad(dice, model.reply)
            bads.append(model.reply)
        for _ in range(600):
            if dice.number(40) == 0:
                models[dice.number(3)].late_ms = dice.number(600)
            if dice.number(40) == 0:
                b.port.inject(bytes(dice.number(256) for _ in range(dice.number(20))))
            b.late_ms = dice.number(60) if dice.number(3) == 0 else 0
            b.step()
            assert b.bus.due is not None
            assert parts[0].w in (0, 2300), (seed, parts[0].w)
            assert parts[1].w in (0, -8000) and parts[1].mv in (0, 400000), (seed, parts[1].w)
            assert parts[2].ohm in (0, 900000) and parts[2].mv in (0, 400000), (seed, parts[2].ohm)
        b.late_ms = 0
        for bad in bads:
            bad.odds = 1000000
        for model in models:
            model.late_ms = 0
        b.run(9000)
        eq((seed, [part.ok for part in parts], [part.faults for part in parts]), (seed, [True] * 3, [0] * 3))

    each(amount(12, soak=1500, bare=2), run)
