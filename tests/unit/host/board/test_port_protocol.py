"""host_tools/board/port/protocol.py: lines and tags out of any mix of bytes."""

import random

from host_tools.board.port.protocol import LINE_MAX, Request, Splitter, is_record
from tests.lib.mtest import raises

RUNTIMES = ("cpython",)

ANSWER = b"@ab one\r\n@ab two \xff\r\nM 12 rx 8001 0 80\r\n@ab ok\r\n"


def lines_of(data, size):
    splitter, lines = Splitter(), []
    for at in range(0, len(data), size):
        lines += splitter.feed(data[at : at + size])
    return lines


def test_answers_in_pieces_of_every_size():
    for size in range(1, len(ANSWER) + 1):
        request, foreign = Request("x", "ab"), []
        foreign = [line for line in lines_of(ANSWER, size) if not request.line(line)]
        assert request.done and request.error is None
        assert request.lines == ["one", "two \ufffd"]
        assert foreign == ["M 12 rx 8001 0 80"]


def test_foreign_bytes_in_front_of_an_answer():
    request = Request("x", "ab")
    for line in lines_of(b"Trace\x00back\r\n>>> junk@ab one\r\n..@ab ok\r\n", 3):
        request.line(line)
    assert request.done and request.lines == ["one"]


def test_answers_to_others_and_old_tags_are_not_ours():
    request = Request("x", "ab")
    for line in ("@abc ok", "@a ok", "ok", "@AB ok", "@ab", "@cd error no"):
        assert not request.line(line)
    assert not request.done and request.lines == []


def test_the_echo_of_a_repl_is_no_answer():
    request = Request("status", "ab")
    assert not request.line(">>> @ab status") and request.lines == []


def test_errors():
    request = Request("x", "ab")
    assert request.line("@ab error no such key") and request.done and request.error == "no such key"
    request = Request("x", "ab")
    assert request.line("@ab error") and request.error == "refused"


def test_a_command_is_one_line():
    raises(ValueError, Request, "a\nb")
    raises(ValueError, Request, "a\rb")


def test_random_tags_differ():
    assert len({Request("x").tag for _ in range(50)}) == 50


def test_endless_noise_is_thrown_away():
    splitter = Splitter()
    for _ in range(100):
        assert splitter.feed(b"\x80" * 1000) == []
        assert len(splitter._rest) <= LINE_MAX
    assert splitter.feed(b"tail\n@ab ok\n") == ["@ab ok"]
    assert splitter.skipped > 90000


def test_garbage_never_raises_and_the_line_after_it_is_read():
    for seed in range(200):
        rng = random.Random(seed)
        noise = bytes(rng.randrange(256) for _ in range(rng.randrange(300)))
        request = Request("x", "ab")
        for line in lines_of(noise + b"\n@ab fine\n@ab ok\n", rng.randrange(1, 40)):
            request.line(line)
        assert request.done and request.lines == ["fine"], seed


def test_prompt():
    splitter = Splitter()
    splitter.feed(b"NameError: x\r\n>>> ")
    assert splitter.at_prompt
    splitter.feed(b"1")
    assert not splitter.at_prompt


def test_records_are_told_from_other_lines():
    for line in ("M 1 rx 8001 0 80", "N 0 text", "READY link=sim", "T 1 0 1 plugged in"):
        assert is_record(line), line
    for line in ("", "Modem ready", "M x rx", "hello", "@ab ok", "E: bad", ">>> "):
        assert not is_record(line), line
