"""Model of an RS-485 bus with slaves of Modbus RTU: characters with their time, a transceiver with
its direction, slaves that wait for silence, and what goes wrong with all of them.

`Port` is the master's UART in simulated time. Models of devices are made of `Slave`; at a real
serial port the same slaves answer by `reply()`. Nothing of the drivers is used here.
"""

from firmware.clock import ticks_diff

# CRC by the bit, and not as the driver has it.


def crc(data):
    """CRC-16 of Modbus, low byte first, as two bytes."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return bytes((value & 0xFF, value >> 8))


class Refused(Exception):
    """A slave answers with this exception code."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Slave:
    """What all devices share. A device gives read(function, register, count) -> list of words and
    write(register, words), and says no by Refused.

    baud, parity: its own; at another speed it hears nothing that it knows. latency_ms: from the end
    of a request to its answer. gap_ms: requests that come sooner after its last answer are not
    heard.

    Faults: silent; bad_crc; exception (a code); wrong_address; cut (so many bytes of the answer are
    left out at the end); noise (bytes in front of the answer); skip: the next so many requests get
    no answer. late_ms: once, added to the latency of the next answer. asked: requests heard.
    """

    def __init__(self, address, baud=9600, parity="none", latency_ms=10):
        self.address = address
        self.baud = baud
        self.parity = parity
        self.latency_ms = latency_ms
        self.gap_ms = 0
        self.silent = self.bad_crc = self.wrong_address = False
        self.exception = self.cut = self.skip = self.late_ms = 0
        self.noise = b""
        self.asked = 0
        self.log = []  # (function, register, count or words) of what was asked, the newest 400

    def advance(self, ms):
        """So much time has passed for the device."""

    def read(self, function, register, count):
        raise Refused(1)

    def write(self, register, words):
        raise Refused(1)

    def reply(self, frame):
        """The bytes that answer a whole frame, b"" none."""
        if len(frame) < 4 or crc(frame[:-2]) != bytes(frame[-2:]) or frame[0] not in (self.address, 0):
            return b""
        self.asked += 1
        if self.silent:
            return b""
        try:
            body = self._body(frame)
        except Refused as no:
            body = bytes((frame[1] | 0x80, no.code))
        if self.skip:
            self.skip -= 1
            return b""
        if frame[0] == 0:
            return b""
        head = bytes(((self.address + 1 if self.wrong_address else self.address) & 0xFF,))
        tail = crc(head + body)
        if self.bad_crc:
            tail = bytes((tail[0] ^ 0x10, tail[1]))
        answer = head + body + tail
        return self.noise + answer[: len(answer) - self.cut]

    def _body(self, frame):
        function = frame[1]
        if self.exception:
            raise Refused(self.exception)
        if function in (3, 4) and len(frame) == 8:
            register = frame[2] * 256 + frame[3]
            count = frame[4] * 256 + frame[5]
            self._note(function, register, count)
            if not 1 <= count <= 125:
                raise Refused(3)
            words = self.read(function, register, count)
            data = bytearray((function, 2 * count))
            for word in words:
                data.append(word >> 8)
                data.append(word & 0xFF)
            return bytes(data)
        if function == 16 and len(frame) >= 11 and len(frame) == 9 + frame[6]:
            register = frame[2] * 256 + frame[3]
            count = frame[4] * 256 + frame[5]
            if frame[6] != 2 * count or not count:
                raise Refused(3)
            words = [frame[7 + 2 * i] * 256 + frame[8 + 2 * i] for i in range(count)]
            self._note(function, register, words)
            self.write(register, words)
            return bytes(frame[1:6])
        raise Refused(1)

    def _note(self, *entry):
        self.log.append(entry)
        if len(self.log) > 400:
            del self.log[0]


def char_us(baud, parity):
    """How long one character takes."""
    return (11 if parity in ("even", "odd") else 10) * 1000000 // baud


class Port:
    """Master's end of the bus: any(), readinto(buf, n), write(buf), and drive(ms) for its direction.

    switching: "auto": the transceiver does it by itself; "timer": drive(ms) ends by itself; "call":
    only drive(0) ends it. While the master drives, what a slave sends is lost. echo: the receiver
    hears its own transmitter. room: of the receive buffer; what finds none is lost.

    poll(now) before the master's own poll in each turn. inject(data): bytes from nowhere, now.
    """

    def __init__(self, baud=9600, parity="none", switching="auto", echo=False, room=256):
        self.baud = baud
        self.parity = parity
        self.switching = switching
        self.echo = echo
        self.room = room
        self.slaves = []
        self.cut = False  # the wires are off
        self.collisions = self.overflows = self.sent = 0
        self._char = char_us(baud, parity)
        self._started = None
        self._us = 0
        self._wire = []  # (time, byte) on the way to the master, in order
        self._fifo = bytearray()
        self._frame = bytearray()  # what slaves have heard
        self._heard_us = None  # end of the last character of it
        self._free_us = 0  # of the transmitter
        self._drive_until = 0

    def add(self, slave):
        self.slaves.append(slave)
        return slave

    def poll(self, now):
        if self._started is None:
            self._started = now
        us = ticks_diff(now, self._started) * 1000
        ms = (us - self._us) // 1000
        self._us = us
        if ms > 0:
            for slave in self.slaves:
                slave.advance(ms)
        if self._heard_us is not None and us >= self._heard_us + 7 * self._char // 2:
            self._all_answer()
        self._arrive()

    def inject(self, data):
        for byte in data:
            self._push(self._us, byte)

    # -- the UART

    def any(self):
        return len(self._fifo)

    def readinto(self, buf, n):
        n = min(n, len(self._fifo))
        for i in range(n):
            buf[i] = self._fifo[i]
        self._fifo = self._fifo[n:]
        return n

    def write(self, buf):
        at = max(self._us, self._free_us)
        if self.switching != "auto" and self._drive_until <= self._us:
            return len(buf)  # the transceiver listens: nothing gets out
        for byte in buf:
            at += self._char
            if not self.cut:
                self._frame.append(byte)
            if self.echo:
                self._wire.append((at, byte))
        self._free_us = at
        self._heard_us = None if self.cut else at
        self.sent += 1
        return len(buf)

    def drive(self, ms):
        if ms == 0:
            if self._us < self._free_us:
                self._frame = bytearray()  # cut off while it sent
                self._heard_us = None
            self._drive_until = 0
        else:
            self._drive_until = self._us + ms * 1000 if self.switching == "timer" else 1 << 60

    # -- the wire

    def _all_answer(self):
        frame = bytes(self._frame)
        at = self._heard_us
        self._frame = bytearray()
        self._heard_us = None
        for slave in self.slaves:
            if slave.baud != self.baud or slave.parity != self.parity:
                continue
            if at < getattr(slave, "deaf_until_us", 0):
                continue
            answer = slave.reply(frame)
            begin = at + (slave.latency_ms + slave.late_ms) * 1000
            if answer:
                slave.late_ms = 0
            for i, byte in enumerate(answer):
                self._push(begin + (i + 1) * self._char, byte)
            slave.deaf_until_us = begin + len(answer) * self._char + slave.gap_ms * 1000

    def _push(self, at, byte):
        i = len(self._wire)
        while i and self._wire[i - 1][0] > at:
            i -= 1
        self._wire.insert(i, (at, byte))

    def _arrive(self):
        while self._wire and self._wire[0][0] <= self._us:
            at, byte = self._wire.pop(0)
            if self.cut:
                continue
            if self.switching != "auto" and at < self._drive_until and not self.echo:
                self.collisions += 1
                continue
            if len(self._fifo) >= self.room:
                self.overflows += 1
                continue
            self._fifo.append(byte)
