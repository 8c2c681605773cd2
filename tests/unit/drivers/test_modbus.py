"""drivers/modbus.py and modbus_frame.py: frames, the search for answers, the bus and its ways to
fail. Examples of frames from the Modbus specification and made with another CRC (twin/rtu.py)."""

from drivers.modbus import BAD_CRC, EXCEPTIONS, TIMEOUT
from drivers.modbus_frame import EXCEPTION, GOOD, MORE, READ_HOLDING, READ_INPUT, WRITE, Answer, Request, crc16
from drivers.modbus_part import milli, whole
from tests.lib.mtest import eq, raises
from tests.unit.drivers.modbus_bench import Asker, Bench
from twin.rtu import Refused, Slave, crc


class Words(Slave):
    """A device whose registers are their own numbers."""

    def read(self, function, register, count):
        return [register + i & 0xFFFF for i in range(count)]

    def write(self, register, words):
        if register == 99:
            raise Refused(2)


def framed(*octets):
    data = bytes(octets)
    return data + crc(data)


def read_answer(address, function, *words):
    data = bytearray((address, function, 2 * len(words)))
    for word in words:
        data.append(word >> 8)
        data.append(word & 0xFF)
    return bytes(data) + crc(bytes(data))


def feed(answer, data):
    """Verdict on the bytes, as the bus gives them."""
    verdict = MORE
    for at in range(0, len(data), 64):
        part = data[at : at + 64]
        verdict = answer.put(part, len(part))
        if verdict:
            break
    return verdict


def looking_for(request):
    answer = Answer()
    answer.expect(request)
    return answer


REQUEST = Request(17, READ_HOLDING, 0x006B, 3)
ANSWER = read_answer(17, 3, 0xAE41, 0x5652, 0x4340)


def test_crc_of_the_examples():
    eq(crc16(b"123456789", 0, 9), 0x4B37)
    eq(bytes(REQUEST.frame), bytes((0x11, 0x03, 0x00, 0x6B, 0x00, 0x03, 0x76, 0x87)))
    for n in range(1, 40):
        data = bytes(range(n))
        eq(bytes((crc16(data, 0, n) & 0xFF, crc16(data, 0, n) >> 8)), crc(data))


def test_request_to_write():
    request = Request(3, WRITE, 3005, 1)
    request.aim(3007, 120)
    eq(bytes(request.frame), framed(3, 16, 3007 >> 8, 3007 & 0xFF, 0, 1, 2, 0, 120))
    eq((request.size, request.register), (8, 3007))
    raises(ValueError, lambda: Request(1, READ_INPUT, 0, 61))
    raises(ValueError, lambda: Request(1, READ_INPUT, 0, 0))


def words_of(answer, n=3):
    return [answer.u16(i) for i in range(n)]


def test_whole_and_in_every_two_and_three_pieces():
    n = len(ANSWER)
    for i in range(n + 1):
        for j in range(i, n + 1):
            answer = looking_for(REQUEST)
            verdicts = [feed(answer, piece) for piece in (ANSWER[:i], ANSWER[i:j], ANSWER[j:])]
            assert GOOD in verdicts and EXCEPTION not in verdicts, (i, j)
            eq(words_of(answer), [0xAE41, 0x5652, 0x4340])
            eq((answer.noise, answer.bad_crc), (0, 0))


def test_noise_before_and_a_tail_behind():
    for noise in (b"\x00", b"\xff\x00", b"\x11", b"\x11\x03", b"\x11\x03\x06", bytes(50), b"\x11\x83\x02"):
        answer = looking_for(REQUEST)
        eq(feed(answer, noise + ANSWER + b"\x55\x55"), GOOD)
        eq(words_of(answer), [0xAE41, 0x5652, 0x4340])
        eq(answer.noise, len(noise))


def test_echo_is_dropped_once():
    for cut in range(len(REQUEST.frame) + len(ANSWER)):
        data = bytes(REQUEST.frame) + ANSWER
        answer = looking_for(REQUEST)
        verdicts = (feed(answer, data[:cut]), feed(answer, data[cut:]))
        assert GOOD in verdicts
        eq((words_of(answer), answer.echoes, answer.noise, answer.bad_crc), ([0xAE41, 0x5652, 0x4340], 1, 0, 0))


def test_what_looks_like_a_second_echo_is_noise():
    answer = looking_for(REQUEST)
    eq(feed(answer, bytes(REQUEST.frame) * 2 + ANSWER), GOOD)
    eq((answer.echoes, answer.noise), (1, len(REQUEST.frame)))


def test_echo_of_a_write_is_not_its_answer():
    """The first six bytes of both are the same."""
    request = Request(3, WRITE, 3005, 1)
    request.aim(3005, 300)
    good = framed(3, 16, 3005 >> 8, 3005 & 0xFF, 0, 1)
    answer = looking_for(request)
    for i in range(len(request.frame)):
        eq(feed(answer, bytes(request.frame[i : i + 1])), MORE)
    eq((answer.echoes, answer.bad_crc), (1, 0))
    eq(feed(answer, good), GOOD)
    eq(feed(looking_for(request), good), GOOD)


def test_exception():
    answer = looking_for(REQUEST)
    eq(feed(answer, framed(17, 0x83, 2)), EXCEPTION)
    eq(answer.code, 2)


def test_what_is_no_answer():
    for data in (
        read_answer(18, 3, 1, 2, 3),  # another slave
        read_answer(17, 4, 1, 2, 3),  # another function
        read_answer(17, 3, 1, 2),  # another length
        read_answer(17, 3, 1, 2, 3, 4),
        framed(17, 0x84, 2),  # exception of another function
        framed(17, 16, 0, 0x6B, 0, 3),
    ):
        answer = looking_for(REQUEST)
        eq(feed(answer, data), MORE)
        eq(feed(answer, ANSWER), GOOD)
        eq(words_of(answer), [0xAE41, 0x5652, 0x4340])


def test_a_wrong_crc_is_not_taken_and_what_follows_is_found():
    for i in range(len(ANSWER)):
        bad = bytearray(ANSWER)
        bad[i] ^= 0x40
        answer = looking_for(REQUEST)
        eq(feed(answer, bytes(bad)), MORE)
        eq((answer.broken, answer.bad_crc), (i > 2, 1 if i > 2 else 0))
        if i > 2:
            eq(feed(answer, ANSWER), GOOD)


def test_a_late_answer_of_the_request_before():
    """Another length, another register of a write, another slave: dropped. The same length cannot
    be told apart: parts do it by what is in it (drivers/bender.py)."""
    answer = looking_for(Request(1, READ_INPUT, 0x34, 24))
    eq(feed(answer, read_answer(1, 4, *range(30))), MORE)
    eq(feed(answer, read_answer(1, 4, *range(24))), GOOD)
    write = Request(3, WRITE, 3007, 1)
    answer = looking_for(write)
    eq(feed(answer, framed(3, 16, 3005 >> 8, 3005 & 0xFF, 0, 1)), MORE)
    eq(feed(answer, framed(3, 16, 3007 >> 8, 3007 & 0xFF, 0, 1)), GOOD)


def test_much_noise_does_not_fill_the_buffer():
    answer = looking_for(Request(17, READ_HOLDING, 0, 60))
    for _ in range(40):
        eq(feed(answer, bytes((17, 3, 120)) + bytes(61)), MORE)
    eq(feed(answer, bytes(130)), MORE)
    eq(feed(answer, read_answer(17, 3, *range(60))), GOOD)
    eq(words_of(answer, 60), list(range(60)))


def test_an_answer_over_the_end_of_the_buffer():
    """The beginning of it stands at the end of the buffer when the rest comes in."""
    answer = looking_for(REQUEST)
    for _ in range(4):
        eq(feed(answer, bytes(61) + ANSWER[:3]), MORE)
    eq(feed(answer, ANSWER[3:]), GOOD)
    eq(words_of(answer), [0xAE41, 0x5652, 0x4340])


# -- numbers


def test_floats_without_floats():
    for high, low, thousand, one in (
        (0x0000, 0x0000, 0, 0),
        (0x8000, 0x0000, 0, 0),
        (0x3F80, 0x0000, 1000, 1),
        (0xBF80, 0x0000, -1000, -1),
        (0x4366, 0x8000, 230500, 230),  # 230.5
        (0xC59C, 0x4000, -5000000, -5000),
        (0x3A83, 0x126F, 1, 0),  # 0.001
        (0x3A03, 0x126F, 1, 0),  # 0.0005: half is rounded up
        (0x3A02, 0x0000, 0, 0),
        (0x3FBF, 0xFFFF, 1500, 1),
        (0x0000, 0x0001, None, None),  # 230.5 with its words exchanged looks so
        (0x8000, 0x4366, None, None),
        (0x497F, 0xFFF0, 1048575000, 1048575),
        (0x4980, 0x0000, None, 1 << 20),
        (0x4E7F, 0xFFFF, None, 0x3FFFFFC0),
        (0x4E80, 0x0000, None, None),
        (0x7F80, 0x0000, None, None),  # infinite
        (0x7FC0, 0x0000, None, None),  # not a number
        (0xFF80, 0x0000, None, None),
    ):
        eq((high, low, milli(high, low), whole(high, low)), (high, low, thousand, one))


# -- the bus


def test_two_parts_take_turns_and_the_slow_one_does_not_starve():
    fast = Asker(Request(1, READ_INPUT, 0, 30), period_ms=1)
    slow = Asker(Request(2, READ_INPUT, 100, 4), period_ms=500)
    bench = Bench([fast, slow], [Words(1), Words(2)])
    bench.run(10000)
    assert 17 <= len(slow.got) <= 21, len(slow.got)
    assert len(fast.got) > 80, len(fast.got)
    eq(slow.got[0][1], [100, 101, 102, 103])
    eq((fast.lost, slow.lost, bench.bus.timeouts, bench.bus.answer.noise), ([], [], 0, 0))


def test_a_slave_gets_its_pause():
    asker = Asker(Request(1, READ_INPUT, 0, 2, gap_ms=100), period_ms=1)
    slave = Words(1)
    slave.gap_ms = 95  # it hears nothing before that
    bench = Bench([asker], [slave], 19200, "even")
    bench.run(5000)
    assert 30 < len(asker.got) < 42 and not bench.bus.timeouts, (len(asker.got), bench.bus.timeouts)


def test_a_long_answer_at_a_low_speed_has_its_time():
    asker = Asker(Request(1, READ_INPUT, 0, 60))
    bench = Bench([asker], [Words(1)], 4800)
    bench.run(3000)
    assert len(asker.got) > 5 and not bench.bus.timeouts


def test_a_repeated_question_makes_the_reading_older():
    """Nobody knows which of the two was answered."""
    asker = Asker(Request(1, READ_HOLDING, 5, 2), period_ms=1000)
    slave = Words(1)
    bench = Bench([asker], [slave])
    slave.skip = 1
    bench.until(lambda: asker.got)
    assert asker.age_ms > 200, asker.age_ms
    bench.until(lambda: len(asker.got) == 2)
    assert asker.age_ms < 60, asker.age_ms


def test_direction_by_timer_by_call_and_echo():
    for switching, echo in (("timer", False), ("call", False), ("timer", True), ("auto", True)):
        asker = Asker(Request(1, READ_HOLDING, 5, 2), Request(1, WRITE, 7, 1))
        bench = Bench([asker], [Words(1)], 19200, "even", switching, echo)
        bench.run(3000)
        assert len(asker.got) > 25, (switching, echo, len(asker.got))
        eq(asker.lost, [])
        eq((bench.port.collisions, bench.bus.answer.echoes > 0), (0, echo))


def test_a_late_loop_with_a_timer_loses_nothing_and_by_call_it_does():
    got = {}
    for switching in ("timer", "call"):
        asker = Asker(Request(1, READ_HOLDING, 5, 2))
        bench = Bench([asker], [Words(1)], 19200, "even", switching)
        bench.late_ms = 60
        bench.run(5000)
        got[switching] = len(asker.got)
    assert got["timer"] > 15 and got["call"] == 0, got


def test_silence_is_a_timeout_after_two_tries():
    asker = Asker(Request(1, READ_HOLDING, 5, 2), period_ms=1000)
    slave = Words(1)
    slave.silent = True
    bench = Bench([asker], [slave])
    bench.run(900)
    eq([why for _, why in asker.lost], [TIMEOUT])
    eq((slave.asked, bench.bus.repeated, bench.bus.timeouts), (2, 1, 2))


def test_one_lost_answer_is_repeated():
    asker = Asker(Request(1, READ_HOLDING, 5, 2), period_ms=500)
    slave = Words(1)
    bench = Bench([asker], [slave])
    slave.skip = 1
    bench.run(2900)
    eq((asker.lost, len(asker.got), bench.bus.repeated), ([], 6, 1))


def test_wrong_crc_is_repeated_at_once_and_then_told():
    asker = Asker(Request(1, READ_HOLDING, 5, 2), period_ms=1000)
    slave = Words(1)
    slave.bad_crc = True
    bench = Bench([asker], [slave])
    took = bench.until(lambda: asker.lost)
    eq(asker.lost[0][1], BAD_CRC)
    assert took < 200, took  # no time-out was waited for
    eq(bench.bus.answer.bad_crc, 2)


def test_an_exception_is_an_answer_and_busy_is_asked_again():
    for code, asked in ((2, 1), (6, 2)):
        asker = Asker(Request(1, READ_HOLDING, 5, 2), period_ms=1000)
        slave = Words(1)
        slave.exception = code
        bench = Bench([asker], [slave])
        bench.run(500)
        eq(asker.lost[0][1], EXCEPTIONS + code)
        eq((slave.asked, bench.bus.exceptions), (asked, asked))


def test_a_slave_that_answers_as_another_one():
    asker = Asker(Request(1, READ_HOLDING, 5, 2), period_ms=1000)
    slave = Words(1)
    slave.wrong_address = True
    bench = Bench([asker], [slave])
    bench.run(900)
    eq((asker.got, [why for _, why in asker.lost]), ([], [TIMEOUT]))
    assert bench.bus.answer.noise >= 18


def test_another_speed_or_parity_is_silence():
    for baud, parity in ((19200, "none"), (9600, "even")):
        asker = Asker(Request(1, READ_HOLDING, 5, 2), period_ms=1000)
        slave = Words(1)
        bench = Bench([asker], [slave])
        slave.baud, slave.parity = baud, parity
        bench.run(900)
        eq((slave.asked, [why for _, why in asker.lost]), (0, [TIMEOUT]))


def test_nothing_is_sent_while_others_talk():
    """A babbling slave: no request in between, and all is well when it ends."""
    asker = Asker(Request(1, READ_HOLDING, 5, 2), period_ms=100)
    slave = Words(1)
    bench = Bench([asker], [slave])
    bench.run(1000)
    sent = bench.port.sent
    for _ in range(400):
        bench.port.inject(b"\x55")
        bench.step(1)
    assert bench.port.sent <= sent + 1, bench.port.sent - sent
    got = len(asker.got)
    bench.run(1000)
    assert len(asker.got) > got + 5


def test_a_late_answer_between_requests_is_dropped():
    asker = Asker(Request(1, READ_HOLDING, 5, 2), Request(1, READ_HOLDING, 50, 3), period_ms=400)
    slave = Words(1)
    bench = Bench([asker], [slave])
    slave.late_ms = 230  # the repetition is under way then
    bench.run(4000)
    for request, words in asker.got:
        eq(words, [request.register + i for i in range(request.count)])
    eq(asker.lost, [])


def test_a_cut_wire_and_its_return():
    asker = Asker(Request(1, READ_HOLDING, 5, 2))
    bench = Bench([asker], [Words(1)])
    bench.run(500)
    bench.port.cut = True
    bench.run(3000)
    assert len(asker.lost) > 3
    bench.port.cut = False
    del asker.lost[:-1]
    got = len(asker.got)
    bench.run(1500)
    assert len(asker.got) > got + 5 and len(asker.lost) <= 2


def test_the_whole_buffer_of_the_uart_is_taken_when_the_loop_is_late():
    asker = Asker(Request(1, READ_HOLDING, 5, 60))
    bench = Bench([asker], [Words(1)], 115200, echo=True)
    bench.late_ms = 60
    bench.run(3000)
    assert len(asker.got) > 8 and not asker.lost and not bench.port.overflows


def test_counters_have_names():
    bench = Bench([Asker(Request(1, READ_HOLDING, 5, 2))], [Words(1)])
    bench.run(200)
    counted = dict(bench.bus.counters())
    assert counted["bus.requests"] >= 2 and counted["bus.timeouts"] == 0
