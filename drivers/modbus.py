"""Master of a Modbus RTU bus (RS-485): asks its parts in turn, one request under way.

A part says by `wish` when it wants to ask, gives a request by ask(), and gets its answer() or
failed(). The part that has waited longest is next. A request that finds no answer is repeated; an
exception is an answer. Nothing is sent before the line was silent for 3.5 characters.

One bus has one speed and one parity. What a transceiver needs to be switched to sending is done by
`direction`; one that switches by itself needs none, and is the better choice: see direction.
"""

from drivers.modbus_frame import EXCEPTION, GOOD, Answer
from firmware.clock import sooner, ticks_add, ticks_diff
from micropython import const

# Why a request has failed. An exception is told as EXCEPTIONS + its code.
TIMEOUT = const(1)
BAD_CRC = const(2)
EXCEPTIONS = const(256)
BUSY = const(262)  # exception 6: this one is repeated

PARITIES = ("none", "even", "odd")

_CHUNK = const(64)
_AT_ONCE = const(256)  # bytes taken in one poll
_LOOK_MS = const(5)  # an answer that is late
_COUNT_MASK = const(0x3FFFFFFF)


class Bus:
    """uart: any(), readinto(buf, n) and write(buf) as machine.UART, with a receive buffer for 256
    bytes, set up by the board for this baud rate and parity.

    direction(ms): drive the line for so many ms from now on and then let go, 0: let go now. The
    slave answers some ms after the request, so a board should let go by a timer of its own; the
    bus does it too, but only when it is polled, and a poll can be late by the time of an answer to
    the car. None: the transceiver does it alone.

    poll() allocates nothing. `requests`, `timeouts`, `exceptions`: so many since boot, and
    counters() has all.
    """

    def __init__(self, uart, direction=None, baud=9600, parity="none"):
        self._uart = uart
        self._direction = direction
        bits = 10 if parity == "none" else 11
        self._char_us = (bits * 1000000 + baud - 1) // baud
        self._silence_ms = 2 + (7 * self._char_us // 2 + 999) // 1000  # one tick is not a whole ms
        self.parts = []
        self.answer = Answer()
        self.requests = self.repeated = self.timeouts = self.exceptions = 0
        self.due = None
        self._chunk = bytearray(_CHUNK)
        self._part = self._request = None
        self._again = False  # send _request once more
        self._tries = 0
        self._first_at = self._quiet_at = self._deadline = self._arrives_at = 0
        self._let_go_at = None

    def add(self, part):
        self.parts.append(part)

    def start(self, now):
        """Begin, or begin anew; what is under way is forgotten."""
        if self._direction is not None:
            self._direction(0)
        self._part = self._request = self._let_go_at = None
        self._again = False
        self._quiet_at = ticks_add(now, self._silence_ms)
        self.due = now

    def poll(self, now):
        """Take what has arrived, judge it, send what is next. Before start() nothing."""
        if self.due is None:
            return
        if self._let_go_at is not None and ticks_diff(now, self._let_go_at) >= 0:
            self._let_go_at = None
            self._direction(0)
        verdict = self._receive(now)
        if self._request is not None and not self._again:
            self._judge(verdict, now)
        if self._request is None or self._again:
            self._next(now)
        elif self._let_go_at is not None:
            self.due = self._let_go_at
        elif ticks_diff(now, self._arrives_at) < 0:
            self.due = self._arrives_at
        else:
            self.due = sooner(ticks_add(now, _LOOK_MS), self._deadline)

    def counters(self):
        """[(name, value)] since boot."""
        answer = self.answer
        return [
            ("bus.requests", self.requests),
            ("bus.repeated", self.repeated),
            ("bus.timeouts", self.timeouts),
            ("bus.exceptions", self.exceptions),
            ("bus.crc", answer.bad_crc),
            ("bus.noise", answer.noise),
            ("bus.echoes", answer.echoes),
        ]

    def _receive(self, now):
        """The verdict on what has arrived."""
        verdict = 0
        left = _AT_ONCE
        while left > 0:
            n = self._uart.any()
            if not n:
                break
            n = self._uart.readinto(self._chunk, min(n, _CHUNK))
            if not n:
                break
            left -= n
            self._quiet_at = ticks_add(now, self._silence_ms)
            if verdict or self._request is None or self._again:
                self.answer.noise = self.answer.noise + n & _COUNT_MASK
            else:
                verdict = self.answer.put(self._chunk, n)
        return verdict

    def _judge(self, verdict, now):
        request = self._request
        if verdict == GOOD:
            self._free(now)
            self._part.answer(request, self.answer, self._first_at, now)
        elif verdict == EXCEPTION:
            self.exceptions = self.exceptions + 1 & _COUNT_MASK
            self._fail(EXCEPTIONS + self.answer.code, now)
        elif self.answer.broken and ticks_diff(now, self._quiet_at) >= 0:
            self._fail(BAD_CRC, now)
        elif ticks_diff(now, self._deadline) >= 0:
            self.timeouts = self.timeouts + 1 & _COUNT_MASK
            self._fail(TIMEOUT, now)

    def _fail(self, why, now):
        request = self._request
        self._tries += 1
        if self._tries < request.tries and (why < EXCEPTIONS or why == BUSY):
            self.repeated = self.repeated + 1 & _COUNT_MASK
            self._rest(request, now)
            self._again = True
            return
        self._free(now)
        self._part.failed(request, why, now)

    def _free(self, now):
        self._rest(self._request, now)
        self._request = None
        self._again = False

    def _rest(self, request, now):
        if self._let_go_at is not None:
            self._let_go_at = None
            self._direction(0)
        rest_ms = max(self._silence_ms, request.gap_ms)
        if ticks_diff(ticks_add(now, rest_ms), self._quiet_at) > 0:
            self._quiet_at = ticks_add(now, rest_ms)

    def _next(self, now):
        if ticks_diff(now, self._quiet_at) < 0:
            self.due = self._quiet_at
            return
        if not self._again:
            part = self._longest_waiting(now)
            if part is None:
                return
            request = part.ask(now)
            if request is None:
                self.due = ticks_add(now, _LOOK_MS)
                return
            self._part = part
            self._request = request
            self._tries = 0
            self._first_at = now
        self._again = False
        self._send(now)

    def _longest_waiting(self, now):
        """The part whose wish is the oldest, or None, with `due` at the next wish."""
        first = None
        for part in self.parts:
            if part.wish is not None and (first is None or ticks_diff(part.wish, first.wish) < 0):
                first = part
        if first is None:
            self.due = ticks_add(now, 1000)
        elif ticks_diff(now, first.wish) < 0:
            self.due = first.wish
            first = None
        return first

    def _send(self, now):
        request = self._request
        n = len(request.frame)
        talk_ms = 1 + (n * self._char_us + 999) // 1000
        answer_ms = (request.size * self._char_us + 999) // 1000
        sent_at = ticks_add(now, talk_ms)
        self._arrives_at = ticks_add(sent_at, answer_ms + self._silence_ms)
        self._deadline = ticks_add(sent_at, answer_ms + request.timeout_ms)
        self.answer.expect(request)
        self.requests = self.requests + 1 & _COUNT_MASK
        self.due = self._arrives_at
        if self._direction is not None:
            self._let_go_at = self.due = sent_at
            self._direction(talk_ms)
        self._uart.write(request.frame)
